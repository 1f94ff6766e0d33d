"""A session's id changes whenever what it may do changes (T35)."""

from __future__ import annotations

from allauth.usersessions.models import UserSession
from django.http import HttpRequest

from apps.accounts.models import User


def renew(request: HttpRequest) -> None:
    """The same session under a new id; an id that leaked before is worth nothing."""
    before = request.session.session_key
    request.session.cycle_key()
    UserSession.objects.filter(session_key=before).update(session_key=request.session.session_key)


def end_all(user: User) -> int:
    """End every session of a person."""
    sessions = list(UserSession.objects.filter(user=user))
    for session in sessions:
        session.end()
    return len(sessions)
