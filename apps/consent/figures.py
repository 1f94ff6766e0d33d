"""The figures on consent: each one set-based query over a period. Nothing here names anybody.

Consents of our customers' end users (scope `account:…`) are our customers' business: they are in none of the figures.
"""

from dataclasses import dataclass
from datetime import UTC, date
from typing import Any

from django.db import connection

from apps.core.reporting import Period

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
        cursor.execute(ANSWERS, _parameters(period))
        return [Answers(*row) for row in cursor.fetchall()]


def shown(period: Period) -> list[Shown]:
    """Texts that were shown or acted on during the period: what was served against what was chosen."""
    with connection.cursor() as cursor:
        cursor.execute(SHOWN, _parameters(period))
        return [Shown(*row) for row in cursor.fetchall()]


def _parameters(period: Period) -> dict[str, Any]:
    """The period as the queries want it; its days are those of UTC."""
    start, after = period.instants_in(UTC)
    return {"first": period.start, "last": period.end, "step": period.step, "start": start, "after": after}
