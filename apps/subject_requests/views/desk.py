"""The officers' desk: one request, and the steps on it."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.core import clock
from apps.core.errors import DomainError
from apps.core.http import reads_through_forms, require_fresh_factor, safe_next, swap_parts
from apps.core.outcomes import add_refusal
from apps.subject_requests import policies
from apps.subject_requests.models import SubjectRequest
from apps.subject_requests.presentation import desk
from apps.subject_requests.views.actions import BY_SLUG, GROUPS, REVEAL, Action


def visible_at_desk(request: HttpRequest, reference: str) -> SubjectRequest:
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
    return _page(request, visible_at_desk(request, reference))


def _steps(
    subject_request: SubjectRequest, user: Any, bound: Mapping[str, Form], asked: Mapping[str, str]
) -> dict[str, Any]:
    """The steps by group; and the step that the address asks for when it is not among them."""
    steps = {
        group: [
            action.on_page(subject_request, user, bound, asked)
            for action in actions
            if action.is_allowed(user, subject_request)
        ]
        for group, actions in GROUPS.items()
    }
    shown = {step["slug"] for group in steps.values() for step in group}
    wanted = BY_SLUG.get(asked.get("step", ""))
    return steps | {"not_possible": wanted.title if wanted and wanted.slug not in shown else ""}


def _page(
    request: HttpRequest, subject_request: SubjectRequest, bound: Mapping[str, Form] | None = None, **more: Any
) -> HttpResponse:
    user = request.user
    steps = _steps(subject_request, user, bound or {}, request.GET.dict())
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
    subject_request = visible_at_desk(request, reference)
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
        add_refusal(form, error)
        return _page(request, subject_request, {action.slug: form})
    if action is REVEAL:
        return _page(request, subject_request, revealed=[(row.type.label, row.value) for row in result])
    messages.success(request, action.done)
    return redirect(safe_next(request, default=reverse("desk:detail", args=[subject_request.reference])))
