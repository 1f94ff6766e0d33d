"""Rules as SQL: which rows of a collection are past their limits on a day. The specification is `evaluation.py`.

Periods are compiled into cutoffs, so that a row is judged by comparing its clock with constants: indexes and partitions
stay usable, and the predicate can stand in the DELETE itself.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Date, DateTime, String

from apps.datamap.guards import Guarded
from apps.retention.evaluation import ANY_REGION, EEA, Choices, Limiting, is_country, longest_first
from apps.retention.periods import WITH_THE_SERVICE, Period, cutoff

Tenants = Callable[[Guarded, Collection[str]], ColumnElement[bool]]
"""How a store writes customer accounts: the rows of these accounts (`apps.datamap.services.of_accounts`)."""


@dataclass(frozen=True)
class Limits:
    """The limits of one collection on one day, compiled.

    `past`: all that reach the row have run out, and at least one does. `rule`: the key of the limit that decides.
    `latest`: no row whose clock lies after this day is past (None: rules run from several clocks). `whole`: every row
    up to this day is past whatever its account, unless a rule of one country lengthens it.
    """

    past: ColumnElement[bool]
    rule: ColumnElement[str]
    keys: tuple[str, ...]
    latest: date | None
    whole: date


def limits_of(
    rules: Sequence[Limiting], collection: Guarded, choices: Choices, *, today: date, tenants: Tenants
) -> Limits | None:
    """The limits among `rules` (all of which name this collection) that can be told apart here; None without any."""
    limits = sorted((rule for rule in rules if rule.is_limit), key=longest_first)
    placed = [(rule, reaches(rule, collection)) for rule in limits]
    reaching = [(rule, applies) for rule, applies in placed if applies is not None]
    if not reaching:
        return None
    compiled = _Compiler(collection, choices, today, tenants)
    ended = [_unless(applies, compiled.ended(rule)) for rule, applies in reaching]
    at_least_one = [] if any(_is_true(applies) for _, applies in reaching) else [sa.or_(*(a for _, a in reaching))]
    own = [rule for rule, _ in reaching if not is_country(rule.region)] or [rule for rule, _ in reaching]
    same_clock = len({clock_of(rule.starts_at, collection) for rule, _ in reaching}) == 1
    latest = max(compiled.latest(rule) for rule, _ in reaching) if same_clock else None
    is_one = len(reaching) == 1 and not choices.periods  # then the limit itself is the bound
    is_bounded = latest is not None and not is_one and not choices.departures
    bound = [before_or_on(clock_of(reaching[0][0].starts_at, collection), latest)] if is_bounded else []
    return Limits(
        past=sa.and_(*bound, *at_least_one, *ended),
        rule=_deciding(reaching),
        keys=tuple(rule.key for rule, _ in reaching),
        latest=latest,
        whole=min(cutoff(rule.starts_at, rule.calendar, today=today) for rule in own) if same_clock else date.min,
    )


def still_runs(
    rule: Limiting, collection: Guarded, choices: Choices, *, today: date, tenants: Tenants
) -> ColumnElement[bool] | None:
    """The rows that a duty or an interest keeps: it reaches them and has not run out, or not even started."""
    applies = reaches(rule, collection)
    if applies is None:
        return None
    ended = _Compiler(collection, Choices(departures=choices.departures), today, tenants).ended(rule)
    return sa.and_(applies, ended.is_not(sa.true()))


def reaches(rule: Limiting, collection: Guarded) -> ColumnElement[bool] | None:
    """Which rows a rule applies to: `true()` for all, None for none. As `evaluation.reaches`, row by row."""
    place = _in_place(rule, collection)
    condition = collection.conditions.get(rule.key)
    if place is None or condition is None:
        return place
    column, must_be_filled = condition
    held = column.is_not(None) if must_be_filled else column.is_(None)
    return held if _is_true(place) else sa.and_(held, place)


def _in_place(rule: Limiting, collection: Guarded) -> ColumnElement[bool] | None:
    region = collection.region
    if isinstance(region, str) and region in collection.table.c:
        region = collection.table.c[region]
    if rule.region.casefold() == ANY_REGION:
        return sa.true()
    if not is_country(rule.region):
        return sa.true() if region is None else _matches(region, rule.region)
    if collection.country is None or (isinstance(region, str) and region.casefold() == EEA):
        return None
    in_country = sa.or_(collection.country.is_(None), _lower(collection.country) == rule.region.casefold())
    if region is None or isinstance(region, str):
        return in_country
    return sa.and_(in_country, sa.or_(region.is_(None), _lower(region) != EEA))


def _matches(region: ColumnElement[Any] | str, wanted: str) -> ColumnElement[bool] | None:
    if isinstance(region, str):
        return sa.true() if region.casefold() == wanted.casefold() else None
    return sa.or_(region.is_(None), _lower(region) == wanted.casefold())


def _lower(column: ColumnElement[Any]) -> ColumnElement[str]:
    return sa.func.lower(sa.cast(column, String))


def clock_of(event: str, collection: Guarded) -> ColumnElement[Any] | None:
    """The column that periods starting with `event` run from in this collection."""
    clock = collection.clocks.get(event, collection.clock)
    return collection.table.c[clock] if isinstance(clock, str) else clock


def before_or_on(clock: ColumnElement[Any] | None, day: date | None) -> ColumnElement[bool]:
    """The clock's day (in UTC) is `day` or an earlier one; never where there is no clock or no value."""
    if clock is None or day is None or day == date.min:
        return sa.false()
    if isinstance(clock.type, DateTime):
        midnight = datetime.combine(day + timedelta(days=1), time(), UTC if clock.type.timezone else None)
        return clock < sa.literal(midnight, clock.type)
    return sa.cast(clock, Date) <= sa.literal(day, Date) if not isinstance(clock.type, Date) else clock <= day


class _Compiler:
    """Cutoffs of one collection on one day."""

    def __init__(self, collection: Guarded, choices: Choices, today: date, tenants: Tenants) -> None:
        self.collection, self.choices, self.today, self.tenants = collection, choices, today, tenants

    def ended(self, rule: Limiting) -> ColumnElement[bool]:
        """The limit has run out: by the rule, or earlier by what the row's account chose."""
        clock = clock_of(rule.starts_at, self.collection)
        by_rule = cutoff(rule.starts_at, rule.calendar, today=self.today)
        ways = [self._past(rule, clock, by_rule, accounts=None)]
        if self.collection.tenant is not None:
            for period, accounts in sorted(self._chosen(rule).items(), key=lambda one: str(one[0])):
                by_choice = cutoff(rule.starts_at, period, today=self.today)
                if by_choice > by_rule:
                    ways.append(self._past(rule, clock, by_choice, accounts=accounts))
        return sa.or_(*ways)

    def latest(self, rule: Limiting) -> date:
        """No row with a later clock is past this limit."""
        days = [cutoff(rule.starts_at, period, today=self.today) for period in (rule.calendar, *self._chosen(rule))]
        return max(days)

    def _past(
        self, rule: Limiting, clock: ColumnElement[Any] | None, day: date, *, accounts: list[str] | None
    ) -> ColumnElement[bool]:
        past = before_or_on(clock, day)
        left = self._left(rule, day, accounts)
        if left:
            no_date = sa.true() if clock is None else clock.is_(None)
            past = sa.or_(past, sa.and_(no_date, self.tenants(self.collection, left)))
        return past if accounts is None else sa.and_(self.tenants(self.collection, accounts), past)

    def _left(self, rule: Limiting, day: date, accounts: list[str] | None) -> list[str]:
        """Accounts whose service ended by a departure, for rows that do not say so themselves."""
        if rule.starts_at not in WITH_THE_SERVICE or self.collection.tenant is None:
            return []
        left = [account for account, ended_on in sorted(self.choices.departures.items()) if ended_on <= day]
        return left if accounts is None else [account for account in left if account in accounts]

    def _chosen(self, rule: Limiting) -> dict[Period, list[str]]:
        found: dict[Period, list[str]] = {}
        for (account, key), period in sorted(self.choices.periods.items(), key=lambda one: one[0]):
            if key == (rule.extends or rule.key):
                found.setdefault(period, []).append(account)
        return found


def _unless(applies: ColumnElement[bool], ended: ColumnElement[bool]) -> ColumnElement[bool]:
    return ended if _is_true(applies) else sa.or_(sa.not_(applies), ended)


def _is_true(expression: ColumnElement[bool]) -> bool:
    return isinstance(expression, sa.sql.elements.True_)


def _deciding(reaching: Sequence[tuple[Limiting, ColumnElement[bool]]]) -> ColumnElement[str]:
    """The longest limit that reaches the row."""
    *others, (last, _) = reaching
    if not others:
        return sa.literal(last.key, sa.Text)
    whens = [(applies, sa.literal(rule.key, sa.Text)) for rule, applies in others]
    return sa.case(*whens, else_=sa.literal(last.key, sa.Text))
