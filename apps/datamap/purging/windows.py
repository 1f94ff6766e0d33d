"""Moves by blocks of the heap: each statement carries the whole predicate, so a row is judged again under its lock.

A window is a range of blocks, not a list of keys: nothing is read twice, and the rows go in the order they lie in.
"""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from apps.datamap.purging.kin import Kin, Relative
from apps.datamap.purging.orders import Purge, on
from apps.datamap.stores import DIALECT, Session
from apps.datamap.treatments import new_value


@dataclass(frozen=True)
class Census:
    """What lies before us in one table: rows that go, and the blocks between which they lie."""

    going: int
    first: int
    last: int


def census(purge: Purge, session: Session) -> Census:
    """Counts what goes from a table now."""
    place: sa.ColumnElement[Any] = sa.literal_column("ctid")
    columns: list[Any] = [
        sa.func.count(), sa.cast(sa.func.min(place), sa.Text), sa.cast(sa.func.max(place), sa.Text)
    ]  # fmt: skip
    found = session.rows(sa.select(*columns).select_from(purge.table).where(purge.goes()))[0]
    return Census(found[0], _block(found[1]), _block(found[2]))


def has_some(purge: Purge, session: Session) -> bool:
    """Whether anything goes from a table now."""
    return bool(session.rows(sa.select(sa.literal(1)).select_from(purge.table).where(purge.goes()).limit(1)))


def has_others(purge: Purge, session: Session) -> bool:
    """Whether anything stays in a table now."""
    stays = purge.goes().is_not(sa.true())
    return bool(session.rows(sa.select(sa.literal(1)).select_from(purge.table).where(stays).limit(1)))


def blocks(purge: Purge, session: Session) -> int:
    """How many blocks a table has."""
    named = DIALECT.identifier_preparer.format_table(purge.table)
    size = "SELECT pg_relation_size(CAST(:named AS regclass)) / current_setting('block_size')::bigint"
    return int(session.rows(sa.text(size.replace("::", "\\:\\:")).bindparams(named=named))[0][0])


def _block(place: str | None) -> int:
    return int(place.strip("()").partition(",")[0]) if place else 0


def purge_window(purge: Purge, session: Session, *, first: int, last: int) -> int:
    """Delete or overwrite what goes in blocks `first` to `last` (both included); how many rows."""
    window = sa.text(f"ctid >= '({first},0)'::tid AND ctid < '({last + 1},0)'::tid".replace("::", "\\:\\:"))
    if purge.is_delete and not purge.kin.is_alone:
        return _with_kin(purge, session, window)
    return session.run(statement_of(purge, window))


def statement_of(purge: Purge, window: sa.TextClause) -> sa.Delete | sa.Update:
    """What is done to the rows of a window that no other table points at, or that stay."""
    if purge.is_delete:
        return sa.delete(purge.table).where(window, purge.goes())
    live = on(purge.live, purge.table)
    values = {name: new_value(live, name, change) for name, change in purge.treatment.changes.items()}
    return sa.update(purge.table).values(values).where(window, purge.goes())


def _with_kin(purge: Purge, session: Session, window: sa.TextClause) -> int:
    """One statement, at whose end keys are checked: what goes along, references let go, and the rows themselves."""
    wanted = {column for one in (*purge.kin.along, *purge.kin.unlinked) for column in one.parent_columns}
    names = sorted({*(purge.live.primary_key or purge.info.key_names), *wanted})
    gone = sa.select(*(purge.table.c[name] for name in names)).where(window, purge.goes()).with_for_update().cte("gone")
    steps = _steps(purge.kin, gone, "k")
    matches = (purge.table.c[name] == gone.c[name] for name in (purge.live.primary_key or purge.info.key_names))
    own = sa.delete(purge.table).where(*matches).returning(sa.literal(1).label("one")).cte("own")
    counted = sa.select(sa.func.count()).select_from(own).add_cte(*steps)
    return int(session.rows(counted)[0][0])


def _steps(kin: Kin, gone: sa.CTE, name: str) -> list[sa.CTE]:
    steps: list[sa.CTE] = []
    for number, one in enumerate(kin.unlinked):
        table = _real(one)
        update = sa.update(table).values({one.columns[0]: None}).where(_points(one, table, gone))
        steps.append(update.returning(sa.literal(1).label("one")).cte(f"{name}u{number}"))
    for number, one in enumerate(kin.along):
        table = _real(one)
        columns = {column for inner in (*one.kin.along, *one.kin.unlinked) for column in inner.parent_columns}
        if columns:
            inner = sa.select(*(table.c[column] for column in sorted(columns))).where(_points(one, table, gone))
            steps += _steps(one.kin, inner.cte(f"{name}g{number}"), f"{name}{number}")
        delete = sa.delete(table).where(_points(one, table, gone))
        steps.append(delete.returning(sa.literal(1).label("one")).cte(f"{name}d{number}"))
    return steps


def _points(one: Relative, table: Any, gone: sa.CTE) -> sa.ColumnElement[bool]:
    pairs = list(zip(one.columns, one.parent_columns, strict=True))
    if len(pairs) == 1:
        mine, theirs = pairs[0]
        return sa.ColumnElement.in_(table.c[mine], sa.select(gone.c[theirs]))  # type: ignore[no-any-return]
    inside = sa.select(sa.literal(1)).select_from(gone).where(*(table.c[m] == gone.c[t] for m, t in pairs))
    return sa.exists(inside.correlate(table))


def _real(one: Relative) -> Any:
    return getattr(one.table, "element", one.table)
