"""Everything that belongs to one customer account: its rows in chunks out of one snapshot, and their number beside what
keeps them.

Of the account's rows some are protected by a guard (a duty, an interest, a hold, an open request), and some because a
row that stays refers to them. What neither explains can go.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from apps.datamap import guards
from apps.datamap.answers import rows_of
from apps.datamap.contract import CollectionInfo, Scope
from apps.datamap.fates import RANK
from apps.datamap.mapping import Collection
from apps.datamap.matching import key_columns
from apps.datamap.registry import current_map
from apps.datamap.schema import ForeignKey, LiveTable, TableName
from apps.datamap.search import Hits, Live
from apps.datamap.stores import Snapshots
from apps.datamap.taxonomy import matches
from apps.datamap.tenants import of_accounts

CHUNK_ROWS = 500
UNLINKS_ITSELF = ("c", "n", "d")  # foreign keys that the database empties or follows when the parent goes
Wanted = Callable[[CollectionInfo], sa.ColumnElement[bool] | None]


@dataclass(frozen=True)
class Protected:
    """Rows that stay: `until` is the last day of the first of them, `until_latest` of the last; None: not known."""

    ground: str
    kind: str  # duty | interest | hold | open_request | referenced
    count: int
    until: date | None
    until_latest: date | None


@dataclass(frozen=True)
class Belonging:
    """The account's rows in one collection."""

    collection: str
    store: str
    retention: tuple[str, ...]  # rule keys
    rows: int
    protected: tuple[Protected, ...]

    @property
    def unprotected(self) -> int:
        return self.rows - sum(one.count for one in self.protected)


class Belongings:
    """The collections that know customer accounts, with the account's rows, in open snapshots."""

    def __init__(self, account: str, snapshots: Snapshots) -> None:
        self.account, datamap = account, current_map()
        self._snapshots = snapshots
        keys = [key for key, one in datamap.collections.items() if one.tenant and not one.skipped]
        self._live = Live(datamap, snapshots, keys=[key for key, one in datamap.collections.items() if not one.skipped])
        self._collections = {key: datamap.collections[key] for key in sorted(keys)}

    @cached_property
    def infos(self) -> Mapping[str, CollectionInfo]:
        return {
            key: replace(self._live.info(one), capacity=one.capacity_towards(self.account, own=False))
            for key, one in self._collections.items()
        }

    def chunks(self, key: str, *, without: Sequence[str] = ()) -> Iterator[list[dict[str, Any]]]:
        """The rows of one collection in the order of their keys, JSON-able, some hundreds at a time from the server's
        cursor; columns of the categories `without` are left out."""
        collection = self._collections[key]
        live = self._live.table(collection)
        names = live.key_columns() or collection.primary_key
        columns = [*key_columns(live, names), *_values(collection, live)]
        labels = {column.name: number for number, column in enumerate(columns)}
        order = [live.table.c[name] for name in names]
        statement = sa.select(*columns).select_from(live.table).where(self._mine(key)).order_by(*order)
        hidden, scope = set(self.columns_of(key, without)), Scope(identities=(), account=self.account)
        for rows in self._snapshots.of(collection.store).chunks(statement, CHUNK_ROWS):
            hits = Hits(collection, live, names, labels, {tuple(row[: len(names)]): tuple(row) for row in rows})
            yield [{name: row[name] for name in row if name not in hidden} for row in rows_of(hits, scope, {})]

    def columns_of(self, key: str, categories: Sequence[str]) -> list[str]:
        """The columns of a collection that hold one of these categories."""
        return [
            top.column
            for top in self._collections[key].fields
            if any(matches(one, wanted) for place in top.walk() for one in place.categories for wanted in categories)
        ]

    def columns(self, key: str) -> list[str]:
        return [top.column for top in self._collections[key].fields]

    def belonging(self, key: str, protection: "_Protection") -> Belonging:
        """How many rows there are, and how many stay with which ground (each row counted once, the strongest first)."""
        collection = self._collections[key]
        grounds = protection.grounds(collection)
        columns: list[sa.ColumnElement[Any]] = [sa.func.count()]
        before: list[sa.ColumnElement[bool]] = []
        for one in grounds:
            here = sa.and_(one.predicate, *(sa.not_(earlier) for earlier in before))
            columns += [sa.func.count().filter(here), sa.func.count(one.until).filter(here)]
            columns += [sa.func.min(one.until).filter(here), sa.func.max(one.until).filter(here)]
            before.append(one.predicate)
        statement = sa.select(*columns).select_from(self._live.table(collection).table).where(self._mine(key))
        rows, *counted = self._snapshots.of(collection.store).rows(statement)[0]
        protected = tuple(_protected(one, counted[4 * n : 4 * n + 4]) for n, one in enumerate(grounds))
        found = tuple(one for one in protected if one.count)
        return Belonging(key, collection.store, collection.retention, int(rows), found)

    def count(self, key: str, wanted: sa.ColumnElement[bool], protection: "_Protection") -> int:
        """The rows that `wanted` selects and nothing protects."""
        collection = self._collections[key]
        table = self._live.table(collection).table
        kept = sa.or_(sa.false(), *(one.predicate for one in protection.grounds(collection)))
        statement = sa.select(sa.func.count()).select_from(table).where(self._mine(key), wanted, sa.not_(kept))
        return int(self._snapshots.of(collection.store).rows(statement)[0][0])

    def _mine(self, key: str) -> sa.ColumnElement[bool]:
        return of_accounts(self.infos[key], [self.account])

    def protection(self, now: datetime) -> "_Protection":
        return _Protection(self._live, now)


@contextmanager
def reading_belongings(account: str) -> Iterator[Belongings]:
    """All of an account (the platform's id) in one snapshot a store. Raises `StoreUnavailable`."""
    with Snapshots() as snapshots:
        yield Belongings(account, snapshots)


def belongings(account: str, *, now: datetime) -> list[Belonging]:
    """What the account has in each collection, and what of it stays. Raises `StoreUnavailable`, `NoGuards`."""
    with reading_belongings(account) as found:
        protection = found.protection(now)
        return [found.belonging(key, protection) for key in found.infos]


def count_belongings(account: str, wanted: Wanted, *, now: datetime) -> dict[str, int]:
    """The account's rows that `wanted` selects in a collection (None: none) and nothing keeps, by collection."""
    with reading_belongings(account) as found:
        protection = found.protection(now)
        asked = {key: wanted(info) for key, info in found.infos.items()}
        return {key: found.count(key, one, protection) for key, one in asked.items() if one is not None}


@dataclass(frozen=True)
class _Ground:
    predicate: sa.ColumnElement[bool]
    ground: str
    kind: str
    until: sa.ColumnElement[Any]


class _Protection:
    """What keeps rows, as predicates."""

    def __init__(self, live: Live, now: datetime) -> None:
        self.live, self.now = live, now
        self._known: dict[str, list[_Ground]] = {}

    def grounds(self, collection: Collection) -> list[_Ground]:
        """The strongest first; last the rows that a row which stays refers to."""
        referenced = sa.or_(sa.false(), *self._referenced(collection, (collection.key,)))
        return [*self._guarded(collection), _Ground(referenced, collection.key, "referenced", _no_date())]

    def _guarded(self, collection: Collection) -> list[_Ground]:
        if collection.key not in self._known:
            keeps = guards.keeps(collection.store, self.live.info(collection), now=self.now)
            self._known[collection.key] = [_ground(one) for one in sorted(keeps, key=lambda one: RANK[one.kind])]
        return self._known[collection.key]

    def _stays(self, collection: Collection, way: tuple[str, ...]) -> sa.ColumnElement[bool]:
        own = [one.predicate for one in self._guarded(collection)]
        return sa.or_(sa.false(), *own, *self._referenced(collection, (*way, collection.key)))

    def _referenced(self, parent: Collection, way: tuple[str, ...]) -> Iterator[sa.ColumnElement[bool]]:
        """Rows that keep each other in a circle keep nothing: `way` holds the collections come through."""
        for key in self.live.table(parent).referenced_by:
            child = self._tables[parent.store].get(key.child)
            if key.action not in UNLINKS_ITSELF and (child is None or child.key not in way):
                yield self._pointed_at(parent, key, child, way)

    def _pointed_at(
        self, parent: Collection, key: ForeignKey, child: Collection | None, way: tuple[str, ...]
    ) -> sa.ColumnElement[bool]:
        here = self.live.table(parent).table
        if child is None and not key.readable:
            return sa.true()  # where we may not look, any row may be pointed at
        if child is None:
            there: Any = sa.table(key.child[1], *(sa.column(name) for name in key.columns), schema=key.child[0])
            stays: sa.ColumnElement[bool] = sa.true()
        else:
            there, stays = self.live.table(child).table, self._stays(child, way)
        pairs = zip(key.columns, key.parent_columns, strict=True)
        same = [there.c[mine] == here.c[theirs] for mine, theirs in pairs]
        return sa.exists(sa.select(sa.literal(1)).select_from(there).where(*same, stays).correlate(here))

    @cached_property
    def _tables(self) -> Mapping[str, Mapping[TableName, Collection]]:
        found: dict[str, dict[TableName, Collection]] = {}
        for one in self.live.datamap.collections.values():
            if not one.skipped and (live := self.live.schema(one.store).tables.get(one.table)):
                found.setdefault(one.store, {})[(live.schema, live.name)] = one
        return found


def _values(collection: Collection, live: LiveTable) -> list[sa.ColumnElement[Any]]:
    values = (sa.cast(sa.func.to_jsonb(live.table.c[top.column]), sa.Text) for top in collection.fields)
    return [value.label(f"v{number}") for number, value in enumerate(values)]


def _ground(keep: guards.Keep) -> _Ground:
    until = sa.literal(keep.until, sa.Date) if isinstance(keep.until, date) else keep.until
    dated = _no_date() if until is None else sa.cast(until, sa.Date)
    return _Ground(sa.func.coalesce(keep.predicate, sa.false()), keep.ground, keep.kind, dated)


def _no_date() -> sa.ColumnElement[Any]:
    return sa.cast(sa.null(), sa.Date)


def _protected(one: _Ground, counted: Sequence[Any]) -> Protected:
    count, dated, first, last = counted
    return Protected(one.ground, one.kind, int(count), first, last if dated == count else None)
