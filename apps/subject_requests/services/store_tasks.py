"""Store tasks: claimed under a lease, finished with their ledger line, taken back when a worker died."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from apps.ledger.services import record
from apps.subject_requests.models import StoreTask
from apps.subject_requests.states import TASK_TRANSITIONS, Status, TaskStatus

LEASE = timedelta(seconds=60)
"""A second worker may begin after this; the effect key keeps it from doing anything twice."""
LONGEST_PAUSE = timedelta(minutes=30)
DONE = (TaskStatus.EXECUTED, TaskStatus.CONFIRMED, TaskStatus.UNCONFIRMED)


def _move(task: StoreTask, to: TaskStatus, **values: Any) -> StoreTask:
    """The only writer of a task's status; the caller holds the row's lock. Raises when the table lacks the way."""
    if to not in TASK_TRANSITIONS[TaskStatus(task.status)]:
        raise ValueError(f"A store task can't go from {task.status} to {to}.")
    task.status = to
    values.setdefault("lease_until", None)
    for name, value in values.items():
        setattr(task, name, value)
    task.save(update_fields=["status", *values])
    return task


def claimable(*, now: datetime) -> QuerySet[StoreTask]:
    """Tasks whose turn it is: of an executing request, every task of a lower rank executed (the portal's own store
    is erased last)."""
    earlier = StoreTask.objects.filter(request=OuterRef("request"), rank__lt=OuterRef("rank")).exclude(status__in=DONE)
    ready = StoreTask.objects.claimable(at=now).filter(~Exists(earlier), request__status=Status.EXECUTING)
    return ready.order_by("next_attempt_at")


@transaction.atomic
def claim_task(task_id: UUID, *, now: datetime) -> StoreTask | None:
    """Take a task for `LEASE`, or None when somebody else has it or it is not its turn. Commit before working on it."""
    free = claimable(now=now).filter(pk=task_id).select_for_update(of=("self",), skip_locked=True).first()
    if free is None:
        return None
    return _move(free, TaskStatus.RUNNING, lease_until=now + LEASE, attempts=free.attempts + 1)


def hold_task(task: StoreTask) -> StoreTask | None:
    """The row locked, if this claim still holds it: a worker that slept over its lease finds another attempt here."""
    mine = StoreTask.objects.filter(pk=task.pk, status=TaskStatus.RUNNING, attempts=task.attempts)
    return mine.select_for_update(of=("self",)).select_related("request").first()


@transaction.atomic
def give_back(task: StoreTask, *, error_code: str, now: datetime) -> bool:
    """A failure that may pass: try again later, with doubling pauses up to half an hour."""
    held = hold_task(task)
    if held is None:
        return False
    pause = min(timedelta(seconds=5 * 2 ** min(held.attempts, 12)), LONGEST_PAUSE)
    _move(held, TaskStatus.PENDING, error_code=error_code[:80], next_attempt_at=now + pause)
    record(
        actor="system",
        verb="subject_request.store_failed",
        target=held.request,
        at=now,
        store=held.store,
        error=error_code[:80],
        attempt=held.attempts,
    )
    return True


@transaction.atomic
def reclaim_abandoned(*, now: datetime) -> int:
    """The reconciler: tasks whose lease ran out go back to the queue."""
    abandoned = StoreTask.objects.abandoned(at=now).select_for_update(of=("self",), skip_locked=True)
    count = 0
    for task in abandoned.select_related("request"):
        _move(task, TaskStatus.PENDING, next_attempt_at=now, error_code="lease_ended")
        record(actor="system", verb="subject_request.lease_ended", target=task.request, at=now, store=task.store)
        count += 1
    return count
