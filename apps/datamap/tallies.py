"""How many different people stand in one month of a collection, by what the map says it is counted by.

A group of fewer people than asked for never leaves the store: the small ones are counted together there.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

import sqlalchemy as sa

from apps.datamap.mapping import Collection, Statistics
from apps.datamap.registry import current_map
from apps.datamap.schema import LiveTable
from apps.datamap.search import Live
from apps.datamap.stores import Snapshots
from apps.datamap.treatments import is_masked, of_columns

ROWS_OF_ONE = 10
"""So many rows of one person count in one group: a number of rows says nothing about who makes most of them."""


@dataclass(frozen=True)
class Group:
    """Different people with the same values, and their rows (of one person no more than `ROWS_OF_ONE`)."""

    values: tuple[tuple[str, str | None], ...]  # (column, value as text)
    people: int
    rows: int


@dataclass(frozen=True)
class Rest:
    """Everybody in the groups that are too small, taken together; `largest`: people in the largest of these."""

    people: int = 0
    rows: int = 0
    largest: int = 0


@dataclass(frozen=True)
class Tally:
    groups: tuple[Group, ...]
    rest: Rest


def first_counted(key: str) -> date | None:
    """The day of the oldest row that still names a person; None: there is none, or the collection keeps no statistics.

    Raises `StoreUnavailable`.
    """
    with Snapshots() as snapshots:
        found = _counted(key, snapshots)
        if found is None:
            return None
        collection, live, _ = found
        clock = live.table.c[str(collection.clock)]
        statement = sa.select(sa.func.min(clock)).where(_named(collection, live))
        [row] = snapshots.of(collection.store).rows(statement)
    return _day(row[0]) if row[0] is not None else None


def tally(key: str, *, since: date, until: date, smallest: int) -> Tally:
    """Count the rows whose clock lies from `since` on and before `until` (midnights in UTC), in one statement.

    Rows that name nobody any more are left out. Raises `StoreUnavailable`.
    """
    with Snapshots() as snapshots:
        found = _counted(key, snapshots)
        if found is None:
            return Tally((), Rest())
        collection, live, by = found
        clock = live.table.c[str(collection.clock)]
        inside = sa.and_(clock >= _midnight(clock, since), clock < _midnight(clock, until))
        statement = _statement(live, by, sa.and_(inside, _named(collection, live)), smallest)
        rows = [tuple(row) for row in snapshots.of(collection.store).rows(statement)]
    groups = [
        Group(tuple(zip(by.by, row[:-3], strict=True)), int(row[-3]), int(row[-2]))
        for row in rows
        if row[-3] and not row[-1]
    ]
    rest = next((Rest(int(row[-3]), int(row[-2]), int(row[-1])) for row in rows if row[-1]), Rest())
    return Tally(tuple(sorted(groups, key=_by_values)), rest)


def _counted(key: str, snapshots: Snapshots) -> tuple[Collection, LiveTable, Statistics] | None:
    datamap = current_map()
    collection = datamap.collections.get(key)
    if collection is None or collection.statistics is None or collection.clock is None:
        return None
    return collection, Live(datamap, snapshots, keys=[key]).table(collection), collection.statistics


def _named(collection: Collection, live: LiveTable) -> sa.ColumnElement[bool]:
    """The row still tells one person from another: it was not made anonymous before."""
    people = collection.statistics.people if collection.statistics else ""
    return sa.and_(live.table.c[people].is_not(None), sa.not_(is_masked(live, of_columns(collection, live, [people]))))


def _statement(live: LiveTable, by: Statistics, where: sa.ColumnElement[bool], smallest: int) -> sa.CompoundSelect[Any]:
    columns = [sa.cast(live.table.c[name], sa.Text).label(name) for name in by.by]
    person = live.table.c[by.people].label("one_person")
    each = (
        sa.select(*columns, person, sa.func.count().label("their_rows")).where(where).group_by(*columns, person)
    ).cte("each_person")
    of_one = sa.func.least(each.c.their_rows, ROWS_OF_ONE).label("counted_rows")
    size = sa.func.count().over(partition_by=[each.c[name] for name in by.by] or None).label("group_size")
    sized = sa.select(each, of_one, size).cte("sized")
    values = [sized.c[name] for name in by.by]
    large = (
        sa.select(*values, sa.func.count(), sa.func.sum(sized.c.counted_rows), sa.literal(0))
        .where(sized.c.group_size >= smallest)
        .group_by(*values)
    )
    small = sa.select(
        *(sa.cast(sa.null(), sa.Text) for _ in values),
        sa.func.count(sized.c.one_person.distinct()),
        sa.func.coalesce(sa.func.sum(sized.c.counted_rows), 0),
        sa.func.coalesce(sa.func.max(sized.c.group_size), 0),
    ).where(sized.c.group_size < smallest)
    return sa.union_all(large, small)


def _by_values(group: Group) -> list[tuple[bool, str]]:
    return [(value is not None, value or "") for _, value in group.values]


def _midnight(clock: sa.Column[Any], day: date) -> Any:
    """The day's first instant, as the column takes it."""
    if not isinstance(clock.type, sa.DateTime):
        return day
    return datetime.combine(day, time(), tzinfo=UTC if clock.type.timezone else None)


def _day(value: date | datetime) -> date:
    return value.astimezone(UTC).date() if isinstance(value, datetime) and value.tzinfo else _plain(value)


def _plain(value: date | datetime) -> date:
    return value.date() if isinstance(value, datetime) else value
