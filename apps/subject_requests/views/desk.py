"""The officers' desk: the queue, one request, and the steps on it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from apps.core import clock
from apps.core.errors import DomainError
from apps.core.http import reads_through_forms, require_fresh_factor, swap_parts
from apps.core.pages import keyset_page
from apps.subject_requests import forms, policies
from apps.subject_requests.models import SubjectRequest
from apps.subject_requests.presentation import desk
from apps.subject_requests.states import Status
from apps.subject_requests.views.actions import BY_SLUG, GROUPS, REVEAL, Action

EARLIEST_DUE_FIRST = ("next_due_on", "received_at", "pk")
LAST_CLOSED_FIRST = ("-closed_at", "pk")


@require_safe
@login_required
def queue(request: HttpRequest) -> HttpResponse:
    """All requests by their legal due date. Officers work here, the data protection officer reads along."""
    if not policies.can_see_desk(request.user):
        raise PermissionDenied
    form = forms.QueueForm(request.GET)
    chosen = form.chosen()
    order = LAST_CLOSED_FIRST if chosen.get("status") == Status.CLOSED else EARLIEST_DUE_FIRST
    listed = _filtered(SubjectRequest.objects.visible_to(request.user).for_desk(), chosen, request)
    page = keyset_page(listed, order=order, cursor=request.GET.get("cursor"))
    rows = desk.rows(page.rows, today=clock.local_date(clock.now()))
    context = {"form": form, "page": page, "rows": rows, "query": urlencode(chosen), "is_filtered": bool(chosen)}
    return render(request, "subject_requests/desk/queue.html", context)


def _filtered(listed: QuerySet, chosen: Mapping[str, str], request: HttpRequest) -> QuerySet:
    now = clock.now()
    listed = listed.filter(status=chosen["status"]) if "status" in chosen else listed.open()
    if "right" in chosen:
        listed = listed.filter(right=chosen["right"])
    if "assigned" in chosen:
        listed = listed.assigned_to(request.user) if chosen["assigned"] == "me" else listed.unassigned()
    if "due" in chosen:
        today = clock.local_date(now)
        due_soon = listed.due_between(today, today + timedelta(days=7))
        listed = listed.overdue(at=now) if chosen["due"] == "overdue" else due_soon
    return listed


def _visible(request: HttpRequest, reference: str) -> SubjectRequest:
    """The request as the desk sees it. Whoever has no desk gets 403; an officer's own request is no work of theirs."""
    if not policies.can_see_desk(request.user):
        raise PermissionDenied
    found = get_object_or_404(SubjectRequest.objects.visible_to(request.user).for_page(), reference=reference)
    if not policies.can_see_officer_side(request.user, found):
        raise PermissionDenied
    return found


@require_safe
@login_required
def detail(request: HttpRequest, reference: str) -> HttpResponse:
    return _page(request, _visible(request, reference))


def _steps(subject_request: SubjectRequest, user: Any, bound: Mapping[str, Form]) -> dict[str, Any]:
    return {
        group: [
            action.on_page(subject_request, user, bound)
            for action in actions
            if action.is_allowed(user, subject_request)
        ]
        for group, actions in GROUPS.items()
    }


def _page(
    request: HttpRequest, subject_request: SubjectRequest, bound: Mapping[str, Form] | None = None, **more: Any
) -> HttpResponse:
    user = request.user
    steps = _steps(subject_request, user, bound or {})
    page = desk.page(subject_request, user=user, today=clock.local_date(clock.now()))
    swap_parts(request, when=page["progress"] is not None)
    error_form = next(iter((bound or {}).values()), None)
    return render(request, "subject_requests/desk/detail.html", page | steps | {"error_form": error_form} | more)


@reads_through_forms
@require_POST
@login_required
def act(request: HttpRequest, reference: str, slug: str) -> HttpResponse:
    """Take one step. What was typed comes back with the reason beside it when the step is refused."""
    action = BY_SLUG.get(slug)
    if action is None:
        raise Http404
    subject_request = _visible(request, reference)
    if not action.is_allowed(request.user, subject_request):
        raise PermissionDenied
    form = action.bind(subject_request, request.user, request.POST)
    if not form.is_valid():
        return _page(request, subject_request, {slug: form})
    take = require_fresh_factor(_take) if action.needs_fresh_factor else _take
    return take(request, subject_request=subject_request, action=action, form=form)


def _take(request: HttpRequest, *, subject_request: SubjectRequest, action: Action, form: Form) -> HttpResponse:
    try:
        subject = action.subject(subject_request)
        result = action.run(subject, form.cleaned_data, request.user, clock.now())
    except DomainError as error:
        forms.add_refusal(form, error)
        return _page(request, subject_request, {action.slug: form})
    if action is REVEAL:
        return _page(request, subject_request, revealed=[(row.type.label, row.value) for row in result])
    messages.success(request, action.done)
    return redirect("desk:detail", subject_request.reference)
