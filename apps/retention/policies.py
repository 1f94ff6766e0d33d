"""Who may do what with rules, sweeps, holds and departures. Visible or not (404) is `visible_to` of each model."""

from typing import Any

from apps.accounts.models import CustomerAccount
from apps.accounts.policies import MemberRole, Role, has_role, is_staff_member, memberships_of
from apps.retention.models import Departure, RuleChange, Sweep
from apps.retention.states import DEPARTURE_TRANSITIONS, DepartureStatus, SweepStatus

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


def can_cancel_sweep(user: Any, sweep: Sweep) -> bool:
    """Officers stop one that is at work."""
    return can_approve_sweep(user) and sweep.status in (SweepStatus.RUNNING, SweepStatus.INCOMPLETE)


# --- rules -------------------------------------------------------------------------------------------


def can_see_rules(user: Any) -> bool:
    """Staff read the register of rules, its history and what is proposed; the public reads the page of periods."""
    return is_staff_member(user)


def can_edit_rules(user: Any) -> bool:
    """Administrators propose changes: an officer can't shorten or lengthen what data an officer works with (T5)."""
    return has_role(user, Role.ADMIN)


def can_decide_change(user: Any, change: RuleChange) -> bool:
    """Approving and declining is another administrator's, never the one's who proposed it (T52)."""
    return can_edit_rules(user) and change.proposed_by != user.key


def can_withdraw_change(user: Any, change: RuleChange) -> bool:
    """Whoever proposed it takes it back."""
    return can_edit_rules(user) and change.proposed_by == user.key


# --- customers: their periods, and leaving ------------------------------------------------------------


def can_decide_for(user: Any, account: CustomerAccount) -> bool:
    """Its owners decide how long the account's data is kept, and that it leaves."""
    return memberships_of(user).filter(account=account, role=MemberRole.OWNER).exists()


def can_withdraw(departure: Departure) -> bool:
    """Until erasing begins."""
    return DepartureStatus.WITHDRAWN in DEPARTURE_TRANSITIONS[DepartureStatus(departure.status)]


def can_see_departures(user: Any) -> bool:
    """Officers, the data protection officer and administrators."""
    return has_role(user, Role.OFFICER, Role.DPO, Role.ADMIN)


def can_announce(user: Any) -> bool:
    """On a customer's written request (T5: officers' work)."""
    return has_role(user, Role.OFFICER)
