"""Receipts: one row per effect key in the store where the effect happened, written in its transaction.

In the portal's own store that is the table of the model `Effect`; every other store has a table `portal_effects`.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from apps.datamap import mariadb
from apps.datamap.contract import Counts
from apps.datamap.mapping import PORTAL
from apps.datamap.stores import Session

CREATE = (
    "CREATE TABLE IF NOT EXISTS {table} (effect_key text PRIMARY KEY, counts jsonb NOT NULL, at timestamptz NOT NULL)"
)
CREATE_MARIADB = (
    "CREATE TABLE IF NOT EXISTS {table} (effect_key varchar(200) CHARACTER SET ascii COLLATE ascii_bin PRIMARY KEY, "
    "counts json NOT NULL, at datetime(6) NOT NULL) ENGINE = InnoDB"
)
NAME = "portal_effects"


def create_statement(session: Session, schema: str | None) -> str:
    """What makes the table of receipts in this store."""
    quote = session.dialect.identifier_preparer.quote
    table = ".".join([quote(schema), NAME] if schema else [NAME])
    return (CREATE_MARIADB if session.dialect.name == mariadb.NAME else CREATE).format(table=table)


def receipts_table(session: Session, schemas: Sequence[str | None]) -> sa.Table | None:
    """The receipts of a store: in the first of its datasets' schemas that has the table and lets us write to it."""
    if session.store == PORTAL:
        return _table("datamap_effect", None)
    if session.dialect.name == mariadb.NAME:
        return _in_mariadb(session, schemas)
    statement = sa.text(
        "SELECT n.nspname FROM unnest(CAST(:schemas AS text[])) WITH ORDINALITY AS w(schema, place) "
        "JOIN pg_namespace n ON n.nspname = COALESCE(w.schema, current_schema()) "
        "JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = :name AND c.relkind IN ('r', 'p') "
        "WHERE has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT') ORDER BY w.place LIMIT 1"
    ).bindparams(sa.bindparam("schemas", [*schemas, None], type_=pg.ARRAY(sa.Text)), sa.bindparam("name", NAME))
    found = session.rows(statement)
    return _table(NAME, found[0][0]) if found else None


def _in_mariadb(session: Session, schemas: Sequence[str | None]) -> sa.Table | None:
    known = sa.text(
        "SELECT table_schema, table_schema = DATABASE() FROM information_schema.tables WHERE table_name = :name"
    ).bindparams(name=NAME)
    found = {row[0]: row[1] for row in session.rows(known)}
    ours = next((schema for schema, is_ours in found.items() if is_ours), None)
    places = [schema or ours for schema in [*schemas, None]]
    place = next((one for one in places if one in found), None)
    return _table(NAME, place) if place else None


def _table(name: str, schema: str | None) -> sa.Table:
    return sa.Table(
        name,
        sa.MetaData(),
        sa.Column("effect_key", sa.Text, primary_key=True),
        sa.Column("counts", pg.JSONB),
        sa.Column("at", sa.DateTime(timezone=True)),
        schema=schema,
    )


def read_receipt(session: Session, table: sa.Table, effect_key: str) -> tuple[Counts, datetime] | None:
    """What was written for this key, if the effect happened."""
    columns = sa.cast(table.c.counts, sa.Text), table.c.at
    found = session.rows(sa.select(*columns).where(table.c.effect_key == effect_key))
    if not found:
        return None
    counts, at = found[0]
    return json.loads(counts), at if at.tzinfo else at.replace(tzinfo=UTC)  # MariaDB keeps instants without a zone


def write_receipt(session: Session, table: sa.Table, effect_key: str, counts: Counts, at: datetime) -> None:
    """In the effect's own transaction; a second one with the same key fails on the primary key."""
    value: sa.ColumnElement[Any] = sa.literal(json.dumps(counts), sa.Text)
    if session.dialect.name != mariadb.NAME:
        value = sa.cast(value, pg.JSONB)
    session.run(sa.insert(table).values(effect_key=effect_key, counts=value, at=at))
