"""What lies where, once a day: rows, bytes, rows that should be gone, and what will end in the coming months."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from apps.datamap import services as datamap
from apps.datamap.services import CollectionInfo, Size
from apps.retention import evaluation, planning, predicates
from apps.retention.evaluation import Row, Shape
from apps.retention.models import Measurement, Rule
from apps.retention.periods import ends_on
from apps.retention.protection import naming

logger = logging.getLogger(__name__)

GRACE = timedelta(days=1)
"""A row that ran out yesterday goes tonight: over-kept is what ran out by more than that."""
MONTHS_AHEAD = 12


@dataclass
class Ending:
    """When the rows of one collection go: rows by month ("2026-12"), and the day on which the oldest began."""

    by_month: dict[str, int] = field(default_factory=dict)
    oldest: date | None = None


def is_measured(*, now: datetime) -> bool:
    """Whether this day was measured already."""
    return Measurement.objects.filter(day=_day(now)).exists()


def measure(*, now: datetime) -> int:
    """Write one measurement for each collection of every store that can be reached; how many there are.

    The same day again writes the day anew. A store that is down is left out: its line in the charts has a gap.
    """
    day = _day(now)
    rules = list(Rule.objects.current())
    over = over_kept(rules, day=day)
    measured = [one for store in datamap.mapped_stores() for one in _of_store(store, rules, over, day)]
    Measurement.objects.bulk_create(
        measured,
        update_conflicts=True,
        unique_fields=["day", "collection"],
        update_fields=["rows", "bytes", "over_kept", "oldest", "expiring"],
    )
    return len(measured)


def _of_store(store: str, rules: Sequence[Rule], over: Mapping[str, int], day: date) -> list[Measurement]:
    try:
        sizes = datamap.sizes(store)
        endings = find_endings(store, rules, day=day)
    except datamap.StoreUnavailable as error:
        logger.warning("not measured: store %s (%s)", store, error.code)
        return []
    return [_measurement(key, size, over.get(key, 0), endings.get(key, Ending()), day) for key, size in sizes.items()]


def _measurement(key: str, size: Size, over: int, ending: Ending, day: date) -> Measurement:
    return Measurement(
        day=day,
        collection=key,
        rows=size.rows,
        bytes=size.bytes,
        over_kept=over,
        oldest=ending.oldest,
        expiring=ending.by_month,
    )


def over_kept(rules: Sequence[Rule], *, day: date) -> dict[str, int]:
    """Rows past their limit by more than a day that nothing keeps, by collection. Whole rows and columns alike."""
    found: dict[str, int] = {}
    for line in planning.survey(rules, day=day - GRACE, samples=False):
        found[line["collection"]] = found.get(line["collection"], 0) + line["count"]
    return found


# --- what will end -----------------------------------------------------------------------------------


def find_endings(store: str, rules: Sequence[Rule], *, day: date) -> dict[str, Ending]:
    """When the rows of each collection in a store go by the rules of today, counted by the day their periods began.

    One grouped statement a collection. Holds and what customers chose for themselves are not looked at: a hold ends on
    no known day, and a choice only brings an end forward.
    """
    readers: dict[str, _Reader] = {}

    def columns(collection: CollectionInfo) -> Sequence[sa.ColumnElement[Any]]:
        reader = _Reader.of(rules, collection)
        readers[collection.key] = reader
        return reader.columns

    counted = datamap.count_by(store, columns)
    return {key: _ending(readers[key], rows, day=day) for key, rows in counted.items()}


@dataclass(frozen=True)
class _Reader:
    """Which columns tell when a row goes, and how a group of rows that agree in them is read as a row."""

    rules: Sequence[Rule]
    shape: Shape
    columns: Sequence[sa.ColumnElement[Any]]
    read: Callable[[Sequence[Any]], Row]

    @classmethod
    def of(cls, rules: Sequence[Rule], collection: CollectionInfo) -> "_Reader":
        mine = [rule for rule in naming(rules, collection) if rule.is_limit or rule.is_duty]
        clocks = {rule.starts_at: predicates.clock_of(rule.starts_at, collection) for rule in mine}
        dated = {event: sa.cast(clock, sa.Date) for event, clock in clocks.items() if clock is not None}
        conditions = {rule.key: collection.conditions[rule.key] for rule in mine if rule.key in collection.conditions}
        places = {
            name: column
            for name, column in (("region", collection.region), ("country", collection.country))
            if isinstance(column, sa.ColumnElement) and any(rule.region != Rule.ANY_REGION for rule in mine)
        }
        named = {rule: (column.name, filled) for rule, (column, filled) in conditions.items()}
        shape = Shape(collection.region is not None, collection.country is not None, named)
        filled = {column.name: column.is_not(None) for column, _ in conditions.values()}
        columns = [*dated.values(), *places.values(), *filled.values()] if dated else []
        constant = collection.region if isinstance(collection.region, str) else None

        def read(group: Sequence[Any]) -> Row:
            values = iter(group)
            days = {event: next(values) for event in dated}
            where = {"region": constant} | {name: next(values) for name in places}
            return Row(None, days, **where, filled=frozenset(name for name in filled if next(values)))

        return cls(mine, shape, columns, read)


def _ending(reader: _Reader, groups: Iterable[Sequence[Any]], *, day: date) -> Ending:
    last = _month(day.replace(day=1) + timedelta(days=31 * MONTHS_AHEAD))
    found = Ending()
    for *values, count in groups:
        row = reader.read(values)
        began = min((at for at in row.clocks.values() if at), default=None)
        found.oldest = min((at for at in (found.oldest, began) if at), default=None)  # type: ignore[type-var]
        goes = _goes_on(reader, row)
        month = _month(max(goes, day)) if goes else ""
        if month and month < last:
            found.by_month[month] = found.by_month.get(month, 0) + count
    return found


def _goes_on(reader: _Reader, row: Row) -> date | None:
    """The first day on which no limit and no duty is left; None while one of them has no end, or none is there."""
    reaching = [rule for rule in reader.rules if evaluation.reaches(rule, row, reader.shape)]
    if not any(rule.is_limit for rule in reaching):
        return None
    ends = [ends_on(rule.starts_at, row.clocks.get(rule.starts_at), rule.calendar) for rule in reaching]
    known = [end for end in ends if end is not None]
    return max(known) + timedelta(days=1) if len(known) == len(ends) else None


def _day(now: datetime) -> date:
    """Days are counted in UTC, as periods are."""
    return now.astimezone(UTC).date()


def _month(day: date) -> str:
    return f"{day:%Y-%m}"
