"""The clock's verbs: what is forgotten when its time is up."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.core.management import call_command

from apps.accounts import services
from apps.accounts.models import Invitation, Limit, StepUpCode, User
from apps.core import clock


@shared_task
def forget_unconfirmed_sign_ups() -> int:
    """Sign-ups that nobody confirmed within a week. Safe to run twice, late, or beside itself: each row is claimed."""
    now = clock.now()
    stale = User.objects.never_confirmed(before=now - services.CONFIRM_WITHIN)
    return sum(services.forget_unconfirmed(user, now=now) for user in stale[:500])


@shared_task
def forget_spent() -> int:
    """Rows that serve nothing any more: spent codes, expired limits, sessions and invitations. Safe to run twice."""
    now = clock.now()
    call_command("clearsessions")
    gone, _ = StepUpCode.objects.filter(expires_at__lt=now - timedelta(days=1)).delete()
    limits, _ = Limit.objects.filter(expires__lt=now).delete()
    invitations, _ = Invitation.objects.filter(expires_at__lt=now - timedelta(days=30)).delete()
    return gone + limits + invitations
