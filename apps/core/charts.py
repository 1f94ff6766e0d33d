"""Numbers into geometry: bars, lines and a heat map of days, as `templates/components/chart_*.html` draw them.

No HTML and no colour here. Across, everything is in percent of the drawing's width, and down in pixels: so a chart
fills a phone and a desk alike while its text keeps the size of the page. Where `rtl` is set every place is mirrored:
time runs and bars grow from the right; text follows by itself, since `text-anchor` turns with the page's direction.
Numbers and dates are written as the active language does. Every chart carries its numbers as a table too.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from textwrap import wrap

from django.utils import formats
from django.utils.translation import gettext as _

# A fifth series would look like the first. The fills of bars are patterns in the component.
DASHES = ("", "6 4", "2 3", "9 3 2 3")
MARKERS = ("M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z", "M-4-4h8v8h-8z", "M0-5 5 4H-5z", "M0-5 5 0 0 5-5 0z")
STYLES = len(DASHES)
WRAP, TEXT_LINE = 34, 19  # letters of a label before it takes another line, on a phone too; pixels of a line
BAR_THICK, BAR_GAP = 14, 14  # pixels
LINE_TOP, LINE_DEEP, LINE_FOOT = 18, 170, 28
LINE_FROM, LINE_TO = 9.0, 97.0  # percent: room for the scale before, for half a marker after
HEAT_FROM, HEAT_TOP, HEAT_ROW, HEAT_GAP = 19.0, 22, 28, 3
LEVELS = 3  # shades of a day with something in it; 0 is none


@dataclass(frozen=True)
class Series:
    """One row of values, a value a category or day; None where nothing is known."""

    label: str
    values: Sequence[float | None]


@dataclass(frozen=True)
class Table:
    """The same numbers in words; the first cell of a row names it."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Label:
    x: float
    text: str
    y: float = 0
    anchor: str = "middle"


@dataclass(frozen=True)
class Piece:
    """A part of a bar: one series' share."""

    x: float
    width: float
    style: int
    title: str


@dataclass(frozen=True)
class Bar:
    lines: Sequence[Label]
    value: Label
    y: float
    pieces: Sequence[Piece]


@dataclass(frozen=True)
class Marker:
    x: float
    y: float
    title: str


@dataclass(frozen=True)
class Line:
    """`runs` are the points of unbroken stretches, as SVG wants them in a box 100 wide: "9,188 53,60"."""

    label: str
    dash: str
    marker: str
    runs: Sequence[str]
    markers: Sequence[Marker]


@dataclass(frozen=True)
class Cell:
    x: float
    y: float
    width: float
    height: float
    level: int
    text: Label
    title: str


@dataclass(frozen=True)
class Chart:
    """What every kind has. `key` makes ids unique on a page; without `table.rows` the page says `empty` instead."""

    key: str
    title: str
    description: str
    table: Table
    height: float
    empty: str = ""
    summary: str = ""  # the peak in words, for whoever does not see the drawing

    @property
    def is_empty(self) -> bool:
        return not self.table.rows


@dataclass(frozen=True)
class BarChart(Chart):
    bars: Sequence[Bar] = field(default_factory=tuple)
    legend: Sequence[str] = field(default_factory=tuple)  # of more than one series
    thick: int = BAR_THICK


@dataclass(frozen=True)
class LineChart(Chart):
    ticks: Sequence[Label] = field(default_factory=tuple)
    labels: Sequence[Label] = field(default_factory=tuple)
    lines: Sequence[Line] = field(default_factory=tuple)
    label_y: float = 0


@dataclass(frozen=True)
class HeatMap(Chart):
    months: Sequence[Label] = field(default_factory=tuple)
    weekdays: Sequence[Label] = field(default_factory=tuple)
    cells: Sequence[Cell] = field(default_factory=tuple)


def bar_chart(
    *,
    key: str,
    title: str,
    description: str,
    empty: str,
    head: str,
    categories: Sequence[str],
    series: Sequence[Series],
    rtl: bool = False,
) -> BarChart:
    """A bar a category, its series end to end. `head` names the categories in the table.

    Values are not negative; None counts as 0. With nothing but zeros the chart is empty.
    """
    totals = [sum(each.values[at] or 0 for each in series) for at in range(len(categories))]
    if not any(totals):
        return BarChart(key, title, description, Table((), ()), 0, empty)
    y, bars = 0, []
    for at, (category, total) in enumerate(zip(categories, totals, strict=True)):
        lines = [
            Label(_flip(0, rtl), line, y + 15 + TEXT_LINE * row, "start")
            for row, line in enumerate(wrap(category, WRAP) or [""])
        ]
        value = Label(_flip(100, rtl), number(total), lines[-1].y, "end")
        y += TEXT_LINE * len(lines) + 4
        bars.append(Bar(lines, value, y, _pieces(series, at, max(totals), rtl)))
        y += BAR_THICK + BAR_GAP
    legend = [each.label for each in series] if len(series) > 1 else []
    table = _table(head, categories, series)
    return BarChart(key, title, description, table, y - BAR_GAP, empty, _most(categories, totals), bars, legend)


def _pieces(series: Sequence[Series], at: int, most: float, rtl: bool) -> list[Piece]:
    pieces, reached = [], 0.0
    for style, each in enumerate(series):
        value = each.values[at] or 0
        width = 100 * value / most
        said = f"{each.label}: {number(value)}"
        if value:
            pieces.append(Piece(_flip(reached, rtl, width), round(width, 2), style % STYLES, said))
        reached += width
    return pieces


def line_chart(
    *,
    key: str,
    title: str,
    description: str,
    empty: str,
    head: str,
    days: Sequence[date],
    series: Sequence[Series],
    short: str = "j M",
    full: str = "DATE_FORMAT",
    labels: int = 4,
    rtl: bool = False,
) -> LineChart:
    """Values over time: a day (the first of its week or month) a value, in order. At most `labels` days are named below
    in the `short` format; the table has all of them in the `full` one. A None breaks the line."""
    known = [value for each in series for value in each.values if value is not None]
    if not any(known):
        return LineChart(key, title, description, Table((), ()), 0, empty)
    scale = nice_scale(max(known))
    places = [_flip(place, rtl) for place in _places(days)]
    lines = [_line(each, at % STYLES, places, days, scale[-1], full) for at, each in enumerate(series)]
    every = math.ceil(len(days) / labels)
    named = [
        Label(place, formats.date_format(day, short))
        for at, (place, day) in enumerate(zip(places, days, strict=True))
        if at % every == 0
    ]
    ticks = [Label(_flip(0, rtl), number(step), _depth(step, scale[-1]), "start") for step in scale]
    table = _table(head, [formats.date_format(day, full) for day in days], series)
    height = LINE_TOP + LINE_DEEP + LINE_FOOT
    summary = " ".join(_most_of(each, days, full) for each in series)
    return LineChart(key, title, description, table, height, empty, summary, ticks, named, lines, height - 6)


def _line(each: Series, style: int, places: Sequence[float], days: Sequence[date], top: float, full: str) -> Line:
    markers: list[Marker] = []
    runs: list[list[str]] = []
    run: list[str] = []
    for place, day, value in zip(places, days, each.values, strict=True):
        if value is None:
            runs, run = [*runs, run], []
            continue
        y = _depth(value, top)
        run.append(f"{place:g},{y:g}")
        markers.append(Marker(place, y, f"{each.label}, {formats.date_format(day, full)}: {number(value)}"))
    drawn = [" ".join(points) for points in [*runs, run] if len(points) > 1]
    return Line(each.label, DASHES[style], MARKERS[style], drawn, markers)


def _places(days: Sequence[date]) -> list[float]:
    """Where on the axis each day is, by the time between them; a single one is in the middle."""
    whole = (days[-1] - days[0]).total_seconds()
    if not whole:
        return [(LINE_FROM + LINE_TO) / 2 for _ in days]
    return [round(LINE_FROM + (LINE_TO - LINE_FROM) * (day - days[0]).total_seconds() / whole, 2) for day in days]


def _depth(value: float, top: float) -> float:
    return round(LINE_TOP + LINE_DEEP * (1 - value / top), 1)


def nice_scale(most: float) -> list[float]:
    """0 and up to four steps of 1, 2 or 5 times a power of ten that reach `most`; steps are whole."""
    rough = max(most / 4, 1)
    power = 10 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    return [step * count for count in range(math.ceil(most / step) + 1)]


def heat_map(
    *,
    key: str,
    title: str,
    description: str,
    empty: str,
    head: tuple[str, str],
    start: date,
    weeks: int,
    counts: Mapping[date, int],
    rtl: bool = False,
) -> HeatMap:
    """Days as a calendar: weeks are columns from the one `start` lies in, weekdays rows from the language's first one.

    Days without a count are 0; those before `start` are left out. `head` names the table's two columns.
    """
    first = week_start(start)
    days = [first + timedelta(days=at) for at in range(7 * weeks)]
    shown = [day for day in days if day >= start]
    busy = [day for day in shown if counts.get(day)]
    if not busy:
        return HeatMap(key, title, description, Table((), ()), 0, empty)
    width, most = (100 - HEAT_FROM) / weeks, max(counts[day] for day in busy)
    cells = [_cell(day, (day - first).days, width, counts.get(day, 0), most, rtl) for day in shown]
    weekdays = [
        Label(_flip(0, rtl), formats.date_format(day, "D"), HEAT_TOP + at * HEAT_ROW + 18, "start")
        for at, day in enumerate(days[:7])
    ]
    table = Table(head, [(formats.date_format(day, "DATE_FORMAT"), number(counts[day])) for day in busy])
    height = HEAT_TOP + 7 * HEAT_ROW
    summary = _most([row[0] for row in table.rows], [counts[day] for day in busy])
    return HeatMap(key, title, description, table, height, empty, summary, _months(days, width, rtl), weekdays, cells)


def week_start(day: date) -> date:
    """The first day of the week that `day` lies in, as the active language begins its weeks."""
    return day - timedelta(days=(day.isoweekday() - formats.get_format("FIRST_DAY_OF_WEEK")) % 7)


def _cell(day: date, at: int, width: float, count: int, most: int, rtl: bool) -> Cell:
    x, y, wide = HEAT_FROM + width * (at // 7), HEAT_TOP + HEAT_ROW * (at % 7), width * 0.92
    level = math.ceil(LEVELS * count / most)
    text = Label(_flip(x + wide / 2, rtl), number(count) if count else "", y + 17)
    said = f"{formats.date_format(day, 'DATE_FORMAT')}: {number(count)}"
    return Cell(_flip(x, rtl, wide), y, round(wide, 2), HEAT_ROW - HEAT_GAP, level, text, said)


def _months(days: Sequence[date], width: float, rtl: bool) -> list[Label]:
    """A month is named over the week in which it begins; the first week's too, if the next name leaves it room."""
    weeks = [days[at : at + 7] for at in range(0, len(days), 7)]
    begins = [at for at, week in enumerate(weeks) if at and any(day.day == 1 for day in week)]
    named = [*([0] if not begins or begins[0] > 2 else []), *begins]
    last = len(weeks) - 1
    return [
        Label(
            _flip(HEAT_FROM + width * (at + (at == last)), rtl),
            formats.date_format(weeks[at][-1], "M" if weeks[at][-1].month != 1 else "M Y"),
            14,
            "end" if at == last else "start",
        )
        for at in named
    ]


def number(value: float | None) -> str:
    """As the active language writes it: whole numbers plain, others with one decimal; an unknown one as a dash."""
    if value is None:
        return "–"
    whole = float(value).is_integer()
    return str(formats.number_format(value, decimal_pos=0 if whole else 1, use_l10n=True, force_grouping=True))


def _most(names: Sequence[str], values: Sequence[float]) -> str:
    at = max(range(len(values)), key=values.__getitem__)
    return _("The most: %(name)s, %(value)s.") % {"name": names[at], "value": number(values[at])}


def _most_of(each: Series, days: Sequence[date], full: str) -> str:
    values = [value or 0 for value in each.values]
    at = max(range(len(values)), key=values.__getitem__)
    said = {"series": each.label, "name": formats.date_format(days[at], full), "value": number(values[at])}
    return _("%(series)s, the most: %(name)s, %(value)s.") % said


def _table(head: str, names: Sequence[str], series: Sequence[Series]) -> Table:
    rows = [(name, *(number(each.values[at]) for each in series)) for at, name in enumerate(names)]
    return Table((head, *(each.label for each in series)), rows)


def _flip(x: float, rtl: bool, width: float = 0) -> float:
    """The place from the left of something `width` wide that begins at `x` from where reading begins."""
    return round(100 - x - width if rtl else x, 2)
