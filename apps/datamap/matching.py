"""Predicates: a column, or a place inside one, holds one of these values; a row has one of these keys.

Values travel between collections as text and are cast to the column's type here. A value that can't be of the type
can't match and is left out, so that a text identity asked of a bigint column finds nothing instead of failing.
"""

import json
import re
import uuid
from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.types import TypeEngine

from apps.datamap import mariadb_schema
from apps.datamap.mapping import Path
from apps.datamap.mariadb import is_mariadb, json_columns
from apps.datamap.schema import LiveTable, Opaque

WHOLE = re.compile(r"^[+-]?\d{1,19}$")
DECIMAL = re.compile(r"^[+-]?\d{1,60}(\.\d{1,60})?$")
MAX_BIGINT = 2**63
BIGINT, TEXT = sa.BigInteger(), sa.Text()  # SQLAlchemy keeps what it knows of a type with its instance

Key = tuple[str, ...]


def holds(live: LiveTable, path: Path, values: Collection[str]) -> sa.ColumnElement[bool] | None:
    """The row's `path` holds one of `values`; None when none of them could stand there."""
    return holds_in(live.table, path, values)


def holds_in(table: sa.FromClause, path: Path, values: Collection[str]) -> sa.ColumnElement[bool] | None:
    """As `holds`, for whatever name the table goes by in its statement."""
    column: Any = table.c[path[0]]
    if len(path) == 1 and isinstance(column.type, pg.ARRAY):
        inner = _unbounded(column.type.item_type)
        fitting = [value for value in values if _fits(value, inner)]
        return column.overlap(array_of(fitting, inner)) if fitting else None
    if len(path) > 1 or isinstance(column.type, sa.JSON):
        return _holds_json(column, path[1:], values)
    return equals(column, values)


def equals(column: sa.Column[Any], values: Collection[str]) -> sa.ColumnElement[bool] | None:
    """`column = ANY(values)`: an index on the column stays usable. Nothing is cast to a length or scale, that cuts."""
    kind = _unbounded(column.type)
    fitting = [value for value in values if _fits(value, kind)]
    if not fitting:
        return None
    if is_mariadb(column):
        return _equals_in_mariadb(column, kind, fitting)
    if isinstance(column.type, Opaque | sa.CHAR | sa.LargeBinary):
        return sa.cast(column, sa.Text) == sa.any_(array_of(fitting, sa.Text()))
    return column == sa.any_(array_of(fitting, kind))


def _equals_in_mariadb(column: sa.Column[Any], kind: TypeEngine[Any], values: Sequence[str]) -> sa.ColumnElement[bool]:
    """By the index first, and texts byte by byte then: a collation takes Ann for ann."""
    if isinstance(kind, sa.Integer):
        return column.in_([int(value) for value in values])
    texts = [sa.literal(value, TEXT) for value in values]
    if isinstance(column.type, sa.LargeBinary):
        return sa.func.lower(sa.func.hex(column)).in_([value.removeprefix("\\x") for value in values])
    if isinstance(kind, sa.String | Opaque):
        return sa.and_(column.in_(texts), sa.func.exact_text(column).in_(texts))
    return column.in_(texts)


def array_of(values: Sequence[str | None], kind: TypeEngine[Any]) -> sa.ColumnElement[Any]:
    """One literal in PostgreSQL's own array form: a constant for the planner, and quick to parse however long it is."""
    return sa.cast(sa.literal("{" + ",".join(map(_element, values)) + "}", TEXT), pg.ARRAY(kind))


def _element(value: str | None) -> str:
    return "NULL" if value is None else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _holds_json(column: sa.Column[Any], inner: Path, values: Collection[str]) -> sa.ColumnElement[bool] | None:
    """In lax mode a path walks through arrays by itself; a number matches its text."""
    clean = [value for value in values if "\0" not in value]
    numbers = [int(value) for value in clean if WHOLE.match(value)]
    if not clean:
        return None
    if is_mariadb(column):
        return sa.exists(_scalars(column, inner, clean))
    steps = "".join("." + json.dumps(step) for step in inner)
    path = sa.cast(sa.literal(f"${steps}[*] ? (@ == $wanted[*])", sa.Text), pg.JSONPATH)
    wanted = sa.cast(sa.literal(json.dumps({"wanted": [*clean, *numbers]}), sa.Text), pg.JSONB)
    return sa.func.jsonb_path_exists(sa.cast(column, pg.JSONB), path, wanted)


def _scalars(column: sa.Column[Any], inner: Path, values: Sequence[str]) -> sa.Select[Any]:
    """The scalars at a place of a document of MariaDB. Its paths do not walk through arrays by themselves, so each way
    is named: every step may hold a list."""
    paths = ["$"]
    for step in inner:
        paths = [f"{path}{part}.{json.dumps(step)}" for path in paths for part in ("", "[*]")]
    paths = [path + part for path in paths for part in ("", "[*]")]
    document = sa.func.json_extract(column, *(sa.literal(path, TEXT) for path in paths), type_=TEXT)
    found = sa.func.json_scalars(document, type_=TEXT).table_valued(sa.column("value", TEXT), name="scalars")
    wanted = [sa.literal(value, TEXT) for value in values]
    return sa.select(sa.literal(1)).select_from(found).where(sa.func.exact_text(found.c.value).in_(wanted))


def key_columns(live: LiveTable, names: Sequence[str]) -> list[sa.ColumnElement[Any]]:
    """The row's key as text, exact and comparable between sessions."""
    return [sa.cast(live.table.c[name], sa.Text).label(f"k{number}") for number, name in enumerate(names)]


def has_key(live: LiveTable, names: Sequence[str], keys: Sequence[Key]) -> sa.ColumnElement[bool]:
    """The row is one of `keys`: a plain ANY for one column, a join with unnested arrays for several."""
    if len(names) == 1:
        matched = equals(live.table.c[names[0]], [key[0] for key in keys])
        return matched if matched is not None else sa.false()
    wanted = unnested(live, names, keys)
    return sa.exists(
        sa.select(sa.literal(1)).select_from(wanted).where(*joined(live, names, wanted)).correlate(live.table)
    )


def unnested(
    live: LiveTable,
    names: Sequence[str],
    keys: Sequence[Key],
    name: str = "wanted",
    texts: Sequence[Sequence[str | None]] = (),
) -> sa.TableValuedAlias:
    """The keys as a table `wanted(k0, k1, …)`, each column of the key's type; `texts` are further columns p0, p1, …"""
    if is_mariadb(live.table):
        return _json_rows([live.table.c[column] for column in names], keys, name, texts)
    kinds = [_unbounded(live.table.c[column].type) for column in names]
    arrays = [array_of([key[number] for key in keys], kind) for number, kind in enumerate(kinds)]
    arrays += [array_of(values, sa.Text()) for values in texts]
    columns = [sa.column(f"k{number}", kind) for number, kind in enumerate(kinds)]
    columns += [sa.column(f"p{number}", sa.Text()) for number in range(len(texts))]
    return sa.func.unnest(*arrays).table_valued(*columns, name=name).render_derived()


def _json_rows(
    columns: Sequence[sa.Column[Any]], keys: Sequence[Key], name: str, texts: Sequence[Sequence[str | None]]
) -> sa.TableValuedAlias:
    """The same for MariaDB, from a document."""
    kinds = [(f"k{number}", mariadb_schema.spelled(column)) for number, column in enumerate(columns)]
    kinds += [(f"p{number}", "LONGTEXT") for number in range(len(texts))]
    rows = [[*key, *(values[number] for values in texts)] for number, key in enumerate(keys)]
    given = [sa.column(f"k{number}", column.type) for number, column in enumerate(columns)]
    given += [sa.column(f"p{number}", TEXT) for number in range(len(texts))]
    document = sa.literal(json.dumps(rows), TEXT)
    return sa.func.json_rows(document, sa.literal_column(json_columns(kinds))).table_valued(*given, name=name)


def joined(live: LiveTable, names: Sequence[str], wanted: Any) -> list[sa.ColumnElement[bool]]:
    return [_comparable(live.table.c[name]) == wanted.c[f"k{number}"] for number, name in enumerate(names)]


def _comparable(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    if is_mariadb(column):
        return column
    return sa.cast(column, sa.Text) if isinstance(column.type, Opaque | sa.CHAR | sa.LargeBinary) else column


def _unbounded(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    """The type without length or scale: casting '1.9' to numeric(2,0) or 'abc' to varchar(2) would invent a match."""
    if isinstance(kind, sa.Integer):
        return BIGINT
    if isinstance(kind, Opaque | sa.LargeBinary) or (isinstance(kind, sa.String) and not isinstance(kind, pg.CITEXT)):
        return TEXT
    return kind


def _fits(value: str, kind: TypeEngine[Any]) -> bool:
    if "\0" in value:
        return False
    try:
        match kind:
            case sa.Integer():
                return bool(WHOLE.match(value)) and -MAX_BIGINT <= int(value) < MAX_BIGINT
            case sa.Numeric():
                return bool(DECIMAL.match(value))
            case sa.Uuid():
                return bool(uuid.UUID(value))
            case sa.Boolean():
                return value in ("true", "false", "t", "f")
            case sa.DateTime():
                return bool(datetime.fromisoformat(value))
            case sa.Date():
                return bool(date.fromisoformat(value))
            case pg.INET() | pg.CIDR():
                return bool(re.match(r"^[0-9a-fA-F:.]{2,45}(/\d{1,3})?$", value))
    except ValueError:
        return False
    return True


def values_at(document: Any, path: Path) -> Iterator[str]:
    """The scalar values at a place of a JSON document, through arrays, as text."""
    if isinstance(document, list):
        for item in document:
            yield from values_at(item, path)
    elif path:
        if isinstance(document, dict) and path[0] in document:
            yield from values_at(document[path[0]], path[1:])
    elif document is not None and not isinstance(document, dict):
        yield document if isinstance(document, str) else json.dumps(document)
