"""What holds on every page for whoever is signed in."""

from __future__ import annotations

from collections.abc import Callable

from allauth.core.exceptions import RateLimited
from allauth.core.ratelimit import respond_429
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from apps.accounts import policies

# What a member of staff without a second factor can reach: setting one up, proving who they are for it, and leaving.
WITHOUT_FACTOR = frozenset(
    {
        "mfa_index",
        "mfa_activate_totp",
        "mfa_add_webauthn",
        "mfa_view_recovery_codes",
        "account_reauthenticate",
        "account_logout",
        "set_language",
        "dashboard:theme",
        "healthz",
        "readyz",
    }
)


class AccountsMiddleware:
    """Speaks the signed-in person's language, and lets staff work only with a second factor (T36)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.user.is_authenticated:
            return self.get_response(request)
        language = request.user.language  # signing out leaves nobody to ask afterwards
        with translation.override(language):
            request.LANGUAGE_CODE = translation.get_language()
            response = self.get_response(request)
        response.headers["Content-Language"] = language
        return response

    def process_view(self, request: HttpRequest, view: Callable, args: tuple, kwargs: dict) -> HttpResponse | None:
        here = request.resolver_match.view_name if request.resolver_match else ""
        if not policies.is_staff_member(request.user) or here in WITHOUT_FACTOR or policies.has_factor(request.user):
            return None
        messages.warning(request, _("Set up a second factor first: staff can’t work without one."))
        return HttpResponseRedirect(reverse("mfa_activate_totp"))

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """allauth lets this one through where a page sends a code: say "later" instead of failing."""
        return respond_429(request) if isinstance(exception, RateLimited) else None
