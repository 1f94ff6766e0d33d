"""Doing what a plan says, set by set, in one transaction of the store."""

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from apps.core import crypto
from apps.core.errors import DomainError
from apps.datamap import mariadb
from apps.datamap.fates import Fate, Fates, Unlinking
from apps.datamap.matching import Key, joined, key_columns, unnested
from apps.datamap.schema import LiveTable, TableName
from apps.datamap.search import Live
from apps.datamap.stores import Session
from apps.datamap.treatments import PSEUDONYM_PREFIX, PSEUDONYM_UUID, CannotMask, new_value


class NotExactly(DomainError):
    """A statement touched other rows than planned: the transaction is undone."""

    def __init__(self, collection: str, planned: int, touched: int) -> None:
        message = (
            f"{collection}: {touched} rows would have been touched where {planned} were planned. Nothing was changed."
        )
        super().__init__("not_exactly", message)


def carry_out(fates: Fates, store: str, session: Session) -> None:
    """Empty references of rows that stay, overwrite, delete; every statement must touch exactly the rows decided on."""
    live = fates.live
    for unlinking in fates.unlinkings(store):
        _unlink(live, unlinking, session)
    for fate in fates.of.values():
        if fate.collection.store == store and fate.treatment.kind == "mask" and fate.gone:
            _mask(fate, session)
    for group in fates.order(store):
        _delete([fates.of[key] for key in group], session)


def _delete(fates: Sequence[Fate], session: Session) -> None:
    """One statement; the collections of a cycle of foreign keys share it, for the keys are checked at its end."""
    if session.dialect.name == mariadb.NAME:
        _untie(fates, session)
        touched = [session.run(_deletion(fate)) for fate in fates]
    elif len(fates) == 1:
        touched = [session.run(_deletion(fates[0]))]
    else:
        parts = [_deletion(fate).returning(sa.literal(1).label("one")).cte(f"d{n}") for n, fate in enumerate(fates)]
        counts = [sa.select(sa.func.count()).select_from(part).scalar_subquery() for part in parts]
        touched = list(session.rows(sa.select(*counts))[0])
    for fate, count in zip(fates, touched, strict=True):
        if count != len(fate.gone):
            raise NotExactly(fate.collection.key, len(fate.gone), count)


def _untie(fates: Sequence[Fate], session: Session) -> None:
    """MariaDB checks keys row by row: rows that go and point at each other let go of each other first."""
    by_table: dict[TableName, Fate] = {(fate.live.schema, fate.live.name): fate for fate in fates if fate.gone}
    for key in (key for fate in by_table.values() for key in fate.live.referenced_by):
        child = by_table.get(key.child)
        if child is None or key.action in "cn":
            continue
        if not key.nullable:
            message = f"{child.collection.key}: rows that reference each other can't be deleted in MariaDB."
            raise DomainError("cycle", message)
        wanted = unnested(child.live, child.key_names, sorted(child.gone))
        values = {child.live.table.c[name]: sa.null() for name in key.columns}
        session.run(sa.update(child.live.table).values(values).where(*joined(child.live, child.key_names, wanted)))


def _deletion(fate: Fate) -> sa.Delete:
    wanted = unnested(fate.live, fate.key_names, sorted(fate.gone), f"gone_{fate.live.name}"[:60])
    return sa.delete(fate.live.table).where(*joined(fate.live, fate.key_names, wanted))


def _unlink(live: Live, unlinking: Unlinking, session: Session) -> None:
    collection = live.datamap.collections[unlinking.collection]
    table = live.table(collection)
    names = table.key_columns()
    wanted = unnested(table, names, sorted(unlinking.keys))
    statement = sa.update(table.table).values({unlinking.column: sa.null()}).where(*joined(table, names, wanted))
    touched = session.run(statement)
    if touched != len(unlinking.keys):
        raise NotExactly(collection.key, len(unlinking.keys), touched)


def _mask(fate: Fate, session: Session) -> None:
    """Constants and nulls by one statement; pseudonyms are computed here, for their key must not reach the store."""
    keys = sorted(fate.gone)
    names = fate.treatment.pseudonyms
    values = {
        name: new_value(fate.live, name, change) for name, change in fate.treatment.changes.items() if name not in names
    }
    columns: list[Sequence[str | None]] = []
    if names:
        by_key = _pseudonyms(fate, keys, names, session)
        columns = [[by_key[key][number] for key in keys] for number in range(len(names))]
    wanted = unnested(fate.live, fate.key_names, keys, texts=columns)
    for number, name in enumerate(names):
        values[name] = sa.cast(wanted.c[f"p{number}"], fate.live.table.c[name].type)
    statement = sa.update(fate.live.table).values(values).where(*joined(fate.live, fate.key_names, wanted))
    touched = session.run(statement)
    if touched != len(keys):
        raise NotExactly(fate.collection.key, len(keys), touched)


def _pseudonyms(fate: Fate, keys: Sequence[Key], names: Sequence[str], session: Session) -> dict[Key, list[str | None]]:
    live = fate.live
    wanted = unnested(live, fate.key_names, keys)
    columns = key_columns(live, fate.key_names) + [sa.cast(live.table.c[name], sa.Text) for name in names]
    statement = sa.select(*columns).select_from(live.table).where(*joined(live, fate.key_names, wanted))
    width = len(fate.key_names)
    return {
        tuple(row[:width]): [_pseudonym(fate, name, row[width + number]) for number, name in enumerate(names)]
        for row in session.rows(statement)
    }


def _pseudonym(fate: Fate, name: str, value: str | None) -> str | None:
    """Equal for equal values of one column, so that what is kept can still be counted by it."""
    if value is None:
        return None
    kind = fate.live.table.c[name].type
    token = crypto.pseudonym(value, purpose=f"{fate.collection.base_key}.{name}")
    if isinstance(kind, sa.Uuid):
        return PSEUDONYM_UUID + token[len(PSEUDONYM_UUID) :]
    return (PSEUDONYM_PREFIX + token)[: getattr(kind, "length", None) or 64]


def check_masks(live: Live, fate: Fate) -> None:
    """Would the table's own CHECK constraints take the overwritten rows? Asked of the store while planning."""
    if fate.treatment.kind != "mask" or not fate.gone:
        return
    session = live.snapshots.of(fate.collection.store)
    for columns, violated in _violations(fate):
        if session.rows(violated):
            raise CannotMask(fate.collection, ", ".join(columns), "a CHECK constraint of its table forbids it")


def _violations(fate: Fate) -> Iterator[tuple[tuple[str, ...], sa.Select[Any]]]:
    keys = sorted(fate.gone)
    for check in fate.live.checks:
        if not set(check.columns) & set(fate.treatment.changes):
            continue
        wanted = unnested(fate.live, fate.key_names, keys)
        columns = [_after(fate.live, fate, name).label(name) for name in fate.live.columns]
        after = sa.select(*columns).where(*joined(fate.live, fate.key_names, wanted)).subquery("after")
        condition = check.definition.removeprefix("CHECK ").removesuffix(" NO INHERIT").removesuffix(" NOT VALID")
        holds = sa.literal_column(condition, sa.Boolean)  # as the catalogue gives it: it names columns alone
        yield check.columns, sa.select(sa.literal(1)).select_from(after).where(sa.not_(holds)).limit(1)


def _after(live: LiveTable, fate: Fate, name: str) -> sa.ColumnElement[object]:
    change = fate.treatment.changes.get(name)
    if change is None:
        return live.table.c[name]
    if change.kind == "pseudonym":
        example = "0" * 32 if isinstance(live.table.c[name].type, sa.Uuid) else PSEUDONYM_PREFIX + "0" * 32
        return sa.cast(sa.literal(example, sa.Text), live.table.c[name].type)
    return sa.cast(new_value(live, name, change), live.table.c[name].type)
