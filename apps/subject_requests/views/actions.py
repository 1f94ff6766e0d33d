"""The officers' steps on a request: one table of who may take which, what it asks, and which service does it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.forms import Form
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.subject_requests import forms, policies
from apps.subject_requests.models import Part, SubjectRequest
from apps.subject_requests.services import clocks, planning, triage
from apps.subject_requests.states import Capacity

Run = Callable[[Any, dict[str, Any], Any, datetime], Any]


@dataclass(frozen=True, kw_only=True)
class Action:
    """One step. `run(subject, data, by, now)` calls the service; with `capacity` the subject is that part."""

    slug: str
    title: Any
    button: Any
    done: Any = ""
    form: type[Form] = forms.EmptyForm
    allowed: Callable[[Any, Any], bool]
    run: Run
    hint: Any = ""
    tone: str = ""
    is_next: bool = False  # stands in "What to do now", not among the other steps
    needs_fresh_factor: bool = False
    capacity: str = ""
    prefills: tuple[str, ...] = ()  # fields that the page's address may fill: nothing that decides

    def subject(self, subject_request: SubjectRequest) -> SubjectRequest | Part | None:
        if not self.capacity:
            return subject_request
        return next((part for part in subject_request.parts.all() if part.capacity == self.capacity), None)

    def is_allowed(self, user: Any, subject_request: SubjectRequest) -> bool:
        subject = self.subject(subject_request)
        return subject is not None and self.allowed(user, subject)

    def bind(self, subject_request: SubjectRequest, user: Any, data: Any = None, **more: Any) -> Form:
        part = self.subject(subject_request) if self.capacity else None
        return self.form(data, subject_request=subject_request, user=user, slug=self.slug, part=part, **more)

    def on_page(
        self, subject_request: SubjectRequest, user: Any, bound: Mapping[str, Form], asked: Mapping[str, str]
    ) -> dict[str, Any]:
        """The step as the page draws it. `asked`, the page's address, may open it (`?step=extend`)."""
        is_asked = not bound and asked.get("step") == self.slug
        form = bound.get(self.slug) or self._fresh(subject_request, user, asked if is_asked else {})
        return {
            "slug": self.slug,
            "title": self.title,
            "button": self.button,
            "hint": self.hint,
            "tone": self.tone,
            "is_next": self.is_next,
            "is_open": self.slug in bound or is_asked,
            "takes_focus": is_asked and not form.visible_fields(),
            "url": reverse("desk:act", args=[subject_request.reference, self.slug]),
            "form": form,
        }

    def _fresh(self, subject_request: SubjectRequest, user: Any, asked: Mapping[str, str]) -> Form:
        """Nothing typed yet; whoever asked for the step finds the focus in its first field."""
        form = self.bind(subject_request, user, initial={name: asked[name] for name in self.prefills if name in asked})
        for field in form.visible_fields()[:1] if asked else ():
            field.field.widget.attrs["autofocus"] = True
        return form


def _with(service: Callable[..., Any], *names: str) -> Run:
    """The service, given the fields it asks for, who does it, and when."""
    return lambda subject, data, by, now: service(subject, **{name: data[name] for name in names}, by=by, now=now)


def _approve(subject: SubjectRequest, data: dict[str, Any], by: Any, now: datetime) -> SubjectRequest:
    """What is approved is the plan the page showed, told again under the lock."""
    return planning.approve_request(subject, by=by, now=now, plan_seen=data["plan"])


ASSIGN = Action(
    slug="assign",
    title=_("Who works on it"),
    button=_("Assign"),
    done=_("Assigned."),
    form=forms.AssignForm,
    allowed=policies.can_assign,
    run=_with(triage.assign_request, "to"),
)
NEXT_STEPS = (
    Action(
        slug="confirm",
        title=_("Confirm the identity"),
        button=_("The identity is confirmed"),
        done=_("The identity is confirmed."),
        allowed=policies.can_confirm_identity,
        run=_with(triage.confirm_identity),
        hint=_("Whoever confirms the identity cannot approve an erasure."),
        tone="primary",
        is_next=True,
    ),
    Action(
        slug="prepare",
        title=_("Prepare the answer"),
        button=_("Prepare the answer"),
        done=_("Prepared. It waits for approval now."),
        allowed=policies.can_prepare,
        run=_with(planning.prepare_request),
        hint=_("For an erasure this plans what goes, what stays, why and until when. Nothing is changed yet."),
        tone="primary",
        is_next=True,
    ),
    Action(
        slug="approve",
        title=_("Approve"),
        button=_("Approve and carry out"),
        done=_("Approved. It is being carried out."),
        form=forms.PlanForm,
        allowed=policies.can_approve,
        run=_approve,
        hint=_("You answer for this. An erasure cannot be taken back."),
        tone="primary",
        is_next=True,
        needs_fresh_factor=True,
    ),
)
OTHER_STEPS = (
    Action(
        slug="send-back",
        title=_("Send back"),
        button=_("Send back"),
        done=_("Sent back to work."),
        form=forms.SendBackForm,
        allowed=policies.can_send_back,
        run=_with(planning.send_back, "words"),
    ),
    Action(
        slug="ask",
        title=_("Ask the requester"),
        button=_("Send the question"),
        done=_("The question was sent."),
        form=forms.MessageForm,
        allowed=policies.can_ask_requester,
        run=_with(triage.ask_requester, "text"),
        hint=_("The clock runs on. A reminder goes out after 14 days."),
    ),
    Action(
        slug="doubt",
        title=_("Doubt the identity"),
        button=_("Send the doubt"),
        done=_("The requester was asked."),
        form=forms.DoubtForm,
        allowed=policies.can_doubt_identity,
        run=_with(triage.doubt_identity, "doubt"),
    ),
    Action(
        slug="extend",
        title=_("Extend the deadline"),
        button=_("Extend by two months"),
        done=_("Extended. The requester was told."),
        form=forms.ExtendForm,
        allowed=policies.can_extend,
        run=_with(clocks.extend_deadline, "reason", "words"),
        capacity=Capacity.CONTROLLER.value,
    ),
    Action(
        slug="refuse-controller",
        title=_("Refuse what we hold for ourselves"),
        button=_("Refuse"),
        done=_("Refused. The requester was told."),
        form=forms.RefuseForm,
        allowed=policies.can_refuse,
        run=_with(planning.refuse_part, "ground", "words"),
        tone="danger",
        capacity=Capacity.CONTROLLER.value,
    ),
    Action(
        slug="refuse-processor",
        title=_("Decline the customer’s instruction"),
        button=_("Decline"),
        done=_("Declined. The customer was told."),
        form=forms.RefuseForm,
        allowed=policies.can_refuse,
        run=_with(planning.refuse_part, "ground", "words"),
        tone="danger",
        capacity=Capacity.PROCESSOR.value,
    ),
    Action(
        slug="unidentified",
        title=_("Close: identity not shown"),
        button=_("Close the request"),
        done=_("Closed."),
        allowed=policies.can_confirm_identity,
        run=_with(triage.close_unidentified),
        tone="danger",
    ),
    Action(
        slug="duplicate",
        title=_("Close: a duplicate"),
        button=_("Close as a duplicate"),
        done=_("Closed as a duplicate."),
        form=forms.DuplicateForm,
        allowed=policies.can_close_as_duplicate,
        run=_with(triage.close_as_duplicate, "of"),
        tone="danger",
        prefills=("of",),
    ),
    Action(
        slug="spam",
        title=_("Close: spam"),
        button=_("Close as spam"),
        done=_("Closed as spam."),
        allowed=policies.can_close_as_spam,
        run=_with(triage.close_as_spam),
        hint=_("This is the second look: the officer who has it thinks so too."),
        tone="danger",
    ),
)
WORDS = (
    Action(
        slug="message",
        title=_("Write to the requester"),
        button=_("Send the message"),
        done=_("The message was sent."),
        form=forms.MessageForm,
        allowed=policies.can_write_message,
        run=_with(triage.send_message, "text"),
    ),
    Action(
        slug="note",
        title=_("Write a note"),
        button=_("Keep the note"),
        done=_("The note was kept."),
        form=forms.NoteForm,
        allowed=policies.can_write_note,
        run=_with(triage.add_note, "text"),
    ),
)
REVEAL = Action(
    slug="reveal",
    title=_("Show the identifiers"),
    button=_("Show them"),
    form=forms.RevealForm,
    allowed=policies.can_reveal,
    run=_with(triage.reveal_identifiers, "reason", "words"),
    needs_fresh_factor=True,
)
GROUPS = {
    "assign": (ASSIGN,),
    "next_steps": NEXT_STEPS,
    "other_steps": OTHER_STEPS,
    "words": WORDS,
    "reveal": (REVEAL,),
}
BY_SLUG = {action.slug: action for group in GROUPS.values() for action in group}
