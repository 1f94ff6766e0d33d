"""Writing down what somebody said, exactly once, and what holds from then on."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Max, QuerySet
from psycopg2.extras import Json

from apps.consent.ids import decided_at
from apps.consent.models import Event, State
from apps.consent.states import Action

SAYING_NO = (Action.REFUSED, Action.WITHDRAWN, Action.OBJECTED)
INSERT = """
INSERT INTO consent_event (id, at, received_at, scope, subject_key, user_id, action, method, choices, text, language,
    register_version, gpc, page, agent, previous, ended_at)
VALUES (%(id)s, %(at)s, %(received_at)s, %(scope)s, %(subject_key)s, %(user_id)s, %(action)s, %(method)s, %(choices)s,
    %(text)s, %(language)s, %(register_version)s, %(gpc)s, %(page)s, %(agent)s, %(previous)s, %(ended_at)s)
ON CONFLICT (at, id) DO NOTHING
"""
PROJECT = """
INSERT INTO consent_state (scope, subject_key, purpose, is_allowed, since, until, event)
SELECT %(scope)s, %(subject_key)s, key, value::boolean, %(since)s, %(until)s, %(id)s FROM jsonb_each_text(%(choices)s)
ON CONFLICT (scope, subject_key, purpose) DO UPDATE SET
    is_allowed = EXCLUDED.is_allowed, since = EXCLUDED.since, until = EXCLUDED.until, event = EXCLUDED.event
WHERE consent_state.since <= EXCLUDED.since
"""


@dataclass(frozen=True)
class Decision:
    """One act. `id`: UUID version 7 (`consent.ids`), which carries the instant of the act.

    `text` is the digest of the words shown; `until` the instant at which the answer stops counting (None: until
    withdrawn).
    """

    id: uuid.UUID
    scope: str
    subject_key: str
    action: str
    method: str
    choices: Mapping[str, bool]
    text: str
    language: str
    until: datetime | None = None
    user_id: uuid.UUID | None = None
    register_version: int | None = None
    gpc: bool | None = None
    page: str = ""
    agent: str = ""
    previous: uuid.UUID | None = None
    is_projected: bool = field(default=True)  # a visitor's choice lives in the visitor's browser, not in a state here

    def row(self, *, now: datetime) -> dict[str, Any]:
        """Parameters of `INSERT` and `PROJECT`. Raises `InvalidInput` for an id that can't be true."""
        at = decided_at(self.id, now=now)
        # Nothing goes on under a no: unless it has a term of its own, its proof starts its five years at once.
        # Who takes back a part (a yes stays in it) said something that goes on.
        takes_all_back = self.action == Action.WITHDRAWN and not any(self.choices.values())
        ends = takes_all_back or (self.until is None and self.action in SAYING_NO)
        return vars(self) | {
            "at": at,
            "since": min(at, now),  # a clock that runs ahead keeps no later answer from holding
            "received_at": now,
            "choices": Json(dict(self.choices)),
            "ended_at": at if ends else self.until,
        }


@transaction.atomic
def record_decision(decision: Decision, *, now: datetime) -> bool:
    """Write the event and what holds from now on; False when it is there already, and nothing changes.

    The answer it replaces has its end at the instant of this one, which starts the five years of its proof.
    """
    row = decision.row(now=now)
    with connection.cursor() as cursor:
        cursor.execute(INSERT, row)
        if not cursor.rowcount:
            return False
        if decision.is_projected:
            states = State.objects.of(decision.scope, decision.subject_key).filter(purpose__in=list(decision.choices))
            before = set(states.select_for_update().values_list("event", flat=True))
            cursor.execute(PROJECT, row)
            _end_replaced(before | {decision.id}, states)
    return True


def _end_replaced(events: set[uuid.UUID], states: QuerySet[State]) -> None:
    """End those that hold for no purpose any more: one that still holds for another is still relied on, and one that
    arrives late may have been replaced before."""
    gone = events - set(State.objects.filter(event__in=events).values_list("event", flat=True))
    for event in gone:
        end_event(event, at=states.aggregate(at=Max("since"))["at"])


def end_event(event: uuid.UUID, *, at: datetime) -> int:
    """Let an event's effect end at an instant, if it does not end earlier; 1 where that changed something."""
    began = (event.int >> 80) / 1000
    instant = datetime.fromtimestamp(began, at.tzinfo)
    found = Event.objects.filter(at=instant, id=event).exclude(ended_at__lte=at)
    return found.update(ended_at=at)
