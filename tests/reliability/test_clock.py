"""Clocks that jump: nothing goes early, a person looks, and once the clock is right again all goes on by itself.

Rows stand at their last day: whatever would be swept a day too soon is missed at once.
"""

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from apps.retention import services
from apps.retention.models import Sweep
from apps.retention.states import SweepStatus
from tests.reliability.nights import Nights, at
from tests.reliability.sweeps import FULL

pytestmark = [pytest.mark.req("RET-1", "RET-3"), pytest.mark.threat("T50")]
DAY = timedelta(days=1)
START = at("2027-01-11 00:10")
JUMPS = {"+24 h": DAY, "-24 h": -DAY, "+400 d": 400 * DAY}


QUIET = ("messages", "calls", "emails", "call_recordings", "traffic_records", "web_visits", "invoices", "leads",
         "payment_methods", "numbers", "contacts")  # fmt: skip


@pytest.fixture(autouse=True)
def few_rows(platform: Any) -> None:
    """Nights are to be short: there are many of them."""
    platform.sql(f"TRUNCATE {', '.join(f'platform.{name}' for name in QUIET)} CASCADE")


@pytest.fixture
def nights(platform: Any, time_machine: Any, monkeypatch: pytest.MonkeyPatch) -> Nights:
    return Nights(START, time_machine, monkeypatch)


def recordings(platform: Any) -> set[int]:
    """The recordings of support calls made for a test, by their number: they stay for ninety days."""
    return {number for (number,) in platform.rows("SELECT id FROM platform.support_recordings WHERE id >= 90000")}


def record(platform: Any, number: int, instant: str) -> None:
    platform.sql(
        "INSERT INTO platform.support_recordings (id, account_id, storage_key, duration_seconds, created_at)"
        " VALUES (%s, 1001, 'k', 1, %s)", 90_000 + number, at(instant),
    )  # fmt: skip


def ending(platform: Any, last: date, days: int) -> None:
    """One recording for each of these days, the number telling the day after `last` that is its last one."""
    for number in range(days):
        made = last + timedelta(days=number - 90)
        record(platform, number, f"{made} 23:59:59")


def test_the_first_night_of_a_new_installation_waits_for_nobody(nights: Nights) -> None:
    assert nights.tick_until(at("2027-01-11 01:10")) > 0
    assert nights.swept()[-1] == date(2027, 1, 11)
    assert nights.waiting() == []


@pytest.mark.parametrize("by", JUMPS.values(), ids=JUMPS)
def test_a_clock_that_jumps_makes_the_plan_wait_and_once_it_is_right_the_next_night_runs_by_itself(
    nights: Nights, platform: Any, by: timedelta
) -> None:
    ending(platform, date(2027, 1, 11), 4)
    nights.tick_until(at("2027-01-11 12:10"), every=timedelta(hours=6))
    assert nights.swept()[-1] == date(2027, 1, 11)
    assert recordings(platform) == {90_000, 90_001, 90_002, 90_003}  # one of them for the last day

    nights.jump(by)
    nights.tick_until(at("2027-01-11 21:10"), every=timedelta(hours=3))
    assert recordings(platform) == {90_000, 90_001, 90_002, 90_003}
    assert nights.swept()[-1] == date(2027, 1, 11)
    if by > timedelta(0):
        assert "clock_jump" in nights.waiting()

    nights.put_right()
    nights.tick_until(at("2027-01-12 02:10"))
    assert nights.swept()[-1] == date(2027, 1, 12)
    assert recordings(platform) == {90_001, 90_002, 90_003}
    nights.tick_until(at("2027-01-13 01:10"), every=timedelta(hours=6))
    nights.tick_until(at("2027-01-13 02:10"))
    assert recordings(platform) == {90_002, 90_003}


@pytest.mark.parametrize("by", [DAY, 400 * DAY], ids=["+24 h", "+400 d"])
def test_what_a_person_approves_runs_and_the_clock_is_trusted_from_then_on(
    nights: Nights, platform: Any, by: timedelta
) -> None:
    ending(platform, date(2027, 1, 11) + by, 3)
    nights.tick_until(at("2027-01-11 12:10"), every=timedelta(hours=6))
    nights.jump(by)  # it had been wrong until then, and was put right
    nights.beat()
    [plan] = Sweep.objects.filter(status=SweepStatus.WAITING)
    assert "clock_jump" in plan.waits_for
    assert plan.day == nights.wall.date()

    services.approve_plan(plan, by="command", now=nights.wall)
    nights.tick_until(nights.true + timedelta(minutes=20), every=timedelta(minutes=10))
    assert nights.swept()[-1] == nights.wall.date()
    assert recordings(platform) == {90_000, 90_001, 90_002}
    nights.tick_until(nights.true + DAY)
    assert recordings(platform) == {90_001, 90_002}
    assert nights.waiting() == []
    assert nights.swept()[-1] == nights.wall.date()


def test_a_clock_set_back_after_somebody_vouched_for_it_is_in_doubt_again(nights: Nights, platform: Any) -> None:
    nights.tick_until(at("2027-01-11 12:10"), every=timedelta(hours=6))
    nights.jump(30 * DAY)
    nights.beat()
    services.approve_plan(Sweep.objects.get(status=SweepStatus.WAITING), by="command", now=nights.wall)
    nights.beat()
    nights.put_right()
    nights.tick_until(at("2027-01-12 02:10"), every=timedelta(hours=2))
    assert "clock_jump" in nights.waiting()
    assert nights.swept()[-1] != date(2027, 1, 12)


def test_a_clock_that_jumps_while_the_machine_is_off_for_long_makes_the_plan_wait(nights: Nights) -> None:
    nights.tick_until(at("2027-01-11 12:10"), every=timedelta(hours=6))
    nights.boot = "second"
    nights.jump(400 * DAY)
    nights.beat()
    assert nights.waiting() == ["clock_gap"]


# --- daylight saving, 29 February ---------------------------------------------------------------------

CHANGES = ["2027-03-28", "2027-10-31"]  # in Amsterdam, at 01:00 UTC
ZONES = ["Europe/Amsterdam", "America/Los_Angeles", "Pacific/Auckland"] if FULL else ["Europe/Amsterdam"]


@pytest.mark.parametrize("day", CHANGES)
@pytest.mark.parametrize("zone", ZONES)
def test_a_change_of_daylight_saving_makes_no_night_early_late_or_double(
    platform: Any, time_machine: Any, monkeypatch: pytest.MonkeyPatch, settings: Any, day: str, zone: str
) -> None:
    settings.TIME_ZONE = zone
    change = at(f"{day} 01:00")
    nights = Nights(change - timedelta(hours=37), time_machine, monkeypatch)
    for number in range(72):  # an hour each, around the change ninety days later
        made = change - timedelta(days=91) + timedelta(hours=number - 25, minutes=30)
        record(platform, number, made.strftime("%Y-%m-%d %H:%M"))
    hours, gone = 84, {}
    for _ in range(hours):
        nights.tick_until(nights.true + timedelta(hours=1))
        there = recordings(platform)
        for number in set(range(90_000, 90_072)) - there:
            gone.setdefault(number, nights.true)
    for number, instant in gone.items():
        made = change - timedelta(days=91) + timedelta(hours=number - 90_000 - 25, minutes=30)
        wanted = made.date() + timedelta(days=91)
        assert (instant.date(), instant.hour) == (wanted, 1), made
    assert len(gone) > 48
    assert nights.waiting() == []
    days = nights.swept()
    assert days == sorted(set(days))  # one a day
    offsets = {instant.astimezone(ZoneInfo("Europe/Amsterdam")).utcoffset() for instant in gone.values()}
    assert len(offsets) == 2


LEAP = [
    # made, then the last day under ninety days, six months (handed back) and twelve (last contact)
    ("2027-11-30", "2028-02-28", None, None),
    ("2027-12-01", "2028-02-29", None, None),
    ("2027-08-28", None, "2028-02-28", None),
    ("2027-08-29", None, "2028-02-29", None),
    ("2027-08-31", None, "2028-02-29", None),
    ("2027-02-28", None, None, "2028-02-28"),
    ("2028-02-29", None, None, "2029-02-28"),
    ("2028-03-01", None, None, "2029-03-01"),
]


def test_periods_end_with_29_february_where_there_is_one_and_with_the_28th_where_there_is_none(
    platform: Any, time_machine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = {}
    for number, (made, ninety, six, twelve) in enumerate(LEAP):
        if ninety:
            record(platform, number, f"{made} 23:30")
            wanted["support_recordings", 90_000 + number] = ninety
        if six:
            platform.sql("INSERT INTO platform.numbers (id, account_id, number, rented_on, released_on)"
                         " VALUES (%s, 1001, %s, '2020-01-01', %s)", number, str(number), made)  # fmt: skip
            wanted["numbers", number] = six
        if twelve:
            platform.sql("INSERT INTO platform.leads (id, created_at, last_contact_at) VALUES (%s, now(), %s)",
                         number, at(f"{made} 23:30"))  # fmt: skip
            wanted["leads", number] = twelve
    nights = Nights(at("2028-02-20 01:00"), time_machine, monkeypatch)
    days = sorted({date.fromisoformat(last) + timedelta(days=n) for last in wanted.values() for n in (0, 1)})
    gone = {}
    for day in days:
        nights.wait_until(at(f"{day} 01:10"))
        nights.beat()
        vouch(nights)
        for table, number in wanted.keys() - gone.keys():
            if not platform.rows(f"SELECT 1 FROM platform.{table} WHERE id = %s", number):
                gone[table, number] = str(day - DAY)
    assert gone == wanted


def vouch(nights: Nights) -> None:
    """Days were left out, so somebody has to say that the clock is right."""
    for plan in Sweep.objects.filter(status=SweepStatus.WAITING):
        services.approve_plan(plan, by="command", now=nights.wall)
        nights.beat()
