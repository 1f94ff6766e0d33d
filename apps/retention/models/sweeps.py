"""A sweep: its plan, the collections it goes through, and the batches it was done in."""

import uuid
from datetime import datetime
from typing import Any, Self

from django.db import models
from django.db.models import Q

from apps.retention.states import (
    SWEEP_TRANSITIONS,
    SWEEPS_OPEN,
    TASK_TRANSITIONS,
    SweepStatus,
    TaskStatus,
)


class SweepQuerySet(models.QuerySet["Sweep"]):
    def visible_to(self, user: Any) -> Self:
        """Staff: a sweep holds counts, codes and keys of rows."""
        return self if user.is_authenticated and user.is_active and user.staff_roles.exists() else self.none()

    def open(self) -> Self:
        return self.filter(status__in=sorted(SWEEPS_OPEN))

    def ended(self) -> Self:
        """Those that did something, the last first."""
        return self.filter(status__in=[SweepStatus.DONE, SweepStatus.INCOMPLETE]).order_by("-started_at")


class Sweep(models.Model):
    """What retention would do on one day, pinned by hash, and what became of it.

    `lines`: one per collection, action and deciding rule, in order: `{"store", "collection", "action": "delete" |
    "anonymise", "columns", "rule", "version", "total", "count", "oldest", "kept": [{"ground", "kind", "count", "until",
    "until_latest"}], "samples": [key, …]}`. `count` rows go; `kept` are past their limit and stay, with the reason.
    `waits_for` says why a person has to look first: `cap_rows`, `cap_share`, `clock_jump`, `clock_gap`.
    """

    TRANSITIONS = SWEEP_TRANSITIONS

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    hash = models.CharField(max_length=64, unique=True)
    day = models.DateField()  # what is past its limit on this day goes
    rules = models.JSONField(default=list)  # rule keys it is limited to; empty: all
    rules_version = models.CharField(max_length=64)
    map_version = models.CharField(max_length=64)
    lines = models.JSONField()
    down = models.JSONField(default=list)  # stores that could not be reached when it was made
    status = models.CharField(max_length=20, choices=SweepStatus, default=SweepStatus.PLANNED)
    waits_for = models.JSONField(default=list)
    made_by = models.CharField(max_length=80)
    made_at = models.DateTimeField()
    approved_by = models.CharField(max_length=80, blank=True)
    approved_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=60, blank=True)  # why it was refused

    objects = SweepQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(status__in=SweepStatus.values), name="sweep_status_known"),
            # Two at once do no harm: the second finds the first running and leaves it to it.
            models.UniqueConstraint(
                fields=["status"], condition=Q(status=SweepStatus.RUNNING), name="sweep_one_running"
            ),
            models.CheckConstraint(
                condition=Q(finished_at=None) | Q(finished_at__gte=models.F("started_at")),
                name="sweep_finishes_after_it_starts",
            ),
        ]
        indexes = [models.Index(fields=["-made_at"], name="sweep_recent")]

    def __str__(self) -> str:
        return self.hash

    @property
    def planned(self) -> int:
        return sum(line["count"] for line in self.lines)


class SweepTaskQuerySet(models.QuerySet["SweepTask"]):
    def claimable(self, *, at: datetime) -> Self:
        """Not done, of a sweep that runs, and nobody works on it (or whoever did is gone)."""
        free = Q(status=TaskStatus.PENDING) | Q(status__in=[TaskStatus.CLAIMED, TaskStatus.FAILED], lease_until__lte=at)
        return self.filter(free, sweep__status__in=[SweepStatus.RUNNING, SweepStatus.INCOMPLETE])


class SweepTask(models.Model):
    """One action on one collection of one store (or shard). Its row is the cursor: whoever comes next goes on here."""

    TRANSITIONS = TASK_TRANSITIONS

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    sweep = models.ForeignKey(Sweep, models.CASCADE, related_name="tasks")
    place = models.PositiveIntegerField()  # order: what references others goes before them
    store = models.CharField(max_length=100)
    collection = models.CharField(max_length=200)
    action = models.CharField(max_length=20)
    columns = models.JSONField(default=list)  # a limit on these columns alone; empty: the whole row
    planned = models.PositiveBigIntegerField()
    status = models.CharField(max_length=20, choices=TaskStatus, default=TaskStatus.PENDING)
    lease_until = models.DateTimeField(null=True, blank=True)
    worker = models.UUIDField(null=True, blank=True)  # whose lease it is
    attempts = models.PositiveIntegerField(default=0)
    error_code = models.CharField(max_length=60, blank=True)
    cursor = models.JSONField(default=dict)  # {"leaf": name, "block": next, "end": last, "rows": size of a batch}
    batches = models.PositiveIntegerField(default=0)
    done = models.PositiveBigIntegerField(default=0)
    kept = models.JSONField(default=list)  # as in a plan's line, counted when the work ended
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = SweepTaskQuerySet.as_manager()

    class Meta:
        ordering = ["place"]
        constraints = [
            models.UniqueConstraint(fields=["sweep", "place"], name="sweep_task_one_a_place"),
            models.CheckConstraint(condition=Q(status__in=TaskStatus.values), name="sweep_task_status_known"),
        ]

    def __str__(self) -> str:
        return f"{self.collection} {self.action}"


class SweepBatch(models.Model):
    """One transaction of a sweep in a store, noted from its receipt."""

    id = models.BigAutoField(primary_key=True)
    task = models.ForeignKey(SweepTask, models.CASCADE, related_name="steps")
    number = models.PositiveIntegerField()
    method = models.CharField(max_length=20)  # window | drop | swap | rewrite
    leaf = models.CharField(max_length=200)
    range = models.CharField(max_length=120, blank=True)  # blocks or keys, as text
    rows = models.PositiveBigIntegerField()
    seconds = models.FloatField()
    latency_ms = models.FloatField(null=True)  # of the probe that writes beside it
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["task", "number"], name="sweep_batch_once")]

    def __str__(self) -> str:
        return f"{self.task_id}:{self.number}"


class SweepPauseQuerySet(models.QuerySet["SweepPause"]):
    def standing(self) -> Self:
        return self.filter(resumed_at=None)


class SweepPause(models.Model):
    """While one stands, no batch begins, on whatever machine."""

    paused_by = models.CharField(max_length=80)
    paused_at = models.DateTimeField()
    resumed_at = models.DateTimeField(null=True, blank=True)

    objects = SweepPauseQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["resumed_at"], condition=Q(resumed_at=None), name="sweep_pause_one", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"paused {self.paused_at.isoformat()}"
