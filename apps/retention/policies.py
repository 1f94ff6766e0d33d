"""Who may do what with rules, sweeps, holds and departures. Visible or not (404) is `visible_to` of each model."""

from typing import Any

from apps.accounts.policies import Role, has_role, is_staff_member

# --- legal holds -------------------------------------------------------------------------------------


def can_see_holds(user: Any) -> bool:
    """Officers, and the data protection officer who reads along. For everybody else there is no such thing: not even
    that a hold stands may be known (T63)."""
    return has_role(user, Role.OFFICER, Role.DPO)


def can_place_hold(user: Any) -> bool:
    """Placing, reviewing and lifting is officers' work (T5)."""
    return has_role(user, Role.OFFICER)


# --- sweeps ------------------------------------------------------------------------------------------


def can_see_sweeps(user: Any) -> bool:
    """Staff: counts, codes, and keys of rows."""
    return is_staff_member(user)


def can_approve_sweep(user: Any) -> bool:
    """A plan above the cap, or made while the clock was in doubt, is let go by an officer (T5)."""
    return has_role(user, Role.OFFICER)
