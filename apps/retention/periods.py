"""Retention periods by calendar: when a period that starts on a day ends. Pure; the SQL twin is `expressions.py`.

The unit is the day, in UTC. A period in months or years ends with the last hour of the day that has the same number
as the day it started on, or of the last day of the month where there is no such day (Regulation (EEC, Euratom)
1182/71 art. 3(2)(c)): six months from 31 August end on the last day of February. `ends_on` is therefore the last day
on which a row is kept; it may go from the next midnight on, never earlier.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime

from dateutil.relativedelta import relativedelta
from django.db import models
from django.utils.translation import gettext_lazy as _

ISO_PERIOD = r"^P(?=\d)(\d{1,4}Y)?(\d{1,4}M)?(\d{1,4}W)?(\d{1,4}D)?$"
"""The date half of an ISO 8601 duration; hours have no meaning for a retention period."""


class Event(models.TextChoices):
    """What starts a period."""

    CREATED = "created", _("when it is recorded")
    LAST_CONTACT = "last_contact", _("at the last contact")
    RENTAL_END = "rental_end", _("when the number is handed back")
    SERVICE_END = "service_end", _("when the service ends")
    BOOK_YEAR_END = "book_year_end", _("at the end of the book year")
    CLOSED = "closed", _("when the case is closed")
    WITHDRAWN_OR_EXPIRED = "withdrawn_or_expired", _("when consent is withdrawn or expires")


WITH_THE_SERVICE = frozenset({Event.SERVICE_END, Event.RENTAL_END, Event.WITHDRAWN_OR_EXPIRED})
"""Events that a customer's departure brings about for rows that know of none: with its service end the rental of its
numbers and the consents it gave for the service."""
DATED_BY_THE_ROW = frozenset({Event.CREATED, Event.BOOK_YEAR_END})
"""Events that have happened for every row; the others may be still to come."""


@dataclass(frozen=True)
class Period:
    """Calendar months first, then days, as ISO 8601 and PostgreSQL's interval both add them."""

    months: int
    days: int

    @classmethod
    def parse(cls, text: str) -> "Period":
        """Read "P6M", "P1Y6M", "P2W", "P0D". Raises ValueError for anything else."""
        found = re.fullmatch(ISO_PERIOD, text)
        if not found:
            raise ValueError(f"not an ISO 8601 period: {text!r}")
        years, months, weeks, days = (int(part[:-1]) if part else 0 for part in found.groups())
        return cls(months=12 * years + months, days=7 * weeks + days)

    def after(self, day: date) -> date:
        """The day this period ends on when it starts on `day`."""
        return day + relativedelta(months=self.months) + relativedelta(days=self.days)

    def latest_start(self, *, ended_before: date) -> date:
        """The last day on which it can have started to have ended before a day; `date.min` where there is none."""
        try:
            day = ended_before - relativedelta(days=self.days + 1) - relativedelta(months=self.months)
        except (OverflowError, ValueError):
            return date.min
        # Months end early where a day is missing: what started on 29, 30 or 31 August ends with 28 February too.
        while self.after(day + relativedelta(days=1)) < ended_before:
            day += relativedelta(days=1)
        return day


def started_on(event: str, clock: date | datetime | None) -> date | None:
    """The day a period starts, from the value of a row's clock column; None while its event has not happened."""
    if clock is None:
        return None
    day = clock.astimezone(UTC).date() if isinstance(clock, datetime) else clock
    # The book year is the calendar year in which the row falls (AWR 52: the obligation runs from its end).
    return date(day.year, 12, 31) if event == Event.BOOK_YEAR_END else day


def ends_on(event: str, clock: date | datetime | None, period: Period) -> date | None:
    """The last day a row is kept under a period; None while the period has not started: it then has no date."""
    started = started_on(event, clock)
    return None if started is None else period.after(started)


def cutoff(event: str, period: Period, *, today: date) -> date:
    """The last clock day whose period has ended before `today`: what has it, or an earlier one, has run out."""
    if event != Event.BOOK_YEAR_END:
        return period.latest_start(ended_before=today)
    start = period.latest_start(ended_before=today)
    is_year_end = (start.month, start.day) == (12, 31)
    return start if is_year_end else date(max(start.year - 1, 1), 12, 31) if start.year > 1 else date.min
