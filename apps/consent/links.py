"""Links in mails that stand in for signing in: what they hold is signed, and no address in them can be read.

An address travels sealed (AES-GCM), a subject as its keyed hash. Changed, or too old, a link opens nothing.
"""

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core import signing

from apps.core import crypto
from apps.core.errors import DomainError
from apps.core.identities import Identity, IdentityType

CONFIRM_WITHIN = timedelta(hours=48)
PREFERENCES_LAST = timedelta(days=180)  # the link that ends a subscription never runs out
CONFIRM, UNSUBSCRIBE, PREFERENCES = "consent.newsletter", "consent.unsubscribe", "consent.preferences"


@dataclass(frozen=True)
class Asked:
    """Who asked for the newsletter, with which words, when."""

    identity: Identity
    text: str
    at: datetime


class Spent(DomainError):
    """A link that was changed, or is too old."""

    def __init__(self) -> None:
        super().__init__("spent", "This link does not open anything any more.")


def confirm_token(identity: Identity, *, text: str, now: datetime) -> str:
    return _sign({"a": _seal(identity, CONFIRM), "t": text, "at": int(now.timestamp())}, CONFIRM)


def read_confirm_token(token: str, *, now: datetime) -> Asked:
    """Raises `Spent`."""
    found, at = _dated(token, CONFIRM, CONFIRM_WITHIN, now=now)
    return Asked(_unseal(found["a"], CONFIRM), found["t"], at)


def unsubscribe_token(purpose: str, subject_key: str) -> str:
    return _sign([purpose, subject_key], UNSUBSCRIBE)


def read_unsubscribe_token(token: str) -> tuple[str, str]:
    """Purpose and subject key. Raises `Spent`."""
    purpose, subject_key = _read(token, UNSUBSCRIBE)
    return purpose, subject_key


def preferences_token(identity: Identity, *, now: datetime) -> str:
    return _sign({"a": _seal(identity, PREFERENCES), "at": int(now.timestamp())}, PREFERENCES)


def read_preferences_token(token: str, *, now: datetime) -> Identity:
    """Raises `Spent`."""
    found, _at = _dated(token, PREFERENCES, PREFERENCES_LAST, now=now)
    return _unseal(found["a"], PREFERENCES)


def _sign(content: Any, salt: str) -> str:
    return signing.Signer(salt=salt).sign_object(content)


def _read(token: str, salt: str) -> Any:
    try:
        return signing.Signer(salt=salt).unsign_object(token)
    except (signing.BadSignature, ValueError, binascii.Error) as error:
        raise Spent from error


def _dated(token: str, salt: str, lasts: timedelta, *, now: datetime) -> tuple[dict[str, str], datetime]:
    found = _read(token, salt)
    at = datetime.fromtimestamp(int(found["at"]), UTC)
    if not at <= now < at + lasts:
        raise Spent
    return found, at


def _seal(identity: Identity, salt: str) -> str:
    return base64.urlsafe_b64encode(crypto.seal(identity.value, bound_to=salt)).decode()


def _unseal(sealed: str, salt: str) -> Identity:
    try:
        address = crypto.unseal(base64.urlsafe_b64decode(sealed), bound_to=salt)
    except crypto.Unreadable as error:
        raise Spent from error
    return Identity(IdentityType.EMAIL, address)
