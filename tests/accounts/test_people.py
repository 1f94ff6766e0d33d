"""The staff: administrators give and take roles, nobody their own."""

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from django.urls import reverse

from apps.accounts import policies
from apps.accounts.models import StaffRole, User
from apps.accounts.states import Role
from apps.ledger.models import Entry
from tests.accounts.factories import PASSWORD, UserFactory
from tests.accounts.outbox import last_code

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client, sign_in):
    return sign_in(client, UserFactory(admin=True))


def grant(client, email, role="officer"):
    return client.post(reverse("people_grant"), {"email": email, "role": role})


@pytest.mark.threat("T5")
def test_an_administrator_gives_and_takes_roles(client, admin):
    person = UserFactory(email="new@portal.example")
    assert grant(client, "New@portal.example").url == reverse("people")
    assert policies.has_role(User.objects.get(pk=person.pk), Role.OFFICER)
    client.post(reverse("people_revoke", args=[person.pk]), {"role": "officer"})
    assert not policies.is_staff_member(User.objects.get(pk=person.pk))
    told = Entry.objects.filter(verb__startswith="staff.").order_by("pk")
    assert [(entry.verb, entry.actor, entry.facts["role"]) for entry in told] == [
        ("staff.role_granted", admin.key, "officer"),
        ("staff.role_revoked", admin.key, "officer"),
    ]


@pytest.mark.threat("T7")
def test_nobody_gives_themselves_a_role(client, admin):
    grant(client, admin.email)
    assert not policies.has_role(User.objects.get(pk=admin.pk), Role.OFFICER)
    assert client.post(reverse("people_revoke", args=[admin.pk]), {"role": "admin"}).status_code == 403


@pytest.mark.threat("T37")
def test_changing_roles_needs_a_fresh_factor(client, sign_in):
    sign_in(client, UserFactory(admin=True), fresh_factor=False)
    person = UserFactory()
    assert grant(client, person.email).url.startswith(reverse("account_step_up"))
    assert not StaffRole.objects.filter(user=person).exists()


@pytest.mark.threat("T5")
@pytest.mark.parametrize(("trait", "may_look"), [("officer", False), ("dpo", True), ("auditor", False), (None, False)])
def test_others_change_no_roles(client, sign_in, trait, may_look):
    person = UserFactory(officer=True)
    sign_in(client, UserFactory(**({trait: True} if trait else {})))
    assert client.get(reverse("people")).status_code == (200 if may_look else 403)
    assert grant(client, person.email, "admin").status_code == 403
    assert client.post(reverse("people_revoke", args=[person.pk]), {"role": "officer"}).status_code == 403
    assert client.post(reverse("people_access", args=[person.pk]), {"access": "end"}).status_code == 403


@pytest.mark.threat("T6")
def test_access_ends_at_once(client, client_factory, sign_in, admin):
    person = UserFactory(officer=True)
    other = client_factory()
    sign_in(other, person)
    client.post(reverse("people_access", args=[person.pk]), {"access": "end"})
    assert other.get(reverse("account_settings")).status_code == 302
    client.post(reverse("people_access", args=[person.pk]), {"access": "give"})
    assert User.objects.get(pk=person.pk).is_active


def test_the_last_administrator_stays(client, admin):
    from apps.accounts import services
    from apps.core import clock
    from apps.core.errors import DomainError

    with pytest.raises(DomainError):
        services.revoke_role(user=admin, role=Role.ADMIN, actor="system", now=clock.now())


@pytest.mark.threat("T2")
def test_customers_are_not_listed_and_cannot_be_reached_here(client, admin):
    customer = UserFactory()
    assert customer.email not in client.get(reverse("people")).content.decode()
    assert client.post(reverse("people_access", args=[customer.pk]), {"access": "end"}).status_code == 404


@pytest.mark.parametrize(
    ("email", "role", "field"),
    [
        ("nobody@portal.example", "officer", "email"),
        ("x" * 100_000, "officer", "email"),
        ("a@b.example", "root", "role"),
    ],
    ids=["unknown", "long", "unknown role"],
)
def test_bad_input_is_refused_beside_its_field(client, admin, email, role, field):
    response = grant(client, email, role)
    assert response.status_code == 200
    assert field in response.context["form"].errors
    assert response.context["form"].data["email"] == email
    person = UserFactory(officer=True)
    assert client.post(reverse("people_revoke", args=[person.pk]), {"role": "x" * 1000}).status_code == 302
    assert client.get(reverse("people") + "?cursor=nonsense").status_code == 200


def test_the_list_takes_as_many_queries_for_thirty_people_as_for_one(client, admin):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def count():
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse("people"))
        return len(queries)

    one = count()
    UserFactory.create_batch(29, officer=True)
    assert count() == one
    assert one <= 10


def test_a_member_of_staff_without_a_phone_signs_in_after_choosing_a_password(client):
    call_command("add_staff", email="first@portal.example", name="First", role="admin")
    client.post(reverse("account_reset_password"), {"email": "first@portal.example"})
    client.post(reverse("account_confirm_password_reset_code"), {"code": last_code("first@portal.example")})
    client.post(reverse("account_complete_password_reset"), {"password1": PASSWORD})
    client.post(reverse("account_login"), {"login": "first@portal.example", "password": PASSWORD})
    assert client.get("/home/").url == reverse("mfa_activate_totp")


def test_the_first_administrator_is_made_from_the_command_line(capsys):
    call_command("add_staff", email="first@portal.example", name="First", role="admin")
    person = User.objects.get(email="first@portal.example")
    assert policies.has_role(person, Role.ADMIN)
    assert not person.has_usable_password()
    assert not Authenticator.objects.filter(user=person).exists()
    assert "first@portal.example" not in str(list(Entry.objects.values("facts", "target")))
    with pytest.raises(CommandError):
        call_command("add_staff", email="not an address", name="X", role="admin")
    with pytest.raises(CommandError):
        call_command("add_staff", email="a@b.example", name="X", role="root")
