"""The code that stands in for a second factor where a customer has none (domain.md "Who")."""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from apps.accounts import policies
from apps.accounts.models import StepUpCode, User
from apps.accounts.states import Channel
from apps.core.crypto import pseudonym
from apps.core.errors import DomainError
from apps.ledger import services as ledger
from apps.notifications.services import notify

DIGITS = 6
TRIES = 3
LASTS = timedelta(minutes=10)
SENT_AN_HOUR = 3  # to one person, over all sessions (T17)


@transaction.atomic
def send_code(user: User, *, session_key: str, purpose: str, channel: str, language: str, now: datetime) -> StepUpCode:
    """Send a code to a confirmed contact point; the codes this session asked for before stop working.

    Raises `DomainError` when the person has a second factor, the contact point is not confirmed, or too many were sent.
    """
    to = _contact_point(user, channel)
    _count(user, now=now)
    session = _session_digest(session_key)
    spent = F("sent_at") + timedelta(microseconds=1)
    StepUpCode.objects.filter(user=user, session=session, used_at=None).update(expires_at=spent)
    code = StepUpCode(user=user, session=session, purpose=purpose[:100], channel=channel)
    code.sent_at, code.expires_at = now, now + LASTS
    plain = f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"
    code.digest = _digest(code, plain)
    code.save()
    _message(code, to=to, plain=plain, language=language, now=now)
    ledger.record(actor=user.key, verb="account.step_up_sent", target=user, at=now, channel=str(channel))
    return code


def _count(user: User, *, now: datetime) -> None:
    User.objects.select_for_update().get(pk=user.pk)  # two requests at once must not both be the third
    if StepUpCode.objects.filter(user=user).sent_since(now - timedelta(hours=1)).count() >= SENT_AN_HOUR:
        raise DomainError("step_up.too_many", _("We sent several codes already. Try again in an hour."))


def _message(code: StepUpCode, *, to: str, plain: str, language: str, now: datetime) -> None:
    notify(
        key=f"account.step_up:{code.pk}",
        to=to,
        template="accounts/step_up_code",
        language=language,
        context={"code": plain},
        now=now,
        channel=code.channel,
        about=f"accounts.user:{code.user_id}",
    )


def spend_code(user: User, *, session_key: str, purpose: str, typed: str, now: datetime) -> bool:
    """Whether `typed` is the code last sent to this session for this purpose. Each call uses up one of three tries."""
    if policies.has_factor(user):
        return False
    with transaction.atomic():
        code = (
            StepUpCode.objects.usable(now=now, tries=TRIES)
            .filter(user=user, session=_session_digest(session_key), purpose=purpose[:100])
            .select_for_update()
            .order_by("-sent_at")
            .first()
        )
        if code is None:
            return False
        code.tries += 1
        passed = hmac.compare_digest(code.digest, _digest(code, "".join(typed.split())))
        code.used_at = now if passed else None
        code.save(update_fields=["tries", "used_at"])
        verb = "account.step_up_passed" if passed else "account.step_up_failed"
        ledger.record(actor=user.key, verb=verb, target=user, at=now, channel=code.channel)
    return passed


def is_code_awaited(user: User, *, session_key: str, purpose: str, now: datetime) -> bool:
    """Whether this session was sent a code for this purpose that still can be entered."""
    usable = StepUpCode.objects.usable(now=now, tries=TRIES)
    return usable.filter(user=user, session=_session_digest(session_key), purpose=purpose[:100]).exists()


def _contact_point(user: User, channel: str) -> str:
    if policies.has_factor(user):
        raise DomainError("step_up.has_factor", _("Use your second factor."))
    if channel == Channel.SMS and user.phone_verified_at:
        return user.phone_number
    if channel == Channel.EMAIL and user.email_verified_at:
        return user.email
    raise DomainError("step_up.no_contact_point", _("Choose where we send the code."))


def _session_digest(session_key: str) -> str:
    return pseudonym(session_key, purpose="session")


def _digest(code: StepUpCode, plain: str) -> str:
    return pseudonym(f"{code.pk}:{plain}", purpose="step-up code")
