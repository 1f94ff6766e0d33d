"""What the finance settings of a customer account hold: a saved payment method, and automatic top-up."""

import json
import uuid
from datetime import date
from typing import Any, Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import CustomerAccount
from apps.consent.states import Need, PaymentKind
from apps.core import crypto


class OfAccountQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: Any) -> Self:
        """What belongs to accounts of this person's; who may change it is a matter of policy."""
        return self.filter(account__in=CustomerAccount.objects.visible_to(user))

    def of(self, account: CustomerAccount) -> Self:
        return self.filter(account=account)


class PaymentMethodQuerySet(OfAccountQuerySet):
    def standing(self) -> Self:
        """Saved with consent that stands."""
        return self.filter(withdrawn_at=None)

    def needed_no_more(self, *, today: date) -> Self:
        """Withdrawn, kept for something, and the last day of that is over."""
        return self.exclude(withdrawn_at=None).filter(needed_until__lt=today)


class PaymentMethod(models.Model):
    """How an account pays. Saved, and no more: of a card the last four digits, expiry and holder; of iDEAL IBAN, BIC
    and the account's name; of PayPal the e-mail address (CON-3).

    Withdrawn, the row goes at once, unless something needs it: then `needed_for` says what, `needed_until` the last day
    (None: until automatic top-up is switched off), and `ended_at` is that day, which the retention rule runs from.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(CustomerAccount, models.CASCADE, related_name="+", verbose_name=_("customer account"))
    kind = models.CharField(_("kind"), max_length=8, choices=PaymentKind)
    details = models.BinaryField(_("details"))  # sealed JSON
    saved_by = models.UUIDField(_("saved by"))
    event = models.UUIDField(_("event"))  # of the consent
    created_at = models.DateTimeField(_("saved at"))
    withdrawn_at = models.DateTimeField(_("consent withdrawn at"), null=True, blank=True)
    needed_for = models.CharField(_("needed for"), max_length=12, choices=Need, blank=True)
    needed_until = models.DateField(_("needed until"), null=True, blank=True)
    ended_at = models.DateTimeField(_("kept until"), null=True, blank=True)

    objects = PaymentMethodQuerySet.as_manager()

    class Meta:
        verbose_name = _("saved payment method")
        verbose_name_plural = _("saved payment methods")
        constraints = [
            models.UniqueConstraint(fields=["account"], condition=Q(withdrawn_at=None), name="payment_method_one"),
            models.CheckConstraint(condition=Q(kind__in=PaymentKind.values), name="payment_method_kind_known"),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=False) | Q(ended_at=None), name="payment_method_ends_withdrawn"
            ),
        ]
        indexes = [
            models.Index(fields=["ended_at"], name="payment_method_by_end"),
            models.Index(fields=["created_at"], name="payment_method_by_saving"),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def binding(self) -> str:
        return f"payment_method:{self.pk}"

    def read(self) -> dict[str, str]:
        """What was saved, unsealed."""
        found: dict[str, str] = json.loads(crypto.unseal(bytes(self.details), bound_to=self.binding))
        return found


class TopUpQuerySet(OfAccountQuerySet):
    def standing(self) -> Self:
        return self.filter(ended_at=None)


class TopUp(models.Model):
    """The mandate to charge an account by itself: how much, below which balance, and at most how much in a month.

    Whole cents. Its terms are never changed: other terms are a mandate of their own.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(CustomerAccount, models.CASCADE, related_name="+", verbose_name=_("customer account"))
    amount = models.PositiveIntegerField(_("amount"))
    threshold = models.PositiveIntegerField(_("threshold"))
    monthly_cap = models.PositiveIntegerField(_("monthly cap"))
    currency = models.CharField(_("currency"), max_length=3, default="EUR")
    event = models.UUIDField(_("event"))
    created_at = models.DateTimeField(_("switched on at"))
    ended_at = models.DateTimeField(_("switched off at"), null=True, blank=True)

    objects = TopUpQuerySet.as_manager()

    class Meta:
        verbose_name = _("automatic top-up")
        verbose_name_plural = _("automatic top-ups")
        constraints = [
            models.UniqueConstraint(fields=["account"], condition=Q(ended_at=None), name="top_up_one"),
            models.CheckConstraint(condition=Q(amount__gt=0, threshold__gt=0), name="top_up_positive"),
            models.CheckConstraint(condition=Q(amount__lte=F("monthly_cap")), name="top_up_below_cap"),
        ]

    def __str__(self) -> str:
        return str(self.pk)
