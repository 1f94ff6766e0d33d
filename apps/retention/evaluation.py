"""What becomes of one row, decided in Python: the specification of the SQL that `predicates.py` generates.

A row goes when at least one limit reaches it, the last of those limits has run out, and no duty and no hold stands. A
limit whose start has not happened has no date and has not run out. An interest keeps a row from an erasure on request;
past its limit it keeps nothing. A customer's own shorter period ends a limit earlier, never later.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from apps.retention.periods import WITH_THE_SERVICE, Period, ends_on

ANY_REGION = "any"
EEA = "eea"


class Limiting(Protocol):
    """What the evaluation asks of a rule."""

    key: str
    extends: str
    region: str
    starts_at: str
    is_limit: bool
    is_duty: bool

    @property
    def calendar(self) -> Period: ...


@dataclass(frozen=True)
class Row:
    """One row as the rules see it. `clocks` may lack an event: then `clock` counts for it."""

    clock: date | datetime | None
    clocks: Mapping[str, date | datetime | None] = field(default_factory=dict)
    region: str | None = None
    country: str | None = None
    account: str | None = None
    filled: frozenset[str] = frozenset()  # the columns of conditions that hold a value
    is_held: bool = False


@dataclass(frozen=True)
class Shape:
    """What the map says of the row's collection."""

    has_region: bool = False
    has_country: bool = False
    conditions: Mapping[str, tuple[str, bool]] = field(default_factory=dict)  # rule -> column, must it be filled


@dataclass(frozen=True)
class Choices:
    """What customers decided: shorter periods by (account, rule), and the end of the service by account."""

    periods: Mapping[tuple[str, str], Period] = field(default_factory=dict)
    departures: Mapping[str, date] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """`rule` is the longest limit that reaches the row, or the duty that keeps it; `until` the row's last day (None: it
    has no date yet)."""

    goes: bool
    rule: str | None
    until: date | None


def verdict(row: Row, shape: Shape, rules: Iterable[Limiting], choices: Choices, *, today: date) -> Verdict:
    """The fate of one row on one day, under rules that all name its collection."""
    reaching = [rule for rule in rules if reaches(rule, row, shape)]
    for rule in reaching:
        until = ends_on(rule.starts_at, _clock(rule, row, choices), rule.calendar)
        if rule.is_duty and (until is None or until >= today):
            return Verdict(goes=False, rule=rule.key, until=until)
    if row.is_held:
        return Verdict(goes=False, rule="hold", until=None)
    limits = sorted((rule for rule in reaching if rule.is_limit), key=longest_first)
    if not limits:
        return Verdict(goes=False, rule=None, until=None)
    ends = [_limit_ends_on(rule, row, choices) for rule in limits]
    until = None if None in ends else max(end for end in ends if end)
    return Verdict(goes=until is not None and until < today, rule=limits[0].key, until=until)


def reaches(rule: Limiting, row: Row, shape: Shape) -> bool:
    """Whether a rule applies to a row: its condition on the map, and its region or country.

    Where the place is not known, the rule applies: what may be under a longer one does not go on a guess. But a rule of
    one country never reaches into the EEA, nor a collection that cannot tell countries apart.
    """
    column, must_be_filled = shape.conditions.get(rule.key, (None, True))
    if column is not None and (column in row.filled) != must_be_filled:
        return False
    wanted = rule.region.casefold()
    if wanted == ANY_REGION:
        return True
    region = row.region if shape.has_region else None
    if is_country(rule.region):
        is_in_eea = region is not None and region.casefold() == EEA
        return shape.has_country and not is_in_eea and (row.country is None or row.country.casefold() == wanted)
    return region is None or region.casefold() == wanted


def longest_first(rule: Limiting) -> tuple[int, int, str]:
    """An order of rules in which the one that decides comes first."""
    return (-rule.calendar.months, -rule.calendar.days, rule.key)


def is_country(region: str) -> bool:
    """ISO 3166-1 alpha-2; everything else names a group of countries."""
    return len(region) == 2


def _clock(rule: Limiting, row: Row, choices: Choices) -> date | datetime | None:
    clock = row.clocks.get(rule.starts_at, row.clock)
    if clock is None and rule.starts_at in WITH_THE_SERVICE and row.account is not None:
        return choices.departures.get(row.account)
    return clock


def _limit_ends_on(rule: Limiting, row: Row, choices: Choices) -> date | None:
    clock = _clock(rule, row, choices)
    until = ends_on(rule.starts_at, clock, rule.calendar)
    chosen = choices.periods.get((row.account or "", rule.extends or rule.key))
    if chosen is None or until is None:
        return until
    return min(until, ends_on(rule.starts_at, clock, chosen) or until)
