"""What proves that a request was answered: its entries in the ledger, and the digests of what was planned and handed
out. It names nobody (DSR-6)."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.ledger.models import Entry
from apps.ledger.services import is_intact
from apps.subject_requests.models import Certificate, SubjectRequest
from apps.subject_requests.states import PackageKind

SHORT = 12  # hex digits that tell two digests of one page apart


def proof_of(subject_request: SubjectRequest, entries: Sequence[Entry], *, user: User, limit: int) -> dict[str, Any]:
    """`entries` are the latest of the request's entries, at most `limit`; when they are all, nothing more is asked."""
    about = Entry.objects.visible_to(user).about(subject_request.key)
    is_whole = len(entries) < limit
    ends = [entries[-1] if is_whole else about.earliest("id"), entries[0]] if entries else []
    return {
        "count": len(entries) if is_whole else about.count(),
        "ends": [{"number": entry.pk, "at": entry.at, "leaf": bytes(entry.leaf).hex()[:SHORT]} for entry in ends],
        "checked": len(entries),
        "is_intact": all(is_intact(entry) for entry in entries),
        "digests": [
            {"label": label, "short": digest[:SHORT], "whole": digest} for label, digest in _digests(subject_request)
        ],
    }


def _digests(subject_request: SubjectRequest) -> list[tuple[Any, str]]:
    digests = [(_("The plan"), subject_request.plan_hash)] if subject_request.plan_hash else []
    packed = subject_request.packages.order_by("created_at").values_list("kind", "sha256")
    digests += [(str(PackageKind(kind).label), sha256) for kind, sha256 in packed]
    documents = Certificate.objects.filter(request=subject_request.pk).values_list("sha256", flat=True)
    return [*digests, *((_("The certificate’s document"), sha256) for sha256 in documents)]
