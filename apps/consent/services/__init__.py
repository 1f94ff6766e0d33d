"""The verbs of consent."""

from apps.consent.ids import decided_at, event_id
from apps.consent.services.history import Act, history_of, with_texts
from apps.consent.services.recording import Decision, end_event, record_decision
from apps.consent.services.texts import publish_texts

__all__ = [
    "Act",
    "Decision",
    "decided_at",
    "end_event",
    "event_id",
    "history_of",
    "publish_texts",
    "record_decision",
    "with_texts",
]
