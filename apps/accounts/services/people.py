"""People: registering, confirming their contact points, changing their own details, ending access."""

from __future__ import annotations

from datetime import datetime, timedelta

from allauth.account.models import EmailAddress
from django.db import transaction

from apps.accounts import sessions
from apps.accounts.models import CustomerAccount, User
from apps.accounts.services.teams import open_account
from apps.core.identities import IdentityType, parse_identity
from apps.ledger import services as ledger

CONFIRM_WITHIN = timedelta(days=7)  # a sign-up nobody confirms is erased after this


@transaction.atomic
def create_user(
    *,
    email: str,
    full_name: str,
    actor: str,
    now: datetime,
    password: str | None = None,
    phone_number: str = "",
    language: str = "en",
    confirmed: bool = True,
    verb: str = "account.person_created",
) -> User:
    """Register a person. `confirmed`: their contact points are known to be theirs. Without password they must set one.

    Raises `InvalidInput` (email, phone_number) and `ValidationError` for anything the model refuses.
    """
    user = User(
        email=parse_identity(IdentityType.EMAIL, email, field="email").value,
        full_name=full_name.strip(),
        phone_number=_phone(phone_number),
        language=language,
        email_verified_at=now if confirmed else None,
        phone_verified_at=now if confirmed and phone_number else None,
        created_at=now,
    )
    user.set_password(password)
    user.full_clean(exclude=["password"])
    user.save()
    if confirmed:  # else allauth notes the address when it asks for its confirmation
        EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
    ledger.record(actor=user.key if actor == "self" else actor, verb=verb, target=user, at=now)
    return user


@transaction.atomic
def sign_up(
    *, email: str, full_name: str, phone_number: str, password: str, company: str, language: str, now: datetime
) -> User:
    """A person signs up, on behalf of a company unless they come to join an existing account (`company` empty).

    Nothing of it is active before both contact points are confirmed (ACC-1).
    """
    user = create_user(
        email=email,
        full_name=full_name,
        phone_number=phone_number,
        password=password,
        language=language,
        confirmed=False,
        actor="self",
        verb="account.signed_up",
        now=now,
    )
    if company:
        open_account(name=company, owner=user, actor=user.key, now=now, activated=False)
    return user


@transaction.atomic
def confirm_email(user: User, *, now: datetime) -> None:
    """The person proved to hold the address that now stands on their row."""
    user.email_verified_at = now
    user.save(update_fields=["email_verified_at"])
    ledger.record(actor=user.key, verb="account.email_confirmed", target=user, at=now)


@transaction.atomic
def confirm_phone(user: User, *, phone_number: str, now: datetime) -> None:
    """The person proved to hold this number; it replaces the one before."""
    user.phone_number, user.phone_verified_at = _phone(phone_number), now
    user.save(update_fields=["phone_number", "phone_verified_at"])
    ledger.record(actor=user.key, verb="account.phone_confirmed", target=user, at=now)


@transaction.atomic
def change_details(user: User, *, full_name: str, language: str, actor: str, now: datetime) -> User:
    """A person corrects their own name or language (ACC-5)."""
    new = {"full_name": full_name.strip(), "language": language}
    changed = [field for field, value in new.items() if getattr(user, field) != value]
    if not changed:
        return user
    for field in changed:
        setattr(user, field, new[field])
    user.full_clean(exclude=["password"])
    user.save(update_fields=changed)
    ledger.record(actor=actor, verb="account.details_changed", target=user, at=now, fields=changed)
    return user


def change_language(user: User, *, language: str, actor: str, now: datetime) -> User:
    """The language switch, remembered."""
    return change_details(user, full_name=user.full_name, language=language, actor=actor, now=now)


@transaction.atomic
def disable_user(user: User, *, actor: str, now: datetime) -> User:
    """End a person's access: from their next request on they are nobody, whatever session they hold (T6)."""
    if User.objects.filter(pk=user.pk, is_active=True).update(is_active=False):
        sessions.end_all(user)  # else they would come back to life if access is given back
        ledger.record(actor=actor, verb="account.person_disabled", target=user, at=now)
    user.refresh_from_db()
    user.__dict__.pop("roles", None)
    return user


@transaction.atomic
def enable_user(user: User, *, actor: str, now: datetime) -> User:
    """Give access back."""
    if User.objects.filter(pk=user.pk, is_active=False).update(is_active=True):
        ledger.record(actor=actor, verb="account.person_enabled", target=user, at=now)
    user.refresh_from_db()
    user.__dict__.pop("roles", None)
    return user


@transaction.atomic
def forget_unconfirmed(user: User, *, now: datetime) -> bool:
    """Erase a sign-up whose address nobody confirmed in time, with the account it would have opened."""
    stale = User.objects.never_confirmed(before=now - CONFIRM_WITHIN).select_for_update(skip_locked=True)
    found = stale.filter(pk=user.pk).first()
    if found is None:
        return False
    CustomerAccount.objects.filter(activated_at=None, memberships__user=found).delete()
    ledger.record(actor="system", verb="account.unconfirmed_forgotten", target=found, at=now)
    found.delete()
    return True


def _phone(raw: str) -> str:
    return parse_identity(IdentityType.PHONE_NUMBER, raw, field="phone_number").value if raw else ""
