"""Customer accounts and the people who act for them."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import CustomerAccount, Invitation, Membership, User
from apps.accounts.states import MemberRole
from apps.core import limits
from apps.core.errors import DomainError, InvalidInput
from apps.core.identities import IdentityType, parse_identity
from apps.ledger import services as ledger
from apps.notifications.services import notify

INVITATION_LASTS = timedelta(days=14)
INVITATIONS_A_DAY = 20  # an account; inviting sends mail to strangers
MESSAGES_AN_HOUR = 3  # to one address, over everybody who can have one sent there (T17)


@transaction.atomic
def open_account(
    *,
    name: str,
    actor: str,
    now: datetime,
    owner: User | None = None,
    platform_account_id: str | None = None,
    activated: bool = True,
) -> CustomerAccount:
    """A company starts. Without `platform_account_id` (the tenant on the platform) a free number is drawn."""
    account = CustomerAccount(
        name=name.strip(),
        platform_account_id=platform_account_id or str(10**11 + secrets.randbelow(9 * 10**11)),
        created_at=now,
        activated_at=now if activated else None,
    )
    account.full_clean()
    account.save()
    ledger.record(
        actor=actor,
        verb="account.opened",
        target=account,
        at=now,
        platform_account_id=f"id:{account.platform_account_id}",
    )
    if owner is not None:
        add_member(account=account, user=owner, role=MemberRole.OWNER, actor=actor, now=now)
    return account


@transaction.atomic
def activate_accounts(user: User, *, now: datetime) -> int:
    """The accounts a person signed up for become active once both contact points are confirmed (ACC-1)."""
    if not (user.email_verified_at and user.phone_verified_at):
        return 0
    waiting = CustomerAccount.objects.filter(
        activated_at=None, memberships__user=user, memberships__role=MemberRole.OWNER
    )
    count = 0
    for account in waiting:
        if CustomerAccount.objects.filter(pk=account.pk, activated_at=None).update(activated_at=now):
            ledger.record(actor=user.key, verb="account.activated", target=account, at=now)
            count += 1
    return count


@transaction.atomic
def add_member(*, account: CustomerAccount, user: User, role: str, actor: str, now: datetime) -> Membership:
    """A person joins an account. Raises `DomainError` when they belong to it already."""
    _lock(account)
    if Membership.objects.filter(account=account, user=user).exists():
        raise DomainError("team.already_member", _("This person belongs to the account already."))
    membership = Membership(account=account, user=user, role=role, since=now)
    membership.full_clean()
    membership.save()
    ledger.record(actor=actor, verb="team.member_added", target=account, at=now, person=user.pk, role=str(role))
    return membership


@transaction.atomic
def change_role(membership: Membership, *, role: str, actor: str, now: datetime) -> Membership:
    """A member gets another role. An account always keeps an owner."""
    membership = _lock_membership(membership)
    if role not in MemberRole.values:
        raise InvalidInput("role", _("Choose a role."))
    if membership.role == role:
        return membership
    if role != MemberRole.OWNER:
        _keep_an_owner(membership)
    membership.role = role
    membership.save(update_fields=["role"])
    ledger.record(
        actor=actor,
        verb="team.role_changed",
        target=membership.account,
        at=now,
        person=membership.user_id,
        role=str(role),
    )
    return membership


@transaction.atomic
def remove_member(membership: Membership, *, actor: str, now: datetime) -> None:
    """A member leaves; from their next request on the account does not exist for them."""
    membership = _lock_membership(membership)
    _keep_an_owner(membership)
    account, person = membership.account, membership.user_id
    membership.delete()
    ledger.record(actor=actor, verb="team.member_removed", target=account, at=now, person=person)


@transaction.atomic
def invite(*, account: CustomerAccount, email: str, role: str, language: str, actor: str, now: datetime) -> Invitation:
    """Ask somebody to join by mail. The answer is the same whether or not anybody is known at that address."""
    address = parse_identity(IdentityType.EMAIL, email, field="email").value
    _lock(account)
    _may_be_invited(account, address, role)
    account.invitations.filter(email=address, accepted_at=None).delete()
    invitation = Invitation.objects.create(
        account=account, email=address, role=role, invited_at=now, expires_at=now + INVITATION_LASTS
    )
    _mail(invitation, language=language, now=now)
    ledger.record(actor=actor, verb="team.invited", target=account, at=now, invitation=invitation.pk, role=str(role))
    return invitation


@transaction.atomic
def withdraw_invitation(invitation: Invitation, *, actor: str, now: datetime) -> None:
    """The owner, or the person invited, no longer wants it."""
    account, pk = invitation.account, invitation.pk
    if Invitation.objects.filter(pk=pk, accepted_at=None).delete()[0]:
        ledger.record(actor=actor, verb="team.invitation_withdrawn", target=account, at=now, invitation=pk)


@transaction.atomic
def accept_invitation(invitation: Invitation, *, user: User, now: datetime) -> Membership:
    """The person who proved to hold the invited address joins. An invitation works once."""
    found = Invitation.objects.open(now=now).addressed_to(user).select_for_update().filter(pk=invitation.pk).first()
    if found is None:
        raise DomainError("team.invitation_gone", _("This invitation can’t be used any more."))
    found.accepted_at = now
    found.save(update_fields=["accepted_at"])
    return add_member(account=found.account, user=user, role=found.role, actor=user.key, now=now)


def _may_be_invited(account: CustomerAccount, address: str, role: str) -> None:
    if role not in MemberRole.values:
        raise InvalidInput("role", _("Choose a role."))
    if account.memberships.filter(user__email=address).exists():
        raise InvalidInput("email", _("This person belongs to the account already."))
    by_account = limits.take(f"invitations:{account.pk}", slots=INVITATIONS_A_DAY, seconds=86400)
    if not by_account or not limits.take(f"mail:{address}", slots=MESSAGES_AN_HOUR, seconds=3600):
        raise DomainError("team.too_many_invitations", _("Too many invitations. Try again later."))


def _mail(invitation: Invitation, *, language: str, now: datetime) -> None:
    # T17: the mail holds nothing that the inviting person typed, so it can't carry a message of theirs.
    notify(
        key=f"team.invited:{invitation.pk}",
        to=invitation.email,
        template="accounts/invited",
        language=language,
        context={"until": invitation.expires_at.date().isoformat()},
        now=now,
        about=f"accounts.invitation:{invitation.pk}",
    )


def _lock(account: CustomerAccount) -> None:
    CustomerAccount.objects.select_for_update(of=("self",)).get(pk=account.pk)


def _lock_membership(membership: Membership) -> Membership:
    _lock(membership.account)
    found = Membership.objects.select_related("account").filter(pk=membership.pk).first()
    if found is None:
        raise DomainError("team.not_member", _("This person no longer belongs to the account."))
    return found


def _keep_an_owner(membership: Membership) -> None:
    others = membership.account.memberships.owners().exclude(pk=membership.pk)
    if membership.role == MemberRole.OWNER and not others.exists():
        raise DomainError("team.last_owner", _("An account needs an owner. Make somebody else owner first."))
