"""What may stay as statistics when rows are made anonymous, so that nobody can be singled out of it. Pure.

- A group of fewer than ten people is never written.
- Counts are rounded down to multiples of ten. A published number stands for ten possible ones, so the difference of two
  spans nineteen: none can say "at least one person and fewer than ten". With multiples of five it could (15 less 10 is
  one to nine people); from six on it can't, and with ten even the plain figures never differ by less than ten.
- No totals are kept, and a month is counted once, by one grouping: there is nothing to take a number from.
- Small groups are kept together as one only if ten people remain in it without the largest of them: even the whole of
  that group, knowing itself, looks at ten others.
- Of one person no more than ten rows of a group count (`datamap.tally`): rows can't tell about who makes most of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from dateutil.relativedelta import relativedelta

from apps.datamap.services import Tally
from apps.retention.models import Statistic

MULTIPLE = 10


@dataclass(frozen=True)
class Figure:
    """One number that stays: `group` by column; empty for the small groups together."""

    group: dict[str, str | None]
    people: int
    rows: int


def figures(tally: Tally) -> list[Figure]:
    """What is published of the counts of one month."""
    found = [
        Figure(dict(one.values), rounded(one.people), rounded(one.rows))
        for one in tally.groups
        if one.people >= Statistic.SMALLEST_GROUP
    ]
    rest = tally.rest
    if rest.people - rest.largest >= Statistic.SMALLEST_GROUP:
        found.append(Figure({}, rounded(rest.people), rounded(rest.rows)))
    return found


def rounded(count: int) -> int:
    """Down, so that nobody is claimed who was not there."""
    return count - count % MULTIPLE


def closed_months(first: date, *, before: date, today: date) -> Iterator[date]:
    """The first days of the months from `first`'s on that begin before `before` and were over before `today`."""
    month = first.replace(day=1)
    while month < before and (following := month + relativedelta(months=1)) <= today:
        yield month
        month = following
