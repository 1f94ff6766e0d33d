"""People, the customer accounts they act for, and what they may do."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from apps.accounts.states import Channel, Language, MemberRole, Role, TokenScope

__all__ = [
    "ApiToken",
    "CustomerAccount",
    "Invitation",
    "Limit",
    "MemberRole",
    "Membership",
    "Role",
    "StaffRole",
    "StepUpCode",
    "User",
]


class UserQuerySet(models.QuerySet["User"]):
    def get_by_natural_key(self, email: str) -> User:
        """Django's sign-in looks people up by this; addresses are kept in lower case."""
        return self.get(email=email.lower())

    def active(self) -> UserQuerySet:
        return self.filter(is_active=True)

    def staff(self) -> UserQuerySet:
        """People with at least one staff role."""
        return self.filter(staff_roles__isnull=False).distinct()

    def visible_to(self, user: User) -> UserQuerySet:
        """Everybody sees themselves; administrators and the DPO see the staff too."""
        own = Q(pk=user.pk)
        if {Role.ADMIN, Role.DPO} & user.roles:
            own |= Q(pk__in=StaffRole.objects.values("user_id"))
        return self.filter(own)

    def acting(self, *actors: str) -> UserQuerySet:
        """The people among these actors, as the ledger names them (`user:<id>`, `system`, `command`, …)."""
        return self.filter(pk__in={each.removeprefix("user:") for each in actors if each.startswith("user:")})

    def never_confirmed(self, *, before: datetime) -> UserQuerySet:
        """Sign-ups from before that instant whose e-mail address nobody ever proved to hold."""
        return self.filter(created_at__lt=before, last_login=None, email_verified_at=None)

    def holding(self, role: str) -> UserQuerySet:
        """Those with this staff role; "" is all of them."""
        return self.filter(pk__in=StaffRole.objects.filter(role=role).values("user_id")) if role else self

    def for_list(self) -> UserQuerySet:
        """With their roles, and with what lists sort by: capitals are no reason to stand in front."""
        return self.prefetch_related("staff_roles").annotate(by_name=Lower("full_name"))


class User(AbstractBaseUser):
    """A person who signs in with an e-mail address."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(_("e-mail address"), max_length=254, unique=True)
    email_verified_at = models.DateTimeField(_("e-mail address confirmed at"), null=True, blank=True)
    full_name = models.CharField(_("full name"), max_length=150)
    phone_number = models.CharField(_("phone number"), max_length=16, blank=True)
    phone_verified_at = models.DateTimeField(_("phone number confirmed at"), null=True, blank=True)
    language = models.CharField(_("language"), max_length=5, choices=Language.choices, default=Language.EN)
    is_active = models.BooleanField(_("may sign in"), default=True)
    created_at = models.DateTimeField(_("created at"))

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserQuerySet.as_manager()

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        constraints = [
            models.CheckConstraint(condition=Q(email=Lower("email")), name="user_email_lower_case"),
            models.CheckConstraint(condition=Q(language__in=Language.values), name="user_language_known"),
            models.CheckConstraint(
                condition=Q(phone_number="") | Q(phone_number__regex=r"^\+[1-9][0-9]{5,14}$"),
                name="user_phone_number_e164",
            ),
            models.CheckConstraint(
                condition=Q(phone_verified_at=None) | ~Q(phone_number=""), name="user_verified_phone_is_there"
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)  # never the name or the address: this string reaches logs

    def get_full_name(self) -> str:
        return self.full_name

    @property
    def key(self) -> str:
        """How this person stands in the ledger."""
        return f"user:{self.pk}"

    @property
    def phone_verified(self) -> bool:
        return self.phone_verified_at is not None

    @cached_property
    def roles(self) -> frozenset[str]:
        """Staff roles, read once per instance: a request loads its user anew, so a removal acts on the next one."""
        if not self.is_active:
            return frozenset()
        return frozenset(row.role for row in self.staff_roles.all())


class CustomerAccountQuerySet(models.QuerySet["CustomerAccount"]):
    def activated(self) -> CustomerAccountQuerySet:
        return self.exclude(activated_at=None)

    def visible_to(self, user: User) -> CustomerAccountQuerySet:
        """The accounts a person belongs to; somebody else's account does not exist for them."""
        return self.filter(pk__in=Membership.objects.filter(user=user.pk, user__is_active=True).values("account_id"))


class CustomerAccount(models.Model):
    """A company that uses the platform. `platform_account_id` is its tenant id there."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("company"), max_length=200)
    platform_account_id = models.CharField(_("account id"), max_length=100, unique=True)
    created_at = models.DateTimeField(_("created at"))
    activated_at = models.DateTimeField(_("activated at"), null=True, blank=True)

    objects = CustomerAccountQuerySet.as_manager()

    class Meta:
        verbose_name = _("customer account")
        verbose_name_plural = _("customer accounts")
        constraints = [
            models.CheckConstraint(
                condition=Q(activated_at=None) | Q(activated_at__gte=F("created_at")), name="account_active_once_open"
            )
        ]

    def __str__(self) -> str:
        return self.name


class MembershipQuerySet(models.QuerySet["Membership"]):
    def visible_to(self, user: User) -> MembershipQuerySet:
        """An owner sees the team, everybody sees their own membership."""
        owned = Membership.objects.filter(user=user, role=MemberRole.OWNER).values("account_id")
        return self.filter(Q(user=user) | Q(account_id__in=owned))

    def owners(self) -> MembershipQuerySet:
        return self.filter(role=MemberRole.OWNER, user__is_active=True)

    def for_list(self) -> MembershipQuerySet:
        """With the person, and with what lists sort by: capitals are no reason to stand in front."""
        return self.select_related("user", "account").annotate(by_name=Lower("user__full_name"))


class Membership(models.Model):
    """A person acts for a customer account."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships", verbose_name=_("person"))
    account = models.ForeignKey(
        CustomerAccount, models.CASCADE, related_name="memberships", verbose_name=_("customer account")
    )
    role = models.CharField(_("role"), max_length=10, choices=MemberRole.choices, default=MemberRole.MEMBER)
    since = models.DateTimeField(_("since"))

    objects = MembershipQuerySet.as_manager()

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [
            models.UniqueConstraint(fields=["account", "user"], name="membership_once"),
            models.CheckConstraint(condition=Q(role__in=MemberRole.values), name="membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id}: {self.role}"


class StaffRole(models.Model):
    """A person works for the provider, with this role."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="staff_roles", verbose_name=_("person"))
    role = models.CharField(_("role"), max_length=10, choices=Role.choices)
    granted_at = models.DateTimeField(_("granted at"))

    class Meta:
        verbose_name = _("staff role")
        verbose_name_plural = _("staff roles")
        constraints = [
            models.UniqueConstraint(fields=["user", "role"], name="staff_role_once"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="staff_role_known"),
        ]

    def __str__(self) -> str:
        return str(self.get_role_display())


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self, *, now: datetime) -> InvitationQuerySet:
        return self.filter(accepted_at=None, expires_at__gt=now)

    def visible_to(self, user: User) -> InvitationQuerySet:
        """The person invited (by their proved address) and the owners of the account."""
        owned = Membership.objects.filter(user=user, role=MemberRole.OWNER).values("account_id")
        own = Q(email=user.email) if user.email_verified_at else Q(pk=None)
        return self.filter(own | Q(account_id__in=owned))

    def addressed_to(self, user: User) -> InvitationQuerySet:
        return self.filter(email=user.email) if user.email_verified_at else self.none()

    def for_list(self) -> InvitationQuerySet:
        return self.select_related("account")


class Invitation(models.Model):
    """An owner asks somebody to join. Whoever proves to hold the address may accept; the mail holds no secret."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(
        CustomerAccount, models.CASCADE, related_name="invitations", verbose_name=_("customer account")
    )
    email = models.EmailField(_("e-mail address"), max_length=254, db_index=True)
    role = models.CharField(_("role"), max_length=10, choices=MemberRole.choices)
    invited_at = models.DateTimeField(_("invited at"))
    expires_at = models.DateTimeField(_("expires at"))
    accepted_at = models.DateTimeField(_("accepted at"), null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        constraints = [
            models.UniqueConstraint(
                fields=["account", "email"], condition=Q(accepted_at=None), name="invitation_open_once"
            ),
            models.CheckConstraint(condition=Q(email=Lower("email")), name="invitation_email_lower_case"),
            models.CheckConstraint(condition=Q(role__in=MemberRole.values), name="invitation_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id}: {self.role}"


class StepUpCodeQuerySet(models.QuerySet["StepUpCode"]):
    def usable(self, *, now: datetime, tries: int) -> StepUpCodeQuerySet:
        return self.filter(used_at=None, expires_at__gt=now, tries__lt=tries)

    def sent_since(self, instant: datetime) -> StepUpCodeQuerySet:
        return self.filter(sent_at__gt=instant)


class StepUpCode(models.Model):
    """A code that stands in for a second factor, for one session and one purpose. Only keyed digests are kept."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+", verbose_name=_("person"))
    session = models.CharField(_("session, digest"), max_length=64)
    purpose = models.CharField(_("purpose"), max_length=100)
    channel = models.CharField(_("channel"), max_length=5, choices=Channel.choices)
    digest = models.CharField(_("code, digest"), max_length=64)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    sent_at = models.DateTimeField(_("sent at"))
    expires_at = models.DateTimeField(_("expires at"))
    used_at = models.DateTimeField(_("used at"), null=True, blank=True)

    objects = StepUpCodeQuerySet.as_manager()

    class Meta:
        verbose_name = _("step-up code")
        verbose_name_plural = _("step-up codes")
        indexes = [models.Index(fields=["user", "sent_at"], name="step_up_code_by_user")]
        constraints = [
            models.CheckConstraint(condition=Q(channel__in=Channel.values), name="step_up_channel_known"),
            models.CheckConstraint(condition=Q(expires_at__gt=F("sent_at")), name="step_up_expires_later"),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def live(self, *, now: datetime) -> ApiTokenQuerySet:
        """Those that open something: not run out, not revoked, and made by somebody who still owns the account (T6)."""
        makers = Membership.objects.owners().filter(
            account=models.OuterRef("account"), user=models.OuterRef("created_by")
        )
        in_use = self.filter(revoked_at=None, expires_at__gt=now).exclude(account__activated_at=None)
        return in_use.filter(models.Exists(makers))

    def visible_to(self, user: User) -> ApiTokenQuerySet:
        """Owners see the tokens of their account, never what is secret in them."""
        return self.filter(account_id__in=Membership.objects.owners().filter(user=user.pk).values("account_id"))

    def for_list(self) -> ApiTokenQuerySet:
        return self.select_related("created_by").annotate(by_name=Lower("name"))


class ApiToken(models.Model):
    """Lets a customer's system ask for its account. Only the digest is kept; `prefix` tells tokens apart (T34)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(CustomerAccount, models.CASCADE, related_name="+", verbose_name=_("customer account"))
    name = models.CharField(_("name"), max_length=60)
    prefix = models.CharField(_("begins with"), max_length=12)
    digest = models.CharField(_("token, digest"), max_length=64, unique=True)
    scopes = models.JSONField(_("may"))
    created_at = models.DateTimeField(_("created at"))
    created_by = models.ForeignKey(User, models.CASCADE, related_name="+", verbose_name=_("created by"))
    last_used_on = models.DateField(_("last used on"), null=True, blank=True)
    expires_at = models.DateTimeField(_("expires at"))
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        constraints = [
            models.CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="token_expires_later"),
            models.CheckConstraint(condition=Q(digest__regex=r"^[0-9a-f]{64}$"), name="token_digest_is_one"),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def scope_labels(self) -> list[str]:
        return [str(TokenScope(scope).label) for scope in self.scopes if scope in TokenScope.values]


class Limit(models.Model):
    """What the rate limits count. Django's database cache owns the rows and their shape.

    In PostgreSQL because a limit must outlive a restart and an outage of the broker (fail closed). Keys are hashed.
    """

    cache_key = models.CharField(max_length=255, primary_key=True)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("rate limit")
        verbose_name_plural = _("rate limits")

    def __str__(self) -> str:
        return self.cache_key
