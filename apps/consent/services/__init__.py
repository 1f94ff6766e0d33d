"""The verbs of consent."""

from apps.consent.services.recording import Decision, end_event, record_decision
from apps.consent.services.texts import publish_texts

__all__ = ["Decision", "end_event", "publish_texts", "record_decision"]
