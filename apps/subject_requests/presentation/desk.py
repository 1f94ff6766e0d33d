"""What the officers' desk shows."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.utils import formats, timezone
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.datamap.models import ErasurePlan
from apps.ledger.models import Entry
from apps.retention.states import Capacity as Held
from apps.subject_requests import policies
from apps.subject_requests.models import Part, SubjectRequest
from apps.subject_requests.presentation import timeline, words
from apps.subject_requests.presentation.progress import progress_of
from apps.subject_requests.presentation.proof import proof_of
from apps.subject_requests.presentation.related import related_to
from apps.subject_requests.presentation.requester import counts_in_words, kept_lines, refusal
from apps.subject_requests.services import clocks, planning
from apps.subject_requests.states import Capacity, Channel, Right, Status, TaskStatus, Verification

TIMELINE_LENGTH = 200
PLAN_ACTIONS = {"erase": "red", "anonymise": "purple", "keep": "magenta"}


def page(subject_request: SubjectRequest, *, user: User, today: date) -> dict[str, Any]:
    """Everything on the desk's page of one request but the steps to take."""
    entries = list(Entry.objects.visible_to(user).about(subject_request.key).order_by("-id")[:TIMELINE_LENGTH])
    plan = planning.plan_of(subject_request)
    return {
        "subject_request": subject_request,
        "right": words.right_in_words(subject_request),
        "eyebrow": words.eyebrow(subject_request, for_requester=False),
        "tag": words.status_tag(subject_request),
        "lede": _due_in_words(subject_request, today=today),
        "deadlines": _deadlines(subject_request, today=today),
        "facts": _facts(subject_request),
        "identifiers": [(row.type_label, row.masked) for row in _identifiers(subject_request)],
        "parts": [_part(part) for part in subject_request.parts.all()],
        "plan": _plan(plan) if plan else None,
        "tasks": [_task(task) for task in subject_request.store_tasks.all()],
        "progress": progress_of(subject_request, address="desk:progress"),
        "checklist": checklist(subject_request),
        "needs_other_eyes": _needs_other_eyes(subject_request, user),
        "events": timeline.for_desk(subject_request, entries, timeline.actors(entries)),
        "thread": timeline.thread(subject_request.messages.all(), user=user, for_staff=True),
        "related": related_to(subject_request, user=user),
        "proof": proof_of(subject_request, entries, user=user, limit=TIMELINE_LENGTH),
    }


def _identifiers(subject_request: SubjectRequest) -> Iterable[Any]:
    return subject_request.identifiers.all() if subject_request.forgotten_at is None else []


def _due_in_words(subject_request: SubjectRequest, *, today: date) -> str:
    """The earliest date that still runs, for the page's head: on a phone the dates stand far below."""
    first = words.next_countdown(subject_request, today=today)
    day = formats.date_format(first.on, "DATE_FORMAT") if first else ""
    return _("Answer due %(day)s: %(left)s") % {"day": day, "left": first.in_words} if first else ""


def _deadlines(subject_request: SubjectRequest, *, today: date) -> list[dict[str, Any]]:
    """Each part's date with the steps that led to it; the earliest that still runs comes first."""
    parts = sorted(subject_request.parts.all(), key=lambda part: (not part.is_open, part.due_on))
    return [
        {
            "label": words.capacity_in_a_word(part.capacity),
            "countdown": words.countdown_of(part, today=today, explanation=tuple(clocks.explain_deadline(part))),
        }
        for part in parts
    ]


def _facts(subject_request: SubjectRequest) -> list[dict[str, Any]]:
    verified = Verification(subject_request.verification).label if subject_request.verification else _("Not yet")
    facts = [
        (_("Received"), formats.date_format(timezone.localtime(subject_request.received_at), "DATETIME_FORMAT")),
        (_("How it reached us"), Channel(subject_request.channel).label),
        (_("Account"), subject_request.account.name),
        (_("Sent by"), _name(subject_request.filed_by)),
        (_("Identity and authority"), verified),
        (_("Jurisdiction"), subject_request.jurisdiction),
    ]
    if subject_request.asked_customer_on:
        own = clocks.customer_deadline(subject_request)
        facts += [
            (
                _("The person asked the customer on"),
                formats.date_format(subject_request.asked_customer_on, "DATE_FORMAT"),
            )
        ]
        facts += [(_("The customer’s own deadline"), formats.date_format(own.on, "DATE_FORMAT"))] if own else []
    for label, person in (
        (_("Prepared by"), subject_request.prepared_by),
        (_("Approved by"), subject_request.approved_by),
    ):
        facts += [(label, _name(person))] if person else []
    return [{"label": label, "lines": [value]} for label, value in facts]


def _name(person: User) -> str:
    return str(person.full_name or person.email)


def _part(part: Part) -> dict[str, Any]:
    return {
        "title": Capacity(part.capacity).label,
        "is_instruction": part.capacity == Capacity.PROCESSOR,
        "tag": words.part_tag(part),
        "code": part.outcome,
        "counts": counts_in_words(part.counts),
        "extension": (part.get_extension_reason_display(), part.extension_reasons) if part.extended_at else None,
        "refusal": refusal(part) if part.refusal_ground else None,
    }


def _plan(plan: ErasurePlan) -> dict[str, Any]:
    """Line by line what goes and what stays; what stays says why and until when."""
    kept, names = iter(kept_lines(plan.lines)), words.collection_names()
    lines = [
        {
            "what": names.get(line["collection"], line["collection"]),
            "store": line["store"],
            "capacity": Held(line["capacity"]).label,
            "action": {"erase": _("Erase"), "anonymise": _("Anonymise"), "keep": _("Keep")}[line["action"]],
            "tone": PLAN_ACTIONS[line["action"]],
            "count": line["count"],
            "why": next(kept)["why"] if line["action"] == "keep" and line["count"] else "",
            "named": line.get("named", []),
        }
        for line in plan.lines
        if line["count"]
    ]
    return {"lines": lines, "hash": plan.hash, "expires_at": plan.expires_at, "not_entered": plan.not_entered}


def _task(task: Any) -> dict[str, Any]:
    tones = {TaskStatus.CONFIRMED: "green", TaskStatus.UNCONFIRMED: "orange", TaskStatus.STOPPED: "red"}
    status = TaskStatus(task.status)
    return {
        "store": _("All stores") if task.store == "*" else task.store,
        "text": status.label,
        "tone": tones.get(status, "sky"),
        "counts": counts_in_words(task.totals),
        "error": task.error_code,
        "attempts": task.attempts,
    }


def checklist(subject_request: SubjectRequest) -> list[dict[str, str]]:
    """The checklist: what is done, what is next, what comes after it."""
    is_closed = subject_request.status == Status.CLOSED
    is_erasure = subject_request.right == Right.ERASURE
    past_approval = subject_request.approved_by_id is not None
    done = [
        (_("An officer has it"), subject_request.assigned_to_id is not None or past_approval),
        (_("We know who asks"), subject_request.verified_at is not None),
        (
            _("The plan is made") if is_erasure else _("The answer is prepared"),
            subject_request.prepared_by_id is not None,
        ),
        (_("A second officer approved it") if is_erasure else _("An officer approved it"), past_approval),
        (_("Carried out and searched again") if is_erasure else _("Collected and packed"), is_closed and past_approval),
        (_("Answered and closed"), is_closed),
    ]
    if is_closed:
        return [{"text": text, "state": "done"} for text, is_done in done if is_done]
    first_open = next(index for index, (_text, is_done) in enumerate(done) if not is_done)
    return [
        {"text": text, "state": "done" if is_done else "now" if index == first_open else "next"}
        for index, (text, is_done) in enumerate(done)
    ]


def _needs_other_eyes(subject_request: SubjectRequest, user: User) -> bool:
    """An officer who sees a plan that somebody else has to approve is told so."""
    waiting = subject_request.status == Status.AWAITING_APPROVAL
    return waiting and policies.is_officer(user) and not policies.can_approve(user, subject_request)
