"""What people said, and what holds now.

An event is a fact: the database refuses to change or delete one (migration 0002). Only the instant at which its effect
ended may be set, or move to an earlier one; five years after that the proof goes, by the retention engine. What a
customer wrote down about its end users is the customer's proof, not ours: it goes thirty days after the customer's
service ended, returned before where it asked for that (GDPR 28(3)(g)).
"""

import uuid
from datetime import datetime
from typing import Any, Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.policies import MemberRole, memberships_of
from apps.consent.ids import instant_of
from apps.consent.models.subjects import is_ours, person_of_key, tenant_of_scope
from apps.consent.states import Action, Method

PROVIDER = "provider"
"""The scope of what people say to the provider itself. Others: `site:<key>` (cookies), `account:<uuid>` (a customer's
end users)."""


class EventQuerySet(models.QuerySet["Event"]):
    def of(self, scope: str, subject_key: str) -> Self:
        """One subject's history, the oldest first."""
        return self.filter(scope=scope, subject_key=subject_key).order_by("at", "id")

    def ours(self) -> Self:
        return self.filter(is_ours())

    def identified(self, event: uuid.UUID) -> Self:
        """The one with this id: the id says in which month it lies, so that no other partition is asked."""
        at = instant_of(event)
        return self.none() if at is None else self.filter(at=at, id=event)

    def own_to(self, user: Any) -> Self:
        """What this person said: for themselves, or for an account they own; and what they did for others."""
        if not user.is_authenticated:
            return self.none()
        owned = memberships_of(user).filter(role=MemberRole.OWNER).values_list("account_id", flat=True)
        keys = [f"user:{user.pk}", *(f"account:{account}" for account in owned)]
        return self.filter(Q(user_id=user.pk) | Q(scope=PROVIDER, subject_key__in=keys))

    def about_same(self, event: "Event") -> Self:
        """What the same subject said about any of the same purposes."""
        same = self.filter(scope=event.scope, subject_key=event.subject_key)
        return same.filter(choices__has_any_keys=list(event.choices)).exclude(id=event.id)


class Event(models.Model):
    """One act of one subject: yes or no to one purpose, or to several at once.

    `subject_key`: `user:<uuid>`, `account:<uuid>`, the random id of a visitor, or the blind index of an identity
    (`core.crypto.lookup`); never an address. `choices` maps purposes (or cookie categories) to true or false. `at` is
    the instant its id carries, `received_at` the server's. `ended_at`: when it stopped or will stop to count (replaced,
    withdrawn, expired); None while no end is known. The table is partitioned by month of `at`.
    """

    pk = models.CompositePrimaryKey("at", "id")
    id = models.UUIDField()
    at = models.DateTimeField(_("at"))
    received_at = models.DateTimeField(_("received at"))
    scope = models.CharField(_("scope"), max_length=60)
    subject_key = models.CharField(_("subject key"), max_length=64)
    user_id = models.UUIDField(_("person signed in"), null=True, blank=True)  # who acted, where that is known
    action = models.CharField(_("action"), max_length=12, choices=Action)
    method = models.CharField(_("method"), max_length=12, choices=Method)
    choices = models.JSONField(_("choices"))
    text = models.CharField(_("text as shown"), max_length=64)  # the digest of a Text
    language = models.CharField(_("language"), max_length=5)
    register_version = models.PositiveIntegerField(_("version of the cookie register"), null=True, blank=True)
    gpc = models.BooleanField(_("Global Privacy Control"), null=True, blank=True)
    page = models.CharField(_("page"), max_length=200, blank=True)  # host and path, never a query
    agent = models.CharField(_("browser"), max_length=40, blank=True)  # family and system, no version
    previous = models.UUIDField(_("previous"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    tenant = tenant_of_scope()

    objects = EventQuerySet.as_manager()

    class Meta:
        verbose_name = _("consent event")
        verbose_name_plural = _("consent events")
        indexes = [
            models.Index(fields=["subject_key", "scope", "at"], name="event_by_subject"),
            models.Index(fields=["received_at"], name="event_by_receipt"),
            models.Index(fields=["ended_at"], name="event_by_end"),
            models.Index(fields=["user_id", "at"], name="event_by_actor", condition=Q(user_id__isnull=False)),
            models.Index(fields=["tenant"], name="event_by_tenant", condition=Q(tenant__isnull=False)),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def target(self) -> str:
        return f"consent.event:{self.id}"

    def is_in_force(self, *, at: datetime) -> bool:
        """Whether it still says what holds at that instant."""
        return self.ended_at is None or self.ended_at > at


class StateQuerySet(models.QuerySet["State"]):
    def of(self, scope: str, subject_key: str) -> Self:
        return self.filter(scope=scope, subject_key=subject_key)

    def ours(self) -> Self:
        return self.filter(is_ours())

    def allowing(self, *, at: datetime) -> Self:
        """What may go on at that instant."""
        return self.filter(is_allowed=True).filter(Q(until=None) | Q(until__gt=at))


class State(models.Model):
    """What holds now for one subject and purpose: a projection of the events, made anew from them at any time."""

    pk = models.CompositePrimaryKey("scope", "subject_key", "purpose")
    scope = models.CharField(_("scope"), max_length=60)
    subject_key = models.CharField(_("subject key"), max_length=64)
    purpose = models.CharField(_("purpose"), max_length=40)
    is_allowed = models.BooleanField(_("allowed"))
    since = models.DateTimeField(_("since"))
    until = models.DateTimeField(_("until"), null=True, blank=True)  # validity, not how long the proof is kept
    event = models.UUIDField(_("event"))  # whose proof it goes with, and whose effect ends where it is erased before
    person = person_of_key()
    tenant = tenant_of_scope()

    objects = StateQuerySet.as_manager()

    class Meta:
        verbose_name = _("state of consent")
        verbose_name_plural = _("states of consent")
        indexes = [
            models.Index(fields=["subject_key"], name="state_by_subject"),
            models.Index(fields=["person"], name="state_by_person"),
            models.Index(fields=["event"], name="state_by_event"),
            models.Index(fields=["tenant"], name="state_by_tenant", condition=Q(tenant__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.purpose}: {self.is_allowed}"


class Range(models.Model):
    """Events received between two instants, closed: their number and one digest over them, told to the ledger."""

    id = models.BigAutoField(primary_key=True)
    begins_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"), unique=True)
    count = models.PositiveBigIntegerField(_("events"))
    digest = models.CharField(_("digest"), max_length=64)
    followed_up_at = models.DateTimeField(_("followed up at"), null=True, blank=True)  # choices it replaced have ended

    class Meta:
        verbose_name = _("closed range")
        verbose_name_plural = _("closed ranges")
        constraints = [models.CheckConstraint(condition=Q(ends_at__gt=F("begins_at")), name="range_ends_later")]

    def __str__(self) -> str:
        return str(self.pk)
