"""Tokens with which a customer's systems ask for its account."""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import ApiToken, CustomerAccount, User
from apps.accounts.states import TokenScope
from apps.core.errors import DomainError, InvalidInput
from apps.ledger import services as ledger

MARK = "pp_"  # by which scanners of source code know what they found
FORM = re.compile(r"pp_[\w-]{43}", re.ASCII)
SHOWN = 11  # letters of a token that pages show
LIVE_AT_MOST = 20  # of one account; two of one kind are alive while one is replaced
REMEMBERED_FOR = 5.0
"""Seconds for which a process believes what it read of a token: a revoked one opens nothing after that."""
REMEMBERED_AT_MOST = 10_000


@dataclass(frozen=True)
class Access:
    """What a token opens: one account, and what its scopes say."""

    token: UUID
    account: UUID
    scopes: frozenset[str]
    expires_at: datetime


@transaction.atomic
def create_token(
    *, account: CustomerAccount, name: str, scopes: Collection[str], days: int, by: User, now: datetime
) -> tuple[ApiToken, str]:
    """A new token and, this once, its text: 32 random bytes, of which only the digest is kept (T34)."""
    CustomerAccount.objects.select_for_update(of=("self",)).get(pk=account.pk)
    chosen = [scope for scope in TokenScope.values if scope in scopes]
    if not chosen:
        raise InvalidInput("scopes", _("Choose what the token may do."))
    if ApiToken.objects.live(now=now).filter(account=account).count() >= LIVE_AT_MOST:
        raise DomainError("token.too_many", _("The account has as many tokens as it can have. Revoke one first."))
    text = MARK + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        account=account, name=name, prefix=text[:SHOWN], digest=_digest(text), scopes=chosen,
        created_at=now, created_by=by, expires_at=now + timedelta(days=days),
    )  # fmt: skip
    facts = {"token": token.pk, "scopes": chosen, "expires_on": token.expires_at.date()}
    ledger.record(actor=by.key, verb="token.created", target=account, at=now, **facts)
    return token, text


@transaction.atomic
def revoke_token(token: ApiToken, *, actor: str, now: datetime) -> bool:
    """The token opens nothing any more, in this process at once and in others within `REMEMBERED_FOR` seconds. False
    when it was revoked before."""
    if not ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now):
        return False
    _remembered.pop(token.digest, None)
    ledger.record(actor=actor, verb="token.revoked", target=token.account, at=now, token=token.pk)
    return True


def access_of(text: str, *, now: datetime) -> Access | None:
    """What this token opens, or None for whatever opens nothing: unknown, run out, revoked, made by somebody who owns
    the account no longer (T6). Asked before every message, so a few seconds old is good enough."""
    if not FORM.fullmatch(text):
        return None
    digest = _digest(text)
    access, read_at = _remembered.get(digest, (None, 0.0))
    if access is None or not 0 <= time.monotonic() - read_at < REMEMBERED_FOR:
        access = _read(digest, now=now)
    return access if access and access.expires_at > now else None


_remembered: dict[str, tuple[Access, float]] = {}
_lock = threading.Lock()


def _read(digest: str, *, now: datetime) -> Access | None:
    read_at = time.monotonic()
    token = ApiToken.objects.live(now=now).filter(digest=digest).first()
    with _lock:
        _remembered.pop(digest, None)
        if token is None:
            return None
        if len(_remembered) >= REMEMBERED_AT_MOST:
            _remembered.clear()
        access = Access(token.pk, token.account_id, frozenset(token.scopes), token.expires_at)
        _remembered[digest] = (access, read_at)
    if token.last_used_on != now.date():  # the day is enough to find tokens that nobody needs any more
        ApiToken.objects.filter(pk=token.pk).update(last_used_on=now.date())
    return access


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
