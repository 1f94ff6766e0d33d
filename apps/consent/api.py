"""What a customer's systems ask and report about the people they write to (docs/api.md), on the fast path.

A token names the account, and the account is the scope: nobody asks or writes for another one. Addresses never stand in
an address bar or a log: they come in the body of a POST, and leave as a blind index before anything is looked up.
"""

import re
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial, wraps
from typing import Any
from urllib.parse import parse_qsl

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from apps.accounts.services import Access, access_of
from apps.accounts.states import TokenScope
from apps.consent.checking import check_consents, check_restrictions
from apps.consent.ids import decided_at
from apps.consent.services.reporting import Report, report_decisions
from apps.consent.states import Action
from apps.core import clock, crypto
from apps.core.errors import DomainError, InvalidInput
from apps.core.fast_path import Answer, Buckets, Call, Refused, answer, network_of, on_fast_path, read_json
from apps.core.identities import parse_identity

AT_ONCE = 1000
LARGEST = 400_000  # a thousand subjects with addresses of the longest kind
LARGEST_REPORT = 1_000_000
PURPOSE = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}", re.ASCII)
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
LANGUAGE = re.compile(r"[a-z]{2}(-[A-Z]{2})?|[a-z]{3}", re.ASCII)  # five letters, as the column holds
KINDS = frozenset(("email", "phone_number", "customer_reference"))
ACTIONS = frozenset((Action.GIVEN, Action.RENEWED, Action.REFUSED, Action.WITHDRAWN, Action.OBJECTED))
SAYING_YES = frozenset((Action.GIVEN, Action.RENEWED))

by_account = Buckets(a_second=settings.API_CALLS_A_SECOND, burst=2 * settings.API_CALLS_A_SECOND)
by_stranger = Buckets(a_second=1, burst=60)  # tries with what is no token, from one network

View = Callable[[Call, Access], Answer]


def for_token(scope: TokenScope, *methods: str) -> Callable[[View], Callable[[HttpRequest], HttpResponse]]:
    """Let the view run for a live token with this scope, and give it what the token opens (T34)."""

    def open_with(view: View) -> Callable[[HttpRequest], HttpResponse]:
        @on_fast_path(*methods)
        @wraps(view)
        def opened(call: Call) -> Answer:
            kind, _, text = call.header("HTTP_AUTHORIZATION").partition(" ")
            access = access_of(text.strip(), now=clock.now()) if kind.lower() == "bearer" else None
            if access is None:
                raise _stranger(call)
            if scope not in access.scopes:
                raise Refused(403, "scope", f"This token may not do that: it lacks {scope}.")
            if not by_account.take(str(access.account)):
                raise Refused(429, "too_many", "Too many at once. Ask again later.", headers={"Retry-After": "1"})
            return view(call, access)

        return opened

    return open_with


def _stranger(call: Call) -> Refused:
    if not by_stranger.take(network_of(call)):
        return Refused(429, "too_many", "Too many at once. Ask again later.", headers={"Retry-After": "60"})
    return Refused(401, "token", "Send a live API token.", headers={"WWW-Authenticate": 'Bearer realm="api"'})


@for_token(TokenScope.CHECK_CONSENTS, "GET", "POST")
def consents_check(call: Call, access: Access) -> Answer:
    """May we write to this person for this purpose? One by GET, up to a thousand by POST."""
    check = partial(check_consents, scope=_scope(access), now=clock.now())
    if call.method == "GET":
        asked = _asked(call, ("purpose", "customer_reference"))
        return answer(check(purpose=_purpose(asked["purpose"], "purpose"), keys=[_reference(asked)])[0])
    said = _body(call, ("purpose", "subjects"), limit=LARGEST)
    purpose = _purpose(said.get("purpose"), "purpose")
    return answer({"answers": check(purpose=purpose, keys=_keys(said))})


@for_token(TokenScope.CHECK_RESTRICTIONS, "GET", "POST")
def restrictions_check(call: Call, access: Access) -> Answer:
    """Is the use of this person's data restricted? One by GET, up to a thousand by POST."""
    check = partial(check_restrictions, scope=_scope(access))
    if call.method == "GET":
        return answer(check(keys=[_reference(_asked(call, ("customer_reference",)))])[0])
    said = _body(call, ("subjects",), limit=LARGEST)
    return answer({"answers": check(keys=_keys(said))})


@for_token(TokenScope.WRITE_CONSENTS, "POST")
def consents(call: Call, access: Access) -> Answer:
    """What people told the customer: all of it is written, or none; sent twice, it is written once."""
    now = clock.now()
    said = _body(call, ("decisions",), limit=LARGEST_REPORT)
    reports = [_report(each, f"decisions[{place}]", now) for place, each in enumerate(_list(said, "decisions"))]
    try:
        new = report_decisions(
            scope=_scope(access), reports=reports, source=f"accounts.apitoken:{access.token}", now=now
        )
    except InvalidInput as error:
        raise Refused(422, error.code, str(error.message), field=error.field) from None
    except DomainError as error:
        raise Refused(409, error.code, str(error.message), field="id") from None
    return answer({"recorded": new, "known": len(reports) - new}, status=201 if new else 200)


def _scope(access: Access) -> str:
    return f"account:{access.account}"


# --- what is said -----------------------------------------------------------------------------------------------------


def _asked(call: Call, names: tuple[str, ...]) -> dict[str, str]:
    """The query's values, each once. An address does not belong there: queries stand in logs and histories."""
    try:
        pairs = parse_qsl(call.header("QUERY_STRING"), keep_blank_values=True, max_num_fields=10)
    except ValueError:
        raise Refused(400, "invalid", "That is no query.") from None
    for name, _value in pairs:
        if name in KINDS and name not in names:
            detail = "Addresses never travel in a URL: send them in the body of a POST."
            raise Refused(400, "address_in_url", detail, field=name)
        if name not in names:
            raise Refused(400, "unknown", "There is no such parameter.", field=name[:40])
    found = dict(pairs)
    for name in names:
        if name not in found or len(found) != len(pairs):
            raise Refused(400, "invalid", "Give this parameter once.", field=name)
    return found


def _body(call: Call, names: Iterable[str], *, limit: int) -> dict[str, Any]:
    if call.header("QUERY_STRING"):
        raise Refused(400, "address_in_url", "A POST says everything in its body.", field="query")
    said = read_json(call, limit=limit)
    _only(said, names, "")
    return said


def _only(said: dict[str, Any], names: Iterable[str], within: str) -> None:
    for name in said.keys() - set(names):
        raise Refused(422, "unknown", "There is no such field.", field=f"{within}{name[:40]}")


def _list(said: dict[str, Any], name: str) -> list[Any]:
    found = said.get(name)
    if not isinstance(found, list) or not 1 <= len(found) <= AT_ONCE:
        raise Refused(422, "invalid", f"Send a list of 1 to {AT_ONCE:,}.", field=name)
    return found


def _purpose(value: Any, field: str) -> str:
    if not isinstance(value, str) or not PURPOSE.fullmatch(value):
        raise Refused(422, "invalid", "Name a purpose: small letters, digits, “_” and “-”, 40 at most.", field=field)
    return value


def _reference(asked: dict[str, str]) -> str:
    return _key({"customer_reference": asked["customer_reference"]})


def _keys(said: dict[str, Any]) -> list[str]:
    """The blind indexes of all subjects, in their order."""
    subjects = _list(said, "subjects")
    found: list[str] = []
    try:
        for subject in subjects:
            found.append(_key(subject))  # noqa: PERF401 - how many there are says which one is wrong
    except Refused as refused:
        raise refused.within(f"subjects[{len(found)}]") from None
    return found


def _key(subject: Any) -> str:
    """The blind index of one subject, named in one way."""
    if not isinstance(subject, dict) or len(subject) != 1:
        raise _unnamed("")
    [(kind, value)] = subject.items()
    if kind not in KINDS or not isinstance(value, str):
        raise _unnamed(kind if kind in KINDS else "")
    try:
        return crypto.lookup(parse_identity(kind, value))
    except InvalidInput as error:
        raise Refused(422, "invalid", str(error.message), field=kind) from None


def _unnamed(field: str) -> Refused:
    detail = "Name the person by email, phone_number or customer_reference, in text."
    return Refused(422, "invalid", detail, field=field)


FIELDS = ("id", "subject", "action", "purposes", "text", "language", "until")


def _report(said: Any, field: str, now: datetime) -> Report:
    """One decision, once every field is what it may be."""
    if not isinstance(said, dict):
        raise Refused(422, "invalid", "This is no object.", field=field)
    _only(said, FIELDS, f"{field}.")
    event = uuid.UUID(_matching(said, "id", UUID, field))
    try:
        at = decided_at(event, now=now)
    except InvalidInput as error:
        raise Refused(422, error.code, str(error.message), field=f"{field}.id", now=now.isoformat()) from None
    action = said.get("action")
    if not isinstance(action, str) or action not in ACTIONS:
        raise Refused(422, "invalid", f"Say one of {', '.join(sorted(ACTIONS))}.", field=f"{field}.action")
    try:
        subject_key = _key(said.get("subject"))
    except Refused as refused:
        raise refused.within(f"{field}.subject") from None
    is_yes = action in SAYING_YES
    purposes = said.get("purposes")
    if not isinstance(purposes, list) or not 1 <= len(purposes) <= 20:
        raise Refused(422, "invalid", "Send a list of 1 to 20.", field=f"{field}.purposes")
    keys = [_purpose(each, f"{field}.purposes") for each in purposes]
    # Whoever says no need not have been shown anything; a yes without the words that were shown proves nothing.
    text = _matching(said, "text", DIGEST, field) if is_yes or said.get("text") else ""
    return Report(
        id=event,
        subject_key=subject_key,
        action=Action(action),
        choices=dict.fromkeys(keys, is_yes),
        text=text,
        language=_matching(said, "language", LANGUAGE, field),
        until=_until(said.get("until"), at, f"{field}.until"),
    )


def _matching(said: dict[str, Any], name: str, form: re.Pattern[str], within: str) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not form.fullmatch(value):
        raise Refused(422, "invalid", "This field is missing, or not of its form.", field=f"{within}.{name}")
    return value


def _until(value: Any, at: datetime, field: str) -> datetime | None:
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value).astimezone(UTC)
        is_right = datetime.fromisoformat(value).tzinfo is not None and at < found and found.year - at.year <= 10
    except (TypeError, ValueError, OverflowError):
        is_right = False
    if not is_right:
        raise Refused(422, "invalid", "Give an instant with its offset, after the decision.", field=field)
    return found
