"""The register: companies that work with data for us, and each engagement in versions that are never edited."""

import uuid
from datetime import date
from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from apps.accounts.policies import is_staff_member
from apps.processors.mechanisms import EEA, Standing, outside_eea, standing
from apps.processors.states import Capacity, Mechanism


class Processor(models.Model):
    """A company, whatever it does for us."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("company"), max_length=120)

    class Meta:
        verbose_name = _("company")
        verbose_name_plural = _("companies")
        constraints = [models.UniqueConstraint(Lower("name"), name="processor_name_once")]

    def __str__(self) -> str:
        return self.name


class EngagementQuerySet(models.QuerySet["Engagement"]):
    def visible_to(self, user: Any) -> Self:
        """Staff read every version; everybody else what is published."""
        return self if is_staff_member(user) else self.published()

    def published(self) -> Self:
        """What the public list says now."""
        return self.exclude(published_at=None).filter(replaced_at=None)

    def current(self) -> Self:
        """What is published and what is drafted, without what was replaced."""
        return self.filter(replaced_at=None)

    def searched(self, *, words: str = "", capacity: str = "") -> Self:
        """Those whose company or service has these words in it, in this role; "" asks for nothing."""
        found = self.filter(capacity=capacity) if capacity else self
        words = words.strip()
        return found.filter(Q(processor__name__icontains=words) | Q(service__icontains=words)) if words else found

    def of_line(self, line: uuid.UUID) -> Self:
        """All versions of one engagement, the oldest first."""
        return self.filter(line=line).order_by("version")

    def in_force(self, *, on: date) -> Self:
        """What was published on that day: who processed what, on what ground."""
        begun = self.filter(published_at__date__lte=on)
        return begun.filter(Q(replaced_at=None) | Q(replaced_at__date__gt=on))

    def for_list(self) -> Self:
        """With the company, and with what lists sort by: capitals are no reason to stand in front."""
        by = {"by_name": Lower("processor__name"), "by_service": Lower("service")}
        return self.select_related("processor").annotate(**by)


class Engagement(models.Model):
    """One version of what one company does for us. `line` is the engagement that the versions belong to.

    A draft has no `published_at`. What the statement said in 2020 is published with `stated_in` and never as approved;
    an administrator's version is published by approving it.
    """

    CONTENT = ("service", "country", "remote_country", "mechanism", "is_listed", "capacity", "note")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    processor = models.ForeignKey(Processor, models.PROTECT, related_name="engagements", verbose_name=_("company"))
    line = models.UUIDField(_("engagement"), default=uuid.uuid4)
    version = models.PositiveIntegerField(_("version"), default=1)
    service = models.CharField(_("service"), max_length=200)
    country = models.CharField(_("location"), max_length=2)
    remote_country = models.CharField(_("accessed from"), max_length=2, blank=True)
    mechanism = models.CharField(_("transfer mechanism"), max_length=20, choices=Mechanism, blank=True)
    is_listed = models.BooleanField(_("on the Data Privacy Framework list"), default=False)
    capacity = models.CharField(_("role"), max_length=20, choices=Capacity)
    note = models.CharField(_("note"), max_length=500, blank=True)
    stated_in = models.PositiveSmallIntegerField(_("stated in"), null=True, blank=True)
    drafted_at = models.DateTimeField(_("written at"))
    published_at = models.DateTimeField(_("published at"), null=True, blank=True)
    approved_at = models.DateTimeField(_("approved at"), null=True, blank=True)
    replaced_at = models.DateTimeField(_("replaced at"), null=True, blank=True)

    objects = EngagementQuerySet.as_manager()

    class Meta:
        verbose_name = _("engagement")
        verbose_name_plural = _("engagements")
        constraints = [
            models.UniqueConstraint(fields=["line", "version"], name="engagement_version_once"),
            models.UniqueConstraint(
                fields=["line"],
                condition=Q(published_at__isnull=False, replaced_at=None),
                name="engagement_one_published",
            ),
            models.UniqueConstraint(
                fields=["line"], condition=Q(published_at=None, replaced_at=None), name="engagement_one_draft"
            ),
            models.CheckConstraint(condition=Q(country__regex=r"^[A-Z]{2}$"), name="engagement_country_is_a_code"),
            models.CheckConstraint(
                condition=Q(remote_country__regex=r"^([A-Z]{2})?$"), name="engagement_remote_country_is_a_code"
            ),
            models.CheckConstraint(
                condition=Q(mechanism__in=["", *Mechanism.values]), name="engagement_mechanism_known"
            ),
            models.CheckConstraint(condition=Q(capacity__in=Capacity.values), name="engagement_capacity_known"),
            # PRO-3: nothing outside the EEA is approved without a transfer mechanism, whoever writes the row.
            models.CheckConstraint(
                condition=Q(approved_at=None)
                | ~Q(mechanism="")
                | Q(country__in=sorted(EEA), remote_country__in=["", *sorted(EEA)]),
                name="engagement_approved_has_a_mechanism",
            ),
            models.CheckConstraint(
                condition=Q(approved_at=None) | Q(stated_in=None, published_at__isnull=False),
                name="engagement_stated_is_not_approved",
            ),
            models.CheckConstraint(
                condition=Q(published_at=None) | Q(stated_in__isnull=False) | Q(approved_at__isnull=False),
                name="engagement_published_is_stated_or_approved",
            ),
        ]
        indexes = [models.Index(fields=["processor", "replaced_at"], name="engagement_current")]

    def __str__(self) -> str:
        return f"{self.line} v{self.version}"

    @property
    def target(self) -> str:
        """How the ledger names the engagement, over all its versions."""
        return f"processors.engagement:{self.line}"

    @property
    def is_draft(self) -> bool:
        return self.published_at is None

    @property
    def is_verified(self) -> bool:
        """What was only stated once is never shown as valid today."""
        return self.approved_at is not None

    @property
    def countries_abroad(self) -> list[str]:
        return outside_eea((self.country, self.remote_country))

    def standing(self, *, on: date) -> Standing:
        """Whether its transfer mechanism carries on that day."""
        return standing(self.mechanism, (self.country, self.remote_country), on=on, is_listed=self.is_listed)
