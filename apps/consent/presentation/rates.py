"""The officers' page on consent: rates by purpose, language, version and method, over time, as charts and tables."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import get_language, get_language_bidi, gettext_lazy
from django.utils.translation import gettext as _

from apps.consent import figures
from apps.consent.figures import Answers, Shown
from apps.consent.models import Range, Text
from apps.consent.services.ranges import Verdict, verify_range
from apps.consent.states import Method
from apps.core import charts
from apps.core.charts import BarChart, LineChart, Series
from apps.core.filters import FilterForm
from apps.core.reporting import CUTS, DEFAULT, HEADS, PERIODS, SHORT_CUTS, Period
from apps.core.spreadsheets import as_csv

WAYS = {
    "purpose": gettext_lazy("Purpose"),
    "language": gettext_lazy("Language"),
    "version": gettext_lazy("Version of the text"),
    "method": gettext_lazy("Method"),
}
LANGUAGES = {"en": "English", "nl": "Nederlands", "ar": "العربية"}
CATEGORIES = {
    "performance": gettext_lazy("Performance cookies"),
    "functional": gettext_lazy("Functional cookies"),
    "marketing": gettext_lazy("Marketing and analytics cookies"),
}
COOKIES = "cookies:"
RANGES = 6
DIFFERENCES = {
    "": (gettext_lazy("Nothing differs"), "green"),
    "gap": (gettext_lazy("The range before it is missing"), "red"),
    "ledger": (gettext_lazy("The ledger says something else"), "red"),
    "missing": (gettext_lazy("Events are missing"), "red"),
    "gone": (gettext_lazy("Fewer events: proof of that age goes"), "grey"),
    "more": (gettext_lazy("There are more events"), "red"),
    "changed": (gettext_lazy("An event was changed"), "red"),
}


@dataclass(frozen=True)
class Row:
    """One value of what the answers are told apart by."""

    name: str
    answers: str
    yes: str
    no: str
    rate: str


@dataclass(frozen=True)
class ClosedRange:
    """A range with what verifying it now says, where that was asked."""

    closed: Range
    verdict: Verdict | None = None

    @property
    def tag(self) -> tuple[Any, str] | None:
        return DIFFERENCES[self.verdict.difference] if self.verdict else None


class RatesForm(FilterForm):
    """What to show, and told apart by what."""

    notice = forms.ChoiceField(label=gettext_lazy("About"), required=False)
    by = forms.ChoiceField(label=gettext_lazy("Told apart by"), required=False, choices=list(WAYS.items()))
    period = forms.ChoiceField(label=gettext_lazy("Period"), required=False)

    def __init__(self, data: Any, *, notices: Mapping[str, str]) -> None:
        super().__init__(data)
        self.fields["notice"].choices = [("", _("Everything")), *notices.items()]  # type: ignore[attr-defined]
        self.fields["period"].choices = [(key, name) for key, (name, _made) in PERIODS.items()]  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Rates:
    """The figures of one period, asked for once."""

    form: RatesForm
    period: Period
    by: str
    answers: Sequence[Answers]
    shown: Sequence[Shown]
    titles: Mapping[str, str]

    def name_of(self, one: Answers) -> str:
        if self.by == "language":
            return LANGUAGES.get(one.language, one.language)
        if self.by == "method":
            return str(Method(one.method).label)
        if self.by == "version":
            version = "–" if one.version is None else one.version
            return _("%(notice)s, version %(version)s") % {"notice": self.titles[one.notice], "version": version}
        return purpose_name(one.notice, one.purpose, self.titles)


def gather(params: QueryDict, *, now: datetime) -> Rates:
    """The figures that the address asks for; what makes no sense there is the default."""
    wanted = params.get("period", "")
    period = PERIODS[wanted if wanted in PERIODS else DEFAULT][1](now.date())
    counted, served = figures.answers(period), figures.shown(period)
    titles = titles_of({one.notice for one in counted} | {one.notice for one in served})
    form = RatesForm({"period": DEFAULT, "by": "purpose"} | params.dict(), notices=titles)
    chosen = form.chosen()
    about = chosen.get("notice", "")
    return Rates(
        form,
        period,
        chosen.get("by", "purpose"),
        [one for one in counted if about in ("", one.notice)],
        [one for one in served if about in ("", one.notice)],
        titles,
    )


def titles_of(notices: set[str]) -> dict[str, str]:
    """Notices as people were shown their title, in the page's language where there is one."""
    texts = Text.objects.current().filter(notice__in=notices).order_by("language")
    named: dict[str, str] = {}
    for notice, language, body in texts.values_list("notice", "language", "body"):
        if notice not in named or language == get_language():
            named[notice] = str(body.get("title") or notice)
    sites = {key: _("Cookies of the site “%(site)s”") % {"site": key.removeprefix(COOKIES)}
             for key in notices if key.startswith(COOKIES)}  # fmt: skip
    return dict(sorted(({key: key for key in notices} | named | sites).items(), key=lambda one: one[1]))


def purpose_name(notice: str, purpose: str, titles: Mapping[str, str]) -> str:
    if notice.startswith(COOKIES):
        name = str(CATEGORIES.get(purpose, purpose))
        return f"{name} ({notice.removeprefix(COOKIES)})"
    return titles.get(notice, purpose)


def page(rates: Rates, *, now: datetime, verify: str = "") -> dict[str, Any]:
    return {
        "form": rates.form,
        "period": rates.period.in_words,
        "over_time": over_time(rates),
        "sums": sums(rates),
        "by": WAYS[rates.by],
        "rows": rows(rates),
        "shown": served_rows(rates),
        "ranges": closed_ranges(verify, now=now),
    }


def _counted(rates: Rates) -> tuple[Counter[str], Counter[str]]:
    yes, every = Counter[str](), Counter[str]()
    for one in rates.answers:
        name = rates.name_of(one)
        every[name] += one.count
        yes[name] += one.count if one.is_yes else 0
    return yes, every


def over_time(rates: Rates) -> LineChart:
    cuts, step = rates.period.cuts, rates.period.step
    _yes, every = _counted(rates)
    names = [name for name, _count in every.most_common(charts.STYLES)]
    return charts.line_chart(
        key="rates",
        title=_("Of a hundred answers, how many were yes"),
        description=_("By the day of the answer (UTC). Where nobody answered, the line breaks. At most four lines."),
        empty=_("Nobody answered yes during this period."),
        head=str(HEADS[step]),
        days=cuts,
        series=[Series(name, _shares(rates, name, cuts)) for name in names],
        short=SHORT_CUTS[step],
        full=CUTS[step],
        rtl=get_language_bidi(),
    )


def _shares(rates: Rates, name: str, cuts: Sequence[date]) -> list[float | None]:
    yes, every = Counter[date](), Counter[date]()
    for one in rates.answers:
        if rates.name_of(one) == name:
            every[one.cut] += one.count
            yes[one.cut] += one.count if one.is_yes else 0
    return [round(100 * yes[cut] / every[cut], 1) if every[cut] else None for cut in cuts]


def sums(rates: Rates) -> BarChart:
    yes, every = _counted(rates)
    names = [name for name, _count in every.most_common()]
    return charts.bar_chart(
        key="sums",
        title=_("Answers of the period"),
        description=_("An act that answers several purposes at once counts for each of them."),
        empty=_("Nobody answered during this period."),
        head=str(WAYS[rates.by]),
        categories=names,
        series=[
            Series(_("Yes"), [yes[name] for name in names]),
            Series(_("No"), [every[name] - yes[name] for name in names]),
        ],
        rtl=get_language_bidi(),
    )


def rows(rates: Rates) -> list[Row]:
    yes, every = _counted(rates)
    return [
        Row(name, charts.number(total), charts.number(yes[name]), charts.number(total - yes[name]),
            _percent(yes[name], total))
        for name, total in every.most_common()
    ]  # fmt: skip


def served_rows(rates: Rates) -> list[dict[str, Any]]:
    return [
        {
            "name": rates.titles[one.notice],
            "version": one.version,
            "language": LANGUAGES.get(one.language, one.language),
            "served": charts.number(one.served),
            "acts": charts.number(one.acts),
            "rate": _percent(one.acts, one.served) if one.served >= one.acts else "–",
        }
        for one in rates.shown
    ]


def closed_ranges(verify: str, *, now: datetime) -> list[ClosedRange]:
    """The last ones; the one that is asked for is calculated again."""
    last = Range.objects.order_by("-ends_at")[:RANGES]
    return [ClosedRange(one, verify_range(one, now=now) if str(one.pk) == verify else None) for one in last]


def _percent(part: int, whole: int) -> str:
    return _("%(share)s%%") % {"share": charts.number(round(100 * part / whole, 1))} if whole else "–"


def spreadsheet(rates: Rates) -> str:
    """Every count as it was asked of the database, a line each."""
    head = (_("About"), _("Purpose"), _("Answer"), _("Language"), _("Version of the text"), _("Method"), _("From"),
            _("Answers"))  # fmt: skip
    return as_csv(head, _cells(rates))


def _cells(rates: Rates) -> Iterator[tuple[Any, ...]]:
    for one in rates.answers:
        answer = _("Yes") if one.is_yes else _("No")
        yield one.notice, one.purpose, answer, one.language, one.version, one.method, one.cut, one.count
