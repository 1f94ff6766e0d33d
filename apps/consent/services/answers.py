"""One person's answer to one purpose: which words they were shown, and the event that says it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from apps.consent.ids import event_id
from apps.consent.models import PROVIDER, State, Text
from apps.consent.services.recording import Decision, record_decision
from apps.consent.states import Action, Method
from apps.core.errors import DomainError, InvalidInput

FALLBACK = "en"


@dataclass(frozen=True)
class Manner:
    """How an answer was given: by which control, on which page (host and path), by whom where somebody is signed in."""

    method: Method
    page: str = ""
    user_id: uuid.UUID | None = None


def current_text(notice: str, language: str) -> Text:
    """The words in force, in this language, in English where they are not written in it."""
    texts = {text.language: text for text in Text.objects.current().filter(notice=notice)}
    if not texts:
        raise DomainError("no_text", _("We can’t ask you this yet. Try again later."))
    return texts.get(language) or texts[FALLBACK]


def shown_text(notice: str, digest: str) -> Text:
    """The words that somebody says yes to: those in force, and no others (a page may have stood open for long)."""
    text = Text.objects.current().filter(notice=notice, digest=digest).first()
    if text is None:
        raise InvalidInput("text", _("These words were changed while you read. Read them again, then decide."))
    return text


def read_text(notice: str, digest: str) -> Text:
    """The words that somebody read when they asked, even where others are in force by now."""
    return Text.objects.get(notice=notice, digest=digest)


def say(
    action: Action, choices: Mapping[str, bool], *, subject_key: str, text: Text, manner: Manner, now: datetime
) -> uuid.UUID:
    """Write one act down; the id of the event. The caller holds a lock, so that a double click is one act."""
    [standing] = State.objects.of(PROVIDER, subject_key).filter(purpose__in=choices)[:1] or [None]
    event = event_id(now)
    decision = Decision(
        id=event,
        scope=PROVIDER,
        subject_key=subject_key,
        action=action,
        method=manner.method,
        choices=choices,
        text=text.digest,
        language=text.language,
        user_id=manner.user_id,
        page=manner.page[:200],
        previous=standing.event if standing else None,
    )
    record_decision(decision, now=now)
    return event


def is_on(subject_key: str, purpose: str, *, at: datetime) -> bool:
    """Whether the last answer to this purpose is a yes that still counts."""
    return State.objects.of(PROVIDER, subject_key).filter(purpose=purpose).allowing(at=at).exists()
