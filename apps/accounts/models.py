"""People who sign in, the customer accounts they act for, and the provider's staff."""

import uuid
from typing import Any, ClassVar, Self

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models


class UserManager(BaseUserManager["User"]):
    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)


class User(AbstractBaseUser):
    """Somebody who signs in. The e-mail address is stored in its canonical form (core.identities)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(unique=True)
    full_name = models.CharField(max_length=150)
    phone_number = models.CharField(max_length=20, blank=True)  # E.164
    phone_verified = models.BooleanField(default=False)
    language = models.CharField(max_length=10, default="en", choices=settings.LANGUAGES)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["full_name"]

    def __str__(self) -> str:
        return str(self.pk)  # never the address: this string reaches logs

    @property
    def key(self) -> str:
        """How the ledger names this person."""
        return f"user:{self.pk}"


class CustomerAccountQuerySet(models.QuerySet["CustomerAccount"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(pk__in=Membership.objects.filter(user=user.pk, user__is_active=True).values("account"))


class CustomerAccount(models.Model):
    """A company that uses the platform; the controller of its end users' data."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200)
    platform_account_id = models.CharField(max_length=100, unique=True)  # the tenant on the platform
    created_at = models.DateTimeField()

    objects = CustomerAccountQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class MemberRole(models.TextChoices):
    MEMBER = "member", "member"
    PRIVACY = "privacy", "privacy"
    OWNER = "owner", "owner"


class Membership(models.Model):
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    account = models.ForeignKey(CustomerAccount, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=MemberRole.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "account"], name="one_membership_an_account"),
            models.CheckConstraint(condition=models.Q(role__in=MemberRole.values), name="member_role_known"),
        ]


class Role(models.TextChoices):
    OFFICER = "officer", "privacy officer"
    ADMIN = "admin", "admin"
    DPO = "dpo", "data protection officer"
    AUDITOR = "auditor", "auditor"


class StaffRole(models.Model):
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="staff_roles")
    role = models.CharField(max_length=10, choices=Role.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "role"], name="one_staff_role_each"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="staff_role_known"),
        ]
