"""People who ask and people who answer, and requests at the step a test begins with: filed through the services."""

from datetime import UTC, datetime, timedelta
from itertools import count

import factory

from apps.accounts.models import CustomerAccount, Membership, StaffRole, User
from apps.accounts.states import MemberRole, Role
from apps.core.identities import Identity, IdentityType
from apps.subject_requests import services
from apps.subject_requests.states import About, Right, Status

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)  # a Monday
RECIPIENT = Identity(IdentityType.PHONE_NUMBER, "+31612345678")
_form_keys = count()


class PersonFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"person{n}@acme.example")
    full_name = "A Person"
    phone_number = factory.Sequence(lambda n: f"+3162{n:07d}")
    created_at = email_verified_at = phone_verified_at = NOW - timedelta(days=90)

    class Params:
        officer = factory.Trait(role=factory.PostGeneration(lambda user, create, extracted: _grant(user, Role.OFFICER)))
        dpo = factory.Trait(role=factory.PostGeneration(lambda user, create, extracted: _grant(user, Role.DPO)))
        admin = factory.Trait(role=factory.PostGeneration(lambda user, create, extracted: _grant(user, Role.ADMIN)))
        auditor = factory.Trait(role=factory.PostGeneration(lambda user, create, extracted: _grant(user, Role.AUDITOR)))


def _grant(user, role):
    StaffRole.objects.create(user=user, role=role, granted_at=NOW)


class AccountFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = CustomerAccount

    name = factory.Sequence(lambda n: f"Company {n}")
    platform_account_id = factory.Sequence(lambda n: str(7000 + n))
    created_at = activated_at = NOW - timedelta(days=90)


def member(account, role=MemberRole.PRIVACY, **values):
    """Somebody who belongs to the account; by default who speaks for it about its end users."""
    user = PersonFactory(**values)
    Membership.objects.create(user=user, account=account, role=role, since=NOW)
    return user


def filed(right=Right.ERASURE, *, about=About.END_USER, account=None, by=None, identities=(RECIPIENT,), at=NOW, **more):
    """A request as `open_request` files it."""
    account = account or AccountFactory()
    by = by or member(account)
    return services.open_request(
        right=right,
        about=about,
        account=account,
        filed_by=by,
        form_key=f"form-{next(_form_keys)}",
        now=at,
        identities=identities if about == About.END_USER else (),
        authority_stated=about == About.END_USER,
        **more,
    )


def in_progress(right=Right.ERASURE, *, officer=None, **values):
    """A request that an officer has taken up."""
    subject_request = filed(right, **values)
    officer = officer or PersonFactory(officer=True)
    return services.assign_request(subject_request, to=officer, by=officer, now=values.get("at", NOW))


def at_status(status, right=Right.ACCESS):
    """A request in the given status, by the shortest honest way; closed ones were withdrawn."""
    subject_request = in_progress(right) if status is not Status.RECEIVED else filed(right)
    officer = subject_request.assigned_to
    match status:
        case Status.WAITING_FOR_REQUESTER:
            return services.ask_requester(subject_request, text="Which number?", by=officer, now=NOW)
        case Status.IDENTITY_PENDING:
            return services.doubt_identity(subject_request, doubt="Is it you?", by=officer, now=NOW)
        case Status.AWAITING_APPROVAL | Status.EXECUTING:
            subject_request = services.prepare_request(subject_request, by=officer, now=NOW)
            if status is Status.EXECUTING:
                subject_request = services.approve_request(subject_request, by=officer, now=NOW)
        case Status.CLOSED:
            return services.withdraw_request(subject_request, by=subject_request.filed_by, now=NOW)
    return subject_request
