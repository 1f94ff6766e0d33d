"""May we, for this person and purpose? Answered for one scope, for one person or a thousand in one statement.

A restriction says no, then an objection (to the purpose, or to all direct marketing without an exception for it), then
what the person said. Who never said anything is a no where the purpose rests on consent or a mandate, and a yes where
it rests on an interest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.consent.models import Purpose
from apps.consent.states import MARKETING, Basis
from apps.core.fast_path import Prepared, Remembered, array

Limit = tuple[str, datetime]  # its ground, or the purpose objected to; since when
# OFFSET 0 keeps the search for one person's state apart: the planner, who knows neither how many keys will come nor of
# rows that came since it looked last, would else read all people of the scope once.
_states = Prepared(
    "consent_check",
    """
SELECT asked.place, NULL AS key, NULL AS ground, NULL AS purpose, s.since, s.is_allowed, s.until
FROM unnest(%(keys)s::text[]) WITH ORDINALITY AS asked (key, place)
LEFT JOIN LATERAL (
    SELECT since, is_allowed, until FROM consent_state
    WHERE scope = %(scope)s AND subject_key = asked.key AND purpose = %(purpose)s OFFSET 0
) s ON true
UNION ALL
SELECT NULL, subject_key, ground, NULL, since, NULL, NULL FROM consent_restriction
WHERE scope = %(scope)s AND subject_key = ANY(%(keys)s) AND lifted_at IS NULL
UNION ALL
SELECT NULL, subject_key, NULL, purpose, since, NULL, NULL FROM consent_objection
WHERE scope = %(scope)s AND subject_key = ANY(%(keys)s) AND lifted_at IS NULL AND purpose = ANY(%(objectable)s::text[])
    AND NOT jsonb_exists(except_for, %(purpose)s)
ORDER BY place, since
""",
    milliseconds=2000,
)
_restrictions = Prepared(
    "restriction_check",
    """
SELECT subject_key, ground, since FROM consent_restriction
WHERE scope = %(scope)s AND subject_key = ANY(%(keys)s::text[]) AND lifted_at IS NULL ORDER BY since
""",
    milliseconds=2000,
)


@dataclass(frozen=True)
class Rests:
    """On what a purpose rests. A key that the register of purposes does not hold is the customer's own: it rests on
    consent, and an objection to direct marketing reaches it."""

    basis: str = Basis.CONSENT.value
    is_marketing: bool = True
    has_ended: bool = False

    @property
    def goes_unasked(self) -> bool:
        return self.basis == Basis.INTEREST


def _read(key: str) -> Rests:
    found = Purpose.objects.filter(key=key).values_list("basis", "is_marketing", "ended_at").first()
    return Rests(found[0], found[1], found[2] is not None) if found else Rests()


purposes = Remembered(_read, seconds=5)


def check_consents(*, scope: str, purpose: str, keys: Sequence[str], now: datetime) -> list[dict[str, Any]]:
    """One answer for each subject key, in their order."""
    rests = purposes(purpose) or Rests()
    objectable = [purpose, MARKETING] if rests.is_marketing else [purpose]
    rows = _states.rows({"scope": scope, "purpose": purpose, "keys": array(keys), "objectable": array(objectable)})
    restricted: dict[str, Limit] = {}
    objected: dict[str, Limit] = {}
    for _place, key, ground, objected_to, since, _is_allowed, _until in rows[len(keys) :]:
        (restricted if ground else objected).setdefault(key, (ground or objected_to, since))
    states = zip(keys, rows, strict=False)  # the rows of limits come after those of the keys
    return [_answer(rests, row[4:], restricted.get(key), objected.get(key), now) for key, row in states]


def _answer(
    rests: Rests, state: tuple[Any, ...], restriction: Limit | None, objection: Limit | None, now: datetime
) -> dict[str, Any]:
    since, said, until = state
    is_allowed, why, counts_from = False, "", since
    if restriction:
        why, counts_from = "restricted", restriction[1]
    elif objection:
        why, counts_from = "objected", objection[1]
    elif rests.has_ended:
        why, counts_from = "purpose_ended", None
    elif said is False:
        why = "refused"
    elif said and until and until <= now and not rests.goes_unasked:
        why, counts_from = "expired", until
    elif said:
        is_allowed, why = True, "given"
    elif rests.goes_unasked:
        is_allowed, why = True, "not_objected"
    else:
        why = "never_given"
    return {
        "allowed": is_allowed,
        "ground": rests.basis if is_allowed else "none",
        "since": counts_from.isoformat() if counts_from else None,
        "until": until.isoformat() if until and is_allowed else None,
        "why": why,
        "restriction": {"ground": restriction[0], "since": restriction[1].isoformat()} if restriction else None,
        "objection": {"purpose": objection[0], "since": objection[1].isoformat()} if objection else None,
    }


def check_restrictions(*, scope: str, keys: Sequence[str]) -> list[dict[str, Any]]:
    """Whether the use of each subject's data is restricted, in their order."""
    standing: dict[str, Limit] = {}
    for key, ground, since in _restrictions.rows({"scope": scope, "keys": array(keys)}):
        standing.setdefault(key, (ground, since))
    return [_restriction(standing.get(key)) for key in keys]


def _restriction(limit: Limit | None) -> dict[str, Any]:
    ground, since = limit or (None, None)
    return {"restricted": limit is not None, "ground": ground, "since": since.isoformat() if since else None}
