"""Executing what was approved. Three commits an erasure: the claim, the store's effect, the outcome here.

Whatever is killed between them, the next run finds the receipt under the effect key: one effect, true counts.
"""

import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef

from apps.core.errors import DomainError
from apps.datamap import services as datamap
from apps.datamap.models import ErasurePlan
from apps.ledger.services import record
from apps.subject_requests.models import StoreTask, SubjectRequest
from apps.subject_requests.services.access import pack_answer
from apps.subject_requests.services.certificates import finish_erasure
from apps.subject_requests.services.moves import _lock
from apps.subject_requests.services.pending import keep_pending
from apps.subject_requests.services.planning import _make_tasks, _return, plan_of, scope_of
from apps.subject_requests.services.store_tasks import _move, claim_task, give_back, hold_task
from apps.subject_requests.services.tell import tell_officers
from apps.subject_requests.services.tombstones import bury
from apps.subject_requests.states import Status, TaskKind, TaskStatus

logger = logging.getLogger(__name__)

PORTAL = "portal"
SEARCH_AGAIN_PAUSE = timedelta(minutes=5)


def run_task(task_id: UUID, *, now: datetime) -> bool:
    """Claim one store's share and do it; False when it was not to be had or failed (it is tried again)."""
    task = claim_task(task_id, now=now)
    if task is None:
        return False
    try:
        return _work_on(task, now=now)
    except Exception as error:  # a store that is down, a disk that is full: the queue must go on
        code = error.code if isinstance(error, DomainError) else type(error).__name__
        logger.warning("store task %s failed: %s", task.pk, code)
        give_back(task, error_code=code, now=now)
    return False


def _work_on(task: StoreTask, *, now: datetime) -> bool:
    if task.kind == TaskKind.ACCESS:
        return pack_answer(task, now=now)
    try:
        return _erase(task, now=now)
    except datamap.PlanStale as stale:
        _plan_stale(task, reason=stale.code, now=now)
        return False


def _erase(task: StoreTask, *, now: datetime) -> bool:
    plan = ErasurePlan.objects.get(hash=task.plan_hash)
    if task.store == PORTAL:  # in the transaction of its ledger line: the same database
        with transaction.atomic():
            settled = settle_effect(task, execute_effect(plan, task, now=now), now=now)
    else:
        receipt = execute_effect(plan, task, now=now)
        settled = settle_effect(task, receipt, now=now)
    return settled and confirm_task(task.pk, now=now)


def execute_effect(plan: ErasurePlan, task: StoreTask, *, now: datetime) -> datamap.Receipt:
    """The effect in the store, once per effect key."""
    return datamap.execute(plan, store=task.store, effect_key=task.effect_key, actor="system", now=now)


@transaction.atomic
def settle_effect(task: StoreTask, receipt: datamap.Receipt, *, now: datetime) -> bool:
    """Copy the receipt: outcome, tombstones and ledger line in one transaction. False when another run has done it."""
    held = hold_task(task)
    if held is None:
        return False
    _move(held, TaskStatus.EXECUTED, counts=receipt.counts, executed_at=receipt.at, error_code="")
    bury(held.request, now=now)
    datamap.note_execution(ErasurePlan.objects.get(hash=held.plan_hash), receipt, actor="system", now=now)
    record(
        actor="system",
        verb="subject_request.store_executed",
        target=held.request,
        at=now,
        store=held.store,
        plan=held.plan_hash,
        effect=held.effect_key,
        replayed=receipt.replayed,
        **held.totals,
    )
    return True


def confirm_executed(task_id: UUID, *, now: datetime) -> bool:
    """`confirm_task` for the sweep: a store that can't be searched now is searched again in a while."""
    try:
        return confirm_task(task_id, now=now)
    except Exception as error:  # the queue must go on
        logger.warning("store task %s was not searched again: %s", task_id, type(error).__name__)
        StoreTask.objects.filter(pk=task_id).update(next_attempt_at=now + SEARCH_AGAIN_PAUSE)
        return False


def confirm_task(task_id: UUID, *, now: datetime) -> bool:
    """Search the store again: `confirmed absent` only when everything that is left was kept for a ground."""
    task = StoreTask.objects.select_related("request").get(pk=task_id)
    plan = ErasurePlan.objects.get(hash=task.plan_hash)
    remaining = datamap.search_again(plan, store=task.store, now=now)
    with transaction.atomic():
        locked = StoreTask.objects.select_for_update(of=("self",)).select_related("request").get(pk=task_id)
        if locked.status not in (TaskStatus.EXECUTED, TaskStatus.UNCONFIRMED):
            return False
        is_confirmed = _write_confirmation(locked, remaining, now=now)
    if is_confirmed:
        close_erasure(task.request, now=now)
    return is_confirmed


def _write_confirmation(task: StoreTask, remaining: list[datamap.Remaining], *, now: datetime) -> bool:
    unexplained = sum(item.count for item in remaining if item.ground is None and item.kind is None)
    facts = {"store": task.store, "remaining": unexplained, "kept": sum(item.count for item in remaining) - unexplained}
    if unexplained:
        if task.status == TaskStatus.EXECUTED:
            _move(task, TaskStatus.UNCONFIRMED, next_attempt_at=now + SEARCH_AGAIN_PAUSE)
            record(actor="system", verb="subject_request.store_unconfirmed", target=task.request, at=now, **facts)
            tell_officers(task.request, "unconfirmed", now=now, once=str(task.pk))
        else:
            StoreTask.objects.filter(pk=task.pk).update(next_attempt_at=now + SEARCH_AGAIN_PAUSE)
        return False
    _move(task, TaskStatus.CONFIRMED, confirmed_at=now, remaining=[_as_json(item) for item in remaining])
    record(actor="system", verb="subject_request.store_confirmed", target=task.request, at=now, **facts)
    return True


def _as_json(item: datamap.Remaining) -> dict[str, object]:
    until = item.until.isoformat() if item.until else None
    return {
        "collection": item.collection,
        "count": item.count,
        "ground": item.ground,
        "kind": item.kind,
        "until": until,
    }


def confirmed_everywhere() -> list[SubjectRequest]:
    """Erasures of which every store is confirmed and which nobody closed: their worker was killed just before."""
    unfinished = StoreTask.objects.filter(request=OuterRef("pk")).exclude(status=TaskStatus.CONFIRMED)
    executing = SubjectRequest.objects.filter(status=Status.EXECUTING, store_tasks__kind=TaskKind.ERASE)
    return list(executing.filter(~Exists(unfinished)).distinct())


@transaction.atomic
def close_erasure(subject_request: SubjectRequest, *, now: datetime) -> bool:
    """When every store is confirmed absent: outcomes, certificate, what is still to come, and the answer. Once."""
    locked = _lock(subject_request)
    if locked.status != Status.EXECUTING:
        return False
    tasks = list(locked.store_tasks.all())
    plan = plan_of(locked)
    if plan is None or not tasks or any(task.status != TaskStatus.CONFIRMED for task in tasks):
        return False
    keep_pending(locked, plan, now=now)
    finish_erasure(locked, plan, tasks, now=now)
    return True


@transaction.atomic
def _plan_stale(task: StoreTask, *, reason: str, now: datetime) -> None:
    """Before any effect the request goes back to the officers. Once a store has been erased there is no way back: what
    is left is planned anew on the same approval, with all guards asked again."""
    held = hold_task(task)
    if held is None:
        return
    locked = _lock(held.request)
    # Another store whose worker began may hold an effect that is not copied here yet.
    begun = locked.store_tasks.exclude(pk=held.pk).filter(attempts__gt=0)
    if not begun.exists():
        for waiting in locked.store_tasks.select_for_update():
            _move(waiting, TaskStatus.STOPPED, error_code=reason)
        returned = _return(locked, reason=reason, actor="system", now=now)
        tell_officers(returned, "plan_stale", now=now, once=task.plan_hash[:16])
        return
    plan = datamap.plan_erasure(scope_of(locked), actor="system", now=now)
    locked.plan_hash = plan.hash
    locked.save(update_fields=["plan_hash"])
    record(actor="system", verb="subject_request.replanned", target=locked, at=now, reason=reason, plan=plan.hash)
    _make_tasks(locked, plan, now=now)
