"""Tombstones: keyed digests of the erased, written with the erasure, kept apart from the database's own dump.

They serve replay after a restore only, and expire with the last backup that could hold the rows.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from apps.core import crypto
from apps.core.errors import DomainError
from apps.ledger.services import record
from apps.subject_requests.models import SubjectRequest, Tombstone

FORMAT = "privacy-portal tombstones 1"


def backups_until(erased_at: datetime) -> datetime:
    """When the last backup that could hold a row erased at `erased_at` is gone."""
    return erased_at + timedelta(days=settings.BACKUP_LIFETIME_DAYS)


def bury(subject_request: SubjectRequest, *, now: datetime) -> int:
    """One tombstone an identity, in the transaction of the erasure's outcome; again is nothing new."""
    account = subject_request.account.platform_account_id
    stones = [
        Tombstone(
            digest=crypto.tombstone(row.identity, account=account),
            identity_type=row.type,
            account=account,
            request_id=subject_request.pk,
            erased_at=now,
            expires_at=backups_until(now),
        )
        for row in subject_request.identifiers.all()
    ]
    return len(Tombstone.objects.bulk_create(stones, ignore_conflicts=True))


@transaction.atomic
def export_lines(*, now: datetime) -> Iterator[str]:
    """The lines of an export: a head, then one JSON object a tombstone that has not expired."""
    stones = Tombstone.objects.filter(expires_at__gt=now).order_by("erased_at", "digest")
    lines = [json.dumps({"format": FORMAT, "made_at": now.isoformat(), "count": stones.count()})]
    for stone in stones:
        row = {
            "digest": stone.digest,
            "identity_type": stone.identity_type,
            "account": stone.account,
            "request": str(stone.request_id),
            "erased_at": stone.erased_at.isoformat(),
            "expires_at": stone.expires_at.isoformat(),
        }
        lines.append(json.dumps(row, sort_keys=True))
    record(
        actor="command", verb="subject_request.tombstones_exported", target="tombstones", at=now, count=len(lines) - 1
    )
    return iter(lines)


@transaction.atomic
def apply_lines(lines: Iterable[str], *, now: datetime) -> int:
    """Bring tombstones back into a restored database; returns how many were missing. Raises `DomainError`.

    Erasing again what the restore brought back takes the data map's search by digest, which comes with operations.
    """
    stones = list(_read(lines))
    before = Tombstone.objects.count()
    Tombstone.objects.bulk_create([stone for stone in stones if stone.expires_at > now], ignore_conflicts=True)
    added = Tombstone.objects.count() - before
    record(actor="command", verb="subject_request.tombstones_applied", target="tombstones", at=now, count=added)
    return added


def _read(lines: Iterable[str]) -> Iterator[Tombstone]:
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
            if number == 1 and row["format"] == FORMAT:
                continue
            yield Tombstone(
                digest=row["digest"],
                identity_type=row["identity_type"],
                account=row["account"],
                request_id=row["request"],
                erased_at=datetime.fromisoformat(row["erased_at"]),
                expires_at=datetime.fromisoformat(row["expires_at"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise DomainError("tombstones_unreadable", f"Line {number} is no tombstone.") from error
    return


def expire_tombstones(*, now: datetime) -> int:
    """No backup can hold the rows any more, so the digests go too (T58)."""
    deleted, _by_model = Tombstone.objects.filter(expires_at__lte=now).delete()
    return deleted
