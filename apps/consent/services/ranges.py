"""Closing ranges of events: their number and one digest over them, told to the ledger, so that an event which is added,
changed or taken away later is found out.

Ranges leave no gap, and an event is in one of them only: by the instant it was received, once nothing received until
then can still be on its way. `ended_at` is no part of the digest, since it may still be set.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Min

from apps.consent.models import Event, Range
from apps.ledger.models import Entry
from apps.ledger.services import is_intact, record

SETTLED = timedelta(minutes=15)  # longer than a decision takes from its receipt to its commit
SKEW = timedelta(minutes=5)  # between reading the clock and beginning the transaction
LONGEST = timedelta(hours=1)
FIVE_YEARS = timedelta(days=5 * 365)
VERB = "consent.range_closed"
COLUMNS = (
    "id", "at", "received_at", "scope", "subject_key", "user_id", "action", "method", "choices", "text", "language",
    "register_version", "gpc", "page", "agent", "previous",
)  # fmt: skip
OLDEST_TRANSACTION = """
SELECT min(xact_start) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


@dataclass(frozen=True)
class Verdict:
    """What a closed range looks like now. `difference`: "" where nothing differs, else what does: `gap`, `ledger`,
    `missing`, `gone` (missing, and old enough to have gone by the retention rule, or a customer has left since), `more`
    or `changed`."""

    count: int
    digest: str
    difference: str


@transaction.atomic
def close_range(*, now: datetime) -> Range | None:
    """Close the next range; None where nothing has been received that is settled. Two at once do no harm: the second
    goes on where the first ended."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('consent ranges'))")
    last = Range.objects.order_by("-ends_at").first()
    begins_at = last.ends_at if last else datetime.min.replace(tzinfo=UTC)
    first = Event.objects.filter(received_at__gte=begins_at).aggregate(at=Min("received_at"))["at"]
    settled = _settled(now)
    if first is None or first >= settled:
        return None
    begins_at = begins_at if last else first.replace(minute=0, second=0, microsecond=0)
    ends_at = min(first + LONGEST, settled)
    count, digest = _digest(begins_at, ends_at)
    closed = Range.objects.create(begins_at=begins_at, ends_at=ends_at, count=count, digest=digest)
    record(actor="system", verb=VERB, target=closed, at=now, **_facts(closed))
    return closed


def _settled(now: datetime) -> datetime:
    """Nothing received before this instant can still be committed: whoever is in the middle of it is waited for."""
    with connection.cursor() as cursor:
        cursor.execute(OLDEST_TRANSACTION)
        oldest: datetime | None = cursor.fetchone()[0]
    return min(now - SETTLED, oldest - SKEW) if oldest else now - SETTLED


def _facts(closed: Range) -> dict[str, Any]:
    return {"count": closed.count, "digest": closed.digest, "begins_at": closed.begins_at, "ends_at": closed.ends_at}


def _digest(begins_at: datetime, ends_at: datetime) -> tuple[int, str]:
    """Number, and SHA-256 over the canonical rows in the order of their receipt, a line each; streamed."""
    count, digest = 0, hashlib.sha256()
    for line in _lines(begins_at, ends_at):
        digest.update(line)
        count += 1
    return count, digest.hexdigest()


def _lines(begins_at: datetime, ends_at: datetime) -> Iterator[bytes]:
    """JSON, keys sorted, no spaces, UTF-8, instants in UTC: whoever has the rows gets the same bytes."""
    received = Event.objects.filter(received_at__gte=begins_at, received_at__lt=ends_at).order_by("received_at", "id")
    for row in received.values_list(*COLUMNS).iterator(chunk_size=2_000):
        content = dict(zip(COLUMNS, row, strict=True))
        text = json.dumps(content, default=_text, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        yield text.encode() + b"\n"


def _text(value: Any) -> str:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)


def verify_range(closed: Range, *, now: datetime) -> Verdict:
    """Calculate a range again from the events that are there, and hold it against its row, the ledger, and the range
    before it."""
    with transaction.atomic():  # a cursor on the server reads one snapshot
        count, digest = _digest(closed.begins_at, closed.ends_at)
    return Verdict(count, digest, _difference(closed, count, digest, now))


def _difference(closed: Range, count: int, digest: str, now: datetime) -> str:
    before = Range.objects.filter(ends_at__lt=closed.ends_at).order_by("-ends_at").first()
    if before and before.ends_at != closed.begins_at:
        return "gap"
    if not _is_told(closed):
        return "ledger"
    if count != closed.count:
        return "more" if count > closed.count else "gone" if _may_be_gone(closed, now) else "missing"
    return "" if digest == closed.digest else "changed"


def _may_be_gone(closed: Range, now: datetime) -> bool:
    """Proof in it has run out, or a customer left since then, with whom its end users' events went."""
    if closed.begins_at < now - FIVE_YEARS:
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT consent_some_account_left(%s)", [closed.begins_at.date()])
        return bool(cursor.fetchone()[0])


def _is_told(closed: Range) -> bool:
    """The ledger says the same of it, in bytes that are as they were written."""
    entries = Entry.objects.filter(verb=VERB).about(f"consent.range:{closed.pk}")
    told = {
        name: value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
        for name, value in _facts(closed).items()
    }
    return any(is_intact(entry) and entry.facts == told for entry in entries)
