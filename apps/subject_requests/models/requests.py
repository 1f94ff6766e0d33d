"""The request, its parts by capacity, their pauses, and the identifiers it is about."""

import uuid
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Min, OuterRef, Prefetch, Q, Subquery, Value, When, Window
from django.db.models.functions import Coalesce, RowNumber
from django.urls import reverse

from apps.accounts.models import CustomerAccount, Membership, StaffRole, User
from apps.accounts.states import MemberRole, Role
from apps.core import crypto
from apps.core.identities import Identity, IdentityType, mask
from apps.subject_requests.states import (
    OPEN,
    About,
    Capacity,
    Channel,
    ExtensionReason,
    Outcome,
    PauseKind,
    RefusalGround,
    Right,
    Status,
    Verification,
)

OPEN_VALUES = sorted(status.value for status in OPEN)


class SubjectRequestQuerySet(models.QuerySet["SubjectRequest"]):
    def visible_to(self, user: Any) -> Self:
        """Officers and the data protection officer see all; a person sees their own, and, with the role for it, those
        about end users of their accounts. Never a colleague's request about themselves. Everyone else sees nothing."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if StaffRole.objects.filter(user=user.pk, role__in=[Role.OFFICER, Role.DPO]).exists():
            return self
        shared = Membership.objects.filter(user=user.pk, role__in=[MemberRole.PRIVACY, MemberRole.OWNER])
        end_users = Q(about=About.END_USER, account__in=shared.values("account"))
        own = Q(about=About.OWN, filed_by=user.pk)
        return self.filter(end_users | own)

    def open(self) -> Self:
        return self.filter(status__in=OPEN_VALUES)

    def closed(self) -> Self:
        return self.filter(status=Status.CLOSED)

    def overdue(self, *, at: datetime) -> Self:
        """Open, with a part that has no outcome and whose last day ended before `at`."""
        late = Part.objects.filter(outcome="", ends_at__lte=at)
        return self.open().filter(pk__in=late.values("request"))

    def due_between(self, start: date, end: date) -> Self:
        """Open, with a part due on a day from `start` to `end`, both included."""
        due = Part.objects.filter(outcome="", due_on__range=(start, end))
        return self.open().filter(pk__in=due.values("request"))

    def with_due(self) -> Self:
        """`next_due_on`: of the earliest part that has no outcome yet (null once closed)."""
        # Grouped by the request: sorted by due date, the planner may walk all open parts for each of them.
        unanswered = Part.objects.filter(request=OuterRef("pk"), outcome="").order_by().values("request")
        return self.annotate(next_due_on=Subquery(unanswered.annotate(due=Min("due_on")).values("due")))

    def for_list(self) -> Self:
        return self.select_related("account", "filed_by").prefetch_related("parts").with_due()

    def for_desk(self) -> Self:
        """The officers' queue: by the legal due date, the earliest first; what is closed comes last.

        `account_name` and `officer` (nobody is an empty name) stand for the rows behind them, which a list of hundreds
        need not make; sealed words stay where they are. Whoever asks policies adds `with_people()`.
        """
        parts = Prefetch("parts", Part.objects.defer("extension_words", "refusal_words", "counts"))
        names = {"account_name": F("account__name"), "officer": Coalesce("assigned_to__full_name", Value(""))}
        listed = self.prefetch_related(parts).with_due().annotate(**names)
        return listed.order_by(F("next_due_on").asc(nulls_last=True), "received_at", "pk")

    def with_people(self) -> Self:
        """Whom policies ask about: who filed it, who works on it, the account."""
        return self.select_related("account", "filed_by", "assigned_to")

    def first_of_each_status(self, length: int) -> Self:
        """At most `length` requests in each status, the earliest due first: the lanes of a board, in one query."""
        place = Window(RowNumber(), partition_by="status", order_by=["next_due_on", "received_at", "pk"])
        return self.annotate(place=place).filter(place__lte=length)

    def for_page(self) -> Self:
        people = ("account", "filed_by", "assigned_to", "prepared_by", "approved_by", "verified_by")
        related = ("parts__pauses", "identifiers", "messages__author", "store_tasks", "pending_erasures")
        return self.select_related(*people).prefetch_related(*related).with_due()

    def naming(self, identities: Iterable[Identity]) -> Self:
        """Requests about somebody who is known by one of these identities."""
        return self._naming(crypto.lookup(identity) for identity in identities)

    def naming_whom(self, subject_request: "SubjectRequest") -> Self:
        """Other requests that share an identifier with this one."""
        return self._naming(row.lookup for row in subject_request.identifiers.all()).exclude(pk=subject_request.pk)

    def _naming(self, lookups: Iterable[str]) -> Self:
        named = SubjectIdentifier.objects.filter(lookup__in=list(lookups))
        return self.filter(pk__in=named.values("request"))

    def nearest_to(self, subject_request: "SubjectRequest") -> Self:
        """Those of its own account first, open ones before closed ones, the newest first."""
        listed = self.select_related("filed_by", "assigned_to").prefetch_related("parts", "identifiers")
        is_ours, is_open = Q(account=subject_request.account_id), Q(status__in=OPEN_VALUES)
        return listed.order_by(
            *(Case(When(first, then=0), default=1) for first in (is_ours, is_open)), "-received_at", "pk"
        )

    def among(self, references: Iterable[str]) -> Self:
        return self.filter(reference__in=list(references))

    def waiting(self) -> Self:
        return self.filter(status=Status.WAITING_FOR_REQUESTER)

    def assigned_to(self, user: Any) -> Self:
        return self.filter(assigned_to=user.pk)

    def unassigned(self) -> Self:
        return self.filter(assigned_to=None)


def _person(**options: Any) -> models.ForeignKey:
    return models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", **options)


class SubjectRequest(models.Model):
    """What somebody asked. `status` has one writer (services.moves); how it ended stands on its parts."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    reference = models.CharField(max_length=20, unique=True)
    right = models.CharField(max_length=20, choices=Right.choices)
    about = models.CharField(max_length=10, choices=About.choices)
    channel = models.CharField(max_length=10, choices=Channel.choices, default=Channel.DASHBOARD)
    status = models.CharField(max_length=25, choices=Status.choices, default=Status.RECEIVED)
    language = models.CharField(max_length=10, default="en", choices=settings.LANGUAGES)
    jurisdiction = models.CharField(max_length=2, default="NL")
    received_at = models.DateTimeField()
    asked_customer_on = models.DateField(null=True, blank=True)  # when the end user asked the customer, if it said so
    closed_at = models.DateTimeField(null=True, blank=True)
    filed_by = _person()
    account = models.ForeignKey(CustomerAccount, on_delete=models.PROTECT, related_name="+")
    form_key = models.CharField(max_length=64)  # the browser's: a form sent twice is one request
    verified_by = _person(null=True, blank=True)  # an officer; null with `verified_at`: by session and second factor
    verified_at = models.DateTimeField(null=True, blank=True)
    verification = models.CharField(max_length=25, choices=Verification.choices, blank=True)
    assigned_to = _person(null=True, blank=True)
    prepared_by = _person(null=True, blank=True)
    prepared_at = models.DateTimeField(null=True, blank=True)
    approved_by = _person(null=True, blank=True)
    approved_at = models.DateTimeField(null=True, blank=True)
    plan_hash = models.CharField(max_length=64, blank=True)  # datamap's plan: what goes, what stays and why
    waiting_since = models.DateTimeField(null=True, blank=True)
    duplicate_of = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="duplicates")
    follows = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="followed_by")
    forgotten_at = models.DateTimeField(null=True, blank=True)  # when the identifying half went

    objects = SubjectRequestQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["filed_by", "form_key"], name="request_filed_once"),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="request_status_known"),
            models.CheckConstraint(condition=Q(right__in=Right.values), name="request_right_known"),
            models.CheckConstraint(condition=Q(about__in=About.values), name="request_about_known"),
            models.CheckConstraint(condition=Q(channel__in=Channel.values), name="request_channel_known"),
            models.CheckConstraint(
                condition=Q(status=Status.CLOSED, closed_at__isnull=False)
                | (~Q(status=Status.CLOSED) & Q(closed_at=None)),
                name="request_closed_has_instant",
            ),
            models.CheckConstraint(
                condition=Q(approved_by=None) | (Q(prepared_by__isnull=False) & ~Q(approved_by=F("filed_by"))),
                name="request_approver_is_not_requester",
            ),
            # Four eyes (T7), refused in the database too.
            models.CheckConstraint(
                condition=~Q(right=Right.ERASURE)
                | Q(approved_by=None)
                | (~Q(approved_by=F("prepared_by")) & (Q(verified_by=None) | ~Q(approved_by=F("verified_by")))),
                name="request_erasure_has_four_eyes",
            ),
            models.CheckConstraint(
                condition=~Q(right=Right.ERASURE)
                | ~Q(status=Status.EXECUTING)
                | (Q(approved_by__isnull=False) & ~Q(plan_hash="")),
                name="request_erasure_executes_approved",
            ),
        ]
        indexes = [
            models.Index(fields=["account", "-received_at"], name="request_account"),
            models.Index(fields=["filed_by", "-received_at"], name="request_filed_by"),
            models.Index(fields=["status", "received_at"], name="request_status"),
        ]

    def __str__(self) -> str:
        return self.reference

    def get_absolute_url(self) -> str:
        return reverse("subject_requests:detail", args=[self.reference])

    @property
    def key(self) -> str:
        """How the ledger and the outbox name this request."""
        return f"{self._meta.label_lower}:{self.pk}"

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_VALUES

    @property
    def is_unanswered(self) -> bool:
        """Closed because the requester was silent, and still knowing whom it was about: a reply goes on from here."""
        outcomes = {part.outcome for part in self.parts.all()}
        return not self.is_open and self.forgotten_at is None and Outcome.NO_ANSWER in outcomes

    @property
    def status_for_requester(self) -> str:
        return Status(self.status).words_for_requester


class Part(models.Model):
    """A request's share in one capacity, with its own clock and outcome."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    request = models.ForeignKey(SubjectRequest, on_delete=models.CASCADE, related_name="parts")
    capacity = models.CharField(max_length=10, choices=Capacity.choices)
    received_on = models.DateField()
    due_on = models.DateField()
    unrolled_on = models.DateField()  # before it was moved off a weekend or holiday
    ends_at = models.DateTimeField()  # the first instant after the last day
    extended_at = models.DateTimeField(null=True, blank=True)
    extension_reason = models.CharField(max_length=20, choices=ExtensionReason.choices, blank=True)
    extension_words = models.BinaryField(default=b"", blank=True)  # sealed
    outcome = models.CharField(max_length=25, choices=Outcome.choices, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    refusal_ground = models.CharField(max_length=25, choices=RefusalGround.choices, blank=True)
    refusal_words = models.BinaryField(default=b"", blank=True)  # sealed
    counts = models.JSONField(default=dict)  # {"found": n} or {"erased": n, "anonymised": n, "kept": n}

    class Meta:
        ordering = ["capacity"]
        constraints = [
            models.UniqueConstraint(fields=["request", "capacity"], name="part_one_a_capacity"),
            models.CheckConstraint(condition=Q(capacity__in=Capacity.values), name="part_capacity_known"),
            models.CheckConstraint(condition=Q(due_on__gte=F("received_on")), name="part_due_after_receipt"),
            models.CheckConstraint(condition=Q(due_on__gte=F("unrolled_on")), name="part_rolled_forward"),
            models.CheckConstraint(condition=Q(outcome__in=["", *Outcome.values]), name="part_outcome_known"),
            models.CheckConstraint(
                condition=Q(outcome="", closed_at=None) | (~Q(outcome="") & Q(closed_at__isnull=False)),
                name="part_outcome_has_instant",
            ),
            models.CheckConstraint(
                condition=Q(outcome__in=[Outcome.REFUSED, Outcome.INSTRUCTION_DECLINED])
                & Q(refusal_ground__in=RefusalGround.values)
                | ~Q(outcome__in=[Outcome.REFUSED, Outcome.INSTRUCTION_DECLINED]) & Q(refusal_ground=""),
                name="part_refusal_has_ground",
            ),
            # GDPR 28(3): a customer's instruction is neither extended nor refused as excessive.
            models.CheckConstraint(
                condition=Q(capacity=Capacity.CONTROLLER)
                | (
                    Q(extended_at=None)
                    & ~Q(outcome=Outcome.REFUSED)
                    & ~Q(refusal_ground__in=[RefusalGround.EXCESSIVE, RefusalGround.MANIFESTLY_UNFOUNDED])
                ),
                name="part_processor_never_refuses",
            ),
            models.CheckConstraint(
                condition=Q(extended_at=None, extension_reason="")
                | (Q(extended_at__isnull=False) & ~Q(extension_reason="")),
                name="part_extension_has_reason",
            ),
        ]
        indexes = [models.Index(fields=["due_on"], name="part_open_due", condition=Q(outcome=""))]

    def __str__(self) -> str:
        return f"{self.request_id} {self.capacity}"

    @property
    def is_open(self) -> bool:
        return not self.outcome

    @property
    def refusal_reasons(self) -> str:
        """The officer's words to the requester; empty when the part was not refused."""
        return _unsealed(self.refusal_words, f"part:{self.pk}:refusal")

    @property
    def extension_reasons(self) -> str:
        return _unsealed(self.extension_words, f"part:{self.pk}:extension")


def _unsealed(sealed: bytes | memoryview, bound_to: str) -> str:
    return crypto.unseal(bytes(sealed), bound_to=bound_to) if sealed else ""


class Pause(models.Model):
    """The clock of a part stands still: only on an officer's written doubt, never for a routine code or for silence."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    part = models.ForeignKey(Part, on_delete=models.CASCADE, related_name="pauses")
    kind = models.CharField(max_length=20, choices=PauseKind.choices)
    asked_on = models.DateField()
    received_on = models.DateField(null=True, blank=True)  # when enough of an answer came
    doubt = models.BinaryField()  # sealed: what exactly was doubted
    by = _person()

    class Meta:
        ordering = ["asked_on"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=PauseKind.values), name="pause_kind_known"),
            models.CheckConstraint(
                condition=Q(received_on=None) | Q(received_on__gte=F("asked_on")), name="pause_ends_after_it_began"
            ),
            models.UniqueConstraint(fields=["part"], condition=Q(received_on=None), name="pause_one_running"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.asked_on}"


class SubjectIdentifierQuerySet(models.QuerySet["SubjectIdentifier"]):
    def seal(self, subject_request: SubjectRequest, identities: Iterable[Identity]) -> list["SubjectIdentifier"]:
        """Store each identity sealed, with its blind index; the same one twice is one."""
        rows = []
        for line, identity in enumerate(dict.fromkeys(identities), start=1):
            row = SubjectIdentifier(
                request=subject_request,
                line=line,
                type=identity.type.value,
                lookup=crypto.lookup(identity),
                account=subject_request.account.platform_account_id,
            )
            row.value = crypto.seal(identity.value, bound_to=str(row.pk))
            rows.append(row)
        return self.bulk_create(rows)  # type: ignore[return-value,arg-type]

    def about(self, identity: Identity) -> Self:
        return self.filter(lookup=crypto.lookup(identity))


class SubjectIdentifier(models.Model):
    """One identity of the person a request is about: sealed, found again by its blind index only."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    request = models.ForeignKey(SubjectRequest, on_delete=models.CASCADE, related_name="identifiers")
    line = models.PositiveIntegerField()
    type = models.CharField(max_length=20, choices=[(kind.value, kind.value) for kind in IdentityType])
    value = models.BinaryField()  # AES-256-GCM, bound to the row's id
    lookup = models.CharField(max_length=64, db_index=True)
    account = models.CharField(max_length=100)  # the tenant on the platform

    objects = SubjectIdentifierQuerySet.as_manager()

    class Meta:
        ordering = ["line"]
        constraints = [
            models.UniqueConstraint(fields=["request", "lookup"], name="identifier_once_a_request"),
            models.CheckConstraint(
                condition=Q(type__in=[kind.value for kind in IdentityType]), name="identifier_type_known"
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)  # never the value: this string reaches logs

    @property
    def identity(self) -> Identity:
        """In the clear: for searching, and for people who gave a reason."""
        return Identity(IdentityType(self.type), crypto.unseal(bytes(self.value), bound_to=str(self.pk)))

    @property
    def masked(self) -> str:
        return mask(self.identity)

    @property
    def type_label(self) -> str:
        return IdentityType(self.type).label
