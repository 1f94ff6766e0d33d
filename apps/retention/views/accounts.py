"""An account's own pages: its periods, leaving, and the certificate; and the officers' list of customers that leave."""

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.models import CustomerAccount
from apps.core import clock
from apps.core.errors import DomainError
from apps.core.http import reads_through_forms, require_fresh_factor
from apps.core.outcomes import add_refusal, tell_outcome
from apps.core.questions import ask
from apps.retention import policies, services
from apps.retention.forms.accounts import DepartureForm, LetterForm, PeriodForm
from apps.retention.models import Departure, Rule
from apps.retention.presentation import leaving as shown


def _owned(request: HttpRequest, pk: uuid.UUID) -> CustomerAccount:
    """Somebody else's account does not exist (404); a member who is no owner may not (403)."""
    account = get_object_or_404(CustomerAccount.objects.visible_to(request.user), pk=pk)
    if not policies.can_decide_for(request.user, account):
        raise PermissionDenied
    return account


@require_safe
@login_required
def account(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """What is kept how long for the account, and leaving (RET-1)."""
    return render(request, "retention/account.html", shown.page(_owned(request, pk), now=clock.now()))


@reads_through_forms
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def choose(request: HttpRequest, pk: uuid.UUID, rule: str) -> HttpResponse:
    """A shorter period: first what it would do (`?period=`), then the step itself."""
    owned, found = _owned(request, pk), _rule(rule)
    if request.method == "POST":
        return _choose(request, owned, found)
    start = {"period": services.period_for(owned, found)}
    form = PeriodForm(request.GET if "period" in request.GET else None, initial=start, periods=shown.periods(found))
    period = form.cleaned_data["period"] if form.is_valid() else None
    context = shown.choosing(owned, found, period, now=clock.now()) | {"form": form}
    return render(request, "retention/account_choose.html", context)


def _rule(key: str) -> Rule:
    for rule in services.rules_with_a_choice():
        if rule.key == key:
            return rule
    raise Http404


@require_fresh_factor
def _choose(request: HttpRequest, owned: CustomerAccount, rule: Rule) -> HttpResponse:
    form = PeriodForm(request.POST, periods=shown.periods(rule))
    if form.is_valid():
        chosen = {"account": owned, "rule": rule.key, "period": form.cleaned_data["period"]}
        try:
            services.choose_period(**chosen, by=request.user.key, now=clock.now())
            messages.success(request, _("Noted. It holds from the next nightly run on."))
            return redirect("retention:account", owned.pk)
        except DomainError as error:
            add_refusal(form, error)
    context = shown.choosing(owned, rule, None, now=clock.now()) | {"form": form}
    return render(request, "retention/account_choose.html", context)


@reads_through_forms
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def leave(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """The account leaves: return or delete, and from when."""
    owned = _owned(request, pk)
    if request.method == "POST":
        return _leave(request, owned)
    return render(request, "retention/departure_form.html", {"form": DepartureForm(), "account": owned})


@require_fresh_factor
def _leave(request: HttpRequest, owned: CustomerAccount) -> HttpResponse:
    form = DepartureForm(request.POST)
    if form.is_valid() and _announced(request, form, account=owned, **form.cleaned_data):
        return redirect("retention:account", owned.pk)
    return render(request, "retention/departure_form.html", {"form": form, "account": owned})


def _announced(request: HttpRequest, form: DepartureForm, **said: Any) -> bool:
    try:
        services.announce_departure(**said, by=request.user.key, now=clock.now())
    except DomainError as error:
        add_refusal(form, error)
        return False
    messages.success(request, _("Leaving is announced. Below is what happens when."))
    return True


def _departure(request: HttpRequest, pk: uuid.UUID) -> Departure:
    """The departure of an account that one owns; while nobody leaves there is no such place."""
    found = services.departure_of(_owned(request, pk))
    if found is None:
        raise Http404
    return found


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def stay(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Asks once more, then withdraws."""
    departure = _departure(request, pk)
    if request.method != "POST":
        return ask(request, shown.withdrawing(departure), back=reverse("retention:account", args=[pk]))
    return _stay(request, departure)


@require_fresh_factor
def _stay(request: HttpRequest, departure: Departure) -> HttpResponse:
    with tell_outcome(request, done=_("You stay. Nothing more is erased.")):
        services.withdraw_departure(departure, by=request.user.key, now=clock.now())
    return redirect("retention:account", departure.account_id)


@require_POST
@require_fresh_factor
def package(request: HttpRequest, pk: uuid.UUID) -> HttpResponseBase:
    """The returned data, streamed as it is unsealed."""
    departure = _departure(request, pk)
    try:
        found = services.open_package(departure, by=request.user, now=clock.now())
    except DomainError as error:
        messages.error(request, error.message)
        return redirect("retention:account", pk)
    response = StreamingHttpResponse(found.chunks, content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{found.filename}"'
    response["Cache-Control"], response["X-Content-Type-Options"] = "no-store", "nosniff"
    return response


def _certified(request: HttpRequest, pk: uuid.UUID) -> Departure:
    visible = Departure.objects.visible_to(request.user).certified().for_list()
    found = visible.filter(account=pk).first()
    if found is None:
        raise Http404
    return found


@require_safe
@login_required
def certificate(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """What was erased, what stays, until when and why: for the owners, and for the desk."""
    context = shown.certificate(_certified(request, pk), user=request.user)
    return render(request, "retention/certificate.html", context)


@require_safe
@login_required
def certificate_data(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """The same for machines; its SHA-256 in canonical form stands in the evidence."""
    departure = _certified(request, pk)
    response = JsonResponse(departure.certificate, json_dumps_params={"ensure_ascii": False, "indent": 2})
    response["Content-Disposition"] = f'attachment; filename="certificate-{departure.pk}.json"'
    return response


@require_safe
@login_required
def departures(request: HttpRequest) -> HttpResponse:
    """Customers that leave, for the desk."""
    _require_reader(request)
    listing = shown.DepartureListing(request)
    page = listing.page(Departure.objects.visible_to(request.user).standing().for_list())
    table = listing.table(page, shown.rows(page.rows, can_end=policies.can_announce(request.user)), **shown.TABLE)
    add_url = reverse("retention:departure_new") if policies.can_announce(request.user) else ""
    return render(request, "retention/departures.html", {"table": table, "add_url": add_url})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def departure_over(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """The customer came back: asks once more, then nothing of its leaving counts any more."""
    _require_announcer(request)
    erased = Departure.objects.visible_to(request.user).standing().certified().for_list()
    departure = get_object_or_404(erased, account=pk)
    if request.method != "POST":
        return ask(request, shown.coming_back(departure), back=reverse("retention:departures"))
    return _departure_over(request, departure)


@require_fresh_factor
def _departure_over(request: HttpRequest, departure: Departure) -> HttpResponse:
    with tell_outcome(request, done=_("Noted. The account’s data is kept as the rules say again.")):
        services.end_departure(departure, by=request.user.key, now=clock.now())
    return redirect("retention:departures")


@reads_through_forms
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def departure_new(request: HttpRequest) -> HttpResponse:
    """A customer asked in writing: an officer types it in, with the day on which it came."""
    _require_announcer(request)
    if request.method == "POST":
        return _type_in(request)
    return render(request, "retention/departure_form.html", {"form": LetterForm()})


@require_fresh_factor
def _type_in(request: HttpRequest) -> HttpResponse:
    form = LetterForm(request.POST)
    if form.is_valid() and _announced(request, form, **form.cleaned_data):
        return redirect("retention:departures")
    return render(request, "retention/departure_form.html", {"form": form})


def _require_reader(request: HttpRequest) -> None:
    if not policies.can_see_departures(request.user):
        raise Http404


def _require_announcer(request: HttpRequest) -> None:
    _require_reader(request)
    if not policies.can_announce(request.user):
        raise PermissionDenied
