"""What the officers' queue shows: rows, cards, tabs. Words are made once a row, so that 200 rows are quick."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.urls import reverse
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.tables import Column
from apps.subject_requests.models import SubjectRequest
from apps.subject_requests.presentation import words
from apps.subject_requests.queue import LANES, VIEWS
from apps.subject_requests.states import Status

BY_RECEIPT = ("received_at", "pk")
COLUMNS = (
    Column("received", gettext_lazy("Request"), BY_RECEIPT),
    Column("account", gettext_lazy("Account"), ("account_name", "pk")),
    Column("status", gettext_lazy("Status"), ("status", *BY_RECEIPT)),
    Column("due", gettext_lazy("Due"), ("next_due_on", *BY_RECEIPT)),
    Column("officer", gettext_lazy("Assigned to"), ("officer", "pk")),
)
# A closed request has no due date to sort by: its place is the day it was closed.
CLOSED_COLUMNS = (*COLUMNS[:3], Column("closed", gettext_lazy("Closed"), ("closed_at", "pk")), COLUMNS[4])


@dataclass(frozen=True)
class Row:
    """One request as a row of the queue or a card of the board shows it."""

    subject_request: SubjectRequest
    url: str
    reference: str
    what: str
    account: str
    tag: words.Tag
    tone: str  # of the deadline
    day: str
    left: str
    officer: str
    choose: str  # what a screen reader says of the box that chooses the row
    moves: Sequence[tuple[str, str]] = ()


def rows(subject_requests: Iterable[SubjectRequest], *, today: date) -> list[Row]:
    """The queue's rows, from what `for_desk()` loaded."""
    said = _Said(reverse("desk:detail", args=["-"]), _("nobody"), _("Choose %(reference)s"))
    return [_row(each, today, said) for each in subject_requests]


@dataclass(frozen=True)
class _Said:
    """What many rows say alike, said once."""

    address: str
    nobody: str
    choose: str
    whats: dict[tuple[str, str], str] = field(default_factory=dict)
    days: dict[date, str] = field(default_factory=dict)

    def what(self, each: SubjectRequest) -> str:
        key = (each.right, each.about)
        if key not in self.whats:
            about = words.about_in_words(each, for_requester=False)
            self.whats[key] = f"{words.right_in_words(each)} · {about}"
        return self.whats[key]

    def day(self, day: date | None) -> str:
        if day is not None and day not in self.days:
            self.days[day] = formats.date_format(day, "DATE_FORMAT")
        return self.days[day] if day else ""


def _row(each: Any, today: date, said: _Said) -> Row:
    deadline = words.next_countdown(each, today=today)
    shown_on = deadline.on if deadline else words.local_day(each.closed_at)
    return Row(
        subject_request=each,
        url=said.address.replace("-", each.reference),
        reference=each.reference,
        what=said.what(each),
        account=each.account_name,
        tag=words.status_tag(each),
        tone=deadline.tone if deadline else "",
        day=said.day(shown_on),
        left=deadline.in_words if deadline else "",
        officer=each.officer or said.nobody,
        choose=said.choose % {"reference": each.reference},
    )


def cells(row: Row) -> list[str]:
    """A row of the queue for a spreadsheet."""
    return [row.reference, row.what, row.account, row.tag.text, row.tag.code, row.day, row.left, row.officer]


def header() -> list[str]:
    return [
        _("Reference"), _("Request"), _("Account"), _("Status"), _("Code"), _("Due"), _("Time left"), _("Assigned to")
    ]  # fmt: skip


def tabs(current: str, numbers: Mapping[str, int], *, shape: str) -> list[dict[str, Any]]:
    """The saved views; a view keeps the shape (table or board) that one looks at."""
    there = reverse("desk:queue")
    tail = "&as=board" if shape == "board" else ""
    return [
        {
            "text": view.label,
            "url": f"{there}?view={view.name}{tail}" if view.name else f"{there}{'?as=board' if tail else ''}",
            "is_current": view.name == current,
            "count": formats.number_format(numbers[view.name]) if view.name in numbers else None,
        }
        for view in VIEWS
        if view.is_open or shape != "board"
    ]


@dataclass(frozen=True)
class Lane:
    """One column of the board. `more`: how many requests it holds beyond its cards."""

    status: Status
    title: str
    count: int
    cards: Sequence[Row]
    url: str  # the table of all requests of this lane, with the filters of the board

    @property
    def more(self) -> int:
        return self.count - len(self.cards)


def lanes(cards: Sequence[Row], numbers: Mapping[str, int], *, url_of: Callable[[Status], str]) -> list[Lane]:
    """The board: a lane a status, the earliest due on top."""
    return [
        Lane(
            status=status,
            title=str(status.label),
            count=numbers.get(status.value, 0),
            cards=[card for card in cards if card.subject_request.status == status],
            url=url_of(status),
        )
        for status in LANES
    ]
