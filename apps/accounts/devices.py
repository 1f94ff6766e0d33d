"""Browsers a person signed in from before.

They skip nothing: a known browser only gets a counter of its own for wrong passwords, so that whoever guesses from
elsewhere uses up the guesses of the unknown browsers and can't lock the person out (T38).
"""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare

from apps.accounts.models import User

SALT = "accounts.known-device"
LASTS = timedelta(days=180)


def cookie_name() -> str:
    """`__Host-` binds the cookie to this very host; browsers take it over HTTPS only."""
    return "__Host-device" if settings.SESSION_COOKIE_SECURE else "device"


def remember(response: HttpResponse, user: User) -> None:
    """Mark this browser as one the person signed in from. A change of password forgets all of them (T35)."""
    mark = {"user": str(user.pk), "device": secrets.token_urlsafe(12), "password": _password_mark(user)}
    response.set_cookie(
        cookie_name(),
        signing.dumps(mark, salt=SALT),
        max_age=LASTS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def known_device(request: HttpRequest, email: str) -> str:
    """The mark of this browser if the person with this address signed in from it before, else an empty string."""
    try:
        mark = signing.loads(request.COOKIES.get(cookie_name(), ""), salt=SALT, max_age=LASTS)
        user = User.objects.active().filter(email=email.lower(), pk=mark["user"]).first()
    except (signing.BadSignature, KeyError, ValueError):
        return ""
    if user is None or not constant_time_compare(mark.get("password", ""), _password_mark(user)):
        return ""
    return str(mark.get("device", ""))


def _password_mark(user: User) -> str:
    return user.get_session_auth_hash()[:16]
