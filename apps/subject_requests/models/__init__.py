"""What people ask, where the work on it is, and what they were answered."""

from apps.subject_requests.models.answers import Certificate, DownloadLink, Package, PendingErasure, Tombstone
from apps.subject_requests.models.calendar import CalendarFeed
from apps.subject_requests.models.requests import (
    Part,
    Pause,
    SubjectIdentifier,
    SubjectRequest,
    SubjectRequestQuerySet,
)
from apps.subject_requests.models.work import Alert, Message, Reveal, StoreTask

__all__ = [
    "Alert",
    "CalendarFeed",
    "Certificate",
    "DownloadLink",
    "Message",
    "Package",
    "Part",
    "Pause",
    "PendingErasure",
    "Reveal",
    "StoreTask",
    "SubjectIdentifier",
    "SubjectRequest",
    "SubjectRequestQuerySet",
    "Tombstone",
]
