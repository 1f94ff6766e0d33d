"""What pages really keep and ask, seen with a browser, against what the register says.

Every page is visited in three states, each in a browser that never saw it: nothing chosen, all refused, all accepted.
The choice is put into the browser as its cookie, so a scan decides nothing in anybody's name and writes no proof.
"""

import os
import re
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from apps.consent.services import event_id
from apps.cookies import choice
from apps.cookies.models import RegisterVersion, Site
from apps.cookies.states import OPTIONAL, Category, Kind
from apps.core.errors import DomainError

NOTHING, NONE, ALL = "nothing chosen", "none", "all"
STATES = (NOTHING, NONE, ALL)
UNKNOWN, EARLY = "unknown", "early"
WORDS = {UNKNOWN: "is not in the register", EARLY: "comes without the choice that it needs"}
HOST = "host"
SENDS = re.compile(r"/api/v1/cookie-choices")
FLAGS = ("--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
STORED = """async () => {
  const keys = name => { try { return Object.keys(window[name]) } catch { return [] } };
  const bases = async () => { try { return (await indexedDB.databases()).map(each => each.name) } catch { return [] } };
  return { local_storage: keys("localStorage"), session_storage: keys("sessionStorage"), indexed_db: await bases() };
}"""


@dataclass(frozen=True, order=True)
class Finding:
    """Something the register does not know, or that came before it may. `kind` is one of `Kind`, or `host`."""

    state: str
    kind: str
    name: str
    host: str
    problem: str
    url: str = field(compare=False)

    def __str__(self) -> str:
        named = self.host if self.kind == HOST else f"{self.name} at {self.host}"
        return f"{self.state}: {self.kind} {named} {WORDS[self.problem]} ({self.url})"

    def as_json(self) -> dict[str, str]:
        return {name: getattr(self, name) for name in ("state", "kind", "name", "host", "problem", "url")}


@dataclass(frozen=True)
class Item:
    """Something a browser keeps (`kind`, `name`), or a host that was asked."""

    kind: str
    name: str
    host: str


class Register:
    """A published register, asked what an item is."""

    def __init__(self, site: Site, version: RegisterVersion) -> None:
        self.site, self.material_number = site, version.material_number
        self.entries: list[Mapping[str, Any]] = version.content["entries"]
        self.own_hosts = {*site.hosts, urlsplit(settings.BASE_URL).hostname}

    def categories(self, item: Item) -> set[str]:
        """Those of the entries that tell of it; empty: nobody told."""
        if item.kind == HOST:
            if item.host in self.own_hosts:
                return {Category.NECESSARY}
            return {entry["category"] for entry in self.entries if _is_asked(item.host, entry)}
        return {entry["category"] for entry in self.entries if _tells_of(entry, item)}

    def problem(self, item: Item, allowed: Collection[str]) -> str:
        """What is wrong with the item where these categories are allowed; "": nothing."""
        categories = self.categories(item)
        if not categories:
            return UNKNOWN
        return "" if categories & {Category.NECESSARY, *allowed} else EARLY


def _tells_of(entry: Mapping[str, Any], item: Item) -> bool:
    pattern = ".*".join(map(re.escape, entry["name"].split("*")))
    return entry["kind"] == item.kind and bool(re.fullmatch(pattern, item.name)) and _lies_in(item.host, entry["host"])


def _is_asked(host: str, entry: Mapping[str, Any]) -> bool:
    named = [*entry["request_hosts"], *([entry["host"]] if entry["party"] == "third" else [])]
    return any(_lies_in(host, each) for each in named)


def _lies_in(host: str, told: str) -> bool:
    """Whether the register's host covers this one: a leading dot means all below, and the domain itself."""
    return host == told or (told.startswith(".") and f".{host.removeprefix('.')}".endswith(told))


def registers_of(urls: Iterable[str]) -> dict[str, Register]:
    """The published register for each address. Raises `DomainError` for a host that no site has."""
    found = {}
    for url in urls:
        host = urlsplit(url).hostname or ""
        site = Site.objects.hosting(host).first()
        version = RegisterVersion.objects.current().of_site(site.key).first() if site else None
        if site is None or version is None:
            raise DomainError("no_site", f"No site with a published register has the host {host or url!r}.")
        found[url] = Register(site, version)
    return found


def scan(urls: Sequence[str], *, now: datetime, settle: float = 2) -> list[Finding]:
    """Visit every page in every state, staying `settle` seconds on each; what is wrong, each thing once a state."""
    registers = registers_of(urls)
    found: dict[Finding, None] = {}
    with _browser() as browser:
        for state in STATES:
            for register in {each.site.key: each for each in registers.values()}.values():
                pages = [url for url in urls if registers[url].site.key == register.site.key]
                with _context(browser, register, state, pages, now) as context:
                    found |= dict.fromkeys(_visit(context, register, state, pages, settle))
    return list(found)


def _visit(context: Any, register: Register, state: str, urls: Sequence[str], settle: float) -> Iterator[Finding]:
    """All pages one after another in one browser: what one of them keeps, the next one finds there."""
    asked: set[str] = set()
    answers: list[Any] = []
    context.on("request", lambda request: asked.add(_asked_host(request.url)))
    context.on("response", lambda response: answers.append(response))  # noqa: PLW0108 - playwright marks functions
    allowed = [category.value for category in OPTIONAL] if state == ALL else []
    page = context.new_page()
    for url in urls:
        _open(page, url, settle)
        items = [*(Item(HOST, "", host) for host in sorted(asked - {""})), *_kept(context), *_sent(answers)]
        for item in items:
            if problem := register.problem(item, allowed):
                yield Finding(state, item.kind, item.name, item.host, problem, url)


def _open(page: Any, url: str, settle: float) -> None:
    try:
        page.goto(url, wait_until="load", timeout=30_000)
    except Exception as error:  # playwright's own errors, without importing it
        raise DomainError("unreachable", f"{url} can't be opened: {str(error).splitlines()[0]}") from error
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    page.wait_for_timeout(settle * 1000)


def _kept(context: Any) -> Iterator[Item]:
    for cookie in context.cookies():
        yield Item(Kind.COOKIE, cookie["name"], cookie["domain"])
    for frame in (frame for page in context.pages for frame in page.frames):
        host = _asked_host(frame.url)
        for kind, names in (frame.evaluate(STORED) if host else {}).items():
            yield from (Item(kind, name, host) for name in names)


def _sent(answers: Sequence[Any]) -> Iterator[Item]:
    """Cookies that answers try to set. Chromium may keep those of third parties from it; other browsers let them in."""
    for answer in answers:
        for header in _set_cookies(answer):
            pair, *attributes = (part.strip() for part in header.split(";"))
            told = {name.lower(): value for name, _, value in (each.partition("=") for each in attributes)}
            domain = told.get("domain", "").removeprefix(".")
            if told.get("max-age", "1").strip() != "0":  # it takes a cookie away
                yield Item(Kind.COOKIE, pair.partition("=")[0], f".{domain}" if domain else _asked_host(answer.url))


def _set_cookies(answer: Any) -> list[str]:
    try:
        values: list[str] = answer.header_values("set-cookie")
    except Exception:  # the page that asked is gone, and the headers with it
        return []
    return values


def _asked_host(url: str) -> str:
    parts = urlsplit(url)
    return (parts.hostname or "") if parts.scheme in ("http", "https", "ws", "wss") else ""


@contextmanager
def _context(browser: Any, register: Register, state: str, urls: Sequence[str], now: datetime) -> Iterator[Any]:
    """A browser that never saw the site, with the state's choice, and from which no proof of one leaves."""
    context = browser.new_context()
    context.route(SENDS, lambda route: route.fulfill(status=204, headers={"Access-Control-Allow-Origin": "*"}))
    if state != NOTHING:
        said = [category.value for category in OPTIONAL] if state == ALL else []
        value = _choice(register, said, now)
        context.add_cookies([{"name": choice.NAME, "value": value, **_place(register.site, url)} for url in urls])
    yield context
    context.close()


def _choice(register: Register, said: Collection[str], now: datetime) -> str:
    visitor, event = choice.new_visitor(), event_id(now)
    made = choice.Choice(visitor, register.material_number, choice.allowed(said), now, event)
    return choice.format_choice(made)


def _place(site: Site, url: str) -> dict[str, Any]:
    host = urlsplit(url).hostname or ""
    domain = choice.cookie_domain(site, host)
    return {"domain": f".{domain}" if domain else host, "path": "/"}


@contextmanager
def _browser() -> Iterator[Any]:
    start = _playwright()
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium has no sandbox for root
    installed = next(filter(None, map(shutil.which, BROWSERS)), None)
    with start() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=installed, args=[*FLAGS, *sandbox])
        except Exception as error:
            raise DomainError("no_browser", "Chromium can't be started: install the package chromium.") from error
        yield browser
        browser.close()


def _playwright() -> Callable[[], Any]:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise DomainError("no_playwright", "A scan needs playwright: pip install playwright.") from error
    return sync_playwright
