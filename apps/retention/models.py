"""Retention rules: versioned data, never code."""

import hashlib
import json
import re

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.retention.periods import ISO_PERIOD, Event, Period


class Kind(models.TextChoices):
    LIMIT = "limit", _("must go afterwards")
    DUTY = "duty", _("must stay until then: required by law")
    INTEREST = "interest", _("stays until then in our interest")


class Action(models.TextChoices):
    DELETE = "delete", _("deleted")
    ANONYMISE = "anonymise", _("made anonymous")


class Basis(models.TextChoices):
    """The grounds of GDPR Article 6(1) that a rule can rest on."""

    CONSENT = "consent", _("consent")
    CONTRACT = "contract", _("contract")
    LEGAL_OBLIGATION = "legal_obligation", _("legal obligation")
    LEGITIMATE_INTEREST = "legitimate_interest", _("legitimate interest")


class Capacity(models.TextChoices):
    CONTROLLER = "controller", _("controller")
    PROCESSOR = "processor", _("processor")
    CONDUIT = "conduit", _("conduit")


class RuleQuerySet(models.QuerySet["Rule"]):
    def current(self) -> "RuleQuerySet":
        return self.filter(replaced_at=None)

    def protecting(self) -> "RuleQuerySet":
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
    citation = models.CharField(max_length=300, blank=True, help_text="act and article of a duty")
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
    def content(self) -> dict[str, str | bool]:
        """What the rule says, without its version: two rules that say the same are the same rule."""
        return {name: getattr(self, name) for name in self.FACTS if name != "version"}

    @property
    def digest(self) -> str:
        facts = {name: getattr(self, name) for name in self.FACTS}
        return hashlib.sha256(json.dumps(facts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()

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
