"""Ids of events that carry the instant of the act (UUID version 7, RFC 9562 section 5.7).

Whoever decides makes the id: a browser that sends the same decision twice sends the same id, and the id alone says in
which month's partition the row lies. So one primary key makes a decision arrive exactly once.
"""

import os
import uuid
from datetime import UTC, datetime, timedelta

from apps.core.errors import InvalidInput

OLDEST, NEWEST = timedelta(days=35), timedelta(minutes=10)
"""How far the instant of an id may lie behind and before the server's clock: a decision waits that long off line."""


def event_id(at: datetime) -> uuid.UUID:
    """A new id for an act at `at` (milliseconds count)."""
    milliseconds = int(at.timestamp() * 1000)
    random = int.from_bytes(os.urandom(10), "big")
    value = milliseconds << 80 | random
    value = value & ~(0xF << 76) | 0x7 << 76
    return uuid.UUID(int=value & ~(0x3 << 62) | 0x2 << 62)


def instant_of(event: uuid.UUID) -> datetime | None:
    """The instant an id carries, whether or not it can be true; None where it carries none."""
    try:
        return datetime.fromtimestamp((event.int >> 80) / 1000, UTC) if event.version == 7 else None
    except (ValueError, OverflowError):  # beyond the year 9999
        return None


def decided_at(event: uuid.UUID, *, now: datetime) -> datetime:
    """The instant an id carries. Raises `InvalidInput` with the code `clock` where it can't be true, `id` for another
    kind of id."""
    if event.version != 7:
        raise InvalidInput("id", "The id must be a UUID of version 7.", code="id")
    at = instant_of(event)
    if at is None or not now - OLDEST <= at <= now + NEWEST:
        raise InvalidInput("id", "The id carries an instant that the server's clock can't agree with.", code="clock")
    return at
