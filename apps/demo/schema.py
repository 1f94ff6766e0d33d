"""The sample platform's schema: made without migrations, as it stands for a system that is not the portal's own.

Communications are partitioned by region (EEA or not) and then by month, so that a month that may go can be detached
and dropped. Visits of the website are partitioned by month, so that one can be made anonymous as a whole and swapped
in. There is no DEFAULT partition: a row without a month is an error, so months are made ahead.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from psycopg2 import sql

from apps.demo.people import EEA, OTHER

SCHEMA = "platform"
PARTITIONED = ("messages", "calls", "emails", "call_recordings", "traffic_records")
BY_MONTH = ("web_visits",)
REGIONS = {EEA: "eea", OTHER: "other"}  # value of the column, part of the partition's name
MONTHS_AHEAD = 3
PARENTS = (*(f"{table}_{region}" for table in PARTITIONED for region in REGIONS.values()), *BY_MONTH)

_SQL = Path(__file__).parent / "sql"


def create_schema(owner_cursor: Any, *, owned_by: str) -> None:
    """Needs a role that may make schemas; all that lies in the schema belongs to `owned_by`."""
    owner_cursor.execute(
        sql.SQL("CREATE SCHEMA IF NOT EXISTS {} AUTHORIZATION {}").format(
            sql.Identifier(SCHEMA), sql.Identifier(owned_by)
        )
    )


def lock(cursor: Any) -> None:
    """One at a time makes tables or months; the others wait for its transaction."""
    cursor.execute("SELECT pg_advisory_xact_lock(hashtext('platform'))")


def exists(cursor: Any) -> bool:
    """Whether the platform's tables are there."""
    cursor.execute("SELECT to_regclass('platform.traffic_records') IS NOT NULL")
    return bool(cursor.fetchone()[0])


def create_tables(cursor: Any, *, first: date, visits_from: date, last: date) -> None:
    """Tables and the months from `first` to `last` (of visits from `visits_from`), without indexes: `create_indexes`
    follows when the rows are in."""
    cursor.execute((_SQL / "tables.sql").read_text())
    for table in PARTITIONED:
        for value, name in REGIONS.items():
            cursor.execute(
                sql.SQL("CREATE TABLE {} PARTITION OF {} FOR VALUES IN ({}) PARTITION BY RANGE (created_at)").format(
                    _named(f"{table}_{name}"), _named(table), sql.Literal(value)
                )
            )
    make_months(cursor, first=visits_from, last=first, parents=BY_MONTH)
    make_months(cursor, first=first, last=last)


def create_indexes(cursor: Any) -> None:
    cursor.execute((_SQL / "indexes.sql").read_text())


def drop_tables(cursor: Any) -> None:
    """Everything in the schema, the schema itself stays: only its owner's owner may make it again."""
    cursor.execute(
        "SELECT relname, relkind FROM pg_class WHERE relnamespace = 'platform'::regnamespace "
        "AND relkind IN ('r', 'p') AND NOT relispartition"
    )
    tables = [_named(name) for name, _ in cursor.fetchall()]
    if tables:
        cursor.execute(sql.SQL("DROP TABLE {} CASCADE").format(sql.SQL(", ").join(tables)))
    cursor.execute("SELECT relname FROM pg_class WHERE relnamespace = 'platform'::regnamespace AND relkind = 'S'")
    for (name,) in cursor.fetchall():
        cursor.execute(sql.SQL("DROP SEQUENCE {}").format(_named(name)))


def make_months(cursor: Any, *, first: date, last: date, parents: Sequence[str] = PARENTS) -> int:
    """Makes the missing monthly partitions from `first`'s month to `last`'s; says how many. Safe beside itself.

    A month is made apart and then attached: making it in place would lock out everybody who reads the table.
    """
    lock(cursor)
    cursor.execute("SELECT relname FROM pg_class WHERE relnamespace = 'platform'::regnamespace AND relkind = 'r'")
    there = {name for (name,) in cursor.fetchall()}
    missing = [
        (parent, month)
        for month in _months(first, last)
        for parent in parents
        if f"{parent}_{month:%Y_%m}" not in there
    ]
    if missing:
        cursor.execute(sql.SQL("\n").join([_month(parent, month) for parent, month in missing]))
    return len(missing)


def _month(parent: str, month: date) -> sql.Composed:
    statements = """
        CREATE TABLE {month} (LIKE {parent} INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
        ALTER TABLE {parent} ATTACH PARTITION {month} FOR VALUES FROM ({first}) TO ({next});"""
    return sql.SQL(statements).format(
        month=_named(f"{parent}_{month:%Y_%m}"),
        parent=_named(parent),
        first=sql.Literal(f"{month} 00:00:00+00"),
        next=sql.Literal(f"{month_after(month)} 00:00:00+00"),
    )


def month_after(day: date, months: int = 1) -> date:
    """The first of the month that comes so many months after `day`'s."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, 1)


def _months(first: date, last: date) -> list[date]:
    months = [first.replace(day=1)]
    while months[-1] < last.replace(day=1):
        months.append(month_after(months[-1]))
    return months


def _named(name: str) -> sql.Identifier:
    return sql.Identifier(SCHEMA, name)
