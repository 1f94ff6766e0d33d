"""How pages of retention write an amount: one way for numbers, differences, shares and sizes."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.core import charts

LETTERS = ((10**9, "GB"), (10**6, "MB"), (10**3, "kB"), (1, "B"))  # of 1,000: as storage is sold and drawn

number = charts.number


def signed(change: int) -> str:
    """A difference with its sign: "+30", "−30", "0"."""
    sign = "+" if change > 0 else "−" if change < 0 else ""
    return f"{sign}{number(abs(change))}"


def records(count: int) -> str:
    return ngettext("%(count)s record", "%(count)s records", count) % {"count": number(count)}


def share(part: float, whole: float) -> str:
    """A part in percent: "25%"; a dash where there is nothing to be part of."""
    return _("%(share)s%%") % {"share": number(round(100 * part / whole, 1))} if whole else "–"


def size(taken: float) -> str:
    """A size as people read it: "2.4 MB"."""
    divisor, letters = next((each for each in LETTERS if taken >= each[0]), LETTERS[-1])
    return f"{number(round(taken / divisor, 1))} {letters}"
