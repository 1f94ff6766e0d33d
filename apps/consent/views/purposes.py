"""The register of purposes: read by staff, changed by administrators with a fresh second factor."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.services import name_actors
from apps.consent import listings, policies
from apps.consent.forms.purposes import NewPurposeForm, PurposeForm
from apps.consent.models import Purpose
from apps.consent.receipts.words import words_of
from apps.consent.services import purposes as services
from apps.core import clock
from apps.core.errors import DomainError
from apps.core.http import reads_through_forms, require_access, require_fresh_factor
from apps.core.outcomes import add_refusal, tell_outcome
from apps.core.questions import Question, ask
from apps.core.tables import Empty, csv_response
from apps.core.timeline import Event
from apps.ledger.models import Entry


@require_safe
@login_required
def purposes(request: HttpRequest) -> HttpResponseBase:
    """What people are asked about, for staff."""
    _require_reader(request)
    listing = listings.PurposeListing(request)
    found = listing.titled(Purpose.objects.visible_to(request.user))
    if request.GET.get("format") == "csv":
        return csv_response("purposes", listings.header(), found.order_by(*listing.order), listings.cells)
    page = listing.page(found)
    empty = Empty(_("The register is empty"), _("Run “manage.py seed” to load the purposes of the portal."))
    table = listing.table(page, list(map(listings.row, page.rows)), empty=empty, **listings.TABLE)
    context = {"table": table, "can_edit": policies.can_edit_purposes(request.user)}
    return render(request, "consent/purposes.html", context)


@require_safe
@login_required
def purpose(request: HttpRequest, key: str) -> HttpResponse:
    """One purpose: its words in every language, its versions with what each changed, and who changed it."""
    found = _purpose(request, key)
    texts = listings.texts_of(key)
    can_edit = policies.can_edit_purposes(request.user) and not found.ended_at
    context = {
        "purpose": found,
        "title": listings.PurposeListing.titled(Purpose.objects.visible_to(request.user)).get(pk=key).title,
        "facts": listings.facts(found),
        "texts": [(text, words_of(text)) for text in listings.current_texts(texts)],
        "versions": listings.versions(texts),
        "events": _events(request, key),
        "edit_url": reverse("consent:purpose_edit", args=[key]) if can_edit else "",
        "end": _ending(key) if can_edit else None,
    }
    return render(request, "consent/purpose.html", context)


@reads_through_forms
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def new(request: HttpRequest) -> HttpResponse:
    """A new purpose."""
    _require_writer(request)
    return _add(request) if request.method == "POST" else _form_page(request, NewPurposeForm(), "")


@require_fresh_factor
def _add(request: HttpRequest) -> HttpResponse:
    form = NewPurposeForm(request.POST)
    if form.is_valid():
        key, basis = form.cleaned_data["key"], form.cleaned_data["basis"]
        said = {"key": key, "basis": basis, "content": form.content, "bodies": form.bodies}
        try:
            services.add_purpose(**said, actor=request.user.key, now=clock.now())
        except DomainError as error:
            add_refusal(form, error)
        else:
            messages.success(request, _("The purpose stands in the register."))
            return redirect("consent:purpose", key)
    return _form_page(request, form, "")


@reads_through_forms
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def edit(request: HttpRequest, key: str) -> HttpResponse:
    """A new version of what a purpose says."""
    _require_writer(request)
    _open_purpose(request, key)
    return _publish(request, key) if request.method == "POST" else _form_page(request, _form(request, key), key)


@require_fresh_factor
def _publish(request: HttpRequest, key: str) -> HttpResponse:
    form = _form(request, key, request.POST)
    if form.is_valid():
        seen, is_material = form.cleaned_data["seen_version"], form.cleaned_data["kind"] == "material"
        said = {"key": key, "content": form.content, "bodies": form.bodies, "seen_version": seen}
        try:
            services.change_purpose(**said, is_material=is_material, actor=request.user.key, now=clock.now())
        except DomainError as error:
            add_refusal(form, error)
        else:
            messages.success(request, _("Published: people are shown this from now on."))
            return redirect("consent:purpose", key)
    return _form_page(request, form, key)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def end(request: HttpRequest, key: str) -> HttpResponse:
    """Let a purpose end, after asking once more."""
    _require_writer(request)
    _open_purpose(request, key)
    if request.method == "POST":
        return _end(request, key)
    return ask(request, _ending(key), back=reverse("consent:purpose", args=[key]))


@require_fresh_factor
def _end(request: HttpRequest, key: str) -> HttpResponse:
    with tell_outcome(request, done=_("The purpose has ended. No yes to it holds any more.")):
        services.end_purpose(key=key, actor=request.user.key, now=clock.now())
    return redirect("consent:purpose", key)


def _ending(key: str) -> Question:
    return Question(
        reverse("consent:purpose_end", args=[key]),
        _("Let this purpose end?"),
        _("Nobody is asked about it any more, and every yes to it ends. Its words and their proof stay."),
        _("End the purpose"),
        _("Keep it"),
    )


def _form(request: HttpRequest, key: str, data: object = None) -> PurposeForm:
    texts = listings.texts_of(key)
    version = max((text.version for text in texts), default=0)
    return PurposeForm.of(_open_purpose(request, key), listings.current_bodies(texts), version, data)


def _form_page(request: HttpRequest, form: PurposeForm, key: str) -> HttpResponse:
    return render(request, "consent/purpose_form.html", {"form": form, "key": key})


def _events(request: HttpRequest, key: str) -> list[Event]:
    seen = Entry.objects.visible_to(request.user)
    entries = [*seen.about(f"consent.purpose:{key}"), *seen.about(f"consent.notice:{key}")]
    return listings.events(entries, name_actors(entries, seen_by=request.user))


def _purpose(request: HttpRequest, key: str) -> Purpose:
    _require_reader(request)
    return get_object_or_404(Purpose.objects.visible_to(request.user), pk=key)


def _open_purpose(request: HttpRequest, key: str) -> Purpose:
    return get_object_or_404(Purpose.objects.visible_to(request.user).open(), pk=key)


def _require_reader(request: HttpRequest) -> None:
    require_access(may_read=policies.can_see_purposes(request.user))


def _require_writer(request: HttpRequest) -> None:
    require_access(may_read=policies.can_see_purposes(request.user), may_write=policies.can_edit_purposes(request.user))
