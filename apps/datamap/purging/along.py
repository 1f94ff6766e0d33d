"""Rows that hang on others: where they must stay, or stay as they are, the rows that they hang on stay too."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from apps.datamap import guards
from apps.datamap.guards import Keep
from apps.datamap.purging.kin import Kin, Relative
from apps.datamap.search import Live

ALONG = ("duty", "hold", "open_request")  # what keeps a row keeps the one it would go along with
UNLINKED = ("hold",)  # and a held row goes on pointing where it points


def kept_for(kin: Kin, table: sa.FromClause, live: Live, store: str, *, at: datetime) -> Iterator[Keep]:
    """What keeps rows of `table` because a row that hangs on them must stay, told with that row's ground."""
    for one, kinds in [*((one, ALONG) for one in kin.along), *((one, UNLINKED) for one in kin.unlinked)]:
        mine = live.datamap.collections[one.key] if one.key else None
        own = guards.keeps(store, live.info(mine), now=at) if mine else ()
        further = kept_for(one.kin, one.table, live, store, at=at)
        for keep in [*(each for each in own if each.kind in kinds), *further]:
            yield replace(keep, predicate=_some_row(one, table, keep.predicate), until=None)


def _some_row(one: Relative, table: sa.FromClause, held: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    inside = sa.select(sa.literal(1)).select_from(one.table).where(one.pointing_at(table), held)
    return sa.exists(inside.correlate(table))
