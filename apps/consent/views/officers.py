"""Consent at the desk: rates that name nobody, and one person's history for those who may see it."""

from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.models import User
from apps.consent import policies
from apps.consent.forms.officers import KEY, SubjectForm
from apps.consent.presentation import history as shown
from apps.consent.presentation import rates
from apps.consent.services.exports import FORMS, export_history
from apps.consent.services.readings import note_reading, note_search
from apps.core import clock
from apps.core.http import reads_through_forms, require_fresh_factor


@require_safe
@login_required
def overview(request: HttpRequest) -> HttpResponse:
    """How often people say yes, and what was shown against what was chosen. `?verify=` calculates a range again."""
    if not policies.can_see_rates(request.user):
        raise PermissionDenied
    now = clock.now()
    figures = rates.gather(request.GET, now=now)
    if request.GET.get("format") == "csv":
        headers = {"Content-Disposition": f'attachment; filename="consents-{figures.period.end}.csv"'}
        return HttpResponse(rates.spreadsheet(figures), content_type="text/csv; charset=utf-8", headers=headers)
    page = rates.page(figures, now=now, verify=request.GET.get("verify", ""))
    page |= {"can_search": policies.can_search_subjects(request.user), "query": request.GET.urlencode()}
    return render(request, "consent/overview.html", page)


@reads_through_forms
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def search(request: HttpRequest) -> HttpResponse:
    """Under which keys something is kept about somebody: what is typed is posted, and answered on this page."""
    _require_searcher(request)
    form = SubjectForm(request.POST) if request.method == "POST" else SubjectForm()
    found = _candidates(request, form.cleaned_data) if form.is_bound and form.is_valid() else None
    return render(request, "consent/search.html", {"form": form, "found": found})


def _candidates(request: HttpRequest, said: dict[str, Any]) -> list[shown.Candidate]:
    found = shown.candidates(said)
    counts = {one.key: one.count for one in found}
    note_search(kind=said["kind"], found=counts, actor=_me(request), now=clock.now())
    return found


@require_safe
@login_required
def history(request: HttpRequest, key: str) -> HttpResponse:
    """What one subject said, with the words as they were shown; the ledger tells who read it."""
    _require_searcher(request, key)
    page = shown.page(key, cursor=request.GET.get("cursor"), now=clock.now())
    note_reading(subject_key=key, count=len(page["acts"]), actor=_me(request), now=clock.now())
    page["can_export"] = policies.can_export_history(request.user)
    return render(request, "consent/history.html", page)


@require_POST
@login_required
def export(request: HttpRequest, key: str, form: str) -> HttpResponse:
    """The same as a file, for which a fresh second factor is asked; the ledger tells who took it."""
    _require_searcher(request, key)
    if not policies.can_export_history(request.user):
        raise PermissionDenied
    if form not in FORMS:
        raise Http404
    return _export(request, key, form)


@require_fresh_factor
def _export(request: HttpRequest, key: str, form: str) -> HttpResponse:
    file = export_history(subject_key=key, form=form, actor=_me(request), now=clock.now())
    headers = {"Content-Disposition": f'attachment; filename="{file.name}"', "Cache-Control": "no-store"}
    return HttpResponse(file.content, content_type=file.kind, headers=headers)


def _me(request: HttpRequest) -> str:
    return cast(User, request.user).key  # behind `login_required`


def _require_searcher(request: HttpRequest, key: str = "") -> None:
    if not policies.can_search_subjects(request.user):
        raise PermissionDenied
    if key and not KEY.match(key):
        raise Http404
