"""Choosing requests over several pages of the queue, and one step for all of them. Never a refusal."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from apps.core import clock
from apps.core.http import reads_through_forms
from apps.core.selections import Chosen
from apps.subject_requests import policies
from apps.subject_requests.models import SubjectRequest
from apps.subject_requests.presentation import queue as shown
from apps.subject_requests.services.bulk import Results, take_each
from apps.subject_requests.views.actions import BY_SLUG, Action

STEPS = ("assign", "extend", "duplicate", "spam")


@require_POST
@login_required
def choose(request: HttpRequest) -> HttpResponse:
    """Keep which rows are chosen, then go where the button says: on to a page, or to the steps."""
    _require_officer(request)
    chosen, shown_keys, go = Chosen(request.session, "desk"), request.POST.get("shown", "").split(), _go(request)
    if go == "none":
        chosen.clear()
    else:
        chosen.update(shown=shown_keys, chosen=shown_keys if go == "all" else request.POST.getlist("chosen"))
    if go == "save":
        count = len(chosen.keys)
        return HttpResponse(ngettext("%(n)s chosen", "%(n)s chosen", count) % {"n": count}, content_type="text/plain")
    return redirect("desk:bulk") if go == "steps" else redirect(_on(request))


def _go(request: HttpRequest) -> str:
    return request.POST.get("go", "")


def _on(request: HttpRequest) -> str:
    """The page of the queue that the button named, with the filters and the sort one came with."""
    cursor = _go(request) if _go(request).startswith("cursor=") else ""
    query = "&".join(part for part in (request.POST.get("back", ""), cursor) if part)
    return reverse("desk:queue") + (f"?{query}" if query else "")


@require_safe
@login_required
def bulk(request: HttpRequest) -> HttpResponse:
    """The chosen requests, and the steps that may be taken on many at once."""
    _require_officer(request)
    return _page(request)


@reads_through_forms
@require_POST
@login_required
def take(request: HttpRequest, slug: str) -> HttpResponse:
    """Take one step on all that are chosen, and tell what became of each."""
    _require_officer(request)
    if slug not in STEPS:
        raise Http404
    action = BY_SLUG[slug]
    form = _bound(action, request.user, request.POST)
    if not form.is_valid():
        return _page(request, {slug: form})
    now = clock.now()
    results = take_each(
        _chosen(request),
        may=lambda each: action.is_allowed(request.user, each),
        step=lambda each: action.run(action.subject(each), form.cleaned_data, request.user, now),
    )
    return _page(request, results=results)


def _require_officer(request: HttpRequest) -> None:
    if not policies.is_officer(request.user):
        raise PermissionDenied


def _chosen(request: HttpRequest) -> list[SubjectRequest]:
    """The chosen requests that are there and may be worked on, the earliest due first."""
    desk = SubjectRequest.objects.visible_to(request.user).for_desk().with_people()
    found = desk.among(Chosen(request.session, "desk").keys)
    return [each for each in found if policies.can_see_officer_side(request.user, each)]


def _bound(action: Action, user: Any, data: Any = None) -> Form:
    return action.form(data, subject_request=None, user=user, slug=action.slug)


def _page(request: HttpRequest, bound: dict[str, Form] | None = None, results: Results | None = None) -> HttpResponse:
    chosen, bound = _chosen(request), bound or {}
    context = {
        "rows": shown.rows(chosen, today=clock.local_date(clock.now())),
        "steps": [_step(BY_SLUG[slug], request.user, chosen, bound) for slug in STEPS],
        "results": results,
        "error_form": next(iter(bound.values()), None),
    }
    return render(request, "subject_requests/desk/bulk.html", context)


def _step(action: Action, user: Any, chosen: list[SubjectRequest], bound: dict[str, Form]) -> dict[str, Any]:
    """One step on the page, with how many of the chosen requests it is possible for."""
    return {
        "slug": action.slug,
        "title": action.title,
        "button": action.button,
        "hint": action.hint,
        "tone": action.tone,
        "url": reverse("desk:bulk_step", args=[action.slug]),
        "form": bound.get(action.slug) or _bound(action, user),
        "is_open": action.slug in bound,
        "count": sum(action.is_allowed(user, each) for each in chosen),
    }
