"""The data map in memory: datasets, their collections and fields, and the edges a search follows between them."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from apps.core.identities import IdentityType
from apps.datamap.taxonomy import matches

PORTAL = "portal"
CAPACITIES = ("controller", "processor", "conduit")

Path = tuple[str, ...]
Fallback = Literal["null", "constant", "pseudonym", "keep", "random"]


@dataclass(frozen=True)
class Masking:
    """What becomes of one field when its row is not deleted. `value` is the constant."""

    kind: Fallback
    value: Any = None


@dataclass(frozen=True)
class Reference:
    """A reference as it is written on a field: the field it names, and where values flow ("from" it, "to" it)."""

    dataset: str
    collection: str
    path: Path
    direction: str | None


@dataclass(frozen=True)
class Field:
    """A column, or a place inside a jsonb column (`path` then has more than one part)."""

    path: Path
    categories: tuple[str, ...] = ()
    identities: tuple[IdentityType, ...] = ()
    primary_key: bool = False
    data_type: str | None = None
    length: int | None = None
    return_all_elements: bool = False
    read_only: bool = False
    references: tuple[Reference, ...] = ()
    lookup: bool = False
    encrypted: bool = False
    bound_to: str | None = None
    masking: Masking | None = None
    retention: tuple[str, ...] = ()  # limits on this column alone
    clock: str | None = None  # the column those run from; default the collection's
    fields: tuple["Field", ...] = ()

    @property
    def column(self) -> str:
        return self.path[0]

    @property
    def dotted(self) -> str:
        return ".".join(self.path)

    def walk(self) -> Iterator["Field"]:
        yield self
        for inner in self.fields:
            yield from inner.walk()


@dataclass(frozen=True)
class Condition:
    """A retention rule reaches only the rows in which `column` holds a value (or, where not `filled`, holds none)."""

    rule: str
    column: str
    filled: bool


@dataclass(frozen=True)
class Statistics:
    """What is counted before rows are made anonymous: `people` told apart by one column, grouped `by` others."""

    people: str
    by: tuple[str, ...]


@dataclass(frozen=True)
class Collection:
    """A table, and what the map says of it. `shard` names which database of its store it is the part in."""

    dataset: str
    name: str
    store: str
    schema: str | None
    capacity: str
    fields: tuple[Field, ...]
    tenant: str | None = None
    region: str | None = None
    country: str | None = None
    clock: str | None = None
    clocks: tuple[tuple[str, str | None], ...] = ()  # (event, column) where it is not `clock`; None: no row says it
    retention: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    goes_with: str | None = None  # the column that leads to the row it goes with, having no period of its own
    goes_with_of: str | None = None  # the collection (base key) of that row, where no reference says it
    statistics: Statistics | None = None
    shard: str = ""
    strategy: Literal["delete", "null"] | None = None
    read_only: bool = False
    skipped: bool = False
    capacity_of_tenants: str | None = None  # of rows that name a customer account, where the others have `capacity`
    end_users: bool = False  # about people the customer writes to, not about the customer's own people
    label: tuple[tuple[str, str], ...] = ()  # (language, name on pages)

    def called(self, language: str) -> str:
        """The collection's name on a page in `language`; English, then the bare name, where it has none."""
        names = dict(self.label)
        return names.get(language) or names.get("en") or self.name.replace("_", " ")

    def capacity_towards(self, account: str | None, *, own: bool) -> str:
        """In which capacity the rows are held that a search for this account, or for a person's own data, finds."""
        of_tenants = account is not None and not own
        return self.capacity_of_tenants if of_tenants and self.capacity_of_tenants else self.capacity

    @property
    def key(self) -> str:
        return f"{self.base_key}#{self.shard}" if self.shard else self.base_key

    @property
    def base_key(self) -> str:
        """Its name whichever shard it is in: what files, rules and people call it."""
        return f"{self.dataset}:{self.name}"

    @property
    def base_store(self) -> str:
        """Its store as files and settings call it."""
        return self.store.partition("#")[0]

    @property
    def follows(self) -> str | None:
        """The collection (base key) of the row it goes with."""
        fields = [top for top in self.fields if top.column == self.goes_with]
        named = [f"{one.dataset}:{one.collection}" for top in fields for one in top.references]
        return self.goes_with_of or next(iter(named), None)

    @property
    def clock_columns(self) -> tuple[str, ...]:
        """Every column that a period of this collection or of one of its columns runs from."""
        named = [self.clock, *(column for _, column in self.clocks), *(one.clock for one in self.fields)]
        return tuple(dict.fromkeys(column for column in named if column))

    @property
    def table(self) -> tuple[str | None, str]:
        return self.schema, self.name

    @cached_property
    def by_path(self) -> dict[Path, Field]:
        return {place.path: place for top in self.fields for place in top.walk()}

    @property
    def primary_key(self) -> tuple[str, ...]:
        return tuple(top.column for top in self.fields if top.primary_key)

    def categories(self) -> tuple[str, ...]:
        return tuple(sorted({category for place in self.by_path.values() for category in place.categories}))

    def identity_fields(self, types: Sequence[IdentityType]) -> list[Field]:
        """The fields in which one of these identities may stand, blind indexes included."""
        return [place for place in self.by_path.values() if set(place.identities) & set(types)]

    def has_category(self, wanted: Sequence[str]) -> bool:
        return any(matches(category, one) for category in self.categories() for one in wanted)


@dataclass(frozen=True)
class Dataset:
    key: str
    name: str
    store: str
    digest: str
    collections: tuple[Collection, ...]
    impersonal: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    goes_with: Mapping[str, str] = field(default_factory=dict)  # impersonal table -> column that leads to its parent
    shards: int = 1  # in so many databases: each collection then stands here once a shard

    @property
    def versioned(self) -> str:
        """What the map's version is made of: the document, and in how many databases it is true."""
        return f"{self.key}={self.digest}" + (f"*{self.shards}" if self.shards > 1 else "")


@dataclass(frozen=True, order=True)
class Edge:
    """Values found at `source`.`at` are asked for in `target`.`into`. `written_on` says which end names the other."""

    source: str
    at: Path
    target: str
    into: Path
    written_on: str = field(compare=False, default="")


@dataclass(frozen=True)
class DataMap:
    """All datasets together: the portal's own and the loaded ones."""

    datasets: tuple[Dataset, ...]

    @cached_property
    def collections(self) -> dict[str, Collection]:
        return {one.key: one for dataset in self.datasets for one in dataset.collections}

    @cached_property
    def version(self) -> str:
        """One digest over all datasets: it changes when any of them does."""
        text = "\n".join(sorted(dataset.versioned for dataset in self.datasets))
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """Every way that values flow. A reference without direction flows both ways (fideslang's rule)."""
        found: set[Edge] = set()
        for collection in self.collections.values():
            for place in collection.by_path.values():
                for reference in place.references:
                    for other in self._referenced(collection, reference):
                        if reference.direction != "to":
                            found.add(Edge(other, reference.path, collection.key, place.path, collection.key))
                        if reference.direction != "from":
                            found.add(Edge(collection.key, place.path, other, reference.path, collection.key))
        return tuple(sorted(found))

    def _referenced(self, collection: Collection, reference: Reference) -> list[str]:
        """The collection it names: in the same database where both share a store, else in each shard of the other."""
        named = self._by_base_key.get(f"{reference.dataset}:{reference.collection}", ())
        return [
            one.key
            for one in named
            if not (one.skipped or collection.skipped)
            and (not (one.shard and collection.shard) or one.base_store != collection.base_store
                 or one.shard == collection.shard)
        ]  # fmt: skip

    @cached_property
    def _by_base_key(self) -> dict[str, list[Collection]]:
        found: dict[str, list[Collection]] = {}
        for one in self.collections.values():
            found.setdefault(one.base_key, []).append(one)
        return found

    @cached_property
    def followers(self) -> dict[tuple[str, str | None, str], str]:
        """(store, schema, table) -> the column that leads to the row it goes with: what has no period of its own."""
        found: dict[tuple[str, str | None, str], str] = {}
        for dataset in self.datasets:
            found |= {(dataset.store, None, table): column for table, column in dataset.goes_with.items()}
        for one in self.collections.values():
            if one.goes_with:
                found[(one.store, *one.table)] = one.goes_with
        return found

    def edges_from(self, key: str) -> list[Edge]:
        return [edge for edge in self.edges if edge.source == key]

    def reachable(self, types: Sequence[IdentityType], allowed: set[str], start: Iterable[str] = ()) -> set[str]:
        """The collections among `allowed` that a search for these identity types, or from `start`, can come to."""
        reached = {key for key in allowed if self.collections[key].identity_fields(types)} | (allowed & set(start))
        frontier = list(reached)
        while frontier:
            for edge in self.edges_from(frontier.pop()):
                if edge.target in allowed and edge.target not in reached:
                    reached.add(edge.target)
                    frontier.append(edge.target)
        return reached


def components(nodes: set[str], arrows: set[tuple[str, str]]) -> list[list[str]]:
    """Strongly connected components, sources of arrows first (Tarjan 1972, without recursion)."""
    onward: dict[str, list[str]] = {node: [] for node in sorted(nodes)}
    for source, target in sorted(arrows):
        if source in onward and target in onward and source != target:
            onward[source].append(target)
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    groups: list[list[str]] = []
    for root in onward:
        if root in number:
            continue
        work = [(root, iter(onward[root]))]
        number[root] = low[root] = len(number)
        stack.append(root)
        while work:
            node, rest = work[-1]
            for following in rest:
                if following not in number:
                    number[following] = low[following] = len(number)
                    stack.append(following)
                    work.append((following, iter(onward[following])))
                    break
                if following in stack:
                    low[node] = min(low[node], number[following])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == number[node]:
                    cut = stack.index(node)
                    groups.append(sorted(stack[cut:]))
                    del stack[cut:]
    return groups[::-1]


def digest_of(document: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical JSON of a dataset."""
    return hashlib.sha256(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
