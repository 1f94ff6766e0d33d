"""What a customer that left is told of its data: per collection what was erased, and what stays until when and why."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings

from apps.datamap import services as datamap
from apps.retention import protection
from apps.retention.models import Departure
from apps.retention.reasons import CANNOT_GO, NOT_YET

FORMAT = "privacy-portal departure certificate 1"


def certify(departure: Departure, found: Sequence[datamap.Belonging], *, now: datetime) -> dict[str, Any]:
    """The document: counts, grounds and dates, and nobody's data. `found` is what is left of the account.

    That a hold stands is told to nobody outside, nor can it be inferred: what one keeps "cannot go", like what an open
    request keeps, what a row that stays points at, and what lies in a system that can only be read, all in one number.
    """
    held = departure.certificate.get("held", {})
    collections = _collections(found)
    for key, entry in collections.items():
        entry["erased"] = max(0, held.get(key, 0) - sum(one["count"] for one in entry["kept"]))
    return {
        "format": FORMAT,
        "account": departure.platform_account_id,
        "choice": departure.choice,
        "announced_at": departure.announced_at.isoformat(),
        "service_ends_on": departure.service_ends_on.isoformat(),
        "returned_at": departure.returned_at.isoformat() if departure.returned_at else None,
        "package": departure.package_digest or None,
        "erase_on": departure.erase_on.isoformat(),
        "erased_at": now.isoformat(),
        "rules_version": protection.rules_version(),
        "collections": collections,
        "counts": {
            "erased": sum(entry["erased"] for entry in collections.values()),
            "kept": sum(one["count"] for entry in collections.values() for one in entry["kept"]),
        },
        "out_of_scope": [
            {"what": "backups", "until": backups_until(now).isoformat()},
            {"what": "carriers", "until": None},
        ],
    }


def backups_until(erased_at: datetime) -> date:
    """The day on which the last backup from before the erasure is gone."""
    return (erased_at + timedelta(days=settings.BACKUP_LIFETIME_DAYS)).date()


def digest_of(document: dict[str, Any]) -> str:
    """SHA-256 (hex) of the certificate in its one byte form; the evidence holds the same."""
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _collections(found: Iterable[datamap.Belonging]) -> dict[str, dict[str, Any]]:
    collections: dict[str, dict[str, Any]] = {}
    stuck: dict[str, int] = {}
    for one in found:
        base = one.collection.partition("#")[0]
        entry = collections.setdefault(base, {"erased": 0, "kept": []})
        entry["kept"] += [_kept(each) for each in one.protected if each.kind not in NOT_YET]
        stuck[base] = stuck.get(base, 0) + sum(each.count for each in one.protected if each.kind in NOT_YET)
    for base, count in stuck.items():
        undated = {"ground": CANNOT_GO, "kind": CANNOT_GO, "until": None, "until_latest": None}
        collections[base]["kept"] += [{"count": count, **undated}] if count else []
    return collections


def _kept(rows: datamap.Protected) -> dict[str, Any]:
    return {
        "count": rows.count,
        "ground": rows.ground,
        "kind": rows.kind,
        "until": rows.until.isoformat() if rows.until else None,
        "until_latest": rows.until_latest.isoformat() if rows.until_latest else None,
    }
