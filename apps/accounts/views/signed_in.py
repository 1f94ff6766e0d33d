"""Where a person is signed in, and ending that."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts import sessions
from apps.core import clock
from apps.core.questions import Question, ask
from apps.core.tables import Column, Empty, Listing

COLUMNS = (
    Column("since", gettext_lazy("Since"), ("created_at", "pk")),
    Column("browser", gettext_lazy("Browser"), ("user_agent", "pk")),
    Column("address", gettext_lazy("Address on the internet"), ("ip", "pk")),
)


@require_safe
@login_required
def signed_in(request: HttpRequest) -> HttpResponse:
    """The browsers in which one is signed in now."""
    listing = Listing(request.GET, columns=COLUMNS, sort="-since")
    page = listing.page(sessions.open_sessions(request.user, now=clock.now()))
    for session in page.rows:
        session.is_here = session.session_key == request.session.session_key
    table = listing.table(
        page,
        page.rows,
        caption=_("Browsers in which you are signed in now"),
        rows_template="usersessions/rows.html",
        empty=Empty(_("Nothing here"), _("You are signed in nowhere else.")),
        csv_url="",
    )
    return render(request, "usersessions/usersession_list.html", {"table": table, "question": _ending()})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def end_others(request: HttpRequest) -> HttpResponse:
    """End all sessions but this one, after asking once more."""
    if request.method != "POST":
        return ask(request, _ending(), back=reverse("usersessions_list"))
    sessions.end_others(request)
    messages.success(request, _("All other sessions were ended."))
    return redirect("usersessions_list")


def _ending() -> Question:
    return Question(
        reverse("usersessions_end"),
        _("End all other sessions?"),
        _("You stay signed in here. Everywhere else you have to sign in again."),
        _("End all other sessions"),
        _("Keep them"),
    )
