"""The team of a customer account: owners invite, change roles, remove."""

import pytest
from django.urls import reverse

from apps.accounts import policies, services
from apps.accounts.models import Invitation, Membership
from apps.accounts.states import MemberRole
from apps.core.errors import DomainError
from apps.ledger.models import Entry
from tests.accounts.factories import CustomerAccountFactory, MembershipFactory, UserFactory
from tests.accounts.outbox import messages_to

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(client, sign_in):
    membership = MembershipFactory(role=MemberRole.OWNER)
    sign_in(client, membership.user)
    return membership


def page(membership):
    return reverse("account_team", args=[membership.account_id])


def invite(client, owner, **form):
    return client.post(page(owner), {"email": "new@acme.example", "role": "privacy"} | form)


def test_an_owner_invites_and_the_invited_person_joins(client, client_factory, sign_in, owner):
    assert invite(client, owner, email=" New@Acme.example ").url == page(owner)
    ((template, context),) = messages_to("new@acme.example")
    assert template == "invited"
    assert owner.account.name not in str(context), "T17: no text of the inviting side in mails to strangers"
    person = UserFactory(email="new@acme.example")
    other = client_factory()
    sign_in(other, person)
    invitation = Invitation.objects.get()
    assert owner.account.name in other.get(reverse("account_settings")).content.decode()
    other.post(reverse("account_accept", args=[invitation.pk]))
    assert Membership.objects.get(user=person).role == MemberRole.PRIVACY
    assert policies.can_file_for_end_users(person, owner.account)
    assert other.post(reverse("account_accept", args=[invitation.pk])).status_code == 302
    assert Membership.objects.filter(user=person).count() == 1


@pytest.mark.threat("T39")
def test_an_invitation_is_for_whoever_proved_to_hold_the_address(client_factory, sign_in, client, owner):
    invite(client, owner)
    invitation = Invitation.objects.get()
    for person in (UserFactory(), UserFactory(email="new@acme.example", unconfirmed=True)):
        other = client_factory()
        sign_in(other, person)
        assert other.post(reverse("account_accept", args=[invitation.pk])).status_code == 404


def test_an_invitation_ends_after_two_weeks(client, owner):
    invite(client, owner)
    invitation, person = Invitation.objects.get(), UserFactory(email="new@acme.example")
    with pytest.raises(DomainError):
        services.accept_invitation(invitation, user=person, now=invitation.expires_at)


def test_inviting_a_known_and_an_unknown_address_looks_the_same(client, owner):
    UserFactory(email="known@acme.example")
    replies = {invite(client, owner, email=email).url for email in ("known@acme.example", "unknown@acme.example")}
    assert replies == {page(owner)}


def test_a_withdrawn_invitation_is_gone(client, owner):
    invite(client, owner)
    invitation = Invitation.objects.get()
    client.post(reverse("account_invitation_withdraw", args=[owner.account_id, invitation.pk]))
    assert not Invitation.objects.exists()


@pytest.mark.threat("T17")
def test_nobody_is_bombed_with_invitations(client, owner):
    for _ in range(5):
        response = invite(client, owner)
    assert response.context["form"].non_field_errors()
    assert len(messages_to("new@acme.example")) == 3


def test_roles_change_and_people_leave_with_a_line_in_the_ledger(client, owner):
    member = MembershipFactory(account=owner.account)
    client.post(reverse("account_member_role", args=[owner.account_id, member.pk]), {"role": "privacy"})
    member.refresh_from_db()
    assert member.role == MemberRole.PRIVACY
    client.post(reverse("account_member_remove", args=[owner.account_id, member.pk]))
    assert not Membership.objects.filter(pk=member.pk).exists()
    assert list(Entry.objects.filter(verb__startswith="team.").order_by("pk").values_list("verb", flat=True)) == [
        "team.role_changed",
        "team.member_removed",
    ]


def test_an_account_keeps_an_owner(client, owner):
    for name, data in (("account_member_remove", {}), ("account_member_role", {"role": "member"})):
        client.post(reverse(name, args=[owner.account_id, owner.pk]), data)
    owner.refresh_from_db()
    assert owner.role == MemberRole.OWNER


@pytest.mark.threat("T2")
def test_somebody_elses_account_does_not_exist(client, owner):
    theirs = MembershipFactory(role=MemberRole.OWNER)
    random = reverse("account_team", args=["00000000-0000-4000-8000-000000000000"])
    assert client.get(page(theirs)).status_code == client.get(random).status_code == 404
    for name in ("account_member_role", "account_member_remove"):
        assert client.post(reverse(name, args=[theirs.account_id, theirs.pk]), {"role": "member"}).status_code == 404
        crossed = reverse(name, args=[owner.account_id, theirs.pk])
        assert client.post(crossed, {"role": "member"}).status_code == 404


@pytest.mark.threat("T4")
@pytest.mark.parametrize("role", [MemberRole.MEMBER, MemberRole.PRIVACY])
def test_only_owners_manage_the_team(client, sign_in, role):
    membership = MembershipFactory(role=role)
    sign_in(client, membership.user)
    assert client.get(page(membership)).status_code == 403
    own = reverse("account_member_role", args=[membership.account_id, membership.pk])
    assert client.post(own, {"role": "owner"}).status_code == 403
    client.post(reverse("account_settings"), {"full_name": "Eve", "language": "en", "role": "owner", "is_active": "1"})
    membership.refresh_from_db()
    assert membership.role == role


def test_roles_decide_who_files_for_end_users():
    account = CustomerAccountFactory()
    may = {
        role: policies.can_file_for_end_users(MembershipFactory(account=account, role=role).user, account)
        for role in MemberRole
    }
    assert may == {MemberRole.MEMBER: False, MemberRole.PRIVACY: True, MemberRole.OWNER: True}
    waiting = MembershipFactory(account__activated_at=None, role=MemberRole.OWNER)
    assert not policies.can_file_for_end_users(waiting.user, waiting.account)
    gone = MembershipFactory(account=account, role=MemberRole.OWNER, user__is_active=False)
    assert not policies.can_file_for_end_users(gone.user, account)


@pytest.mark.threat("T33")
@pytest.mark.parametrize(
    ("email", "role", "field"),
    [
        ("x" * 100_000, "member", "email"),
        ("", "member", "email"),
        ("a@b.example", "officer", "role"),
        ("a@b.example", "", "role"),
    ],
    ids=["long", "empty", "unknown role", "no role"],
)
def test_bad_input_is_refused_beside_its_field(client, owner, email, role, field):
    response = invite(client, owner, email=email, role=role)
    assert response.status_code == 200
    assert field in response.context["form"].errors
    assert (
        client.post(reverse("account_member_role", args=[owner.account_id, owner.pk]), {"role": "\u202e"}).status_code
        == 302
    )
    assert client.get(page(owner) + "?cursor=" + "x" * 5000).status_code == 200


def test_the_list_takes_as_many_queries_for_thirty_people_as_for_one(client, owner):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def count():
        with CaptureQueriesContext(
            connection,
        ) as queries:
            client.get(page(owner))
        return len(queries)

    one = count()
    MembershipFactory.create_batch(29, account=owner.account)
    assert count() == one
    assert one <= 12


def test_the_page_names_people_by_name(client, owner):
    member = MembershipFactory(account=owner.account, user__full_name="<script>alert(1)</script>")
    text = client.get(page(owner)).content.decode()
    assert "<script>alert(1)" not in text
    assert member.user.email in text
