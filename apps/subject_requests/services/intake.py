"""Filing: a form sent twice is one request, and the clock starts at receipt."""

from collections.abc import Sequence
from datetime import date, datetime

from django.db import connection, transaction
from django.utils.translation import gettext as _

from apps.accounts.models import CustomerAccount, User
from apps.core import clock, deadlines
from apps.core.errors import DomainError, InvalidInput
from apps.core.identities import Identity, IdentityType, parse_identity
from apps.ledger.services import record
from apps.subject_requests import policies
from apps.subject_requests.models import Part, SubjectIdentifier, SubjectRequest
from apps.subject_requests.services.clocks import _set_dates
from apps.subject_requests.services.tell import tell_requester
from apps.subject_requests.states import OFFERED, About, Capacity, Channel, Verification

MAX_IDENTITIES = 100
"""A request is about one person; more than that belongs into the bulk API."""


def own_identities(user: User) -> list[Identity]:
    """What a person has proved to be theirs: the verified e-mail address, and the verified phone number."""
    identities = [parse_identity(IdentityType.EMAIL, user.email)]
    if user.phone_number and user.phone_verified:
        identities.append(parse_identity(IdentityType.PHONE_NUMBER, user.phone_number))
    return identities


@transaction.atomic
def open_request(
    *,
    right: str,
    about: str,
    account: CustomerAccount,
    filed_by: User,
    form_key: str,
    now: datetime,
    identities: Sequence[Identity] = (),
    authority_stated: bool = False,
    asked_customer_on: date | None = None,
    jurisdiction: str = "NL",
    channel: str = Channel.DASHBOARD,
) -> SubjectRequest:
    """File a request, received `now`; the same `form_key` of the same person again gives the same request.

    About oneself the identities are those that were proved (`own_identities`); about an end user the requester states
    its authority and gives them. Raises `InvalidInput` beside a field, `DomainError` when the person may not.
    """
    _lock_form(filed_by, form_key)
    existing = SubjectRequest.objects.filter(filed_by=filed_by, form_key=form_key).first()
    if existing is not None:
        return existing
    today = deadlines.local_date(now, jurisdiction)
    _check(right, about, account, filed_by, authority_stated, asked_customer_on, today)
    subjects = own_identities(filed_by) if about == About.OWN else _given(identities)
    subject_request = SubjectRequest(right=right, about=about, account=account, filed_by=filed_by, form_key=form_key)
    subject_request.received_at, subject_request.jurisdiction = now, jurisdiction
    subject_request.asked_customer_on, subject_request.channel = asked_customer_on, channel
    return _file(subject_request, subjects, now=now)


@transaction.atomic
def follow_up(unanswered: SubjectRequest, *, now: datetime) -> SubjectRequest:
    """A reply after the request was closed for silence: a linked request that keeps the original receipt, so that its
    clocks run as if it had never closed. Once; the same reply again gives the same request."""
    form_key = f"follows-{unanswered.pk}"
    _lock_form(unanswered.filed_by, form_key)
    existing = SubjectRequest.objects.filter(filed_by=unanswered.filed_by, form_key=form_key).first()
    if existing is not None:
        return existing
    same = ("right", "about", "account", "filed_by", "received_at", "jurisdiction", "asked_customer_on", "channel")
    values = {name: getattr(unanswered, name) for name in same}
    subject_request = SubjectRequest(form_key=form_key, follows=unanswered, **values)
    subject_request.verified_by = unanswered.verified_by  # who confirmed the identity then can't approve now (T7)
    return _file(subject_request, [row.identity for row in unanswered.identifiers.all()], now=now)


def _file(subject_request: SubjectRequest, subjects: Sequence[Identity], *, now: datetime) -> SubjectRequest:
    """Number it, seal whom it is about, start the clocks, tell the ledger and the requester."""
    filed_by, own = subject_request.filed_by, subject_request.about == About.OWN
    subject_request.reference = _next_reference(now)
    subject_request.language = filed_by.language
    subject_request.verified_at = now
    subject_request.verification = Verification.SESSION_AND_FACTOR if own else Verification.AUTHORITY_STATED
    subject_request.save()
    SubjectIdentifier.objects.seal(subject_request, subjects)
    due_on = min(part.due_on for part in _open_parts(subject_request))
    facts = {name: getattr(subject_request, name) for name in ("right", "about", "channel")}
    facts["identifiers"] = len(set(subjects))
    record(actor=filed_by.key, verb="subject_request.opened", target=subject_request, at=now, due_on=due_on, **facts)
    tell_requester(subject_request, "received", now=now, due_on=due_on)
    return subject_request


def _lock_form(filed_by: User, form_key: str) -> None:
    """Two tabs, one form: the second waits until the first has its row (the unique constraint stands behind this)."""
    if not form_key or len(form_key) > 64 or not form_key.isascii() or not form_key.isprintable():
        raise InvalidInput("form_key", _("This form is broken. Start again."))
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"{filed_by.pk}:{form_key}"])


def _check(
    right: str,
    about: str,
    account: CustomerAccount,
    filed_by: User,
    authority_stated: bool,
    asked_customer_on: date | None,
    today: date,
) -> None:
    if right not in {offered.value for offered in OFFERED}:
        raise InvalidInput("right", _("Choose what you ask for."))
    if about not in About.values:
        raise InvalidInput("about", _("Choose whom it is about."))
    if not policies.can_file(filed_by, about=about, account=account):
        raise DomainError("not_allowed", _("You can’t file this for the account."))
    if about == About.END_USER and not authority_stated:
        raise InvalidInput("authority_stated", _("Confirm that you may ask this for the person."))
    if asked_customer_on is not None and asked_customer_on > today:
        raise InvalidInput("asked_customer_on", _("This day is in the future."))


def _given(identities: Sequence[Identity]) -> list[Identity]:
    unique = list(dict.fromkeys(identities))
    if not unique:
        raise InvalidInput("identities", _("Enter at least one e-mail address, phone number or reference."))
    if len(unique) > MAX_IDENTITIES:
        raise InvalidInput("identities", _("Enter at most %(max)d lines.") % {"max": MAX_IDENTITIES})
    return unique


def _next_reference(now: datetime) -> str:
    """PR-2026-000123. From a sequence: two at once never meet, and a number that a rollback lost stays a gap."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('subject_requests_reference')")
        (number,) = cursor.fetchone()
    return f"PR-{clock.local_date(now).year}-{number:06d}"


def _open_parts(subject_request: SubjectRequest) -> list[Part]:
    """What we hold about a person ourselves, and, about a customer's end user, what we hold on its instruction."""
    capacities = [Capacity.CONTROLLER]
    if subject_request.about == About.END_USER:
        capacities.append(Capacity.PROCESSOR)
    parts = []
    for capacity in capacities:
        part = Part(request=subject_request, capacity=capacity)
        _set_dates(part).save()
        parts.append(part)
    return parts
