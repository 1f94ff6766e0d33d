"""Rows that would go along with others: where something must stay of them, the rows they go with stay too."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from apps.datamap import guards
from apps.datamap.guards import Keep
from apps.datamap.purging.kin import Kin, Relative
from apps.datamap.search import Live

STANDING = ("hold", "open_request")  # periods are asked of the row that they go with


def kept_for(kin: Kin, table: sa.FromClause, live: Live, store: str, *, at: datetime) -> Iterator[Keep]:
    """What keeps rows of `table` because a row that would go along with them is held, told with the hold's ground."""
    for one in kin.along:
        mine = live.datamap.collections[one.key] if one.key else None
        own = guards.keeps(store, live.info(mine), now=at) if mine else ()
        further = kept_for(one.kin, one.table, live, store, at=at)
        for keep in [*(each for each in own if each.kind in STANDING), *further]:
            yield replace(keep, predicate=_some_row(one, table, keep.predicate), until=None)


def _some_row(one: Relative, table: sa.FromClause, held: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    inside = sa.select(sa.literal(1)).select_from(one.table).where(one.pointing_at(table), held)
    return sa.exists(inside.correlate(table))
