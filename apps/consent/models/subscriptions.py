"""Who gets the newsletter, and what an ended consent or an objection takes away."""

import json
import uuid
from datetime import datetime
from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.core import crypto
from apps.core.identities import Identity, IdentityType


class Subscription(models.Model):
    """An address that asked for the newsletter and confirmed it. The row goes with the consent; what remains is the
    keyed hash in the state, so that the address is not asked or written to again."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    lookup = models.CharField(_("subject key"), max_length=64, unique=True)
    address = models.BinaryField(_("address"))  # sealed
    language = models.CharField(_("language"), max_length=5)
    event = models.UUIDField(_("event"))
    confirmed_at = models.DateTimeField(_("confirmed at"))
    last_contact_at = models.DateTimeField(_("last contact at"), db_index=True)

    class Meta:
        verbose_name = _("subscription")
        verbose_name_plural = _("subscriptions")

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def binding(self) -> str:
        return f"subscription:{self.pk}"

    def read(self) -> str:
        """The address, unsealed."""
        return crypto.unseal(bytes(self.address), bound_to=self.binding)


class RemovalQuerySet(models.QuerySet["Removal"]):
    def open(self) -> Self:
        return self.filter(done_at=None)

    def due(self, *, at: datetime) -> Self:
        """Not done, and nobody's lease runs."""
        return self.open().filter(next_attempt_at__lte=at)

    def about(self, lookup: str, purpose: str) -> Self:
        """What one person asked for under one purpose, the latest first."""
        return self.filter(lookup=lookup, purpose=purpose).order_by("-asked_at")


class Removal(models.Model):
    """What an ended consent or an objection takes away: the rows of a person in the collections of the data map that
    lie under `rules`, in every store; where others like them stay, those saved from `saved_from` on and before
    `saved_before`.

    `identities` are sealed and go when all is done; `lookup` then still says that it was done, as proof (CON-4).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    purpose = models.CharField(_("purpose"), max_length=40)
    event = models.UUIDField(_("event"), unique=True)  # which asked for it
    rules = models.JSONField(_("retention rules"))
    lookup = models.CharField(_("subject key"), max_length=64)
    identities = models.BinaryField(_("identities"))  # sealed JSON
    account = models.CharField(_("account id"), max_length=100, blank=True)
    plan_hash = models.CharField(_("plan"), max_length=64, blank=True)
    saved_from = models.DateTimeField(_("saved from"), null=True, blank=True)
    saved_before = models.DateTimeField(_("saved before"), null=True, blank=True)
    asked_at = models.DateTimeField(_("asked at"))
    next_attempt_at = models.DateTimeField(_("next attempt at"))
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    error_code = models.CharField(_("error"), max_length=80, blank=True)
    counts = models.JSONField(_("counts"), default=dict)
    done_at = models.DateTimeField(_("done at"), null=True, blank=True)

    objects = RemovalQuerySet.as_manager()

    class Meta:
        verbose_name = _("removal")
        verbose_name_plural = _("removals")
        indexes = [
            models.Index(fields=["next_attempt_at"], condition=Q(done_at=None), name="removal_due"),
            models.Index(fields=["lookup", "purpose"], name="removal_by_subject"),
            models.Index(fields=["done_at"], name="removal_by_end"),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def binding(self) -> str:
        return f"removal:{self.pk}"

    def seal(self, identities: tuple[Identity, ...]) -> None:
        plain = json.dumps([[one.type.value, one.value] for one in identities])
        self.identities = crypto.seal(plain, bound_to=self.binding)

    def read(self) -> tuple[Identity, ...]:
        """Whom it is about; nobody any more once it is done."""
        if not self.identities:
            return ()
        found: list[Any] = json.loads(crypto.unseal(bytes(self.identities), bound_to=self.binding))
        return tuple(Identity(IdentityType(kind), value) for kind, value in found)
