"""A small provider with a table for every rule of the schedule, whose rows come into being over five years.

When each row's last day is, is counted here on the calendar, with nothing of the engine's.
"""

import csv
import random
import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from apps.retention import services
from tests.subject_requests.factories import AccountFactory

SCHEDULE = Path("apps/retention/data/retention_schedule.csv")
HAPPENED = ("created", "book_year_end")  # to every row, as soon as it is there
WITH_THE_SERVICE = ("service_end", "rental_end", "withdrawn_or_expired")
PLACES = [(None, None), ("eea", "NL"), ("eea", "BR"), ("other", "BR"), ("other", "US"), ("other", None)]
LONGER = ("communications_content", "BR", "P12M")  # outside the EEA, by the law of one country
SHORTER = ("communications_content", 9_001, "P7D")  # as one customer chose


@dataclass(frozen=True)
class Kind:
    """One rule of the schedule, and the table that it rules."""

    rule: str
    period: str
    event: str
    anonymises: bool

    @property
    def holds_dates(self) -> bool:
        return self.event in ("book_year_end", "rental_end", "service_end", "closed")


@dataclass
class Planned:
    """A row: when it comes into being, when its event happens, and the last day on which it must be there."""

    kind: Kind
    number: int
    account: int
    place: tuple[str | None, str | None]
    born: date
    happens: datetime | None
    last: date | None
    is_known: bool = False
    has_happened: bool = False


def kinds() -> list[Kind]:
    with SCHEDULE.open(newline="") as file:
        return [Kind(row["key"], row["period"], row["starts_at"], row["action"] == "anonymise")
                for row in csv.DictReader(file)]  # fmt: skip


def after(day: date, period: str) -> date:
    """The day that has the same number, or the last of its month; then days."""
    [(years, months, days)] = re.findall(r"^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?$", period)
    month = day.month - 1 + int(months or 0)
    year, month = day.year + int(years or 0) + month // 12, month % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1])) + timedelta(days=int(days or 0))


def last_day(kind: Kind, day: date, period: str = "") -> date:
    return after(date(day.year, 12, 31) if kind.event == "book_year_end" else day, period or kind.period)


class Provider:
    """The tables, and the rows to come."""

    def __init__(self, platform: Any, chance: random.Random, start: date) -> None:
        self.platform, self.chance, self.start, self.kinds = platform, chance, start, kinds()
        self.rows: list[Planned] = []
        for kind in self.kinds:
            clock = "date" if kind.holds_dates else "timestamptz"
            platform.sql(f"""CREATE SCHEMA IF NOT EXISTS years AUTHORIZATION portal_app; SET ROLE portal_app;
                CREATE TABLE years.{kind.rule} (id bigint PRIMARY KEY, account_id bigint, who text, clock {clock},
                    region text, country text);
                CREATE TABLE IF NOT EXISTS years.portal_effects (effect_key text PRIMARY KEY, counts jsonb NOT NULL,
                    at timestamptz NOT NULL); RESET ROLE""")

    def dataset(self) -> str:
        """The map: each table under its rule."""
        place = {"region": "region", "country": "country"}
        names = dict.fromkeys(("id", "clock", "region", "country"), "system.operations")
        names |= {"account_id": "user.account.account_id", "who": "user.contact.email"}
        fields = [
            {"name": name, "data_categories": [category]}
            | ({"fides_meta": {"primary_key": True}} if name == "id" else {})
            | ({"fides_meta": {"identity": "email"}} if name == "who" else {})
            for name, category in names.items()
        ]
        described = {
            kind.rule: {"tenant": "account_id", "clock": "clock", "retention": [kind.rule]}
            | (place if kind.rule == LONGER[0] else {})
            | ({"clocks": {"created": "clock"}} if kind.rule == "payment_methods" else {})
            for kind in self.kinds
        }
        portal = {"store": "platform", "schema": "years", "capacity": "controller", "collections": described,
                  "impersonal": {"portal_effects": "*"}}  # fmt: skip
        collections = [{"name": kind.rule, "fields": fields} for kind in self.kinds]
        one = {"fides_key": "years", "name": "Years", "meta": {"portal": portal}, "collections": collections}
        return yaml.safe_dump({"dataset": [one]})

    # --- rows to come --------------------------------------------------------------------------------

    def end_on(self, last: date) -> None:
        """For every rule, rows whose last day this is: from each day whose period ends with it."""
        for kind in self.kinds:
            for day in starts(kind, last):
                self.add(kind, day, place=("eea", "BR"))
        content = next(kind for kind in self.kinds if kind.rule == LONGER[0])
        for day in starts(content, last, LONGER[2]):
            self.add(content, day, place=("other", "BR"))
        for day in starts(content, last, SHORTER[2]):
            self.add(content, day, account=SHORTER[1])

    def add(
        self, kind: Kind, day: date, *, account: int = 9_000, place: tuple[str | None, str | None] = (None, None)
    ) -> None:
        """A row whose period starts on `day`."""
        ends = [last_day(kind, day)]
        if kind.rule == LONGER[0]:
            region, country = place
            ends += [last_day(kind, day, LONGER[2])] if region != "eea" and country in (None, LONGER[1]) else []
        last = max(ends)
        if (kind.rule, account) == SHORTER[:2]:
            last = last_day(kind, day, SHORTER[2])
        second = self.chance.choice((0, 86_399, self.chance.randrange(86_400)))
        happens = datetime.combine(day, datetime.min.time(), UTC) + timedelta(seconds=second)
        born = day if kind.event in HAPPENED else min(day, self.start + timedelta(days=self.chance.randrange(300)))
        self.rows.append(Planned(kind, len(self.rows) + 1, account, place, born, happens, last))

    def add_at_random(self, kind: Kind, until: date) -> None:
        day = self.start + timedelta(days=self.chance.randrange(-400, (until - self.start).days))
        place = self.chance.choice(PLACES) if kind.rule == LONGER[0] else (None, None)
        self.add(kind, day, place=place)

    def add_leaving(self, account: int, ends_on: date, now: datetime) -> None:
        """A customer that leaves on a day: the start of periods of rows that know of no other end of the service."""
        known = AccountFactory(platform_account_id=str(account))
        services.announce_departure(account=known, choice="delete", service_ends_on=ends_on, by="system", now=now)
        for kind in self.kinds:
            if kind.event in WITH_THE_SERVICE:
                last, number = last_day(kind, ends_on), len(self.rows) + 1
                self.rows.append(Planned(kind, number, account, (None, None), self.start, None, last))

    def add_open(self) -> None:
        """Rows whose event never happens."""
        for kind in self.kinds:
            if kind.event not in HAPPENED:
                self.rows.append(Planned(kind, len(self.rows) + 1, 9_000, (None, None), self.start, None, None))

    # --- days ----------------------------------------------------------------------------------------

    def live_until(self, day: date) -> None:
        """What has come into being, and what has happened to it."""
        for row in self.rows:
            happens = row.happens.date() if row.happens else None
            if not row.is_known and row.born <= day:
                row.is_known, row.has_happened = True, bool(happens and happens <= day)
                clock = row.happens if row.has_happened else None
                self.platform.sql(
                    f"INSERT INTO years.{row.kind.rule} VALUES (%s, %s, 'a@example.org', %s, %s, %s)",
                    row.number, row.account, clock, *row.place,
                )  # fmt: skip
            elif row.is_known and not row.has_happened and happens and happens <= day:
                row.has_happened = True
                self.platform.sql(f"UPDATE years.{row.kind.rule} SET clock = %s WHERE id = %s", row.happens, row.number)

    def there(self) -> set[int]:
        """Rows that are there, and say whose they are."""
        tables = " UNION ALL ".join(
            f"SELECT id FROM years.{kind.rule}" + (" WHERE who IS NOT NULL" if kind.anonymises else "")
            for kind in self.kinds
        )
        return {number for (number,) in self.platform.rows(tables)}

    def wanted(self, day: date) -> set[int]:
        """Rows that must be there once the night of this day is over."""
        return {row.number for row in self.rows if row.is_known and (row.last is None or row.last >= day)}

    def told(self, numbers: set[int]) -> list[str]:
        return [f"{row.kind.rule} {row.happens} last {row.last}" for row in self.rows if row.number in numbers][:5]


def starts(kind: Kind, last: date, period: str = "") -> Iterator[date]:
    """Every day from which the period ends with `last`; of a book year its first and last day, and one in February."""
    year = last.year - int(after(date(2000, 1, 1), kind.period).year - 2000)
    book_year = [date(year, 1, 1), date(year, 2, 28), date(year, 12, 31)]
    around = (last - (after(last, period or kind.period) - last) + timedelta(days=n) for n in range(-6, 7))
    for day in book_year if kind.event == "book_year_end" else around:
        if last_day(kind, day, period) == last:
            yield day
