"""The public list, and the register behind it."""

import uuid
from collections.abc import Callable
from datetime import date
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.models import User
from apps.core import clock
from apps.core.errors import DomainError, InvalidInput
from apps.core.http import require_fresh_factor
from apps.core.pages import keyset_page
from apps.core.spreadsheets import as_csv
from apps.ledger.models import Entry
from apps.processors import policies, services
from apps.processors.forms import EngagementForm
from apps.processors.models import Engagement
from apps.processors.words import describe, history

PAGE_SIZE = 100
ORDER = ("processor__name", "pk")


def _today() -> date:
    return clock.local_date(clock.now())


@require_safe
def public_list(request: HttpRequest) -> HttpResponse:
    """Who processes data for us, where and on what ground. Anybody may read it (PRO-1)."""
    published = Engagement.objects.published().for_list()
    page = keyset_page(published, order=ORDER, cursor=request.GET.get("cursor"), size=PAGE_SIZE)
    rows = [describe(engagement, today=_today()) for engagement in page.rows]
    return render(request, "processors/list.html", {"page": page, "rows": rows})


@require_safe
def download(request: HttpRequest) -> HttpResponse:
    """The public list as a table for spreadsheets."""
    header = (_("Name"), _("Location"), _("Country code"), _("Transfer mechanism"), _("Mechanism today"), _("Service"),
              _("Role"), _("Standing"))  # fmt: skip
    found = [describe(e, today=_today()) for e in Engagement.objects.published().for_list().order_by(*ORDER)]
    cells = ((row.name, row.location, row.engagement.country, row.mechanism, row.mechanism_note, row.service, row.role,
              row.standing) for row in found)  # fmt: skip
    response = HttpResponse(as_csv(header, cells), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="processors.csv"'
    return response


@require_safe
@login_required
def register(request: HttpRequest) -> HttpResponse:
    """Everything published and drafted, for staff."""
    _require_reader(request)
    current = Engagement.objects.visible_to(request.user).current().for_list()
    page = keyset_page(current, order=ORDER, cursor=request.GET.get("cursor"), size=PAGE_SIZE)
    rows = [describe(engagement, today=_today()) for engagement in page.rows]
    may_edit = policies.can_edit_register(request.user)
    return render(request, "processors/register.html", {"page": page, "rows": rows, "may_edit": may_edit})


@require_safe
@login_required
def entry(request: HttpRequest, line: uuid.UUID) -> HttpResponse:
    """One engagement with its history."""
    versions = _versions(request, line)
    entries = list(Entry.objects.visible_to(request.user).about(versions[-1].target))
    current = [describe(version, today=_today()) for version in versions if version.replaced_at is None]
    return render(
        request,
        "processors/entry.html",
        {
            "latest": versions[-1],
            "current": current,
            "events": history(versions, entries, _names(request, entries)),
            "may_edit": policies.can_edit_register(request.user),
        },
    )


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


@require_POST
@require_fresh_factor
def end(request: HttpRequest, line: uuid.UUID) -> HttpResponse:
    """Take an entry off the list."""
    return _do(request, line, services.end_engagement, _("The entry is off the list."))


@require_POST
@login_required
def drop(request: HttpRequest, line: uuid.UUID) -> HttpResponse:
    """Give up a draft."""
    return _do(request, line, services.drop_draft, _("The draft was dropped."))


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
    who, now = _me(request).key, clock.now()
    try:
        return services.save_engagement(name=form.cleaned_data["name"], content=content, line=line, seen_version=seen,
                                        approve=approve, actor=who, now=now)  # fmt: skip
    except InvalidInput as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
    except DomainError as error:
        form.add_error(None, error.message)
    return None


def _form_page(request: HttpRequest, form: EngagementForm, line: uuid.UUID | None) -> HttpResponse:
    return render(request, "processors/form.html", {"form": form, "line": line})


def _do(request: HttpRequest, line: uuid.UUID, verb: Callable[..., Any], done: str) -> HttpResponse:
    _require_writer(request)
    _versions(request, line)
    try:
        verb(line, actor=_me(request).key, now=clock.now())
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, done)
    return redirect("processors:entry", line)


def _versions(request: HttpRequest, line: uuid.UUID) -> list[Engagement]:
    _require_reader(request)
    versions = list(Engagement.objects.visible_to(request.user).of_line(line).for_list())
    if not versions:
        raise Http404
    return versions


def _me(request: HttpRequest) -> User:
    return cast(User, request.user)  # behind `login_required`


def _require_reader(request: HttpRequest) -> None:
    if not policies.can_see_register(request.user):
        raise Http404  # for customers there is no such place


def _require_writer(request: HttpRequest) -> None:
    _require_reader(request)
    if not policies.can_edit_register(request.user):
        raise PermissionDenied


def _names(request: HttpRequest, entries: list[Entry]) -> dict[str, str]:
    """Who acted, for those who may see colleagues' names; others see the id that the ledger holds."""
    ids = {entry.actor.removeprefix("user:") for entry in entries if entry.actor.startswith("user:")}
    people = User.objects.visible_to(_me(request)).filter(pk__in=ids) if ids else ()
    return {person.key: person.full_name for person in people} | {"command": _("Set-up"), "system": _("The portal")}
