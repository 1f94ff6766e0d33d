"""The work of a sweep: claim a collection, go through it move by move, note each one, finish.

A store is written in one transaction of its own that takes the receipt, while a transaction of the portal shares the
hold lock; then the portal notes the move from that receipt, in the transaction that lets the lock go. Whoever is killed
in between leaves a receipt, and whoever comes next copies it: nothing is lost, nothing counted twice.
"""

import math
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.db.models import F

from apps.core.errors import DomainError
from apps.core.failpoints import reach
from apps.datamap import guards
from apps.datamap import services as datamap
from apps.ledger.services import record
from apps.retention import planning, protection
from apps.retention.models import Rule, Sweep, SweepBatch, SweepPause, SweepTask
from apps.retention.services.statistics import keep_statistics
from apps.retention.services.sweeps import SweepRefused, refuse_sweep
from apps.retention.services.sweeps import _move as _move_sweep
from apps.retention.states import TASK_TRANSITIONS, Action, SweepStatus, TaskStatus

Tick = Callable[[], datetime]
LEASE = timedelta(minutes=3)  # longer than the largest partition takes to be replaced
RETRY_AFTER = timedelta(minutes=1)  # doubled with each attempt
LONGEST_RETRY = timedelta(hours=1)
BUSY_PAUSE, BUSY_TRIES = 0.05, 100
HEARTBEAT = 45.0  # seconds
FRESH = timedelta(minutes=30)  # after that a plan's counts are looked at again


class LeaseLost(DomainError):
    """Somebody else works on this task now; what this worker did there stands in a receipt, and is copied from it."""

    def __init__(self) -> None:
        super().__init__("lease_lost", "Another worker has taken over this collection.")


def run_sweep(sweep: Sweep, *, tick: Tick) -> Sweep:
    """Work on every task of a started sweep until none is to be had; other workers may work on it too."""
    while pks := list(SweepTask.objects.filter(sweep=sweep).claimable(at=tick()).values_list("pk", flat=True)):
        if not sum(work_on(pk, tick=tick, seconds=math.inf) for pk in pks):
            break
    return finish_sweep(sweep, now=tick())


def work_on(pk: uuid.UUID, *, tick: Tick, seconds: float) -> bool:
    """Claim one task and go on with it for at most so long; False where somebody else has it, or sweeps are paused.

    Safe to run twice, late, or beside itself.
    """
    worker = uuid.uuid4()
    task = _claim(pk, worker, now=tick())
    reach("claimed")
    if task is None or refuse_if_changed(task.sweep, now=tick()):
        return False
    try:
        is_done = _go(task, tick=tick, until=time.monotonic() + seconds)
    except LeaseLost:
        return False
    except DomainError as error:
        _move(task, TaskStatus.FAILED, now=tick(), error_code=error.code)
        return False
    except DatabaseError:  # the portal's own tables; the driver's words may hold people's data, and are told nobody
        _move(task, TaskStatus.FAILED, now=tick(), error_code="store_failed")
        return False
    except Exception:
        _move(task, TaskStatus.FAILED, now=tick(), error_code="internal")
        raise
    _move(task, TaskStatus.DONE if is_done else TaskStatus.PENDING, now=tick())
    reach("task ended")
    return is_done


@transaction.atomic
def finish_sweep(sweep: Sweep, *, now: datetime) -> Sweep:
    """Done when every task is and every store could be reached; incomplete while one failed; else it still runs."""
    sweep = Sweep.objects.select_for_update().get(pk=sweep.pk)
    if sweep.status not in (SweepStatus.RUNNING, SweepStatus.INCOMPLETE):
        return sweep
    states = set(sweep.tasks.values_list("status", flat=True))
    if not states - {TaskStatus.DONE} and (not sweep.down or _is_made_up_for(sweep)):
        facts = {"rows": sum(sweep.tasks.values_list("done", flat=True)), "planned": sweep.planned}
        return _move_sweep(sweep, SweepStatus.DONE, actor="system", at=now, **facts)
    is_stuck = not states - {TaskStatus.DONE, TaskStatus.FAILED}
    if is_stuck and sweep.status == SweepStatus.RUNNING:
        return _move_sweep(sweep, SweepStatus.INCOMPLETE, actor="system", at=now)
    return sweep


def _is_made_up_for(sweep: Sweep) -> bool:
    """Stores that were down when it was planned have been swept by a later plan that reached them all."""
    later = Sweep.objects.filter(status=SweepStatus.DONE, made_at__gt=sweep.made_at, day__gte=sweep.day, down=[])
    return later.filter(rules__in=[[], sweep.rules]).exists()


# --- one task ----------------------------------------------------------------------------------------


def _go(task: SweepTask, *, tick: Tick, until: float) -> bool:
    """Move by move to the end of the way (True), or until the time is up or sweeps are paused (False)."""
    order = _order(task)
    with _alive(task, tick), datamap.walking(order, size=task.cursor.get("rows", 0)) as walk:
        _copy_receipt(task, walk, now=tick())
        reach("receipt copied")
        if not _is_its_turn(task, walk):
            return False
        _refuse_grown(task, order, now=tick())
        if task.action == Action.ANONYMISE and not task.columns:
            # Where rules run from several clocks, none says up to which month rows go: then it is all that are over.
            latest = walk.latest or task.sweep.day
            keep_statistics(task.collection, latest + timedelta(days=1), tick())
            reach("statistics kept")
        while move := walk.look(_cursor(task)):
            if time.monotonic() > until or SweepPause.objects.standing().exists():
                return False
            if task.done > _most(task):
                raise _grown()
            _one(task, walk, move, tick=tick)
            reach("between moves")
        reach("nothing left")
        walk.forget_receipts(f"{_prefix(task)}")
        reach("receipts forgotten")
        _note_kept(task, order)
        reach("kept noted")
    return True


@contextmanager
def _alive(task: SweepTask, tick: Tick) -> Iterator[None]:
    """The lease is renewed while this process works, however long it counts."""
    ended = threading.Event()

    def renew() -> None:
        while not ended.wait(HEARTBEAT):
            SweepTask.objects.filter(pk=task.pk, worker=task.worker).update(lease_until=tick() + LEASE)
        connection.close()

    heart = threading.Thread(target=renew, daemon=True)
    heart.start()
    try:
        yield
    finally:
        ended.set()
        heart.join()


def _refuse_grown(task: SweepTask, order: datamap.Order, *, now: datetime) -> None:
    """Before the first move of a plan that is not fresh: were many more rows past their limit by now, nobody has looked
    at what would go. Raises, and the next plan tells."""
    if task.batches or now - task.sweep.made_at < FRESH:
        return
    with datamap.reading() as read:
        read.collections()
        found = sum(counted.count for one in read.survey([order], samples=False) for counted in one.counted)
    if found > _most(task):
        raise _grown()


def _most(task: SweepTask) -> int:
    """How many rows a plan that counted so many may take: traffic goes on while it runs."""
    return task.planned + task.planned // 100 + 1_000


def _grown() -> DomainError:
    return DomainError("sweep_grown", "Many more rows would go than were planned: a new plan is needed.")


def _is_its_turn(task: SweepTask, walk: datamap.Walk) -> bool:
    """Whether what has to be done before is done: collections whose rows must point at rows of this one, which could
    not go; and rows that go whole, before the rest loses columns.

    False while somebody is at work on one; raises where one failed, so that both are tried again.
    """
    others = [task.collection] if task.columns else walk.blocked_by
    before = SweepTask.objects.filter(sweep=task.sweep, place__lt=task.place, collection__in=others)
    states = set(before.values_list("status", flat=True)) - {TaskStatus.DONE}
    if TaskStatus.FAILED in states:
        raise DomainError("not_its_turn", "A collection whose rows point at these could not be swept yet.")
    return not states


def _order(task: SweepTask) -> datamap.Order:
    """The order again, from the rules that the plan pinned."""
    sweep = task.sweep
    # A change of rules never makes more go in the sweep under way; what it makes stay, stays from now on.
    rules = list(Rule.objects.in_force(at=sweep.made_at))
    if protection.rules_version(rules) != sweep.rules_version:
        raise DomainError("sweep_stale", "The rules this sweep was planned with are not to be found any more.")
    choices = protection.current_choices(made_by=sweep.made_at)
    order = planning.order_for(
        task.collection, task.action, task.columns, rules, day=sweep.day, choices=choices, only=sweep.rules,
        today=list(Rule.objects.current()),
    )  # fmt: skip
    total = max((line["total"] for line in sweep.lines if line["collection"] == task.collection), default=0)
    return replace(order, planned=task.planned, share=task.planned / total if total else 0.0)


def _one(task: SweepTask, walk: datamap.Walk, move: Any, *, tick: Tick) -> None:
    """One move: under the shared hold lock, in the store, noted here. A lock that somebody holds is waited for."""
    for _attempt in range(BUSY_TRIES):
        try:
            with transaction.atomic(durable=True):
                guards.share_hold_lock()
                _keep_others_out(task)
                reach("hold lock")
                done = walk.do(move, effect_key=_effect_key(task), now=tick())
                reach("store committed")
                _note(task, done, size=walk.pace.next(), latency=walk.pace.latency, now=tick())
                reach("noted")
            return
        except datamap.Busy:
            time.sleep(BUSY_PAUSE)
    raise DomainError("store_busy", "The store was locked by others for too long.")


def _keep_others_out(task: SweepTask) -> None:
    """Nobody claims the task until this transaction ends, however long the move takes; `LeaseLost` where one has."""
    mine = SweepTask.objects.select_for_update(no_key=True).filter(pk=task.pk, worker=task.worker, batches=task.batches)
    if not mine.values_list("pk", flat=True):
        raise LeaseLost


def _copy_receipt(task: SweepTask, walk: datamap.Walk, *, now: datetime) -> None:
    """A worker before us may have been killed after the store committed: note what it did."""
    done = walk.earlier(_effect_key(task))
    if done:
        with transaction.atomic():
            _note(task, done, size=walk.pace.size, latency=None, now=now)


@transaction.atomic
def _note(task: SweepTask, done: datamap.Done, *, size: int, latency: float | None, now: datetime) -> None:
    """Cursor, counts and evidence of one move; `LeaseLost` where the task is no longer ours."""
    cursor = done.cursor | {"rows": size}
    mine = SweepTask.objects.filter(pk=task.pk, worker=task.worker, batches=task.batches)
    changes = {"cursor": cursor, "batches": F("batches") + 1, "done": F("done") + done.rows, "lease_until": now + LEASE}
    if mine.update(**changes) != 1:
        raise LeaseLost
    task.batches, task.cursor, task.done = task.batches + 1, cursor, task.done + done.rows
    SweepBatch.objects.create(
        task=task, number=task.batches, method=done.method, leaf=done.leaf, range=done.range, rows=done.rows,
        seconds=done.seconds, latency_ms=latency, at=now,
    )  # fmt: skip
    facts = {
        "collection": task.collection, "store": task.store, "action": task.action, "method": done.method,
        "leaf": done.leaf, "range": done.range.replace(" ", ":") or None, "rows": done.rows,
        "rules": task.sweep.rules_version, "plan": task.sweep.hash, "number": task.batches,
    }  # fmt: skip
    record(actor="system", verb="retention.batch", target=task, at=now, **facts)


def _note_kept(task: SweepTask, order: datamap.Order) -> None:
    """What is past its limit and stays, as it is at the end: rows held since the plan are among them."""
    lines = [line for line in task.sweep.lines if line["place"] == task.place]
    if task.done == task.planned and not any(line["kept"] for line in lines):
        return  # all went that was past
    with datamap.reading() as read:
        read.collections()
        surveyed = read.survey([order], samples=False)
    task.kept = [planning.kept(one) for each in surveyed for counted in each.counted for one in counted.kept]
    SweepTask.objects.filter(pk=task.pk, worker=task.worker).update(kept=task.kept)


def _cursor(task: SweepTask) -> datamap.Cursor:
    return datamap.Cursor(**{name: value for name, value in task.cursor.items() if name != "rows"})


def _prefix(task: SweepTask) -> str:
    return f"sweep:{task.pk}:"


def _effect_key(task: SweepTask) -> str:
    return f"{_prefix(task)}{task.batches}"


# --- its status --------------------------------------------------------------------------------------


@transaction.atomic
def _claim(pk: uuid.UUID, worker: uuid.UUID, *, now: datetime) -> SweepTask | None:
    """One worker gets it, and a lease that the work itself extends. Past its lease, whoever is in the middle of a move
    still has the row locked: then it is not to be had either."""
    if SweepPause.objects.standing().exists():
        return None
    free = SweepTask.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=pk).claimable(at=now)
    if not free.values_list("pk", flat=True):
        return None
    facts = {"worker": worker, "lease_until": now + LEASE, "attempts": F("attempts") + 1, "error_code": ""}
    SweepTask.objects.filter(pk=pk).update(status=TaskStatus.CLAIMED, **facts)
    SweepTask.objects.filter(pk=pk, started_at=None).update(started_at=now)
    return SweepTask.objects.select_related("sweep").get(pk=pk)


@transaction.atomic
def _move(task: SweepTask, to: TaskStatus, *, now: datetime, error_code: str = "") -> None:
    """Only whoever holds the lease writes the status; a failure is tried again with doubling pauses."""
    locked = SweepTask.objects.select_for_update().get(pk=task.pk)
    if locked.worker != task.worker or to not in TASK_TRANSITIONS[TaskStatus(locked.status)]:
        return
    pause = min(RETRY_AFTER * 2 ** min(locked.attempts - 1, 6), LONGEST_RETRY)
    locked.status = to
    locked.error_code = error_code
    locked.attempts = 0 if to is TaskStatus.PENDING else locked.attempts  # it did not fail
    locked.lease_until = now + pause if to is TaskStatus.FAILED else now
    locked.finished_at = now if to is TaskStatus.DONE else None
    locked.save(update_fields=["status", "error_code", "attempts", "lease_until", "finished_at"])


def refuse_if_changed(sweep: Sweep, *, now: datetime) -> bool:
    """The map changed under a sweep that runs: its collections may not be what they were. True where it was refused."""
    if sweep.map_version == datamap.map_version():
        return False
    with suppress(SweepRefused):  # another worker has seen it too
        refuse_sweep(sweep, reason="sweep_stale", actor="system", now=now)
    return True
