"""Lifetimes as ISO 8601 durations: read, compared, and told in words."""

import re
from datetime import timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

PATTERN = r"^P(?=\d|T\d)(\d{1,3}Y)?(\d{1,3}M)?(\d{1,4}W)?(\d{1,4}D)?(T(?=\d)(\d{1,4}H)?(\d{1,4}M)?(\d{1,5}S)?)?$"
"""Years, months, weeks, days, hours, minutes, seconds; at least one of them."""
SECONDS = (365 * 86400, 30 * 86400, 7 * 86400, 86400, 3600, 60, 1)


def parts(lifetime: str) -> tuple[int, ...]:
    """Years to seconds. Raises `ValueError` for what is no duration."""
    found = re.fullmatch(PATTERN, lifetime)
    if found is None:
        raise ValueError(f"not an ISO 8601 duration: {lifetime!r}")
    years, months, weeks, days, _time, hours, minutes, seconds = found.groups()
    return tuple(int(each[:-1]) if each else 0 for each in (years, months, weeks, days, hours, minutes, seconds))


def length(lifetime: str) -> timedelta:
    """About how long that is: a month counts 30 days and a year 365, which is enough to say which one is longer."""
    return timedelta(seconds=sum(count * each for count, each in zip(parts(lifetime), SECONDS, strict=True)))


def in_words(lifetime: str, language: str) -> str:
    """ "6 months", "1 hour 30 minutes", in that language."""
    with override(language):
        years, months, weeks, days, hours, minutes, seconds = parts(lifetime)
        told = (
            (years, ngettext("%(n)d year", "%(n)d years", years)),
            (months, ngettext("%(n)d month", "%(n)d months", months)),
            (weeks, ngettext("%(n)d week", "%(n)d weeks", weeks)),
            (days, ngettext("%(n)d day", "%(n)d days", days)),
            (hours, ngettext("%(n)d hour", "%(n)d hours", hours)),
            (minutes, ngettext("%(n)d minute", "%(n)d minutes", minutes)),
            (seconds, ngettext("%(n)d second", "%(n)d seconds", seconds)),
        )
        return " ".join(text % {"n": count} for count, text in told if count) or _("none")
