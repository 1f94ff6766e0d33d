"""The officers' queue as data: saved views, what each holds, and which way on the board is which step."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q
from django.utils.translation import gettext_lazy as _

from apps.core import clock
from apps.subject_requests.models import Part, SubjectRequestQuerySet
from apps.subject_requests.states import OPEN, Status

SOON = timedelta(days=7)
Condition = Callable[[Any, datetime], Q]


@dataclass(frozen=True)
class SavedView:
    """A view of the queue that officers use every day. `condition` narrows the open requests."""

    name: str
    label: Any
    condition: Condition = lambda user, now: Q()
    is_open: bool = True


def _overdue(user: Any, now: datetime) -> Q:
    return Q(pk__in=Part.objects.filter(outcome="", ends_at__lte=now).values("request"))


def _due_this_week(user: Any, now: datetime) -> Q:
    today = clock.local_date(now)
    return Q(pk__in=Part.objects.filter(outcome="", due_on__range=(today, today + SOON)).values("request"))


VIEWS = (
    SavedView("", _("All open")),
    SavedView("mine", _("Mine"), lambda user, now: Q(assigned_to=user.pk)),
    SavedView("unassigned", _("Unassigned"), lambda user, now: Q(assigned_to=None)),
    SavedView("week", _("Due this week"), _due_this_week),
    SavedView("overdue", _("Overdue"), _overdue),
    SavedView("doubts", _("Identity doubts"), lambda user, now: Q(status=Status.IDENTITY_PENDING)),
    SavedView("waiting", _("Waiting for the requester"), lambda user, now: Q(status=Status.WAITING_FOR_REQUESTER)),
    SavedView("approval", _("To approve"), lambda user, now: Q(status=Status.AWAITING_APPROVAL)),
    SavedView("closed", _("Closed"), is_open=False),
)
BY_NAME = {view.name: view for view in VIEWS}

LANES = tuple(status for status in Status if status in OPEN)
MOVES = {
    (Status.RECEIVED, Status.IN_PROGRESS): "assign",
    (Status.RECEIVED, Status.WAITING_FOR_REQUESTER): "ask",
    (Status.RECEIVED, Status.IDENTITY_PENDING): "doubt",
    (Status.IDENTITY_PENDING, Status.IN_PROGRESS): "confirm",
    (Status.IN_PROGRESS, Status.WAITING_FOR_REQUESTER): "ask",
    (Status.IN_PROGRESS, Status.IDENTITY_PENDING): "doubt",
    (Status.IN_PROGRESS, Status.AWAITING_APPROVAL): "prepare",
    (Status.AWAITING_APPROVAL, Status.IN_PROGRESS): "send-back",
    (Status.AWAITING_APPROVAL, Status.EXECUTING): "approve",
}
"""Which step takes a request from one lane to another. A way that is not here is nobody's to choose: a question is
answered by the requester, and closing has steps of its own with reasons."""
AT_ONCE = frozenset({"assign", "confirm", "prepare"})
"""Steps that a move takes itself; the others need words, or eyes on the plan, and open on the request's page."""


def narrowed(
    requests: SubjectRequestQuerySet, view: SavedView, chosen: Mapping[str, str], *, user: Any, now: datetime
) -> SubjectRequestQuerySet:
    """The requests of a saved view that fit the filters. `status` in the filters overrules "open"."""
    if "status" in chosen:
        requests = requests.filter(status=chosen["status"])
    else:
        requests = requests.open() if view.is_open else requests.closed()
    requests = requests.filter(view.condition(user, now))
    if "right" in chosen:
        requests = requests.filter(right=chosen["right"])
    if "assigned" in chosen:
        requests = requests.assigned_to(user) if chosen["assigned"] == "me" else requests.unassigned()
    if "due" in chosen:
        requests = requests.filter((_overdue if chosen["due"] == "overdue" else _due_this_week)(user, now))
    if "q" in chosen:
        words = chosen["q"].strip()
        requests = requests.filter(Q(reference__icontains=words) | Q(account__name__icontains=words))
    return requests


def counts(requests: SubjectRequestQuerySet, *, user: Any, now: datetime) -> dict[str, int]:
    """How many open requests each saved view holds, in one query; closed ones are not counted."""
    views = {f"n_{view.name}": Count("pk", filter=view.condition(user, now)) for view in VIEWS if view.is_open}
    found = requests.open().aggregate(**views)
    return {name.removeprefix("n_"): number for name, number in found.items()}
