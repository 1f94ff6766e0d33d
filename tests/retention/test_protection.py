"""The guard: which rows of a real table a duty or an interest keeps, why, and until when."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import connection
from sqlalchemy import Column, DateTime, Integer, MetaData, Table, Text, select
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2

from apps.datamap import guards
from apps.retention import protection
from apps.retention.models import Rule
from apps.retention.periods import Event
from tests.retention.factories import RuleFactory

pytestmark = [pytest.mark.django_db, pytest.mark.req("DSR-5")]

NOW = datetime(2027, 2, 28, 23, 59, tzinfo=UTC)
ROWS = [
    (1, datetime(2026, 8, 30, tzinfo=UTC), "eea"),
    (2, datetime(2026, 8, 27, 23, 59, tzinfo=UTC), "eea"),
    (3, datetime(2026, 8, 28, 0, 0, tzinfo=UTC), "row"),
    (4, None, None),
]
METADATA = MetaData()
TABLE = Table("kept", METADATA, Column("id", Integer), Column("at", DateTime(timezone=True)), Column("region", Text))


@dataclass(frozen=True)
class Collection:
    retention: tuple[str, ...]
    clock: Any = "at"
    region: Any = None
    key: str = "sample:kept"
    dataset: str = "sample"
    name: str = "kept"
    capacity: str = "controller"
    table: Table = TABLE
    base_key: str = "sample:kept"
    tenant: Any = None
    country: Any = None
    clocks: dict = field(default_factory=dict)
    conditions: dict = field(default_factory=dict)


@pytest.fixture(autouse=True)
def rows(db):
    Rule.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE kept (id integer, at timestamptz, region text) ON COMMIT DROP")
        cursor.executemany("INSERT INTO kept VALUES (%s, %s, %s)", ROWS)


def kept(collection, now=NOW):
    """Ground -> {row id: last day}, as the database decides it."""
    found = {}
    for keep in protection.keeps("platform", collection, now):
        columns = [TABLE.c.id] if keep.until is None else [TABLE.c.id, keep.until]
        compiled = select(*columns).where(keep.predicate).order_by(TABLE.c.id).compile(dialect=PGDialect_psycopg2())
        with connection.cursor() as cursor:
            cursor.execute(str(compiled), compiled.params)
            found[keep.ground] = {row[0]: (row[1] if len(row) > 1 else None) for row in cursor.fetchall()}
    return found


@pytest.mark.req("RET-1")
def test_an_interest_keeps_a_row_through_the_last_day_of_its_six_months_and_no_longer():
    RuleFactory(key="abuse_traffic", interest=True, period="P6M")
    last_of_february = date(2027, 2, 28)
    assert kept(Collection(("abuse_traffic",))) == {
        "abuse_traffic": {1: last_of_february, 3: last_of_february, 4: None}
    }
    next_day = datetime(2027, 3, 1, tzinfo=UTC)
    assert kept(Collection(("abuse_traffic",)), now=next_day) == {"abuse_traffic": {4: None}}


def test_a_limit_alone_keeps_nothing():
    RuleFactory(key="communications_content")
    assert kept(Collection(("communications_content",))) == {}


@pytest.mark.req("RET-4")
def test_a_tax_duty_keeps_until_the_end_of_the_tenth_year_after_the_book_year():
    RuleFactory(key="tax", duty=True, period="P10Y", starts_at=Event.BOOK_YEAR_END)
    assert kept(Collection(("tax",)))["tax"][2] == date(2036, 12, 31)
    [keep] = protection.keeps("platform", Collection(("tax",)), NOW)
    assert (keep.ground, keep.kind, keep.starts_at) == ("tax", "duty", "book_year_end")


def test_several_rules_each_keep_their_own_rows():
    RuleFactory(key="short", interest=True, period="P0D")
    RuleFactory(key="long", duty=True, period="P1Y")
    found = kept(Collection(("short", "long")))
    assert set(found["short"]) == {4}
    assert set(found["long"]) == {1, 2, 3, 4}


def test_a_rule_the_collection_does_not_name_keeps_nothing_there():
    RuleFactory(key="tax", duty=True)
    assert kept(Collection(("other",))) == {}


def test_without_a_clock_every_row_stays_and_no_date_is_claimed():
    RuleFactory(key="number_rental", interest=True, starts_at=Event.RENTAL_END)
    assert kept(Collection(("number_rental",), clock=None)) == {"number_rental": {1: None, 2: None, 3: None, 4: None}}


@pytest.mark.req("RET-2")
def test_a_rule_of_one_region_keeps_the_rows_of_that_region_and_those_of_an_unknown_one():
    RuleFactory(key="elsewhere", interest=True, period="P5Y", region="ROW")
    assert set(kept(Collection(("elsewhere",), region="region"))["elsewhere"]) == {3, 4}
    assert set(kept(Collection(("elsewhere",), region="row"))["elsewhere"]) == {1, 2, 3, 4}
    assert kept(Collection(("elsewhere",), region="EEA")) == {}


def test_only_the_current_version_of_a_rule_keeps():
    RuleFactory(key="tax", duty=True, period="P10Y", replaced_at=NOW)
    RuleFactory(key="tax", duty=True, period="P0D", version=2)
    assert set(kept(Collection(("tax",)))["tax"]) == {4}


def test_the_data_map_asks_this_guard_and_pins_its_version():
    RuleFactory(key="tax", duty=True)
    assert [keep.ground for keep in guards.keeps("platform", Collection(("tax",)), now=NOW) if keep.ground == "tax"]
    before = guards.version()
    RuleFactory(key="another")
    assert guards.version() != before


def test_with_no_guard_nothing_can_be_said_to_go():
    with guards.only(), pytest.raises(guards.NoGuards):
        guards.keeps("platform", Collection(("tax",)), now=NOW)


def test_a_rule_key_that_does_not_exist_is_a_flaw_of_the_map():
    RuleFactory(key="tax", duty=True)
    [flaw] = guards.flaws(Collection(("taks",)))
    assert (flaw.field, flaw.value, flaw.known) == ("retention", "taks", ("tax",))
    assert guards.flaws(Collection(("tax",))) == []


def test_a_rule_that_runs_from_the_row_without_a_clock_is_a_flaw_of_the_map():
    RuleFactory(key="abuse_traffic", interest=True)
    [flaw] = guards.flaws(Collection(("abuse_traffic",), clock=None))
    assert flaw.field == "clock"


def test_without_any_rules_the_map_says_how_to_load_them():
    [flaw] = guards.flaws(Collection(("tax",)))
    assert "seed" in flaw.message


@pytest.mark.req("RET-2")
def test_a_rule_of_one_country_stands_wherever_the_rule_it_lengthens_does():
    base = RuleFactory.build(key="content", collections=["sample:kept"])
    longer = RuleFactory.build(key="content_us", region="US", extends="content")
    elsewhere = RuleFactory.build(key="other_us", region="US", extends="other")
    assert protection.naming([base, longer, elsewhere], Collection(())) == [base, longer]
