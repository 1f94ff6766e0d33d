"""Pages across apps: the public privacy centre, everybody's first page, and what is shown when something went wrong."""

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseServerError
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts import policies as account_policies
from apps.accounts.states import Role
from apps.core import clock
from apps.core.countries import country_name
from apps.core.http import exports_with_fresh_factor
from apps.core.tables import Listing, csv_response
from apps.dashboard import gallery, listings, policies
from apps.dashboard.doors import DOORS, TILES, ways
from apps.dashboard.forms import EvidenceForm, OutboxForm
from apps.dashboard.navigation import THEME_COOKIE, THEMES, address


@require_safe
def centre(request: HttpRequest) -> HttpResponse:
    """The public privacy centre. Anybody may read it."""
    context = {
        "doors": ways(DOORS),
        "tiles": ways(TILES),
        "is_complete": len(ways(DOORS)) == len(DOORS),
        "home_url": address("dashboard:home"),
        "contact_url": address("dashboard:contact"),
    }
    return render(request, "dashboard/centre.html", context)


@require_safe
def contact(request: HttpRequest) -> HttpResponse:
    """Whom to write to about what, and where to complain (STA-3, DSR-9). Anybody may read it."""
    named = sorted((country_name(code), words) for code, words in settings.PROVIDER["local_addresses"].items())
    context = {
        "stated": [(country, words) for country, words in named if words],
        "not_stated": [country for country, words in named if not words],
    }
    return render(request, "dashboard/contact.html", context)


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Everybody's first page after signing in, by role."""
    first = next((url for name in _first_pages(request.user) if (url := address(name))), None)
    return redirect(first or "dashboard:centre")


def _first_pages(user: Any) -> list[str]:
    if not account_policies.is_staff_member(user):
        return ["subject_requests:home"]
    names = ["desk:queue"] if account_policies.has_role(user, Role.OFFICER, Role.DPO) else []
    names += ["dashboard:evidence"] if policies.can_read_evidence(user) else []
    return [*names, "processors:list"]


@require_safe
@login_required
@exports_with_fresh_factor
def evidence(request: HttpRequest) -> HttpResponse:
    """The ledger, newest first: who did what to which object. It holds ids and codes, so nobody is named here."""
    if not policies.can_read_evidence(request.user):
        raise PermissionDenied
    form = EvidenceForm(request.GET)
    chosen = form.chosen()
    listing = Listing(request.GET, columns=listings.EVIDENCE_COLUMNS, sort="-when", filters=chosen)
    found = listings.matching(listings.entries_for(request.user), chosen)
    if request.GET.get("format") == "csv":
        entries = found.order_by(*listing.order)
        return csv_response("evidence", listings.evidence_header(), entries, listings.evidence_cells)
    page = listing.page(found)
    rows = [listings.evidence_row(entry) for entry in page.rows]
    table = listing.table(page, rows, **listings.EVIDENCE)
    context = {"form": form, "table": table, "clear_url": request.path if chosen else ""}
    return render(request, "dashboard/evidence.html", context)


@require_safe
@login_required
@exports_with_fresh_factor
def outbox(request: HttpRequest) -> HttpResponse:
    """What was to be told, and whether it went out. Addresses and words stay sealed."""
    if not policies.can_read_outbox(request.user):
        raise PermissionDenied
    form = OutboxForm(request.GET)
    chosen = form.chosen()
    listing = Listing(request.GET, columns=listings.OUTBOX_COLUMNS, sort="-when", filters=chosen)
    found = listings.messages_for(request.user).in_state(chosen.get("state", ""))
    if request.GET.get("format") == "csv":
        messages = found.order_by(*listing.order)
        return csv_response("outbox", listings.outbox_header(), messages, listings.outbox_cells)
    page = listing.page(found)
    table = listing.table(page, page.rows, **listings.OUTBOX)
    context = {"form": form, "table": table, "clear_url": request.path if chosen else ""}
    return render(request, "dashboard/outbox.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def components(request: HttpRequest) -> HttpResponse:
    """Every component in its states, for those who build pages. What is sent here comes to nothing."""
    if not settings.SHOW_COMPONENTS:
        raise Http404
    if request.method == "POST":
        return redirect("dashboard:components")
    context = {"names": gallery.SHOWN, **gallery.samples(now=clock.now())}
    return render(request, "dashboard/components.html", context)


@require_POST
def choose_theme(request: HttpRequest) -> HttpResponse:
    """Light, dark, or as the device says. A choice of looks that the visitor asked for: no consent is needed."""
    there = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(there, {request.get_host()}, require_https=request.is_secure())
    response = redirect(there if safe else "dashboard:centre")
    theme = request.POST.get("theme", "")
    if theme in THEMES:
        response.set_cookie(
            THEME_COOKIE, theme, max_age=365 * 86400, samesite="Lax", secure=settings.HTTPS, httponly=True
        )
    else:
        response.delete_cookie(THEME_COOKIE, samesite="Lax")
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without its token: mostly a page that was open for too long."""
    return render(request, "403_csrf.html", status=403)


def server_error(request: HttpRequest) -> HttpResponse:
    """The page for an error of ours. It asks neither session nor database, which may be what is broken."""
    return HttpResponseServerError(render_to_string("500.html", {"provider": settings.PROVIDER}))
