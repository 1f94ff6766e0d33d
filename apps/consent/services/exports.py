"""One person's history as a file for an officer to hand on: every act with the words that were shown."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from apps.consent.models import Event, Objection, Restriction
from apps.consent.services.history import Act, with_texts
from apps.consent.services.readings import target_of
from apps.core.errors import InvalidInput
from apps.core.spreadsheets import as_csv
from apps.ledger.services import record

FORMS = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
HEAD = (
    "id", "at", "received_at", "scope", "subject_key", "action", "purpose", "answer", "method", "language", "notice",
    "version", "text_sha256", "words", "register_version", "gpc", "page", "browser", "previous", "ended_at",
)  # fmt: skip


@dataclass(frozen=True)
class HistoryFile:
    name: str
    kind: str
    content: bytes


@transaction.atomic
def export_history(*, subject_key: str, form: str, actor: str, now: datetime) -> HistoryFile:
    """Everything said to us under one subject key, with one ledger line: how many acts, and the file's digest."""
    if form not in FORMS:
        raise InvalidInput("format", "There is no such format.")
    acts = with_texts(Event.objects.ours().filter(subject_key=subject_key).order_by("at", "id"))
    text = as_csv(HEAD, _rows(acts)) if form == "csv" else _document(subject_key, acts, now)
    content = text.encode()
    facts = {"count": len(acts), "format": form, "sha256": hashlib.sha256(content).hexdigest()}
    record(actor=actor, verb="consent.history_exported", target=target_of(subject_key), at=now, **facts)
    return HistoryFile(f"consent-history-{now:%Y-%m-%d}.{form}", FORMS[form], content)


def _rows(acts: Sequence[Act]) -> Iterator[tuple[Any, ...]]:
    for act in acts:
        event, text = act.event, act.text
        words = json.dumps(text.body, ensure_ascii=False, sort_keys=True) if text else ""
        for purpose, says in sorted(event.choices.items()):
            yield (
                event.id, _instant(event.at), _instant(event.received_at), event.scope, event.subject_key, event.action,
                purpose, "yes" if says else "no", event.method, event.language, text.notice if text else "",
                text.version if text else "", event.text, words, event.register_version, event.gpc, event.page,
                event.agent, event.previous, _instant(event.ended_at),
            )  # fmt: skip


def _document(subject_key: str, acts: Sequence[Act], now: datetime) -> str:
    """The same as one JSON document, with what no consent gets round."""
    restrictions = Restriction.objects.ours().filter(subject_key=subject_key).order_by("since")
    objections = Objection.objects.ours().filter(subject_key=subject_key).order_by("since")
    content = {
        "subject_key": subject_key,
        "made_at": _instant(now),
        "acts": [_act(act) for act in acts],
        "restrictions": [_limit(one, ground=one.ground) for one in restrictions],
        "objections": [_limit(one, purpose=one.purpose, except_for=one.except_for) for one in objections],
    }
    return json.dumps(content, ensure_ascii=False, indent=2)


def _act(act: Act) -> dict[str, Any]:
    event, text = act.event, act.text
    names = ("scope", "action", "choices", "method", "language", "register_version", "gpc", "page")
    shown = text and {"notice": text.notice, "version": text.version, "language": text.language, "words": text.body}
    return {
        "id": str(event.id),
        "at": _instant(event.at),
        "received_at": _instant(event.received_at),
        **{name: getattr(event, name) for name in names},
        "browser": event.agent,
        "previous": str(event.previous) if event.previous else None,
        "ended_at": _instant(event.ended_at),
        "text_sha256": event.text,
        "text_as_shown": shown,
    }


def _limit(one: Any, **what: str | list[str]) -> dict[str, Any]:
    return what | {"scope": one.scope, "since": _instant(one.since), "lifted_at": _instant(one.lifted_at)}


def _instant(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat() if at else None
