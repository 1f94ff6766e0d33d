"""Who decides what about consent."""

from django.contrib.auth.models import AnonymousUser

from apps.accounts.models import CustomerAccount, User
from apps.accounts.policies import MemberRole, Role, has_role, is_staff_member, memberships_of


def can_decide_finance(user: User | AnonymousUser, account: CustomerAccount) -> bool:
    """Owners decide how their account pays."""
    return memberships_of(user).filter(account=account, role=MemberRole.OWNER).exists()


def can_see_rates(user: User | AnonymousUser) -> bool:
    """Rates name nobody: the auditor reads them too."""
    return has_role(user, Role.OFFICER, Role.DPO, Role.AUDITOR)


def can_search_subjects(user: User | AnonymousUser) -> bool:
    """What one person said is personal data: for officers, and the data protection officer who reads along."""
    return has_role(user, Role.OFFICER, Role.DPO)


def can_export_history(user: User | AnonymousUser) -> bool:
    """Taking one person's history away is an officer's work."""
    return has_role(user, Role.OFFICER)


def can_see_purposes(user: User | AnonymousUser) -> bool:
    """Staff read the register of purposes."""
    return is_staff_member(user)


def can_edit_purposes(user: User | AnonymousUser) -> bool:
    """Administrators only: what people are asked, and in which words, is no officer's to change (T5)."""
    return has_role(user, Role.ADMIN)
