"""Pages across apps: the public privacy centre, everybody's first page, and what is shown when something went wrong."""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseServerError
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps.accounts import policies
from apps.dashboard.navigation import THEME_COOKIE, THEMES, address


@require_safe
def centre(request: HttpRequest) -> HttpResponse:
    """The public privacy centre. Anybody may read it."""
    doors = [
        (_("I am a customer"), _("Ask about your own data, or about people you sent messages to."), "account_login"),
        (_("Who works for us"), _("The companies that process data on our behalf, where, and on what ground."), "processors:list"),
    ]  # fmt: skip
    found = [{"name": name, "text": text, "url": address(url)} for name, text, url in doors if address(url)]
    return render(
        request,
        "dashboard/centre.html",
        {"doors": found, "home_url": address("dashboard:home"), "sign_in_url": address("account_login")},
    )


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Everybody's first page after signing in, by role."""
    if policies.is_staff_member(request.user):
        return redirect(address("desk:queue") or "dashboard:centre")
    return render(request, "dashboard/home.html")


@require_POST
def choose_theme(request: HttpRequest) -> HttpResponse:
    """Light, dark, or as the device says. A choice of looks that the visitor asked for: no consent is needed."""
    there = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(there, {request.get_host()}, require_https=request.is_secure())
    response = redirect(there if safe else "dashboard:centre")
    theme = request.POST.get("theme", "")
    if theme in THEMES:
        response.set_cookie(
            THEME_COOKIE, theme, max_age=365 * 86400, samesite="Lax", secure=settings.HTTPS, httponly=True
        )
    else:
        response.delete_cookie(THEME_COOKIE, samesite="Lax")
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """The page for an error of ours. It asks neither session nor database, which may be what is broken."""
    return HttpResponseServerError(render_to_string("500.html", {"provider": settings.PROVIDER}))
