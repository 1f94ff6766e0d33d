"""The calendar of `periods.py` as SQLAlchemy Core expressions for PostgreSQL; a property test holds both together."""

from typing import Any

from sqlalchemy import ColumnElement, Date, DateTime, Integer, cast, extract, func

from apps.retention.periods import Event, Period


def started_on(event: str, clock: ColumnElement[Any]) -> ColumnElement[Any]:
    """The day a row's period starts, NULL while its event has not happened."""
    is_instant = isinstance(clock.type, DateTime) and clock.type.timezone
    day = cast(func.timezone("UTC", clock), Date) if is_instant else cast(clock, Date)
    if event == Event.BOOK_YEAR_END:
        return func.make_date(cast(extract("year", day), Integer), 12, 31, type_=Date)
    return day


def ends_on(event: str, clock: ColumnElement[Any], period: Period) -> ColumnElement[Any]:
    """The last day a row is kept, NULL while its period has not started."""
    # make_interval(years, months, weeks, days): a day's clamping to the month's end happens once, after the months.
    length = func.make_interval(0, period.months, 0, period.days)
    return cast(started_on(event, clock) + length, Date)
