"""Whose rows they are, as a predicate over one collection's table: for whoever must decide inside a statement.

The same rows that a search (`search.py`) would come to inside one store: identity fields and blind indexes, and what
the map's references lead to from there, as nested subqueries. It errs on one side only: where a statement can't follow
(a reference from another store, a cycle of references, a row that names no account), the row counts as the person's
or the account's, because what asks here is what must not be lost.

Inner tables are aliases, so that nothing correlates by accident, whatever statement the predicate stands in.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from apps.accounts.models import CustomerAccount
from apps.core import crypto
from apps.core.identities import Identity
from apps.datamap.contract import CollectionInfo, StoreUnavailable
from apps.datamap.guards import Guarded
from apps.datamap.mapping import PORTAL, Collection, DataMap, Edge, Path
from apps.datamap.matching import WHOLE, array_of, holds_in
from apps.datamap.registry import current_map
from apps.datamap.schema import reflect
from apps.datamap.search import Live, is_structured
from apps.datamap.shards import without_siblings
from apps.datamap.stores import Snapshots

Predicate = sa.ColumnElement[bool]
AT_MOST = 1_000_000
USERS = "portal_accounts:accounts_user"
WHOLE_SQL = WHOLE.pattern.replace("{1,19}", "{1,18}")  # what a bigint can hold for sure
UUID_SQL = "^[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}$"


def person_predicate(
    store: str, collection: Guarded, identities: Sequence[Identity], *, account: str = ""
) -> Predicate | None:
    """The rows about a person, those of other accounts left out when one is given. None where there can be none.

    It may be NULL for a row that is not among them.
    """
    return _OfPerson(current_map(), store, collection, identities, account).rows(collection.key, collection.table)


def account_predicate(store: str, collection: Guarded, account: str) -> Predicate:
    """The rows of one customer account (the platform's id); rows that can't be told to be another's are among them.

    It may be NULL for a row that is not among them.
    """
    found = _OfAccount(current_map(), store, collection, account).rows(collection.key, collection.table)
    return sa.true() if found is None else found


def leads_to(key: str) -> set[str]:
    """The collections (by base key) that references lead to from one, over any number of hops; itself left out."""
    onward: dict[str, set[str]] = {}
    datamap = current_map()
    for edge in datamap.edges:
        source, target = (datamap.collections[one].base_key for one in (edge.source, edge.target))
        onward.setdefault(source, set()).add(target)
    found, frontier = {key}, [key]
    while frontier:
        new = onward.get(frontier.pop(), set()) - found
        found |= new
        frontier += new
    return found - {key}


def count_where(predicate: Callable[[str, CollectionInfo], Predicate | None]) -> dict[str, int | None]:
    """How many rows of each collection (by its base key) a predicate covers. Counting stops above `AT_MOST` rows of one
    store's table: any number above it says "more than that". Collections without such rows are left out; None where a
    store could not be asked."""
    found: dict[str, int | None] = {}
    datamap = current_map()
    for store in sorted({one.store for one in datamap.collections.values() if not one.skipped}):
        try:
            counted = _counted(datamap, store, predicate)
        except StoreUnavailable:
            counted = {one.base_key: None for one in datamap.collections.values() if one.store == store}
        for key, rows in counted.items():
            known = found.get(key, 0)
            found[key] = None if rows is None or known is None else rows + known
    return {key: rows for key, rows in sorted(found.items()) if rows != 0}


def _counted(
    datamap: DataMap, store: str, predicate: Callable[[str, CollectionInfo], Predicate | None]
) -> dict[str, int | None]:
    found: dict[str, int | None] = {}
    mine = [one for one in datamap.collections.values() if one.store == store and not one.skipped]
    with Snapshots() as snapshots:
        live = Live(datamap, snapshots, keys=[one.key for one in mine])
        for one in mine:
            info = live.info(one)
            covered = predicate(store, info)
            if covered is not None:
                some = sa.select(sa.literal(1)).select_from(info.table).where(covered).limit(AT_MOST + 1).subquery()
                [row] = snapshots.of(store).rows(sa.select(sa.func.count()).select_from(some))
                found[one.base_key] = int(row[0])
    return found


class _Reach:
    """Which rows are reached, collection by collection, from where a subclass says that it begins."""

    def __init__(self, datamap: DataMap, store: str, guarded: Guarded) -> None:
        self.datamap, self.store, self.guarded = without_siblings(datamap, store), store, guarded

    def rows(self, key: str, table: sa.FromClause, trail: tuple[Edge, ...] = ()) -> Predicate | None:
        raise NotImplementedError

    def led_to(self, key: str, table: sa.FromClause, trail: tuple[Edge, ...]) -> list[Predicate]:
        """For each reference into this collection, the rows that a reached row's value leads to."""
        found = [self._followed(edge, table, trail) for edge in self.edges_into(key) if not _is_way_back(edge, trail)]
        return [one for one in found if one is not None]

    def edges_into(self, key: str) -> list[Edge]:
        return [edge for edge in self.datamap.edges if edge.target == key and edge.source in self.reachable]

    @cached_property
    def reachable(self) -> set[str]:
        raise NotImplementedError

    def _followed(self, edge: Edge, table: sa.FromClause, trail: tuple[Edge, ...]) -> Predicate | None:
        source = self.datamap.collections[edge.source]
        known = self._table(source) if source.store == self.store else None
        in_a_cycle = any(edge.source in (one.source, one.target) for one in trail) or edge.source == edge.target
        if known is None or in_a_cycle:
            return table.c[edge.into[0]].is_not(None)  # where it leads from can't be told here
        inner = known.alias()
        reached = self.rows(edge.source, inner, (*trail, edge))
        return None if reached is None else _holds_any(table, edge.into, inner, edge.at, reached)

    def _table(self, collection: Collection) -> sa.Table | None:
        """The live table, from the reflection that the guarded one came with, else read from the catalogue."""
        whole: sa.Table = self.guarded.table.info.get("whole", self.guarded.table)  # of a partition, where one is meant
        found = whole.metadata.tables.get(f"{collection.schema or whole.schema}.{collection.name}")
        return found if found is not None else self._reflected.get(collection.table)

    @cached_property
    def _reflected(self) -> dict[tuple[str | None, str], sa.Table]:
        wanted = [one.table for one in self.datamap.collections.values() if one.store == self.store]
        with Snapshots() as snapshots:
            return {name: live.table for name, live in reflect(snapshots.of(self.store), wanted).tables.items()}


class _OfPerson(_Reach):
    def __init__(
        self, datamap: DataMap, store: str, guarded: Guarded, identities: Sequence[Identity], account: str
    ) -> None:
        super().__init__(datamap, store, guarded)
        self.identities, self.account = identities, account

    @cached_property
    def reachable(self) -> set[str]:
        allowed = {key for key, one in self.datamap.collections.items() if not one.skipped}
        return self.datamap.reachable([one.type for one in self.identities], allowed)

    def rows(self, key: str, table: sa.FromClause, trail: tuple[Edge, ...] = ()) -> Predicate | None:
        collection = self.datamap.collections.get(key)
        if collection is None or key not in self.reachable:
            return None
        ways = [*self._named(collection, table), *self.led_to(key, table, trail)]
        if not ways:
            return None
        tenant = _tenant(collection, table) if self.account else None
        reached = sa.or_(*ways)
        return reached if tenant is None else sa.and_(_is_of(tenant, self.account), reached)

    def _named(self, collection: Collection, table: sa.FromClause) -> list[Predicate]:
        found = []
        for place in collection.identity_fields([one.type for one in self.identities]):
            values = sorted(
                crypto.lookup(one) if place.lookup else one.value
                for one in self.identities
                if one.type in place.identities
            )
            found.append(_holds_one(table, place.path, values))
        return [one for one in found if one is not None]


class _OfAccount(_Reach):
    def __init__(self, datamap: DataMap, store: str, guarded: Guarded, account: str) -> None:
        super().__init__(datamap, store, guarded)
        self.account = account

    @cached_property
    def reachable(self) -> set[str]:
        return {key for key, one in self.datamap.collections.items() if not one.skipped}

    def rows(self, key: str, table: sa.FromClause, trail: tuple[Edge, ...] = ()) -> Predicate | None:
        collection = self.datamap.collections.get(key)
        if collection is None:
            return None
        tenant = _tenant(collection, table)
        if tenant is not None:
            return _is_of(tenant, self.account)
        if collection.key == USERS:
            return table.c.id.in_(_members(self.account))
        ways = self.led_to(key, table, trail)
        if not ways:
            return None
        unknown = sa.and_(*(table.c[edge.into[0]].is_(None) for edge in self.edges_into(key)))
        return sa.or_(*ways, unknown)


def _is_way_back(edge: Edge, trail: tuple[Edge, ...]) -> bool:
    """A reference without direction flows both ways: going back on it leads to the values one came with."""
    return bool(trail) and (edge.source, edge.at, edge.into) == (trail[-1].target, trail[-1].into, trail[-1].at)


def _tenant(collection: Collection, table: sa.FromClause) -> sa.ColumnElement[Any] | None:
    """The column that names the customer account; the portal's own tables have one that the map needs no search by."""
    if collection.tenant:
        return table.c[collection.tenant]
    own = table.c.get("account_id") if collection.store == PORTAL else None
    return own if own is not None and isinstance(own.type, sa.Uuid) else None


def _is_of(tenant: sa.ColumnElement[Any], account: str) -> Predicate:
    """Rows of the account, and rows that name none."""
    mine: Predicate
    if isinstance(tenant.type, sa.Uuid):
        known = CustomerAccount.objects.filter(platform_account_id=account).order_by("pk")
        mine = tenant.in_(list(known.values_list("pk", flat=True)))
    elif isinstance(tenant.type, sa.Integer):
        mine = tenant == int(account) if WHOLE.match(account) else sa.false()
    else:
        mine = sa.cast(tenant, sa.Text) == account
    return sa.or_(tenant.is_(None), mine)


def _members(account: str) -> sa.Select[Any]:
    members = sa.table("accounts_membership", sa.column("user_id"), sa.column("account_id", sa.Uuid()))
    known = CustomerAccount.objects.filter(platform_account_id=account).order_by("pk")
    return sa.select(members.c.user_id).where(members.c.account_id.in_(list(known.values_list("pk", flat=True))))


# --- values -------------------------------------------------------------------------------------------


def _holds_one(table: sa.FromClause, path: Path, values: Sequence[str]) -> Predicate | None:
    column = table.c[path[0]]
    if (len(path) == 1 and isinstance(column.type, sa.Text | sa.VARCHAR)) or type(column.type) is sa.String:
        return column.in_(list(values))  # every dialect knows it
    return holds_in(table, path, values)


def _holds_any(table: sa.FromClause, into: Path, source: sa.FromClause, at: Path, reached: Predicate) -> Predicate:
    """The row's `into` holds one of the values at `at` in the reached rows of `source`."""
    column: Any = table.c[into[0]]
    value: Any = source.c[at[0]]
    found: Predicate
    if not is_structured(column) and not is_structured(value) and _family(column) is _family(value):
        found = column.in_(sa.select(value).where(reached))
        return found
    texts = sa.select(_texts(value, at[1:]).label("value")).where(reached).subquery()
    if isinstance(column.type, pg.ARRAY):
        found = sa.cast(column, pg.ARRAY(sa.Text)).overlap(sa.func.array(sa.select(texts.c.value).scalar_subquery()))
    elif is_structured(column):
        inner = sa.select(_texts(column, into[1:]).label("value")).correlate(table).subquery().lateral()
        found = sa.exists(sa.select(inner.c.value).where(inner.c.value.in_(sa.select(texts.c.value))).correlate(table))
    elif isinstance(column.type, sa.Integer):
        found = column.in_(sa.select(_safely(texts.c.value, WHOLE_SQL, sa.BigInteger())))
    elif isinstance(column.type, sa.Uuid):
        found = column.in_(sa.select(_safely(texts.c.value, UUID_SQL, sa.Uuid())))
    elif isinstance(column.type, pg.CITEXT):
        found = sa.func.lower(sa.cast(column, sa.Text)).in_(sa.select(sa.func.lower(texts.c.value)))
    else:
        found = sa.cast(column, sa.Text).in_(sa.select(texts.c.value))
    return found


def _texts(column: sa.ColumnElement[Any], inner: Path) -> sa.ColumnElement[Any]:
    """The column's values as text, one a row: an array's elements, a document's values at a place."""
    if isinstance(column.type, pg.ARRAY):
        return sa.cast(sa.func.unnest(column), sa.Text)
    if isinstance(column.type, sa.JSON):
        steps = "".join('."' + step.replace("\\", "\\\\").replace('"', '\\"') + '"' for step in inner)
        path = sa.cast(sa.literal(f"${steps}[*]", sa.Text), pg.JSONPATH)
        found = sa.func.jsonb_path_query(sa.cast(column, pg.JSONB), path)
        return found.op("#>>", return_type=sa.Text())(array_of([], sa.Text()))
    return sa.cast(column, sa.Text)


def _safely(text: sa.ColumnElement[Any], pattern: str, kind: Any) -> sa.ColumnElement[Any]:
    """What can't be of the type can't match; casting it would fail the statement."""
    return sa.case((text.op("~")(sa.literal(pattern, sa.Text)), sa.cast(text, kind)), else_=sa.null())


def _family(column: sa.ColumnElement[Any]) -> object:
    kind = column.type
    for family in (sa.Integer, sa.Uuid):
        if isinstance(kind, family):
            return family
    if isinstance(kind, sa.Text | sa.VARCHAR) or type(kind) is sa.String:
        return column if isinstance(kind, pg.CITEXT) else sa.String
    return column  # like nothing else
