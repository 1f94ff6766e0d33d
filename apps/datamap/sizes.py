"""How much lies where: rows and bytes of every collection, and rows counted by what stands in some of their columns."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from apps.datamap import mariadb
from apps.datamap.contract import CollectionInfo
from apps.datamap.mapping import Collection
from apps.datamap.registry import current_map
from apps.datamap.schema import LiveTable
from apps.datamap.search import Live
from apps.datamap.stores import Snapshots

EXACT_BELOW = 100_000
"""Rows; a bigger table is not counted but estimated from what its database knows since it was last analysed."""

# Of a partitioned table the leaves hold everything; any other has no leaves but is its own. -1: never analysed.
OCCUPIED = """
SELECT w.schema, w.name, coalesce(sum(pg_total_relation_size(c.oid)), 0),
    CASE WHEN min(c.reltuples) < 0 THEN -1 ELSE coalesce(sum(c.reltuples), 0) END
FROM unnest(CAST(:schemas AS text[]), CAST(:names AS text[])) AS w(schema, name)
JOIN pg_class r ON r.oid = to_regclass(format('%I.%I', w.schema, w.name))
LEFT JOIN LATERAL pg_partition_tree(r.oid) leaf ON leaf.isleaf
JOIN pg_class c ON c.oid = coalesce(leaf.relid, r.oid)
GROUP BY w.schema, w.name
"""
OCCUPIED_IN_MARIADB = """
SELECT table_schema, table_name, COALESCE(data_length + index_length, 0), COALESCE(table_rows, -1)
FROM information_schema.tables WHERE (table_schema, table_name) IN :wanted
"""


@dataclass(frozen=True)
class Size:
    """`bytes` with indexes and long values; `is_estimate` where the rows were not counted."""

    rows: int
    bytes: int
    is_estimate: bool


def rule_keys() -> dict[str, tuple[str, ...]]:
    """Which retention rules each collection of the map names, for its rows first and then for single columns."""
    return {key: _rules_of(one) for key, one in current_map().collections.items() if not one.skipped}


def mapped_stores() -> list[str]:
    """Every store that some collection of the map lies in."""
    return sorted({one.store for one in current_map().collections.values() if not one.skipped})


def sizes(store: str) -> dict[str, Size]:
    """Rows and bytes of each collection in one store, in one snapshot. Raises `StoreUnavailable`."""
    with Snapshots() as snapshots:
        tables = dict(_tables(store, snapshots))
        occupied = _occupied(snapshots, store, tables.values())
        counted = _counted(snapshots, store, tables, {place: rows for place, (_, rows) in occupied.items()})
    found = {}
    for key, live in tables.items():
        taken, estimated = occupied.get((live.schema, live.name), (0, 0))
        rows = counted.get(key)
        found[key] = Size(estimated if rows is None else rows, taken, rows is None)
    return found


def count_by(
    store: str, columns: Callable[[CollectionInfo], Sequence[sa.ColumnElement[Any]]]
) -> dict[str, list[tuple[Any, ...]]]:
    """Rows of each collection in a store by the values of some expressions: `(value, …, rows)`, one statement each.

    `columns` says which for a collection; none: it is left out. Raises `StoreUnavailable`.
    """
    found = {}
    with Snapshots() as snapshots:
        live = _live(store, snapshots)
        for key in sorted(live.keys):
            wanted = columns(live.info(live.datamap.collections[key]))
            if wanted:
                grouped = sa.select(*wanted, sa.func.count()).group_by(
                    *(sa.text(str(n + 1)) for n in range(len(wanted)))
                )
                found[key] = [tuple(row) for row in snapshots.of(store).rows(grouped)]
    return found


def _rules_of(collection: Collection) -> tuple[str, ...]:
    of_columns = (key for place in collection.by_path.values() for key in place.retention)
    return tuple(dict.fromkeys((*collection.retention, *of_columns)))


def _live(store: str, snapshots: Snapshots) -> Live:
    datamap = current_map()
    keys = [key for key, one in datamap.collections.items() if one.store == store and not one.skipped]
    return Live(datamap, snapshots, keys=keys)


def _tables(store: str, snapshots: Snapshots) -> Iterable[tuple[str, LiveTable]]:
    live = _live(store, snapshots)
    known = live.schema(store).tables
    for key in sorted(live.keys):
        table = known.get(live.datamap.collections[key].table)
        if table is not None and table.can_select:  # what is missing there, `datamap check` reports
            yield key, table


def _occupied(snapshots: Snapshots, store: str, tables: Iterable[LiveTable]) -> dict[tuple[str, str], tuple[int, int]]:
    pairs = sorted({(live.schema, live.name) for live in tables})
    session = snapshots.of(store)
    asked = _asked_of_mariadb if session.dialect.name == mariadb.NAME else _asked
    rows = session.rows(asked(pairs)) if pairs else ()
    return {(schema, name): (int(taken), int(known)) for schema, name, taken, known in rows}


def _asked(pairs: Sequence[tuple[str, str]]) -> sa.TextClause:
    return sa.text(OCCUPIED).bindparams(
        sa.bindparam("schemas", [schema for schema, _ in pairs], type_=pg.ARRAY(sa.Text)),
        sa.bindparam("names", [name for _, name in pairs], type_=pg.ARRAY(sa.Text)),
    )


def _asked_of_mariadb(pairs: Sequence[tuple[str, str]]) -> sa.TextClause:
    return sa.text(OCCUPIED_IN_MARIADB).bindparams(sa.bindparam("wanted", pairs, expanding=True))


def _counted(
    snapshots: Snapshots, store: str, tables: dict[str, LiveTable], estimated: dict[tuple[str, str], int]
) -> dict[str, int]:
    """Exact numbers for the tables that are small, or of which nothing is known: one statement for all of them."""
    small = [key for key, live in tables.items() if estimated.get((live.schema, live.name), -1) < EXACT_BELOW]
    counts = [sa.select(sa.literal(key, sa.Text), sa.func.count()).select_from(tables[key].table) for key in small]
    rows = snapshots.of(store).rows(sa.union_all(*counts)) if counts else ()
    return {key: int(count) for key, count in rows}
