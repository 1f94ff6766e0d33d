"""Addresses that machines ask often, answered before Django's handler: no middleware, session, cookie or language.

A view marked `on_fast_path` takes a `Call` and gives an `Answer`. The web server's `Dispatcher` asks it first of all
(`privacy_portal/wsgi.py`); where there is none (tests, `runserver`) `core.middleware.FastPathMiddleware` does. It knows
who asks from what the call carries (an origin, a token), refuses by raising `Refused`, and speaks to the database in
statements that each connection prepares once.
"""

import json
import logging
import re
import time
import traceback
import weakref
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from functools import cache, wraps
from http import HTTPStatus
from ipaddress import IPv6Address
from typing import Any, Generic, NamedTuple, TypeVar

import psycopg2
from django.conf import settings
from django.core.signals import request_started
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, connections
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, get_resolver

log = logging.getLogger(__name__)
Headers = tuple[tuple[str, str], ...]

HEADERS: Headers = (
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "no-store"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
)
CORS: Headers = (
    ("Access-Control-Allow-Methods", "POST"),
    ("Access-Control-Allow-Headers", "content-type"),
    ("Access-Control-Max-Age", "86400"),
    ("Cross-Origin-Resource-Policy", "cross-origin"),
    ("Vary", "Origin"),
)
LATER = {"Retry-After": "5"}
STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


class Call:
    """One request, as WSGI brings it."""

    __slots__ = ("allowed_origin", "environ", "method")

    def __init__(self, environ: Mapping[str, Any]) -> None:
        self.environ, self.method = environ, environ["REQUEST_METHOD"]
        self.allowed_origin = ""  # set by a view that lets the origin in: its pages may then read the answer

    def header(self, name: str) -> str:
        """A header by its name in WSGI (`HTTP_ORIGIN`), or ""."""
        value: str = self.environ.get(name, "")
        return value

    @property
    def is_secure(self) -> bool:
        name, value = settings.SECURE_PROXY_SSL_HEADER or ("", None)
        return self.environ["wsgi.url_scheme"] == "https" or (bool(name) and self.environ.get(name) == value)


class Answer(NamedTuple):
    """What goes back."""

    status: int
    body: bytes = b""
    headers: Headers = ()


View = Callable[[Call], Answer]


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
        self.http_status, self.headers = status, tuple((headers or {}).items())
        self.body = {"type": "about:blank", "status": status, "code": code, "detail": detail}
        self.body |= ({"field": field} if field else {}) | more

    def within(self, place: str) -> "Refused":
        """The same, about a field of this place."""
        self.body["field"] = f"{place}.{self.body['field']}" if "field" in self.body else place
        return self


def answer(content: Any, *, status: int = 200) -> Answer:
    """JSON."""
    return Answer(status, _as_json(content).encode(), (("Content-Type", "application/json"),))


_as_json = json.JSONEncoder(separators=(",", ":")).encode  # made once, as `_from_json` is


def nothing() -> Answer:
    """204."""
    return Answer(204)


def on_fast_path(*methods: str) -> Callable[[View], Callable[[HttpRequest], HttpResponse]]:
    """Mark a view for the fast path; its address must hold no arguments. Other methods get 405, a refusal problem+json
    (RFC 9457), a database that fails or is too slow 503.

    What stands in the URLconf is a view of Django's around it, so that the address has a name and a place.
    """

    def mark(view: View) -> Callable[[HttpRequest], HttpResponse]:
        @wraps(view)
        def for_django(request: HttpRequest) -> HttpResponse:
            return as_response(_whole(view, methods, Call(request.META)))

        for_django.on_fast_path = lambda call: _whole(view, methods, call)  # type: ignore[attr-defined]
        return for_django

    return mark


def as_response(given: Answer) -> HttpResponse:
    """The answer as Django's own."""
    return HttpResponse(given.body, status=given.status, headers=dict(given.headers))


def _whole(view: View, methods: tuple[str, ...], call: Call) -> Answer:
    """The view's answer, or its refusal, with the headers that all of them have."""
    try:
        if call.method not in methods:
            allow = {"Allow": ", ".join(methods)}
            raise Refused(405, "method", "This address does not answer that method.", headers=allow)
        if settings.SECURE_SSL_REDIRECT and not call.is_secure:
            raise Refused(403, "https", "Ask by https.")
        given = view(call)
    except Refused as refused:
        given = _problem(refused, call)
    except (DatabaseError, psycopg2.Error) as error:
        if not connection.in_atomic_block:
            connection.close()  # it may be dead: the next call gets another
        log.warning("The database did not answer: %s", type(error).__name__)
        given = _problem(Refused(503, "later", "Ask again in a few seconds.", headers=LATER), call)
    except Exception as error:  # its message may hold what was sent (T57)
        log.error("%s\n%s", type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))
        given = _problem(Refused(500, "failed", "Something went wrong on our side."), call)
    allowed = (("Access-Control-Allow-Origin", call.allowed_origin), *CORS) if call.allowed_origin else ()
    length = (("Content-Length", str(len(given.body))),) if given.status != 204 else ()
    return Answer(given.status, given.body, (*given.headers, *length, *allowed, *_standing()))


def _problem(refused: Refused, call: Call) -> Answer:
    if refused.http_status in (401, 403) and told.take("refused"):
        log.warning("%s (%s): %s", refused.http_status, refused.body["code"], call.environ["PATH_INFO"])
    kind = ("Content-Type", "application/problem+json")
    return Answer(refused.http_status, json.dumps(refused.body).encode(), (kind, *refused.headers))


@cache
def _standing() -> Headers:
    if not settings.SECURE_HSTS_SECONDS:
        return HEADERS
    below = "; includeSubDomains" if settings.SECURE_HSTS_INCLUDE_SUBDOMAINS else ""
    return (*HEADERS, ("Strict-Transport-Security", f"max-age={settings.SECURE_HSTS_SECONDS}{below}"))


@cache
def views() -> dict[str, View]:
    """Address -> view, of everything on the fast path. No table to keep: the URLconf is read once."""
    return dict(_below(get_resolver(), "/"))


def _below(resolver: URLResolver, prefix: str) -> Iterator[tuple[str, View]]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from _below(entry, prefix + str(entry.pattern))
        elif isinstance(entry, URLPattern) and hasattr(entry.callback, "on_fast_path"):
            yield prefix + str(entry.pattern), entry.callback.on_fast_path


class Dispatcher:
    """The WSGI application: what is on the fast path first, all else by Django."""

    def __init__(self, django: Callable[..., Iterable[bytes]]) -> None:
        self.django = django

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        view = views().get(environ["PATH_INFO"])
        if view is None:
            return self.django(environ, start_response)
        given = view(Call(environ))
        start_response(STATUS_LINES[given.status], list(given.headers))
        return [given.body]


# --- what is sent -----------------------------------------------------------------------------------------------------


def read_json(call: Call, *, limit: int) -> dict[str, Any]:
    """The object in the body. More than `limit` bytes are refused before they are read, and what JSON leaves open
    (doubled names, NaN) is no JSON here (T33)."""
    length = call.header("CONTENT_LENGTH") or "0"
    if not length.isascii() or not length.isdigit() or len(length) > 9 or int(length) > limit:
        raise Refused(413, "size", f"Send {limit:,} bytes at most.")
    try:
        found = _from_json(call.environ["wsgi.input"].read(int(length)).decode())
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


_from_json = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_refuse).decode


# --- how often --------------------------------------------------------------------------------------------------------


def network_of(call: Call) -> str:
    """The network that asks: /24 of IPv4, /48 of IPv6. For counting alone; it is stored nowhere.

    `X-Forwarded-For` counts only from as many proxies as are trusted (T38).
    """
    trusted = settings.ALLAUTH_TRUSTED_PROXY_COUNT
    said = call.header("HTTP_X_FORWARDED_FOR").split(",") if trusted else []
    forwarded = said[-trusted].strip() if trusted and len(said) >= trusted else ""
    address = forwarded or call.header("REMOTE_ADDR")
    if "." in address:
        return address.removeprefix("::ffff:").rpartition(".")[0]
    try:
        return IPv6Address(address).exploded[:14]
    except ValueError:
        return ""  # nonsense, all of it together


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


told = Buckets(a_second=1, burst=20)  # of lines in the log: a flood must not fill that either


# --- what was read a moment ago -------------------------------------------------------------------------------------

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


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
        # For the session: nothing else here prepares statements, and a plan made anew costs more than the statement.
        self._prepare = f"SET plan_cache_mode = force_generic_plan; PREPARE {name} AS {numbered}"
        values = ", ".join(f"%({each})s" for each in names)
        self._execute, self._limit = f"EXECUTE {name} ({values})", milliseconds
        self._known: weakref.WeakSet[Any] = weakref.WeakSet()

    def rows(self, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """What it finds."""
        with self._run(parameters) as cursor:
            found: list[tuple[Any, ...]] = cursor.fetchall()
            return found

    def count(self, parameters: Mapping[str, Any]) -> int:
        """How many rows it wrote."""
        with self._run(parameters) as cursor:
            return int(cursor.rowcount)

    def _run(self, parameters: Mapping[str, Any]) -> Any:
        here = connections[DEFAULT_DB_ALIAS]
        if here.connection is None or here.in_atomic_block:
            return self._send(here, parameters)
        try:
            return self._send(here, parameters)
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            if not here.connection.closed:
                raise
            here.close()
            return self._send(here, parameters)

    def _send(self, here: Any, parameters: Mapping[str, Any]) -> Any:
        here.ensure_connection()
        raw = here.connection
        cursor = raw.cursor()
        if raw not in self._known:
            cursor.execute(self._prepare)
            self._known.add(raw)
        if here.in_atomic_block:
            cursor.execute(f"SET LOCAL statement_timeout = {self._limit}")
        elif _limits.get(raw) != self._limit:
            cursor.execute(f"SET statement_timeout = {self._limit}")
            _limits[raw] = self._limit
        cursor.execute(self._execute, parameters)
        return cursor


_limits: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
"""Connections on which a limit stands: a thread answers one call after another, so it is set once for all of them."""


@receiver(request_started)
def _lift_limit(**_about: Any) -> None:
    """A page that comes next on the same connection may take longer."""
    if connection.connection is not None and _limits.pop(connection.connection, 0):
        with connection.cursor() as cursor:
            cursor.execute("RESET statement_timeout")


def array(words: Iterable[str]) -> str:
    """An array of words without commas, quotes, braces or spaces, as PostgreSQL reads it: a list would become an
    expression of as many constants, which costs both sides twice the time."""
    return f"{{{','.join(words)}}}"
