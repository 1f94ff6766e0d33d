"""Legal holds at the desk: what stands, a new one, and one hold's page with its steps."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from apps.core import clock
from apps.core.errors import DomainError, InvalidInput
from apps.core.http import exports_with_fresh_factor, reads_through_forms, require_fresh_factor
from apps.core.outcomes import add_refusal, tell_outcome
from apps.core.questions import Question, ask
from apps.core.tables import csv_response
from apps.datamap.services import collection_names
from apps.ledger.models import Entry
from apps.retention import policies, services
from apps.retention.forms.holds import HoldForm, LiftForm, RevealForm, ReviewForm
from apps.retention.models import Hold
from apps.retention.presentation import holds as shown
from apps.retention.presentation.holds import HoldListing
from apps.retention.states import HoldReason, LiftReason


@require_safe
@login_required
@exports_with_fresh_factor
def holds(request: HttpRequest) -> HttpResponseBase:
    """What stands, what is overdue, what was lifted (RET-4)."""
    _require_reader(request)
    listing, today = HoldListing(request), clock.local_date(clock.now())
    found = listing.searched(Hold.objects.visible_to(request.user), today=today)
    if request.GET.get("format") == "csv":
        return csv_response("legal-holds", shown.header(), found.order_by(*listing.order), shown.cells)
    page = listing.page(found)
    table = listing.table(page, shown.rows(page.rows, today=today), empty=listing.empty(), **shown.TABLE)
    add_url = reverse("retention:hold_new") if policies.can_place_hold(request.user) else ""
    context = {"table": table, "form": listing.form, "clear_url": listing.clear_url, "add_url": add_url}
    return render(request, "retention/holds.html", context)


@reads_through_forms
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def new(request: HttpRequest) -> HttpResponse:
    """A new hold: first what it would cover, then the step itself. Whom it is about never stands in an address."""
    _require_writer(request)
    if request.method != "POST":
        return _form_page(request, _form(request))
    form = _form(request, request.POST)
    if not form.is_valid():
        return _form_page(request, form)
    # What is placed is what was looked at: changed since then, it is looked at again.
    is_seen = request.POST.get("action") == "place" and request.POST.get("seen") == form.scope.digest
    return (_place if is_seen else _preview)(request, form)


def _preview(request: HttpRequest, form: HoldForm) -> HttpResponse:
    try:
        services.check_scope(form.scope)
    except InvalidInput as error:
        add_refusal(form, error)
        return _form_page(request, form)
    counts = services.count_covered(form.scope)
    more = {"covered": shown.covered(counts), "is_of_account": bool(form.scope.account)}
    return _form_page(request, form, seen=form.scope.digest, **more)


@require_fresh_factor
def _place(request: HttpRequest, form: HoldForm) -> HttpResponse:
    data = form.cleaned_data
    what = {name: data[name] for name in ("reason", "words", "owner", "review_on")}
    try:
        hold = services.place_hold(scope=form.scope, **what, by=request.user, now=clock.now())
    except InvalidInput as error:
        add_refusal(form, error)
        return _form_page(request, form)
    messages.success(request, _("The hold is placed. Nothing that it covers is erased from now on."))
    return redirect("retention:hold", hold.reference)


def _form(request: HttpRequest, data: Any = None) -> HoldForm:
    return HoldForm(data, user=request.user, names=collection_names(get_language() or "en"))


def _form_page(request: HttpRequest, form: HoldForm, **more: Any) -> HttpResponse:
    return render(request, "retention/hold_form.html", {"form": form} | more)


@require_safe
@login_required
def hold(request: HttpRequest, reference: str) -> HttpResponse:
    """One hold, with what it stopped so far and the steps that are possible."""
    return _page(request, _visible(request, reference))


def _page(request: HttpRequest, found: Hold, bound: dict[str, Form] | None = None, **more: Any) -> HttpResponse:
    entries = Entry.objects.visible_to(request.user).about(found.target)
    context = shown.page(found, entries, today=clock.local_date(clock.now())) | {"reveal_form": RevealForm()}
    if found.lifted_at is None and policies.can_place_hold(request.user):
        context |= {"review_form": ReviewForm(), "lift_form": LiftForm()}
    error_form = next(iter((bound or {}).values()), None)
    return render(request, "retention/hold.html", context | (bound or {}) | {"error_form": error_form} | more)


@reads_through_forms
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def review(request: HttpRequest, reference: str) -> HttpResponse:
    """It was reviewed and still stands. Whoever comes here by the address alone is at the hold's page."""
    found, form = _for_step(request, reference), ReviewForm(request.POST)
    if request.method != "POST":
        return redirect("retention:hold", reference)
    return _review(request, found, form) if form.is_valid() else _page(request, found, {"review_form": form})


@require_fresh_factor
def _review(request: HttpRequest, found: Hold, form: ReviewForm) -> HttpResponse:
    try:
        services.extend_review(found, review_on=form.cleaned_data["review_on"], by=request.user, now=clock.now())
    except DomainError as error:
        form.add_error("review_on", error.message)
        return _page(request, found, {"review_form": form})
    messages.success(request, _("Noted. The hold stands, with a new day of review."))
    return redirect("retention:hold", found.reference)


@reads_through_forms
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def reveal(request: HttpRequest, reference: str) -> HttpResponse:
    """The reason's words and whom it is about, for a reason that is noted, with a fresh second factor."""
    found, form = _visible(request, reference), RevealForm(request.POST)
    if request.method != "POST":
        return redirect("retention:hold", reference)
    if not form.is_valid():
        return _page(request, found, {"reveal_form": form})
    return _reveal(request, found, form.cleaned_data["reason"])


@require_fresh_factor
def _reveal(request: HttpRequest, found: Hold, reason: str) -> HttpResponse:
    words, people = services.reveal_hold(found, reason=reason, by=request.user, now=clock.now())
    identities = [{"label": one.type.label, "lines": [one.value]} for one in people]
    return _page(request, found, revealed=True, words=words, identities=identities)


@reads_through_forms
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def lift(request: HttpRequest, reference: str) -> HttpResponse:
    """End a hold, after asking once more. Why stands in the address: it is a code."""
    found, form = _for_step(request, reference), LiftForm(request.GET)
    if not form.is_valid():
        return _page(request, found, {"lift_form": form} if request.GET else None)
    if request.method != "POST":
        return ask(request, _lifting(found, form.cleaned_data["why"]), back=_url("hold", found))
    return _lift(request, found, form.cleaned_data["why"])


@require_fresh_factor
def _lift(request: HttpRequest, found: Hold, why: str) -> HttpResponse:
    with tell_outcome(request, done=_("The hold is lifted. What it stopped goes on.")):
        services.lift_hold(found, why=why, by=request.user, now=clock.now())
    return redirect("retention:hold", found.reference)


def _lifting(found: Hold, why: str) -> Question:
    told = {"reference": found.reference, "reason": HoldReason(found.reason).label, "why": LiftReason(why).label}
    return Question(
        f"{_url('hold_lift', found)}?{urlencode({'why': why})}",
        _("Lift the hold %(reference)s?") % told,
        _(
            "It was placed for this reason: %(reason)s. It ends for this one: %(why)s. What it stopped goes on: "
            "waiting erasures at once, everything past its period with the next sweep."
        )
        % told,
        _("Lift the hold"),
        _("Keep it"),
    )


def _url(name: str, found: Hold) -> str:
    return reverse(f"retention:{name}", args=[found.reference])


def _visible(request: HttpRequest, reference: str) -> Hold:
    _require_reader(request)
    return get_object_or_404(Hold.objects.visible_to(request.user).for_list(), reference=reference)


def _for_step(request: HttpRequest, reference: str) -> Hold:
    found = _visible(request, reference)
    _require_writer(request)
    return found


def _require_reader(request: HttpRequest) -> None:
    if not policies.can_see_holds(request.user):
        raise Http404  # for everybody else there is no such place (T63)


def _require_writer(request: HttpRequest) -> None:
    _require_reader(request)
    if not policies.can_place_hold(request.user):
        raise PermissionDenied
