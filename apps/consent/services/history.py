"""What one subject said over time, each act with the words that were shown then."""

from collections.abc import Iterable
from dataclasses import dataclass

from apps.consent.models import Event, Text


@dataclass(frozen=True)
class Act:
    """One event with the text as it was shown; None where the text is not here (nobody publishes, then removes one)."""

    event: Event
    text: Text | None


def history_of(scope: str, subject_key: str) -> list[Act]:
    """Everything one subject said in one scope, the oldest first: two queries, however long it is."""
    return with_texts(Event.objects.of(scope, subject_key))


def with_texts(events: Iterable[Event]) -> list[Act]:
    """These events in their order, each with its text: one query for all texts."""
    found = list(events)
    texts = Text.objects.in_bulk({event.text for event in found})
    return [Act(event, texts.get(event.text)) for event in found]
