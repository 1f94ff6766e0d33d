"""The end of an erasure: outcomes per part, and a certificate that names nobody unless one holds its salt."""

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import formats, translation

from apps.datamap.models import ErasurePlan
from apps.datamap.services import collection_names
from apps.ledger.services import record
from apps.retention.models import Rule
from apps.retention.services import current_rules, describe_ground
from apps.subject_requests.models import Certificate, Package, StoreTask, SubjectRequest
from apps.subject_requests.services.access import write_sealed
from apps.subject_requests.services.article15 import complaint
from apps.subject_requests.services.delivery import LIFETIME
from apps.subject_requests.services.kept import Kept, counts_by_capacity, kept_rows, told_ground
from apps.subject_requests.services.moves import _close_part
from apps.subject_requests.services.moves import _move as _move_request
from apps.subject_requests.services.package import Archive
from apps.subject_requests.services.tell import tell_requester
from apps.subject_requests.services.tombstones import backups_until
from apps.subject_requests.states import Capacity, Outcome, PackageKind, Status

NOTHING = {"erased": 0, "anonymised": 0, "kept": 0}


def finish_erasure(
    subject_request: SubjectRequest, plan: ErasurePlan, tasks: Sequence[StoreTask], *, now: datetime
) -> SubjectRequest:
    """Part outcomes, certificate, the requester's download and notice, in the caller's transaction."""
    kept = kept_rows(plan, tasks)
    sums = counts_by_capacity(plan, tasks, kept)
    for part in subject_request.parts.filter(outcome=""):
        part.request = subject_request
        counts = sums.get(part.capacity, NOTHING)
        _close_part(part, outcome_of(part.capacity, counts), actor="system", at=now, counts=counts)
    issue_certificate(subject_request, plan, tasks, kept, now=now)
    moved = _move_request(subject_request, Status.CLOSED, actor="system", at=now)
    expires_on = (now + LIFETIME).date()
    tell_requester(moved, "erased", now=now, expires_on=expires_on)
    return moved


def outcome_of(capacity: str, counts: dict[str, int]) -> Outcome:
    """How a part of an executed erasure ended."""
    if not any(counts.values()):
        return Outcome.NOTHING_HELD
    if counts["kept"]:
        return Outcome.PARTLY_FULFILLED
    return Outcome.FULFILLED if capacity == Capacity.CONTROLLER else Outcome.INSTRUCTION_EXECUTED


def issue_certificate(
    subject_request: SubjectRequest,
    plan: ErasurePlan,
    tasks: Sequence[StoreTask],
    kept: Sequence[Kept],
    *,
    now: datetime,
) -> Certificate:
    """The certificate's row holds salted digests only; salt and plain list go into the download and nowhere else."""
    salt = secrets.token_hex(16)
    lines = [(row.line, row.identity) for row in subject_request.identifiers.all()]
    digests = [
        {"line": line, "type": identity.type.value, "digest": salted(salt, identity.type.value, identity.value)}
        for line, identity in lines
    ]
    document = _document(subject_request, plan, tasks, kept, digests, now=now)
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    certificate = Certificate.objects.create(
        request=subject_request, issued_at=now, document=document, sha256=hashlib.sha256(canonical).hexdigest()
    )
    plain = [{"line": line, "type": identity.type.value, "value": identity.value} for line, identity in lines]
    _pack(
        certificate, {"salt": salt, "digest": "SHA-256 of salt, NUL, type, NUL, value", "lines": plain}, kept, now=now
    )
    facts = {"certificate": certificate.sha256, "lines": len(lines)}
    record(actor="system", verb="subject_request.certified", target=subject_request, at=now, **facts)
    return certificate


def salted(salt: str, kind: str, value: str) -> str:
    """SHA-256 (hex) that whoever holds the salt can compute again."""
    return hashlib.sha256("\0".join((salt, kind, value)).encode()).hexdigest()


def _document(
    subject_request: SubjectRequest,
    plan: ErasurePlan,
    tasks: Sequence[StoreTask],
    kept: Sequence[Kept],
    digests: list[dict[str, Any]],
    *,
    now: datetime,
) -> dict[str, Any]:
    return {
        "format": "privacy-portal certificate 1",
        "reference": subject_request.reference,
        "issued_at": now.isoformat(),
        "received_at": subject_request.received_at.isoformat(),
        "approved_at": subject_request.approved_at.isoformat() if subject_request.approved_at else None,
        "plan": plan.hash,
        "map_version": plan.map_version,
        "rules_version": plan.rules_version,
        "lines": digests,
        "stores": [_store(task, kept) for task in tasks],
        "not_entered": plan.not_entered,
        "parts": {part.capacity: part.outcome for part in subject_request.parts.all()},
        "out_of_scope": [
            {"what": "backups", "until": backups_until(now).date().isoformat()},
            {"what": "carriers", "until": None},
        ],
    }


def _store(task: StoreTask, kept: Sequence[Kept]) -> dict[str, Any]:
    collections: dict[str, dict[str, Any]] = {}
    for key, counted in sorted(task.counts.items()):
        collections[key] = {name: counted.get(name, 0) for name in ("erased", "anonymised", "newer")} | {"kept": []}
    for rows in kept:
        if rows.store == task.store:
            empty = {"erased": 0, "anonymised": 0, "newer": 0, "kept": []}
            collections.setdefault(rows.collection, empty)["kept"].append(_kept(rows))
    for entry in collections.values():
        entry["not_found"] = not (entry["erased"] or entry["anonymised"] or entry["kept"])
    return {
        "store": task.store,
        "executed_at": task.executed_at.isoformat() if task.executed_at else None,
        "confirmed_absent_at": task.confirmed_at.isoformat() if task.confirmed_at else None,
        "collections": collections,
    }


def _kept(rows: Kept) -> dict[str, Any]:
    return {
        "count": rows.count,
        "ground": told_ground(rows.ground, rows.kind),
        "kind": told_ground(rows.kind, rows.kind),
        "until": rows.until.isoformat() if rows.until else None,
        "until_latest": rows.until_latest.isoformat() if rows.until_latest else None,
    }


def _pack(certificate: Certificate, key: dict[str, Any], kept: Sequence[Kept], *, now: datetime) -> Package:
    request = certificate.request
    archive = Archive(now)
    with translation.override(request.language):
        page = render_to_string("subject_requests/package/certificate.html", _page(certificate, key, kept))
        archive.add("index.html", page.encode())
        archive.add("style.css", render_to_string("subject_requests/package/style.css").encode())
    archive.add("certificate.json", json.dumps(certificate.document, ensure_ascii=False, indent=2).encode())
    archive.add("identifiers.json", json.dumps(key, ensure_ascii=False, indent=2).encode())
    manifest = json.dumps(
        {"reference": request.reference, "digest": "SHA-256", "files": archive.files}, indent=2
    ).encode()
    archive.add("manifest.json", manifest, listed=False)
    content, package_id = archive.buffer.getvalue(), uuid4()
    sha256 = write_sealed(content, Path(settings.PACKAGE_DIR) / f"{package_id}.sealed")
    return Package.objects.create(
        pk=package_id,
        request=request,
        kind=PackageKind.CERTIFICATE,
        created_at=now,
        expires_at=now + LIFETIME,
        size=len(content),
        sha256=sha256,
        manifest_sha256=hashlib.sha256(manifest).hexdigest(),
        counts={"files": len(archive.files) + 1, "lines": len(key["lines"])},
    )


def _page(certificate: Certificate, key: dict[str, Any], kept: Sequence[Kept]) -> dict[str, Any]:
    rules, names = current_rules(), collection_names(translation.get_language() or "en")
    return {
        "request": certificate.request,
        "certificate": certificate,
        "document": certificate.document,
        "stores": [
            store | {"lines": [(names.get(key, key), entry) for key, entry in store["collections"].items()]}
            for store in certificate.document["stores"]
        ],
        "identifiers": key["lines"],
        "kept": [_kept_in_words(rows, names, rules) for rows in kept],
        "backups_until": formats.date_format(date.fromisoformat(certificate.document["out_of_scope"][0]["until"])),
        "complaint": complaint(),
        "language": translation.get_language(),
        "direction": "rtl" if translation.get_language_bidi() else "ltr",
    }


def _kept_in_words(rows: Kept, names: Mapping[str, str], rules: Mapping[str, Rule]) -> dict[str, Any]:
    why = describe_ground(rows.ground, rows.kind, rows.until, until_latest=rows.until_latest, rules=rules)
    return {"rows": rows, "name": names.get(rows.collection, rows.collection), "words": why}
