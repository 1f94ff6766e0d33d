"""Writing evidence, and reading it back as sentences."""

import hashlib
import json
import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from django.db.models import Model

from apps.ledger.models import Entry
from apps.ledger.registry import verbs

# Ids, codes, digests, references. Nothing here can be an address (no "@"), a sentence (no spaces) or a phone number.
CODE = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.:/=#-]{0,159}$")
PHONE_LIKE = re.compile(r"^\+?\d{9,15}$")
ACTOR = re.compile(r"^(user:[0-9a-f-]{36}|system|command|requester:[0-9a-f-]{36})$")


class NotEvidence(ValueError):
    """A fact, verb or actor that evidence must not hold. A programming error: it never depends on what people type."""


def record(*, actor: str, verb: str, target: Model | str, at: datetime, **facts: Any) -> Entry:
    """Append one entry in the caller's transaction.

    `facts` are ids, codes, dates, counts and digests (or lists and flat mappings of them): never a name, an address or
    free text. Raises `NotEvidence` for anything else, and for a verb no app registered.
    """
    if verb not in verbs():
        raise NotEvidence(f"No app registers the verb {verb}.")
    if not ACTOR.match(actor):
        raise NotEvidence(f"{actor!r} is no actor.")
    clean = {name: _fact(name, value) for name, value in facts.items()}
    at = at.astimezone(UTC)
    label = target if isinstance(target, str) else f"{target._meta.label_lower}:{target.pk}"
    body = canonical({"actor": actor, "at": at.isoformat(), "facts": clean, "target": label, "verb": verb})
    return Entry.objects.create(
        at=at, actor=actor, verb=verb, target=label, facts=clean, body=body, leaf=leaf_hash(body)
    )


def canonical(content: Mapping[str, Any]) -> bytes:
    """The one byte form of an entry: JSON, keys sorted, no spaces, UTF-8."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def leaf_hash(body: bytes) -> bytes:
    """RFC 6962, section 2.1: the hash of a leaf is SHA-256 over 0x00 and its bytes."""
    return hashlib.sha256(b"\x00" + body).digest()


def is_intact(entry: Entry) -> bool:
    """Whether the entry's stored bytes still have the hash that was taken when they were written."""
    return leaf_hash(bytes(entry.body)) == bytes(entry.leaf)


def _fact(name: str, value: Any) -> Any:
    match value:
        case None | bool() | int():
            return value
        case datetime():
            return value.astimezone(UTC).isoformat()
        case date():
            return value.isoformat()
        case uuid.UUID():
            return str(value)
        case str() if CODE.match(value) and not PHONE_LIKE.match(value):
            return str(value)
        case Mapping():
            return {_fact(name, key): _fact(name, item) for key, item in value.items()}
        case Sequence() if not isinstance(value, str | bytes):
            return [_fact(name, item) for item in value]
    raise NotEvidence(f"The fact {name} is no id, code, date, count or digest.")


def known_verbs() -> list[str]:
    """Every verb that an app registered, in order."""
    return sorted(verbs())


def sentence(entry: Entry) -> str:
    """What a person reads of an entry, in the active language; facts the sentence lacks are left out."""
    template = str(verbs().get(entry.verb, entry.verb))
    return template % _Blank({name: _told(value) for name, value in entry.facts.items()})


def _told(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


class _Blank(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "—"
