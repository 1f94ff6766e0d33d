"""The clocks of a request's parts: due dates, pauses, the one extension, and what each date rests on."""

from collections.abc import Sequence
from datetime import datetime, time
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.core import crypto, deadlines
from apps.core.deadlines import Deadline
from apps.core.errors import DomainError, InvalidInput
from apps.ledger.services import record
from apps.subject_requests.models import Part, Pause, SubjectRequest
from apps.subject_requests.services.moves import _lock
from apps.subject_requests.services.tell import tell_requester
from apps.subject_requests.services.words import required_words
from apps.subject_requests.states import Capacity, ExtensionReason


def deadline_of(part: Part) -> Deadline:
    """The part's deadline with its steps, computed anew from what it rests on: receipt, pauses, extension."""
    request = part.request
    if part.capacity == Capacity.PROCESSOR:
        return deadlines.contract_due(request.received_at, request.jurisdiction)
    pauses = [_pause(pause) for pause in part.pauses.all() if pause.received_on is not None]
    return deadlines.due(
        request.received_at, request.jurisdiction, pauses=pauses, extended=part.extended_at is not None
    )


def explain_deadline(part: Part) -> Sequence[str]:
    """Why the due date is what it is, step by step, in the active language."""
    return deadlines.explain(deadline_of(part).steps)


def customer_deadline(subject_request: SubjectRequest) -> Deadline | None:
    """The customer's own due date towards its end user, when it said on which day that person asked."""
    asked_on = subject_request.asked_customer_on
    if asked_on is None:
        return None
    noon = datetime.combine(asked_on, time(12), tzinfo=ZoneInfo("Europe/Amsterdam"))
    return deadlines.due(noon, subject_request.jurisdiction)


def _pause(pause: Pause) -> deadlines.Pause:
    return deadlines.Pause(pause.kind, pause.asked_on, pause.received_on)  # type: ignore[arg-type]


def _set_dates(part: Part) -> Part:
    """Write the dates that `deadline_of` gives; the caller saves new parts, existing ones are saved here."""
    deadline = deadline_of(part)
    part.received_on, part.due_on = deadline.received_on, deadline.on
    part.unrolled_on, part.ends_at = deadline.unrolled_on, deadline.ends_at
    return part


def _recompute(part: Part) -> Part:
    _set_dates(part).save(update_fields=["received_on", "due_on", "unrolled_on", "ends_at"])
    return part


@transaction.atomic
def extend_deadline(part: Part, *, reason: str, words: str, by: User, now: datetime) -> Part:
    """Extend a controller's part once, by two months more, with the reason chosen and written; the requester is told
    at once. Only until the first deadline has ended (GDPR 12(3)). Raises `DomainError`, `InvalidInput`."""
    request = _lock(part.request)
    part = Part.objects.select_related("request__filed_by").get(pk=part.pk)
    if part.capacity != Capacity.CONTROLLER:
        raise DomainError("not_extendable", _("A customer’s instruction can’t be extended (GDPR 28(3))."))
    if part.extended_at is not None or part.outcome or not request.is_open:
        raise DomainError("not_extendable", _("This part was extended or answered before."))
    if now >= part.ends_at:
        raise DomainError("too_late", _("The first deadline has ended: it could only be extended before."))
    if reason not in ExtensionReason.values:
        raise InvalidInput("reason", _("Choose a reason."))
    written = required_words(words, field="words")
    part.extended_at, part.extension_reason = now, reason
    part.extension_words = crypto.seal(written, bound_to=f"part:{part.pk}:extension")
    part.save(update_fields=["extended_at", "extension_reason", "extension_words"])
    _recompute(part)
    record(actor=by.key, verb="subject_request.extended", target=request, at=now, reason=reason, due_on=part.due_on)
    tell_requester(part.request, "extended", now=now, due_on=part.due_on, words=written)
    return part


@transaction.atomic
def pause_clock(subject_request: SubjectRequest, *, kind: str, doubt: str, by: User, now: datetime) -> list[Pause]:
    """Stop the law's clock for an officer's written doubt. A processor's contract clock never stops."""
    asked_on = deadlines.local_date(now, subject_request.jurisdiction)
    pauses = []
    for part in subject_request.parts.filter(capacity=Capacity.CONTROLLER, outcome=""):
        pause = Pause(part=part, kind=kind, asked_on=asked_on, by=by)
        pause.doubt = crypto.seal(doubt, bound_to=f"pause:{pause.pk}")
        pause.save()
        pauses.append(pause)
    return pauses


@transaction.atomic
def resume_clock(subject_request: SubjectRequest, *, now: datetime) -> None:
    """The answer came: the days between move the due date."""
    received_on = deadlines.local_date(now, subject_request.jurisdiction)
    for part in subject_request.parts.filter(pauses__received_on=None, pauses__isnull=False, outcome="").distinct():
        part.request = subject_request
        part.pauses.filter(received_on=None).update(received_on=received_on)
        _recompute(part)
