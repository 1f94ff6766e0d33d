"""Rows of other tables that point at rows that go: some go along, some lose the reference, some keep what they need."""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from apps.datamap.mapping import Collection
from apps.datamap.schema import ForeignKey, LiveTable
from apps.datamap.search import Live


@dataclass(frozen=True)
class Relative:
    """A table whose rows point at ours: `column` holds the value of our `parent_column`."""

    key: str | None  # of its collection; None: the map does not know it
    table: sa.FromClause
    columns: tuple[str, ...]
    parent_columns: tuple[str, ...]
    kin: "Kin"

    def pointing_at(self, table: sa.FromClause) -> sa.ColumnElement[bool]:
        pairs = zip(self.columns, self.parent_columns, strict=True)
        return sa.and_(*(self.table.c[mine] == table.c[theirs] for mine, theirs in pairs))


@dataclass(frozen=True)
class Kin:
    """The relatives of one table, by what becomes of them when its rows go."""

    along: tuple[Relative, ...] = ()
    unlinked: tuple[Relative, ...] = ()
    blocking: tuple[Relative, ...] = ()

    @property
    def is_alone(self) -> bool:
        return not (self.along or self.unlinked or self.blocking)

    def blocks(
        self, table: sa.FromClause, *, going: Mapping[str, sa.ColumnElement[bool]]
    ) -> list[sa.ColumnElement[bool]]:
        """One predicate a blocking relative: some row of it, which does not go itself, points at the row."""
        found: list[sa.ColumnElement[bool]] = []
        for one in self.blocking:
            stays = [going[one.key].is_not(sa.true())] if one.key and one.key in going else []
            inside = sa.select(sa.literal(1)).select_from(one.table).where(one.pointing_at(table), *stays)
            found.append(sa.exists(inside.correlate(table)))
        for one in self.along:
            for block in one.kin.blocks(one.table, going=going):
                inside = sa.select(sa.literal(1)).select_from(one.table).where(one.pointing_at(table), block)
                found.append(sa.exists(inside.correlate(table)))
        return found

    def names(self) -> list[str]:
        """What blocks, in the order of `blocks`."""
        return [one.key or one.table.description for one in self.blocking] + [
            name for one in self.along for name in one.kin.names()
        ]


def kin_of(live: Live, collection: Collection, seen: frozenset[str] = frozenset()) -> Kin:
    """Found by the live foreign keys, and sorted by what the map says of the tables behind them."""
    table = live.table(collection)
    known = _collections(live, collection.store)
    along, unlinked, blocking = [], [], []
    for key in table.referenced_by:
        child = known.get(key.child)
        if child is None or child.key in seen:
            if not (key.action == "n" and key.nullable) and child is None:
                blocking.append(_stranger(table, key))
            continue
        relative = _relative(live, child, key, seen | {collection.key})
        if child.goes_with and key.columns == (child.goes_with,):
            along.append(relative)
        elif child.key != collection.key and not _may_unlink(live.table(child), child, key):
            blocking.append(relative)
        elif _may_unlink(live.table(child), child, key):
            unlinked.append(relative)
        else:
            blocking.append(relative)
    return Kin(tuple(along), tuple(unlinked), tuple(blocking))


def _relative(live: Live, child: Collection, key: ForeignKey, seen: frozenset[str]) -> Relative:
    goes_along = child.goes_with and key.columns == (child.goes_with,)
    kin = kin_of(live, child, seen) if goes_along else Kin()
    table = live.table(child).table
    return Relative(child.key, table.alias() if child.key in seen else table, key.columns, key.parent_columns, kin)


def _stranger(parent: LiveTable, key: ForeignKey) -> Relative:
    columns = [
        sa.column(mine, parent.table.c[theirs].type)
        for mine, theirs in zip(key.columns, key.parent_columns, strict=True)
    ]
    return Relative(None, sa.table(key.child[1], *columns, schema=key.child[0]), key.columns, key.parent_columns, Kin())


def _may_unlink(child: LiveTable, collection: Collection, key: ForeignKey) -> bool:
    return (
        key.nullable
        and len(key.columns) == 1
        and not collection.read_only
        and not child.read_only
        and key.columns[0] in child.writable
    )


def _collections(live: Live, store: str) -> dict[tuple[str | None, str], Collection]:
    found: dict[tuple[str | None, str], Collection] = {}
    for collection in live.datamap.collections.values():
        table = live.schema(store).tables.get(collection.table) if collection.store == store else None
        if table is not None and not collection.skipped:
            found[(table.schema, table.name)] = collection
    return found
