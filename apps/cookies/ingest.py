"""Where browsers send what visitors chose (`POST /api/v1/cookie-choices`), and take over a choice from another domain.

On the fast path (`core.fast_path`): no session, no cookie is read or set, one INSERT. What lets a browser in is its
`Origin`, which has to be a host of the site it writes for; whoever forges one from elsewhere can add choices of random
visitors and read or change nothing (T42). An address is used for counting alone and written nowhere.
"""

import random
import re
import uuid
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from dateutil.relativedelta import relativedelta
from django.conf import settings

from apps.consent.models import Text
from apps.consent.services import Decision, decided_at
from apps.consent.services.recording import INSERT
from apps.consent.states import Action, Method
from apps.cookies import handover
from apps.cookies.agents import coarse
from apps.cookies.models import RegisterVersion, Site
from apps.cookies.states import OPTIONAL
from apps.core import clock
from apps.core.errors import InvalidInput
from apps.core.fast_path import (
    Answer,
    Buckets,
    Call,
    Prepared,
    Refused,
    Remembered,
    answer,
    network_of,
    nothing,
    on_fast_path,
    read_json,
)

LARGEST = 2048
FIELDS = frozenset(
    (
        "id",
        "visitor",
        "site",
        "choices",
        "method",
        "action",
        "text",
        "language",
        "register",
        "gpc",
        "page",
        "previous",
        "at",
    )
)
METHODS = frozenset(
    (Method.BANNER, Method.PREFERENCES, Method.PLACEHOLDER, Method.PAGE, Method.SIGNAL, Method.HANDOVER)
)
ACTIONS = frozenset((Action.CHOSEN, Action.WITHDRAWN))
ORIGIN = re.compile(r"(https?)://([a-z0-9.-]+|\[[0-9a-f:]+\])(?::(\d{1,5}))?", re.ASCII)
VISITOR = re.compile(r"[\w-]{22}", re.ASCII)
DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
INSTANT = re.compile(r"[0-9T:.Z+-]{10,40}", re.ASCII)
PAGE = re.compile(r"https?://([^/?#@\s\\]+)(/[!-~]*)?", re.ASCII)
TELLING = re.compile(
    r"@|%40|\d{6}|[0-9a-f]{8}-[0-9a-f]{4}-|[A-Za-z0-9:=.]{21}|^(?=.*[a-z])(?=.*[A-Z])(?=.*\d)[\w:=.-]{30}", re.ASCII
)
"""A part of a path that names a person, or is a link's secret: an address, a number, an id, something random."""
CHOICES = frozenset(category.value for category in OPTIONAL)
SLOTS = 16  # of a day's count: so many counts at once wait for nobody

write = Prepared("cookie_choice", INSERT, milliseconds=2000)
find = Prepared(
    "cookie_choice_again",
    "SELECT 1 FROM consent_event WHERE at = %(at)s AND id = %(id)s AND scope = %(scope)s "
    "AND subject_key = %(subject_key)s AND choices = %(choices)s AND action = %(action)s AND method = %(method)s "
    "AND text = %(text)s AND register_version = %(register_version)s",
    milliseconds=2000,
)
count = Prepared(
    "notice_shown",
    "INSERT INTO consent_served (day, text, slot, scope, count) VALUES (%(day)s, %(text)s, %(slot)s, %(scope)s, 1) "
    "ON CONFLICT (day, text, slot) DO UPDATE SET count = consent_served.count + 1",
    milliseconds=2000,
)
# One network is slowed before one site, and a site's flood before it takes the threads that answer pages.
by_network = Buckets(a_second=settings.CHOICES_A_MINUTE_PER_NETWORK / 60, burst=settings.CHOICES_A_MINUTE_PER_NETWORK)
by_site = Buckets(a_second=settings.CHOICES_A_SECOND_PER_SITE, burst=2 * settings.CHOICES_A_SECOND_PER_SITE)


@on_fast_path("POST", "OPTIONS")
def cookie_choices(call: Call) -> Answer:
    """A visitor's choice, or a notice that was shown: each arrives once, however often it is sent."""
    host = _let_in(call)
    if call.method == "OPTIONS":
        return nothing()
    _slow_down(by_network, network_of(call))
    said = read_json(call, limit=LARGEST)
    site = _site_of(said, host)
    _slow_down(by_site, site.key)
    if "shown" in said:
        return _count(said, site)
    return _record(said, site, call)


@on_fast_path("POST", "OPTIONS")
def take_over(call: Call) -> Answer:
    """What the token in the address's fragment says, for the origin and the tab it was made for. The browser records it
    itself."""
    host = _let_in(call)
    if call.method == "OPTIONS":
        return nothing()
    _slow_down(by_network, network_of(call))
    said = read_json(call, limit=LARGEST)
    site = _site_of(said, host)
    token, state = str(said.get("token")), str(said.get("state"))
    found = handover.read(token, origin=call.environ["HTTP_ORIGIN"], state=state)
    if found is None or found[0] != site.key:
        raise Refused(422, "token", "The token is not ours, too old, or for another site or tab.", field="token")
    choice = found[1]
    return answer({"choices": choice.answers, "gpc": choice.gpc, "at": choice.decided_at.isoformat()})


# --- who asks ---------------------------------------------------------------------------------------------------------


def _let_in(call: Call) -> str:
    """The host name of the origin, which belongs to some site of ours; browsers may then read the answer (CORS)."""
    origin = call.header("HTTP_ORIGIN")
    parts = ORIGIN.fullmatch(origin)
    if parts is None or not _is_right_door(parts[1], parts[3]) or not sites_at(parts[2]):
        raise Refused(403, "origin", "This origin is no host of a site that is registered here.")
    call.allowed_origin = origin
    return parts[2]


def _is_right_door(scheme: str, port: str | None) -> bool:
    """On a portal of the world only https, and no port but its own: what runs on another port is somebody else."""
    return not settings.HTTPS or (scheme == "https" and port in (None, _own_port()))


def _own_port() -> str | None:
    port = urlsplit(settings.BASE_URL).port
    return str(port) if port else None


def sites_at(host: str) -> dict[str, Site] | None:
    """The sites of a host by their keys. Whoever makes up hosts makes the database work once a second (T42)."""
    found = hosts("") or {}
    if host not in found and looks.take(""):  # a new site is let in at once
        hosts.forget()
        found = hosts("") or {}
    return found.get(host)


def _read_hosts(_all: str) -> dict[str, dict[str, Site]]:
    found: dict[str, dict[str, Site]] = {}
    for site in Site.objects.all():
        for host in site.hosts:
            found.setdefault(host, {})[site.key] = site
    return found


hosts = Remembered(_read_hosts, seconds=30)
looks = Buckets(a_second=1, burst=5)


def _site_of(said: dict[str, Any], host: str) -> Site:
    site = (sites_at(host) or {}).get(said["site"]) if isinstance(said.get("site"), str) else None
    if site is None:
        raise Refused(403, "site", "This origin is no host of that site.", field="site")
    return site


def _slow_down(buckets: Buckets, name: str) -> None:
    if not buckets.take(name):
        raise Refused(429, "too_many", "Too many at once. Send it again later.", headers={"Retry-After": "60"})


# --- what is said -----------------------------------------------------------------------------------------------------


def _record(said: dict[str, Any], site: Site, call: Call) -> Answer:
    now = clock.now()
    row = _decision(said, site, call, now=now).row(now=now)
    if write.count(row):
        return answer({"id": said["id"]}, status=201)
    if find.rows(row):
        return answer({"id": said["id"]})
    raise Refused(409, "id", "Another choice has this id.", field="id")


def _decision(said: dict[str, Any], site: Site, call: Call, *, now: datetime) -> Decision:
    """The choice, once every field is what it may be."""
    _only(said, FIELDS)
    event = uuid.UUID(_matching(said, "id", UUID))
    at = _instant(event, now=now)
    previous = said.get("previous")
    gpc = _bool(said, "gpc") or "1" in call.header("HTTP_SEC_GPC").replace(" ", "").split(",")
    language, text = _shown(said, "text", site)
    number, months = _register(said, site)
    return Decision(
        id=event,
        scope=site.scope,
        subject_key=_matching(said, "visitor", VISITOR),
        action=_one_of(said, "action", ACTIONS),
        method=_one_of(said, "method", METHODS),
        choices=_choices(said),
        text=text,
        language=language,
        until=_until(said, months, at=at),
        register_version=number,
        gpc=gpc,
        page=_page(said, call),
        agent=coarse(call.header("HTTP_USER_AGENT")[:400]),
        previous=None if previous is None else uuid.UUID(_matching(said, "previous", UUID)),
        is_projected=False,
    )


def _instant(event: uuid.UUID, *, now: datetime) -> datetime:
    try:
        return decided_at(event, now=now)
    except InvalidInput as error:  # the browser stamps its id anew with the server's clock, and sends it again
        raise Refused(422, error.code, str(error.message), field="id", now=now.isoformat()) from None


def _until(said: dict[str, Any], validity: int, *, at: datetime) -> datetime:
    """As the browser's cookie ends: a choice that was handed over counts from when it was said, on the other domain."""
    told, months = _matching(said, "at", INSTANT, default=at.isoformat()), relativedelta(months=validity)
    if said.get("method") != Method.HANDOVER:
        return at + months
    try:
        return max(at, min(at, datetime.fromisoformat(told)) + months)
    except (ValueError, TypeError):  # no instant, or one without an offset
        raise _wrong("at") from None


def _only(said: dict[str, Any], known: frozenset[str]) -> None:
    for name in said:
        if name not in known:
            raise Refused(422, "unknown", "There is no such field.", field=name[:40])


def _wrong(name: str) -> Refused:
    return Refused(422, "invalid", "This field is missing, or not of its form.", field=name)


def _matching(said: dict[str, Any], name: str, form: re.Pattern[str], default: Any = None) -> str:
    value = said.get(name, default)
    if not isinstance(value, str) or not form.fullmatch(value):
        raise _wrong(name)
    return value


def _one_of(said: dict[str, Any], name: str, known: frozenset[Any]) -> str:
    value = said.get(name)
    if not isinstance(value, str) or value not in known:
        raise _wrong(name)
    return value


def _bool(said: dict[str, Any], name: str) -> bool:
    value = said.get(name, False)
    if not isinstance(value, bool):
        raise _wrong(name)
    return value


def _choices(said: dict[str, Any]) -> dict[str, bool]:
    """Each optional category with yes or no, and nothing else."""
    found = said.get("choices")
    if not isinstance(found, dict) or found.keys() != CHOICES:
        raise _wrong("choices")
    if not all(isinstance(value, bool) for value in found.values()):
        raise _wrong("choices")
    return found


def _page(said: dict[str, Any], call: Call) -> str:
    """Host and path of the page, which lies at the origin that asks. What stands behind a "?" is never kept."""
    value = said.get("page", "")
    found = PAGE.fullmatch(value) if isinstance(value, str) else None
    if found is None or found[1] != urlsplit(call.environ["HTTP_ORIGIN"]).netloc:
        raise _wrong("page")
    path = re.split(r"[?#]", found[2] or "/")[0]
    return (found[1] + "/".join("…" if TELLING.search(part) else part for part in path.split("/")))[:200]


def _shown(said: dict[str, Any], name: str, site: Site) -> tuple[str, str]:
    """(language, digest) of the words that were shown: published ones, of this site's banner, in that language."""
    digest = _matching(said, name, DIGEST)
    found = texts(digest)
    if found is None or found[0] != site.notice or said.get("language", found[1]) != found[1]:
        raise Refused(422, "text", "These words were never published for this site in this language.", field=name)
    return found[1], digest


def _read_text(digest: str) -> tuple[str, str] | None:
    return Text.objects.filter(digest=digest).values_list("notice", "language").first()


texts = Remembered(_read_text, seconds=float("inf"))  # a text is never changed


def _register(said: dict[str, Any], site: Site) -> tuple[int, int]:
    """(number, months) of the register that was shown: a choice counts as long as that one told."""
    number = said.get("register")
    months = registers((site.key, number)) if type(number) is int and 0 < number < 2**31 else None
    if type(number) is not int or months is None:
        raise Refused(422, "register", "The site’s register has no such version.", field="register")
    return number, months


def _read_register(key: tuple[str, int]) -> int | None:
    versions = RegisterVersion.objects.of_site(key[0]).filter(number=key[1])
    return versions.values_list("content__validity_months", flat=True).first()


registers = Remembered(_read_register, seconds=float("inf"))  # a published register is never changed


def _count(said: dict[str, Any], site: Site) -> Answer:
    """A notice was shown: with what was chosen, the proof that people were asked and how many said nothing."""
    _only(said, frozenset(("shown", "site")))
    _language, digest = _shown(said, "shown", site)
    slot = random.randrange(SLOTS)  # noqa: S311 - spreads writers, guards nothing
    count.count({"day": clock.now().date(), "text": digest, "slot": slot, "scope": site.scope})
    return nothing()
