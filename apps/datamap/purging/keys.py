"""Moves by windows of the primary key, for stores that do not tell where a row lies (MariaDB, whose tables are their
primary keys).

A window is looked for before it is done: it ends at the key of the last row that would fill a batch. The statement
carries the whole predicate between its two keys, so a row is judged again under its lock.
"""

import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from apps.core import crypto
from apps.datamap.purging.kin import Kin, Relative
from apps.datamap.purging.orders import Purge, on
from apps.datamap.stores import Session
from apps.datamap.treatments import new_value

LOCK_TIMEOUT = "SET SESSION innodb_lock_wait_timeout = 1"  # seconds: the shortest there is
SPEAKING = sa.String | sa.LargeBinary  # a key that may be a person's address

Keys = Sequence[Sequence[Any]]


def bound(purge: Purge, session: Session, *, after: str, size: int) -> str | None:
    """The key of the row that fills a batch of `size`, counted from the first one after the key `after` ("" for the
    beginning); the last one's where fewer go, and None where none does."""
    columns = _columns(purge)
    wheres = [purge.goes(), *([_beyond(columns, _read(purge, after))] if after else [])]
    found = sa.select(*columns).where(*wheres)
    rows = session.rows(found.order_by(*columns).offset(size - 1).limit(1))
    rows = rows or session.rows(found.order_by(*(column.desc() for column in columns)).limit(1))
    return _written(purge, rows[0]) if rows else None


def purge_window(purge: Purge, session: Session, *, after: str, upto: str) -> int:
    """Delete or overwrite what goes behind the key `after` and up to `upto`; how many rows."""
    columns = _columns(purge)
    window = [sa.not_(_beyond(columns, _read(purge, upto)))]
    window += [_beyond(columns, _read(purge, after))] if after else []
    if not purge.is_delete:
        live = on(purge.live, purge.table)
        values = {name: new_value(live, name, change) for name, change in purge.treatment.changes.items()}
        return session.run(sa.update(purge.table).values(values).where(*window, purge.goes()))
    if purge.kin.is_alone:
        return session.run(sa.delete(purge.table).where(*window, purge.goes()))
    return _with_kin(purge, session, window)


def _columns(purge: Purge) -> list[sa.Column[Any]]:
    return [purge.table.c[name] for name in purge.live.key_columns()]


def _beyond(columns: Sequence[sa.Column[Any]], key: Sequence[Any]) -> sa.ColumnElement[bool]:
    """The row's key comes after this one, said so that the index is walked from there."""
    first, *others = columns
    value = _value(key[0])
    if not others:
        return first > value
    return sa.and_(first >= value, sa.or_(first > value, _beyond(others, key[1:])))


def _value(part: Any) -> sa.ColumnElement[Any]:
    """Numbers as numbers: compared as texts they would be rounded. All else as text, which MariaDB converts."""
    return sa.literal(part, sa.BigInteger if isinstance(part, int) else sa.LargeBinary if isinstance(part, bytes)
                      else sa.Text)  # fmt: skip


# --- keys between two moves ---------------------------------------------------------------------------


def _written(purge: Purge, key: Sequence[Any]) -> str:
    """A key as it stands in a cursor, sealed where it may be somebody's address."""
    parts = [part if isinstance(part, int) else part.hex() if isinstance(part, bytes) else str(part) for part in key]
    text = json.dumps(parts)
    return crypto.seal(text, bound_to=_binding(purge)).hex() if _is_speaking(purge) else text


def _read(purge: Purge, text: str) -> list[Any]:
    opened = crypto.unseal(bytes.fromhex(text), bound_to=_binding(purge)) if _is_speaking(purge) else text
    parts: list[Any] = json.loads(opened)
    return [bytes.fromhex(part) if isinstance(column.type, sa.LargeBinary) else part
            for part, column in zip(parts, _columns(purge), strict=True)]  # fmt: skip


def _is_speaking(purge: Purge) -> bool:
    return any(isinstance(column.type, SPEAKING) for column in _columns(purge))


def _binding(purge: Purge) -> str:
    return f"purge:{purge.info.key}"


# --- rows of other tables -----------------------------------------------------------------------------


def _with_kin(purge: Purge, session: Session, window: Sequence[sa.ColumnElement[bool]]) -> int:
    """Keys are checked row by row here: references let go first, then what goes along, then the rows themselves."""
    own = list(purge.live.key_columns())
    names = [*own, *sorted(_wanted(purge.kin) - set(own))]
    found = sa.select(*(purge.table.c[name] for name in names)).where(*window, purge.goes()).with_for_update()
    rows = session.rows(found)
    if not rows:
        return 0
    _release(purge.kin, names, rows, session)
    return session.run(sa.delete(purge.table).where(_is_one_of(purge.table, own, [row[: len(own)] for row in rows])))


def _release(kin: Kin, names: Sequence[str], rows: Keys, session: Session) -> None:
    for one in kin.unlinked:
        table, points = _pointing(one, names, rows)
        session.run(sa.update(table).values({one.columns[0]: sa.null()}).where(points))
    for one in kin.along:
        table, points = _pointing(one, names, rows)
        wanted = sorted(_wanted(one.kin))
        if wanted:
            further = session.rows(sa.select(*(table.c[name] for name in wanted)).where(points).with_for_update())
            _release(one.kin, wanted, further, session)
        session.run(sa.delete(table).where(points))


def _wanted(kin: Kin) -> set[str]:
    return {column for one in (*kin.along, *kin.unlinked) for column in one.parent_columns}


def _pointing(one: Relative, names: Sequence[str], rows: Keys) -> tuple[Any, sa.ColumnElement[bool]]:
    """The relative's table, and those of its rows that point at one of ours."""
    table: Any = getattr(one.table, "element", one.table)
    places = [names.index(column) for column in one.parent_columns]
    values = [[row[place] for place in places] for row in rows]
    return table, _is_one_of(table, one.columns, [value for value in values if None not in value])


def _is_one_of(table: Any, names: Sequence[str], keys: Keys) -> sa.ColumnElement[bool]:
    if len(names) == 1:
        return sa.ColumnElement.in_(table.c[names[0]], [key[0] for key in keys])
    return sa.tuple_(*(table.c[name] for name in names)).in_([tuple(key) for key in keys])
