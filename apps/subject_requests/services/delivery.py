"""Handing out an answer: one link a click, spent when the last byte left, gone from disk when its time is up."""

import hashlib
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.core import crypto
from apps.core.errors import DomainError
from apps.ledger.services import record
from apps.subject_requests import policies
from apps.subject_requests.models import DownloadLink, Package

LIFETIME = timedelta(days=7)
AFTER_FIRST_OPENED = timedelta(hours=24)
LINK_LIFETIME = timedelta(minutes=15)
CLAIM_LEASE = timedelta(minutes=30)  # a download whose process died may be tried again after this
ORPHAN_AGE = timedelta(hours=1)
OUR_FILE = re.compile(r"[0-9a-f-]{36}\.(sealed|\d+\.part)")  # nothing else in the folder is ever touched


class LinkSpent(DomainError):
    """The link was used, or its time is up, or the file is gone: 410."""

    def __init__(self) -> None:
        super().__init__("link_spent", _("This download link was used or is too old. Go back and make a new one."))


@dataclass(frozen=True)
class Download:
    """What the view streams: `chunks` marks the link as spent when the last byte was taken."""

    filename: str
    size: int
    chunks: Iterator[bytes]


@transaction.atomic
def open_download_page(package: Package, *, by: User, now: datetime) -> Package:
    """The first look at the download page starts the 24 hours; the 7 days never grow."""
    locked = Package.objects.select_for_update().get(pk=package.pk)
    if locked.first_opened_at is None and locked.purged_at is None and locked.expires_at > now:
        locked.first_opened_at = now
        locked.expires_at = min(locked.expires_at, now + AFTER_FIRST_OPENED)
        locked.save(update_fields=["first_opened_at", "expires_at"])
        record(actor=by.key, verb="subject_request.package_opened", target=locked.request, at=now, kind=locked.kind)
    return locked


@transaction.atomic
def mint_download_link(package: Package, *, by: User, now: datetime) -> str:
    """A token of 256 bits for one download within 15 minutes; only its hash is stored. Raises `DomainError`."""
    if not policies.can_download(by, package):
        raise DomainError("not_allowed", _("Only the person who filed the request can download the answer."))
    if package.purged_at is not None or package.expires_at <= now:
        raise DomainError("package_gone", _("The answer is gone: it could be had until its time was up."))
    package = open_download_page(package, by=by, now=now)  # whoever came by another way has opened it now
    token = secrets.token_urlsafe(32)
    expires_at = min(now + LINK_LIFETIME, package.expires_at)
    link = DownloadLink.objects.create(
        package=package, token_hash=_hash(token), minted_by=by, minted_at=now, expires_at=expires_at
    )
    record(actor=by.key, verb="subject_request.link_minted", target=package.request, at=now, link=link.pk)
    return token


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def peek_download(token: str, *, by: User, now: datetime) -> Package:
    """What a HEAD request may know; nothing is consumed. Raises `LinkSpent`."""
    return _usable(token, by=by, now=now).package


def _usable(token: str, *, by: User, now: datetime) -> DownloadLink:
    """Somebody else's token, an unknown one and a spent one are the same answer."""
    links = DownloadLink.objects.select_related("package__request__account")
    link = links.filter(token_hash=_hash(token), minted_by=by, spent_at=None, expires_at__gt=now).first()
    if link is None or not policies.can_download(by, link.package):
        raise LinkSpent
    package = link.package
    if package.purged_at is not None or package.expires_at <= now or not package.path.is_file():
        raise LinkSpent
    return link


def start_download(token: str, *, by: User, now: datetime) -> Download:
    """Claim the link: of many at once exactly one gets it. A download that breaks off frees it again; it is spent when
    the last byte has left. Raises `LinkSpent`."""
    link = _usable(token, by=by, now=now)
    free = Q(claimed_at=None) | Q(claimed_at__lte=now - CLAIM_LEASE)
    if DownloadLink.objects.filter(free, pk=link.pk, spent_at=None).update(claimed_at=now) != 1:
        raise LinkSpent
    return Download(link.package.filename, link.package.size, _stream(link, by=by, now=now))


def _stream(link: DownloadLink, *, by: User, now: datetime) -> Iterator[bytes]:
    done = False
    try:
        yield from crypto.unseal_stream(link.package.path)
        done = True
    finally:
        if done:
            _spend(link, by=by, now=now)
        else:
            DownloadLink.objects.filter(pk=link.pk, spent_at=None).update(claimed_at=None)


@transaction.atomic
def _spend(link: DownloadLink, *, by: User, now: datetime) -> None:
    if DownloadLink.objects.filter(pk=link.pk, spent_at=None).update(spent_at=now) == 1:
        package = link.package
        record(actor=by.key, verb="subject_request.downloaded", target=package.request, at=now, kind=package.kind)


@transaction.atomic
def purge_package(package: Package, *, now: datetime) -> bool:
    """Remove the file, then say so: after a crash between the two the next run finds the row and says it again."""
    locked = Package.objects.select_for_update(skip_locked=True).filter(pk=package.pk).expired(at=now).first()
    if locked is None:
        return False
    locked.path.unlink(missing_ok=True)
    locked.purged_at = now
    locked.save(update_fields=["purged_at"])
    locked.links.all().delete()
    record(actor="system", verb="subject_request.package_purged", target=locked.request, at=now, kind=locked.kind)
    return True


def purge_orphans(*, now: datetime) -> int:
    """Files without a living row: what a worker left that was killed between file and row, and half-written ones."""
    folder = Path(settings.PACKAGE_DIR)
    if not folder.is_dir():
        return 0
    living = {package.path.name for package in Package.objects.filter(purged_at=None)}
    old = (now - ORPHAN_AGE).timestamp()
    ours = [file for file in folder.iterdir() if OUR_FILE.fullmatch(file.name) and file.name not in living]
    orphans = [file for file in ours if file.stat().st_mtime < old]
    for file in orphans:
        file.unlink(missing_ok=True)
    return len(orphans)
