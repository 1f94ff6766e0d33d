"""The answer to an access request as a ZIP: readable pages, JSON and CSV per collection, and a manifest of it all."""

import hashlib
import io
import json
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.template.loader import render_to_string
from django.utils import translation

from apps.core.identities import Identity
from apps.core.spreadsheets import as_csv
from apps.datamap.services import Findings, collection_names
from apps.subject_requests.models import SubjectRequest
from apps.subject_requests.services import article15
from apps.subject_requests.services.masking import mask_rows, own_identities

SHOWN_ROWS = 200
"""The readable page shows so many rows of a collection; the files hold all of them."""


@dataclass(frozen=True)
class Section:
    """One collection as it is handed out."""

    key: str
    capacity: str
    rows: list[dict[str, Any]]
    columns: list[str]
    masked: int
    stem: str  # generated, so that no name from outside becomes a path (T24)


@dataclass
class Archive:
    """A ZIP being written, with the digest of everything in it."""

    made_at: datetime
    buffer: io.BytesIO = field(default_factory=io.BytesIO)
    files: list[dict[str, Any]] = field(default_factory=list)

    def add(self, path: str, content: bytes, *, listed: bool = True) -> None:
        entry = zipfile.ZipInfo(path, self.made_at.timetuple()[:6])
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o600 << 16
        with zipfile.ZipFile(self.buffer, "a") as archive:
            archive.writestr(entry, content)
        if listed:
            self.files.append({"path": path, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)})


@dataclass(frozen=True)
class Built:
    """A package's bytes, and what its row says of it."""

    content: bytes
    manifest_sha256: str
    counts: dict[str, int]
    rows_by_capacity: dict[str, int]


def build_package(
    subject_request: SubjectRequest, findings: Findings, identities: Iterable[Identity], *, now: datetime
) -> Built:
    """Everything found, in the requester's language, other people masked."""
    sections = sections_of(findings, identities)
    archive = Archive(now)
    with translation.override(subject_request.language):
        _add_pages(archive, subject_request, findings, sections, now=now)
    for section in sections:
        archive.add(f"data/{section.stem}.json", _json(section.rows))
        archive.add(f"data/{section.stem}.csv", _csv(section))
    manifest = _json(_manifest(subject_request, findings, sections, archive, now=now))
    archive.add("manifest.json", manifest, listed=False)
    by_capacity: dict[str, int] = {}
    for section in sections:
        by_capacity[section.capacity] = by_capacity.get(section.capacity, 0) + len(section.rows)
    counts = {
        "files": len(archive.files) + 1,
        "collections": len(sections),
        "rows": sum(len(section.rows) for section in sections),
    }
    return Built(archive.buffer.getvalue(), hashlib.sha256(manifest).hexdigest(), counts, by_capacity)


def sections_of(findings: Findings, identities: Iterable[Identity]) -> list[Section]:
    """One section a collection, also where nothing was found: that, too, is an answer."""
    pairs = [(rows, findings.collections[key].fields) for key, rows in findings.rows.items()]
    own = own_identities(identities, pairs)
    sections = []
    for number, key in enumerate(sorted(findings.rows), start=1):
        info = findings.collections[key]
        rows, masked = mask_rows(findings.rows[key], info.fields, own)
        stem = f"{number:03d}-{_slug(info.dataset)}-{_slug(info.name)}"
        sections.append(Section(key, info.capacity, rows, _columns(rows, info.fields), masked, stem))
    return sections


def _slug(name: str) -> str:
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9_]+", "-", ascii_name).strip("-")[:60] or "data"


def _columns(rows: list[dict[str, Any]], fields: Mapping[str, Any]) -> list[str]:
    declared = list(dict.fromkeys(name.partition(".")[0] for name in fields))
    more = dict.fromkeys(name for row in rows for name in row if name not in declared)
    return [*declared, *more] if rows else declared


def _add_pages(
    archive: Archive, subject_request: SubjectRequest, findings: Findings, sections: list[Section], *, now: datetime
) -> None:
    names = collection_names(translation.get_language() or "en")
    context = {
        "request": subject_request,
        "language": translation.get_language(),
        "direction": "rtl" if translation.get_language_bidi() else "ltr",
        "sections": [_for_page(section, names) for section in sections],
        "not_entered": findings.not_entered,
        "information": article15.information(subject_request, findings.collections.values()),
        "made_at": now,
    }
    archive.add("index.html", render_to_string("subject_requests/package/index.html", context).encode())
    archive.add("style.css", render_to_string("subject_requests/package/style.css").encode())
    facts = context["information"]
    archive.add("information.json", _json(facts))


def _for_page(section: Section, names: Mapping[str, str]) -> dict[str, Any]:
    shown = [[_cell(row.get(column)) for column in section.columns] for row in section.rows[:SHOWN_ROWS]]
    count = len(section.rows)
    name = names.get(section.key, section.key)
    return {"section": section, "name": name, "rows": shown, "count": count, "hidden": count - len(shown)}


def _manifest(
    subject_request: SubjectRequest, findings: Findings, sections: list[Section], archive: Archive, *, now: datetime
) -> dict[str, Any]:
    collections = [
        {
            "collection": section.key,
            "capacity": section.capacity,
            "rows": len(section.rows),
            "masked_values": section.masked,
            "files": [f"data/{section.stem}.json", f"data/{section.stem}.csv"],
        }
        for section in sections
    ]
    return {
        "format": "privacy-portal package 1",
        "reference": subject_request.reference,
        "right": subject_request.right,
        "received_at": subject_request.received_at.isoformat(),
        "made_at": now.isoformat(),
        "language": subject_request.language,
        "digest": "SHA-256",
        "files": archive.files,
        "collections": collections,
        "not_entered": [{"collection": each.collection, "reason": each.reason} for each in findings.not_entered],
        "counts": {
            "collections": len(sections),
            "files": len(archive.files),
            "rows": sum(len(section.rows) for section in sections),
        },
    }


def _json(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False, indent=2, default=str).encode()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _csv(section: Section) -> bytes:
    """UTF-8 in the form of every table we hand out: no cell is a formula (T23)."""
    rows = ([_cell(row.get(column)) for column in section.columns] for row in section.rows)
    return as_csv(section.columns, rows).encode()
