"""Staff, teams and sessions as lists; and what is asked once more before it is done."""

import csv
import io
from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.backends.db import SessionStore
from django.urls import reverse

from apps.accounts.models import Membership, StaffRole, User
from apps.accounts.sessions import open_sessions
from apps.accounts.states import MemberRole
from apps.core import clock
from tests.accounts.factories import MembershipFactory, StaffRoleFactory, UserFactory
from tests.accounts.test_sign_in import password_step

pytestmark = pytest.mark.django_db
PEOPLE, SESSIONS, END = reverse("people"), reverse("usersessions_list"), reverse("usersessions_end")


@pytest.fixture
def admin(client, sign_in):
    return sign_in(client, UserFactory(admin=True, full_name="Ada"))


@pytest.fixture
def owner(client, sign_in):
    membership = MembershipFactory(role=MemberRole.OWNER, user__full_name="Olga")
    sign_in(client, membership.user)
    return membership


def rows(client, address, **query):
    return client.get(address, query).context["table"].rows


def signed_in_elsewhere(user, number=1, proof=None):
    session = SessionStore()
    session.update({"_auth_user_id": str(user.pk), "_auth_user_hash": proof or user.get_session_auth_hash()})
    session.save()
    return UserSession.objects.create(
        user=user, session_key=session.session_key, ip="192.0.2.7", user_agent=f"Browser {number:02d}"
    )


def test_staff_is_sorted_found_by_role_and_downloaded(client, admin):
    both = UserFactory(officer=True, full_name="bo")
    StaffRoleFactory(user=both, role="auditor")
    UserFactory(full_name="Cy", auditor=True, is_active=False)

    def names(**query):
        return [person.full_name for person in rows(client, PEOPLE, **query)]

    assert names() == ["Ada", "bo", "Cy"]
    assert names(sort="-name") == ["Cy", "bo", "Ada"]
    assert names(role="auditor") == ["bo", "Cy"]
    assert names(role="root") == names()
    text = client.get(PEOPLE, {"role": "auditor", "format": "csv"}).getvalue().decode("utf-8-sig")
    _header, first, second = csv.reader(io.StringIO(text))
    assert first == ["bo", both.email, "Privacy officer, Auditor", "May sign in"]
    assert second[2:] == ["Auditor", "Ended"]


@pytest.mark.threat("T5")
@pytest.mark.parametrize(("trait", "status"), [("officer", 403), ("auditor", 403), ("dpo", 200)])
def test_the_file_of_staff_is_for_those_who_see_the_page(client, sign_in, trait, status):
    sign_in(client, UserFactory(**{trait: True}))
    assert client.get(PEOPLE, {"format": "csv"}).status_code == status


@pytest.mark.parametrize("file", ["", "csv"])
def test_staff_costs_as_many_queries_for_thirty_as_for_one(client, admin, django_assert_max_num_queries, file):
    UserFactory.create_batch(29, officer=True)
    with django_assert_max_num_queries(7):  # session, person, roles, second factor, staff, their roles, second page
        response = client.get(PEOPLE, {"format": file})
        response.getvalue() if response.streaming else response.content
    assert StaffRole.objects.count() == 30


def test_taking_a_role_is_asked_once_more_and_names_person_and_role(client, admin):
    person = UserFactory(officer=True, full_name="Bo")
    url = f"{reverse('people_revoke', args=[person.pk])}?role=officer"
    assert f'href="{url}"' in client.get(PEOPLE).content.decode()
    asked = client.get(url).content.decode()
    assert "Bo no longer has the role “Privacy officer”" in asked
    assert f'<form method="post" action="{url}"' in asked
    assert StaffRole.objects.filter(user=person).exists()
    client.post(url)
    assert not StaffRole.objects.filter(user=person).exists()


@pytest.mark.threat("T33")
@pytest.mark.parametrize("role", ["", "admin", "root", "%3Cscript%3E"])
def test_a_role_that_the_person_does_not_hold_is_not_asked_about(client, admin, role):
    person = UserFactory(officer=True)
    assert client.get(f"{reverse('people_revoke', args=[person.pk])}?role={role}").url == PEOPLE


def test_ending_access_is_asked_once_more_and_giving_it_back_is_not(client, admin):
    person = UserFactory(officer=True, full_name="Bo")
    url = reverse("people_access", args=[person.pk])
    asked = client.get(url).content.decode()
    assert "Bo is signed out everywhere" in asked
    assert f'action="{url}?access=end"' in asked
    client.post(f"{url}?access=end")
    assert not User.objects.get(pk=person.pk).is_active
    assert 'name="access" value="give"' in client.get(PEOPLE).content.decode()
    client.post(url, {"access": "give"})
    assert User.objects.get(pk=person.pk).is_active


@pytest.mark.threat("T37")
def test_asking_needs_no_fresh_factor_and_doing_does(client, sign_in):
    sign_in(client, UserFactory(admin=True), fresh_factor=False)
    person = UserFactory(officer=True)
    for url in (
        f"{reverse('people_revoke', args=[person.pk])}?role=officer",
        f"{reverse('people_access', args=[person.pk])}?access=end",
    ):
        assert client.get(url).status_code == 200
        assert client.post(url).url.startswith(reverse("account_step_up"))
    assert User.objects.get(pk=person.pk).is_active
    assert StaffRole.objects.filter(user=person).exists()


def test_the_team_is_sorted_and_each_person_can_be_removed_after_a_question(client, owner):
    member = MembershipFactory(account=owner.account, user__full_name="anna")
    MembershipFactory(user__full_name="Somebody elsewhere")
    team = reverse("account_team", args=[owner.account_id])
    names = [row.user.full_name for row in rows(client, team, sort="-name")]
    assert names == ["Olga", "anna"]
    assert [row.role for row in rows(client, team, sort="role")] == ["member", "owner"]
    url = reverse("account_member_remove", args=[owner.account_id, member.pk])
    page = client.get(team).content.decode()
    assert f'href="{url}" data-opens="remove-{member.pk}">' in page
    assert "format=csv" not in page
    asked = client.get(url).content.decode()
    assert "anna no longer sees the account’s requests" in asked
    assert Membership.objects.filter(pk=member.pk).exists()
    client.post(url)
    assert not Membership.objects.filter(pk=member.pk).exists()


@pytest.fixture
def person(client):
    """Signed in with a password, as people do it: that makes a session of theirs."""
    person = UserFactory()
    password_step(client, person)
    return person


def test_sessions_are_those_in_which_one_is_signed_in_now(client, person):
    signed_in_elsewhere(person, 1)
    signed_in_elsewhere(person, 2, proof="of an older password")
    signed_in_elsewhere(UserFactory(), 3)
    ended = signed_in_elsewhere(person, 4)
    SessionStore(ended.session_key).delete()
    found = rows(client, SESSIONS)
    assert {row.user_agent for row in found if not row.is_here} == {"Browser 01"}
    assert len(found) == 2
    assert [row.is_here for row in found].count(True) == 1


def test_the_other_sessions_end_after_a_question(client, person):
    assert END not in client.get(SESSIONS).content.decode(), "there is nothing to end"
    signed_in_elsewhere(person)
    stranger = signed_in_elsewhere(UserFactory())
    assert f'href="{END}" data-opens="end"' in client.get(SESSIONS).content.decode()
    assert "End all other sessions?" in client.get(END).content.decode()
    assert len(rows(client, SESSIONS)) == 2
    page = client.post(END, follow=True).content.decode()
    assert "All other sessions were ended." in page
    assert [row.is_here for row in rows(client, SESSIONS)] == [True]
    assert UserSession.objects.filter(pk=stranger.pk).exists()


def test_a_session_runs_out(person):
    signed_in_elsewhere(person)
    now = clock.now()
    assert open_sessions(person, now=now).count() == 2
    assert open_sessions(person, now=now + timedelta(days=30)).count() == 0


@pytest.mark.parametrize("count", [1, 30])
def test_sessions_cost_as_many_queries_for_thirty_as_for_one(client, person, django_assert_num_queries, count):
    for number in range(count):
        signed_in_elsewhere(person, number)
    with django_assert_num_queries(SESSIONS_QUERIES):
        assert client.get(SESSIONS, {"size": 100}).status_code == 200


SESSIONS_QUERIES = 5  # session, person, roles, stored sessions, the page of them
