"""The register behind the page of cookies: entries, and publishing them."""

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_list_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.services import name_actors
from apps.cookies import policies, script, services, telling
from apps.cookies.forms import TONGUES, EntryForm
from apps.cookies.listings import CookieListing
from apps.cookies.models import Cookie, RegisterVersion, Site
from apps.cookies.views.access import require_reader, require_writer, site_or_404
from apps.core import clock
from apps.core.errors import DomainError
from apps.core.http import require_fresh_factor
from apps.core.outcomes import add_refusal, tell_outcome
from apps.core.questions import Question, ask
from apps.core.tables import Empty
from apps.ledger.models import Entry


@require_safe
@login_required
def register(request: HttpRequest) -> HttpResponse:
    """Everything published and drafted, for staff."""
    require_reader(request)
    listing = CookieListing(request)
    page = listing.page(listing.searched(Cookie.objects.visible_to(request.user).current()))
    rows = [telling.describe(each, url=reverse("cookies:entry", args=[each.line])) for each in page.rows]
    empty, caption = _empty(listing), _("Entries of the cookie register")
    table = listing.table(page, rows, caption=caption, rows_template="cookies/rows.html", empty=empty, csv_url="")
    sites = Site.objects.visible_to(request.user).order_by("name")
    context = {
        "table": table, "form": listing.form, "clear_url": listing.clear_url,
        "sites": [(site, reverse("cookies:site", args=[site.key])) for site in sites],
        "may_edit": policies.can_edit_register(request.user),
    }  # fmt: skip
    return render(request, "cookies/register.html", context)


def _empty(listing: CookieListing) -> Empty:
    if listing.chosen:
        return Empty(_("Nothing here"), _("No entry fits these filters."), listing.clear_url, _("Show everything"))
    return Empty(_("The register is empty"), _("“manage.py seed” loads what our own sites keep."))


@require_safe
@login_required
def entry(request: HttpRequest, line: uuid.UUID) -> HttpResponse:
    """One entry with its history."""
    versions = _versions(request, line)
    entries = list(Entry.objects.visible_to(request.user).about(versions[-1].target))
    context = {
        "latest": versions[-1],
        "current": [telling.describe(each) for each in versions if each.replaced_at is None],
        "events": telling.history(entries, name_actors(entries, seen_by=request.user), versions),
    }
    if context["current"] and policies.can_edit_register(request.user):
        context |= {"edit_url": reverse("cookies:edit", args=[line]), "drop": _dropping(line)}
        context |= {} if versions[-1].is_ending else {"end": _ending(line)}
    return render(request, "cookies/entry.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def add(request: HttpRequest) -> HttpResponse:
    """A new entry."""
    require_writer(request)
    if request.method == "POST":
        form = EntryForm(request.POST)
        return _save(request, form, None, form.data.get("site", ""))
    return _form_page(request, EntryForm(initial={"seen_version": 0, "site": request.GET.get("site", "")}), None)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def edit(request: HttpRequest, line: uuid.UUID) -> HttpResponse:
    """A new version of an entry, as a draft."""
    require_writer(request)
    latest = _versions(request, line)[-1]
    if request.method == "POST":
        return _save(request, EntryForm(request.POST, line=line), line, latest.site_id)
    return _form_page(request, EntryForm.of(latest), line)


def _save(request: HttpRequest, form: EntryForm, line: uuid.UUID | None, site: str) -> HttpResponse:
    if form.is_valid() and (saved := _try_save(request, form, line, site)):
        messages.success(request, _("The draft was saved. Publish the register of the site to make it count."))
        return redirect("cookies:entry", saved.line)
    return _form_page(request, form, line)


def _try_save(request: HttpRequest, form: EntryForm, line: uuid.UUID | None, site: str) -> Cookie | None:
    """What the register refuses stands beside its field; what was typed stays in the form."""
    content, seen = form.content, form.cleaned_data["seen_version"]
    who, now = request.user.key, clock.now()
    try:
        return services.save_entry(site=site, content=content, line=line, seen_version=seen, actor=who, now=now)
    except DomainError as error:
        add_refusal(form, error)
    return None


def _form_page(request: HttpRequest, form: EntryForm, line: uuid.UUID | None) -> HttpResponse:
    return render(request, "cookies/form.html", {"form": form, "line": line})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def end(request: HttpRequest, line: uuid.UUID) -> HttpResponse:
    """Mark an entry to go off the register, after asking once more."""
    if request.method == "POST":
        return _do(request, line, services.end_entry, _("The entry goes off the register when it is published next."))
    return _ask(request, line, _ending(line))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def drop(request: HttpRequest, line: uuid.UUID) -> HttpResponse:
    """Give up a draft, after asking once more."""
    if request.method == "POST":
        return _do(request, line, services.drop_draft, _("The draft was dropped."))
    return _ask(request, line, _dropping(line))


@require_safe
@login_required
def site(request: HttpRequest, key: str) -> HttpResponse:
    """A site's register: what publishing it would change, what was published, and what the site's pages need."""
    seen = services.preview(site_or_404(request, key))
    entries = list(Entry.objects.visible_to(request.user).about(seen.site.target))
    context = {
        "seen": seen,
        "told": telling.tell(seen.changes),
        "reasons": telling.reasons(seen.changes.reasons),
        "versions": RegisterVersion.objects.of_site(key).defer("content"),
        "events": telling.history(entries, name_actors(entries, seen_by=request.user)),
        "may_edit": policies.can_edit_register(request.user),
        "languages": [(language, TONGUES[language]) for language in seen.site.languages],
        "snippet": script.snippet(key) if seen.latest else "",
    }
    return render(request, "cookies/site.html", context)


@require_POST
@login_required
def publish(request: HttpRequest, key: str) -> HttpResponse:
    """Publish what is drafted: with a fresh second factor (T37)."""
    require_writer(request)
    site_or_404(request, key)
    return _publish(request, key)


@require_fresh_factor
def _publish(request: HttpRequest, key: str) -> HttpResponse:
    asks, seen = request.POST.get("asks") == "again", request.POST.get("seen", "")
    done = _("Published. Everybody is asked again.") if asks else _("Published. Choices stand.")
    with tell_outcome(request, done=done):
        services.publish_register(key, asks_again=asks, seen_digest=seen, actor=request.user.key, now=clock.now())
    return redirect("cookies:site", key)


def _ending(line: uuid.UUID) -> Question:
    return Question(
        reverse("cookies:end", args=[line]),
        _("Take this entry off the register?"),
        _("Visitors no longer see it once the register is published. Its versions stay in the history."),
        _("Take off the register"),
        _("Keep it"),
    )


def _dropping(line: uuid.UUID) -> Question:
    return Question(
        reverse("cookies:drop", args=[line]),
        _("Drop this draft?"),
        _("What is published stays as it is. The draft can still be read in the history."),
        _("Drop the draft"),
        _("Keep it"),
    )


def _ask(request: HttpRequest, line: uuid.UUID, question: Question) -> HttpResponse:
    require_writer(request)
    _versions(request, line)
    return ask(request, question, back=reverse("cookies:entry", args=[line]))


def _do(request: HttpRequest, line: uuid.UUID, verb: Callable[..., Any], done: str) -> HttpResponse:
    require_writer(request)
    _versions(request, line)
    with tell_outcome(request, done=done):
        verb(line, actor=request.user.key, now=clock.now())
    return redirect("cookies:entry", line)


def _versions(request: HttpRequest, line: uuid.UUID) -> list[Cookie]:
    require_reader(request)
    return get_list_or_404(Cookie.objects.visible_to(request.user).of_line(line).for_list())
