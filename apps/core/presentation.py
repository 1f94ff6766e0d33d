"""What pages show of a date: how many days are left, in a shape that `components/deadline.html` renders."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

SOON_DAYS = 7


@dataclass(frozen=True)
class Countdown:
    """A due date as a page shows it: never by colour alone, always with the days in words."""

    on: date
    days_left: int
    share: int  # percent of the time that is spent, for the ring
    is_done: bool = False
    explanation: Sequence[str] = field(default_factory=tuple)

    @property
    def days_late(self) -> int:
        return max(0, -self.days_left)

    @property
    def tone(self) -> str:
        if self.is_done:
            return "done"
        if self.days_late:
            return "late"
        return "soon" if self.days_left <= SOON_DAYS else "calm"

    @property
    def in_words(self) -> str:
        """The days left as a person says them."""
        if self.is_done:
            return _("closed")
        if self.days_late:
            return ngettext("%(days)s day late", "%(days)s days late", self.days_late) % {"days": self.days_late}
        if self.days_left == 0:
            return _("due today")
        return ngettext("%(days)s day left", "%(days)s days left", self.days_left) % {"days": self.days_left}

    @property
    def figure(self) -> str:
        return "✓" if self.is_done else str(abs(self.days_left))


def countdown(
    *, due_on: date, received_on: date, today: date, explanation: Sequence[str] = (), is_done: bool = False
) -> Countdown:
    """The time from `received_on` to `due_on`, seen on `today`."""
    whole = max(1, (due_on - received_on).days)
    spent = min(whole, max(0, (today - received_on).days))
    share = 100 if is_done else round(100 * spent / whole)
    return Countdown(due_on, (due_on - today).days, share, is_done, tuple(explanation))
