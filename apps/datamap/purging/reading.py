"""Orders over the whole map, counted in one snapshot a store: what a plan is made of."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import sqlalchemy as sa

from apps.datamap.contract import CollectionInfo, StoreUnavailable
from apps.datamap.declarations import is_personal
from apps.datamap.links import arrows
from apps.datamap.mapping import PORTAL, Collection, DataMap, components
from apps.datamap.purging.orders import Order, Purge, compile_order
from apps.datamap.purging.survey import Counted, survey, total_of
from apps.datamap.registry import current_map
from apps.datamap.search import Live
from apps.datamap.stores import Snapshots

GENTLY = sa.text("SET LOCAL max_parallel_workers_per_gather = 0")  # counting is in no hurry; others' traffic is


@dataclass(frozen=True)
class Surveyed:
    """One order counted. `place`: what references others comes before them."""

    order: Order
    store: str
    place: int
    total: int
    counted: tuple[Counted, ...]


@dataclass
class Reading:
    """The map with its live tables. Stores that can't be reached are named in `down`, and left out."""

    live: Live
    down: set[str] = field(default_factory=set)
    _gentle: set[str] = field(default_factory=set)

    def collections(self) -> list[CollectionInfo]:
        """Every collection that can be read, children before parents."""
        found = []
        for store in sorted({one.store for one in self.live.datamap.collections.values()}):
            try:
                keys = {key for key, one in self.live.datamap.collections.items()
                        if one.store == store and not one.skipped and not one.read_only}  # fmt: skip
                order = components(keys, arrows(self.live, self.live.datamap, keys))
                found += [self.live.info(self.live.datamap.collections[key]) for group in order for key in group]
            except StoreUnavailable:
                self.down.add(store)
        return found

    def survey(self, orders: Sequence[Order], *, by_account: bool = False, samples: bool = True) -> list[Surveyed]:
        """What the orders would do, one after the other: rows that went do not block the next."""
        going: dict[str, sa.ColumnElement[bool]] = {}
        found = []
        for place, order in enumerate(orders):
            collection = self.live.datamap.collections[order.collection]
            whole = going.get(order.collection) if order.columns else None
            purge = compile_order(order, self.live, whole_rows=whole)
            if purge is None or collection.store in self.down:
                continue
            session = self.live.snapshots.of(collection.store)
            if session.dialect.name == "postgresql" and collection.store not in self._gentle:
                session.run(GENTLY)
                self._gentle.add(collection.store)
            shown = samples and _may_be_shown(collection, purge)
            counted = survey(purge, session, going=going, by_account=by_account, samples=shown)
            found.append(Surveyed(order, collection.store, place, total_of(purge, session), tuple(counted)))
            _note(going, purge)
        return found


def _note(going: dict[str, sa.ColumnElement[bool]], purge: Purge) -> None:
    if purge.is_delete:
        going[purge.info.key] = purge.goes(going=going)


def _may_be_shown(collection: Collection, purge: Purge) -> bool:
    """Keys that say something of a person, or open something (a session's), are in no plan: those of the portal's own
    tables, identities, and texts that hold personal data."""
    named = {top.column: top for top in collection.fields}
    for name in purge.live.primary_key or purge.info.key_names:
        top, kind = named.get(name), purge.table.c[name].type
        is_speaking = isinstance(kind, sa.String | sa.LargeBinary) and (top is None or is_personal(top.categories))
        if is_speaking or (top is not None and top.identities):
            return False
    return collection.store != PORTAL


@contextmanager
def reading() -> Iterator[Reading]:
    """The map as it holds now, read in one snapshot a store."""
    datamap: DataMap = current_map()
    with Snapshots() as snapshots:
        yield Reading(Live(datamap, snapshots))
