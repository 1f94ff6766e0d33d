"""A feed of due dates for the calendar of somebody at the desk: made, replaced, revoked, opened by its token alone."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.core.errors import DomainError
from apps.ledger.services import record
from apps.subject_requests import policies
from apps.subject_requests.models import CalendarFeed

NOTED_EVERY = timedelta(hours=1)  # calendars ask every few minutes; when it was used is wanted, not how often


@transaction.atomic
def make_calendar_feed(*, by: User, now: datetime) -> str:
    """The token of a new feed, 256 bits, seen here and never again: only its hash is stored. The feed that the person
    had ends. Raises `DomainError` for whoever has no desk."""
    if not policies.can_have_calendar_feed(by):
        raise DomainError("not_allowed", _("Only people who work at the desk can have this feed."))
    _revoke(by, now=now)
    token = secrets.token_urlsafe(32)
    feed = CalendarFeed.objects.create(user=by, token_hash=_hash(token), created_at=now)
    record(actor=by.key, verb="calendar_feed.made", target=feed, at=now)
    return token


@transaction.atomic
def revoke_calendar_feed(*, by: User, now: datetime) -> bool:
    """End the person's feed at once; False when there is none."""
    return _revoke(by, now=now)


def _revoke(user: User, *, now: datetime) -> bool:
    User.objects.select_for_update(of=("self",)).get(
        pk=user.pk
    )  # two tabs: the second waits, and ends what the first made
    feed = CalendarFeed.objects.of(user).live().first()
    if feed is None:
        return False
    feed.revoked_at = now
    feed.save(update_fields=["revoked_at"])
    record(actor=user.key, verb="calendar_feed.revoked", target=feed, at=now)
    return True


def open_calendar_feed(token: str, *, now: datetime) -> User | None:
    """Whose feed it is; None, without a reason, for an unknown or revoked token and for whoever may not enter the desk
    any more (T6). Roles are read anew each time."""
    feed = CalendarFeed.objects.live().filter(token_hash=_hash(token)).select_related("user").first()
    if feed is None or not policies.can_have_calendar_feed(feed.user):
        return None
    CalendarFeed.objects.filter(pk=feed.pk).unused_since(now - NOTED_EVERY).update(last_used_at=now)
    return feed.user


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
