"""Rows of other tables that point at rows that go: some go along, some lose the reference, some keep what they need."""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from apps.datamap.mapping import Collection
from apps.datamap.schema import ForeignKey, LiveTable, TableName, reflect
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


def kin_of(live: Live, collection: Collection) -> Kin:
    """Found by the live foreign keys, and sorted by what the map says of the tables behind them."""
    return _kin(_Tables(live, collection.store), live.table(collection), frozenset(), frozenset())


class _Tables:
    """The tables of one store: collections of the map, and impersonal ones that go with a row of another."""

    def __init__(self, live: Live, store: str) -> None:
        self.known = _collections(live, store)
        self.live: dict[TableName, LiveTable] = {place: live.table(one) for place, one in self.known.items()}
        self.leads = {place: one.goes_with for place, one in self.known.items() if one.goes_with}
        others = {
            (schema, name): column
            for (of, schema, name), column in live.datamap.followers.items()
            if of == store and (schema, name) not in {one.table for one in self.known.values()}
        }
        found = reflect(live.snapshots.of(store), others).tables if others else {}
        for asked, column in others.items():
            if table := found.get(asked):
                self.live[(table.schema, table.name)] = table
                self.leads[(table.schema, table.name)] = column

    def goes_along(self, key: ForeignKey) -> bool:
        return key.columns == (self.leads.get(key.child),)


def _kin(tables: _Tables, table: LiveTable, path: frozenset[TableName], coming: frozenset[TableName]) -> Kin:
    """`path`: tables whose rows go before we come here; `coming`: those whose rows go along with them anyway."""
    path |= {(table.schema, table.name)}
    further = coming | {key.child for key in table.referenced_by if tables.goes_along(key)}
    along, unlinked, blocking = [], [], []
    for key in table.referenced_by:
        child = tables.known.get(key.child)
        if tables.goes_along(key) and key.child not in path:
            inner = _kin(tables, tables.live[key.child], path, further)
            along.append(_relative(tables, key, inner, path))
        elif key.child in further or (key.child in path and key.child != (table.schema, table.name)):
            continue  # it goes itself, by another way
        elif child is not None and _may_unlink(tables.live[key.child], child, key):
            unlinked.append(_relative(tables, key, Kin(), path))
        elif child is not None:
            blocking.append(_relative(tables, key, Kin(), path))
        elif not (key.action == "n" and key.nullable):
            blocking.append(_stranger(table, key))
    return Kin(tuple(along), tuple(unlinked), tuple(blocking))


def _relative(tables: _Tables, key: ForeignKey, kin: Kin, path: frozenset[TableName]) -> Relative:
    child, table = tables.known.get(key.child), tables.live[key.child].table
    return Relative(
        child.key if child else None,
        table.alias() if key.child in path else table,
        key.columns,
        key.parent_columns,
        kin,
    )


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
