"""Hints at other requests about the same person: what officers and requesters are told, and what they are not."""

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import Membership
from apps.accounts.states import MemberRole
from apps.core.identities import Identity, IdentityType
from apps.subject_requests import services
from apps.subject_requests.models import SubjectRequest
from apps.subject_requests.states import About, Right, Status
from tests.subject_requests.factories import (
    NOW,
    RECIPIENT,
    AccountFactory,
    PersonFactory,
    at_status,
    filed,
    in_progress,
    member,
)

pytestmark = pytest.mark.django_db
OTHER = Identity(IdentityType.PHONE_NUMBER, "+31687654321")
CHECK = "/requests/new/check/"


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(NOW, tick=True):
        yield


@pytest.fixture
def account():
    return AccountFactory(name="Acme Parcel")


@pytest.fixture
def officer(client, sign_in):
    return sign_in(client, PersonFactory(officer=True))


def page_of(subject_request):
    return reverse("desk:detail", args=[subject_request.reference])


def hints(client, subject_request):
    related = client.get(page_of(subject_request)).context["related"]
    return {group: [hint["reference"] for hint in found] for group, found in related.items() if found}


def earlier(right=Right.ERASURE, **values):
    return in_progress(right, at=NOW - timedelta(days=3), **values)


# --- beside a request at the desk ------------------------------------------------------------------------------------


def test_an_open_request_that_asks_the_same_is_probably_the_same(client, officer, account):
    first, second = earlier(account=account), in_progress(account=account)
    assert hints(client, second) == {"same": [first.reference]}
    assert hints(client, first) == {"same": [second.reference]}


def test_the_hint_opens_the_step_that_joins_the_later_one_to_the_earlier(client, officer, account):
    first, second = earlier(account=account), in_progress(account=account)
    way = f"{page_of(second)}?step=duplicate&of={first.reference}"
    for subject_request in (first, second):
        (hint,) = client.get(page_of(subject_request)).context["related"]["same"]
        assert hint["join"] == way
    page = client.get(way).content.decode()
    assert f'value="{first.reference}"' in page
    assert '<details class="step" data-step="duplicate" open>' in page
    client.post(reverse("desk:act", args=[second.reference, "duplicate"]), {"of": first.reference})
    assert SubjectRequest.objects.get(pk=second.pk).duplicate_of == first
    assert hints(client, first) == {"links": [second.reference]}
    assert hints(client, second) == {"links": [first.reference]}


def test_no_way_to_join_is_offered_where_somebody_would_go_without_an_answer(client, officer, account):
    earlier(account=account)
    second = in_progress(account=account, identities=(RECIPIENT, OTHER))  # names one person more than the first
    (hint,) = client.get(page_of(second)).context["related"]["same"]
    assert hint["join"] == ""


def test_the_data_protection_officer_reads_the_hint_and_is_offered_no_step(client, sign_in, account):
    earlier(account=account)
    second = in_progress(account=account)
    sign_in(client, PersonFactory(dpo=True))
    (hint,) = client.get(page_of(second)).context["related"]["same"]
    assert hint["join"] == ""


def test_what_asks_something_else_or_is_closed_is_another_request_of_the_same_person(client, officer, account):
    subject_request = in_progress(account=account)
    copy = earlier(Right.ACCESS, account=account)
    closed = earlier(account=account)
    services.withdraw_request(closed, by=closed.filed_by, now=NOW)
    found = hints(client, subject_request)
    assert set(found) == {"other"}
    assert found["other"] == [copy.reference, closed.reference]  # what is open comes first


@pytest.mark.threat("T20")
def test_of_another_account_the_desk_tells_the_reference_and_nothing_else(client, officer, account):
    subject_request = in_progress(account=account)
    elsewhere = earlier(Right.ACCESS, account=AccountFactory(name="Globex Retail"))
    assert hints(client, subject_request) == {"elsewhere": [elsewhere.reference]}
    hint = client.get(page_of(subject_request)).context["related"]["elsewhere"][0]
    assert set(hint) == {"reference", "url"}
    assert "Globex" not in client.get(page_of(subject_request)).content.decode()


def test_somebody_else_is_no_hint(client, officer, account):
    subject_request = in_progress(account=account)
    in_progress(account=account, identities=(OTHER,))
    assert hints(client, subject_request) == {}
    assert "Related requests" not in client.get(page_of(subject_request)).content.decode()


@pytest.mark.threat("T7")
def test_an_officers_own_request_is_not_told_to_them(client, officer, account):
    colleague = member(account, phone_number=officer.phone_number)  # the same person, another sign-in
    filed(account=account, by=colleague)
    assert hints(client, in_progress(account=account)) == {}


def test_once_the_identifiers_are_gone_nothing_is_related(client, officer, account):
    closed = earlier(account=account)
    services.withdraw_request(closed, by=closed.filed_by, now=NOW)
    services.forget_identifiers(closed, now=NOW + timedelta(days=8))
    in_progress(account=account)
    assert hints(client, closed) == {}


def test_a_page_tells_of_ten_at_most_and_costs_no_query_more(client, officer, account):
    subject_request = in_progress(account=account)
    earlier(account=account)

    def cost():
        with CaptureQueriesContext(connection) as queries:
            assert client.get(page_of(subject_request)).status_code == 200
        return len(queries)

    cost()
    one = cost()
    for _ in range(11):
        earlier(account=account)
    assert cost() == one
    assert len(hints(client, subject_request)["same"]) == 10


# --- before a request is sent ----------------------------------------------------------------------------------------


def check_page(client, *, right="erasure", about="end_user", lines=RECIPIENT.value):
    for slug, data in {
        "right": {"right": right},
        "about": {"about": about},
        "identifiers": {"lines": lines},
        "asked": {},
    }.items():
        client.post(f"/requests/new/{slug}/", data)
    return client.get(CHECK)


def told(response):
    return [each.reference for each in response.context["already"]]


def test_whoever_asks_the_same_again_is_told_and_may_send_it_all_the_same(client, sign_in, account):
    user = sign_in(client, member(account))
    first = filed(account=account, by=user)
    page = check_page(client)
    assert told(page) == [first.reference]
    assert "You can send this one all the same." in page.content.decode()
    client.post(CHECK, {"authority": "on"})
    assert SubjectRequest.objects.count() == 2


def test_a_colleagues_request_about_the_same_end_user_is_told_to_who_may_see_it(client, sign_in, account):
    first = filed(account=account, by=member(account))
    sign_in(client, member(account))
    assert told(check_page(client)) == [first.reference]


@pytest.mark.parametrize("other", [{"right": "access"}, {"lines": OTHER.value}, {"about": "own"}])
def test_another_right_or_another_person_is_another_request(client, sign_in, account, other):
    user = sign_in(client, member(account))
    filed(account=account, by=user)
    assert told(check_page(client, **other)) == []


def test_what_is_closed_is_not_told(client, sign_in, account):
    closed = at_status(Status.CLOSED, Right.ERASURE)
    sign_in(client, closed.filed_by)
    assert told(check_page(client)) == []


@pytest.mark.threat("T2")
@pytest.mark.threat("T20")
def test_another_companys_request_about_the_person_is_never_told(client, sign_in, account):
    filed()
    sign_in(client, member(account))
    assert told(check_page(client)) == []


@pytest.mark.threat("T20")
def test_who_speaks_for_two_companies_is_told_of_the_one_they_ask_for(client, sign_in, account):
    user = sign_in(client, member(account))
    other = AccountFactory(name="Zeta")
    Membership.objects.create(user=user, account=other, role=MemberRole.PRIVACY, since=NOW)
    elsewhere, here = filed(account=other, by=user), filed(account=account, by=user)
    check_page(client)
    for chosen, reference in ((account, here.reference), (other, elsewhere.reference)):
        client.post("/requests/new/account/", {"account": str(chosen.pk)})
        assert told(client.get(CHECK)) == [reference]


@pytest.mark.threat("T2")
def test_about_oneself_only_ones_own_request_is_told(client, sign_in, account):
    user = member(account)
    twin = member(account, role=MemberRole.MEMBER, phone_number=user.phone_number)  # proved the same number
    filed(about=About.OWN, account=account, by=twin)
    sign_in(client, user)
    assert told(check_page(client, about="own")) == []
    own = filed(about=About.OWN, account=account, by=user)
    assert told(check_page(client, about="own")) == [own.reference]


@pytest.mark.threat("T2")
def test_an_officer_who_is_a_customer_too_is_told_their_own_alone(client, sign_in, account):
    officer = member(account, officer=True)
    twin = member(account, phone_number=officer.phone_number)
    filed(about=About.OWN, account=account, by=twin)
    sign_in(client, officer)
    assert told(check_page(client, about="own")) == []
