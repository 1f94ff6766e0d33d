"""Two versions of a rule side by side: whether the later one lets more go. Pure.

Only what surely keeps as much as before passes without a second person: other words, a longer period, a further duty.
"""

from datetime import date, timedelta

from apps.retention.models import Rule
from apps.retention.periods import Period

# Months and days are no multiples of each other: lengths are compared from days all over the calendar.
STARTS = tuple(date(2023, 1, 1) + timedelta(days=day) for day in range(0, 730, 10)) + tuple(
    date(2023 + month // 12, month % 12 + 1, 1) - timedelta(days=1) for month in range(1, 24)
)
PLACE = ("region", "extends", "collections", "categories")


def is_longer(one: Period, other: Period) -> bool:
    """Whether `one` ends later than `other` for any day it may start on."""
    return any(one.after(day) > other.after(day) for day in STARTS)


def deleting_reasons(before: Rule | None, after: Rule | None) -> list[str]:
    """Why a change may delete more, as codes; empty where it surely does not.

    `new_limit`, `ends`, `limit`, `shorter`, `protection_ends` (of a duty, or of an interest, which stops erasures),
    `starts`, `action`, `place`. Where several limits meet the last one decides, so taking one away deletes more too.
    """
    if before is None or after is None:
        is_new_limit = after is not None and after.is_limit and not after.extends
        return ["new_limit"] if is_new_limit else ["ends"] if after is None else []
    protected, protects = (before.is_duty, before.is_interest), (after.is_duty, after.is_interest)
    reasons = {
        "limit": before.is_limit != after.is_limit,
        "shorter": is_longer(before.calendar, after.calendar),
        "protection_ends": any(was and not now for was, now in zip(protected, protects, strict=True)),
        "starts": before.starts_at != after.starts_at,
        "action": before.action != after.action,
        "place": any(getattr(before, name) != getattr(after, name) for name in PLACE),
    }
    return [code for code, holds in reasons.items() if holds]
