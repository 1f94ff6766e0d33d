"""Five years, night by night, over every rule of the schedule: nothing early, and nothing a day late.

In CI the nights that matter are walked: for each rule rows end on the same few days, and the night before and the night
after each of them is looked at. `PORTAL_RELIABILITY=full` walks every night, with rows that end on any of them.
"""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from apps.datamap.loading import load_files
from apps.retention import services
from apps.retention.models import Sweep
from apps.retention.services import clocks
from tests.reliability.five_years import LONGER, SHORTER, Provider
from tests.reliability.nights import Nights, at
from tests.reliability.sweeps import FULL, seeded
from tests.retention.factories import RuleFactory
from tests.subject_requests.factories import AccountFactory
from tests.template import connect

pytestmark = [pytest.mark.req("RET-1", "RET-2", "RET-3", "RET-4"), pytest.mark.threat("T50")]
START, END = date(2027, 2, 20), date(2032, 3, 5)
# The end of a February of 28 days and of 29, of a book year, of an August.
LAST_DAYS = ["2028-02-28", "2028-02-29", "2028-12-31", "2029-02-28", "2030-08-31", "2032-02-29"]


class Walk:
    def __init__(self, clone: Any) -> None:
        self.owner = connect(clone.owner_url)

    def sql(self, statement: str, *values: Any) -> None:
        self.owner.cursor().execute(statement, values or None)

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        cursor = self.owner.cursor()
        cursor.execute(query, values or None)
        return list(cursor.fetchall())


def test_for_five_years_every_row_goes_in_the_night_after_its_last_day(
    committed_db: Any, time_machine: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    chance, nights = seeded(), Nights(at(f"{START} 01:10"), time_machine, monkeypatch)
    provider = Provider(Walk(committed_db), chance, START)
    file = tmp_path / "years.yml"
    file.write_text(provider.dataset())
    load_files([str(file)], stores={}, actor="command", now=nights.true)
    of_one_country_and_one_customer(nights.true)
    last_days = [date.fromisoformat(day) for day in LAST_DAYS]
    last_days += [START + timedelta(days=chance.randrange(40, 1_800)) for _ in range(40 if FULL else 1)]
    for last in last_days:
        provider.end_on(last)
    for number, last in enumerate(last_days[:4]):
        provider.add_leaving(9_100 + number, last, nights.true)
        provider.add_leaving(9_200 + number, last - timedelta(days=30), nights.true)
    provider.add_open()
    for kind in provider.kinds * (30 if FULL else 0):
        provider.add_at_random(kind, END)
    for kind in provider.kinds:  # and some that are not due yet when all is over
        provider.add(kind, END - timedelta(days=0 if kind.period == "P0D" else 5))

    everything = {START + timedelta(days=number) for number in range((END - START).days)}
    for day in sorted(everything if FULL else {day + timedelta(days=n) for day in last_days for n in (0, 1)}):
        night(nights, provider, day)
    gone = [row for row in provider.rows if row.is_known and row.number not in provider.there()]
    assert {row.kind.rule for row in gone} == {kind.rule for kind in provider.kinds}
    print(f"{len(gone)} of {len(provider.rows)} rows went in {len(nights.swept())} nights")


def of_one_country_and_one_customer(now: datetime) -> None:
    rule, country, period = LONGER
    RuleFactory(key=f"content_{country.lower()}", extends=rule, region=country, period=period, max_period="P24M",
                citation="Act 1, art. 2", in_force_at=now - timedelta(days=1))  # fmt: skip
    rule, account, period = SHORTER
    known = AccountFactory(platform_account_id=str(account))
    services.choose_period(account=known, rule=rule, period=period, by="system", now=now)


def night(nights: Nights, provider: Provider, day: date) -> None:
    nights.wait_until(at(f"{day} 01:10"))
    provider.live_until(day)
    clocks.trust(now=nights.true)  # nights may lie between this one and the last one walked
    nights.beat()
    assert nights.swept()[-1] == day, list(Sweep.objects.filter(day=day).values("status", "waits_for"))
    there, wanted = provider.there(), provider.wanted(day)
    assert not wanted - there, f"{day}, too early: {provider.told(wanted - there)}"
    assert not there - wanted, f"{day}, too late: {provider.told(there - wanted)}"
