"""Restrictions and objections: what no consent gets round."""

import uuid
from collections.abc import Iterable
from typing import Any, Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.consent.models.subjects import is_ours, person_of_key, tenant_of_scope
from apps.consent.states import MARKETING, Ground


class LiftableQuerySet(models.QuerySet[Any]):
    def open(self) -> Self:
        return self.filter(lifted_at=None)

    def of(self, scope: str, subject_key: str) -> Self:
        return self.filter(scope=scope, subject_key=subject_key)

    def of_any(self, scope: str, subject_keys: Iterable[str]) -> Self:
        """Of one person who is known by several keys."""
        return self.filter(scope=scope, subject_key__in=subject_keys)

    def ours(self) -> Self:
        return self.filter(is_ours())


class Liftable(models.Model):
    """What stands for one subject from `since` on, until it is lifted."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    scope = models.CharField(_("scope"), max_length=60)
    subject_key = models.CharField(_("subject key"), max_length=64)
    source = models.CharField(_("source"), max_length=160, blank=True)  # what it came from, as the ledger names it
    since = models.DateTimeField(_("since"))
    lifted_at = models.DateTimeField(_("lifted at"), null=True, blank=True)
    person = person_of_key()
    tenant = tenant_of_scope()

    objects = LiftableQuerySet.as_manager()

    class Meta:
        abstract = True
        indexes = [
            models.Index(fields=["subject_key", "scope"], name="%(class)s_by_subject"),
            models.Index(fields=["person"], name="%(class)s_by_person"),
            models.Index(fields=["lifted_at"], name="%(class)s_by_end"),
            models.Index(fields=["tenant"], name="%(class)s_by_tenant", condition=Q(tenant__isnull=False)),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(lifted_at=None) | Q(lifted_at__gte=F("since")), name="%(class)s_lifted_later"
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class Restriction(Liftable):
    """Data of one subject may be stored and nothing else (GDPR 18(2)), until it is lifted with notice (18(3))."""

    ground = models.CharField(_("ground"), max_length=12, choices=Ground)

    class Meta(Liftable.Meta):
        verbose_name = _("restriction")
        verbose_name_plural = _("restrictions")
        constraints = [
            *Liftable.Meta.constraints,
            models.UniqueConstraint(
                fields=["scope", "subject_key", "ground"], condition=Q(lifted_at=None), name="restriction_open_once"
            ),
            models.CheckConstraint(condition=Q(ground__in=Ground.values), name="restriction_ground_known"),
        ]


class Objection(Liftable):
    """The subject objects to one purpose that rests on an interest, or to all direct marketing (GDPR 21).

    An objection to all direct marketing reaches each purpose of it, added later too, but for those that the subject
    asked for since.
    """

    purpose = models.CharField(_("purpose"), max_length=40)  # a key, or states.MARKETING
    except_for = models.JSONField(_("except for"), default=list, blank=True)  # keys, where it is to all of it

    class Meta(Liftable.Meta):
        verbose_name = _("objection")
        verbose_name_plural = _("objections")
        constraints = [
            *Liftable.Meta.constraints,
            models.UniqueConstraint(
                fields=["scope", "subject_key", "purpose"], condition=Q(lifted_at=None), name="objection_open_once"
            ),
            models.CheckConstraint(
                condition=Q(purpose=MARKETING) | Q(except_for=[]), name="objection_excepts_from_all"
            ),
        ]

    def reaches(self, purpose: str) -> bool:
        """Whether it stands in the way of one purpose of direct marketing, or of all of it without exception."""
        if self.purpose == purpose:
            return not self.except_for
        return self.purpose == MARKETING and purpose not in self.except_for
