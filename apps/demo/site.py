"""A small company's site to try the cookie banner on: three hosts of its own, three strangers, and what these saw."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import translation
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

KEY = "demo"  # of the cookie register
NAME = "Oever Bikes"
MAIN, DASHBOARD, DEVELOPERS = (f"{name}.example.localhost" for name in ("site", "dashboard", "developers"))
OWN = {MAIN: _("Shop"), DASHBOARD: _("My orders"), DEVELOPERS: _("For developers")}
FRONTS = {MAIN: "home", DASHBOARD: "dashboard", DEVELOPERS: "developers"}
PAGES = ("home", "article", "shop", "seen")

STATISTICS, CHAT, ADS = "stats.localhost", "chat.localhost", "ads.localhost"


@dataclass(frozen=True)
class Answer:
    """What a stranger's server sends: a script, a page or a picture, and the cookie it keeps for itself."""

    kind: str
    cookie: str
    template: str = ""


# host -> name of the file -> what it answers
STRANGERS: dict[str, dict[str, Answer]] = {
    STATISTICS: {
        "stats.js": Answer("text/javascript", "stats_session", "demo/tags/stats.js"),
        "later.js": Answer("text/javascript", "stats_session", "demo/tags/later.js"),
        "beat.gif": Answer("image/gif", "stats_session"),
    },
    CHAT: {
        "chat": Answer("text/html", "chat_session", "demo/tags/chat.html"),
        "film": Answer("text/html", "chat_session", "demo/tags/film.html"),
    },
    ADS: {
        "ads.js": Answer("text/javascript", "ads_id", "demo/tags/ads.js"),
        "pixel.gif": Answer("image/gif", "ads_id"),
    },
}
PICTURE = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")
CART, DOMAIN = "demo_cart", "example.localhost"  # the one cookie that the shop needs, on all its hosts


class Hits:
    """How often each file of each stranger was asked for, counted by this process since it started."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def count(self, host: str, name: str) -> None:
        with self._lock:
            self._counts[host, name] += 1

    def by_file(self) -> dict[str, dict[str, int]]:
        return {host: {name: self._counts[host, name] for name in names} for host, names in STRANGERS.items()}

    def totals(self) -> dict[str, int]:
        return {host: sum(counts.values()) for host, counts in self.by_file().items()}


HITS = Hits()


def host_of(request: HttpRequest) -> str:
    """The name that the browser asked for, without the port."""
    return urlsplit(f"//{request.get_host()}").hostname or ""


def origin(request: HttpRequest, host: str) -> str:
    """Where another name of this same server is reached."""
    port = request.get_host().rpartition(":")[2]
    return f"{request.scheme}://{host}" + (f":{port}" if port.isdigit() else "")


def address(request: HttpRequest, host: str, page: str = "home") -> str:
    """A page on one of the hosts, in the language of this one."""
    path = reverse("demo:page", args=[page]) if page != "home" else reverse("demo:home")
    language = request.GET.get("lang")
    return origin(request, host) + path + (f"?{urlencode({'lang': language})}" if language else "")


def policy(request: HttpRequest, nonce: str) -> str:
    """As strict as a site's content policy gets: scripts by nonce alone, and one Trusted Types policy, the banner's."""
    strangers = " ".join(origin(request, host) for host in STRANGERS)
    directives = {
        "default-src": "'none'",
        "script-src": f"'nonce-{nonce}'",
        "style-src": f"'nonce-{nonce}'",
        "img-src": f"'self' data: {strangers}",
        "connect-src": f"'self' {settings.BASE_URL} {strangers}",
        "frame-src": origin(request, CHAT),
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "portal-consent",
    }
    return "; ".join(f"{name} {sources}" for name, sources in directives.items())


@contextmanager
def language_of(request: HttpRequest) -> Iterator[str]:
    """The language that the address asks for, else the browser's."""
    asked = request.GET.get("lang", "")
    language = asked if asked in dict(settings.LANGUAGES) else translation.get_language() or settings.LANGUAGE_CODE
    with translation.override(language):
        yield language


def context(request: HttpRequest, page: str, language: str, nonce: str) -> dict[str, Any]:
    """What every page of the site needs to know."""
    here = host_of(request)
    return {
        "company": NAME,
        "site": KEY,
        "portal": settings.BASE_URL,
        "nonce": nonce,
        "page": page,
        "reloads": here == MAIN,
        "hosts": [(name, address(request, host), host == here) for host, name in OWN.items()],
        "pages": [(name, address(request, here, name)) for name in PAGES],
        "languages": [(code, name, code == language) for code, name in settings.LANGUAGES],
        "statistics": origin(request, STATISTICS),
        "chat": origin(request, CHAT),
        "ads": origin(request, ADS),
        "seen": HITS.totals(),
        "received": sorted(request.COOKIES),
    }
