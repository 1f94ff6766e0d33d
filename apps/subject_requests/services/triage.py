"""The officers' work before an answer: who has it, what was asked, is it the right person, is it a request at all."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.core import crypto, deadlines
from apps.core.errors import DomainError, InvalidInput
from apps.core.identities import Identity
from apps.ledger.services import record
from apps.subject_requests import policies
from apps.subject_requests.models import Message, Reveal, SubjectRequest
from apps.subject_requests.services.clocks import pause_clock, resume_clock
from apps.subject_requests.services.intake import follow_up
from apps.subject_requests.services.moves import _close_all, _lock, _move, _require
from apps.subject_requests.services.tell import tell_officers, tell_requester
from apps.subject_requests.services.words import required_words
from apps.subject_requests.states import (
    TRIAGED,
    WITHDRAWABLE,
    About,
    MessageKind,
    Outcome,
    PauseKind,
    RevealReason,
    Status,
    Verification,
)

DOUBT_WITHIN_WORKING_DAYS = 3
"""A doubt stops the clock only when it is raised without undue delay (EDPB Guidelines 01/2022, 159)."""


@transaction.atomic
def assign_request(subject_request: SubjectRequest, *, to: User, by: User, now: datetime) -> SubjectRequest:
    """Give the request to an officer; one that was just received is in progress from here."""
    locked = _lock(subject_request)
    if not locked.is_open:
        raise DomainError("closed", _("The request is closed."))
    if not policies.can_be_assigned(to, locked):
        raise DomainError("not_assignable", _("This person can’t work on the request."))
    locked.assigned_to = to
    locked.save(update_fields=["assigned_to"])
    record(actor=by.key, verb="subject_request.assigned", target=locked, at=now, to=to.key)
    if locked.status == Status.RECEIVED:
        locked = _move(locked, Status.IN_PROGRESS, actor=by.key, at=now)
    return locked


@transaction.atomic
def ask_requester(subject_request: SubjectRequest, *, text: str, by: User, now: datetime) -> SubjectRequest:
    """Ask something; the request waits for the requester, the clock runs on (reminder: 14 days, closed: 30)."""
    body = required_words(text, field="text")
    moved = _move(subject_request, Status.WAITING_FOR_REQUESTER, actor=by.key, at=now)
    message = _write(moved, MessageKind.QUESTION, body, by=by, now=now)
    tell_requester(moved, "question", now=now, once=str(message.pk))
    return moved


@transaction.atomic
def send_message(subject_request: SubjectRequest, *, text: str, by: User, now: datetime) -> Message:
    """A line between requester and officers. A waiting request goes on when the requester writes; one that was closed
    for silence goes on as a linked request."""
    locked = _lock(subject_request)
    if locked.is_unanswered and policies.is_requester(by, locked):
        locked = _lock(follow_up(locked, now=now))
    if not locked.is_open:
        raise DomainError("closed", _("The request is closed. Open a new one, and name this one’s reference."))
    message = _write(locked, MessageKind.MESSAGE, required_words(text, field="text"), by=by, now=now)
    if not message.from_requester:
        tell_requester(locked, "message", now=now, once=str(message.pk))
        return message
    if locked.status == Status.WAITING_FOR_REQUESTER:
        _move(locked, Status.IN_PROGRESS, actor=by.key, at=now)
    tell_officers(locked, "officer_message", now=now, once=str(message.pk))
    return message


@transaction.atomic
def add_note(subject_request: SubjectRequest, *, text: str, by: User, now: datetime) -> Message:
    """An internal note: never shown to the requester, never in a package (T5, T25)."""
    return _write(_lock(subject_request), MessageKind.NOTE, required_words(text, field="text"), by=by, now=now)


def _write(subject_request: SubjectRequest, kind: MessageKind, body: str, *, by: User, now: datetime) -> Message:
    by_requester = kind is MessageKind.MESSAGE and not policies.can_see_officer_side(by, subject_request)
    message = Message(request=subject_request, kind=kind, author=by, sent_at=now, from_requester=by_requester)
    message.body = crypto.seal(body, bound_to=f"thread:{message.pk}")
    message.save()
    record(
        actor=by.key,
        verb="subject_request.message_sent",
        target=subject_request,
        at=now,
        kind=kind.value,
        message=message.pk,
    )
    return message


@transaction.atomic
def doubt_identity(subject_request: SubjectRequest, *, doubt: str, by: User, now: datetime) -> SubjectRequest:
    """An officer doubts in writing that the requester is who they say (GDPR 12(6)): the law's clock stands still.

    Only within three working days of receipt; later the question can still be asked, but the clock runs.
    """
    written = required_words(doubt, field="doubt")
    moved = _move(subject_request, Status.IDENTITY_PENDING, actor=by.key, at=now)
    received_on = deadlines.local_date(moved.received_at, moved.jurisdiction)
    last = deadlines.working_days_after(received_on, DOUBT_WITHIN_WORKING_DAYS, moved.jurisdiction)
    paused = deadlines.local_date(now, moved.jurisdiction) <= last
    if paused:
        kind = PauseKind.IDENTITY_UK if moved.jurisdiction == "UK" else PauseKind.IDENTITY_EU
        pause_clock(moved, kind=kind, doubt=written, by=by, now=now)
    moved.verified_at, moved.verified_by, moved.verification = None, None, ""
    moved.save(update_fields=["verified_at", "verified_by", "verification"])
    _write(moved, MessageKind.QUESTION, written, by=by, now=now)
    record(actor=by.key, verb="subject_request.identity_doubted", target=moved, at=now, paused=paused)
    tell_requester(moved, "identity", now=now, once=now.date().isoformat())
    return moved


@transaction.atomic
def confirm_identity(subject_request: SubjectRequest, *, by: User, now: datetime) -> SubjectRequest:
    """The doubt is gone: the work goes on and the clock with it. Who confirms can't approve an erasure (T7)."""
    moved = _require(subject_request, Status.IDENTITY_PENDING)
    moved = _move(moved, Status.IN_PROGRESS, actor=by.key, at=now)
    resume_clock(moved, now=now)
    moved.verified_at, moved.verified_by, moved.verification = now, by, Verification.OFFICER
    moved.save(update_fields=["verified_at", "verified_by", "verification"])
    record(actor=by.key, verb="subject_request.identity_confirmed", target=moved, at=now, method="officer")
    return moved


@transaction.atomic
def close_unidentified(subject_request: SubjectRequest, *, by: User, now: datetime) -> SubjectRequest:
    """Identity could not be shown (GDPR 11(2), 12(2))."""
    _require(subject_request, Status.IDENTITY_PENDING)
    return _closed(subject_request, Outcome.NOT_IDENTIFIED, actor=by.key, now=now)


@transaction.atomic
def withdraw_request(subject_request: SubjectRequest, *, by: User, now: datetime) -> SubjectRequest:
    """The requester takes it back; possible until it is being executed."""
    locked = _lock(subject_request)
    if locked.status not in WITHDRAWABLE:
        raise DomainError("too_late", _("It is being executed or closed, so it can’t be withdrawn any more."))
    return _closed(locked, Outcome.WITHDRAWN, actor=by.key, now=now)


@transaction.atomic
def close_as_duplicate(
    subject_request: SubjectRequest, *, of: SubjectRequest, by: User, now: datetime
) -> SubjectRequest:
    """Close it in favour of another live request of the same account, which keeps the earliest receipt."""
    first, second = sorted((subject_request, of), key=lambda each: str(each.pk))
    _lock(first), _lock(second)
    kept = SubjectRequest.objects.get(pk=of.pk)
    locked = _require(subject_request, *TRIAGED)
    same = (kept.account_id, kept.right, kept.about) == (locked.account_id, locked.right, locked.about)
    if kept.pk == locked.pk or not kept.is_open or not same or kept.received_at > locked.received_at:
        raise InvalidInput("of", _("Give an earlier open request of the same account that asks the same."))
    if not is_about_the_same(kept, locked):
        raise InvalidInput("of", _("Give an earlier open request of the same person."))
    locked.duplicate_of = kept
    locked.save(update_fields=["duplicate_of"])
    return _closed(locked, Outcome.DUPLICATE, actor=by.key, now=now)


def is_about_the_same(kept: SubjectRequest, closed: SubjectRequest) -> bool:
    """Whom the closed one names the kept one must name too, or somebody would go without an answer."""
    if kept.about == About.OWN and kept.filed_by_id != closed.filed_by_id:
        return False
    known = {row.lookup for row in kept.identifiers.all()}
    return all(row.lookup in known for row in closed.identifiers.all())


@transaction.atomic
def close_as_spam(subject_request: SubjectRequest, *, by: User, now: datetime) -> SubjectRequest:
    """A second officer's look is needed: not the one to whom it is assigned."""
    locked = _require(subject_request, *TRIAGED)
    if not policies.can_close_as_spam(by, locked):
        raise DomainError("second_look", _("Another officer than the one who has it must look at it."))
    return _closed(locked, Outcome.SPAM, actor=by.key, now=now)


@transaction.atomic
def close_unanswered(subject_request: SubjectRequest, *, now: datetime) -> SubjectRequest:
    """Silence for 30 days after a question. Any reply opens a linked request that keeps the original receipt."""
    _require(subject_request, Status.WAITING_FOR_REQUESTER)
    return _closed(subject_request, Outcome.NO_ANSWER, actor="system", now=now)


def _closed(subject_request: SubjectRequest, outcome: Outcome, *, actor: str, now: datetime) -> SubjectRequest:
    moved = _close_all(subject_request, outcome, actor=actor, at=now)
    if outcome is not Outcome.SPAM:
        tell_requester(moved, "closed", now=now, outcome=outcome.value)
    return moved


@transaction.atomic
def reveal_identifiers(
    subject_request: SubjectRequest, *, reason: str, words: str, by: User, now: datetime
) -> list[Identity]:
    """The identities in the clear, for a reason: its code goes to the ledger, its words into a sealed column."""
    if reason not in RevealReason.values:
        raise InvalidInput("reason", _("Choose a reason."))
    written = required_words(words, field="words")
    identities = [row.identity for row in subject_request.identifiers.all()]
    reveal = Reveal(request=subject_request, by=by, at=now, reason=reason)
    reveal.words = crypto.seal(written, bound_to=f"reveal:{reveal.pk}")
    reveal.save()
    record(
        actor=by.key,
        verb="subject_request.revealed",
        target=subject_request,
        at=now,
        reason=reason,
        identifiers=len(identities),
    )
    return identities
