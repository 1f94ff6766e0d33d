"""Who sees a request, and who may do what with it: domain.md, "Who"."""

import pytest

from apps.accounts.states import MemberRole
from apps.subject_requests import policies
from apps.subject_requests.models import SubjectRequest
from apps.subject_requests.states import About, Right, Status
from tests.subject_requests.factories import AccountFactory, PersonFactory, at_status, filed, member

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    acme, globex = AccountFactory(), AccountFactory()
    return {
        "requester": member(acme, MemberRole.PRIVACY),
        "member": member(acme, MemberRole.MEMBER),
        "privacy": member(acme, MemberRole.PRIVACY),
        "owner": member(acme, MemberRole.OWNER),
        "stranger": member(globex, MemberRole.OWNER),
        "officer": PersonFactory(officer=True),
        "dpo": PersonFactory(dpo=True),
        "admin": PersonFactory(admin=True),
        "auditor": PersonFactory(auditor=True),
    } | {"account": acme}


def seen_by(people):
    names = [name for name in people if name != "account"]
    return {name for name in names if SubjectRequest.objects.visible_to(people[name]).exists()}


@pytest.mark.threat("T2")
@pytest.mark.threat("T5")
def test_a_request_about_an_end_user_is_seen_by_who_speaks_for_the_account(people):
    filed(Right.ACCESS, account=people["account"], by=people["requester"])
    assert seen_by(people) == {"requester", "privacy", "owner", "officer", "dpo"}


@pytest.mark.req("ACC-5")
def test_a_request_about_oneself_is_invisible_to_colleagues(people):
    filed(Right.ACCESS, about=About.OWN, account=people["account"], by=people["requester"])
    assert seen_by(people) == {"requester", "officer", "dpo"}


@pytest.mark.threat("T6")
def test_who_was_disabled_or_lost_the_role_sees_nothing_from_the_next_request_on(people):
    filed(Right.ACCESS, account=people["account"], by=people["requester"])
    people["officer"].staff_roles.all().delete()
    people["dpo"].is_active = False
    people["privacy"].memberships.all().delete()
    assert seen_by(people) == {"requester", "owner"}


def test_an_anonymous_visitor_sees_nothing():
    from django.contrib.auth.models import AnonymousUser

    filed()
    assert not SubjectRequest.objects.visible_to(AnonymousUser()).exists()


ACTS = ["assign", "ask_requester", "prepare", "approve", "send_back", "close_as_duplicate", "reveal", "withdraw"]
WHEN = {
    "assign": set(Status) - {Status.CLOSED},
    "ask_requester": {Status.RECEIVED, Status.IN_PROGRESS},
    "prepare": {Status.IN_PROGRESS},
    "approve": {Status.AWAITING_APPROVAL},
    "send_back": {Status.AWAITING_APPROVAL},
    "close_as_duplicate": {
        Status.RECEIVED,
        Status.IDENTITY_PENDING,
        Status.WAITING_FOR_REQUESTER,
        Status.IN_PROGRESS,
    },
    "reveal": set(Status),
    "withdraw": set(Status) - {Status.EXECUTING, Status.CLOSED},
}


@pytest.mark.parametrize("status", Status)
def test_officers_work_and_requesters_withdraw_where_the_step_allows_it(status):
    subject_request = at_status(status)
    officer, requester = PersonFactory(officer=True), subject_request.filed_by
    outsiders = [PersonFactory(dpo=True), PersonFactory(admin=True), PersonFactory(auditor=True), PersonFactory()]
    for act in ACTS:
        may = getattr(policies, f"can_{act}")
        doer, other = (requester, officer) if act == "withdraw" else (officer, requester)
        assert may(doer, subject_request) == (status in WHEN[act]), act
        assert not any(may(person, subject_request) for person in [other, *outsiders]), act


@pytest.mark.parametrize("role", ["officer", "dpo", "admin", "auditor"])
def test_the_desk_is_for_officers_and_the_data_protection_officer_reads_along(role):
    user = PersonFactory(**{role: True})
    assert policies.can_see_desk(user) == (role in {"officer", "dpo"})


@pytest.mark.threat("T7")
def test_an_officer_does_not_work_on_a_request_of_their_own():
    account = AccountFactory()
    officer = member(account, MemberRole.MEMBER, officer=True)
    subject_request = filed(Right.ACCESS, about=About.OWN, account=account, by=officer)
    assert not policies.can_assign(officer, subject_request)
    assert not policies.can_see_officer_side(officer, subject_request)
    assert policies.can_withdraw(officer, subject_request)


@pytest.mark.threat("T7")
def test_one_person_with_two_accounts_is_one_pair_of_eyes():
    one = PersonFactory(phone_number="+31620000009")
    assert policies.is_same_person(one, PersonFactory(phone_number="+31620000009"))
    assert not policies.is_same_person(one, PersonFactory(phone_number="+31620000009", phone_verified_at=None))
    assert not policies.is_same_person(one, PersonFactory())
    assert not policies.is_same_person(one, None)
