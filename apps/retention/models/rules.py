"""Retention rules: versioned data, never code."""

import hashlib
import json
import re
import uuid
from datetime import datetime
from typing import Any, Self

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.retention.periods import ISO_PERIOD, Event, Period
from apps.retention.states import CHANGE_TRANSITIONS, Action, Basis, Capacity, ChangeStatus, Kind


class RuleQuerySet(models.QuerySet["Rule"]):
    def current(self) -> Self:
        return self.filter(replaced_at=None)

    def in_force(self, *, at: datetime) -> Self:
        """The versions that were current at an instant."""
        return self.filter(in_force_at__lte=at).filter(Q(replaced_at=None) | Q(replaced_at__gt=at))

    def protecting(self) -> Self:
        """Rules that keep rows against an erasure on request; a mere limit does not."""
        return self.filter(Q(is_duty=True) | Q(is_interest=True))


class Rule(models.Model):
    """One version of one rule: how long which data stays, from when, why, and what happens then.

    A rule is never edited: a change is a new version, and exactly one version of a key is current. A plan pins the
    digest of all current ones.
    """

    ANY_REGION = "any"
    FACTS = (
        *("key", "version", "data_family", "description", "region", "period", "max_period", "starts_at", "action"),
        *("is_limit", "is_duty", "is_interest", "legal_basis", "capacity", "source", "why", "citation"),
        *("extends", "collections", "categories", "reviewed_on"),
    )

    key = models.SlugField(max_length=60)
    version = models.PositiveIntegerField(default=1)
    data_family = models.CharField(max_length=40)
    description = models.CharField(max_length=300, help_text="what data, by example")
    region = models.CharField(max_length=20, default=ANY_REGION)
    period = models.CharField(max_length=20)
    max_period = models.CharField(max_length=20)
    starts_at = models.CharField(max_length=30, choices=Event)
    action = models.CharField(max_length=20, choices=Action)
    is_limit = models.BooleanField(default=False)
    is_duty = models.BooleanField(default=False)
    is_interest = models.BooleanField(default=False)
    legal_basis = models.CharField(max_length=30, choices=Basis)
    capacity = models.CharField(max_length=20, choices=Capacity)
    source = models.CharField(max_length=40, help_text="the statement, or ours")
    why = models.TextField(blank=True, help_text="the reason; the balancing note of an interest")
    citation = models.CharField(max_length=300, blank=True, help_text="act and article of a duty or a country rule")
    # A rule of one country that lengthens another one (outside the EEA) stands wherever that one stands.
    extends = models.SlugField(max_length=60, blank=True)
    reviewed_on = models.DateField(null=True, blank=True, help_text="when counsel last looked at a country rule")
    # Besides the collections that name the rule on the map.
    collections = models.JSONField(default=list, blank=True)
    # With categories it is a limit on the columns that hold them, and runs on its own.
    categories = models.JSONField(default=list, blank=True)
    in_force_at = models.DateTimeField()
    replaced_at = models.DateTimeField(null=True, blank=True)

    objects = RuleQuerySet.as_manager()

    class Meta:
        ordering = ["key", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["key", "version"], name="rule_version_once"),
            models.UniqueConstraint(fields=["key"], condition=Q(replaced_at=None), name="rule_one_current_version"),
            models.CheckConstraint(condition=Q(period__regex=ISO_PERIOD), name="rule_period_is_iso_8601"),
            models.CheckConstraint(condition=Q(max_period__regex=ISO_PERIOD), name="rule_max_period_is_iso_8601"),
            models.CheckConstraint(condition=Q(starts_at__in=Event.values), name="rule_starts_at_is_known"),
            models.CheckConstraint(
                condition=Q(is_limit=True) | Q(is_duty=True) | Q(is_interest=True), name="rule_has_a_kind"
            ),
            models.CheckConstraint(
                condition=Q(is_duty=False) | Q(legal_basis=Basis.LEGAL_OBLIGATION) & ~Q(citation=""),
                name="rule_duty_cites_its_law",
            ),
            models.CheckConstraint(condition=Q(is_interest=False) | ~Q(why=""), name="rule_interest_says_why"),
            models.CheckConstraint(
                condition=Q(replaced_at=None) | Q(replaced_at__gte=models.F("in_force_at")),
                name="rule_replaced_after_in_force",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} v{self.version}"

    @property
    def kinds(self) -> frozenset[Kind]:
        flags = {Kind.LIMIT: self.is_limit, Kind.DUTY: self.is_duty, Kind.INTEREST: self.is_interest}
        return frozenset(kind for kind, is_set in flags.items() if is_set)

    @property
    def calendar(self) -> Period:
        return Period.parse(self.period)

    @property
    def content(self) -> dict[str, Any]:
        """What the rule says, without its version: two rules that say the same are the same rule."""
        return {name: value for name, value in self.facts.items() if name != "version"}

    @property
    def facts(self) -> dict[str, Any]:
        """Everything the rule says, JSON-able."""
        found = {name: getattr(self, name) for name in self.FACTS}
        return found | {"reviewed_on": self.reviewed_on.isoformat() if self.reviewed_on else None}

    @property
    def digest(self) -> str:
        return hashlib.sha256(json.dumps(self.facts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()

    def clean(self) -> None:
        for name in ("period", "max_period"):
            if not re.fullmatch(ISO_PERIOD, getattr(self, name)):
                raise ValidationError({name: _("Write the period as in ISO 8601, for example P6M or P30D.")})
        longest, chosen = Period.parse(self.max_period), self.calendar
        if (longest.months, longest.days) < (chosen.months, chosen.days):
            raise ValidationError({"max_period": _("The longest period is shorter than the period itself.")})
        # "Required by law" is said only of a duty, and then with the article: a law without one cannot be checked.
        if self.is_duty and not re.search(r"\d", self.citation):
            raise ValidationError({"citation": _("A duty cites its act and article.")})


class RuleChangeQuerySet(models.QuerySet["RuleChange"]):
    def visible_to(self, user: Any) -> Self:
        """Staff see what is proposed; nobody else does."""
        return self if user.is_authenticated and user.is_active and user.staff_roles.exists() else self.none()

    def open(self) -> Self:
        return self.filter(status=ChangeStatus.PROPOSED)


class RuleChange(models.Model):
    """A new version of a rule on its way: previewed, and approved by a second person where it deletes more.

    `content` is `Rule.content` of the version to be; empty when the rule is to end. `preview` holds what it was shown
    to do to live data and to the past, as counts.
    """

    TRANSITIONS = CHANGE_TRANSITIONS

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    key = models.SlugField(max_length=60)
    base_version = models.PositiveIntegerField()  # 0: the rule is new
    content = models.JSONField(default=dict)
    deletes_more = models.BooleanField()
    preview = models.JSONField(default=dict)
    status = models.CharField(max_length=20, choices=ChangeStatus, default=ChangeStatus.PROPOSED)
    proposed_by = models.CharField(max_length=80)
    proposed_at = models.DateTimeField()
    decided_by = models.CharField(max_length=80, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)

    objects = RuleChangeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["key"], condition=Q(status=ChangeStatus.PROPOSED), name="rule_change_one_open"
            ),
            models.CheckConstraint(condition=Q(status__in=ChangeStatus.values), name="rule_change_status_known"),
            models.CheckConstraint(
                condition=~Q(status=ChangeStatus.PUBLISHED, deletes_more=True) | ~Q(decided_by=models.F("proposed_by")),
                name="rule_change_needs_second_person",
            ),
            models.CheckConstraint(
                condition=Q(status=ChangeStatus.PROPOSED) | Q(decided_at__isnull=False), name="rule_change_decided_when"
            ),
        ]
        indexes = [models.Index(fields=["-proposed_at"], name="rule_change_recent")]

    def __str__(self) -> str:
        return f"{self.key} after v{self.base_version}"
