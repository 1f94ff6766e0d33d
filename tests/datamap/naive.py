"""A second, slow telling of what is found and what goes: one row at a time, over plain dictionaries."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
World = dict[str, list[Row]]
Place = tuple[str, str]  # table, column
Known = tuple[str, int]  # table, id


@dataclass(frozen=True)
class Way:
    """A reference of the map: written on `on`, naming `to`; values flow as `direction` says."""

    on: Place
    to: Place
    direction: str | None

    def flows(self) -> Iterable[tuple[Place, Place]]:
        if self.direction != "to":
            yield self.to, self.on
        if self.direction != "from":
            yield self.on, self.to


@dataclass(frozen=True)
class Foreign:
    child: Place
    parent: Place
    nullable: bool


def found(world: World, ways: Sequence[Way], email: str, account: int | None) -> set[Known]:
    """Rows with the address, and whatever a reference leads to from a found row, until nothing new is found."""
    inside = {
        table: [r for r in rows if account is None or r["account_id"] == account] for table, rows in world.items()
    }
    known = {(table, row["id"]) for table, rows in inside.items() for row in rows if row["email"] == email}
    while True:
        before = len(known)
        for way in ways:
            for (from_table, from_column), (to_table, to_column) in way.flows():
                values = {row[from_column] for row in inside[from_table] if (from_table, row["id"]) in known} - {None}
                known |= {(to_table, row["id"]) for row in inside[to_table] if row[to_column] in values}
        if len(known) == before:
            return known


def goes(world: World, ways: Sequence[Way], keys: Sequence[Foreign], known: set[Known], kept: set[Known]) -> set[Known]:
    """What an erasure takes of the found rows: not what a guard keeps, what somebody else's row references, or what a
    remaining row must go on pointing at."""
    going = {one for one in known - kept if not _is_shared(world, ways, keys, known, one)}
    while True:
        held = {
            (key.parent[0], parent["id"])
            for key in keys
            if not key.nullable
            for child in world[key.child[0]]
            for parent in world[key.parent[0]]
            if child[key.child[1]] == parent[key.parent[1]] and (key.child[0], child["id"]) not in going
        }
        if not going & held:
            return going
        going -= held


def _is_shared(world: World, ways: Sequence[Way], keys: Sequence[Foreign], known: set[Known], one: Known) -> bool:
    table, number = one
    row = next(row for row in world[table] if row["id"] == number)
    links = [(key.child, key.parent[1], True) for key in keys if key.parent[0] == table]
    for way in ways:
        child, parent = _ends(way)
        if parent[0] == table:
            links.append((child, parent[1], False))
    return any(
        other[column] is not None
        and other[column] == row[mine]
        and (child, other["id"]) not in known
        and (is_key or other["account_id"] == row["account_id"])
        for (child, column), mine, is_key in links
        for other in world[child]
    )


def _ends(way: Way) -> tuple[Place, Place]:
    """(who references, who is referenced): the end whose column tells rows apart is referenced."""
    if way.to[1] != "id" and way.on[1] == "id":
        return way.to, way.on
    return way.on, way.to


def afterwards(world: Mapping[str, list[Row]], keys: Sequence[Foreign], going: set[Known]) -> World:
    """The rows that remain, their nullable references to what went emptied."""
    left: World = {
        table: [dict(row) for row in rows if (table, row["id"]) not in going] for table, rows in world.items()
    }
    for key in keys:
        gone = {row[key.parent[1]] for row in world[key.parent[0]] if (key.parent[0], row["id"]) in going}
        for row in left[key.child[0]]:
            if row[key.child[1]] in gone:
                row[key.child[1]] = None
    return left
