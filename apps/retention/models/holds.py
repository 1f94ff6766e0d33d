"""Legal holds: what must not go while a case runs."""

import json
import uuid
from datetime import date, datetime
from typing import Any, Self

from django.db import models
from django.db.models import Q

from apps.accounts.models import StaffRole, User
from apps.accounts.states import Role
from apps.core import crypto
from apps.core.identities import Identity, IdentityType
from apps.retention.states import HoldReason

READERS = (Role.OFFICER, Role.DPO)


class HoldQuerySet(models.QuerySet["Hold"]):
    def visible_to(self, user: Any) -> Self:
        """Officers and the data protection officer. For everybody else there is no such thing: a hold's reason may be
        secret, and so may be that there is one."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        return self if StaffRole.objects.filter(user=user.pk, role__in=READERS).exists() else self.none()

    def standing(self) -> Self:
        return self.filter(lifted_at=None)

    def to_review(self, *, by: date) -> Self:
        return self.standing().filter(review_on__lte=by)

    def for_list(self) -> Self:
        return self.select_related("owner")


class Hold(models.Model):
    """Rows that stay until somebody lifts this: of a person, an account, some collections, a period, or all of these
    together (each that is given narrows the rest).

    The person's identities and the reason's words are sealed, bound to the row.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    reference = models.CharField(max_length=20, unique=True)
    reason = models.CharField(max_length=20, choices=HoldReason)
    words = models.BinaryField()
    identities = models.BinaryField(default=bytes)  # empty: not about one person
    account = models.CharField(max_length=100, blank=True)  # the platform's account id
    collections = models.JSONField(default=list)  # "dataset:collection"; empty: all
    from_on = models.DateField(null=True, blank=True)
    until_on = models.DateField(null=True, blank=True)  # the last day, included
    owner = models.ForeignKey(User, models.PROTECT, related_name="+")
    review_on = models.DateField()
    placed_by = models.CharField(max_length=80)
    placed_at = models.DateTimeField()
    lifted_by = models.CharField(max_length=80, blank=True)
    lifted_at = models.DateTimeField(null=True, blank=True)

    objects = HoldQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(reason__in=HoldReason.values), name="hold_reason_known"),
            models.CheckConstraint(
                condition=~Q(identities=b"")
                | ~Q(account="")
                | ~Q(collections=[])
                | Q(from_on__isnull=False)
                | Q(until_on__isnull=False),
                name="hold_has_a_scope",
            ),
            models.CheckConstraint(
                condition=Q(from_on=None) | Q(until_on=None) | Q(until_on__gte=models.F("from_on")),
                name="hold_period_in_order",
            ),
            models.CheckConstraint(
                condition=Q(lifted_at=None) | Q(lifted_at__gte=models.F("placed_at")), name="hold_lifted_after_placed"
            ),
        ]
        indexes = [
            models.Index(fields=["review_on"], condition=Q(lifted_at=None), name="hold_review"),
            models.Index(fields=["-placed_at"], name="hold_recent"),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def target(self) -> str:
        """What the ledger calls it."""
        return f"retention.hold:{self.pk}"

    @property
    def people(self) -> tuple[Identity, ...]:
        """The identities the hold is about, opened."""
        if not self.identities:
            return ()
        opened = json.loads(crypto.unseal(bytes(self.identities), bound_to=f"hold:{self.pk}:identities"))
        return tuple(Identity(IdentityType(kind), value) for kind, value in opened)

    @property
    def why(self) -> str:
        """The reason in the owner's words, opened."""
        return crypto.unseal(bytes(self.words), bound_to=f"hold:{self.pk}:words")

    def seal(self, *, words: str, identities: tuple[Identity, ...]) -> None:
        self.words = crypto.seal(words, bound_to=f"hold:{self.pk}:words")
        pairs = json.dumps([[one.type.value, one.value] for one in identities])
        self.identities = crypto.seal(pairs, bound_to=f"hold:{self.pk}:identities") if identities else b""

    def is_overdue(self, *, on: datetime) -> bool:
        return self.lifted_at is None and self.review_on < on.date()
