"""Who read what one person said (T54): the ledger names the subject by a keyed digest, never by its key."""

from collections.abc import Mapping
from datetime import datetime

from apps.core import crypto
from apps.ledger.services import record


def target_of(subject_key: str) -> str:
    """How the ledger names a subject: the same one always alike, and nobody finds the key in it."""
    return f"consent.subject:{crypto.fingerprint(subject_key)[:32]}"


def note_search(*, kind: str, found: Mapping[str, int], actor: str, now: datetime) -> None:
    """Somebody was told under which keys how many acts are kept. `kind`: what was typed; `found`: key -> acts, the key
    that was asked for first."""
    targets = [target_of(key) for key in found]
    facts = {"kind": kind, "count": sum(found.values()), "also": targets[1:]}
    record(actor=actor, verb="consent.subject_searched", target=targets[0], at=now, **facts)


def note_reading(*, subject_key: str, count: int, actor: str, now: datetime) -> None:
    """Somebody read a page of one person's history, on which so many acts stood."""
    record(actor=actor, verb="consent.history_read", target=target_of(subject_key), at=now, count=count)
