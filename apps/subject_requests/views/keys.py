"""The keys of the desk: what they do, and the switch that turns them off (WCAG 2.1.4)."""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from apps.core.http import safe_next
from apps.subject_requests import policies

KEYS_COOKIE = "desk_keys"


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def keys(request: HttpRequest) -> HttpResponse:
    """A choice that the person made for this browser, kept in a cookie that does nothing else."""
    if not policies.can_see_desk(request.user):
        raise PermissionDenied
    if request.method != "POST":
        return render(request, "subject_requests/desk/keys_page.html")
    response = redirect(safe_next(request, default=reverse("desk:queue")))
    if request.POST.get("keys") == "off":
        year, secure = 365 * 86400, settings.HTTPS
        response.set_cookie(KEYS_COOKIE, "off", max_age=year, samesite="Lax", secure=secure, httponly=True)
    else:
        response.delete_cookie(KEYS_COOKIE, samesite="Lax")
    return response
