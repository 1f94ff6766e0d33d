"""Calendar arithmetic of retention periods, as the law counts (Regulation 1182/71 art. 3)."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from apps.retention.periods import Event, Period, ends_on


@pytest.mark.parametrize(
    ("started", "period", "last_day"),
    [
        (date(2026, 8, 31), "P6M", date(2027, 2, 28)),
        (date(2027, 8, 31), "P6M", date(2028, 2, 29)),
        (date(2028, 2, 29), "P1Y", date(2029, 2, 28)),
        (date(2028, 2, 29), "P4Y", date(2032, 2, 29)),
        (date(2026, 1, 31), "P1M", date(2026, 2, 28)),
        (date(2026, 1, 31), "P1M1D", date(2026, 3, 1)),
        (date(2026, 12, 31), "P2W", date(2027, 1, 14)),
        (date(2026, 11, 23), "P0D", date(2026, 11, 23)),
        (date(2026, 11, 23), "P1Y6M", date(2028, 5, 23)),
        (date(2026, 11, 23), "P13M", date(2027, 12, 23)),
    ],
)
@pytest.mark.req("RET-1")
def test_a_period_ends_on_the_same_day_of_the_month_or_on_its_last(started, period, last_day):
    assert ends_on(Event.CREATED, started, Period.parse(period)) == last_day


@pytest.mark.req("RET-1")
@pytest.mark.parametrize("dated", [date(2025, 1, 1), date(2025, 12, 31)])
def test_ten_years_of_tax_run_from_the_end_of_the_book_year(dated):
    assert ends_on(Event.BOOK_YEAR_END, dated, Period.parse("P10Y")) == date(2035, 12, 31)


@pytest.mark.parametrize("event", Event)
def test_a_period_whose_start_has_not_happened_has_no_date(event):
    assert ends_on(event, None, Period.parse("P30D")) is None


def test_the_day_of_an_instant_is_the_one_in_utc():
    in_amsterdam = datetime(2026, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=1)))
    assert ends_on(Event.CREATED, in_amsterdam, Period.parse("P0D")) == date(2025, 12, 31)
    assert ends_on(Event.BOOK_YEAR_END, in_amsterdam, Period.parse("P0D")) == date(2025, 12, 31)
    assert ends_on(Event.CREATED, in_amsterdam.astimezone(UTC), Period.parse("P0D")) == date(2025, 12, 31)


@pytest.mark.parametrize("text", ["", "P", "6M", "P6", "PT6H", "P1DT1H", "P-6M", "P6M ", "P1M1Y", "p6m", "P6M\n"])
def test_what_is_no_period_in_days_or_months_is_refused(text):
    with pytest.raises(ValueError, match="ISO 8601"):
        Period.parse(text)
