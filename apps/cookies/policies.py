"""Who may read and write the cookie register. What is published of it is for everybody."""

from django.contrib.auth.models import AnonymousUser

from apps.accounts.models import User
from apps.accounts.policies import has_role, is_staff_member
from apps.accounts.states import Role


def can_see_register(user: User | AnonymousUser) -> bool:
    """Staff read drafts and the history."""
    return is_staff_member(user)


def can_edit_register(user: User | AnonymousUser) -> bool:
    """Administrators only (T5)."""
    return has_role(user, Role.ADMIN)
