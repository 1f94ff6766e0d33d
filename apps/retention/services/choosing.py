"""A customer's own shorter periods: which rules leave a choice, what a choice would do, and making it."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from django.db import transaction
from django.utils.translation import gettext as _
from sqlalchemy import ColumnElement

from apps.accounts.models import CustomerAccount
from apps.core.errors import DomainError, InvalidInput
from apps.datamap import services as datamap
from apps.ledger.services import record
from apps.retention import holding, predicates, protection
from apps.retention.models import ChosenPeriod, Departure, Rule
from apps.retention.periods import Period
from apps.retention.states import Capacity, DepartureStatus

AT_ONCE = "P0D"
OFFERED = (AT_ONCE, "P1D", "P7D", "P14D", "P30D", "P2M", "P3M", "P4M", "P5M", "P6M")
# Four years hold every month's end and a 29 February: what is never longer in them is never longer.
FOUR_YEARS = tuple(date(2023, 3, 1) + timedelta(days=number) for number in range(1461))


def rules_with_a_choice() -> list[Rule]:
    """The customer is controller of this data, and no duty and no interest of ours keeps it (GDPR Article 28(3)(a))."""
    limits = Rule.objects.current().filter(is_limit=True, is_duty=False, is_interest=False)
    return list(limits.filter(capacity=Capacity.PROCESSOR, extends="").order_by("key"))


def periods_offered(rule: Rule) -> list[str]:
    """The lengths to choose from, the shortest first, the rule's own last."""
    shorter = [text for text in OFFERED if text != rule.period and is_within(text, rule.period)]
    return [*shorter, rule.period]


@lru_cache(maxsize=256)
def is_within(text: str, limit: str) -> bool:
    """Whether a period never ends later than `limit`, from whichever day both run."""
    period, longest = Period.parse(text), Period.parse(limit)
    try:
        return all(period.after(day) <= longest.after(day) for day in FOUR_YEARS)
    except (OverflowError, ValueError):  # beyond the calendar
        return False


@transaction.atomic
def choose_period(*, account: CustomerAccount, rule: str, period: str, by: str, now: datetime) -> ChosenPeriod:
    """A new version of the account's period for what one rule limits. Raises `InvalidInput`, `DomainError`.

    The caller has checked that `by` owns the account.
    """
    chosen = next((one for one in rules_with_a_choice() if one.key == rule), None)
    if chosen is None:
        raise InvalidInput("rule", _("There is nothing to choose for this data."), code="no_choice")
    if not _is_period(period) or not is_within(period, chosen.period):
        raise InvalidInput("period", _("Choose a period that is not longer than ours."), code="too_long")
    ending = [DepartureStatus.ERASING, DepartureStatus.ERASED]
    if Departure.objects.standing().filter(account=account, status__in=ending).exists():
        raise DomainError("leaving", _("The account’s data is being erased, so nothing can be chosen any more."))
    return _note(account.platform_account_id, rule, period, by=by, now=now)


def choose_at_once(departure: Departure, rules: Iterable[str], *, now: datetime) -> None:
    """For a customer that left: nothing that only has a limit waits for it any longer. In the caller's transaction."""
    limits = Rule.objects.current().filter(key__in=list(rules), is_limit=True, is_duty=False, is_interest=False)
    for key in limits.order_by("key").values_list("key", flat=True):
        _note(departure.platform_account_id, key, AT_ONCE, by="system", now=now)


def forget_at_once(departure: Departure, *, now: datetime) -> None:
    """The account is in use again: what was shortened because it left lasts as long as the rules say. In the caller's
    transaction."""
    of_leaving = ChosenPeriod.objects.current().filter(account=departure.platform_account_id, chosen_by="system")
    of_leaving.filter(period=AT_ONCE).update(replaced_at=now)


def preview_period(*, account: CustomerAccount, rule: Rule, period: str, now: datetime) -> dict[str, int]:
    """How many of the account's rows a choice would let go with the next sweep: `{"dataset:collection": rows}`.

    At most: counted on the live data, without what a duty, an interest or an open request keeps.
    """
    today = now.astimezone(UTC).date()
    as_it_is = protection.current_choices()
    asked = {(account.platform_account_id, rule.key): Period.parse(period)}
    choices = replace(as_it_is, periods={**as_it_is.periods, **asked})
    rules = list(Rule.objects.current())

    def past(info: datamap.CollectionInfo) -> ColumnElement[bool] | None:
        naming = protection.naming(rules, info)
        if rule.key not in {one.key for one in naming}:
            return None
        limits = predicates.limits_of(naming, info, choices, today=today, tenants=datamap.of_accounts)
        return None if limits is None else limits.past

    with holding.unseen():  # a number that a hold makes smaller would tell the customer that one stands
        counted = datamap.count_belongings(account.platform_account_id, past, now=now)
    found: dict[str, int] = {}
    for key, rows in counted.items():
        base = key.partition("#")[0]
        found[base] = found.get(base, 0) + rows
    return found


def chosen_periods(account: CustomerAccount) -> dict[str, ChosenPeriod]:
    """What the account chose, by rule."""
    return {one.rule: one for one in ChosenPeriod.objects.current().filter(account=account.platform_account_id)}


def period_for(account: CustomerAccount, rule: Rule) -> str:
    """How long the account's data is kept under a rule: as it chose, else as the rule says."""
    chosen = chosen_periods(account).get(rule.key)
    return chosen.period if chosen else rule.period


def _note(account: str, rule: str, period: str, *, by: str, now: datetime) -> ChosenPeriod:
    known = CustomerAccount.objects.select_for_update().filter(platform_account_id=account)
    pk = known.values_list("pk", flat=True).first()  # the lock: two choices at once are two versions
    ChosenPeriod.objects.current().filter(account=account, rule=rule).update(replaced_at=now)
    chosen = ChosenPeriod.objects.create(account=account, rule=rule, period=period, chosen_by=by, chosen_at=now)
    record(actor=by, verb="retention.period_chosen", target=chosen, at=now, account=pk, rule=rule, period=period)
    return chosen


def _is_period(text: str) -> bool:
    try:
        Period.parse(text)
    except ValueError:
        return False
    return True
