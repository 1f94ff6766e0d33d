"""The public list, and the register behind it."""

import uuid
from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_list_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.services import name_actors
from apps.core import clock
from apps.core.errors import DomainError
from apps.core.http import require_access, require_fresh_factor
from apps.core.outcomes import add_refusal, tell_outcome
from apps.core.questions import Question, ask
from apps.core.tables import Empty, csv_response
from apps.ledger.models import Entry
from apps.processors import listings, policies, services
from apps.processors.forms import EngagementForm
from apps.processors.listings import EngagementListing
from apps.processors.models import Engagement, EngagementQuerySet
from apps.processors.words import describe, history, rewordings

ROWS = "processors/rows.html"


def _today() -> date:
    return clock.local_date(clock.now())


@require_safe
def public_list(request: HttpRequest) -> HttpResponse:
    """Who processes data for us, where and on what ground. Anybody may read it (PRO-1)."""
    listing = EngagementListing(request)
    page = listing.page(listing.searched(Engagement.objects.published()))
    table = listing.table(
        page,
        listings.rows(page.rows, today=_today()),
        caption=_("Companies that process data for us"),
        rows_template=ROWS,
        empty=_nobody(
            listing, _("Nobody is on the list"), _("No company processes personal data for us at the moment.")
        ),
        csv_url=f"{reverse('processors:download')}?{listing.query()}".rstrip("?"),
    )
    context = {"table": table, "form": listing.form, "clear_url": listing.clear_url}
    return render(request, "processors/list.html", context)


@require_safe
def download(request: HttpRequest) -> HttpResponseBase:
    """The public list as a table for spreadsheets."""
    return _file(EngagementListing(request), Engagement.objects.published())


@require_safe
@login_required
def register(request: HttpRequest) -> HttpResponseBase:
    """Everything published and drafted, for staff."""
    _require_reader(request)
    listing = EngagementListing(request)
    current = Engagement.objects.visible_to(request.user).current()
    if request.GET.get("format") == "csv":
        return _file(listing, current)
    page = listing.page(listing.searched(current))
    rows = listings.rows(page.rows, today=_today(), url=_entry_url)
    empty = _nobody(
        listing, _("The register is empty"), _("Run “manage.py seed” to load what the statement of 2020 says.")
    )
    table = listing.table(page, rows, caption=_("Entries of the register"), rows_template=ROWS, empty=empty)
    add_url = reverse("processors:add") if policies.can_edit_register(request.user) else ""
    context = {"table": table, "form": listing.form, "clear_url": listing.clear_url, "add_url": add_url}
    return render(request, "processors/register.html", context)


def _nobody(listing: EngagementListing, title: str, text: str) -> Empty:
    if listing.chosen:
        text, everything = _("No company fits these filters."), _("Show everything")
        return Empty(_("Nothing here"), text, listing.clear_url, everything)
    return Empty(title, text)


def _file(listing: EngagementListing, engagements: EngagementQuerySet) -> HttpResponseBase:
    found = listing.searched(engagements).order_by(*listing.order)
    return csv_response("processors", listings.header(), found, partial(listings.cells, today=_today()))


def _entry_url(engagement: Engagement) -> str:
    return reverse("processors:entry", args=[engagement.line])


@require_safe
@login_required
def entry(request: HttpRequest, line: uuid.UUID) -> HttpResponse:
    """One engagement with its history."""
    versions = _versions(request, line)
    entries = list(Entry.objects.visible_to(request.user).about(versions[-1].target))
    context = {
        "latest": versions[-1],
        "current": [describe(each, today=_today()) for each in versions if each.replaced_at is None],
        "events": history(versions, entries, name_actors(entries, seen_by=request.user)),
        "rewordings": rewordings(versions),
    }
    if context["current"] and policies.can_edit_register(request.user):
        context |= {"edit_url": reverse("processors:edit", args=[line]), "end": _ending(line), "drop": _dropping(line)}
    return render(request, "processors/entry.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def add(request: HttpRequest) -> HttpResponse:
    """A new engagement."""
    _require_writer(request)
    if request.method == "POST":
        return _save(request, None)
    return _form_page(request, EngagementForm(initial={"seen_version": 0}), None)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def edit(request: HttpRequest, line: uuid.UUID) -> HttpResponse:
    """A new version of an engagement."""
    _require_writer(request)
    latest = _versions(request, line)[-1]
    if request.method == "POST":
        return _save(request, line)
    return _form_page(request, EngagementForm.of(latest), line)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def end(request: HttpRequest, line: uuid.UUID) -> HttpResponse:
    """Take an entry off the list, after asking once more."""
    return _end(request, line) if request.method == "POST" else _ask(request, line, _ending(line))


@require_fresh_factor
def _end(request: HttpRequest, line: uuid.UUID) -> HttpResponse:
    return _do(request, line, services.end_engagement, _("The entry is off the list."))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def drop(request: HttpRequest, line: uuid.UUID) -> HttpResponse:
    """Give up a draft, after asking once more."""
    if request.method == "POST":
        return _do(request, line, services.drop_draft, _("The draft was dropped."))
    return _ask(request, line, _dropping(line))


def _ending(line: uuid.UUID) -> Question:
    return Question(
        reverse("processors:end", args=[line]),
        _("Take this entry off the list?"),
        _("The public list no longer names the company. Its versions stay in the history."),
        _("Take off the list"),
        _("Keep it"),
    )


def _dropping(line: uuid.UUID) -> Question:
    return Question(
        reverse("processors:drop", args=[line]),
        _("Drop this draft?"),
        _("The public list stays as it is. The draft can still be read in the history."),
        _("Drop the draft"),
        _("Keep it"),
    )


def _ask(request: HttpRequest, line: uuid.UUID, question: Question) -> HttpResponse:
    _require_writer(request)
    _versions(request, line)
    return ask(request, question, back=reverse("processors:entry", args=[line]))


def _save(request: HttpRequest, line: uuid.UUID | None) -> HttpResponse:
    """Approving publishes a register: that needs a fresh second factor, writing a draft does not."""
    approve = request.POST.get("action") == "approve"
    return (_write_published if approve else _write)(request, line, approve)


def _write(request: HttpRequest, line: uuid.UUID | None, approve: bool) -> HttpResponse:
    form = EngagementForm(request.POST)
    if form.is_valid() and (saved := _try_save(request, form, line, approve)):
        messages.success(request, _("Approved and published.") if approve else _("The draft was saved."))
        return redirect("processors:entry", saved.line)
    return _form_page(request, form, line)


_write_published = require_fresh_factor(_write)


def _try_save(request: HttpRequest, form: EngagementForm, line: uuid.UUID | None, approve: bool) -> Engagement | None:
    """What the register refuses stands beside its field; what was typed stays in the form."""
    content, seen = form.content, form.cleaned_data["seen_version"]
    who, now = request.user.key, clock.now()
    try:
        return services.save_engagement(name=form.cleaned_data["name"], content=content, line=line, seen_version=seen,
                                        approve=approve, actor=who, now=now)  # fmt: skip
    except DomainError as error:
        add_refusal(form, error)
    return None


def _form_page(request: HttpRequest, form: EngagementForm, line: uuid.UUID | None) -> HttpResponse:
    return render(request, "processors/form.html", {"form": form, "line": line})


def _do(request: HttpRequest, line: uuid.UUID, verb: Callable[..., Any], done: str) -> HttpResponse:
    _require_writer(request)
    _versions(request, line)
    with tell_outcome(request, done=done):
        verb(line, actor=request.user.key, now=clock.now())
    return redirect("processors:entry", line)


def _versions(request: HttpRequest, line: uuid.UUID) -> list[Engagement]:
    _require_reader(request)
    return get_list_or_404(Engagement.objects.visible_to(request.user).of_line(line).for_list())


def _require_reader(request: HttpRequest) -> None:
    require_access(may_read=policies.can_see_register(request.user))


def _require_writer(request: HttpRequest) -> None:
    require_access(may_read=policies.can_see_register(request.user), may_write=policies.can_edit_register(request.user))
