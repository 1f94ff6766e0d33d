"""Going to every furnished page in a real browser, signed in as whoever belongs there."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import connection
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page

from apps.accounts.models import User
from apps.core import clock
from apps.subject_requests.models import SubjectRequest
from apps.subject_requests.states import Status
from tests.journeys.conftest import Portal, wait_for
from tests.journeys.places import CUSTOMER, OFFICER, Place, furnish

ACME = "1001"
ANSWERS = {
    "right": {"right": "erasure"},
    "about": {"about": "end_user"},
    "identifiers": {"lines": "+31612345678\nanna@example.com"},
    "asked": {"asked_on": ""},
}


@dataclass
class Walk:
    """A furnished portal and the browser to walk it with. `complaints` holds what the browser's console said."""

    portal: Portal
    browser: Browser
    sign_in: Callable[..., User]
    places: list[Place]
    complaints: list[str] = field(default_factory=list)
    here: str = ""

    @contextmanager
    def context(self, who: str, language: str, **options: Any) -> Iterator[BrowserContext]:
        """A browser of its own, in this language, signed in as `who`."""
        context = self.browser.new_context(**options)
        self._listen(context)
        self._cookie(context, settings.LANGUAGE_COOKIE_NAME, language)
        if who:
            User.objects.filter(email=who).update(language=language)
            self._cookie(context, settings.SESSION_COOKIE_NAME, self._session(who))
        yield context
        context.close()

    def visits(
        self, language: str, theme: str, width: int, *, height: int = 900, variants: bool = True
    ) -> Iterator[tuple[Place, Page]]:
        """Every page, in one language, theme and size; without `variants` one page of each kind."""
        places = [place for place in self.places if variants or not place.is_variant]
        for who in dict.fromkeys(place.who for place in places):
            size = {"width": width, "height": height}
            with self.context(who, language, viewport=size, color_scheme=theme, reduced_motion="reduce") as context:
                page = context.new_page()
                for place in (place for place in places if place.who == who):
                    self.here = f"{place.name} ({language}, {theme})"
                    page.goto(self.portal.url + place.path)
                    yield place, page

    def _session(self, who: str) -> str:
        """Fresh for every use: pages behind the second factor stay open for five minutes only."""
        client = Client()
        self.sign_in(client, User.objects.get(email=who))
        if who == CUSTOMER:
            for slug, data in ANSWERS.items():
                client.post(f"/requests/new/{slug}/", data)
        if who == OFFICER:
            references = SubjectRequest.objects.open().values_list("reference", flat=True)
            client.post("/desk/choose/", {"shown": " ".join(references), "chosen": list(references)})
        return client.cookies[settings.SESSION_COOKIE_NAME].value

    def _cookie(self, context: BrowserContext, name: str, value: str) -> None:
        context.add_cookies([{"name": name, "value": value, "url": self.portal.url}])

    def _listen(self, context: BrowserContext) -> None:
        """A refused style, a blocked script, an exception, an asset that is not there: all of them are complaints."""
        context.add_init_script(
            "addEventListener('securitypolicyviolation',"
            " (event) => console.error(`${event.violatedDirective} refused ${event.blockedURI} ${event.sample}`));"
        )
        context.on("weberror", lambda error: self.complaints.append(f"{self.here}: {error.error}"))
        context.on("console", lambda message: self._hear(message.text) if message.type == "error" else None)

    def _hear(self, text: str) -> None:
        is_its_own_404 = self.here.startswith("not-found") and "404" in text
        self.complaints += [] if is_its_own_404 else [f"{self.here}: {text}"]


def furnished(portal: Portal, browser: Browser, sign_in: Callable[..., User]) -> Walk:
    """The whole portal with a request in every state, the answers made by the real worker."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT recipient FROM platform.messages WHERE account_id = %s GROUP BY 1 ORDER BY count(*) DESC LIMIT 1",
            [ACME],
        )
        ((number,),) = cursor.fetchall()

    def settle() -> None:
        executing = SubjectRequest.objects.filter(status=Status.EXECUTING)
        wait_for(lambda: not executing.exists(), seconds=90, what="the worker's answers")
        portal.kill("beat")
        portal.kill("worker")

    return Walk(portal, browser, sign_in, furnish(now=clock.now(), number=number, settle=settle))
