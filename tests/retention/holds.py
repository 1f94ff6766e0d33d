"""Legal holds as a test begins with: straight into the table, as if placed a month ago."""

from datetime import UTC, datetime, timedelta
from itertools import count

from apps.retention.models import Hold
from apps.retention.states import HoldReason
from tests.accounts.factories import UserFactory

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
_numbers = count(1)


def hold(*identities, words="The court case about the lost goods", owner=None, **values):
    """A standing hold on these identities and whatever else narrows it."""
    made = Hold(
        reference=f"LH-2026-{next(_numbers):06d}",
        owner=owner or UserFactory(officer=True),
        placed_by="system",
        **{
            "reason": HoldReason.LITIGATION,
            "review_on": (NOW + timedelta(days=90)).date(),
            "placed_at": NOW - timedelta(days=30),
        }
        | values,
    )
    made.seal(words=words, identities=tuple(identities))
    made.save()
    return made
