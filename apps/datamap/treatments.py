"""What an erasure does to the rows of a collection: delete them, or overwrite what identifies the person.

Decided from the map and the live schema before anything starts: a column that can't become null (NOT NULL, unique) gets
a constant of its type or a random value, and where neither is possible the plan is refused, never the execution.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from apps.core.errors import DomainError
from apps.datamap.contract import Scope
from apps.datamap.declarations import is_personal
from apps.datamap.mapping import Collection, Field, Masking
from apps.datamap.schema import LiveTable
from apps.datamap.taxonomy import matches

ERASED = "[erased]"
RANDOM_PREFIX, PSEUDONYM_PREFIX = "erased-", "pn-"
RANDOM_UUID, PSEUDONYM_UUID = "0e7a5ed0", "0e7a5ed1"  # how such a uuid begins, so that it is known again
NOBODY = "00000000-0000-0000-0000-000000000000"  # the nil uuid (RFC 9562, 5.9)
SHORTEST = 16  # a stand-in cut below this could meet another one
OPAQUE_KEY = "user.unique_id"  # names a person only together with the row it points at


class CannotMask(DomainError):
    """A column can be neither emptied nor overwritten; the plan is refused."""

    def __init__(self, collection: Collection, column: str, why: str) -> None:
        super().__init__("cannot_mask", f"{collection.key}: the column {column} can't be overwritten: {why}.")


@dataclass(frozen=True)
class Treatment:
    """`delete`, or `mask` with the new state of each column. `pseudonyms` are computed from the old values."""

    kind: str
    changes: Mapping[str, Masking] = field(default_factory=dict)

    @property
    def action(self) -> str:
        return "erase" if self.kind == "delete" else "anonymise"

    @property
    def pseudonyms(self) -> list[str]:
        return sorted(name for name, change in self.changes.items() if change.kind == "pseudonym")


def treatment(collection: Collection, live: LiveTable, scope: Scope, strategy: str | None) -> Treatment | None:
    """How the rows of this collection are erased; None when there is nothing about a person to take away.

    With categories asked for, only their fields are overwritten: rows are never deleted for a part of them.
    """
    if scope.categories and strategy == "delete":
        raise DomainError("cannot_delete", "Rows can't be deleted for some of their categories: leave out --category.")
    masks = any(place.masking for place in collection.by_path.values()) and collection.strategy is None
    wanted = strategy or ("null" if masks or scope.categories else collection.strategy) or "delete"
    if wanted == "delete" and not scope.categories:
        return Treatment("delete")
    changes = _changes(collection, live, scope.categories)
    return Treatment("mask", changes) if changes else None


def _changes(collection: Collection, live: LiveTable, categories: Sequence[str]) -> dict[str, Masking]:
    changes = {}
    for top in collection.fields:
        if categories and not any(
            matches(c, one) for place in top.walk() for c in place.categories for one in categories
        ):
            continue
        if top.masking and top.masking.kind == "keep":
            continue
        if top.masking or _identifies(collection, live, top):
            change = _feasible(collection, live, top)
            if change:
                changes[top.column] = change
    return changes


def _identifies(collection: Collection, live: LiveTable, top: Field) -> bool:
    """Personal, and not merely what holds rows together: opaque keys, tenant, region and clock stay."""
    if top.column in (collection.tenant, collection.region, collection.clock):
        return False
    if not any(is_personal(place.categories) for place in top.walk()):
        return False
    is_key = top.column in live.key_columns() or top.references or top.primary_key
    return not (
        is_key and all(matches(c, OPAQUE_KEY) or not is_personal([c]) for c in top.categories) and not top.identities
    )


def _feasible(collection: Collection, live: LiveTable, top: Field) -> Masking | None:
    """What can really be done to the column. Raises `CannotMask`."""
    name, wanted = top.column, top.masking or Masking("null")
    if name in live.generated:
        return None  # follows from other columns
    kind = live.table.c[name].type
    is_unique = any(name in unique for unique in (*live.uniques, live.primary_key))
    if name in live.primary_key and any(name in one.parent_columns for one in live.referenced_by):
        raise CannotMask(collection, name, "other tables reference it")
    if wanted.kind == "null" and name not in live.not_null:
        return wanted
    if wanted.kind == "pseudonym" or wanted.kind == "random" or is_unique:
        length = getattr(kind, "length", None)
        is_text = isinstance(kind, sa.String | pg.CITEXT) and (length is None or length >= SHORTEST)
        if not (is_text or isinstance(kind, sa.Uuid)):
            raise CannotMask(collection, name, f"a unique value does not fit its type {kind}")
        return Masking("pseudonym" if wanted.kind == "pseudonym" else "random")
    if wanted.kind == "constant":
        return wanted
    return Masking("constant", _constant(collection, name, kind))


def _constant(collection: Collection, name: str, kind: Any) -> Any:
    """The emptiest value a NOT NULL column of this type can hold."""
    match kind:
        case sa.CHAR():
            return ""
        case sa.String() | pg.CITEXT():
            return ERASED if kind.length is None or kind.length >= len(ERASED) else ""
        case sa.Integer() | sa.Numeric():
            return 0
        case sa.Boolean():
            return False
        case sa.TIMESTAMP():
            return datetime(1970, 1, 2)  # noqa: DTZ001  MariaDB's begins after midnight of the first
        case sa.DateTime():
            return datetime(1970, 1, 1, tzinfo=UTC if kind.timezone else None)
        case sa.Date():
            return date(1970, 1, 1)
        case sa.JSON():
            return "{}"
        case pg.ARRAY():
            return "{}"
        case sa.LargeBinary():
            return ""
        case pg.INET() | pg.CIDR():
            return "0.0.0.0"  # noqa: S104  an address that is nobody's
        case sa.Uuid():
            return NOBODY
    raise CannotMask(collection, name, f"its type {kind} has no empty value, and it can't be null")


def new_value(live: LiveTable, name: str, change: Masking) -> sa.ColumnElement[Any]:
    """The expression a masked column is set to (a pseudonym is joined in by the caller)."""
    column = live.table.c[name]
    if change.kind == "null":
        return sa.null()
    if change.kind == "random":
        if isinstance(column.type, sa.Uuid):
            rest = sa.func.substr(sa.cast(sa.func.gen_random_uuid(), sa.Text), len(RANDOM_UUID) + 1)
            return sa.cast(sa.literal(RANDOM_UUID, sa.Text).concat(rest), sa.Uuid)
        token = sa.func.replace(sa.cast(sa.func.gen_random_uuid(), sa.Text), "-", "")
        return sa.func.left(
            sa.literal(RANDOM_PREFIX, sa.Text).concat(token), getattr(column.type, "length", None) or 39
        )
    return sa.cast(sa.literal(_as_text(change.value), sa.Text), column.type)


def _prefix(column: sa.Column[Any], change: Masking) -> str:
    if isinstance(column.type, sa.Uuid):
        return PSEUDONYM_UUID if change.kind == "pseudonym" else RANDOM_UUID
    return PSEUDONYM_PREFIX if change.kind == "pseudonym" else RANDOM_PREFIX


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def is_masked(live: LiveTable, masks: Treatment) -> sa.ColumnElement[bool]:
    """The row is in its final state already: doing it again would change nothing about a person."""
    states: list[sa.ColumnElement[bool]] = []
    for name, change in masks.changes.items():
        column = live.table.c[name]
        if change.kind == "null":
            states.append(column.is_(None))
        elif change.kind == "constant":
            value = new_value(live, name, change)
            is_json = isinstance(column.type, sa.JSON)  # json knows no equality
            same = sa.cast(column, sa.Text) == sa.cast(value, sa.Text) if is_json else column == value
            states.append(sa.or_(column.is_(None), same))
        else:
            prefix = _prefix(column, change)
            states.append(sa.or_(column.is_(None), sa.cast(column, sa.Text).startswith(prefix, autoescape=True)))
    return sa.and_(*states)


def of_whole_rows(collection: Collection, live: LiveTable) -> Treatment:
    """How rows past their limit become anonymous: as an erasure overwrites them, and without what leads on to a person
    or an account. Opaque keys lead nowhere once an erasure is done; here the rows that they lead to stay."""
    changes = _changes(collection, live, ())
    leading = [collection.tenant, *(top.column for top in collection.fields if top.references)]
    for column in leading:
        if column and column not in live.not_null:
            changes.setdefault(column, Masking("null"))
    return Treatment("mask", changes)


def of_columns(collection: Collection, live: LiveTable, columns: Sequence[str]) -> Treatment:
    """How these columns alone are emptied. Raises `CannotMask`."""
    tops = [top for top in collection.fields if top.column in columns]
    changes = {top.column: change for top in tops if (change := _feasible(collection, live, top))}
    return Treatment("mask", changes)
