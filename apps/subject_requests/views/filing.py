"""Filing a request, one question a page. The answers stay in the session until they are sent; Back always works."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.models import CustomerAccount
from apps.accounts.policies import SPEAKS_FOR_ACCOUNT, memberships_of
from apps.core import clock
from apps.core.errors import DomainError
from apps.core.http import reads_through_forms, require_fresh_factor
from apps.core.identities import Identity, IdentityType
from apps.core.outcomes import add_refusal
from apps.subject_requests import drafts, forms
from apps.subject_requests.models import SubjectRequest
from apps.subject_requests.presentation import related, requester
from apps.subject_requests.services import intake
from apps.subject_requests.states import About


class Filing:
    """One person's unfinished request: which questions apply, which are answered, what comes next."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.draft = drafts.load(request)
        self.memberships = list(memberships_of(request.user))
        if not self.memberships:
            raise PermissionDenied  # staff and people without an account in use ask through other doors

    @cached_property
    def shared_accounts(self) -> list[CustomerAccount]:
        """Accounts whose end users this person may ask about."""
        return [membership.account for membership in self.memberships if membership.role in SPEAKS_FOR_ACCOUNT]

    @property
    def accounts(self) -> list[CustomerAccount]:
        if self.draft.is_for_end_user:
            return self.shared_accounts
        return [membership.account for membership in self.memberships]

    @property
    def account(self) -> CustomerAccount:
        chosen = str(self.draft.answers.get("account", ""))
        return next((account for account in self.accounts if str(account.pk) == chosen), self.accounts[0])

    @property
    def questions(self) -> list["Question"]:
        return [question for question in QUESTIONS if question.applies(self)]

    @property
    def missing(self) -> "Question | None":
        """The first question without an answer; also one whose answer no longer fits (a role that was taken away)."""
        return next((question for question in self.questions if not question.is_answered(self)), None)

    def next_address(self) -> str:
        missing = self.missing
        return missing.address if missing else reverse("subject_requests:check")

    def back_address(self, current: "Question | None" = None) -> str:
        asked = self.questions
        place = asked.index(current) if current else len(asked)
        return asked[place - 1].address if place else reverse("subject_requests:list")

    @property
    def identities(self) -> list[Identity]:
        """Whom it is about, as typed; about the person themselves nothing is typed."""
        typed = self.draft.answers["identifiers"]["identities"] if self.draft.is_for_end_user else []
        return [Identity(IdentityType(kind), value) for kind, value in typed]

    @property
    def about(self) -> str:
        return str(self.draft.answers.get("about", About.OWN.value))

    def already_asked(self) -> list[SubjectRequest]:
        """Open requests that ask the same, to be told of before it is sent."""
        user = self.request.user
        identities = self.identities or intake.own_identities(user)
        asked = {"account": self.account, "right": self.draft.answers["right"], "about": self.about}
        return related.already_asked(user, identities=identities, **asked)

    def answer(self, question: "Question", answer: Any) -> None:
        self.draft.answers[question.slug] = answer
        drafts.save(self.request, self.draft)


@dataclass(frozen=True)
class Question:
    slug: str
    form: type[forms.QuestionForm]
    applies: Callable[[Filing], bool] = lambda filing: True

    @property
    def address(self) -> str:
        return reverse("subject_requests:question", args=[self.slug])

    def is_answered(self, filing: Filing) -> bool:
        answer = filing.draft.answers.get(self.slug)
        if self.slug == "account":
            return answer in [str(account.pk) for account in filing.accounts]
        return answer is not None

    def row(self, filing: Filing) -> dict[str, Any]:
        """The answer as the check page shows it."""
        form = self.bind(filing)
        lines = form.in_words(filing.draft.answers[self.slug])
        return {"label": form.short_label, "lines": lines, "url": self.address}

    def bind(self, filing: Filing, data: Any = None) -> forms.QuestionForm:
        initial = self.form.initial_from(filing.draft.answers.get(self.slug))
        today = clock.local_date(clock.now())
        return self.form(data, initial=initial, accounts=filing.accounts, today=today)


QUESTIONS = (
    Question("right", forms.RightForm),
    Question("about", forms.AboutForm, lambda filing: bool(filing.shared_accounts)),
    Question("account", forms.AccountForm, lambda filing: len(filing.accounts) > 1),
    Question("identifiers", forms.IdentifiersForm, lambda filing: filing.draft.is_for_end_user),
    Question("asked", forms.AskedForm, lambda filing: filing.draft.is_for_end_user),
)


@reads_through_forms
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def question(request: HttpRequest, slug: str = "right") -> HttpResponse:
    """One question. Answering leads to the next one without an answer, or to the check."""
    filing = Filing(request)
    asked = next((question for question in filing.questions if question.slug == slug), None)
    if asked is None:
        raise Http404
    form = asked.bind(filing, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        filing.answer(asked, form.answer())
        return redirect(filing.next_address())
    return render(request, "subject_requests/question.html", {"form": form, "back_url": filing.back_address(asked)})


@reads_through_forms
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def check(request: HttpRequest) -> HttpResponse:
    """Check the answers, and send them. Sent twice, it is one request."""
    filing = Filing(request)
    if filing.missing:
        return redirect(filing.next_address())
    form = forms.SendForm(
        request.POST if request.method == "POST" else None, needs_authority=filing.draft.is_for_end_user
    )
    if request.method == "POST" and form.is_valid():
        return send(request, filing=filing, form=form)
    return _check_page(request, filing, form)


@require_fresh_factor
def send(request: HttpRequest, *, filing: Filing, form: Form) -> HttpResponse:
    """Filing needs a fresh factor of customers too; the step-up page comes back here with all answers kept."""
    try:
        subject_request = file(filing, now=clock.now())
    except DomainError as error:
        add_refusal(form, error)
        return _check_page(request, filing, form)
    drafts.drop(request)
    return redirect("subject_requests:sent", subject_request.reference)


def file(filing: Filing, *, now: datetime) -> SubjectRequest:
    """Hand the answers to the service. The authority was stated on the form when the request is about an end user."""
    answers, asked = filing.draft.answers, filing.draft.answers.get("asked")
    return intake.open_request(
        right=answers["right"],
        about=filing.about,
        account=filing.account,
        filed_by=filing.request.user,
        form_key=filing.draft.key,
        now=now,
        identities=filing.identities,
        authority_stated=filing.draft.is_for_end_user,
        asked_customer_on=date.fromisoformat(asked) if asked else None,
    )


def _check_page(request: HttpRequest, filing: Filing, form: Form) -> HttpResponse:
    rows = [question.row(filing) for question in filing.questions]
    context = {"form": form, "rows": rows, "back_url": filing.back_address(), "already": filing.already_asked()}
    return render(request, "subject_requests/check.html", context)


@login_required
@require_safe
def sent(request: HttpRequest, reference: str) -> HttpResponse:
    """The confirmation: reference, due date, what happens next."""
    visible = SubjectRequest.objects.visible_to(request.user).filter(filed_by=request.user.pk)
    subject_request = get_object_or_404(visible, reference=reference)
    due_on = min(part.due_on for part in subject_request.parts.all())
    steps = requester.next_steps(subject_request)
    context = {"subject_request": subject_request, "due_on": due_on, "steps": steps}
    return render(request, "subject_requests/sent.html", context)
