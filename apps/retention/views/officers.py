"""Retention at the desk: what the rules do and keep, what was measured, and each sweep with its report."""

from functools import partial

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from apps.core import clock
from apps.core.http import file_response, part_of_a_page, require_fresh_factor, swap_parts
from apps.core.outcomes import tell_outcome
from apps.core.questions import Question, ask
from apps.core.tables import Empty, csv_response
from apps.retention import policies, services
from apps.retention.models import Sweep
from apps.retention.presentation import overview as figures
from apps.retention.presentation import pace, report, sweeps
from apps.retention.presentation.run import Run
from apps.retention.presentation.sweeps import SweepListing

STOP_ASKING = 286  # what htmx's polling ends at


@require_safe
@login_required
def overview(request: HttpRequest) -> HttpResponseBase:
    """The rules, the next run, exceptions and storage, and every sweep (RET-1 to RET-4)."""
    _require_reader(request)
    listing = SweepListing(request)
    found = listing.searched(Sweep.objects.visible_to(request.user))
    sees = {"sees_holds": policies.can_see_holds(request.user)}
    if request.GET.get("format") == "csv":
        return csv_response("sweeps", sweeps.header(), found.order_by(*listing.order), partial(sweeps.cells, **sees))
    page = listing.page(found)
    rows = [sweeps.row(each, **sees) for each in page.rows]
    table = listing.table(page, rows, empty=_none(listing), **sweeps.TABLE)
    context = figures.page(request.user, today=clock.local_date(clock.now()))
    context |= {"table": table, "form": listing.form, "clear_url": listing.clear_url}
    context["sees_departures"] = policies.can_see_departures(request.user)
    return render(request, "retention/overview.html", context)


def _none(listing: SweepListing) -> Empty:
    if listing.chosen:
        return Empty(_("Nothing here"), _("No sweep fits these filters."), listing.clear_url, _("Show everything"))
    return Empty(_("No sweep yet"), _("The first one is planned tonight. “manage.py sweep --plan” plans one now."))


@require_safe
@login_required
def sweep(request: HttpRequest, hash: str) -> HttpResponse:
    """One sweep: its plan, how far it is, and its report."""
    found = _visible(request, hash)
    run = Run.of(found, user=request.user, now=clock.now())
    swap_parts(request, when=run.is_at_work)
    approval = _approval(found) if run.waits and policies.can_approve_sweep(request.user) else None
    cancelling = _cancelling(found) if policies.can_cancel_sweep(request.user, found) else None
    steps = {"approval": approval, "cancelling": cancelling}
    return render(request, "retention/sweep.html", run.page() | steps)


@require_safe
@part_of_a_page
def progress(request: HttpRequest, hash: str) -> HttpResponse:
    """The part of the page that is fetched again while the sweep runs."""
    found = _visible(request, hash)
    told = pace.progress(found, list(found.tasks.all()), now=clock.now())
    status = STOP_ASKING if told["is_done"] else 200
    context = {"progress": told, "is_part": True}
    return render(request, "retention/sweep_progress.html#part", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def approve(request: HttpRequest, hash: str) -> HttpResponse:
    """Let a plan go that waits for a person, after asking once more."""
    found = _for_step(request, hash)
    if request.method == "POST":
        return _approve(request, found)
    return ask(request, _approval(found), back=_address(found))


@require_fresh_factor
def _approve(request: HttpRequest, found: Sweep) -> HttpResponse:
    with tell_outcome(request, done=_("Approved. The next run carries it out as it is planned.")):
        services.approve_plan(found, by=request.user.key, now=clock.now())
    return redirect(_address(found))


def _approval(found: Sweep) -> Question:
    return Question(
        reverse("retention:sweep_approve", args=[found.hash]),
        _("Let this plan be carried out?"),
        _(
            "What has gone does not come back. "
            "Rows that come under a legal hold before the run reaches them are skipped."
        ),
        _("Approve the plan"),
        _("Not now"),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def cancel(request: HttpRequest, hash: str) -> HttpResponse:
    """Stop a sweep that is at work, after asking once more."""
    found = _for_step(request, hash)
    if request.method == "POST":
        return _cancel(request, found)
    return ask(request, _cancelling(found), back=_address(found))


@require_fresh_factor
def _cancel(request: HttpRequest, found: Sweep) -> HttpResponse:
    with tell_outcome(request, done=_("The sweep is stopped. Nothing more goes until the next plan.")):
        services.cancel_sweep(found, by=request.user.key, now=clock.now())
    return redirect(_address(found))


def _cancelling(found: Sweep) -> Question:
    return Question(
        reverse("retention:sweep_cancel", args=[found.hash]),
        _("Stop this sweep?"),
        _(
            "The batch in flight is finished, and nothing more goes. What has gone does not come back. "
            "Tomorrow’s plan takes what is left: place a legal hold or change the rule, if it must stay."
        ),
        _("Stop the sweep"),
        _("Let it go on"),
    )


@require_safe
@login_required
def spreadsheet(request: HttpRequest, hash: str) -> HttpResponse:
    """The report as CSV."""
    run = Run.of(_visible(request, hash), user=request.user, now=clock.now())
    content = report.as_spreadsheet(run.sweep, run.tasks, run.rules, sees_holds=run.sees_holds)
    return file_response(content, kind="text/csv; charset=utf-8", name=f"sweep-{run.sweep.hash[:12]}.csv")


@require_safe
@login_required
def data(request: HttpRequest, hash: str) -> HttpResponse:
    """The report as JSON."""
    run = Run.of(_visible(request, hash), user=request.user, now=clock.now())
    content = report.as_json(run.sweep, run.tasks, run.points, run.totals, sees_holds=run.sees_holds)
    return file_response(content, kind="application/json", name=f"sweep-{run.sweep.hash[:12]}.json")


def _visible(request: HttpRequest, hash: str) -> Sweep:
    _require_reader(request)
    return get_object_or_404(Sweep.objects.visible_to(request.user), hash=hash)


def _for_step(request: HttpRequest, hash: str) -> Sweep:
    found = _visible(request, hash)
    if not policies.can_approve_sweep(request.user):
        raise PermissionDenied
    return found


def _address(found: Sweep) -> str:
    return reverse("retention:sweep", args=[found.hash])


def _require_reader(request: HttpRequest) -> None:
    if not policies.can_see_sweeps(request.user):
        raise Http404  # for customers there is no such place
