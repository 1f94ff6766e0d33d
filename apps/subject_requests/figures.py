"""The figures of the desk's overview: each one set-based query over a period, counted by the legal clock.

Nothing here names anybody; who may see it is policies.can_see_desk. Instants are aware, days are those of Amsterdam.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Aggregate, Count, DurationField, Exists, F, OuterRef, Q
from django.db.models.functions import Trunc

from apps.core.reporting import AMSTERDAM, Period
from apps.subject_requests.models import Part, SubjectRequest
from apps.subject_requests.models.requests import OPEN_VALUES
from apps.subject_requests.states import Capacity, Outcome

ANSWERS = (
    *(Outcome.FULFILLED, Outcome.PARTLY_FULFILLED, Outcome.NOTHING_HELD, Outcome.REFUSED, Outcome.RELAYED),
    *(Outcome.INSTRUCTION_EXECUTED, Outcome.INSTRUCTION_DECLINED),
)
"""Endings that say something to the person. Withdrawn, doubled, spam and silence end a part too, and answer nothing."""
OLDEST = 10


class Percentile(Aggregate):
    """PostgreSQL's `percentile_cont`: interpolated between the two nearest."""

    function = "percentile_cont"
    template = "%(function)s(%(fraction)s) WITHIN GROUP (ORDER BY %(expressions)s)"

    def __init__(self, expression: Any, fraction: float, **extra: Any) -> None:
        super().__init__(expression, fraction=fraction, output_field=DurationField(), **extra)


@dataclass(frozen=True)
class Intake:
    """Requests that came in: by right and channel, and by cut of the period."""

    by_right: Counter[tuple[str, str]] = field(default_factory=Counter)
    by_cut: Counter[date] = field(default_factory=Counter)

    @property
    def by_channel(self) -> Counter[str]:
        sums: Counter[str] = Counter()
        for (_right, channel), count in self.by_right.items():
            sums[channel] += count
        return sums


@dataclass(frozen=True)
class Answers:
    """Parts of one capacity that were answered in a period. Times are from receipt to answer, in days of 24 hours; what
    a paused clock stood still is in them."""

    capacity: str
    count: int
    on_time: int
    median: float
    ninetieth: float
    extended: Counter[str]
    refused: Counter[str]


@dataclass(frozen=True)
class Due:
    """Open parts by the day on which their answer is due, and how many are late by the legal clock."""

    by_day: dict[date, int]
    late: int

    @property
    def open(self) -> int:
        return sum(self.by_day.values())


def intake(period: Period) -> Intake:
    """What was received. A request that went on after silence is counted once, when it first came in."""
    start, after = period.instants
    found = SubjectRequest.objects.filter(received_at__gte=start, received_at__lt=after, follows=None)
    cut = Trunc("received_at", period.step, tzinfo=AMSTERDAM)
    counted = Intake()
    rows = found.values("right", "channel", cut=cut).annotate(count=Count("pk")).order_by()
    for row in rows:
        counted.by_right[row["right"], row["channel"]] += row["count"]
        counted.by_cut[row["cut"].date()] += row["count"]
    return counted


def answered(period: Period) -> Counter[date]:
    """Requests closed with an answer, by cut of the period."""
    start, after = period.instants
    closed = SubjectRequest.objects.closed().filter(closed_at__gte=start, closed_at__lt=after)
    with_answer = closed.filter(Exists(Part.objects.filter(request=OuterRef("pk"), outcome__in=ANSWERS)))
    cut = Trunc("closed_at", period.step, tzinfo=AMSTERDAM)
    rows = with_answer.values(cut=cut).annotate(count=Count("pk")).order_by()
    return Counter({row["cut"].date(): row["count"] for row in rows})


def answers(period: Period) -> list[Answers]:
    """How fast, how often extended, how often refused: a row a capacity, since each runs on a clock of its own.

    On time is what was closed before its `ends_at` (GDPR 12(3)); of an extended part that is the extended date.
    """
    start, after = period.instants
    parts = Part.objects.filter(outcome__in=ANSWERS, closed_at__gte=start, closed_at__lt=after)
    taken = F("closed_at") - F("request__received_at")
    rows = parts.values("capacity").annotate(
        count=Count("pk"),
        on_time=Count("pk", filter=Q(closed_at__lt=F("ends_at"))),
        median=Percentile(taken, 0.5),
        ninetieth=Percentile(taken, 0.9),
    )
    rows_of: dict[str, Any] = {row["capacity"]: row for row in rows.order_by()}
    grounds = parts.values("capacity", "extension_reason", "refusal_ground").annotate(count=Count("pk"))
    told = [_Ground(**row) for row in grounds.order_by()]
    return [_answers(rows_of[each], told) for each in Capacity.values if each in rows_of]


@dataclass(frozen=True)
class _Ground:
    capacity: str
    extension_reason: str
    refusal_ground: str
    count: int


def _answers(row: dict[str, Any], told: list[_Ground]) -> Answers:
    extended, refused = Counter[str](), Counter[str]()
    for ground in told:
        if ground.capacity == row["capacity"]:
            extended[ground.extension_reason] += ground.count
            refused[ground.refusal_ground] += ground.count
    del extended[""], refused[""]
    day = timedelta(days=1)
    median, ninetieth = round(row["median"] / day, 1), round(row["ninetieth"] / day, 1)
    return Answers(row["capacity"], row["count"], row["on_time"], median, ninetieth, extended, refused)


def due(*, now: datetime) -> Due:
    """What is to be answered when, of everything open."""
    parts = Part.objects.filter(outcome="", request__status__in=OPEN_VALUES)
    rows = parts.values("due_on").annotate(count=Count("pk"), late=Count("pk", filter=Q(ends_at__lte=now)))
    found = list(rows.order_by("due_on"))
    return Due({row["due_on"]: row["count"] for row in found}, sum(row["late"] for row in found))


def oldest(user: Any) -> list[SubjectRequest]:
    """The open requests that came in first."""
    return list(SubjectRequest.objects.visible_to(user).open().for_list().order_by("received_at", "pk")[:OLDEST])
