"""A customer leaves: announced, 30 days read-only, erased, certified (GDPR Article 28(3)(g)).

The nightly sweep does the erasing. A departure only says from when: it is the service's end for every row that knows of
none, and on `erase_on` nothing that merely has a limit is kept for the customer any longer. Erased it is when a search
of all collections finds nothing of the account but what a duty, an interest, a hold or an open request keeps.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import CustomerAccount
from apps.core.errors import DomainError, InvalidInput
from apps.datamap import services as datamap
from apps.ledger.services import record
from apps.retention.models import Departure, DepartureQuerySet, Rule
from apps.retention.periods import Event
from apps.retention.services import leaving_letters
from apps.retention.services.choosing import choose_at_once, forget_at_once
from apps.retention.services.leaving_certificates import certify, digest_of
from apps.retention.services.returning import drop_package
from apps.retention.states import DEPARTURE_TRANSITIONS, DepartureChoice, DepartureStatus

READ_ONLY_DAYS = 30
LONGEST_NOTICE = timedelta(days=5 * 366)


class IllegalMove(DomainError):
    """The departure is not where this step begins; somebody else may have moved it meanwhile."""

    def __init__(self, origin: str, to: str) -> None:
        self.origin, self.to = origin, to
        message = _("Leaving is “%(status)s” now, so this can’t be done. Reload the page to see why.")
        super().__init__("illegal_move", message % {"status": DepartureStatus(origin).label})


@transaction.atomic
def _move(departure: Departure, to: DepartureStatus, *, actor: str, at: datetime, **facts: Any) -> Departure:
    """The only place that writes `status`. Callers go on with the returned object."""
    locked = Departure.objects.select_for_update(of=("self",)).get(pk=departure.pk)
    if to not in DEPARTURE_TRANSITIONS[DepartureStatus(locked.status)]:
        raise IllegalMove(locked.status, to)
    facts |= {"from": locked.status, "to": to.value}
    locked.status = to
    locked.save(update_fields=["status"])
    record(actor=actor, verb="retention.departure_moved", target=locked, at=at, **facts)
    return locked


def erase_day(service_ends_on: date) -> date:
    """Thirty days read-only, by calendar: the first day on which what is left goes."""
    return service_ends_on + timedelta(days=READ_ONLY_DAYS)


@transaction.atomic
def announce_departure(
    *,
    account: CustomerAccount,
    choice: str,
    service_ends_on: date,
    by: str,
    now: datetime,
    requested_on: date | None = None,
) -> Departure:
    """The customer leaves. `requested_on`: the day on which its letter came, where an officer types it in.

    The caller has checked who `by` is, and the fresh factor. Raises `InvalidInput`, `DomainError`.
    """
    _check(choice, service_ends_on, requested_on, today=now.astimezone(UTC).date())
    known = CustomerAccount.objects.select_for_update().get(pk=account.pk)
    if Departure.objects.standing().filter(account=known).exists():
        raise DomainError("already_leaving", _("This account is leaving already."))
    departure = Departure.objects.create(
        account=known,
        platform_account_id=known.platform_account_id,
        choice=choice,
        service_ends_on=service_ends_on,
        erase_on=erase_day(service_ends_on),
        requested_on=requested_on,
        announced_by=by,
        announced_at=now,
    )
    days = {name: getattr(departure, name) for name in ("service_ends_on", "erase_on", "requested_on")}
    facts = {"account": known.pk, "choice": str(choice), **days}
    record(actor=by, verb="retention.departure_announced", target=departure, at=now, **facts)
    leaving_letters.tell_owners(departure, "announced", now=now)
    return departure


def _check(choice: str, service_ends_on: date, requested_on: date | None, *, today: date) -> None:
    if choice not in DepartureChoice.values:
        raise InvalidInput("choice", _("Choose what happens to the data."), code="unknown_choice")
    if service_ends_on < today:
        raise InvalidInput("service_ends_on", _("Choose today or a later day."), code="past")
    if service_ends_on > today + LONGEST_NOTICE:
        raise InvalidInput("service_ends_on", _("Choose a day within five years."), code="too_far")
    if requested_on is not None and requested_on > today:
        raise InvalidInput("requested_on", _("The date of the letter can’t be in the future."), code="future")


@transaction.atomic
def withdraw_departure(departure: Departure, *, by: str, now: datetime) -> Departure:
    """The customer stays: nothing has gone but what had to at the end of the service. Until erasing begins."""
    moved = _move(departure, DepartureStatus.WITHDRAWN, actor=by, at=now)
    drop_package(moved)
    moved.save(update_fields=["package"])
    leaving_letters.tell_owners(moved, "withdrawn", now=now)
    return moved


@transaction.atomic
def end_departure(departure: Departure, *, by: str, now: datetime) -> Departure:
    """The customer came back, or its account id is used again: nothing of the departure touches the account any more.

    Else its new rows would go at once, as if the service had ended. The certificate stays. Raises `DomainError`.
    """
    locked = Departure.objects.select_for_update(of=("self",)).get(pk=departure.pk)
    if locked.status != DepartureStatus.ERASED or locked.came_back_at is not None:
        raise DomainError("not_erased", _("Only a customer whose data is erased can come back."))
    locked.came_back_at = now
    locked.save(update_fields=["came_back_at"])
    forget_at_once(locked, now=now)
    record(actor=by, verb="retention.departure_over", target=locked, at=now, account=locked.account_id)
    return locked


def ended_services(*, now: datetime) -> Iterable[Departure]:
    """Announced departures whose service has ended."""
    return _due(DepartureStatus.ANNOUNCED).filter(service_ends_on__lte=now.astimezone(UTC).date())


def due_to_erase(*, now: datetime) -> Iterable[Departure]:
    """Read-only departures whose thirty days are over; data to be returned goes only after its package was made."""
    due = _due(DepartureStatus.READ_ONLY).filter(erase_on__lte=now.astimezone(UTC).date())
    return due.exclude(choice=DepartureChoice.RETURN, returned_at=None)


def being_erased() -> Iterable[Departure]:
    return _due(DepartureStatus.ERASING)


def _due(status: DepartureStatus) -> DepartureQuerySet:
    return Departure.objects.filter(status=status).order_by("erase_on", "pk")


@transaction.atomic
def start_read_only(departure: Departure, *, now: datetime) -> Departure:
    """The service has ended: from now on the data can be read and returned, and nothing is added."""
    moved = _move(departure, DepartureStatus.READ_ONLY, actor="system", at=now)
    leaving_letters.tell_owners(moved, "read_only", now=now)
    return moved


def begin_erasing(departure: Departure, *, now: datetime) -> Departure:
    """Nothing that merely has a limit is kept any longer: the next sweep takes it. Raises `StoreUnavailable`.

    What is there now is counted, for the certificate.
    """
    found = datamap.belongings(departure.platform_account_id, now=now)
    held = _per_collection(found)
    with transaction.atomic():
        moved = _move(departure, DepartureStatus.ERASING, actor="system", at=now, rows=sum(held.values()))
        choose_at_once(moved, _rules_to_shorten(found), now=now)
        drop_package(moved)
        moved.certificate = {"held": held}
        moved.save(update_fields=["package", "certificate"])
    return moved


def _rules_to_shorten(found: Iterable[datamap.Belonging]) -> list[str]:
    """All but those that run from the end of the service: they have their own thirty days, or none."""
    named = {key for one in found for key in one.retention}
    shortened = Rule.objects.current().filter(key__in=named).exclude(starts_at=Event.SERVICE_END)
    return list(shortened.order_by("key").values_list("key", flat=True))


def _per_collection(found: Iterable[datamap.Belonging]) -> dict[str, int]:
    held: dict[str, int] = {}
    for one in found:
        base = one.collection.partition("#")[0]
        held[base] = held.get(base, 0) + one.rows
    return held


def finish_departure(departure: Departure, *, now: datetime) -> Departure | None:
    """Search again, and certify when nothing is found but what must stay; None while something is left.

    Raises `StoreUnavailable`: what can't be searched is not said to be erased.
    """
    found = datamap.belongings(departure.platform_account_id, now=now)
    if any(one.unprotected for one in found):
        return None
    with transaction.atomic():
        moved = _move(departure, DepartureStatus.ERASED, actor="system", at=now)
        moved.erased_at = now
        moved.certificate = certify(moved, found, now=now)
        moved.save(update_fields=["erased_at", "certificate"])
        totals = moved.certificate["counts"]
        facts = {"certificate": digest_of(moved.certificate), "erased": totals["erased"], "kept": totals["kept"]}
        record(actor="system", verb="retention.departure_certified", target=moved, at=now, **facts)
        leaving_letters.tell_owners(moved, "erased", now=now)
    return moved


def departures_ending(day: date) -> dict[str, date]:
    """When the service ended of every account that left by `day`: `{platform account id: day}`. It is the end of the
    service for each of the account's rows that knows of none."""
    left = Departure.objects.standing().filter(service_ends_on__lte=day)
    return dict(left.order_by("platform_account_id").values_list("platform_account_id", "service_ends_on"))


def departure_of(account: CustomerAccount) -> Departure | None:
    """The account's departure, unless it was withdrawn."""
    return Departure.objects.standing().filter(account=account).select_related("account").first()


def is_read_only(account: CustomerAccount, now: datetime) -> bool:
    """Whether the account's service has ended: its data can be read and returned, and requests about it can be made."""
    left = Departure.objects.standing().filter(account=account)
    return left.filter(service_ends_on__lte=now.astimezone(UTC).date()).exists()


def leaving_accounts(accounts: Iterable[CustomerAccount]) -> list[Departure]:
    """The departures among these accounts, the next to be erased first."""
    wanted = Departure.objects.standing().filter(account__in=[one.pk for one in accounts])
    return list(wanted.select_related("account").order_by("erase_on", "pk"))
