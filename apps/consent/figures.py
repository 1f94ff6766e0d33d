"""The figures on consent: each one set-based query over a period. Nothing here names anybody.

Consents of our customers' end users (scope `account:…`) are our customers' business: they are in none of the figures.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import count, takewhile
from typing import Any

from dateutil.relativedelta import relativedelta
from django.db import connection

OURS = "e.scope NOT LIKE 'account:%%'"
# Acts that are alike are counted first, and only then told apart by purpose: a banner's act answers three.
ANSWERS = f"""
WITH alike AS (
    SELECT e.scope, e.choices, e.language, e.text, e.method,
        date_trunc(%(step)s, e.at AT TIME ZONE 'UTC')::date AS cut, count(*) AS count
    FROM consent_event e WHERE e.at >= %(start)s AND e.at < %(after)s AND {OURS}
    GROUP BY 1, 2, 3, 4, 5, 6
)
SELECT coalesce(t.notice, CASE WHEN a.scope LIKE 'site:%%' THEN 'cookies:' || substr(a.scope, 6) ELSE c.key END),
    c.key, c.value = 'true', a.language, t.version, a.method, a.cut, sum(a.count)::bigint
FROM alike a CROSS JOIN LATERAL jsonb_each_text(a.choices) c LEFT JOIN consent_text t ON t.digest = a.text
GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 1, 2, 7
"""  # noqa: S608 - OURS is written above
SHOWN = f"""
SELECT t.notice, t.version, t.language, coalesce(s.count, 0)::bigint, coalesce(a.count, 0)::bigint
FROM consent_text t
LEFT JOIN (SELECT text, sum(count) AS count FROM consent_served WHERE day >= %(first)s AND day <= %(last)s GROUP BY 1) s
    ON s.text = t.digest
LEFT JOIN (SELECT e.text, count(*) AS count FROM consent_event e
           WHERE e.at >= %(start)s AND e.at < %(after)s AND {OURS} GROUP BY 1) a ON a.text = t.digest
WHERE s.count IS NOT NULL OR a.count IS NOT NULL ORDER BY t.notice, t.version DESC, t.language
"""  # noqa: S608


@dataclass(frozen=True)
class Period:
    """Whole days in UTC, both included, and how they are cut for lines: by `day`, (ISO) `week` or `month`."""

    start: date
    end: date
    step: str

    @property
    def parameters(self) -> dict[str, Any]:
        after = self.end + timedelta(days=1)
        instants = {"start": datetime.combine(self.start, time(), UTC), "after": datetime.combine(after, time(), UTC)}
        return {"first": self.start, "last": self.end, "step": self.step} | instants

    @property
    def cuts(self) -> list[date]:
        """The first day of each day, ISO week or month that the period touches: what `date_trunc` gives."""
        first = self.start
        if self.step == "week":
            first -= timedelta(days=first.weekday())
        elif self.step == "month":
            first = first.replace(day=1)
        return list(takewhile(lambda day: day <= self.end, self._from(first)))

    def _from(self, first: date) -> Iterator[date]:
        steps = {"day": relativedelta(days=1), "week": relativedelta(weeks=1), "month": relativedelta(months=1)}
        return (first + steps[self.step] * number for number in count())


def last_days(today: date) -> Period:
    return Period(today - timedelta(days=29), today, "day")


def last_three_months(today: date) -> Period:
    return Period(today - relativedelta(months=3) + timedelta(days=1), today, "week")


def last_year(today: date) -> Period:
    return Period(today - relativedelta(months=12) + timedelta(days=1), today, "month")


@dataclass(frozen=True)
class Answers:
    """How often one purpose of one notice was said yes or no to, in one language, version and way, in one cut.

    `version` is None where the text is not here.
    """

    notice: str
    purpose: str
    is_yes: bool
    language: str
    version: int | None
    method: str
    cut: date
    count: int


@dataclass(frozen=True)
class Shown:
    """How often one text was shown, and how often somebody acted on it: once or more, or not at all."""

    notice: str
    version: int
    language: str
    served: int
    acts: int


def answers(period: Period) -> list[Answers]:
    """Every answer of the period, counted. An act that answers three purposes is in it three times."""
    with connection.cursor() as cursor:
        cursor.execute(ANSWERS, period.parameters)
        return [Answers(*row) for row in cursor.fetchall()]


def shown(period: Period) -> list[Shown]:
    """Texts that were shown or acted on during the period: what was served against what was chosen."""
    with connection.cursor() as cursor:
        cursor.execute(SHOWN, period.parameters)
        return [Shown(*row) for row in cursor.fetchall()]
