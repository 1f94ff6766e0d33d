"""Finance settings of a customer account, for its owners (CON-3)."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.models import CustomerAccount
from apps.consent import policies
from apps.consent.forms.finance import METHOD_FORMS, TopUpForm
from apps.consent.presentation import finance as shown
from apps.consent.presentation.answers import words
from apps.consent.services import finance as services
from apps.consent.states import Method, PaymentKind
from apps.consent.views.acting import language_of, manner
from apps.core import clock
from apps.core.errors import DomainError
from apps.core.http import reads_through_forms


def _owned(request: HttpRequest, pk: uuid.UUID) -> CustomerAccount:
    """Somebody else's account does not exist (404); a member who is no owner may not (403)."""
    account = get_object_or_404(CustomerAccount.objects.visible_to(request.user), pk=pk)
    if not policies.can_decide_finance(request.user, account):
        raise PermissionDenied
    return account


@require_safe
@login_required
def page(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Two switches: the saved payment method, and automatic top-up."""
    return render(request, "consent/finance.html", shown.page(_owned(request, pk), now=clock.now()))


@reads_through_forms
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def payment_method(request: HttpRequest, pk: uuid.UUID, kind: str) -> HttpResponse:
    """Save one kind of payment method, below the words that say what follows from it."""
    account, text, now = _owned(request, pk), words(services.METHOD), clock.now()
    if kind not in METHOD_FORMS:
        raise Http404
    form = METHOD_FORMS[kind](request.POST or None, text=text.digest, today=clock.local_date(now))
    if form.is_valid() and _saved(request, form, account=account, kind=kind, details=form.details):
        return redirect("consent:finance", pk)
    context = {"form": form, "account": account, "text": text, "kind": PaymentKind(kind).label}
    return render(request, "consent/finance_method.html", context)


def _saved(request: HttpRequest, form: object, **given: object) -> bool:
    act = {"text": form.cleaned_data["text"], "by": request.user, "manner": manner(request, Method.SWITCH)}
    try:
        services.save_payment_method(**given, **act, now=clock.now())
    except DomainError as error:
        form.refuse(error)
        return False
    messages.success(request, _("The payment method is saved."))
    return True


@require_POST
@login_required
def withdraw_payment_method(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """One click, and nothing is asked."""
    account = _owned(request, pk)
    act = {"by": request.user, "manner": manner(request, Method.SWITCH), "language": language_of(request)}
    try:
        until = services.withdraw_payment_method(account=account, **act, now=clock.now())
        messages.success(request, _withdrawn(account, until))
    except DomainError as error:
        messages.error(request, error.message)
    return redirect("consent:finance", pk)


def _withdrawn(account: CustomerAccount, until: object) -> str:
    if until:
        return _("Switched off. The payment method is deleted after %(until)s.") % {
            "until": date_format(until, "DATE_FORMAT")
        }
    if services.keeps_for_top_up(account):
        return _("Switched off. Only automatic top-up still uses the payment method, until you switch that off too.")
    return _("Switched off. The payment method is deleted.")


@reads_through_forms
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def top_up(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Order automatic top-up: how much, below which balance, at most how much in a month."""
    account, text = _owned(request, pk), words(services.TOP_UP)
    form = TopUpForm(request.POST or None, text=text.digest)
    if form.is_valid() and _ordered(request, form, account):
        return redirect("consent:finance", pk)
    has_method = services.has_method(account)
    context = {"form": form, "account": account, "text": text, "has_method": has_method}
    return render(request, "consent/finance_top_up.html", context)


def _ordered(request: HttpRequest, form: TopUpForm, account: CustomerAccount) -> bool:
    act = {"text": form.cleaned_data["text"], "by": request.user, "manner": manner(request, Method.SWITCH)}
    try:
        services.switch_top_up_on(account=account, amounts=form.amounts, **act, now=clock.now())
    except DomainError as error:
        form.refuse(error)
        return False
    messages.success(request, _("Automatic top-up is on."))
    return True


@require_POST
@login_required
def withdraw_top_up(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """One click: nothing more is charged from this instant."""
    account = _owned(request, pk)
    act = {"by": request.user, "manner": manner(request, Method.SWITCH), "language": language_of(request)}
    try:
        services.switch_top_up_off(account=account, **act, now=clock.now())
        messages.success(request, _("Automatic top-up is off. Nothing more is charged."))
    except DomainError as error:
        messages.error(request, error.message)
    return redirect("consent:finance", pk)
