"""Answering an access request: one snapshot of every store, packed, sealed, and only then said to be there."""

import os
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import transaction

from apps.core import crypto
from apps.datamap import services as datamap
from apps.ledger.services import record
from apps.subject_requests.models import Package, StoreTask, SubjectRequest
from apps.subject_requests.services.delivery import LIFETIME
from apps.subject_requests.services.moves import _close_part, _lock
from apps.subject_requests.services.moves import _move as _move_request
from apps.subject_requests.services.package import Built, build_package
from apps.subject_requests.services.planning import EVERY_STORE, scope_of
from apps.subject_requests.services.store_tasks import _move, hold_task
from apps.subject_requests.services.tell import tell_requester
from apps.subject_requests.states import Capacity, Outcome, PackageKind, Status, TaskStatus


def pack_answer(task: StoreTask, *, now: datetime) -> bool:
    """Search, build, seal to disk under this attempt's name; whoever still holds the task gives it its own and commits.

    A worker that slept over its lease must not lay its file over the one that was answered with meanwhile.
    """
    request = SubjectRequest.objects.select_related("account").get(pk=task.request_id)
    scope = scope_of(request)
    findings = datamap.find(scope, now=now)
    built = build_package(request, _without_own_trace(findings), scope.identities, now=now)
    part = package_path(task).with_suffix(f".{task.attempts}.part")
    part.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        return settle_package(task, built, crypto.seal_stream([built.content], part), part, now=now)
    finally:
        part.unlink(missing_ok=True)


def package_path(task: StoreTask) -> Path:
    """Where the answer lies: the package has the task's id."""
    return Path(settings.PACKAGE_DIR) / f"{task.pk}.sealed"


def _without_own_trace(findings: datamap.Findings) -> datamap.Findings:
    """The request itself is no finding: without this nobody could ever be told that nothing is held."""
    own = [key for key in findings.rows if key.startswith("portal_subject_requests:")]
    rows = {key: value for key, value in findings.rows.items() if key not in own}
    return datamap.Findings(rows=rows, collections=findings.collections, not_entered=findings.not_entered)


def write_sealed(content: bytes, path: Path) -> str:
    """Seal to a file beside it and rename: whoever looks finds a whole package or none. Returns the plain SHA-256."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_suffix(f".{os.getpid()}.part")
    sha256 = crypto.seal_stream([content], part)
    os.replace(part, path)
    return sha256


@transaction.atomic
def settle_package(task: StoreTask, built: Built, sha256: str, part: Path, *, now: datetime) -> bool:
    """Outcomes, ledger line, package row and notice in one transaction; False when another run has done it."""
    held = hold_task(task)
    if held is None:
        return False
    request = _lock(held.request)
    if request.status != Status.EXECUTING:
        return False
    _publish(task, part)
    _move(
        held, TaskStatus.EXECUTED, executed_at=now, error_code="", counts={EVERY_STORE: {"found": built.counts["rows"]}}
    )
    _move(held, TaskStatus.CONFIRMED, confirmed_at=now)
    Package.objects.create(
        pk=task.pk,
        request=request,
        kind=PackageKind.ACCESS,
        created_at=now,
        expires_at=now + LIFETIME,
        size=len(built.content),
        sha256=sha256,
        manifest_sha256=built.manifest_sha256,
        counts=built.counts,
    )
    facts = built.counts | {"manifest": built.manifest_sha256}
    record(actor="system", verb="subject_request.packed", target=request, at=now, **facts)
    close_access(request, built.rows_by_capacity, now=now)
    return True


def _publish(task: StoreTask, part: Path) -> None:
    """Under the task's lock: this attempt's file is the answer, and what killed attempts left goes."""
    path = package_path(task)
    os.replace(part, path)
    for left in path.parent.glob(f"{task.pk}.*.part"):
        left.unlink(missing_ok=True)


def close_access(subject_request: SubjectRequest, rows: dict[str, int], *, now: datetime) -> SubjectRequest:
    """Each part ends with what was found in its capacity."""
    for part in subject_request.parts.filter(outcome=""):
        found = rows.get(part.capacity, 0)
        done = Outcome.FULFILLED if part.capacity == Capacity.CONTROLLER else Outcome.INSTRUCTION_EXECUTED
        part.request = subject_request
        _close_part(part, done if found else Outcome.NOTHING_HELD, actor="system", at=now, counts={"found": found})
    moved = _move_request(subject_request, Status.CLOSED, actor="system", at=now)
    tell_requester(moved, "answered", now=now, found=sum(rows.values()), expires_on=(now + LIFETIME).date())
    return moved
