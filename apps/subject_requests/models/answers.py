"""What remains and what is handed out: packages and their links, certificates, tombstones, erasures still to come."""

import uuid
from datetime import date, datetime
from pathlib import Path
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.accounts.models import User
from apps.subject_requests.models.requests import SubjectRequest
from apps.subject_requests.states import PackageKind, PendingStatus


class PackageQuerySet(models.QuerySet["Package"]):
    def visible_to(self, user: Any) -> Self:
        """Only whoever filed the request may have its answer (T10, T21)."""
        requests = SubjectRequest.objects.visible_to(user)
        return self.filter(request__filed_by=getattr(user, "pk", None), request__in=requests.values("pk"))

    def available(self, *, at: datetime) -> Self:
        return self.filter(purged_at=None, expires_at__gt=at)

    def expired(self, *, at: datetime) -> Self:
        return self.filter(purged_at=None, expires_at__lte=at)


class Package(models.Model):
    """A sealed ZIP on disk, until 24 hours after its page was first opened and 7 days at most."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    request = models.ForeignKey(SubjectRequest, on_delete=models.CASCADE, related_name="packages")
    kind = models.CharField(max_length=15, choices=PackageKind.choices)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    first_opened_at = models.DateTimeField(null=True, blank=True)
    purged_at = models.DateTimeField(null=True, blank=True)
    size = models.PositiveBigIntegerField()  # bytes of the plain ZIP
    sha256 = models.CharField(max_length=64)  # of the plain ZIP
    manifest_sha256 = models.CharField(max_length=64)
    counts = models.JSONField(default=dict)  # {"files": n, "collections": n, "rows": n}

    objects = PackageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["request", "kind"], name="package_one_a_kind"),
            models.CheckConstraint(condition=Q(kind__in=PackageKind.values), name="package_kind_known"),
            models.CheckConstraint(condition=Q(expires_at__gt=models.F("created_at")), name="package_expires"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @property
    def path(self) -> Path:
        """The name is ours, so nothing typed ever names a file."""
        return Path(settings.PACKAGE_DIR) / f"{self.pk}.sealed"

    @property
    def filename(self) -> str:
        return f"{self.request.reference}-{self.kind}.zip"


class DownloadLink(models.Model):
    """One click, one download: only the hash of the token is here, and it is spent when the last byte has left."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    package = models.ForeignKey(Package, on_delete=models.CASCADE, related_name="links")
    token_hash = models.CharField(max_length=64, unique=True)
    minted_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    minted_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True, blank=True)  # a download is under way
    spent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(spent_at=None) | Q(claimed_at__isnull=False), name="link_spent_by_a_claim"
            )
        ]

    def __str__(self) -> str:
        return str(self.pk)


class Certificate(models.Model):
    """What was done, per line and per store, with salted digests: the salt is in the requester's download alone."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    request = models.OneToOneField(SubjectRequest, on_delete=models.CASCADE, related_name="certificate")
    issued_at = models.DateTimeField()
    document = models.JSONField()
    sha256 = models.CharField(max_length=64)  # of the document's canonical JSON

    def __str__(self) -> str:
        return str(self.pk)


class Tombstone(models.Model):
    """A keyed digest that outlives the erased person: it recognises rows that a restore brings back, nothing else."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    digest = models.CharField(max_length=64)
    identity_type = models.CharField(max_length=20)
    account = models.CharField(max_length=100)
    request_id = models.UUIDField()  # no foreign key: it may outlive the request
    erased_at = models.DateTimeField()
    expires_at = models.DateTimeField()  # with the last backup that could hold the rows

    class Meta:
        constraints = [models.UniqueConstraint(fields=["digest", "account", "request_id"], name="tombstone_once")]

    def __str__(self) -> str:
        return self.digest[:12]


class PendingErasureQuerySet(models.QuerySet["PendingErasure"]):
    def due(self, *, on: date, at: datetime) -> Self:
        """Their ground may have ended by `on`, and nobody holds them."""
        return self.filter(status=PendingStatus.WAITING, check_on__lte=on).filter(
            Q(lease_until=None) | Q(lease_until__lte=at)
        )

    def waiting(self) -> Self:
        return self.exclude(status=PendingStatus.ERASED)


class PendingErasure(models.Model):
    """Rows that a ground kept when the rest was erased: queued, and erased when it ends, without anyone asking."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    request = models.ForeignKey(SubjectRequest, on_delete=models.CASCADE, related_name="pending_erasures")
    store = models.CharField(max_length=63)
    collection = models.CharField(max_length=200)
    capacity = models.CharField(max_length=10)
    count = models.PositiveBigIntegerField()
    ground = models.CharField(max_length=100)
    kind = models.CharField(max_length=15)
    until = models.DateField(null=True, blank=True)  # the first of these rows is free after this day
    until_latest = models.DateField(null=True, blank=True)
    check_on = models.DateField()
    queued_at = models.DateTimeField()
    scope = models.BinaryField()  # sealed: whom to look for once the request's own identifiers are gone
    status = models.CharField(max_length=10, choices=PendingStatus.choices, default=PendingStatus.WAITING)
    lease_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    plan_hash = models.CharField(max_length=64, blank=True)  # the system's plan, on the same approval
    erased_at = models.DateTimeField(null=True, blank=True)
    erased_count = models.PositiveBigIntegerField(default=0)

    objects = PendingErasureQuerySet.as_manager()

    class Meta:
        ordering = ["until", "collection"]
        constraints = [
            models.UniqueConstraint(fields=["request", "store", "collection", "ground"], name="pending_once"),
            models.CheckConstraint(condition=Q(status__in=PendingStatus.values), name="pending_status_known"),
            models.CheckConstraint(
                condition=Q(status=PendingStatus.ERASED, erased_at__isnull=False)
                | (~Q(status=PendingStatus.ERASED) & Q(erased_at=None)),
                name="pending_erased_has_instant",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.collection} {self.ground}"
