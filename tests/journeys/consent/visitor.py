"""Somebody with a browser: what they see and press, what their browser keeps, whom it asks."""

import secrets
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Locator, Page, Request

from apps.demo.site import ADS, CHAT, DASHBOARD, DEVELOPERS, DOMAIN, MAIN, STATISTICS

if TYPE_CHECKING:  # models may be imported only once the settings are read, which is after conftest.py
    from apps.cookies.choice import Choice
    from tests.journeys.consent.conftest import World

OWN, STRANGERS = (MAIN, DASHBOARD, DEVELOPERS), (STATISTICS, CHAT, ADS)
NAMES = ("performance", "functional", "marketing")
LISTEN = """addEventListener('securitypolicyviolation',
  event => console.error(`refused: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));"""
SIGNAL = "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {value: true, configurable: true});"
STORED = """async () => [...Object.keys(localStorage), ...Object.keys(sessionStorage),
  ...(await indexedDB.databases()).map(each => each.name)]"""


class Visitor:
    """One browser profile. `asked` holds every request that left it, `complaints` what its console said."""

    def __init__(self, world: "World", browser: Browser, *, signals: bool = False, **options: Any) -> None:
        if signals:
            options["extra_http_headers"] = {"Sec-GPC": "1"}
        self.world = world
        self.context = browser.new_context(**{"locale": "en-GB", "reduced_motion": "reduce"} | options)
        self.context.add_init_script(LISTEN + (SIGNAL if signals else ""))
        self.context.set_default_timeout(10_000)
        self.asked: list[Request] = []
        self.complaints: list[str] = []
        self.context.on("request", lambda request: self.asked.append(request))  # noqa: PLW0108 - playwright marks functions
        self.context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        self.context.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        self.page = self.context.new_page()

    def goes(self, host: str = MAIN, page: str = "", *, lang: str = "") -> Page:
        path = f"/demo-site/{page}{'/' if page else ''}" + (f"?lang={lang}" if lang else "")
        self.page.goto(self.world.at(host, path))
        return self.page

    # --- the banner ---

    @property
    def banner(self) -> Locator:
        return self.page.locator("portal-consent #banner")

    @property
    def preferences(self) -> Locator:
        return self.page.locator("portal-consent #preferences")

    def presses(self, button: str) -> None:
        """`accept`, `reject`, `choose`, `save`, `back`, of the layer that is there."""
        self.page.locator(f"portal-consent #{button}").click()

    def opens_preferences(self) -> Locator:
        self.page.locator("footer [data-consent-open]").click()
        self.preferences.wait_for()
        return self.preferences

    def decides(self, *yes: str) -> None:
        """Through the preferences, whatever layer is there."""
        if self.banner.is_visible():
            self.presses("choose")
        else:
            self.opens_preferences()
        for name in NAMES:
            self.page.locator(f"portal-consent #{name}").set_checked(name in yes)
        self.presses("save")
        self.until_decided()

    def until_decided(self) -> None:
        self.page.wait_for_function("() => !document.querySelector('portal-consent')?.shadowRoot.firstElementChild")
        self.until_proved()

    def until_proved(self) -> None:
        """Nothing waits to be sent any more."""
        self.page.wait_for_function("() => !localStorage.getItem('portal-consent-queue')")

    # --- what the browser keeps ---

    def cookie(self, name: str = "portal_consent") -> str:
        return next((each["value"] for each in self.context.cookies() if each["name"] == name), "")

    @property
    def choice(self) -> set[str]:
        """What the cookie says yes to."""
        digits = self.cookie().split(".")[3]
        return {name for name, digit in zip(NAMES, digits, strict=True) if digit == "1"}

    @property
    def events(self) -> list[dict[str, Any]]:
        return self.world.events(self.cookie().split(".")[1])

    def cookies(self) -> set[tuple[str, str]]:
        return {(each["name"], each["domain"]) for each in self.context.cookies()}

    def storage(self) -> list[str]:
        """Names in local storage, session storage and IndexedDB of this host."""
        return self.page.evaluate(STORED)

    def remembers(
        self, yes: Iterable[str] = (), *, ago: timedelta = timedelta(0), material: int | None = None
    ) -> "Choice":
        """A choice that was made some time ago, put into the browser."""
        from apps.consent.ids import event_id
        from apps.cookies.choice import Choice, format_choice

        at = datetime.now(UTC) - ago
        made = Choice(
            secrets.token_urlsafe(16),
            self.world.register()["material"] if material is None else material,
            frozenset(yes),
            at,
            event_id(at),
        )
        self.keeps(format_choice(made))
        return made

    def keeps(self, value: str, name: str = "portal_consent", domain: str = f".{DOMAIN}") -> None:
        self.context.add_cookies([{"name": name, "value": value, "domain": domain, "path": "/"}])

    # --- whom it asked ---

    def hosts(self) -> set[str]:
        return {urlsplit(request.url).hostname or "" for request in self.asked if request.url.startswith("http")}

    def strangers(self) -> set[str]:
        return self.hosts() & set(STRANGERS)

    def paths(self) -> list[str]:
        return [urlsplit(request.url).path for request in self.asked if request.url.startswith("http")]

    def forgets_requests(self) -> None:
        self.asked.clear()

    def waits(self, seconds: float) -> None:
        self.page.wait_for_timeout(seconds * 1000)

    def until(self, condition: Any, *, seconds: float = 5, what: str = "it") -> None:
        """Poll, with the browser's events coming in."""
        ends = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < ends, f"waited {seconds} s in vain for {what}"
            self.waits(0.05)
