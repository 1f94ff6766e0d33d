"""A session's id changes whenever what it may do changes (T35)."""

from __future__ import annotations

from datetime import datetime

from allauth.usersessions.models import UserSession
from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from apps.accounts.models import User


def renew(request: HttpRequest) -> None:
    """The same session under a new id; an id that leaked before is worth nothing."""
    before = request.session.session_key
    request.session.cycle_key()
    UserSession.objects.filter(session_key=before).update(session_key=request.session.session_key)


def open_sessions(user: User, *, now: datetime) -> QuerySet[UserSession]:
    """Where the person is signed in. A session that ran out or that a new password ended is none of them."""
    own = UserSession.objects.filter(user=user)
    stored = Session.objects.filter(session_key__in=own.values("session_key"), expire_date__gt=now)
    proof = user.get_session_auth_hash()
    keys = [row.pk for row in stored if constant_time_compare(row.get_decoded().get(HASH_SESSION_KEY, ""), proof)]
    return own.filter(session_key__in=keys)


def end_others(request: HttpRequest) -> int:
    """End every session of the person but this one."""
    others = list(UserSession.objects.filter(user=request.user).exclude(session_key=request.session.session_key))
    for session in others:
        session.end()
    return len(others)


def end_all(user: User) -> int:
    """End every session of a person."""
    sessions = list(UserSession.objects.filter(user=user))
    for session in sessions:
        session.end()
    return len(sessions)
