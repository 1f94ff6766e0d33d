"""Who may do what with people and accounts. Roles are read from the database on every request (T6)."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet

from apps.accounts.models import CustomerAccount, Membership, User
from apps.accounts.states import MemberRole, Role

__all__ = ["MemberRole", "Role"]

FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)  # recovery codes only stand in for one of these
SPEAKS_FOR_ACCOUNT = (MemberRole.PRIVACY, MemberRole.OWNER)


def has_role(user: User | AnonymousUser, *roles: Role) -> bool:
    """Whether the person holds one of these staff roles and may sign in."""
    return user.is_authenticated and not user.roles.isdisjoint(roles)


def is_staff_member(user: User | AnonymousUser) -> bool:
    """Whether the person works for the provider, in whatever role."""
    return user.is_authenticated and bool(user.roles)


def has_factor(user: User | AnonymousUser) -> bool:
    """Whether the person enrolled a second factor."""
    return user.is_authenticated and Authenticator.objects.filter(user_id=user.pk, type__in=FACTORS).exists()


def has_security_key(user: User) -> bool:
    """Whether the person can prove themselves with a security key."""
    return Authenticator.objects.filter(user_id=user.pk, type=Authenticator.Type.WEBAUTHN).exists()


def memberships_of(user: User | AnonymousUser) -> QuerySet[Membership]:
    """The person's memberships of accounts in use, with the accounts, the account's name deciding the order."""
    if not user.is_authenticated or not user.is_active:
        return Membership.objects.none()
    return (
        Membership.objects.filter(user=user)
        .exclude(account__activated_at=None)
        .select_related("account")
        .order_by("account__name", "account_id")
    )


def can_file_for_end_users(user: User | AnonymousUser, account: CustomerAccount) -> bool:
    """Whether the person speaks for the account towards its end users' data (roles privacy and owner)."""
    return memberships_of(user).filter(account=account, role__in=SPEAKS_FOR_ACCOUNT).exists()


def can_manage_team(user: User | AnonymousUser, account: CustomerAccount) -> bool:
    """Owners decide who belongs to their account."""
    return memberships_of(user).filter(account=account, role=MemberRole.OWNER).exists()


def can_manage_tokens(user: User | AnonymousUser, account: CustomerAccount) -> bool:
    """Owners decide which systems ask for their account."""
    return can_manage_team(user, account)


def can_see_people(user: User | AnonymousUser) -> bool:
    """Administrators manage the staff; the data protection officer reads along."""
    return has_role(user, Role.ADMIN, Role.DPO)


def can_manage_people(user: User | AnonymousUser) -> bool:
    """Roles are given and taken by administrators (T5)."""
    return has_role(user, Role.ADMIN)


def can_change_roles_of(user: User | AnonymousUser, person: User) -> bool:
    """Nobody gives or takes their own roles: an administrator can't become an officer alone."""
    return can_manage_people(user) and person.pk != user.pk
