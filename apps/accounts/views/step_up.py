"""Asking for a fresh second factor in the middle of something, and going on where it was."""

from __future__ import annotations

from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.webauthn.internal.auth import begin_authentication
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import Resolver404, resolve, reverse
from django.utils import translation
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.accounts import policies, services, sessions
from apps.accounts.forms import ChannelForm, FactorAgainForm, KeyAgainForm, StepUpCodeForm
from apps.core import clock
from apps.core.errors import DomainError
from apps.core.http import resume, safe_next


@require_http_methods(["GET", "POST"])
@login_required
def step_up(request: HttpRequest) -> HttpResponse:
    """Whoever has a second factor proves it; a customer without one gets a code at a confirmed contact point."""
    if policies.has_factor(request.user):
        return _by_factor(request)
    if request.method == "POST" and "channel" in request.POST:
        return _send(request)
    if "again" not in request.GET and services.is_code_awaited(request.user, **_bound(request)):
        return _by_code(request)
    return _ask_where(request, ChannelForm(user=request.user))


def _by_factor(request: HttpRequest) -> HttpResponse:
    url = safe_next(request)
    kind = KeyAgainForm if "credential" in request.POST else FactorAgainForm
    form = kind(request.POST or None, user=request.user)
    if form.is_valid():
        form.save()
        return _go_on(request, url)
    by_key = kind is KeyAgainForm
    context = {"form": FactorAgainForm(user=request.user) if by_key else form, "next": url}
    if policies.has_security_key(request.user):
        context["key_form"] = form if by_key else KeyAgainForm(user=request.user)
        context["js_data"] = {"request_options": begin_authentication(request.user)}
    return render(request, "accounts/step_up_factor.html", context)


def _send(request: HttpRequest) -> HttpResponse:
    form = ChannelForm(request.POST, user=request.user)
    if form.is_valid():
        language = translation.get_language() or "en"
        try:
            services.send_code(request.user, channel=form.cleaned_data["channel"], language=language, **_bound(request))
        except DomainError as error:
            form.add_error("channel", error.message)
        else:
            return redirect(f"{reverse('account_step_up')}?{urlencode({'next': safe_next(request)})}")
    return _ask_where(request, form)


def _by_code(request: HttpRequest) -> HttpResponse:
    url = safe_next(request)
    form = StepUpCodeForm(request.POST if "code" in request.POST else None)
    if form.is_valid():
        if services.spend_code(request.user, typed=form.cleaned_data["code"], **_bound(request)):
            record_authentication(request, request.user, method="contact_code")
            return _go_on(request, url)
        if not services.is_code_awaited(request.user, **_bound(request)):
            ask = ChannelForm(user=request.user)
            return _ask_where(request, ask, problem=_("That was the third wrong code. Ask for a new one."))
        form.add_error("code", _("This code is not right. Check it and try again."))
    return render(request, "accounts/step_up_code.html", {"form": form, "next": url})


def _ask_where(request: HttpRequest, form: ChannelForm, problem: str = "") -> HttpResponse:
    context = {"form": form, "next": safe_next(request), "problem": problem}
    return render(request, "accounts/step_up_channel.html", context)


def _go_on(request: HttpRequest, url: str) -> HttpResponse:
    sessions.renew(request)
    return resume(request, url)


def _bound(request: HttpRequest) -> dict:
    """What a code is bound to: this session, and the page it was asked for."""
    try:
        purpose = resolve(safe_next(request).partition("?")[0]).view_name
    except Resolver404:
        purpose = "page"
    return {"session_key": request.session.session_key, "purpose": purpose, "now": clock.now()}
