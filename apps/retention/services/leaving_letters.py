"""What the owners of an account that leaves are told at each step, once each."""

from datetime import date, datetime
from typing import Any

from django.utils import formats, translation

from apps.accounts.models import Membership, User
from apps.notifications.services import notify
from apps.retention.models import Departure


def tell_owners(departure: Departure, step: str, *, now: datetime) -> int:
    """Mail to every owner in their language; `step` is announced, read_only, erased or withdrawn."""
    owners = Membership.objects.owners().filter(account=departure.account_id).select_related("user")
    return sum(_tell(each.user, departure, step, now=now) for each in owners.order_by("pk"))


def _tell(owner: User, departure: Departure, step: str, *, now: datetime) -> bool:
    days = {"service_ends_on": departure.service_ends_on, "erase_on": departure.erase_on}
    with translation.override(owner.language):  # the outbox holds JSON, so a date becomes words here
        plain: dict[str, Any] = {name: _words(day) for name, day in days.items()}
    return notify(
        key=f"retention.departure_{step}:{departure.pk}:{owner.pk}",
        to=owner.email,
        template=f"retention/departure_{step}",
        language=owner.language,
        context=plain | {"account": str(departure.account_id), "returns": departure.choice == "return"},
        now=now,
        about=f"retention.departure:{departure.pk}",
    )


def _words(day: date) -> str:
    return formats.date_format(day, "DATE_FORMAT")
