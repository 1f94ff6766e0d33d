"""The list of sweeps, and one of them: its plan, who has to look and why, what became of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.core.tables import SIZES, Column, Listing
from apps.retention import reasons
from apps.retention import schedule_words as words
from apps.retention.forms.sweeps import SweepFilterForm
from apps.retention.models import Rule, Sweep, SweepQuerySet, SweepTask
from apps.retention.presentation import amounts
from apps.retention.services.sweeps import CANCELLED
from apps.retention.states import Action, SweepStatus, TaskStatus

COLUMNS = (
    Column("made", gettext_lazy("Made"), ("made_at", "pk")),
    Column("day", gettext_lazy("For the day"), ("day", "made_at", "pk")),
    Column("status", gettext_lazy("Status")),
    Column("planned", gettext_lazy("Planned"), is_number=True),
    Column("done", gettext_lazy("Done"), is_number=True),
    Column("kept", gettext_lazy("Kept past the limit"), is_number=True),
    Column("took", gettext_lazy("Took"), is_number=True),
)
FEWER = 10  # the list is the last part of a long page
TABLE: dict[str, Any] = {"caption": gettext_lazy("Sweeps"), "rows_template": "retention/overview_sweeps.html"}
TONES: Mapping[str, str] = {
    SweepStatus.PLANNED: "blue",
    SweepStatus.WAITING: "orange",
    SweepStatus.RUNNING: "sky",
    SweepStatus.INCOMPLETE: "orange",
    SweepStatus.DONE: "green",
    SweepStatus.SUPERSEDED: "grey",
    SweepStatus.REFUSED: "red",
}
TASK_TONES: Mapping[str, str] = {
    TaskStatus.PENDING: "grey",
    TaskStatus.CLAIMED: "sky",
    TaskStatus.DONE: "green",
    TaskStatus.FAILED: "red",
}
WAITS_FOR: Mapping[str, Any] = {
    "cap_rows": gettext_lazy("More rows would go than one run may take without approval."),
    "cap_share": gettext_lazy("A larger share of a collection would go than one run may take without approval."),
    "clock_jump": gettext_lazy("The machine’s clock jumped: with a wrong day, data would be deleted too early."),
    "clock_gap": gettext_lazy("No run looked at the clock for a long time, so nobody can say that it is right."),
}
REFUSED: Mapping[str, Any] = {
    "sweep_stale": gettext_lazy("The rules or the data map have changed since the plan was made."),
    CANCELLED: gettext_lazy("A person stopped it. What had gone by then is gone; the rest was left alone."),
}


class SweepListing(Listing):
    """Sweeps as the address asks for them, the newest first."""

    def __init__(self, request: HttpRequest) -> None:
        self.form = SweepFilterForm(request.GET)
        self.chosen = self.form.chosen()
        self.clear_url = request.path if self.chosen else ""
        super().__init__(request.GET, columns=COLUMNS, sort="-made", filters=self.chosen)
        self.size = self.size if request.GET.get("size", "") in map(str, SIZES) else FEWER

    def searched(self, found: SweepQuerySet) -> SweepQuerySet:
        """Those that fit the filters."""
        found = found.filter(status=self.chosen["status"]) if "status" in self.chosen else found
        found = found.filter(day__gte=self.chosen["since"]) if "since" in self.chosen else found
        return found.prefetch_related("tasks")


@dataclass(frozen=True)
class Row:
    """A sweep in the list."""

    sweep: Sweep
    status: str
    tone: str
    planned: str
    done: str
    kept: str
    took: str


def row(sweep: Sweep, *, sees_holds: bool) -> Row:
    """A row of the list; `sweep.tasks` should be fetched."""
    planned, done, kept = map(amounts.number, counts(sweep, sees_holds=sees_holds))
    return Row(
        sweep, status(sweep), TONES[sweep.status], planned, done, kept, took(sweep.started_at, sweep.finished_at)
    )


def status(sweep: Sweep) -> str:
    """Where it stands, in words."""
    return _("Stopped") if sweep.reason == CANCELLED else str(sweep.get_status_display())


def counts(sweep: Sweep, *, sees_holds: bool) -> tuple[int, int, int]:
    """Rows planned, rows done, and rows past their limit that stay: as planned, and once it ran as it was found."""
    tasks = list(sweep.tasks.all())
    found = tasks if sweep.finished_at else ()
    kept = [one for task in found for one in task.kept] or [one for line in sweep.lines for one in line["kept"]]
    told = sum(one.count for one in reasons.kept_of(kept, sees_holds=sees_holds))
    return sweep.planned, sum(task.done for task in tasks), told


def header() -> list[str]:
    named = (_("Made"), _("For the day"), _("Hash"), _("Status"), _("Planned"), _("Done"), _("Kept past the limit"))
    return [*named, _("Started"), _("Finished"), _("Seconds")]


def cells(sweep: Sweep, *, sees_holds: bool) -> Iterator[object]:
    yield from (sweep.made_at.isoformat(), sweep.day.isoformat(), sweep.hash, sweep.status)
    yield from counts(sweep, sees_holds=sees_holds)
    yield from (_iso(sweep.started_at), _iso(sweep.finished_at), seconds(sweep.started_at, sweep.finished_at))


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def seconds(start: datetime | None, end: datetime | None) -> float | None:
    """How long something took, where it did."""
    return round((end - start).total_seconds(), 1) if start and end else None


def took(start: datetime | None, end: datetime | None) -> str:
    """How long something took, in words; a dash where it has not ended."""
    return in_time(end - start) if start and end else "–"


def in_time(lasted: timedelta) -> str:
    """A length of time in its two largest units."""
    whole = round(lasted.total_seconds())
    hours, minutes, rest = whole // 3_600, whole % 3_600 // 60, whole % 60
    named = [
        (hours, ngettext("%(n)s hour", "%(n)s hours", hours)),
        (minutes, ngettext("%(n)s minute", "%(n)s minutes", minutes)),
        (rest, ngettext("%(n)s second", "%(n)s seconds", rest)),
    ]
    said = [text % {"n": count} for count, text in named if count][:2]
    return " ".join(said) or ngettext("%(n)s second", "%(n)s seconds", 0) % {"n": 0}


# --- one sweep ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stay:
    """Rows past their limit that stay, and why; of those a hold keeps also which one, for those who may know."""

    text: str
    hold: str = ""
    url: str = ""


@dataclass(frozen=True)
class Line:
    """What the plan says of one collection and rule."""

    collection: str
    key: str
    columns: str
    action: str
    rule: str
    version: int | None
    total: str
    goes: str
    share: str
    difference: str
    oldest: str
    stays: Sequence[Stay]
    samples: Sequence[str]


@dataclass(frozen=True)
class Work:
    """What became of one collection."""

    collection: str
    action: str
    planned: str
    done: str
    kept: str
    batches: str
    took: str
    status: str
    tone: str
    error: str
    attempts: int
    held: Sequence[Stay]  # what holds kept of it, for those who may know
    is_notable: bool  # at work, failed, or other than planned


@dataclass(frozen=True)
class Works:
    """What became of all collections: those that say something new stand on top, the others can be unfolded."""

    every: Sequence[Work]
    others_in_words: str

    @property
    def notable(self) -> list[Work]:
        return [row for row in self.every if row.is_notable]

    @property
    def others(self) -> list[Work]:
        return [row for row in self.every if not row.is_notable]


def lines(
    sweep: Sweep, before: Sweep | None, rules: Mapping[str, Rule], names: Mapping[str, str], *, sees_holds: bool
) -> list[Line]:
    """The plan, line by line, beside the last run's."""
    counted = {_place(line): line["count"] for line in before.lines} if before else None
    return [_line(line, counted, rules, names, sees_holds=sees_holds) for line in sweep.lines]


def _place(line: Mapping[str, Any]) -> tuple[Any, ...]:
    return (line["collection"], line["action"], tuple(line.get("columns") or ()), line["rule"])


def _line(
    line: Mapping[str, Any],
    counted: Mapping[tuple[Any, ...], int] | None,
    rules: Mapping[str, Rule],
    names: Mapping[str, str],
    *,
    sees_holds: bool,
) -> Line:
    rule = rules.get(line["rule"] or "")
    kept = reasons.kept_of(line["kept"], sees_holds=sees_holds)
    return Line(
        collection=names.get(line["collection"], line["collection"]),
        key=line["collection"],
        columns=", ".join(line.get("columns") or ()),
        action=str(Action(line["action"]).label),
        rule=words.title(rule) if rule else line["rule"] or "",
        version=line.get("version"),
        total=amounts.number(line.get("total") or 0),
        goes=amounts.number(line["count"]),
        share=amounts.share(line["count"], line.get("total") or 0),
        difference=amounts.signed(line["count"] - counted.get(_place(line), 0)) if counted is not None else "–",
        oldest=formats.date_format(date.fromisoformat(line["oldest"]), "DATE_FORMAT") if line.get("oldest") else "–",
        stays=[_stay(each, rules) for each in kept],
        samples=[", ".join(key) if isinstance(key, list) else str(key) for key in line.get("samples") or ()],
    )


def _stay(kept: reasons.Kept, rules: Mapping[str, Rule]) -> Stay:
    text = f"{amounts.number(kept.count)} – {reasons.in_a_line(kept.veiled, rules)}"
    hold = kept.hold
    return Stay(text, hold, reverse("retention:hold", args=[hold]) if hold else "")


def work(tasks: Sequence[SweepTask], rules: Mapping[str, Rule], names: Mapping[str, str], *, sees_holds: bool) -> Works:
    """What became of each collection, in the order of the work."""
    rows = [_work(task, rules, names, sees_holds=sees_holds) for task in tasks]
    plain = [task.status for task, row in zip(tasks, rows, strict=True) if not row.is_notable]
    done, waiting = plain.count(TaskStatus.DONE), plain.count(TaskStatus.PENDING)
    words = [
        ngettext("%(count)s collection done as planned", "%(count)s collections done as planned", done) if done else "",
        ngettext("%(count)s collection not begun", "%(count)s collections not begun", waiting) if waiting else "",
    ]
    told = [text % {"count": amounts.number(count)} for text, count in zip(words, (done, waiting), strict=True) if text]
    return Works(rows, " · ".join(told))


def _work(task: SweepTask, rules: Mapping[str, Rule], names: Mapping[str, str], *, sees_holds: bool) -> Work:
    kept = reasons.kept_of(task.kept, sees_holds=sees_holds)
    is_plain = task.status == TaskStatus.PENDING or (
        task.status == TaskStatus.DONE and task.done == task.planned and not kept
    )
    return Work(
        collection=names.get(task.collection, task.collection),
        action=str(Action(task.action).label),
        planned=amounts.number(task.planned),
        done=amounts.number(task.done),
        kept=amounts.number(sum(one.count for one in kept)),
        batches=amounts.number(task.batches),
        took=took(task.started_at, task.finished_at),
        status=str(task.get_status_display()),
        tone=TASK_TONES[task.status],
        error=task.error_code,
        attempts=task.attempts,
        held=[_stay(one, rules) for one in kept if one.hold],
        is_notable=bool(task.error_code) or not is_plain,
    )


def waits_for(sweep: Sweep) -> list[str]:
    """Why a person has to look first."""
    return [str(WAITS_FOR.get(code, code)) for code in sweep.waits_for]


def refused_because(sweep: Sweep) -> str:
    """Why it was not carried out."""
    return str(REFUSED.get(sweep.reason, sweep.reason))
