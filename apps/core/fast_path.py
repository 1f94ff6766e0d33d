"""Addresses that machines ask often: plain views before all middleware, without session, cookie, CSRF token, language.

A view marked `on_fast_path` is called by `core.middleware.FastPathMiddleware` and by nothing else. It knows who asks
from what the request carries (an origin, a token), answers JSON, refuses by raising `Refused`, and speaks to the
database in statements that each connection prepares once.
"""

import json
import logging
import re
import time
import weakref
from collections.abc import Callable, Hashable, Mapping
from functools import wraps
from typing import Any, Generic, TypeVar

import psycopg2
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, get_resolver

log = logging.getLogger(__name__)
View = Callable[[HttpRequest], HttpResponse]

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
}
CORS = (
    ("Access-Control-Allow-Methods", "POST"),
    ("Access-Control-Allow-Headers", "content-type"),
    ("Access-Control-Max-Age", "86400"),
    ("Cross-Origin-Resource-Policy", "cross-origin"),
    ("Vary", "Origin"),
)
LATER = {"Retry-After": "5"}


class Refused(Exception):
    """An answer that is no: status, a stable code, a sentence, the field it is about, and what else helps."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        field: str = "",
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(code)
        self.status, self.headers = status, dict(headers or {})
        self.body = {"type": "about:blank", "status": status, "code": code, "detail": detail}
        self.body |= ({"field": field} if field else {}) | more


def answer(content: Any, *, status: int = 200) -> HttpResponse:
    """JSON with its length."""
    return _response(json.dumps(content, separators=(",", ":")), status, "application/json")


def nothing() -> HttpResponse:
    """204."""
    return HttpResponse(status=204)


def _response(text: str, status: int, kind: str) -> HttpResponse:
    body = text.encode()
    return HttpResponse(body, status=status, content_type=kind, headers={"Content-Length": str(len(body))})


def on_fast_path(*methods: str) -> Callable[[View], View]:
    """Mark a view for the fast path; its address must hold no arguments. Other methods get 405, a refusal problem+json
    (RFC 9457), a database that fails or is too slow 503."""

    def mark(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest) -> HttpResponse:
            response = answered(request)
            if allowed := getattr(request, "allowed_origin", ""):  # a view let this origin in (CORS); never credentials
                for name, value in (("Access-Control-Allow-Origin", allowed), *CORS):
                    response.headers[name] = value
            return response

        def answered(request: HttpRequest) -> HttpResponse:
            try:
                if request.method not in methods:
                    allow = {"Allow": ", ".join(methods)}
                    raise Refused(405, "method", "This address does not answer that method.", headers=allow)
                if settings.SECURE_SSL_REDIRECT and not request.is_secure():
                    raise Refused(403, "https", "Ask by https.")
                return view(request)
            except Refused as refused:
                return _problem(refused)
            except (DatabaseError, psycopg2.Error) as error:
                log.warning("The database did not answer: %s", type(error).__name__)
                return _problem(Refused(503, "later", "Ask again in a few seconds.", headers=LATER))

        guarded.is_on_fast_path = True  # type: ignore[attr-defined]
        return guarded

    return mark


def _problem(refused: Refused) -> HttpResponse:
    response = _response(json.dumps(refused.body), refused.status, "application/problem+json")
    for name, value in refused.headers.items():
        response[name] = value
    if refused.status in (405, 429):
        response._has_been_logged = True  # type: ignore[attr-defined]  # a flood must not fill the log either
    return response


def views() -> dict[str, View]:
    """Address -> view, of everything on the fast path."""
    return dict(_below(get_resolver(), "/"))


def _below(resolver: URLResolver, prefix: str) -> Any:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from _below(entry, prefix + str(entry.pattern))
        elif isinstance(entry, URLPattern) and getattr(entry.callback, "is_on_fast_path", False):
            yield prefix + str(entry.pattern), entry.callback


# --- what is sent -----------------------------------------------------------------------------------------------------


def read_json(request: HttpRequest, *, limit: int) -> dict[str, Any]:
    """The object in the body. More than `limit` bytes are refused before they are read, and what JSON leaves open
    (doubled names, NaN) is no JSON here (T33)."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isascii() or not length.isdigit() or int(length) > limit:
        raise Refused(413, "size", f"Send {limit:,} bytes at most.")
    try:
        found = json.loads(request.read(int(length)), object_pairs_hook=_once, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise Refused(400, "json", "The body is no JSON object.") from None
    if not isinstance(found, dict):
        raise Refused(400, "json", "The body is no JSON object.")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _refuse(constant: str) -> None:
    raise ValueError(constant)


# --- how often --------------------------------------------------------------------------------------------------------


def network_of(request: HttpRequest) -> str:
    """The network that asks: /24 of IPv4, /48 of IPv6. For counting alone; it is stored nowhere.

    `X-Forwarded-For` counts only from as many proxies as are trusted (T38).
    """
    trusted = settings.ALLAUTH_TRUSTED_PROXY_COUNT
    said = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if trusted else []
    address = said[-trusted].strip() if trusted and len(said) >= trusted else request.META.get("REMOTE_ADDR", "")
    if "." in address:
        return address.removeprefix("::ffff:").rpartition(".")[0]
    return ":".join(address.split(":")[:3])


class Buckets:
    """How often something may happen, by name: `burst` at once, then `a_second`. In this process alone.

    A fixed number of counters, found by a hash that is salted anew in every process: no name is kept, memory never
    grows, and what two names share by chance is only their limit.
    """

    SIZE = 65_536

    def __init__(self, *, a_second: float, burst: float) -> None:
        self.a_second, self.burst = a_second, burst
        self._level: dict[int, tuple[float, float]] = {}

    def take(self, name: str) -> bool:
        """Take one; False when there is none left now."""
        slot, now = hash((name, id(self))) % self.SIZE, time.monotonic()
        level, at = self._level.get(slot, (self.burst, now))
        level = min(self.burst, level + (now - at) * self.a_second)
        self._level[slot] = (level - 1 if level >= 1 else level, now)
        return level >= 1


# --- what was read a moment ago -------------------------------------------------------------------------------------

K, V = TypeVar("K", bound=Hashable), TypeVar("V")


class Remembered(Generic[K, V]):
    """What `read` finds, believed for some seconds in this process. What it does not find (None) it is asked again."""

    def __init__(self, read: Callable[[K], V | None], *, seconds: float, at_most: int = 1000) -> None:
        self.read, self.seconds, self.at_most = read, seconds, at_most
        self._kept: dict[K, tuple[V, float]] = {}

    def __call__(self, key: K) -> V | None:
        kept, now = self._kept.get(key), time.monotonic()
        if kept is not None and now - kept[1] < self.seconds:
            return kept[0]
        value = self.read(key)
        if len(self._kept) >= self.at_most:
            self._kept.clear()
        if value is None:
            self._kept.pop(key, None)
        else:
            self._kept[key] = (value, now)
        return value

    def forget(self) -> None:
        self._kept.clear()


# --- statements -------------------------------------------------------------------------------------------------------


class Prepared:
    """One statement, parsed and planned once for each connection, that gives up after `milliseconds`.

    `text` names its parameters as psycopg does, `%(name)s`. It must be safe to send twice: where the connection turns
    out to be dead it is sent again on a new one, in place of asking first whether it lives.
    """

    def __init__(self, name: str, text: str, *, milliseconds: int) -> None:
        names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", text)))
        numbered = re.sub(r"%\((\w+)\)s", lambda found: f"${names.index(found[1]) + 1}", text)
        self._prepare = f"PREPARE {name} AS {numbered}"
        values = ", ".join(f"%({each})s" for each in names)
        self._execute = f"SET LOCAL statement_timeout = {milliseconds}; EXECUTE {name} ({values})"
        self._known: weakref.WeakSet[Any] = weakref.WeakSet()

    def rows(self, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """What it finds."""
        with self._run(parameters) as cursor:
            return cursor.fetchall()

    def count(self, parameters: Mapping[str, Any]) -> int:
        """How many rows it wrote."""
        with self._run(parameters) as cursor:
            return cursor.rowcount

    def _run(self, parameters: Mapping[str, Any]) -> Any:
        is_old = connection.connection is not None and not connection.in_atomic_block
        try:
            return self._send(parameters)
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            if not (is_old and connection.connection.closed):
                raise
            connection.close()
            return self._send(parameters)

    def _send(self, parameters: Mapping[str, Any]) -> Any:
        connection.ensure_connection()
        raw = connection.connection
        cursor = raw.cursor()
        if raw not in self._known:
            cursor.execute(self._prepare)
            self._known.add(raw)
        cursor.execute(self._execute, parameters)
        return cursor
