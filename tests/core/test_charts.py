"""Charts are geometry: places in percent across and pixels down, mirrored where a language runs from the right."""

from datetime import date, timedelta

import pytest
from django.template.loader import render_to_string
from django.utils import translation

from apps.core import charts
from apps.core.charts import Series

MONDAY = date(2026, 11, 23)
PAST = MONDAY - timedelta(days=1)


def bars(values=((3, 1), (0, 0), (1, 0)), **more):
    series = [
        Series(name, [row[at] for row in values]) for at, name in enumerate(("By post", "By mail")[: len(values[0])])
    ]
    given = {"categories": ("Access", "Portability", "Erasure")[: len(values)], "series": series} | more
    return charts.bar_chart(key="b", title="Bars", description="Of what", empty="Nothing", head="Right", **given)


def lines(values, *more_series, days=None, **more):
    days = days or [MONDAY + timedelta(days=at) for at in range(len(values))]
    series = [Series("Received", values), *more_series]
    given = {"days": days, "series": series} | more
    return charts.line_chart(key="l", title="Lines", description="Of what", empty="Nothing", head="Day", **given)


def heat(counts, **more):
    given = {"start": MONDAY, "weeks": 4, "counts": counts} | more
    return charts.heat_map(key="h", title="Due", description="Of what", empty="Nothing", head=("Day", "Due"), **given)


def test_the_longest_bar_takes_the_whole_width_and_the_others_their_share():
    chart = bars()
    assert [[(piece.x, piece.width, piece.style) for piece in bar.pieces] for bar in chart.bars] == [
        [(0, 75, 0), (75, 25, 1)],
        [],
        [(0, 25, 0)],
    ]
    assert [bar.value.text for bar in chart.bars] == ["4", "0", "1"]
    assert chart.legend == ["By post", "By mail"]
    assert chart.table.rows == [("Access", "3", "1"), ("Portability", "0", "0"), ("Erasure", "1", "0")]
    assert chart.summary == "The most: Access, 4."


def test_bars_grow_from_the_right_where_reading_begins_there():
    one, mirror = bars(), bars(rtl=True)
    assert [(piece.x, piece.width) for piece in mirror.bars[0].pieces] == [(25, 75), (0, 25)]
    assert (one.bars[0].lines[0].x, one.bars[0].value.x) == (0, 100)
    assert (mirror.bars[0].lines[0].x, mirror.bars[0].value.x) == (100, 0)
    assert mirror.bars[0].lines[0].anchor == "start"  # and `start` is the right there
    assert mirror.height == one.height


def test_one_series_needs_no_legend_and_a_long_label_takes_more_lines():
    chart = bars([(2,), (1,)], categories=["A temporary, exceptional number of requests reached us", "Short"])
    assert chart.legend == []
    assert [len(bar.lines) for bar in chart.bars] == [2, 1]
    assert chart.bars[0].lines[1].y < chart.bars[0].y < chart.bars[1].lines[0].y < chart.height


@pytest.mark.parametrize(
    "chart", [bars([(0, 0)]), lines([0, 0, None]), heat({}), heat({MONDAY - timedelta(days=1): 3})]
)
def test_nothing_is_a_sentence_and_no_empty_box(chart):
    assert chart.is_empty
    for name in ("bar", "line", "heat"):
        page = render_to_string(f"components/chart_{name}.html", {"chart": chart})
        assert "Nothing" in page
        assert "<svg" not in page


def test_a_line_spreads_over_the_time_between_its_days():
    chart = lines([0, 4, 2], days=[MONDAY, MONDAY + timedelta(days=1), MONDAY + timedelta(days=4)])
    [line] = chart.lines
    bottom, top = charts.LINE_TOP + charts.LINE_DEEP, charts.LINE_TOP
    assert [(marker.x, marker.y) for marker in line.markers] == [(9, bottom), (31, top), (97, (top + bottom) / 2)]
    assert line.runs == [f"9,{bottom} 31,{top} 97,{(top + bottom) / 2:g}"]
    assert [tick.text for tick in chart.ticks] == ["0", "1", "2", "3", "4"]


def test_time_runs_from_the_right_in_arabic():
    ahead, mirror = lines([1, 2, 3]), lines([1, 2, 3], rtl=True)
    assert [marker.x for marker in mirror.lines[0].markers] == [100 - marker.x for marker in ahead.lines[0].markers]
    assert [marker.y for marker in mirror.lines[0].markers] == [marker.y for marker in ahead.lines[0].markers]
    assert mirror.lines[0].markers[0].x > mirror.lines[0].markers[-1].x
    assert {tick.x for tick in mirror.ticks} == {100}


def test_one_value_is_a_marker_in_the_middle_and_what_is_unknown_breaks_the_line():
    [line] = lines([5]).lines
    assert (line.runs, line.markers[0].x) == ([], 53)
    [line] = lines([1, 2, None, 3, 4]).lines
    assert [run.count(",") for run in line.runs] == [2, 2]
    assert len(line.markers) == 4
    assert lines([1, None]).table.rows[1] == ("24 November 2026", "–")


def test_series_differ_in_dash_and_marker():
    drawn = lines([1, 2], Series("Answered", [0, 1])).lines
    assert len({line.dash for line in drawn}) == len({line.marker for line in drawn}) == 2


def test_at_most_four_days_are_named_below():
    chart = lines(list(range(1, 31)))
    assert [label.text for label in chart.labels] == ["23 Nov", "1 Dec", "9 Dec", "17 Dec"]


@pytest.mark.parametrize(
    ("most", "scale"), [(1, [0, 1]), (3, [0, 1, 2, 3]), (7, [0, 2, 4, 6, 8]), (90, [0, 50, 100]), (0.5, [0, 1])]
)
def test_a_scale_goes_by_round_whole_steps(most, scale):
    assert charts.nice_scale(most) == scale


def test_weeks_are_columns_and_days_before_the_first_are_left_out():
    chart = heat({MONDAY + timedelta(days=2): 4, MONDAY + timedelta(days=7): 1}, start=MONDAY + timedelta(days=2))
    assert len(chart.cells) == 4 * 7 - 2
    wednesday, next_monday = chart.cells[0], chart.cells[5]
    assert (wednesday.level, wednesday.text.text, wednesday.title) == (3, "4", "25 November 2026: 4")
    assert (next_monday.level, next_monday.y) == (1, charts.HEAT_TOP)
    assert next_monday.x > wednesday.x
    assert {cell.text.text for cell in chart.cells} == {"4", "1", ""}
    assert [label.text for label in chart.weekdays] == ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    assert [label.text for label in chart.months] == ["Dec"]
    assert chart.table.rows == [("25 November 2026", "4"), ("30 November 2026", "1")]


def test_a_calendar_begins_its_weeks_as_the_language_does_and_runs_its_way():
    counts = {MONDAY: 1}
    with translation.override("ar"):
        mirror = heat(counts, rtl=True)
        assert charts.week_start(MONDAY) == MONDAY - timedelta(days=1)
    assert mirror.cells[0].y == charts.HEAT_TOP + charts.HEAT_ROW  # Monday is the second row
    one = heat(counts)
    assert [cell.x for cell in heat(counts, rtl=True).cells] == [
        round(100 - cell.x - cell.width, 2) for cell in one.cells
    ]
    assert mirror.weekdays[0].x == 100


def test_the_last_months_name_ends_where_the_drawing_ends():
    chart = heat({MONDAY: 1}, start=date(2026, 12, 7))
    assert chart.is_empty
    chart = heat({date(2026, 12, 9): 1}, start=date(2026, 12, 7))
    assert [(label.text, label.anchor) for label in chart.months] == [("Dec", "start"), ("Jan 2027", "end")]
    assert chart.months[-1].x == 100


@pytest.mark.parametrize("language", ["en", "nl", "ar"])
def test_numbers_are_written_as_the_language_does_and_places_are_not(language):
    """A decimal comma in an attribute would break the drawing."""
    with translation.override(language):
        chart = lines([0.5, 1234.5, 2])
        page = render_to_string("components/chart_line.html", {"chart": chart})
    assert {"en": "1,234.5", "nl": "1.234,5", "ar": "1,234.5"}[language] in page
    assert 'x="53.0%"' in page
    assert f'points="{chart.lines[0].runs[0]}"' in page


def test_every_chart_has_a_title_a_description_and_its_numbers_beside_it():
    for name, chart in (("bar", bars()), ("line", lines([1, 2])), ("heat", heat({MONDAY: 1}))):
        page = render_to_string(f"components/chart_{name}.html", {"chart": chart})
        key = chart.key
        assert f'role="img" aria-labelledby="{key}-title {key}-desc"' in page
        assert f'<desc id="{key}-desc">{chart.summary}</desc>' in page
        assert page.index("</svg>") < page.index("<details")
        assert page.count("<tr>") == len(chart.table.rows) + 1
