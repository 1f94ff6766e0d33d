"""Staff roles."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import StaffRole, User
from apps.accounts.states import Role
from apps.core.errors import DomainError, InvalidInput
from apps.ledger import services as ledger


@transaction.atomic
def grant_role(*, user: User, role: str, actor: str, now: datetime) -> StaffRole:
    """Give a staff role. Without a second factor its holder reaches nothing but the page that sets one up."""
    if role not in Role.values:
        raise InvalidInput("role", _("Choose a role."))
    _not_own(user, actor)
    held, created = StaffRole.objects.get_or_create(user=user, role=role, defaults={"granted_at": now})
    if created:
        ledger.record(actor=actor, verb="staff.role_granted", target=user, at=now, person=user.pk, role=str(role))
    user.__dict__.pop("roles", None)
    return held


@transaction.atomic
def revoke_role(*, user: User, role: str, actor: str, now: datetime) -> bool:
    """Take a staff role; False when the person does not hold it. The last administrator stays."""
    _not_own(user, actor)
    # One lock for all administrators, so that two of them can't remove each other at the same instant.
    admins = list(StaffRole.objects.select_for_update(of=("self",)).filter(role=Role.ADMIN, user__is_active=True))
    if role == Role.ADMIN and not any(row.user_id != user.pk for row in admins):
        raise DomainError(
            "staff.last_admin", _("The portal needs an administrator. Give the role to somebody else first.")
        )
    deleted, _rows = StaffRole.objects.filter(user=user, role=role).delete()
    if deleted:
        ledger.record(actor=actor, verb="staff.role_revoked", target=user, at=now, person=user.pk, role=str(role))
    user.__dict__.pop("roles", None)
    return bool(deleted)


def _not_own(user: User, actor: str) -> None:
    if actor == user.key:
        raise DomainError("staff.own_role", _("Ask another administrator: nobody changes their own roles."))
