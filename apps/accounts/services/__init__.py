"""Verbs that write people, accounts and roles."""

from apps.accounts.services.actors import name_actors
from apps.accounts.services.people import (
    CONFIRM_WITHIN,
    change_details,
    change_language,
    confirm_email,
    confirm_phone,
    create_user,
    disable_user,
    enable_user,
    forget_unconfirmed,
    sign_up,
)
from apps.accounts.services.staff import grant_role, revoke_role
from apps.accounts.services.step_up import is_code_awaited, send_code, spend_code
from apps.accounts.services.teams import (
    accept_invitation,
    activate_accounts,
    add_member,
    change_role,
    invite,
    open_account,
    remove_member,
    withdraw_invitation,
)
from apps.accounts.services.tokens import Access, access_of, create_token, revoke_token

__all__ = [
    "CONFIRM_WITHIN",
    "Access",
    "accept_invitation",
    "access_of",
    "activate_accounts",
    "add_member",
    "change_details",
    "change_language",
    "change_role",
    "confirm_email",
    "confirm_phone",
    "create_token",
    "create_user",
    "disable_user",
    "enable_user",
    "forget_unconfirmed",
    "grant_role",
    "invite",
    "is_code_awaited",
    "name_actors",
    "open_account",
    "remove_member",
    "revoke_role",
    "revoke_token",
    "send_code",
    "sign_up",
    "spend_code",
    "withdraw_invitation",
]
