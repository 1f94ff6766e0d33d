"""The SQL calendar gives what the Python one gives: the Python one is the specification."""

import random
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Date, DateTime, Integer, MetaData, Table, literal, select
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2

from apps.retention import expressions
from apps.retention.periods import Event, Period, cutoff, ends_on
from apps.retention.predicates import before_or_on

pytestmark = [pytest.mark.django_db, pytest.mark.req("RET-1")]

DIALECT = PGDialect_psycopg2()
INSTANTS = st.datetimes(datetime(1999, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
PERIODS = st.builds(
    lambda y, m, w, d: f"P{y}Y{m}M{w}W{d}D",
    *(st.integers(0, most) for most in (12, 30, 8, 400)),
)


def rows_of(statement):
    compiled = statement.compile(dialect=DIALECT)
    with connection.cursor() as cursor:
        cursor.execute(str(compiled), compiled.params)
        return cursor.fetchall()


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    instant=INSTANTS,
    text=PERIODS,
    event=st.sampled_from(list(Event)),
    today=st.dates(date(1999, 1, 1), date(2120, 1, 1)),
)
def test_python_and_postgresql_end_a_period_on_the_same_day(instant, text, event, today):
    period = Period.parse(text)
    clock, day = literal(instant, DateTime(timezone=True)), literal(instant.date(), Date)
    last = cutoff(event, period, today=today)
    columns = [
        *(expressions.ends_on(event, value, period) for value in (clock, day)),
        *(before_or_on(value, last) for value in (clock, day)),
    ]
    expected = ends_on(event, instant, period)
    assert rows_of(select(*columns)) == [(expected, expected, expected < today, expected < today)]


def test_ten_thousand_random_rows_end_on_the_same_days_in_one_statement():
    chance = random.Random(20261123)
    months, days = [0, 1, 5, 6, 13, 24, 120], [0, 0, 7, 30]
    rules = [(chance.choice(list(Event)), Period(chance.choice(months), chance.choice(days))) for _ in range(12)]
    table, clocks = a_table_of_clocks(chance, rows=10_000)
    today = date(2026, 11, 23)
    ends = [expressions.ends_on(event, table.c.clock, period) for event, period in rules]
    runs = [before_or_on(table.c.clock, cutoff(event, period, today=today)) for event, period in rules]
    statement = select(table.c.id, *(end.label(f"e{n}") for n, end in enumerate(ends)),
                       *(run.label(f"r{n}") for n, run in enumerate(runs)))  # fmt: skip
    for number, *found in rows_of(statement):
        expected = [ends_on(event, clocks[number], period) for event, period in rules]
        assert found == [*expected, *(None if end is None else end < today for end in expected)], clocks[number]


def a_table_of_clocks(chance, *, rows):
    start = datetime(2000, 1, 1, tzinfo=UTC)
    clocks = [start + timedelta(seconds=chance.randrange(3_000_000_000)) if chance.random() > 0.02 else None
              for _ in range(rows)]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL timezone TO 'Pacific/Auckland'")  # the session's zone must not matter
        cursor.execute("CREATE TEMPORARY TABLE clocks (id integer, clock timestamptz) ON COMMIT DROP")
        cursor.execute(
            "INSERT INTO clocks SELECT ordinality - 1, clock"
            " FROM unnest(%s::timestamptz[]) WITH ORDINALITY AS given(clock, ordinality)",
            [clocks],
        )
    table = Table("clocks", MetaData(), Column("id", Integer), Column("clock", DateTime(timezone=True)))
    return table, clocks
