"""When an answer is due. Worked cases, the convention sentence by sentence, and edges."""

import csv
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation

from apps.core import deadlines
from apps.core.deadlines import Calendar, Pause, contract_due, due, explain, working_days_after
from apps.core.deadlines.calendars import NAMES, REGIONS
from apps.core.errors import InvalidInput

CASES = Path(__file__).parent / "data" / "deadlines.csv"
ZONES = {
    "NL": "Europe/Amsterdam",
    "DE": "Europe/Berlin",
    "FR": "Europe/Paris",
    "UK": "Europe/London",
    "IE": "Europe/Dublin",
}
pytestmark = pytest.mark.req("DSR-4")


def cases():
    with CASES.open(encoding="utf-8", newline="") as file:
        return [pytest.param(row, id=row["id"]) for row in csv.DictReader(file)]


def received(day, jurisdiction="NL", hour=10):
    return datetime.fromisoformat(day).replace(hour=hour, tzinfo=ZoneInfo(ZONES[jurisdiction]))


def pause(kind, asked, came):
    return Pause(kind, date.fromisoformat(asked), date.fromisoformat(came))


@pytest.mark.parametrize("row", cases())
def test_each_worked_case(row):
    at = datetime.fromisoformat(row["received_at"])
    pauses = [pause(row["pause_kind"], row["pause_from"], row["pause_to"])] if row["pause_kind"] else []
    first = due(at, row["jurisdiction"], pauses=pauses)
    extended = due(at, row["jurisdiction"], pauses=pauses, extended=True)
    assert first.received_on.isoformat() == row["received_local_date"]
    assert first.on.isoformat() == row["expected_deadline"]
    assert f"{first.ends_at:%Y-%m-%dT%H:%M:%SZ}" == row["deadline_ends_before_utc"]
    assert extended.on.isoformat() == row["expected_extended_deadline"]


@pytest.mark.parametrize(
    ("day", "jurisdiction", "unrolled", "on"),
    [
        ("2028-01-29", "NL", "2028-02-29", "2028-02-29"),
        ("2028-02-29", "NL", "2028-03-29", "2028-03-29"),
        ("2026-12-31", "NL", "2027-01-31", "2027-02-01"),
        ("2027-12-01", "UK", "2028-01-01", "2028-01-04"),  # New Year's Day on Saturday: Monday 3 stands in
        ("2026-04-05", "NL", "2026-05-05", "2026-05-06"),  # 5 May every year, not each fifth
        ("2026-03-03", "NL", "2026-04-03", "2026-04-03"),  # Good Friday does not count
        ("2026-03-03", "DE", "2026-04-03", "2026-04-07"),
        ("2026-03-03", "FR", "2026-04-03", "2026-04-03"),
        ("2026-03-03", "IE", "2026-04-03", "2026-04-03"),
        ("2026-04-25", "IE", "2026-05-25", "2026-05-25"),  # Whit Monday is no Irish holiday
        ("2026-11-26", "FR", "2026-12-26", "2026-12-28"),
        ("2029-01-01", "IE", "2029-02-01", "2029-02-01"),  # St Brigid's: first Monday …
        ("2030-01-01", "IE", "2030-02-01", "2030-02-04"),  # … or 1 February if that is a Friday
        ("2036-03-26", "NL", "2036-04-26", "2036-04-28"),  # 27 April 2036 is a Sunday: King's Day on Saturday 26
    ],
)
def test_the_same_date_next_month_moved_by_weekends_and_holidays(day, jurisdiction, unrolled, on):
    deadline = due(received(day, jurisdiction), jurisdiction)
    assert (deadline.unrolled_on.isoformat(), deadline.on.isoformat()) == (unrolled, on)


def test_options_of_the_calendar():
    good_friday = due(received("2026-03-03"), "NL", calendar=Calendar("NL", good_friday=True))
    assert good_friday.on == date(2026, 4, 7)
    alsace = due(received("2027-11-26", "FR"), "FR", calendar=Calendar("FR", region="alsace-moselle"))
    assert alsace.on == date(2027, 12, 27)
    bavaria = due(received("2026-12-06", "DE"), "DE", calendar=Calendar("DE", region="BY"))
    assert (bavaria.on, due(received("2026-12-06", "DE"), "DE").on) == (date(2027, 1, 7), date(2027, 1, 6))
    with pytest.raises(InvalidInput, match="BB, BE, BW"):
        Calendar("DE", region="Bayern")
    with pytest.raises(InvalidInput, match="another jurisdiction"):
        due(received("2026-03-03"), "NL", calendar=Calendar("DE"))


@pytest.mark.parametrize("jurisdiction", ZONES)
def test_a_day_ends_at_local_midnight_in_summer_and_winter(jurisdiction):
    zone = ZoneInfo(ZONES[jurisdiction])
    for month in range(1, 13):
        deadline = due(received(f"2026-{month:02}-15", jurisdiction), jurisdiction)
        local = deadline.ends_at.astimezone(zone)
        assert (local.date(), local.hour, local.minute) == (deadline.on + timedelta(days=1), 0, 0)
        assert deadline.ends_at.utcoffset() == timedelta(0)


@pytest.mark.parametrize("jurisdiction", ZONES)
def test_the_days_on_which_the_clock_changes(jurisdiction):
    zone = ZoneInfo(ZONES[jurisdiction])
    for change in ("2026-03-29", "2026-10-25", "2027-03-28", "2027-10-31"):
        for minutes in range(0, 36 * 60, 7):
            at = datetime.fromisoformat(change).replace(tzinfo=UTC) - timedelta(hours=6) + timedelta(minutes=minutes)
            assert due(at, jurisdiction).received_on == at.astimezone(zone).date()


def test_the_first_and_the_last_minute_of_a_day():
    assert due(received("2026-07-15", hour=0), "NL").received_on == date(2026, 7, 15)
    last = received("2026-07-15", hour=23) + timedelta(minutes=59, seconds=59)
    assert due(last, "NL").received_on == date(2026, 7, 15)
    assert due(last + timedelta(seconds=1), "NL").received_on == date(2026, 7, 16)


@pytest.mark.parametrize("naive", [datetime(2026, 3, 5, 10), datetime(2026, 7, 14, 22, 30)])
def test_a_time_without_a_zone_is_refused(naive):
    with pytest.raises(InvalidInput, match="time zone") as refused:
        due(naive, "NL")
    assert refused.value.field == "received_at"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("GB", "Did you mean UK"),
        ("nl", "Did you mean NL"),
        ("Germany", "Did you mean DE"),
        ("XX!", "NL, DE, FR, IE, UK"),
        ("", "Choose one"),
    ],
)
def test_an_unknown_jurisdiction_is_told_the_nearest_right_one(name, hint):
    with pytest.raises(InvalidInput, match=hint):
        due(received("2026-03-05"), name)


@pytest.mark.parametrize(
    ("jurisdiction", "impossible", "why"),
    [
        ("NL", pause("identity_eu", "2026-09-20", "2026-09-19"), "before it begins"),
        ("NL", pause("identity_eu", "2026-09-13", "2026-09-19"), "before the request was received"),
        ("NL", pause("clarification_uk", "2026-09-15", "2026-09-19"), "identity_eu, clarification_eu"),
        ("UK", pause("identity_eu", "2026-09-15", "2026-09-19"), "identity_uk, clarification_uk"),
        ("NL", pause("silence", "2026-09-15", "2026-09-19"), "no pause"),
        ("NL", pause("clarification_eu", "2026-09-15", "9999-12-30"), "too"),
        ("UK", pause("identity_uk", "2026-09-15", "9999-12-30"), "too far"),
    ],
)
def test_a_pause_that_cannot_be_is_refused(jurisdiction, impossible, why):
    with pytest.raises(InvalidInput, match=why):
        due(received("2026-09-14", jurisdiction), jurisdiction, pauses=[impossible])


@pytest.mark.parametrize("far", [datetime(1950, 1, 1, tzinfo=UTC), datetime(9999, 12, 20, tzinfo=UTC)])
def test_a_year_without_a_table_of_holidays_is_refused(far):
    with pytest.raises(InvalidInput, match="too far"):
        due(far, "NL")


@pytest.mark.parametrize(
    ("jurisdiction", "pauses", "unrolled"),
    [
        ("NL", [("identity", "09-17", "09-25")], "10-22"),  # asked on the third working day
        ("NL", [("identity", "09-18", "09-25")], "10-14"),  # on the fourth: the clock runs on
        ("NL", [("clarification", "09-18", "09-25")], "10-21"),
        ("NL", [("clarification", "09-18", "09-18")], "10-14"),
        ("NL", [("clarification", "10-15", "10-20")], "10-14"),  # asked when the time was up
        ("NL", [("identity", "09-15", "09-25"), ("clarification", "09-20", "09-28")], "10-27"),
        ("NL", [("identity", "09-15", "09-25"), ("clarification", "09-20", "09-21")], "10-24"),
        ("NL", [("clarification", "10-14", "10-20"), ("clarification", "10-20", "10-22")], "10-22"),
        ("UK", [("clarification", "09-18", "09-18")], "10-15"),
        ("UK", [("identity", "09-15", "09-25"), ("clarification", "09-20", "09-27")], "10-28"),
        ("UK", [("identity", "10-20", "10-25")], "10-14"),
    ],
)
def test_pauses_move_the_end_before_weekends_do(jurisdiction, pauses, unrolled):
    law = "uk" if jurisdiction == "UK" else "eu"
    told = [pause(f"{kind}_{law}", f"2026-{asked}", f"2026-{came}") for kind, asked, came in pauses]
    deadline = due(received("2026-09-14", jurisdiction), jurisdiction, pauses=told)
    assert deadline.unrolled_on.isoformat() == f"2026-{unrolled}"


def test_the_extension_counts_from_receipt_not_from_the_first_deadline():
    assert due(received("2026-01-31", "DE"), "DE", extended=True).on == date(2026, 4, 30)


def test_a_pause_within_the_extension_moves_only_the_extended_end():
    pauses = [pause("clarification_eu", "2026-11-02", "2026-11-05")]
    assert due(received("2026-09-14"), "NL", pauses=pauses).on == date(2026, 10, 14)
    assert due(received("2026-09-14"), "NL", pauses=pauses, extended=True).on == date(2026, 12, 17)


def test_the_contract_counts_calendar_days():
    deadline = contract_due(received("2026-03-27"), "NL")
    assert (deadline.on, deadline.unrolled_on) == (date(2026, 4, 6), date(2026, 4, 6))  # Easter Monday does not move it
    assert contract_due(received("2026-03-27"), "NL", days=5).on == date(2026, 4, 1)
    assert "10 calendar days" in " ".join(explain(deadline.steps))


@pytest.mark.parametrize(
    ("day", "days", "where", "last"),
    [
        ("2026-11-23", 2, "NL", "2026-11-25"),
        ("2026-11-27", 2, "NL", "2026-12-01"),
        ("2026-11-28", 2, "NL", "2026-12-01"),
        ("2026-04-02", 2, "NL", "2026-04-07"),
        ("2026-04-02", 2, "DE", "2026-04-08"),
        ("2026-12-24", 1, "UK", "2026-12-29"),
        ("2026-04-02", 2, Calendar("NL", good_friday=True), "2026-04-08"),
        ("2026-11-23", 0, "NL", "2026-11-23"),
    ],
)
def test_working_days_skip_weekends_and_holidays(day, days, where, last):
    assert working_days_after(date.fromisoformat(day), days, where).isoformat() == last


def test_every_holiday_has_a_name_that_can_be_translated():
    known = set(NAMES.values())
    calendars = [Calendar(name) for name in deadlines.JURISDICTIONS]
    calendars += [Calendar(name, region=region) for name, regions in REGIONS.items() for region in regions]
    start = date(2018, 5, 25)
    for calendar in [*calendars, Calendar("NL", good_friday=True)]:
        days = (start + timedelta(days=n) for n in range(366 * 12))
        assert {found.name for day in days if (found := calendar.holiday(day))} <= known


def test_the_explanation_reads_as_sentences():
    told = explain(due(received("2026-03-05"), "NL").steps)
    assert told[1] == "One month after 5 March 2026 is 5 April 2026 (GDPR, Article 12(3))."
    assert told[2].startswith("5 April 2026 is Easter Sunday, so the deadline moves to the next day")
    assert told[-1].startswith("The deadline is Tuesday 7 April 2026, until midnight Amsterdam time")
    with translation.override("nl"):
        assert "maart" in " ".join(explain(due(received("2026-03-05"), "NL").steps))


def test_substitute_days_and_holidays_on_saturdays_are_told_as_such():
    told = " ".join(explain(due(received("2026-11-26", "UK"), "UK").steps))
    assert "26 December 2026 is a Saturday and Boxing Day" in told
    assert "28 December 2026 is the substitute day for Boxing Day" in told


def test_a_pause_that_moves_nothing_says_why():
    late = due(received("2026-09-14"), "NL", pauses=[pause("identity_eu", "2026-09-18", "2026-09-25")])
    assert "more than three working days after receipt" in " ".join(explain(late.steps))


def test_stored_steps_of_a_later_version_do_not_break_the_page():
    assert explain([deadlines.Step("moon_phase", {}, "")]) == []
