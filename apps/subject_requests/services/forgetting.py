"""Seven days after a request closed its identifying half goes: identifiers, messages, the outbox rows about it."""

from datetime import datetime, timedelta

from django.db import transaction

from apps.ledger.services import record
from apps.notifications.services import forget_messages
from apps.subject_requests.models import SubjectRequest
from apps.subject_requests.states import Status

FORGET_AFTER = timedelta(days=7)


def to_forget(*, now: datetime) -> list[SubjectRequest]:
    """Closed for seven days, identifiers still there."""
    closed = SubjectRequest.objects.closed().filter(forgotten_at=None, closed_at__lte=now - FORGET_AFTER)
    return list(closed.order_by("closed_at"))


@transaction.atomic
def forget_identifiers(subject_request: SubjectRequest, *, now: datetime) -> bool:
    """What proves that the request was answered stays for five years (DSR-6); whom it was about does not."""
    waiting = SubjectRequest.objects.filter(pk=subject_request.pk, forgotten_at=None, status=Status.CLOSED)
    locked = waiting.select_for_update(of=("self",), skip_locked=True).first()
    if locked is None:
        return False
    identifiers, _each = locked.identifiers.all().delete()
    messages, _each = locked.messages.all().delete()
    letters = forget_messages(about=locked.key)
    locked.forgotten_at = now
    locked.save(update_fields=["forgotten_at"])
    record(
        actor="system",
        verb="subject_request.forgotten",
        target=locked,
        at=now,
        identifiers=identifiers,
        messages=messages,
        letters=letters,
    )
    return True
