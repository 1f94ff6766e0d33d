"""A sweep's plan: made, approved, replaced, started. The work itself is in `sweeping.py`."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from apps.core.errors import DomainError, InvalidInput
from apps.datamap import guards
from apps.datamap.services import map_version
from apps.ledger.services import canonical, record
from apps.retention import planning, protection
from apps.retention.models import Rule, Sweep, SweepPause, SweepQuerySet, SweepTask
from apps.retention.services import clocks
from apps.retention.states import SWEEP_TRANSITIONS, SweepStatus, TaskStatus

OPEN_PLANS = (SweepStatus.PLANNED, SweepStatus.WAITING)
AT_WORK = (SweepStatus.RUNNING, SweepStatus.INCOMPLETE)
CANCELLED = "sweep_cancelled"  # why it was refused: a person stopped it
LIFETIME = timedelta(days=7)
SMALL = 10_000  # below this many rows a share of a table says nothing


class SweepRefused(DomainError):
    """The plan can't be executed, and why: `sweep_unknown`, `sweep_stale`, `sweep_early`, `sweep_waits`, `sweep_over`,
    `sweep_busy`, `sweep_altered`, `sweep_paused`, `sweep_old`."""


def make_plan(*, day: date, now: datetime, actor: str, keys: Iterable[str] = ()) -> Sweep:
    """Count what would go on `day` and pin it; `keys` limits it to lines that these rules decide.

    The same data on the same day gives the same hash, and then the same plan. Newer plans replace open older ones.
    """
    rules = sorted(Rule.objects.current(), key=lambda rule: rule.key)
    wanted = sorted(set(keys))
    _refuse_unknown(wanted, rules)
    rules_version, version = protection.rules_version(), map_version()
    lines, down = planning.survey_map(rules, day=day, keys=wanted)
    waits_for = reasons_to_wait(lines, now=now)
    plan = Sweep(
        day=day, rules=wanted, rules_version=rules_version, map_version=version, lines=lines, down=down,
        status=SweepStatus.WAITING if waits_for else SweepStatus.PLANNED, waits_for=waits_for,
        made_by=actor, made_at=now,
    )  # fmt: skip
    plan.hash = hash_of(plan)
    return _save(plan, now=now)


def _refuse_unknown(keys: Sequence[str], rules: Sequence[Rule]) -> None:
    known = {rule.key for rule in rules}
    for key in keys:
        if key not in known:
            raise InvalidInput("rule", _("There is no retention rule “%(key)s”.") % {"key": key})


@transaction.atomic
def _save(plan: Sweep, *, now: datetime) -> Sweep:
    same = Sweep.objects.select_for_update().filter(hash=plan.hash).first()
    if same and same.status != SweepStatus.SUPERSEDED and not _is_over(same, plan):
        return same
    for older in _replaced(plan, today=now.astimezone(UTC).date()):
        _move(older, SweepStatus.SUPERSEDED, actor=plan.made_by, at=now)
    if same:
        same.delete()  # counted again, and it is as it was: that plan holds again
    plan.save(force_insert=True)
    facts = {"plan": plan.hash, "day": plan.day, "rows": plan.planned, "waits_for": plan.waits_for, "down": plan.down}
    record(actor=plan.made_by, verb="retention.planned", target=plan, at=now, **facts)
    return plan


def _is_over(same: Sweep, plan: Sweep) -> bool:
    """The same plan waited, and less stands in its way now: the clock was in doubt, and has been put right."""
    return same.status == SweepStatus.WAITING and set(plan.waits_for) < set(same.waits_for)


def _replaced(plan: Sweep, *, today: date) -> SweepQuerySet:
    """Open plans that this one takes the place of: for the same day, and, once its day has come, for earlier ones."""
    same = Sweep.objects.filter(status__in=OPEN_PLANS, rules=plan.rules).exclude(hash=plan.hash)
    return same.filter(day__lte=plan.day) if plan.day <= today else same.filter(day=plan.day)


def hash_of(plan: Sweep) -> str:
    """SHA-256 over the canonical bytes of everything the plan would do: not over who made it, nor when."""
    names = ("rules", "rules_version", "map_version", "lines", "down")
    content: dict[str, Any] = {name: getattr(plan, name) for name in names} | {"day": plan.day.isoformat()}
    return hashlib.sha256(canonical(content)).hexdigest()


def reasons_to_wait(lines: Sequence[planning.Line], *, now: datetime) -> list[str]:
    """Why a person has to look before a plan runs: it takes more than expected, or the clock is not to be trusted."""
    reasons = ["cap_rows"] if sum(line["count"] for line in lines) > settings.SWEEP_CAP_ROWS else []
    if any(line["total"] >= SMALL and line["count"] > settings.SWEEP_CAP_SHARE * line["total"] for line in lines):
        reasons.append("cap_share")
    return reasons + clocks.doubts(now=now)


@transaction.atomic
def approve_plan(sweep: Sweep, *, by: str, now: datetime) -> Sweep:
    """A person has looked: the plan may run. Whoever approves vouches for the clock too."""
    moved = _move(sweep, SweepStatus.PLANNED, actor=by, at=now, waited_for=sweep.waits_for)
    moved.approved_by, moved.approved_at = by, now
    moved.save(update_fields=["approved_by", "approved_at"])
    clocks.trust(now=now)
    return moved


@transaction.atomic
def start_sweep(hash_: str, *, actor: str, now: datetime) -> Sweep:
    """Let a plan run: its tasks are made, and whoever is free works on them. Raises `SweepRefused`.

    A plan that runs already is returned as it is: two who start it at once do no harm.
    """
    sweep = Sweep.objects.select_for_update().filter(hash=hash_).first()
    if sweep is None:
        raise SweepRefused("sweep_unknown", _("There is no plan with this hash."))
    if sweep.status in (SweepStatus.RUNNING, SweepStatus.INCOMPLETE, SweepStatus.DONE):
        return sweep
    _refuse_if_stale(sweep, now=now)
    try:
        with transaction.atomic():
            sweep = _move(sweep, SweepStatus.RUNNING, actor=actor, at=now)
    except IntegrityError:
        raise SweepRefused("sweep_busy", _("Another sweep is running. Let it finish first.")) from None
    SweepTask.objects.bulk_create(_tasks(sweep))
    return sweep


def _refuse_if_stale(sweep: Sweep, *, now: datetime) -> None:
    if SweepPause.objects.standing().exists():
        raise SweepRefused("sweep_paused", _("Sweeps are paused."))
    if sweep.status == SweepStatus.WAITING:
        raise SweepRefused("sweep_waits", _("This plan waits for a person to look at it."))
    if sweep.status != SweepStatus.PLANNED:
        raise SweepRefused("sweep_over", _("This plan was replaced or refused: make a new one."))
    if hash_of(sweep) != sweep.hash:
        raise SweepRefused("sweep_altered", _("This plan was altered after it was made: make a new one."))
    if now - sweep.made_at > LIFETIME:
        raise SweepRefused("sweep_old", _("This plan is more than seven days old: make a new one."))
    if sweep.day > now.astimezone(UTC).date():
        raise SweepRefused("sweep_early", _("This plan is for a day that has not come."))
    if sweep.rules_version != protection.rules_version():
        raise SweepRefused("sweep_stale", _("The rules have changed since this plan was made: make a new one."))
    if sweep.map_version != map_version():
        raise SweepRefused("sweep_stale", _("The data map has changed since this plan was made: make a new one."))


def _tasks(sweep: Sweep) -> list[SweepTask]:
    """One a collection and action, in the plan's order; nothing for lines by which nothing goes."""
    planned: dict[tuple[Any, ...], int] = {}
    for line in sweep.lines:
        key = (line["place"], line["store"], line["collection"], line["action"], tuple(line["columns"]))
        planned[key] = planned.get(key, 0) + line["count"]
    return [
        SweepTask(sweep=sweep, place=place, store=store, collection=collection, action=action, columns=list(columns),
                  planned=count)
        for (place, store, collection, action, columns), count in sorted(planned.items()) if count
    ]  # fmt: skip


@transaction.atomic
def refuse_sweep(sweep: Sweep, *, reason: str, actor: str, now: datetime) -> Sweep:
    """It can't go on as it was planned; what is done is done and noted."""
    moved = _move(sweep, SweepStatus.REFUSED, actor=actor, at=now, reason=reason)
    moved.reason, moved.finished_at = reason, now if moved.started_at else None
    moved.save(update_fields=["reason", "finished_at"])
    return moved


@transaction.atomic
def cancel_sweep(sweep: Sweep, *, by: str, now: datetime) -> Sweep:
    """A person stops a sweep that is at work: the batch in flight is finished, and none begins from this commit on.

    It waits for that batch under the lock that holds take. Nothing comes back; what is left goes with the next plan.
    Raises `SweepRefused`.
    """
    guards.take_hold_lock()
    locked = Sweep.objects.select_for_update().get(pk=sweep.pk)
    if locked.status not in AT_WORK:
        raise _over(locked)
    _release(locked)
    return refuse_sweep(locked, reason=CANCELLED, actor=by, now=now)


def _release(sweep: Sweep) -> None:
    """Whoever works on a collection of it finds that it is no longer theirs, and stops."""
    claimed = sweep.tasks.filter(status=TaskStatus.CLAIMED)
    claimed.update(status=TaskStatus.PENDING, worker=None, lease_until=None)


@transaction.atomic
def _move(sweep: Sweep, to: SweepStatus, *, actor: str, at: datetime, **facts: Any) -> Sweep:
    """The only writer of a sweep's status: lock, refuse what the table lacks, write, tell the ledger."""
    locked = Sweep.objects.select_for_update().get(pk=sweep.pk)
    if to not in SWEEP_TRANSITIONS[SweepStatus(locked.status)]:
        raise _over(locked)
    facts |= {"from": locked.status, "to": to.value}
    locked.status = to
    locked.started_at = locked.started_at or (at if to is SweepStatus.RUNNING else None)
    locked.finished_at = at if to is SweepStatus.DONE else None
    locked.save(update_fields=["status", "started_at", "finished_at"])
    record(actor=actor, verb="retention.sweep_moved", target=locked, at=at, **facts)
    return locked


def _over(sweep: Sweep) -> SweepRefused:
    return SweepRefused("sweep_over", _("This sweep is “%(status)s” now.") % {"status": sweep.get_status_display()})


@transaction.atomic
def pause_sweeps(*, by: str, now: datetime) -> bool:
    """No batch begins from now on, on whatever machine; False where they are paused already."""
    if SweepPause.objects.standing().exists():
        return False
    SweepPause.objects.create(paused_by=by, paused_at=now)
    record(actor=by, verb="retention.paused", target="retention.sweep", at=now)
    return True


@transaction.atomic
def resume_sweeps(*, by: str, now: datetime) -> bool:
    """What stood still goes on where it was; False where nothing is paused."""
    resumed = SweepPause.objects.standing().update(resumed_at=now)
    if resumed:
        record(actor=by, verb="retention.resumed", target="retention.sweep", at=now)
    return bool(resumed)


def is_planned(*, now: datetime) -> bool:
    """Whether the day has its plan: one that reached every store, or was made within the hour.

    A plan that could not start (sweeps were paused, another one ran) is no plan that the day has had; nor is one that
    waits because the clock had been in doubt, once it is right.
    """
    plans = Sweep.objects.filter(day=now.astimezone(UTC).date(), rules=[])
    had = plans.exclude(status__in=[SweepStatus.PLANNED, SweepStatus.SUPERSEDED])
    if not clocks.doubts(now=now):
        had = had.exclude(Q(waits_for__contains=["clock_jump"]) | Q(waits_for__contains=["clock_gap"]),
                          status=SweepStatus.WAITING)  # fmt: skip
    return had.filter(Q(down=[]) | Q(made_at__gt=now - timedelta(hours=1))).exists()


def approved_plan(*, now: datetime) -> Sweep | None:
    """A plan that a person has let go and that still may run."""
    plans = Sweep.objects.filter(status=SweepStatus.PLANNED, approved_at__isnull=False, made_at__gt=now - LIFETIME)
    plan = plans.filter(day__lte=now.astimezone(UTC).date()).order_by("-approved_at").first()
    is_stale = plan and (plan.rules_version, plan.map_version) != (protection.rules_version(), map_version())
    return None if is_stale else plan
