"""Handing a leaving customer its data (GDPR Article 28(3)(g)): one sealed package, written row by row.

It holds what is processed for the customer and what is kept for the contract with it: per collection a JSON and a CSV
file, and a manifest with the digest and the number of rows of each. Rows go from a cursor on the store's server through
the ZIP into the sealed file; secrets that let people in (passwords, tokens) stay behind.
"""

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.core import crypto
from apps.core.archives import ArchiveStream
from apps.core.errors import DomainError
from apps.core.spreadsheets import as_csv, csv_lines
from apps.datamap import services as datamap
from apps.ledger.services import record
from apps.retention.models import Departure, Rule
from apps.retention.states import Basis, Capacity, DepartureChoice, DepartureStatus

SECRETS = ("user.authorization",)
AT_WORK = timedelta(minutes=10)  # a file that grew within this time has somebody who writes it
ORPHAN_AGE = timedelta(hours=1)
OUR_FILE = re.compile(r"departure-[0-9a-f-]{36}\.(sealed|[0-9a-f]{32}\.part)")  # nothing else there is ever touched


@dataclass(frozen=True)
class Download:
    """What the page streams."""

    filename: str
    chunks: Iterator[bytes]


def waiting_for_package() -> Iterable[Departure]:
    """Read-only departures whose package is still to be made."""
    waiting = Departure.objects.filter(status=DepartureStatus.READ_ONLY, choice=DepartureChoice.RETURN)
    return waiting.filter(returned_at=None).order_by("service_ends_on", "pk")


def return_data(departure: Departure, *, now: datetime) -> Departure | None:
    """Make the package and say that it is there; None when somebody else is at it, or has done it meanwhile.

    It is written under a name of this attempt and becomes the departure's in one transaction: whoever is killed in the
    middle leaves a part that `purge_return_files` removes. Raises `StoreUnavailable`.
    """
    folder = Path(settings.PACKAGE_DIR)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if _is_being_made(departure, folder, now=now):
        return None
    part, stream = folder / f"departure-{departure.pk}.{uuid4().hex}.part", _Package(departure, now)
    try:
        digest = crypto.seal_stream(stream.pieces(), part)
        return _settle(departure, part, digest, stream, now=now)
    finally:
        part.unlink(missing_ok=True)


def _is_being_made(departure: Departure, folder: Path, *, now: datetime) -> bool:
    fresh = (now - AT_WORK).timestamp()
    return any(part.stat().st_mtime > fresh for part in folder.glob(f"departure-{departure.pk}.*.part"))


@transaction.atomic
def _settle(departure: Departure, part: Path, digest: str, stream: "_Package", *, now: datetime) -> Departure | None:
    held = Departure.objects.select_for_update(of=("self",)).get(pk=departure.pk)
    if held.status != DepartureStatus.READ_ONLY or held.returned_at is not None:
        return None
    held.package, held.package_digest, held.returned_at = f"departure-{held.pk}.sealed", digest, now
    held.save(update_fields=["package", "package_digest", "returned_at"])
    facts = {"package": digest, "rows": stream.rows, "collections": len(stream.collections)}
    record(actor="system", verb="retention.departure_packed", target=held, at=now, **facts)
    os.replace(part, part.with_name(held.package))
    return held


def path_of(departure: Departure) -> Path | None:
    """The sealed file, while it is there."""
    path = Path(settings.PACKAGE_DIR) / departure.package if departure.package else None
    return path if path is not None and path.is_file() else None


@transaction.atomic
def open_package(departure: Departure, *, by: User, now: datetime) -> Download:
    """Take the package; the evidence says who did. The caller has checked the fresh factor. Raises `DomainError`."""
    path = path_of(departure)
    if path is None:
        raise DomainError("package_gone", _("The package is gone: it could be had until the erasure began."))
    record(actor=by.key, verb="retention.departure_downloaded", target=departure, at=now)
    return Download(f"data-{slugify(departure.platform_account_id)}.zip", crypto.unseal_stream(path))


def drop_package(departure: Departure) -> None:
    """Remove the file; its digest stays on the row. The caller saves `departure`."""
    path = path_of(departure)
    if path is not None:
        path.unlink(missing_ok=True)
    departure.package = ""


def purge_return_files(*, now: datetime) -> int:
    """Files that belong to no departure: parts of killed workers, and packages whose row says otherwise."""
    folder = Path(settings.PACKAGE_DIR)
    if not folder.is_dir():
        return 0
    living = set(Departure.objects.exclude(package="").values_list("package", flat=True))
    old = (now - ORPHAN_AGE).timestamp()
    ours = [file for file in folder.iterdir() if OUR_FILE.fullmatch(file.name) and file.name not in living]
    orphans = [file for file in ours if file.stat().st_mtime < old]
    for file in orphans:
        file.unlink(missing_ok=True)
    return len(orphans)


class _Package:
    """One package on its way; afterwards `collections` says what is in it."""

    def __init__(self, departure: Departure, now: datetime) -> None:
        self.departure, self.now = departure, now
        self.archive = ArchiveStream(now)
        self.collections: list[dict[str, Any]] = []

    @property
    def rows(self) -> int:
        return sum(one["rows"] for one in self.collections)

    def pieces(self) -> Iterator[bytes]:
        """The ZIP's bytes, made while they are taken."""
        with datamap.reading_belongings(self.departure.platform_account_id) as found:
            returned = [key for key, info in found.infos.items() if is_returned(info, _of_the_contract())]
            for number, key in enumerate(returned, start=1):
                yield from self._collection(found, key, number)
        manifest = json.dumps(self._manifest(), ensure_ascii=False, indent=2).encode()
        yield from self.archive.add("manifest.json", [manifest])
        yield from self.archive.close()

    def _collection(self, found: datamap.Belongings, key: str, number: int) -> Iterator[bytes]:
        """Twice through one snapshot: the files hold the same rows, and neither lies in memory."""
        info, left_out = found.infos[key], found.columns_of(key, SECRETS)
        stem = f"data/{number:03d}-{slugify(info.dataset)[:40]}-{slugify(key.partition(':')[2])[:40]}"
        columns = [name for name in found.columns(key) if name not in left_out]
        counted = _Counted(lambda: found.chunks(key, without=SECRETS))
        yield from self.archive.add(f"{stem}.json", _json(counted.chunks()))
        yield from self.archive.add(f"{stem}.csv", _csv(columns, found.chunks(key, without=SECRETS)))
        files = [one for one in self.archive.files if one["path"].startswith(f"{stem}.")]
        facts = {"collection": key, "capacity": info.capacity, "rows": counted.rows, "left_out": left_out}
        self.collections.append(facts | {"files": files})

    def _manifest(self) -> dict[str, Any]:
        return {
            "format": "privacy-portal return package 1",
            "account": self.departure.platform_account_id,
            "service_ends_on": self.departure.service_ends_on.isoformat(),
            "made_at": self.now.isoformat(),
            "digest": "SHA-256",
            "collections": self.collections,
            "counts": {"collections": len(self.collections), "rows": self.rows},
        }


class _Counted:
    """Chunks that are counted as they pass."""

    def __init__(self, start: Callable[[], Iterator[list[dict[str, Any]]]]) -> None:
        self._start, self.rows = start, 0

    def chunks(self) -> Iterator[list[dict[str, Any]]]:
        for rows in self._start():
            self.rows += len(rows)
            yield rows


def _of_the_contract() -> set[str]:
    """Rules for what we keep because of the contract with the customer (GDPR Article 6(1)(b))."""
    return set(Rule.objects.current().filter(legal_basis=Basis.CONTRACT).values_list("key", flat=True))


def is_returned(info: datamap.CollectionInfo, of_the_contract: set[str]) -> bool:
    """What is processed for the customer, and what is kept for the contract with it. Our own records (traffic kept
    against misuse, marketing, books) are none of it."""
    return info.capacity == Capacity.PROCESSOR or bool(of_the_contract & set(info.retention))


def _json(chunks: Iterable[list[dict[str, Any]]]) -> Iterator[bytes]:
    yield b"["
    before = "\n"
    for rows in chunks:
        lines = (json.dumps(row, ensure_ascii=False, default=str) for row in rows)
        yield (before + ",\n".join(lines)).encode()
        before = ",\n"
    yield b"\n]\n"


def _csv(columns: list[str], chunks: Iterable[list[dict[str, Any]]]) -> Iterator[bytes]:
    """No cell is a formula for a spreadsheet (T23)."""
    lines = (csv_lines([_cell(row.get(name)) for name in columns] for row in rows) for rows in chunks)
    return (text.encode() for text in chain([as_csv(columns, ())], lines))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
