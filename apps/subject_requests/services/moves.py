"""The only writers of a request's `status` and of a part's `outcome`."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.core.errors import DomainError
from apps.ledger.services import record
from apps.subject_requests.models import Part, SubjectRequest
from apps.subject_requests.states import TRANSITIONS, Outcome, Status


class IllegalMove(DomainError):
    """The request is not where this step begins; somebody else may have moved it meanwhile."""

    def __init__(self, reference: str, origin: str, to: str) -> None:
        self.origin, self.to = origin, to
        message = _("Request %(reference)s is “%(status)s” now, so this can’t be done. Reload the page to see why.")
        super().__init__("illegal_move", message % {"reference": reference, "status": Status(origin).label})


@transaction.atomic
def _move(subject_request: SubjectRequest, to: Status, *, actor: str, at: datetime, **facts: Any) -> SubjectRequest:
    """Lock, refuse what the table lacks, write, tell the ledger. Callers go on with the returned object."""
    locked = _lock(subject_request)
    if to not in TRANSITIONS[Status(locked.status)]:
        raise IllegalMove(locked.reference, locked.status, to)
    facts |= {"from": locked.status, "to": to.value}
    locked.status = to
    locked.closed_at = at if to is Status.CLOSED else None
    locked.waiting_since = at if to is Status.WAITING_FOR_REQUESTER else None
    locked.save(update_fields=["status", "closed_at", "waiting_since"])
    record(actor=actor, verb="subject_request.moved", target=locked, at=at, **facts)
    return locked


def _lock(subject_request: SubjectRequest) -> SubjectRequest:
    """The row as it is now, locked until the transaction ends."""
    return SubjectRequest.objects.select_for_update(of=("self",)).get(pk=subject_request.pk)


def _require(subject_request: SubjectRequest, *expected: Status) -> SubjectRequest:
    """The locked row, when it is in one of these states; else `IllegalMove`."""
    locked = _lock(subject_request)
    if locked.status not in expected:
        raise IllegalMove(locked.reference, locked.status, expected[0])
    return locked


def _close_part(
    part: Part,
    outcome: Outcome,
    *,
    actor: str,
    at: datetime,
    counts: dict[str, int] | None = None,
    ground: str = "",
    words: bytes = b"",
) -> Part:
    """Give an open part its outcome; the request closes when each part has one (`_close_if_answered`)."""
    part.outcome, part.closed_at = outcome, at
    part.counts, part.refusal_ground, part.refusal_words = counts or {}, ground, words
    part.save(update_fields=["outcome", "closed_at", "counts", "refusal_ground", "refusal_words"])
    record(
        actor=actor,
        verb="subject_request.part_closed",
        target=part.request,
        at=at,
        capacity=part.capacity,
        outcome=outcome.value,
        ground=ground or None,
        **part.counts,
    )
    return part


def _close_if_answered(subject_request: SubjectRequest, *, actor: str, at: datetime) -> SubjectRequest:
    if subject_request.parts.filter(outcome="").exists():
        return subject_request
    return _move(subject_request, Status.CLOSED, actor=actor, at=at)


def _close_all(
    subject_request: SubjectRequest, outcome: Outcome, *, actor: str, at: datetime, **facts: Any
) -> SubjectRequest:
    """Every open part ends the same way, and the request closes."""
    moved = _move(subject_request, Status.CLOSED, actor=actor, at=at, outcome=outcome.value, **facts)
    for part in moved.parts.filter(outcome=""):
        part.request = moved
        _close_part(part, outcome, actor=actor, at=at)
    return moved
