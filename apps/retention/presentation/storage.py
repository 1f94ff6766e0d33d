"""What was measured, day by day: storage, rows that should be gone, and what the schedule will free."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Min
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.core import charts
from apps.core.charts import BarChart, LineChart, Series
from apps.retention import schedule_words as words
from apps.retention.models import Measurement, Rule
from apps.retention.presentation import amounts

TREND = 30  # measurements
WEEKS_BEFORE = 22  # of older measurements one a week is shown: half a year with the last thirty days
WEEK, YEAR = 7, 12
TREND_HIGH = 18.0  # of a drawing 100 wide and 20 high, a pixel free above and below
UNITS = ((10**9, gettext_lazy("Gigabytes")), (10**6, gettext_lazy("Megabytes")), (10**3, gettext_lazy("Kilobytes")))
BYTES = (1, gettext_lazy("Bytes"))


@dataclass(frozen=True)
class Measured:
    """What the pages draw from. `by_day`: day -> collection -> (bytes, over-kept rows); `last`: the newest rows."""

    days: Sequence[date]
    by_day: Mapping[date, Mapping[str, tuple[int, int]]]
    last: Sequence[Measurement]
    families: Mapping[str, str]  # collection -> data family
    names: Mapping[str, str]  # collection -> what pages call it

    @property
    def recent(self) -> Sequence[date]:
        """The last thirty days that were measured."""
        return self.days[-TREND:]


@dataclass(frozen=True)
class Trend:
    """One collection's row of the table of over-kept rows. `points` draw the last measurements in a box 100 × 20."""

    collection: str
    name: str
    rows: str
    size: str
    oldest: date | None
    over_kept: str
    is_over: bool
    points: str
    in_words: str


def gather(rules: Iterable[Rule], named: Mapping[str, Sequence[str]], names: Mapping[str, str]) -> Measured:
    """Everything that was measured and is shown. `named`: which rules each collection names; `names`: its own name."""
    family = {rule.key: rule.data_family for rule in rules}
    families = {key: next((family[one] for one in keys if one in family), "") for key, keys in named.items()}
    days = _days()
    found: dict[date, dict[str, tuple[int, int]]] = {day: {} for day in days}
    rows = Measurement.objects.filter(day__in=days).values_list("day", "collection", "bytes", "over_kept")
    for day, collection, taken, over in rows:
        found[day][collection] = (taken, over)
    last = Measurement.objects.filter(day=days[-1]) if days else Measurement.objects.none()
    return Measured(days, found, list(last), families, names)


def _days() -> list[date]:
    """Every day of the last thirty, one a week before that."""
    every = Measurement.objects.values("day").annotate(first=Min("id")).order_by("-day").values_list("day", flat=True)
    measured = list(every[: TREND + WEEK * WEEKS_BEFORE])
    return sorted([*measured[:TREND], *measured[TREND + WEEK - 1 :: WEEK]])


# --- over-kept rows ----------------------------------------------------------------------------------


def over_kept(measured: Measured) -> int:
    """Rows that should be gone for more than a day and that nothing keeps, at the last measurement."""
    return sum(row.over_kept for row in measured.last)


def trends(measured: Measured) -> list[Trend]:
    """Every collection that a rule reaches, those with over-kept rows first."""
    shown = [row for row in measured.last if measured.families.get(row.collection) or row.over_kept]
    return [_trend(row, measured) for row in sorted(shown, key=lambda row: (-row.over_kept, -row.bytes))]


def _trend(row: Measurement, measured: Measured) -> Trend:
    values = [measured.by_day[day].get(row.collection, (0, 0))[1] for day in measured.recent]
    most = max(values)
    if most:
        at = measured.recent[values.index(most)]
        told = {"count": amounts.number(most), "day": formats.date_format(at, "DATE_FORMAT")}
        said = _("the most: %(count)s on %(day)s") % told
    else:
        said = ngettext("none in %(count)s measurement", "none in %(count)s measurements", len(values)) % {
            "count": amounts.number(len(values))
        }
    name = measured.names.get(row.collection, row.collection)
    size = amounts.size(row.bytes)
    rows, over = amounts.number(row.rows), amounts.number(row.over_kept)
    return Trend(row.collection, name, rows, size, row.oldest, over, bool(row.over_kept), points(values), said)


def points(values: Sequence[int]) -> str:
    """A line as SVG wants it: from the first value to the last over 100, none at the foot, the most at the top."""
    most, last = max(values, default=0) or 1, max(len(values) - 1, 1)
    return " ".join(f"{100 * at / last:g},{19 - TREND_HIGH * value / most:g}" for at, value in enumerate(values))


def over_kept_chart(measured: Measured, *, rtl: bool) -> LineChart:
    totals = [sum(over for _, over in measured.by_day[day].values()) for day in measured.recent]
    return charts.line_chart(
        key="over-kept",
        title=_("Over-kept rows"),
        description=_(
            "Rows past their limit by more than a day that nothing keeps, everywhere together. The goal is 0."
        ),
        empty=_("None at any of the last measurements.") if measured.days else _("Nothing was measured yet."),
        head=_("Day"),
        days=measured.recent,
        series=[Series(_("Rows"), totals)],
        rtl=rtl,
    )


# --- storage -----------------------------------------------------------------------------------------


def storage_charts(measured: Measured, *, rtl: bool) -> list[LineChart]:
    """A line a data family."""
    codes = sorted({measured.families.get(row.collection, "") for row in measured.last}, key=words.family_place)
    return [_storage(measured, code, rtl=rtl) for code in codes if code]


def _storage(measured: Measured, code: str, *, rtl: bool) -> LineChart:
    taken = [
        sum(size for key, (size, _over) in measured.by_day[day].items() if measured.families.get(key) == code)
        for day in measured.days
    ]
    divisor, unit = _unit(max(taken))
    return charts.line_chart(
        key=f"storage-{code}",
        title=words.family(code),
        description=_("%(unit)s, indexes included.") % {"unit": unit},
        empty=_("Nothing is stored."),
        head=_("Day"),
        days=measured.days,
        series=[Series(str(unit), [round(size / divisor, 1) for size in taken])],
        labels=3,
        rtl=rtl,
    )


def freed_chart(measured: Measured, *, today: date, rtl: bool) -> BarChart:
    """Rows that end in the coming months, in the storage that rows like them take now."""
    months = coming(today)
    freed = [sum(_freed(row, month) for row in measured.last) for month in months]
    divisor, unit = _unit(max(freed))
    return charts.bar_chart(
        key="freed",
        title=_("What the schedule will free"),
        description=_(
            "%(unit)s a month, estimated from the rows whose period ends in it; what else may keep them is left out."
        )
        % {"unit": unit},
        empty=_("No row that was measured has a period that ends in the coming twelve months."),
        head=_("Month"),
        categories=[formats.date_format(date.fromisoformat(f"{month}-01"), "F Y") for month in months],
        series=[Series(str(unit), [round(size / divisor, 1) for size in freed])],
        rtl=rtl,
    )


def coming(today: date) -> list[str]:
    """This month and the eleven after it, as measurements write them: "2026-12"."""
    counted = (today.year * YEAR + today.month - 1 + ahead for ahead in range(YEAR))
    return [f"{month // YEAR}-{month % YEAR + 1:02}" for month in counted]


def _freed(row: Measurement, month: str) -> float:
    return row.bytes / row.rows * row.expiring.get(month, 0) if row.rows else 0


def _unit(most: float) -> tuple[int, Any]:
    return next(((divisor, unit) for divisor, unit in UNITS if most >= divisor), BYTES)
