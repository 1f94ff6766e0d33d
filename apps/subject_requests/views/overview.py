"""The desk's overview, and the calendar feed of what is due."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.core import clock
from apps.core.http import file_response, require_fresh_factor
from apps.subject_requests import policies, services
from apps.subject_requests.presentation import calendar
from apps.subject_requests.presentation import overview as figures_of


@require_safe
@login_required
def overview(request: HttpRequest) -> HttpResponse:
    """How requests come in and are answered. Officers work with it, the data protection officer reads along."""
    if not policies.can_see_desk(request.user):
        raise PermissionDenied
    return _spreadsheet(request) if request.GET.get("format") == "csv" else _page(request)


def _page(request: HttpRequest, **more: Any) -> HttpResponse:
    shown = figures_of.gather(request.GET.get("period", ""), now=clock.now())
    page = figures_of.page(shown, user=request.user)
    return render(request, "subject_requests/desk/overview.html", page | more)


def _spreadsheet(request: HttpRequest) -> HttpResponse:
    shown = figures_of.gather(request.GET.get("period", ""), now=clock.now())
    name = f"overview-{shown.period.start}-{shown.period.end}.csv"
    return file_response(figures_of.spreadsheet(shown), kind="text/csv; charset=utf-8", name=name)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def make_feed(request: HttpRequest) -> HttpResponse:
    """A new address for the person's calendar; the one before ends. Whoever has it needs no sign-in, so it takes a
    fresh second factor. The page that shows it stands here, so whoever comes back is sent to where it began."""
    if not policies.can_have_calendar_feed(request.user):
        raise PermissionDenied
    if request.method != "POST":
        return redirect("desk:overview")
    return require_fresh_factor(_make)(request)


def _make(request: HttpRequest) -> HttpResponse:
    token = services.make_calendar_feed(by=request.user, now=clock.now())
    return _page(request, feed_address=calendar.address(token))


@require_POST
@login_required
def revoke_feed(request: HttpRequest) -> HttpResponse:
    if not policies.can_have_calendar_feed(request.user):
        raise PermissionDenied
    services.revoke_calendar_feed(by=request.user, now=clock.now())
    messages.success(request, _("The calendar feed has ended. Its address shows nothing any more."))
    return redirect("desk:overview")


@require_safe
def feed(request: HttpRequest, token: str) -> HttpResponse:
    """For a calendar, which has no session: the token is all it shows. What does not open is one and the same 404."""
    now = clock.now()
    user = services.open_calendar_feed(token, now=now)
    if user is None:
        return HttpResponseNotFound("Not found\n", content_type="text/plain; charset=utf-8")
    headers = {"Cache-Control": "no-store", "Content-Language": user.language}
    due = calendar.due_dates(user, now=now)
    return HttpResponse(due, content_type="text/calendar; charset=utf-8", headers=headers)
