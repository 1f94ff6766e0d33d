"""Who may read the pages that stand across apps."""

from typing import Any

from apps.accounts.policies import has_role
from apps.accounts.states import Role


def can_read_evidence(user: Any) -> bool:
    """Auditors, and the data protection officer, who reads everything (GDPR 39(1)(b)). It holds no personal data."""
    return has_role(user, Role.AUDITOR, Role.DPO)


def can_read_outbox(user: Any) -> bool:
    """What went out and what did not; addresses and contents stay sealed."""
    return has_role(user, Role.AUDITOR, Role.DPO, Role.ADMIN)
