"""Receipts: one row per effect key in the store where the effect happened, written in its transaction.

In the portal's own store that is the table of the model `Effect`; every other store has a table `portal_effects`.
"""

import json
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from apps.datamap.contract import Counts
from apps.datamap.mapping import PORTAL
from apps.datamap.stores import Session

CREATE = (
    "CREATE TABLE IF NOT EXISTS {table} (effect_key text PRIMARY KEY, counts jsonb NOT NULL, at timestamptz NOT NULL)"
)
NAME = "portal_effects"


def receipts_table(session: Session, schemas: Sequence[str | None]) -> sa.Table | None:
    """The receipts of a store: in the first of its datasets' schemas that has the table and lets us write to it."""
    if session.store == PORTAL:
        return _table("datamap_effect", None)
    statement = sa.text(
        "SELECT n.nspname FROM unnest(CAST(:schemas AS text[])) WITH ORDINALITY AS w(schema, place) "
        "JOIN pg_namespace n ON n.nspname = COALESCE(w.schema, current_schema()) "
        "JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = :name AND c.relkind IN ('r', 'p') "
        "WHERE has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT') ORDER BY w.place LIMIT 1"
    ).bindparams(sa.bindparam("schemas", [*schemas, None], type_=pg.ARRAY(sa.Text)), sa.bindparam("name", NAME))
    found = session.rows(statement)
    return _table(NAME, found[0][0]) if found else None


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
    return (json.loads(found[0][0]), found[0][1]) if found else None


def write_receipt(session: Session, table: sa.Table, effect_key: str, counts: Counts, at: datetime) -> None:
    """In the effect's own transaction; a second one with the same key fails on the primary key."""
    value = sa.cast(sa.literal(json.dumps(counts), sa.Text), pg.JSONB)
    session.run(sa.insert(table).values(effect_key=effect_key, counts=value, at=at))
