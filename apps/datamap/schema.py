"""The live schema of a store, read from PostgreSQL's catalogue in one statement and cached by its digest; MariaDB's is
in `mariadb_schema.py`.

Names of tables and columns reach SQL only from here: a `LiveTable` holds the SQLAlchemy table made from what really
exists, so that every identifier is resolved and quoted (T28).
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.types import TypeEngine, UserDefinedType

from apps.datamap import mariadb, mariadb_schema
from apps.datamap.stores import DIALECT, Session

TableName = tuple[str | None, str]

CATALOGUE = """
WITH wanted AS (
    SELECT w.schema AS asked, w.name, c.oid, n.nspname AS schema, c.relkind
    FROM unnest(CAST(:schemas AS text[]), CAST(:names AS text[])) AS w(schema, name)
    JOIN pg_namespace n ON n.nspname = COALESCE(w.schema, current_schema())
    JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.name AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
)
SELECT w.asked, w.name, w.schema, CAST(w.relkind AS text),
    has_table_privilege(w.oid, 'SELECT'), has_table_privilege(w.oid, 'DELETE'),
    (SELECT CAST(jsonb_agg(jsonb_build_object(
            'name', a.attname, 'type', COALESCE(b.typname, t.typname), 'category', t.typcategory,
            'element', e.typname, 'modifier', a.atttypmod, 'kind', t.typtype,
            'not_null', a.attnotnull OR t.typnotnull, 'generated', a.attgenerated <> '',
            'update', has_column_privilege(w.oid, a.attnum, 'UPDATE')) ORDER BY a.attnum) AS text)
        FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
        LEFT JOIN pg_type b ON b.oid = t.typbasetype LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
        WHERE a.attrelid = w.oid AND a.attnum > 0 AND NOT a.attisdropped),
    (SELECT CAST(jsonb_agg(jsonb_build_object(
            'name', k.conname, 'kind', k.contype, 'definition', pg_get_constraintdef(k.oid),
            'columns', (SELECT jsonb_agg(a.attname ORDER BY p.place)
                        FROM unnest(k.conkey) WITH ORDINALITY p(num, place)
                        JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = p.num))
            ORDER BY k.conname) AS text)
        FROM pg_constraint k WHERE k.conrelid = w.oid AND k.contype IN ('p', 'c')),
    (SELECT CAST(jsonb_agg(jsonb_build_object(
            'unique', i.indisunique AND i.indimmediate, 'partial', i.indpred IS NOT NULL,
            'expressions', i.indexprs IS NOT NULL,
            'columns', (SELECT jsonb_agg(a.attname ORDER BY p.place)
                        FROM unnest(CAST(i.indkey AS int2[])) WITH ORDINALITY p(num, place)
                        JOIN pg_attribute a ON a.attrelid = w.oid AND a.attnum = p.num
                        WHERE p.place <= i.indnkeyatts)) ORDER BY i.indexrelid) AS text)
        FROM pg_index i WHERE i.indrelid = w.oid AND i.indisvalid),
    (SELECT CAST(jsonb_agg(jsonb_build_object(
            'name', k.conname, 'schema', cn.nspname, 'table', cc.relname, 'action', k.confdeltype,
            'readable', has_table_privilege(k.conrelid, 'SELECT') AND has_schema_privilege(cn.oid, 'USAGE'),
            'columns', (SELECT jsonb_agg(a.attname ORDER BY p.place) FROM unnest(k.conkey) WITH ORDINALITY p(num, place)
                        JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = p.num),
            'nullable', (SELECT bool_and(NOT a.attnotnull) FROM pg_attribute a
                         WHERE a.attrelid = k.conrelid AND a.attnum = ANY(k.conkey)),
            'parent_columns', (SELECT jsonb_agg(a.attname ORDER BY p.place)
                        FROM unnest(k.confkey) WITH ORDINALITY p(num, place)
                        JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = p.num))
            ORDER BY cn.nspname, cc.relname, k.conname) AS text)
        FROM pg_constraint k JOIN pg_class cc ON cc.oid = k.conrelid JOIN pg_namespace cn ON cn.oid = cc.relnamespace
        WHERE k.confrelid = w.oid AND k.contype = 'f' AND k.conparentid = 0),
    pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on'
FROM wanted w ORDER BY w.schema, w.name
"""


class Opaque(UserDefinedType[Any]):
    """A type the data map does not calculate with (an enum, a domain, an extension's): compared as text."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_: Any) -> str:
        return str(DIALECT.identifier_preparer.quote(self.name))


@dataclass(frozen=True)
class ForeignKey:
    """A live foreign key: rows of `child` point at a row of `parent`."""

    name: str
    child: TableName
    columns: tuple[str, ...]
    parent: TableName
    parent_columns: tuple[str, ...]
    action: str  # a: no action, r: restrict, c: cascade, n: set null, d: set default
    nullable: bool
    readable: bool  # we may look whether a row of the child points here


@dataclass(frozen=True)
class Check:
    columns: tuple[str, ...]
    definition: str


@dataclass(frozen=True)
class LiveTable:
    schema: str
    name: str
    kind: str  # r table, p partitioned, v view, m materialised view, f foreign table
    table: sa.Table
    not_null: frozenset[str]
    generated: frozenset[str]
    writable: frozenset[str]
    primary_key: tuple[str, ...]
    uniques: tuple[tuple[str, ...], ...]
    indexed: frozenset[str]  # columns that lead an index
    indexes: tuple[tuple[str, ...], ...]
    checks: tuple[Check, ...]
    referenced_by: tuple[ForeignKey, ...]
    can_select: bool
    can_delete: bool
    read_only: bool

    @property
    def columns(self) -> list[str]:
        return [column.name for column in self.table.columns]

    def key_columns(self) -> tuple[str, ...]:
        """What tells its rows apart: the primary key, else the shortest unique key without NULLs, else nothing."""
        if self.primary_key:
            return self.primary_key
        candidates = [unique for unique in self.uniques if set(unique) <= self.not_null]
        return min(candidates, key=lambda one: (len(one), one), default=())

    def is_unique(self, column: str) -> bool:
        return (column,) in self.uniques or self.primary_key == (column,)


@dataclass(frozen=True)
class LiveSchema:
    """The tables of one store that the map names, and the digest of everything an erasure depends on."""

    tables: Mapping[TableName, LiveTable]
    digest: str
    foreign_keys: tuple[ForeignKey, ...] = field(default=())


def reflect(session: Session, wanted: Iterable[TableName]) -> LiveSchema:
    """Read the named tables from the catalogue: one statement. A table that does not exist is simply absent."""
    pairs = sorted(set(wanted), key=lambda one: (one[0] or "", one[1]))
    if session.dialect.name == mariadb.NAME:
        return _build(json.dumps(mariadb_schema.catalogue(session, pairs)), mariadb.NAME)
    statement = sa.text(CATALOGUE).bindparams(
        sa.bindparam("schemas", [schema for schema, _ in pairs], type_=pg.ARRAY(sa.Text)),
        sa.bindparam("names", [name for _, name in pairs], type_=pg.ARRAY(sa.Text)),
    )
    return _build(json.dumps([list(row) for row in session.rows(statement)]) if pairs else "[]", DIALECT.name)


@lru_cache(maxsize=64)
def _build(catalogue: str, dialect: str) -> LiveSchema:
    metadata = sa.MetaData(info={"dialect": dialect})
    tables = {}
    for row in json.loads(catalogue):
        asked, name, schema = row[:3]
        live = _table(metadata, row)
        tables[(asked, name)] = live
        tables[(schema, name)] = live
    digest = hashlib.sha256(catalogue.encode()).hexdigest()
    keys = tuple(dict.fromkeys(key for live in tables.values() for key in live.referenced_by))
    return LiveSchema(tables, digest, keys)


def _table(metadata: sa.MetaData, row: list[Any]) -> LiveTable:
    _asked, name, schema, kind, can_select, can_delete, *texts, read_only = row
    columns, constraints, indexes, references = (json.loads(text or "[]") for text in texts)
    known = metadata.tables.get(f"{schema}.{name}")
    table = known if known is not None else sa.Table(
        name, metadata, *(sa.Column(one["name"], _type(metadata, one), info=one) for one in columns), schema=schema
    )  # fmt: skip
    plain = [one for one in indexes if not one["partial"] and not one["expressions"] and one["columns"]]
    usable = [one for one in indexes if one["columns"] and not one["expressions"]]
    return LiveTable(
        schema=schema,
        name=name,
        kind=kind,
        table=table,
        not_null=frozenset(one["name"] for one in columns if one["not_null"]),
        generated=frozenset(one["name"] for one in columns if one["generated"]),
        writable=frozenset(one["name"] for one in columns if one["update"]),
        primary_key=next((tuple(one["columns"]) for one in constraints if one["kind"] == "p"), ()),
        uniques=tuple(tuple(one["columns"]) for one in plain if one["unique"]),
        indexed=frozenset(one["columns"][0] for one in plain),
        indexes=tuple(tuple(one["columns"]) for one in usable),
        checks=tuple(
            Check(tuple(one["columns"] or ()), one["definition"]) for one in constraints if one["kind"] == "c"
        ),
        referenced_by=tuple(_foreign_key(one, schema, name) for one in references),
        can_select=can_select,
        can_delete=can_delete,
        read_only=read_only or kind in ("v", "m", "f"),
    )


def _foreign_key(one: Mapping[str, Any], schema: str, name: str) -> ForeignKey:
    return ForeignKey(
        name=one["name"],
        child=(one["schema"], one["table"]),
        columns=tuple(one["columns"]),
        parent=(schema, name),
        parent_columns=tuple(one["parent_columns"]),
        action=one["action"],
        nullable=one["nullable"],
        readable=one["readable"],
    )


SIMPLE: dict[str, TypeEngine[Any]] = {
    "int2": sa.SmallInteger(), "int4": sa.Integer(), "int8": sa.BigInteger(), "text": sa.Text(), "bool": sa.Boolean(),
    "uuid": sa.Uuid(), "timestamptz": sa.DateTime(timezone=True), "timestamp": sa.DateTime(), "date": sa.Date(),
    "time": sa.Time(), "numeric": sa.Numeric(), "float4": sa.Float(), "float8": sa.Float(), "json": pg.JSON(),
    "jsonb": pg.JSONB(), "bytea": sa.LargeBinary(), "inet": pg.INET(), "cidr": pg.CIDR(), "citext": pg.CITEXT(),
}  # fmt: skip


def _type(metadata: sa.MetaData, column: Mapping[str, Any]) -> TypeEngine[Any]:
    if metadata.info["dialect"] == mariadb.NAME:
        return mariadb_schema.kind_of(column) or Opaque(column["type"])
    if column["element"]:
        return pg.ARRAY(
            SIMPLE.get(column["element"], sa.String() if column["element"] == "varchar" else Opaque(column["element"]))
        )
    length = column["modifier"] - 4 if column["modifier"] > 4 else None
    if column["type"] == "varchar":
        return sa.String(length)
    if column["type"] == "bpchar":
        return sa.CHAR(length)
    return SIMPLE.get(column["type"]) or Opaque(column["type"])
