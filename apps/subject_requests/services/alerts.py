"""What time does to open requests: alerts before and after a due date, reminders, silence. Each exactly once."""

from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Q

from apps.core import clock, deadlines
from apps.ledger.services import record
from apps.subject_requests.models import Alert, Part, SubjectRequest
from apps.subject_requests.services.tell import tell_officers, tell_requester
from apps.subject_requests.services.triage import close_unanswered
from apps.subject_requests.states import OPEN, Status

STEPS = (14, 7, 3, 1)
REMINDER_AFTER = timedelta(days=14)
NO_ANSWER_AFTER = timedelta(days=30)


def parts_to_alert(*, now: datetime) -> list[Part]:
    """Unanswered parts of open requests within the longest step, or past their due date."""
    horizon = clock.local_date(now) + timedelta(days=max(STEPS))
    unanswered = Part.objects.filter(outcome="", request__status__in=[status.value for status in OPEN])
    near = unanswered.filter(Q(due_on__lte=horizon) | Q(ends_at__lte=now))
    return list(near.select_related("request__assigned_to", "request__filed_by").order_by("due_on", "pk"))


def step_of(part: Part, *, today: date, now: datetime) -> str | None:
    """The nearest step that the part has reached: a step missed while the portal stood still is not caught up."""
    if now >= part.ends_at:
        return "overdue"
    reached = [step for step in STEPS if (part.due_on - today).days <= step]
    return str(min(reached)) if reached else None


@transaction.atomic
def alert_part(part: Part, *, now: datetime) -> bool:
    """Tell the officers that a part nears or passed its due date, once a step; True when this call did."""
    step = step_of(part, today=deadlines.local_date(now, part.request.jurisdiction), now=now)
    if step is None or not _claim(part, step, now=now):
        return False
    request = part.request
    facts = {"step": step, "capacity": part.capacity, "due_on": part.due_on}
    record(actor="system", verb="subject_request.alerted", target=request, at=now, **facts)
    tell_officers(request, "alert", now=now, once=f"{part.capacity}:{part.due_on}:{step}", **facts)
    return True


def _claim(part: Part, step: str, *, now: datetime, due_on: date | None = None) -> bool:
    """The row under its unique key is the claim: of many at once one inserts it."""
    _alert, is_new = Alert.objects.get_or_create(
        part=part, due_on=due_on or part.due_on, step=step, defaults={"at": now}
    )
    return is_new


@transaction.atomic
def follow_up_silence(subject_request: SubjectRequest, *, now: datetime) -> bool:
    """A question that nobody answers: a reminder after 14 days, closed after 30 (spec: deadlines, 6)."""
    locked = SubjectRequest.objects.select_for_update(of=("self",), skip_locked=True).filter(pk=subject_request.pk)
    request = locked.filter(status=Status.WAITING_FOR_REQUESTER).first()
    if request is None or request.waiting_since is None:
        return False
    silent_for = now - request.waiting_since
    if silent_for >= NO_ANSWER_AFTER:
        close_unanswered(request, now=now)
        return True
    since = clock.local_date(request.waiting_since)
    part = request.parts.first()
    if silent_for < REMINDER_AFTER or part is None or not _claim(part, "reminder", now=now, due_on=since):
        return False
    record(actor="system", verb="subject_request.reminded", target=request, at=now)
    closes_on = clock.local_date(request.waiting_since + NO_ANSWER_AFTER)
    return tell_requester(request, "reminder", now=now, once=since.isoformat(), closes_on=closes_on)
