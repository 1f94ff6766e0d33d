"""People and accounts for tests of every app."""

import hashlib
import secrets
from datetime import UTC, datetime

import factory
from allauth.account.models import EmailAddress
from factory.django import DjangoModelFactory

from apps.accounts.models import ApiToken, CustomerAccount, Membership, StaffRole, User
from apps.accounts.states import MemberRole, Role, TokenScope

LONG_AGO = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
PASSWORD = "correct horse battery staple"


class UserFactory(DjangoModelFactory):
    """A person whose contact points are confirmed. Traits: officer, admin, dpo, auditor, unconfirmed."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"person{n}@acme.example")
    full_name = factory.Sequence(lambda n: f"Person {n}")
    phone_number = factory.Sequence(lambda n: f"+3161{n:07d}")
    created_at = LONG_AGO
    email_verified_at = LONG_AGO
    phone_verified_at = LONG_AGO

    class Params:
        officer = factory.Trait(role=factory.RelatedFactory("tests.accounts.factories.StaffRoleFactory", "user"))
        admin = factory.Trait(
            role=factory.RelatedFactory("tests.accounts.factories.StaffRoleFactory", "user", role=Role.ADMIN)
        )
        dpo = factory.Trait(
            role=factory.RelatedFactory("tests.accounts.factories.StaffRoleFactory", "user", role=Role.DPO)
        )
        auditor = factory.Trait(
            role=factory.RelatedFactory("tests.accounts.factories.StaffRoleFactory", "user", role=Role.AUDITOR)
        )
        unconfirmed = factory.Trait(email_verified_at=None, phone_verified_at=None)

    @factory.post_generation
    def password(self, create, extracted, **kwargs):
        self.set_password(extracted or PASSWORD)
        self.save(update_fields=["password"])

    @factory.post_generation
    def address(self, create, extracted, **kwargs):
        if self.email_verified_at:
            EmailAddress.objects.create(user=self, email=self.email, primary=True, verified=True)


class StaffRoleFactory(DjangoModelFactory):
    class Meta:
        model = StaffRole

    user = factory.SubFactory(UserFactory)
    role = Role.OFFICER
    granted_at = LONG_AGO


class CustomerAccountFactory(DjangoModelFactory):
    class Meta:
        model = CustomerAccount

    name = factory.Sequence(lambda n: f"Company {n}")
    platform_account_id = factory.Sequence(lambda n: str(5000 + n))
    created_at = LONG_AGO
    activated_at = LONG_AGO


class MembershipFactory(DjangoModelFactory):
    class Meta:
        model = Membership

    user = factory.SubFactory(UserFactory)
    account = factory.SubFactory(CustomerAccountFactory)
    role = MemberRole.MEMBER
    since = LONG_AGO


def token_text():
    return "pp_" + secrets.token_urlsafe(32)


class TokenFactory(DjangoModelFactory):
    """A token that opens everything for ten years, made by an owner. Its text: `TokenFactory(text=token_text())`."""

    class Meta:
        model = ApiToken
        exclude = ("text", "owner")

    text = factory.LazyFunction(token_text)
    account = factory.SubFactory(CustomerAccountFactory)
    owner = factory.SubFactory(MembershipFactory, account=factory.SelfAttribute("..account"), role=MemberRole.OWNER)
    created_by = factory.LazyAttribute(lambda token: token.owner.user)
    name = factory.Sequence(lambda n: f"System {n}")
    prefix = factory.LazyAttribute(lambda token: token.text[:11])
    digest = factory.LazyAttribute(lambda token: hashlib.sha256(token.text.encode()).hexdigest())
    scopes = factory.LazyFunction(lambda: list(TokenScope.values))
    created_at = LONG_AGO
    expires_at = datetime(2036, 1, 5, 9, 0, tzinfo=UTC)
