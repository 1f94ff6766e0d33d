"""The search: from identities over references to every row of a person, set by set.

Each collection is asked with all values found so far, identities and incoming references OR-ed in one statement, after
the collections whose values flow into it; only in a cycle is one asked again, with the values it has not seen, until
no new ones appear. Rows are told apart by primary key. With an account, its predicate stands in every statement.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from apps.accounts.models import CustomerAccount
from apps.core import crypto
from apps.core.errors import DomainError, InvalidInput
from apps.core.identities import IdentityType
from apps.datamap.contract import CollectionInfo, NotEntered, Scope, StoreUnavailable
from apps.datamap.mapping import PORTAL, Collection, DataMap, Edge, Path, components
from apps.datamap.matching import Key, equals, has_key, holds, key_columns, values_at
from apps.datamap.problems import nearest
from apps.datamap.schema import LiveSchema, LiveTable, reflect
from apps.datamap.shards import MARK
from apps.datamap.stores import Session, Snapshots
from apps.datamap.taxonomy import known

Flow = tuple[str, str, Path]  # store the values come from, collection they are asked of, field they are asked in


@dataclass
class Hits:
    """The rows of one collection found so far: key -> the selected values, in the order of `labels`."""

    collection: Collection
    live: LiveTable
    key_names: tuple[str, ...]
    labels: dict[str, int] = field(default_factory=dict)
    rows: dict[Key, tuple[Any, ...]] = field(default_factory=dict)

    def value(self, key: Key, label: str) -> Any:
        return self.rows[key][self.labels[label]]

    def __len__(self) -> int:
        return len(self.rows)


Extras = Callable[[Collection, LiveTable], Mapping[str, sa.ColumnElement[Any]]]


class Live:
    """The live schemas of the stores a map touches, each read once."""

    def __init__(self, datamap: DataMap, snapshots: Snapshots, keys: Iterable[str] | None = None) -> None:
        self.datamap, self.snapshots = datamap, snapshots
        self.keys = set(datamap.collections if keys is None else keys)
        self._schemas: dict[str, LiveSchema] = {}

    def schema(self, store: str) -> LiveSchema:
        if store not in self._schemas:
            wanted = [
                one.table for key, one in self.datamap.collections.items() if key in self.keys and one.store == store
            ]
            self._schemas[store] = reflect(self.snapshots.of(store), wanted)
        return self._schemas[store]

    def table(self, collection: Collection) -> LiveTable:
        live = self.schema(collection.store).tables.get(collection.table)
        if live is None:
            name = ".".join(filter(None, collection.table))
            raise StoreUnavailable("table_missing", f"The store {collection.store} has no table {name} any more.")
        return live

    def info(self, collection: Collection) -> CollectionInfo:
        table = self.table(collection).table
        region = collection.region
        return CollectionInfo(
            key=collection.key,
            dataset=collection.dataset,
            name=collection.name,
            store=collection.store,
            capacity=collection.capacity,
            categories=collection.categories(),
            retention=collection.retention,
            table=table,
            clock=table.c[collection.clock] if collection.clock else None,
            tenant=table.c[collection.tenant] if collection.tenant else None,
            region=table.c[region] if region is not None and region in table.c else region,
            country=table.c[collection.country] if collection.country else None,
            clocks={event: table.c[column] if column else None for event, column in collection.clocks},
            conditions={one.rule: (table.c[one.column], one.filled) for one in collection.conditions},
            column_limits={
                top.column: (top.retention, table.c[top.clock or collection.clock or top.column])
                for top in collection.fields
                if top.retention
            },
            base_key=collection.base_key,
            fields={place.dotted: place.categories for place in collection.by_path.values()},
            key_names=self.table(collection).key_columns() or collection.primary_key,
        )


def check_scope(datamap: DataMap, scope: Scope) -> None:
    """The limits name what exists. Raises `InvalidInput`: a mistyped limit must not read as "nothing found"."""
    datasets = {dataset.key for dataset in datamap.datasets}
    for one in scope.datasets:
        if one not in datasets:
            raise InvalidInput("dataset", f"No dataset is called {one}{_hint(one, datasets)}.")
    for one in scope.categories:
        if one not in known():
            raise InvalidInput("category", f"No category is called {one}{_hint(one, known())}.")
    if not scope.identities:
        raise InvalidInput("identity", "Give at least one identity.")


def _hint(name: str, names: Iterable[str]) -> str:
    found = nearest(name, names)
    return f"; did you mean {found}?" if found else ""


def is_reported(collection: Collection, scope: Scope) -> bool:
    """Within the limits of the scope; the search may pass through others."""
    return (
        (not scope.datasets or collection.dataset in scope.datasets)
        and (not scope.capacities or collection.capacity_towards(scope.account, own=scope.own) in scope.capacities)
        and (not scope.categories or collection.has_category(scope.categories))
        and (not scope.end_users or collection.end_users)
    )


def entered(datamap: DataMap, scope: Scope) -> tuple[set[str], list[NotEntered]]:
    """The collections a search goes into, and those it does not, each with the reason."""
    allowed, outside = set(), []
    for key, collection in datamap.collections.items():
        if collection.skipped:
            outside.append(NotEntered(key, "skipped"))
        elif scope.account is not None and not collection.tenant and not _is_own(collection, scope):
            outside.append(NotEntered(key, "no_tenant"))
        else:
            allowed.add(key)
            if _is_of_both(collection) and scope.account is None and not scope.own:
                outside.append(NotEntered(key, "rows_of_tenants"))
    types = [identity.type for identity in scope.identities]
    reached = datamap.reachable(types, allowed, [key for key, _ in scope.rows])
    somehow = datamap.reachable(list(IdentityType), allowed)
    lost = sorted(allowed - reached)
    outside += [NotEntered(key, "no_identity" if key in somehow else "unreachable") for key in lost]
    wanted = {key for key in reached if is_reported(datamap.collections[key], scope)}
    outside = [one for one in outside if is_reported(datamap.collections[one.collection], scope)]
    return _leading_to(datamap, wanted, reached), sorted(outside, key=lambda one: one.collection)


def told_once(not_entered: Iterable[NotEntered]) -> list[NotEntered]:
    """By the name that people know: what holds of one shard of a collection holds of all."""
    return list(dict.fromkeys(NotEntered(one.collection.partition(MARK)[0], one.reason) for one in not_entered))


def _is_own(collection: Collection, scope: Scope) -> bool:
    return scope.own and collection.capacity == "controller"


def _is_of_both(collection: Collection) -> bool:
    """Our own rows and those of customers lie in one table. A search finds the ones or the others: so every collection
    it reports is held in one capacity."""
    return collection.tenant is not None and collection.capacity_of_tenants is not None


def _leading_to(datamap: DataMap, wanted: set[str], within: set[str]) -> set[str]:
    """The wanted collections and those that the search must pass to come to them."""
    needed = set(wanted)
    frontier = list(wanted)
    while frontier:
        target = frontier.pop()
        for edge in datamap.edges:
            if edge.target == target and edge.source in within and edge.source not in needed:
                needed.add(edge.source)
                frontier.append(edge.source)
    return needed


class Search:
    """One search in open snapshots. `hits` afterwards holds every collection entered, empty ones too."""

    def __init__(self, live: Live, scope: Scope, *, extras: Extras | None = None, whole_rows: bool = False) -> None:
        self.live, self.scope, self.extras, self.whole_rows = live, scope, extras, whole_rows
        self.datamap = live.datamap
        self.entered, self.not_entered = entered(self.datamap, scope)
        self.live.keys |= self.entered
        self.hits = {key: self._empty(self.datamap.collections[key]) for key in sorted(self.entered)}
        self.flows: dict[Flow, set[str]] = defaultdict(set)
        self._pending: dict[str, dict[Path, set[str]]] = defaultdict(lambda: defaultdict(set))
        self._asked: dict[tuple[str, Path], set[str]] = defaultdict(set)
        self._rank = self._ranks()
        self.asked_in: dict[str, dict[Path, set[str]]] = defaultdict(lambda: defaultdict(set))

    def run(self, seeds: Mapping[Flow, Iterable[str]] | None = None) -> "Search":
        """Search from the identities, and from `seeds`: values an earlier search had found."""
        for key in self.entered:
            for place in self.datamap.collections[key].identity_fields([one.type for one in self.scope.identities]):
                values: Iterable[str] = (crypto.lookup(one) if place.lookup else one.value
                          for one in self.scope.identities if one.type in place.identities)  # fmt: skip
                self._offer(key, place.path, values)
        for key, keys in self.scope.rows:
            if key in self.entered and keys:
                self._fetch(key, has_key(self.hits[key].live, self.hits[key].key_names, keys))
        for (_store, key, path), more in (seeds or {}).items():
            if key in self.entered:
                self._offer(key, path, more)
        while self._pending:
            key = min(self._pending, key=lambda one: (self._rank[one], one))
            self._ask(self._siblings(key))
        return self

    def _ranks(self) -> dict[str, int]:
        """Collections after those whose values flow into them; the shards of one have the same rank."""
        bases = {key: self.datamap.collections[key].base_key for key in self.entered}
        arrows = {(bases[edge.source], bases[edge.target]) for edge in self.datamap.edges
                  if edge.source in bases and edge.target in bases}  # fmt: skip
        places = {base: rank for rank, group in enumerate(components(set(bases.values()), arrows)) for base in group}
        return {key: places[base] for key, base in bases.items()}

    def _siblings(self, key: str) -> list[str]:
        """The collection in every shard in which it waits to be asked."""
        base = self.datamap.collections[key].base_key
        return sorted(one for one in self._pending if self.datamap.collections[one].base_key == base)

    def _empty(self, collection: Collection) -> Hits:
        live = self.live.table(collection)
        key_names = live.key_columns() or collection.primary_key
        if not key_names:
            raise DomainError("no_primary_key", f"{collection.key} has no primary key.")
        return Hits(collection, live, key_names)

    def _offer(self, key: str, path: Path, values: Iterable[str]) -> None:
        new = set(values) - self._asked[(key, path)]
        if new:
            self._asked[(key, path)] |= new
            self._pending[key][path] |= new
            self.asked_in[key][path] |= new

    def _ask(self, keys: Iterable[str]) -> None:
        """Shards do not wait for each other: each has its connection and a thread."""
        asked = []
        for key in keys:
            hits, wanted = self.hits[key], self._pending.pop(key)
            matches = [holds(hits.live, path, sorted(values)) for path, values in sorted(wanted.items())]
            predicates = [one for one in matches if one is not None]
            if predicates:
                asked.append((key, self._statement(hits, sa.or_(*predicates))))
        if len(asked) == 1:
            self._take(asked[0][0], self._session(asked[0][0]).rows(asked[0][1]))
        elif asked:
            with ThreadPoolExecutor(max_workers=len(asked)) as threads:
                answers = [threads.submit(self._session(key).rows, statement) for key, statement in asked]
            for (key, _), answer in zip(asked, answers, strict=True):
                self._take(key, answer.result())

    def _session(self, key: str) -> Session:
        return self.live.snapshots.of(self.hits[key].collection.store)

    def _fetch(self, key: str, predicate: sa.ColumnElement[bool]) -> None:
        self._take(key, self._session(key).rows(self._statement(self.hits[key], predicate)))

    def _statement(self, hits: Hits, predicate: sa.ColumnElement[bool]) -> sa.Select[Any]:
        """The rows of one collection that the predicate and the tenant's select."""
        columns = self._columns(hits)
        hits.labels = {column.name: number for number, column in enumerate(columns)}
        return sa.select(*columns).select_from(hits.live.table).where(predicate, *self._tenant(hits))

    def _take(self, key: str, rows: Iterable[Any]) -> None:
        """Rows that are new pass their values on."""
        hits = self.hits[key]
        width = len(hits.key_names)
        new = []
        for row in rows:
            row_key = tuple(row[:width])
            if row_key not in hits.rows:
                hits.rows[row_key] = tuple(row)
                new.append(row)
        if new:
            self._pass_on(hits, new)

    def _columns(self, hits: Hits) -> list[sa.ColumnElement[Any]]:
        columns = key_columns(hits.live, hits.key_names)
        columns += [
            as_text(hits.live.table.c[at]).label(f"e{number}") for number, at in enumerate(self._outgoing(hits))
        ]
        if self.extras:
            extras = self.extras(hits.collection, hits.live)
            columns += [expression.label(label) for label, expression in extras.items()]
        if self.whole_rows:
            for number, top in enumerate(hits.collection.fields):
                value = sa.cast(sa.func.to_jsonb(hits.live.table.c[top.column]), sa.Text)
                columns.append(value.label(f"v{number}"))
        return columns

    def _outgoing(self, hits: Hits) -> list[str]:
        edges = self._edges(hits.collection.key)
        return sorted({edge.at[0] for edge in edges})

    def _edges(self, key: str) -> list[Edge]:
        return [edge for edge in self._edges_by_source.get(key, ()) if edge.target in self.entered]

    @cached_property
    def _edges_by_source(self) -> dict[str, list[Edge]]:
        grouped: dict[str, list[Edge]] = defaultdict(list)
        for edge in self.datamap.edges:
            grouped[edge.source].append(edge)
        return grouped

    def _pass_on(self, hits: Hits, rows: list[Any]) -> None:
        place = {name: hits.labels[f"e{number}"] for number, name in enumerate(self._outgoing(hits))}
        for edge in self._edges(hits.collection.key):
            column = hits.live.table.c[edge.at[0]]
            texts = {row[place[edge.at[0]]] for row in rows} - {None}
            if is_structured(column):
                texts = {value for text in texts for value in values_at(json.loads(text), edge.at[1:])}
            self.flows[(hits.collection.store, edge.target, edge.into)] |= texts
            self._offer(edge.target, edge.into, texts)

    def _tenant(self, hits: Hits) -> list[sa.ColumnElement[bool]]:
        collection = hits.collection
        if collection.tenant and _is_of_both(collection) and (self.scope.own or self.scope.account is None):
            return [hits.live.table.c[collection.tenant].is_(None)]  # what a customer holds about them, it answers for
        if self.scope.account is None or not collection.tenant:
            return []
        column = hits.live.table.c[collection.tenant]
        mine = equals(column, self._tenant_values(collection, column))
        predicate = mine if mine is not None else sa.false()
        # A prospect's row belongs to no account yet: whoever proved to be that person sees it.
        return [sa.or_(predicate, column.is_(None)) if _is_own(collection, self.scope) else predicate]

    def _tenant_values(self, collection: Collection, column: sa.Column[Any]) -> list[str]:
        """The account as this store writes it: the portal's tables know it by their own id."""
        if collection.store == PORTAL and isinstance(column.type, sa.Uuid):
            return self._portal_account
        return [str(self.scope.account)]

    @cached_property
    def _portal_account(self) -> list[str]:
        found = CustomerAccount.objects.filter(platform_account_id=self.scope.account).values_list("pk", flat=True)
        return [str(pk) for pk in found]


def is_structured(column: sa.Column[Any]) -> bool:
    return isinstance(column.type, pg.ARRAY | sa.JSON)


def as_text(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """How a column's values travel: as text, documents and arrays as JSON."""
    return sa.cast(sa.func.to_jsonb(column) if is_structured(column) else column, sa.Text)
