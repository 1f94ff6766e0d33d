"""What allauth announces about people, and what we do about it."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from allauth.account.signals import email_confirmed, password_changed, password_reset
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_reset
from django.dispatch import receiver
from django.http import HttpRequest

from apps.accounts import services, sessions
from apps.accounts.models import User
from apps.core import clock
from apps.ledger import services as ledger


@receiver(email_confirmed)
def on_email_confirmed(email_address: EmailAddress, **kwargs: Any) -> None:
    services.confirm_email(User.objects.get(pk=email_address.user_id), now=clock.now())


@receiver([password_changed, password_reset])
def on_password_changed(user: User, **kwargs: Any) -> None:
    ledger.record(actor=user.key, verb="account.password_changed", target=user, at=clock.now())


@receiver(authenticator_added)
def on_factor_added(request: HttpRequest, user: User, authenticator: Authenticator, **kwargs: Any) -> None:
    _record(user, "account.factor_added", authenticator)
    sessions.renew(request)


@receiver(authenticator_removed)
def on_factor_removed(request: HttpRequest, user: User, authenticator: Authenticator, **kwargs: Any) -> None:
    _record(user, "account.factor_removed", authenticator)
    sessions.renew(request)


@receiver(authenticator_reset)
def on_recovery_codes_replaced(user: User, authenticator: Authenticator, **kwargs: Any) -> None:
    _record(user, "account.recovery_codes_replaced", authenticator)


def _record(user: User, verb: str, authenticator: Authenticator) -> None:
    ledger.record(actor=user.key, verb=verb, target=user, at=clock.now(), kind=str(authenticator.type))
