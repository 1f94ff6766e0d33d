"""What a customer decides about its own data: a shorter period, and leaving."""

import uuid
from typing import Any, Self

from django.db import models
from django.db.models import Q

from apps.accounts.models import CustomerAccount, Membership, StaffRole
from apps.accounts.states import MemberRole, Role
from apps.retention.periods import ISO_PERIOD, Period
from apps.retention.states import DEPARTURE_TRANSITIONS, DepartureChoice, DepartureStatus


class ChosenPeriodQuerySet(models.QuerySet["ChosenPeriod"]):
    def current(self) -> Self:
        return self.filter(replaced_at=None)


class ChosenPeriod(models.Model):
    """A customer's shorter period for what one rule limits, never longer than the rule. A change is a new version."""

    account = models.CharField(max_length=100)  # the platform's account id
    rule = models.SlugField(max_length=60)
    period = models.CharField(max_length=20)
    chosen_by = models.CharField(max_length=80)
    chosen_at = models.DateTimeField()
    replaced_at = models.DateTimeField(null=True, blank=True)

    objects = ChosenPeriodQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "rule"], condition=Q(replaced_at=None), name="chosen_period_one_current"
            ),
            models.CheckConstraint(condition=Q(period__regex=ISO_PERIOD), name="chosen_period_is_iso_8601"),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.rule} {self.period}"

    @property
    def calendar(self) -> Period:
        return Period.parse(self.period)


class DepartureQuerySet(models.QuerySet["Departure"]):
    def visible_to(self, user: Any) -> Self:
        """Officers, the data protection officer and admins see all; owners those of their accounts."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if StaffRole.objects.filter(user=user.pk, role__in=[Role.OFFICER, Role.DPO, Role.ADMIN]).exists():
            return self
        owned = Membership.objects.filter(user=user.pk, role=MemberRole.OWNER)
        return self.filter(account__in=owned.values("account"))

    def standing(self) -> Self:
        """Those that still say something of their account: neither withdrawn nor over."""
        return self.exclude(status=DepartureStatus.WITHDRAWN).filter(came_back_at=None)

    def certified(self) -> Self:
        """The last one first: who came back may leave again."""
        return self.filter(status=DepartureStatus.ERASED).order_by("-erased_at")

    def for_list(self) -> Self:
        return self.select_related("account")


class Departure(models.Model):
    """A customer leaves: its service ends, for 30 days its data can still be read and returned, then it is erased.

    `service_ends_on` starts every period that runs from the end of the service; `erase_on` is the first day on which
    what is left of its content goes too (GDPR Article 28(3)(g)).
    """

    TRANSITIONS = DEPARTURE_TRANSITIONS

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(CustomerAccount, models.PROTECT, related_name="+")
    platform_account_id = models.CharField(max_length=100)
    choice = models.CharField(max_length=10, choices=DepartureChoice)
    service_ends_on = models.DateField()
    erase_on = models.DateField()
    status = models.CharField(max_length=20, choices=DepartureStatus, default=DepartureStatus.ANNOUNCED)
    requested_on = models.DateField(null=True, blank=True)  # when the customer's letter came, where an officer typed it
    announced_by = models.CharField(max_length=80)
    announced_at = models.DateTimeField()
    returned_at = models.DateTimeField(null=True, blank=True)  # when the package was made
    package = models.CharField(max_length=100, blank=True)  # its file's name below PACKAGE_DIR
    package_digest = models.CharField(max_length=64, blank=True)
    erased_at = models.DateTimeField(null=True, blank=True)
    came_back_at = models.DateTimeField(null=True, blank=True)  # the account is in use again: nothing of this counts
    certificate = models.JSONField(default=dict)  # what was held when erasing began; then the certificate itself

    objects = DepartureQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account"],
                condition=~Q(status=DepartureStatus.WITHDRAWN) & Q(came_back_at=None),
                name="departure_one_an_account",
            ),
            models.CheckConstraint(
                condition=Q(erase_on__gt=models.F("service_ends_on")), name="departure_erases_after_the_end"
            ),
            models.CheckConstraint(condition=Q(status__in=DepartureStatus.values), name="departure_status_known"),
        ]

    def __str__(self) -> str:
        return f"{self.platform_account_id} leaves"
