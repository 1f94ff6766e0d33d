"""The generated SQL gives the verdicts of the Python specification: random rows, rules, choices and holds."""

import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.db import connection
from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, Integer, MetaData, Table, Text, func, select
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2

from apps.datamap.services import of_accounts
from apps.retention.evaluation import Choices, Row, Shape, verdict
from apps.retention.models import Rule
from apps.retention.periods import Event, Period
from apps.retention.predicates import limits_of, still_runs

pytestmark = [pytest.mark.django_db, pytest.mark.req("RET-1", "RET-2", "RET-4")]

DIALECT = PGDialect_psycopg2()
ROUNDS, ROWS = 200, 500  # 100,000 rows, each round with rules, choices and a day of its own
PERIODS = ("P0D", "P1D", "P30D", "P1M", "P6M", "P12M", "P13M", "P24M", "P10Y", "P1M15D")
COUNTRIES, REGIONS, ACCOUNTS = ("NL", "US", "BR", None), ("EEA", "other", None), (1, 2, 3, None)
START = datetime(2010, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Collection:
    table: Table
    region: Any
    country: Any
    tenant: Any
    clock: Any
    clocks: dict
    conditions: dict
    retention: tuple = ()
    base_key: str = "sample:rows"
    key: str = "sample:rows"
    dataset: str = "sample"
    name: str = "rows"
    capacity: str = "controller"
    key_names: tuple = ("id",)


@dataclass
class Round:
    """Rules, a shape, choices, a day; and rows most of which lie near a cutoff."""

    chance: random.Random
    rules: list[Rule] = field(default_factory=list)
    rows: list[tuple] = field(default_factory=list)

    def __post_init__(self) -> None:
        chance = self.chance
        self.today = date(2011, 1, 1) + timedelta(days=chance.randrange(7_000))
        self.rules = [self.rule(f"r{n}") for n in range(chance.randrange(1, 5))]
        self.has_region, self.has_country = chance.random() < 0.7, chance.random() < 0.7
        self.is_date = chance.random() < 0.3
        self.own_clocks = {Event.SERVICE_END: "ended_on"} if chance.random() < 0.6 else {}
        chosen = {
            (str(account), chance.choice(self.rules).key): Period.parse(chance.choice(PERIODS))
            for account in (1, 2) if chance.random() < 0.5
        }  # fmt: skip
        departures = {"3": self.today - timedelta(days=chance.randrange(-5, 60))} if chance.random() < 0.4 else {}
        self.choices = Choices(chosen, departures)
        self.conditions = {rule.key: ("flag", chance.random() < 0.5) for rule in self.rules if chance.random() < 0.25}
        self.rows = [self.row(number) for number in range(ROWS)]

    def rule(self, key: str) -> Rule:
        chance = self.chance
        is_duty = chance.random() < 0.25
        return Rule(
            key=key,
            period=chance.choice(PERIODS),
            starts_at=chance.choice(list(Event)),
            region=chance.choice(("any", "any", "EEA", "other", "US", "BR")),
            extends=chance.choice(("", "", "r0")),
            is_duty=is_duty,
            is_limit=chance.random() < 0.8,
            is_interest=chance.random() < 0.3,
        )

    def instant(self) -> datetime | None:
        """Within two days of the day whose period ends today, more often than not."""
        chance = self.chance
        if chance.random() < 0.1:
            return None
        if chance.random() < 0.3:
            return START + timedelta(seconds=chance.randrange(900_000_000))
        period = chance.choice(self.rules).calendar
        near = period.latest_start(ended_before=self.today)
        midnight = datetime(max(near.year, 2), near.month, near.day, tzinfo=UTC)
        return midnight + timedelta(seconds=chance.randrange(-172_800, 259_200))

    def row(self, number: int) -> tuple:
        chance = self.chance
        clock, ended = self.instant(), self.instant()
        return (
            number, clock.date() if clock and self.is_date else clock, ended and ended.date(), chance.choice(REGIONS),
            chance.choice(COUNTRIES), chance.choice(ACCOUNTS), chance.choice((None, 1)), chance.random() < 0.1,
        )  # fmt: skip

    def collection(self) -> Collection:
        clock = Column("clock", Date() if self.is_date else DateTime(timezone=True))
        table = Table(
            "rows", MetaData(), Column("id", Integer), clock, Column("ended_on", Date), Column("region", Text),
            Column("country", Text), Column("account", BigInteger), Column("flag", Integer), Column("held", Boolean),
        )  # fmt: skip
        return Collection(
            table=table,
            region=table.c.region if self.has_region else None,
            country=table.c.country if self.has_country else None,
            tenant=table.c.account,
            clock=clock,
            clocks={event: table.c[name] for event, name in self.own_clocks.items()},
            conditions={rule: (table.c.flag, filled) for rule, (_, filled) in self.conditions.items()},
        )

    def expected(self) -> dict[int, str]:
        """Row -> the limit by which it goes."""
        shape = Shape(self.has_region, self.has_country, self.conditions)
        found = {}
        for number, clock, ended, region, country, account, flag, held in self.rows:
            row = Row(
                clock, dict.fromkeys(self.own_clocks, ended), region, country,
                None if account is None else str(account), frozenset({"flag"} if flag else ()), held,
            )  # fmt: skip
            fate = verdict(row, shape, self.rules, self.choices, today=self.today)
            if fate.goes:
                found[number] = fate.rule
        return found

    def found(self) -> dict[int, str]:
        collection = self.collection()
        limits = limits_of(self.rules, collection, self.choices, today=self.today, tenants=of_accounts)
        if limits is None:
            return {}
        kept = [
            still_runs(rule, collection, self.choices, today=self.today, tenants=of_accounts)
            for rule in self.rules if rule.is_duty
        ]  # fmt: skip
        stays = [keep.is_not(True) for keep in kept if keep is not None]
        statement = select(collection.table.c.id, limits.rule).where(limits.past, *stays, func.not_held())
        compiled = statement.compile(dialect=DIALECT, compile_kwargs={"render_postcompile": True})
        with connection.cursor() as cursor:
            cursor.execute(str(compiled).replace("not_held()", "NOT held"), compiled.params)
            return dict(cursor.fetchall())


def store(rows: list[tuple], *, is_date: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL timezone TO 'Pacific/Auckland'")  # the session's zone must not matter
        cursor.execute("DROP TABLE IF EXISTS rows")
        cursor.execute(
            f"CREATE TEMPORARY TABLE rows (id integer, clock {'date' if is_date else 'timestamptz'}, ended_on date,"
            " region text, country text, account bigint, flag integer, held boolean) ON COMMIT DROP"
        )
        lines = ("\t".join("\\N" if value is None else str(value) for value in row) for row in rows)
        cursor.copy_expert("COPY rows FROM STDIN", StringIO("\n".join(lines)))


@pytest.mark.parametrize("seed", range(4))
def test_sql_and_python_agree_on_a_hundred_thousand_rows(seed):
    chance = random.Random(20261127 + seed)
    went = 0
    for number in range(ROUNDS // 4):
        each = Round(chance)
        store(each.rows, is_date=each.is_date)
        expected = each.expected()
        assert each.found() == expected, (seed, number)
        went += len(expected)
    assert went > 2_000  # most rules let something go, else nothing was proved
