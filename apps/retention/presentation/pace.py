"""How fast a sweep works: now, while it runs, and over its whole time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Avg, Count, F, FloatField, Max, Min, Sum
from django.db.models.functions import Cast, Extract, Floor
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.core import charts
from apps.core.charts import LineChart, Series
from apps.retention.models import Sweep, SweepBatch, SweepTask
from apps.retention.presentation import amounts
from apps.retention.presentation.sweeps import in_time
from apps.retention.states import SweepStatus, TaskStatus

NOW = 12  # the last batches tell how fast it is now
POINTS = 40  # of a chart
AT_WORK = frozenset({SweepStatus.RUNNING, SweepStatus.INCOMPLETE})


@dataclass(frozen=True)
class Point:
    """Batches that ended in one stretch of time."""

    at: datetime
    rows_per_second: float
    batch: float
    latency_ms: float | None


@dataclass(frozen=True)
class Totals:
    """Of all batches of a sweep."""

    batches: int
    rows: int
    seconds: float
    latency_ms: float | None


def progress(sweep: Sweep, tasks: Sequence[SweepTask], *, now: datetime) -> dict[str, Any]:
    """What `retention/sweep_progress.html` shows: real numbers, of now."""
    done = sum(task.done for task in tasks)
    planned = max(sweep.planned, done)  # rows that ran out since the plan was made go too
    recent = list(SweepBatch.objects.filter(task__sweep=sweep).order_by("-at", "-id")[:NOW])
    rate = _rate(recent)
    return {
        "label": _("Rows that have gone"),
        "done": done,
        "total": planned,
        "done_in_words": amounts.number(done),
        "total_in_words": amounts.number(planned),
        "facts": [
            (_("Rows a second"), amounts.number(round(rate)) if rate else "–"),
            (_("Time left"), _left(planned - done, rate)),
            (_("Rows in a batch"), amounts.number(recent[0].rows) if recent else "–"),
            (_("Writers’ latency"), _milliseconds(recent)),
            (_("Collections done"), _collections(tasks)),
            (_("Running for"), in_time(now - sweep.started_at) if sweep.started_at else "–"),
        ],
        "url": reverse("retention:sweep_progress", args=[sweep.hash]),
        "is_done": sweep.status not in AT_WORK,
        "ending": _("The run has ended."),
    }


def _rate(recent: Sequence[SweepBatch]) -> float:
    spent = sum(batch.seconds for batch in recent)
    return sum(batch.rows for batch in recent) / spent if spent else 0


def _left(rows: int, rate: float) -> str:
    return in_time(timedelta(seconds=max(rows, 0) / rate)) if rate else "–"


def _milliseconds(recent: Sequence[SweepBatch]) -> str:
    known = [batch.latency_ms for batch in recent if batch.latency_ms is not None]
    return _("%(number)s ms") % {"number": amounts.number(round(known[0], 1))} if known else "–"


def _collections(tasks: Sequence[SweepTask]) -> str:
    told = {"done": sum(task.status == TaskStatus.DONE for task in tasks), "total": len(tasks)}
    return _("%(done)s of %(total)s") % told


# --- the whole run -----------------------------------------------------------------------------------


def totals(sweep: Sweep) -> Totals:
    """Sums over every batch."""
    found = SweepBatch.objects.filter(task__sweep=sweep).aggregate(
        batches=Count("id"), rows=Sum("rows"), seconds=Sum("seconds"), latency_ms=Avg("latency_ms")
    )
    return Totals(found["batches"], found["rows"] or 0, found["seconds"] or 0, found["latency_ms"])


def in_words(totals: Totals) -> str:
    """How many batches, and how fast; nothing of a sweep that has done none."""
    if not totals.batches:
        return ""
    told = {"rate": amounts.number(round(totals.rows / totals.seconds)) if totals.seconds else "–"}
    return ngettext(
        "%(batches)s batch, %(rate)s rows a second of working time.",
        "%(batches)s batches, %(rate)s rows a second of working time.",
        totals.batches,
    ) % (told | {"batches": amounts.number(totals.batches)})


def over_time(sweep: Sweep) -> list[Point]:
    """The batches put together in at most forty equal stretches of time, by the database."""
    batches = SweepBatch.objects.filter(task__sweep=sweep)
    ends = batches.aggregate(first=Min("at"), last=Max("at"))
    if not ends["first"]:
        return []
    step = max((ends["last"] - ends["first"]).total_seconds() / POINTS, 0.001)
    since = Cast(Extract(F("at") - ends["first"], "epoch"), FloatField())
    stretches = (
        batches.annotate(stretch=Floor(since / step))
        .values("stretch")
        .annotate(ended=Max("at"), gone=Sum("rows"), spent=Sum("seconds"), batch=Avg("rows"), latency=Avg("latency_ms"))
        .order_by("stretch")
    )
    return [
        Point(each["ended"], each["gone"] / each["spent"] if each["spent"] else 0, each["batch"], each["latency"])
        for each in stretches
    ]


def pace_charts(points: Sequence[Point], *, rtl: bool) -> list[LineChart]:
    """Rows a second, size of batches, and what the writers beside it felt."""
    return [
        _chart("rate", _("Rows a second"), _("What the sweep got done in a second of working time."),
               points, [round(each.rows_per_second) for each in points], rtl=rtl),
        _chart("batch", _("Rows in a batch"), _("Batches grow while writers are quick, and shrink when they wait."),
               points, [round(each.batch) for each in points], rtl=rtl),
        _chart("latency", _("Writers’ latency, in milliseconds"), _("How long a small write beside the sweep took."),
               points, [None if each.latency_ms is None else round(each.latency_ms, 1) for each in points], rtl=rtl),
    ]  # fmt: skip


def _chart(
    key: str, title: str, description: str, points: Sequence[Point], values: Sequence[float | None], *, rtl: bool
) -> LineChart:
    return charts.line_chart(
        key=key,
        title=title,
        description=description,
        empty=_("Nothing was measured."),
        head=_("Time"),
        days=[timezone.localtime(each.at) for each in points],
        series=[Series(title, values)],
        short="H:i:s",
        full="j M H:i:s",
        labels=3,
        rtl=rtl,
    )
