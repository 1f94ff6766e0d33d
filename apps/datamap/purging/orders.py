"""What is to go from one collection, compiled for its table or for one of its partitions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Literal, Protocol

import sqlalchemy as sa

from apps.datamap import guards
from apps.datamap.contract import CollectionInfo
from apps.datamap.mapping import Collection
from apps.datamap.purging.along import kept_for
from apps.datamap.purging.kin import Kin, kin_of
from apps.datamap.schema import LiveTable
from apps.datamap.search import Live
from apps.datamap.treatments import Treatment, is_masked, of_columns, of_whole_rows

Action = Literal["delete", "anonymise"]


class Past(Protocol):
    """Which rows have run out of time (see `apps.retention.predicates.Limits`)."""

    @property
    def past(self) -> sa.ColumnElement[bool]: ...
    @property
    def rule(self) -> sa.ColumnElement[str]: ...
    @property
    def latest(self) -> date | None: ...
    @property
    def whole(self) -> date: ...


@dataclass(frozen=True)
class Order:
    """Rows of one collection to delete or to make anonymous; `columns`: these alone, the row stays.

    `past` compiles the limits for a table of the collection (itself, or a partition); None: nothing can be past.
    `at` is the instant as which guards are asked what must stay; an interest is disregarded: it keeps nothing past its
    limit.
    """

    collection: str
    action: Action
    past: Callable[[CollectionInfo], Past | None]
    at: datetime
    columns: tuple[str, ...] = ()
    planned: int = 0  # what a plan counted, where there is one
    share: float = 0.0  # and that as a share of the collection
    kept: Callable[[CollectionInfo], Sequence[guards.Keep]] | None = None  # what more must stay than guards say today


@dataclass(frozen=True)
class Purge:
    """An order compiled for one table."""

    info: CollectionInfo
    live: LiveTable
    treatment: Treatment
    limits: Past
    keeps: tuple[guards.Keep, ...]
    kin: Kin
    whole: sa.ColumnElement[bool] | None = None  # where columns alone go: rows that go whole, and need not lose them

    @property
    def table(self) -> sa.Table:
        return self.info.table

    @property
    def is_delete(self) -> bool:
        return self.treatment.kind == "delete"

    @property
    def past(self) -> sa.ColumnElement[bool]:
        """Past their limits and not made anonymous already."""
        if self.is_delete:
            return self.limits.past
        whole = [] if self.whole is None else [self.whole.is_not(sa.true())]
        return sa.and_(self.limits.past, sa.not_(is_masked(on(self.live, self.table), self.treatment)), *whole)

    def goes(self, *, going: Mapping[str, sa.ColumnElement[bool]] | None = None) -> sa.ColumnElement[bool]:
        """Past, and nothing keeps them. `going`: what goes from other collections first, so that it blocks nothing."""
        stays = [keep.predicate.is_not(sa.true()) for keep in self.keeps]
        return sa.and_(self.past, *stays, *(sa.not_(block) for block in self.blocks(going=going)))

    def blocks(self, *, going: Mapping[str, sa.ColumnElement[bool]] | None = None) -> list[sa.ColumnElement[bool]]:
        """Rows that remaining rows of other tables must go on pointing at."""
        return self.kin.blocks(self.table, going=going or {}) if self.is_delete else []


def compile_order(
    order: Order, live: Live, *, table: sa.Table | None = None, whole_rows: sa.ColumnElement[bool] | None = None
) -> Purge | None:
    """The order for the collection's table, or for a partition of it. Asks all guards. Raises `NoGuards`."""
    collection = live.datamap.collections[order.collection]
    whole = live.info(collection)
    info = whole if table is None else on_table(whole, table)
    limits = order.past(info)
    if limits is None:
        return None
    keeps = [
        keep for keep in guards.keeps(collection.store, info, now=order.at)
        if keep.kind == "hold" or keep.kind == "open_request" or (keep.kind == "duty" and not order.columns)
    ]  # fmt: skip
    found = live.table(collection)
    keeps += order.kept(info) if order.kept else ()
    treatment = _treatment(order, collection, found)
    kin = kin_of(live, collection) if treatment.kind == "delete" else Kin()
    keeps += kept_for(kin, info.table, live, collection.store, at=order.at)
    return Purge(info, found, treatment, limits, tuple(keeps), kin, whole_rows)


def _treatment(order: Order, collection: Collection, live: LiveTable) -> Treatment:
    if order.action == "delete":
        return Treatment("delete")
    return of_columns(collection, live, order.columns) if order.columns else of_whole_rows(collection, live)


def on_table(info: CollectionInfo, table: sa.Table) -> CollectionInfo:
    """The same collection, told of another table with the same columns."""

    def moved(column: Any) -> Any:
        return table.c[column.name] if isinstance(column, sa.Column) else column

    return replace(
        info,
        table=table,
        clock=moved(info.clock),
        tenant=moved(info.tenant),
        region=moved(info.region),
        country=moved(info.country),
        clocks={event: moved(column) for event, column in info.clocks.items()},
        conditions={rule: (moved(column), filled) for rule, (column, filled) in info.conditions.items()},
        column_limits={name: (rules, moved(clock)) for name, (rules, clock) in info.column_limits.items()},
    )


def on(live: LiveTable, table: sa.Table) -> LiveTable:
    """The live table, its columns taken from `table`."""
    return live if live.table is table else replace(live, table=table)


def reason_of(purge: Purge, blocks: Sequence[sa.ColumnElement[bool]]) -> sa.ColumnElement[int]:
    """Which keep holds a row past its limit, by place; after them the blocks; -1: it goes."""
    wheres = [keep.predicate for keep in purge.keeps] + list(blocks)
    whens = [(where, sa.literal(number, sa.Integer)) for number, where in enumerate(wheres)]
    return sa.case(*whens, else_=sa.literal(-1, sa.Integer)) if whens else sa.literal(-1, sa.Integer)
