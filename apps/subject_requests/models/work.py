"""What happens around a request: messages, alerts, reveals, and each store's share of the execution."""

import uuid
from datetime import datetime
from typing import Any, Self

from django.db import models
from django.db.models import Q

from apps.core import crypto
from apps.subject_requests.models.requests import Part, SubjectIdentifier, SubjectRequest, _person
from apps.subject_requests.states import MessageKind, RevealReason, TaskKind, TaskStatus


class MessageQuerySet(models.QuerySet["Message"]):
    def for_requester(self) -> Self:
        """Internal notes are the officers' own (T5)."""
        return self.exclude(kind=MessageKind.NOTE)


class Message(models.Model):
    """A line between requester and officers, or an officer's note."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    request = models.ForeignKey(SubjectRequest, on_delete=models.CASCADE, related_name="messages")
    kind = models.CharField(max_length=10, choices=MessageKind.choices)
    author = _person()
    from_requester = models.BooleanField(default=False)
    sent_at = models.DateTimeField()
    body = models.BinaryField()  # sealed

    objects = MessageQuerySet.as_manager()

    class Meta:
        ordering = ["sent_at", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=MessageKind.values), name="thread_message_kind_known"),
            models.CheckConstraint(
                condition=Q(from_requester=False) | Q(kind=MessageKind.MESSAGE), name="message_of_requester_is_no_note"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @property
    def text(self) -> str:
        return crypto.unseal(bytes(self.body), bound_to=f"thread:{self.pk}")


class Reveal(models.Model):
    """Somebody looked at identifiers in the clear: the code is in the ledger too, the words only here, sealed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    request = models.ForeignKey(SubjectRequest, on_delete=models.CASCADE, related_name="reveals")
    identifier = models.ForeignKey(SubjectIdentifier, on_delete=models.SET_NULL, null=True, related_name="+")
    by = _person()
    at = models.DateTimeField()
    reason = models.CharField(max_length=20, choices=RevealReason.choices)
    words = models.BinaryField()  # sealed

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(reason__in=RevealReason.values), name="reveal_reason_known")]

    def __str__(self) -> str:
        return f"{self.reason} {self.pk}"


class Alert(models.Model):
    """Said once: a part nears its due date, or a requester is reminded. The row is the claim."""

    part = models.ForeignKey(Part, on_delete=models.CASCADE, related_name="alerts")
    due_on = models.DateField()  # an extended part is alerted anew
    step = models.CharField(max_length=10)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["part", "due_on", "step"], name="alert_once"),
            models.CheckConstraint(
                condition=Q(step__in=["14", "7", "3", "1", "overdue", "reminder"]), name="alert_step_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.step} {self.due_on}"


class StoreTaskQuerySet(models.QuerySet["StoreTask"]):
    def claimable(self, *, at: datetime) -> Self:
        return self.filter(status=TaskStatus.PENDING, next_attempt_at__lte=at)

    def abandoned(self, *, at: datetime) -> Self:
        """Running under a lease that ran out: whoever held it is gone."""
        return self.filter(status=TaskStatus.RUNNING, lease_until__lte=at)

    def to_confirm(self, *, at: datetime) -> Self:
        return self.filter(status__in=[TaskStatus.EXECUTED, TaskStatus.UNCONFIRMED], next_attempt_at__lte=at)


class StoreTask(models.Model):
    """One store's share of an execution. `status` has one writer (services.moves)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    request = models.ForeignKey(SubjectRequest, on_delete=models.CASCADE, related_name="store_tasks")
    kind = models.CharField(max_length=10, choices=TaskKind.choices)
    store = models.CharField(max_length=63)
    plan_hash = models.CharField(max_length=64, blank=True)
    rank = models.PositiveSmallIntegerField(default=0)  # lower ranks first: the portal's own store comes last
    status = models.CharField(max_length=15, choices=TaskStatus.choices, default=TaskStatus.PENDING)
    effect_key = models.CharField(max_length=150, unique=True)  # one effect, however often it is tried
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True, blank=True)
    error_code = models.CharField(max_length=80, blank=True)
    counts = models.JSONField(default=dict)  # {collection: {"erased": n, "anonymised": n, "kept": n, "newer": n}}
    remaining = models.JSONField(default=list)  # what the second search found
    executed_at = models.DateTimeField(null=True, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)

    objects = StoreTaskQuerySet.as_manager()

    class Meta:
        ordering = ["rank", "store"]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=TaskStatus.values), name="store_task_status_known"),
            models.CheckConstraint(condition=Q(kind__in=TaskKind.values), name="store_task_kind_known"),
            models.CheckConstraint(
                condition=Q(status=TaskStatus.RUNNING, lease_until__isnull=False)
                | (~Q(status=TaskStatus.RUNNING) & Q(lease_until=None)),
                name="store_task_runs_under_lease",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=[TaskStatus.EXECUTED, TaskStatus.CONFIRMED, TaskStatus.UNCONFIRMED])
                | Q(executed_at__isnull=False),
                name="store_task_executed_has_instant",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                name="store_task_due",
                condition=~Q(status__in=[TaskStatus.CONFIRMED, TaskStatus.STOPPED]),
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.store}"

    @property
    def totals(self) -> dict[str, int]:
        """Counts summed over the collections."""
        sums: dict[str, Any] = {"erased": 0, "anonymised": 0, "kept": 0, "newer": 0}
        for counted in self.counts.values():
            for name in sums:
                sums[name] += counted.get(name, 0)
        return sums
