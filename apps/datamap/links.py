"""Which rows point at which: live foreign keys, and references that only the map knows.

A row is shared when a declared row of another person, outside what is erased, references it. A foreign key counts
whoever owns the row; a reference by value only inside one tenant, for the same number in two accounts is two things.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from apps.datamap.mapping import Collection, DataMap, Edge, Path
from apps.datamap.matching import Key, equals, holds, joined, unnested, values_at
from apps.datamap.schema import ForeignKey, LiveTable, TableName
from apps.datamap.search import Hits, Live, as_text, is_structured


@dataclass(frozen=True)
class Link:
    """Rows of `child` reference rows of `parent`; `foreign_key` when the database knows it too."""

    child: str
    child_path: Path
    parent: str
    parent_column: str
    foreign_key: ForeignKey | None = None


def links_to(live: Live, parent: Collection, declared: Iterable[Edge]) -> Iterator[Link]:
    """Every reference from a declared collection to `parent`, with one column."""
    table = live.table(parent)
    by_key = {(one.child, one.columns): one for one in table.referenced_by}
    for edge in declared:
        link = _referencing(live, edge)
        if link and link.parent == parent.key:
            yield link
    known = _by_table(live, parent.store)
    for (child, columns), key in by_key.items():
        if child in known and len(columns) == 1:
            yield Link(known[child].key, columns, parent.key, key.parent_columns[0], key)


def _referencing(live: Live, edge: Edge) -> Link | None:
    """Which end of a map reference points at the other: at the unique end; else it is the end it is written on."""
    source, target = live.datamap.collections[edge.source], live.datamap.collections[edge.target]
    source_unique, target_unique = _is_unique(live, source, edge.at), _is_unique(live, target, edge.into)
    to_source = source_unique if source_unique != target_unique else edge.written_on == edge.target
    child, path, parent, column = (
        (edge.target, edge.into, edge.source, edge.at) if to_source else (edge.source, edge.at, edge.target, edge.into)
    )
    if len(column) > 1:
        return None  # nothing can be said to point into a document
    return Link(child, path, parent, column[0])


def _is_unique(live: Live, collection: Collection, path: Path) -> bool:
    """The column alone tells rows apart; in a partitioned table the map's own word for it counts (an id that is unique
    by its sequence can't have a unique index there)."""
    table = live.table(collection)
    return len(path) == 1 and (table.is_unique(path[0]) or collection.primary_key == path)


def _by_table(live: Live, store: str) -> dict[TableName, Collection]:
    found: dict[TableName, Collection] = {}
    for collection in live.datamap.collections.values():
        if collection.store == store and not collection.skipped:
            table = live.schema(store).tables.get(collection.table)
            if table:
                found[(table.schema, table.name)] = collection
    return found


def undeclared_keys(live: Live, parent: Collection) -> list[ForeignKey]:
    """Foreign keys to `parent` from tables the map does not declare, or of several columns."""
    known = _by_table(live, parent.store)
    return [one for one in live.table(parent).referenced_by if one.child not in known or len(one.columns) > 1]


def referenced_by_others(
    live: Live, link: Link, values: Sequence[str], found: Hits | None
) -> list[tuple[str, str | None]]:
    """Those of `values` that some row of the link's child references, `found` left out; with that row's tenant."""
    child = live.datamap.collections[link.child]
    table = live.table(child)
    matched = holds(table, link.child_path, values)
    if matched is None:
        return []
    tenant = sa.cast(table.table.c[child.tenant], sa.Text) if child.tenant else sa.cast(sa.null(), sa.Text)
    wheres = [matched]
    names = table.key_columns() or child.primary_key
    if found is not None and found.rows:
        wheres.append(_is_other(table, names, list(found.rows)))
    column = table.table.c[link.child_path[0]]
    statement = sa.select(as_text(column), tenant).where(*wheres).distinct()
    rows = live.snapshots.of(child.store).rows(statement)
    if not is_structured(column):
        return [(row[0], row[1]) for row in rows]
    return [(one, row[1]) for row in rows for one in values_at(json.loads(row[0]), link.child_path[1:])]


def _is_other(table: LiveTable, names: Sequence[str], keys: Sequence[Key]) -> sa.ColumnElement[bool]:
    if len(names) == 1:
        mine = equals(table.table.c[names[0]], [key[0] for key in keys])
        return sa.not_(mine) if mine is not None else sa.true()
    wanted = unnested(table, names, keys, "mine")
    inside = sa.select(sa.literal(1)).select_from(wanted).where(*joined(table, names, wanted)).correlate(table.table)
    return sa.not_(sa.exists(inside))


def referenced_by_undeclared(live: Live, store: str, key: ForeignKey, parents: Sequence[Key]) -> set[Key]:
    """Those of `parents` (values of the key's parent columns) that a row of an undeclared table references."""
    parent = live.schema(store).tables[key.parent]
    child = sa.table(
        key.child[1],
        *(
            sa.column(mine, parent.table.c[theirs].type)
            for mine, theirs in zip(key.columns, key.parent_columns, strict=True)
        ),
        schema=key.child[0],
    )
    wanted = unnested(parent, key.parent_columns, parents)
    matches = [child.c[mine] == wanted.c[f"k{number}"] for number, mine in enumerate(key.columns)]
    columns = [sa.cast(wanted.c[f"k{number}"], sa.Text) for number in range(len(key.columns))]
    statement = (
        sa.select(*columns)
        .select_from(wanted)
        .where(sa.exists(sa.select(sa.literal(1)).select_from(child).where(*matches)))
    )
    return {tuple(row) for row in live.snapshots.of(store).rows(statement)}


def arrows(live: Live, datamap: DataMap, keys: set[str]) -> set[tuple[str, str]]:
    """(child, parent) for every foreign key between these collections: children go first."""
    found = set()
    for key in keys:
        collection = datamap.collections[key]
        known = {place: one.key for place, one in _by_table(live, collection.store).items()}
        found |= {(known[one.child], key) for one in live.table(collection).referenced_by if one.child in known}
    return found
