"""The periods that figures are told for. (How long data is kept is another matter: `retention.periods`.)"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from itertools import count, takewhile
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
STEPS = {"day": relativedelta(days=1), "week": relativedelta(weeks=1), "month": relativedelta(months=1)}
# Of the cuts of a period, by its step: what stands above their column, and how a date is written there and on an axis.
HEADS = {"day": gettext_lazy("Day"), "week": gettext_lazy("Week from"), "month": gettext_lazy("Month")}
CUTS = {"day": "DATE_FORMAT", "week": "DATE_FORMAT", "month": "F Y"}
SHORT_CUTS = {"day": "j M", "week": "j M", "month": "M"}


@dataclass(frozen=True)
class Period:
    """Whole days, both included, and how they are cut for lines: by `day`, (ISO) `week` or `month`."""

    start: date
    end: date
    step: str

    @property
    def instants(self) -> tuple[datetime, datetime]:
        """The first instant, and the first one after, by the days of Amsterdam."""
        return self.instants_in(AMSTERDAM)

    def instants_in(self, zone: tzinfo) -> tuple[datetime, datetime]:
        after = self.end + timedelta(days=1)
        return datetime.combine(self.start, time.min, zone), datetime.combine(after, time.min, zone)

    @property
    def cuts(self) -> list[date]:
        """The first day of each day, ISO week or month that the period touches: what `date_trunc` gives."""
        first = self.start
        if self.step == "week":
            first -= timedelta(days=first.weekday())
        elif self.step == "month":
            first = first.replace(day=1)
        return list(takewhile(lambda day: day <= self.end, self._from(first)))

    def _from(self, first: date) -> Iterator[date]:
        return (first + STEPS[self.step] * number for number in count())

    @property
    def in_words(self) -> str:
        days = {"start": self.start, "end": self.end}
        return _("%(start)s to %(end)s") % {name: formats.date_format(day, "DATE_FORMAT") for name, day in days.items()}


def last_days(today: date) -> Period:
    return Period(today - timedelta(days=29), today, "day")


def last_three_months(today: date) -> Period:
    return Period(today - relativedelta(months=3) + timedelta(days=1), today, "week")


def last_year(today: date) -> Period:
    return Period(today - relativedelta(months=12) + timedelta(days=1), today, "month")


# What the address of a page of figures may ask for.
PERIODS: Mapping[str, tuple[Any, Callable[[date], Period]]] = {
    "30-days": (gettext_lazy("Last 30 days"), last_days),
    "3-months": (gettext_lazy("Last 3 months"), last_three_months),
    "12-months": (gettext_lazy("Last 12 months"), last_year),
}
DEFAULT = "3-months"
