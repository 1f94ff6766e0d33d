"""The verbs of consent."""

from apps.consent.services.history import Act, history_of, with_texts
from apps.consent.services.recording import Decision, end_event, record_decision
from apps.consent.services.texts import publish_texts

__all__ = ["Act", "Decision", "end_event", "history_of", "publish_texts", "record_decision", "with_texts"]
