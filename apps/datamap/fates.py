"""What would happen to each row found: the one calculation behind plans, executions and second searches.

Order of reasons: a store that can't be written, the guards (duty, interest, hold, open request), rows shared with
another person, rows that something kept must go on pointing at. What remains is erased.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from apps.datamap import guards
from apps.datamap.contract import Scope
from apps.datamap.declarations import is_personal
from apps.datamap.links import (
    Link,
    arrows,
    links_to,
    referenced_by_others,
    referenced_by_undeclared,
    undeclared_keys,
)
from apps.datamap.mapping import PORTAL, Collection, components
from apps.datamap.matching import Key
from apps.datamap.schema import ForeignKey, LiveTable
from apps.datamap.search import Hits, Live, Search, is_reported
from apps.datamap.shards import place_of
from apps.datamap.treatments import Treatment, is_masked, treatment

RANK = {"duty": 0, "hold": 1, "open_request": 2, "interest": 3, "shared": 4, "referenced": 5, "read_only": 6}


@dataclass(frozen=True)
class Reason:
    """Why a row stays. `until` None: no end is known."""

    ground: str
    kind: str
    until: date | None = None
    until_latest: date | None = field(default=None, compare=False)


@dataclass
class Fate:
    """What becomes of one collection: the rows that go, and those that stay with their reasons."""

    collection: Collection
    live: LiveTable
    key_names: tuple[str, ...]
    treatment: Treatment
    gone: set[Key] = field(default_factory=set)
    kept: dict[Key, Reason] = field(default_factory=dict)

    def keep(self, key: Key, reason: Reason) -> None:
        """The reason that lasts longest is told; among equals the strongest."""
        self.gone.discard(key)
        known = self.kept.get(key)
        if known is None or _weight(reason) > _weight(known):
            self.kept[key] = reason


def _weight(reason: Reason) -> tuple[date, int]:
    return reason.until or date.max, -RANK[reason.kind]


@dataclass(frozen=True)
class Unlinking:
    """A column of kept rows that must become null before the rows it points at go."""

    collection: str
    column: str
    keys: frozenset[Key]


class Fates:
    """Searches, then decides. Everything is read; nothing is written."""

    def __init__(self, live: Live, scope: Scope, *, strategy: str | None, now: datetime) -> None:
        self.live, self.scope, self.strategy, self.now = live, scope, strategy, now
        self.datamap = live.datamap
        self._guarded: dict[str, list[guards.Keep]] = {}
        self._links: dict[str, list[Link]] = {}
        self._undeclared: dict[str, list[ForeignKey]] = {}
        self._labels: dict[str, dict[str, sa.ColumnElement[Any]]] = {}
        self.search = Search(live, scope, extras=self._extras)
        self.of: dict[str, Fate] = {}
        self._prepare()

    def _prepare(self) -> None:
        for key in sorted(self.search.entered):
            collection = self.datamap.collections[key]
            hits = self.search.hits[key]
            way = self._way(collection, hits)
            if way is not None:
                self.of[key] = Fate(collection, hits.live, hits.key_names, way)
        for key, fate in self.of.items():
            guarded = guards.keeps(fate.collection.store, self.live.info(fate.collection), now=self.now)
            self._guarded[key] = [] if self._is_read_only(fate) else guarded
            edges = [edge for edge in self.datamap.edges if key in (edge.source, edge.target)]
            self._links[key] = _distinct(links_to(self.live, fate.collection, edges))
            self._undeclared[key] = undeclared_keys(self.live, fate.collection)

    def _way(self, collection: Collection, hits: Hits) -> Treatment | None:
        if not is_reported(collection, self.scope):
            return None
        if not is_personal(collection.categories()) and not self._depends(collection):
            return None  # a product that was ordered, not a person's row
        return treatment(collection, hits.live, self.scope, self.strategy)

    def _depends(self, collection: Collection) -> bool:
        """Its rows point at rows of a person (an order's lines), so they go with them."""
        return any(
            link.child == collection.key
            for edge in self.datamap.edges
            if edge.target == collection.key and edge.source in self.search.entered
            for link in links_to(self.live, self.datamap.collections[edge.source], [edge])
        )

    def _is_read_only(self, fate: Fate) -> bool:
        if fate.collection.read_only or fate.live.read_only:
            return True
        if fate.treatment.kind == "delete":
            return not fate.live.can_delete
        locked = {top.column for top in fate.collection.fields if top.read_only}
        return bool(set(fate.treatment.changes) - (fate.live.writable - locked))

    def _extras(self, collection: Collection, live: LiveTable) -> Mapping[str, sa.ColumnElement[Any]]:
        if collection.key in self._labels:
            return self._labels[collection.key]
        labels: dict[str, sa.ColumnElement[Any]] = {}
        fate = self.of.get(collection.key)
        for number, keep in enumerate(self._guarded.get(collection.key, ())):
            labels[f"g{number}"] = keep.predicate
            if isinstance(keep.until, sa.ColumnElement):
                labels[f"u{number}"] = sa.cast(sa.cast(keep.until, sa.Date), sa.Text)
        if fate and fate.treatment.kind == "mask":
            labels["masked"] = is_masked(live, fate.treatment)
        for name in sorted(self._linked_columns(collection)):
            labels[f"c_{name}"] = sa.cast(live.table.c[name], sa.Text)
        self._labels[collection.key] = labels
        return labels

    def _linked_columns(self, collection: Collection) -> set[str]:
        """Columns by which rows point at others or are pointed at, and the tenant."""
        links = [link for found in self._links.values() for link in found]
        names = {link.parent_column for link in links if link.parent == collection.key}
        names |= {link.child_path[0] for link in links if link.child == collection.key and link.foreign_key}
        names |= {name for key in self._undeclared.get(collection.key, ()) for name in key.parent_columns}
        return names | ({collection.tenant} if collection.tenant else set())

    # --- deciding --------------------------------------------------------------------------------

    def decide(self, seeds: Mapping[Any, Any] | None = None) -> "Fates":
        self.search.run(seeds)
        for key, fate in self.of.items():
            hits = self.search.hits[key]
            if self._is_read_only(fate):
                fate.kept = dict.fromkeys(self._touchable(fate, hits), Reason("read_only", "read_only"))
                continue
            fate.gone = set(self._touchable(fate, hits))
            self._ask_guards(fate, hits)
        for fate in self.of.values():
            self._keep_shared(fate)
        while self._keep_referenced():
            pass
        return self

    def _touchable(self, fate: Fate, hits: Hits) -> list[Key]:
        if fate.treatment.kind == "delete":
            return list(hits.rows)
        return [key for key in hits.rows if not hits.value(key, "masked")]

    def _ask_guards(self, fate: Fate, hits: Hits) -> None:
        for number, keep in enumerate(self._guarded[fate.collection.key]):
            per_row = isinstance(keep.until, sa.ColumnElement)
            for key in list(fate.gone | fate.kept.keys()):
                if hits.value(key, f"g{number}"):
                    until: Any = hits.value(key, f"u{number}") if per_row else keep.until
                    until = date.fromisoformat(until) if isinstance(until, str) else until
                    fate.keep(key, Reason(keep.ground, keep.kind, until))

    def _keep_shared(self, fate: Fate) -> None:
        hits = self.search.hits[fate.collection.key]
        for link in self._links[fate.collection.key]:
            holders = self._holders(fate, hits, f"c_{link.parent_column}")
            if not holders:
                continue
            others = referenced_by_others(self.live, link, sorted(holders), self.search.hits.get(link.child))
            child = self.datamap.collections[link.child]
            for value, tenant in others:
                for key in holders.get(value, ()):
                    same = not (child.tenant and fate.collection.tenant) or tenant == hits.value(
                        key, f"c_{fate.collection.tenant}"
                    )
                    if link.foreign_key or same:
                        fate.keep(key, Reason(child.base_key, "shared"))

    def _holders(self, fate: Fate, hits: Hits, label: str) -> dict[str, list[Key]]:
        """The rows that would go, by their value in a column."""
        found: dict[str, list[Key]] = defaultdict(list)
        for key in fate.gone:
            value = hits.value(key, label)
            if value is not None:
                found[value].append(key)
        return found

    def _keep_referenced(self) -> bool:
        """Rows that a remaining row must go on pointing at stay. True when something changed: then look again."""
        changed = False
        for fate in self.of.values():
            if fate.treatment.kind != "delete" or not fate.gone:
                continue
            before = len(fate.gone)
            for link in self._links[fate.collection.key]:
                if link.foreign_key and not self._may_unlink(link):
                    self._keep_for(fate, link)
            for key in self._undeclared[fate.collection.key]:
                self._keep_for_undeclared(fate, key)
            changed |= len(fate.gone) != before
        return changed

    def _remaining(self, child: str) -> list[Key]:
        """Rows of the person that will still be there: kept, overwritten, or outside what is acted on."""
        hits, fate = self.search.hits.get(child), self.of.get(child)
        if hits is None:
            return []
        return [key for key in hits.rows if fate is None or fate.treatment.kind == "mask" or key not in fate.gone]

    def _may_unlink(self, link: Link) -> bool:
        child = self.of.get(link.child)
        if child is None or link.foreign_key is None or not link.foreign_key.nullable:
            return False
        column = link.child_path[0]
        return (
            not child.collection.read_only
            and not child.live.read_only
            and column in child.live.writable
            and column not in child.live.generated
        )

    def _keep_for(self, fate: Fate, link: Link) -> None:
        hits, child = self.search.hits[fate.collection.key], self.search.hits.get(link.child)
        if child is None:
            return
        label = f"c_{link.child_path[0]}"
        pointed_at = {child.value(key, label) for key in self._remaining(link.child)}
        for key in list(fate.gone):
            if hits.value(key, f"c_{link.parent_column}") in pointed_at:
                fate.keep(key, Reason(self.datamap.collections[link.child].base_key, "referenced"))

    def _keep_for_undeclared(self, fate: Fate, key: ForeignKey) -> None:
        if key.action == "n" and key.nullable:
            return  # the database itself empties that column
        hits = self.search.hits[fate.collection.key]
        holders: dict[Key, list[Key]] = defaultdict(list)
        for one in fate.gone:
            holders[tuple(hits.value(one, f"c_{name}") for name in key.parent_columns)].append(one)
        wanted = [values for values in holders if None not in values]
        if not wanted:
            return
        # Where we may not look, any of them may be pointed at.
        found = referenced_by_undeclared(self.live, fate.collection.store, key, wanted) if key.readable else wanted
        for values in found:
            for one in holders.get(values, ()):
                fate.keep(one, Reason(".".join(filter(None, key.child)), "referenced"))

    # --- what follows from it ----------------------------------------------------------------------

    def unlinkings(self, store: str) -> list[Unlinking]:
        """The references of remaining rows to rows that go, in one store."""
        found = []
        for fate in self.of.values():
            if fate.collection.store != store or fate.treatment.kind != "delete" or not fate.gone:
                continue
            hits = self.search.hits[fate.collection.key]
            for link in self._links[fate.collection.key]:
                if not link.foreign_key or not self._may_unlink(link):
                    continue
                going = {hits.value(key, f"c_{link.parent_column}") for key in fate.gone}
                child, label = self.search.hits[link.child], f"c_{link.child_path[0]}"
                keys = frozenset(key for key in self._remaining(link.child) if child.value(key, label) in going)
                if keys:
                    found.append(Unlinking(link.child, link.child_path[0], keys))
        return found

    def order(self, store: str) -> list[list[str]]:
        """Collections to delete from in groups, children before parents; a group is a cycle of foreign keys."""
        deleting = {
            key
            for key, fate in self.of.items()
            if fate.collection.store == store and fate.treatment.kind == "delete" and fate.gone
        }
        return components(deleting, arrows(self.live, self.datamap, deleting))

    def stores(self) -> list[str]:
        """The stores an execution goes through, the portal last: a request's own rows are needed until the end."""
        found = {fate.collection.store for fate in self.of.values()}
        return sorted(found, key=lambda store: (store == PORTAL, place_of(store)))


def _distinct(links: Any) -> list[Link]:
    """One link for a pair of columns; the foreign key's where there is one."""
    found: dict[tuple[Any, ...], Link] = {}
    for link in links:
        place = (link.child, link.child_path, link.parent_column)
        if place not in found or link.foreign_key:
            found[place] = link
    return list(found.values())
