"""The desk's overview: what the figures say, each with what it counts and the article it rests on."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.utils.translation import get_language_bidi
from django.utils.translation import gettext as _

from apps.core import charts, clock
from apps.core.charts import BarChart, HeatMap, LineChart, Series
from apps.core.reporting import CUTS, DEFAULT, HEADS, PERIODS, SHORT_CUTS, Period
from apps.core.spreadsheets import as_csv
from apps.subject_requests import figures
from apps.subject_requests.figures import Answers, Due, Intake
from apps.subject_requests.models import CalendarFeed, SubjectRequest
from apps.subject_requests.presentation import words
from apps.subject_requests.states import Capacity, Channel, ExtensionReason, RefusalGround, Right

WEEKS_AHEAD = 9


@dataclass(frozen=True)
class Shown:
    """The figures of one period, asked for once."""

    chosen: str
    today: date
    period: Period
    intake: Intake
    answered: Counter[date]
    answers: Sequence[Answers]
    due: Due


@dataclass(frozen=True)
class Measure:
    """A line of the table of answers: a value a capacity, as it is read and as a spreadsheet wants it."""

    name: str
    means: str
    values: Sequence[str]
    plain: Sequence[float]


def gather(chosen: str, *, now: datetime) -> Shown:
    """The figures for the period named in the address; an unknown name is the default."""
    chosen = chosen if chosen in PERIODS else DEFAULT
    today = clock.local_date(now)
    period = PERIODS[chosen][1](today)
    counted = figures.intake(period), figures.answered(period), figures.answers(period), figures.due(now=now)
    return Shown(chosen, today, period, *counted)


def page(shown: Shown, *, user: Any) -> dict[str, Any]:
    rtl = get_language_bidi()
    return {
        "shown": shown,
        "period": shown.period.in_words,
        "tabs": [
            {"text": name, "url": f"?period={key}", "is_current": key == shown.chosen}
            for key, (name, _period) in PERIODS.items()
        ],
        "charts": [by_right(shown, rtl=rtl), by_channel(shown, rtl=rtl)],
        "over_time": over_time(shown, rtl=rtl),
        "grounds": [extensions(shown, rtl=rtl), refusals(shown, rtl=rtl)],
        "capacities": [_capacity(each.capacity) for each in shown.answers],
        "measures": measures(shown.answers),
        "due_map": due_map(shown, rtl=rtl),
        "later": sum(count for day, count in shown.due.by_day.items() if day >= _map_end(shown.today)),
        "rows": [_oldest(each, today=shown.today) for each in figures.oldest(user)],
        "feed": CalendarFeed.objects.of(user).live().first(),
    }


def _oldest(subject_request: SubjectRequest, *, today: date) -> dict[str, Any]:
    return {
        "reference": subject_request.reference,
        "right": _short(Right(subject_request.right).label),
        "deadline": words.next_countdown(subject_request, today=today),
    }


def by_right(shown: Shown, *, rtl: bool) -> BarChart:
    channels = [channel for channel in Channel if shown.intake.by_channel[channel.value]]
    return charts.bar_chart(
        key="by-right",
        title=_("Received, by right"),
        description=_("Requests that came in during this period, by the right that people used (GDPR 15 to 22)."),
        empty=_("No request came in during this period."),
        head=_("Right"),
        categories=[_short(right.label) for right in Right],
        series=[
            Series(str(channel.label), [shown.intake.by_right[right.value, channel.value] for right in Right])
            for channel in channels
        ],
        rtl=rtl,
    )


def by_channel(shown: Shown, *, rtl: bool) -> BarChart:
    return charts.bar_chart(
        key="by-channel",
        title=_("Received, by channel"),
        description=_("The same requests by the way they reached us. The law asks for no form (GDPR 12(2))."),
        empty=_("No request came in during this period."),
        head=_("Channel"),
        categories=[str(channel.label) for channel in Channel],
        series=[Series(_("Requests"), [shown.intake.by_channel[channel.value] for channel in Channel])],
        rtl=rtl,
    )


def over_time(shown: Shown, *, rtl: bool) -> LineChart:
    cuts, step = shown.period.cuts, shown.period.step
    descriptions = {
        "day": _("Requests received and requests answered, day by day."),
        "week": _("Requests received and requests answered, week by week. The first and the last may not be whole."),
        "month": _("Requests received and requests answered, month by month. The first and the last may not be whole."),
    }
    return charts.line_chart(
        key="over-time",
        title=_("Received and answered over time"),
        description=descriptions[step],
        empty=_("Nothing was received or answered during this period."),
        head=str(HEADS[step]),
        days=cuts,
        series=[
            Series(_("Received"), [shown.intake.by_cut[cut] for cut in cuts]),
            Series(_("Answered"), [shown.answered[cut] for cut in cuts]),
        ],
        short=SHORT_CUTS[step],
        full=CUTS[step],
        rtl=rtl,
    )


def measures(answers: Sequence[Answers]) -> list[Measure]:
    """Speed, punctuality and what did not go the plain way: a value for each capacity with an answer."""
    return [
        _measure(
            _("Answers"),
            _("Parts of requests that got an answer. What was withdrawn, spam or a duplicate is not one."),
            [each.count for each in answers],
        ),
        _measure(
            _("Median time to answer, in days"),
            _("Half of the answers took no longer (GDPR 12(3)). Days on which the clock stood still count too."),
            [each.median for each in answers],
        ),
        _measure(
            _("90th percentile of that time, in days"),
            _("Nine answers in ten took no longer (GDPR 12(3))."),
            [each.ninetieth for each in answers],
        ),
        _measure(
            _("On time"),
            _("Answered before the legal clock ended, the extended one where it was extended (GDPR 12(3), 28(3)(e))."),
            [100 * each.on_time / each.count for each in answers],
            is_share=True,
        ),
        _measure(
            _("Extended"),
            _("Their deadline was extended, once and with reasons (GDPR 12(3)). Instructions are never extended."),
            [100 * each.extended.total() / each.count for each in answers],
            is_share=True,
        ),
        _measure(
            _("Declined"),
            _("Requests refused (GDPR 12(4), 12(5)) and instructions declined (GDPR 28(3)), each with its reasons."),
            [100 * each.refused.total() / each.count for each in answers],
            is_share=True,
        ),
    ]


def _measure(name: str, means: str, values: Sequence[float], *, is_share: bool = False) -> Measure:
    plain = [round(value, 1) for value in values]
    shown = [charts.number(value) for value in plain]
    return Measure(name, means, [_("%(share)s%%") % {"share": each} for each in shown] if is_share else shown, plain)


def extensions(shown: Shown, *, rtl: bool) -> BarChart:
    counts = sum((each.extended for each in shown.answers), Counter[str]())
    return charts.bar_chart(
        key="extensions",
        title=_("Why deadlines were extended"),
        description=_("Answers of this period whose deadline was extended, by the reason given (GDPR 12(3))."),
        empty=_("No answer of this period had its deadline extended."),
        head=_("Reason"),
        categories=[str(reason.label) for reason in ExtensionReason],
        series=[Series(_("Answers"), [counts[reason.value] for reason in ExtensionReason])],
        rtl=rtl,
    )


def refusals(shown: Shown, *, rtl: bool) -> BarChart:
    counts = sum((each.refused for each in shown.answers), Counter[str]())
    grounds = [ground for ground in RefusalGround if counts[ground.value]]
    return charts.bar_chart(
        key="refusals",
        title=_("Why requests were declined"),
        description=_("Answers of this period that said no, by the ground given (GDPR 12(4))."),
        empty=_("No answer of this period said no."),
        head=_("Ground"),
        categories=[str(ground.label) for ground in grounds],
        series=[Series(_("Answers"), [counts[ground.value] for ground in grounds])],
        rtl=rtl,
    )


def due_map(shown: Shown, *, rtl: bool) -> HeatMap:
    return charts.heat_map(
        key="due",
        title=_("Answers due in the coming weeks"),
        description=_("Open parts of requests by the last day for their answer (GDPR 12(3))."),
        empty=_("Nothing is due in the coming weeks."),
        head=(_("Day"), _("Answers due")),
        start=shown.today,
        weeks=WEEKS_AHEAD,
        counts=shown.due.by_day,
        rtl=rtl,
    )


def _map_end(today: date) -> date:
    """The first day after the map."""
    return charts.week_start(today) + timedelta(weeks=WEEKS_AHEAD)


def spreadsheet(shown: Shown) -> str:
    """The figures as a table of three columns: which figure, of what, how much."""
    return as_csv((_("Figure"), _("Of"), _("Value")), _cells(shown))


def _cells(shown: Shown) -> Iterator[tuple[str, Any, Any]]:
    yield _("First day"), "", shown.period.start
    yield _("Last day"), "", shown.period.end
    for (right, channel), count in sorted(shown.intake.by_right.items()):
        yield _("Received, by right"), f"{_short(Right(right).label)}, {Channel(channel).label}", count
    for name, counts in ((_("Received"), shown.intake.by_cut), (_("Answered"), shown.answered)):
        for cut in shown.period.cuts:
            yield name, cut, counts[cut]
    for measure in measures(shown.answers):
        for answers, value in zip(shown.answers, measure.plain, strict=True):
            yield measure.name, _capacity(answers.capacity), value
    yield from _grounds(shown.answers)
    yield _("Late by the legal clock"), "", shown.due.late
    for day, count in shown.due.by_day.items():
        yield _("Answers due"), day, count


def _grounds(answers: Sequence[Answers]) -> Iterator[tuple[str, Any, Any]]:
    for each in answers:
        told: tuple[tuple[str, Mapping[str, int], Any], ...] = (
            (_("Why deadlines were extended"), each.extended, ExtensionReason),
            (_("Why requests were declined"), each.refused, RefusalGround),
        )
        for name, counts, kind in told:
            for code, count in sorted(counts.items()):
                yield name, f"{_capacity(each.capacity)}, {kind(code).label}", count


def _short(label: Any) -> str:
    """What stands before the colon of a label: the field's own word."""
    return str(label).partition(":")[0]


def _capacity(value: str) -> str:
    return _short(Capacity(value).label)
