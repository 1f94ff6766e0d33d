"""The calendar feed: ids and dates for whoever holds its address, and nothing once that ended."""

import re
from datetime import date, timedelta

import pytest
import time_machine
from django.db import IntegrityError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext
from icalendar import Calendar

from apps.accounts.models import StaffRole
from apps.core.errors import DomainError
from apps.ledger.models import Entry
from apps.subject_requests import services
from apps.subject_requests.models import CalendarFeed
from apps.subject_requests.states import About, Right, Status
from tests.subject_requests.factories import NOW, AccountFactory, PersonFactory, at_status, filed, in_progress, member

pytestmark = pytest.mark.django_db
MAKE, REVOKE, PAGE = "/desk/calendar/", "/desk/calendar/revoke/", "/desk/overview/"


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def officer():
    return PersonFactory(officer=True, full_name="Olga Officer", email="olga@portal.example")


@pytest.fixture
def token(officer):
    return services.make_calendar_feed(by=officer, now=NOW)


def fetch(token):
    """As a calendar does: without a session."""
    return Client().get(reverse("desk:calendar", args=[token]))


def events(token):
    return Calendar.from_ical(fetch(token).content).walk("VEVENT")


@pytest.mark.req("DSR-4")
def test_each_open_part_is_a_whole_day_with_the_way_to_its_page(token):
    subject_request = filed()
    at_status(Status.CLOSED)
    response = fetch(token)
    assert response["Content-Type"] == "text/calendar; charset=utf-8"
    assert response["Cache-Control"] == "no-store"
    processor, controller = events(token)
    assert (processor.decoded("dtstart"), controller.decoded("dtstart")) == (date(2026, 12, 3), date(2026, 12, 23))
    assert str(controller["summary"]) == f"{subject_request.reference}: answer due"
    assert str(controller["url"]).endswith(f"/desk/{subject_request.reference}/")
    assert str(controller["url"]).startswith("http")
    assert {str(event["uid"]) for event in events(token)} == {str(processor["uid"]), str(controller["uid"])}


@pytest.mark.threat("T57")
def test_not_a_byte_of_it_says_who_or_what_it_is_about(officer, token):
    account = AccountFactory(name="Acme Messaging", platform_account_id="424242")
    by = member(account, full_name="Priya Privacy", email="priya@acme.example")
    subject_request = in_progress(Right.ERASURE, account=account, by=by, officer=officer)
    said = fetch(token).content.decode().replace("\r\n ", "")  # lines are folded
    personal = ("Acme", "424242", "Priya", "@acme", "Olga", "@portal", "+31", "31612345678", "rasure", "eras")
    assert subject_request.reference in said
    assert [each for each in personal if each in said] == []
    assert str(account.pk) not in said
    assert str(officer.pk) not in said


def test_an_officers_own_request_is_not_in_it(officer, token):
    filed(Right.ACCESS, about=About.OWN, account=AccountFactory(), by=_joined(officer))
    other = filed(Right.ACCESS)
    assert {str(event["summary"])[:14] for event in events(token)} == {other.reference}


def _joined(officer):
    """The officer belongs to every customer account there is."""
    from apps.accounts.models import CustomerAccount, Membership

    for account in CustomerAccount.objects.all():
        Membership.objects.create(user=officer, account=account, role="privacy", since=NOW)
    return officer


def test_it_speaks_the_persons_language(token, officer):
    filed()
    officer.language = "nl"
    officer.save()
    with translation.override("nl"):
        name = gettext("Answers due")
    assert fetch(token)["Content-Language"] == "nl"
    assert str(Calendar.from_ical(fetch(token).content)["x-wr-calname"]) == name


@pytest.mark.threat("T6")
def test_what_does_not_open_answers_with_the_same_bytes(officer, token):
    def told(token):
        response = fetch(token)
        return response.status_code, sorted(response.items()), response.content

    unknown = told("A" * 43)
    assert unknown[0] == 404
    StaffRole.objects.filter(user=officer).delete()
    assert told(token) == unknown  # role lost
    StaffRole.objects.create(user=officer, role="dpo", granted_at=NOW)
    assert fetch(token).status_code == 200
    officer.is_active = False
    officer.save()
    assert told(token) == unknown  # may not sign in
    officer.is_active = True
    officer.save()
    services.revoke_calendar_feed(by=officer, now=NOW)
    assert told(token) == unknown  # revoked
    for junk in ("x", "é", "A" * 5000, token[:-1], token + "A"):
        assert told(junk) == unknown


@pytest.mark.threat("T6")
def test_a_new_address_ends_the_old_one_and_each_leaves_its_line(officer, token):
    second = services.make_calendar_feed(by=officer, now=NOW + timedelta(minutes=1))
    assert fetch(token).status_code == 404
    assert fetch(second).status_code == 200
    assert services.revoke_calendar_feed(by=officer, now=NOW + timedelta(minutes=2))
    assert not services.revoke_calendar_feed(by=officer, now=NOW + timedelta(minutes=3))
    assert fetch(second).status_code == 404
    lines = list(Entry.objects.filter(verb__startswith="calendar_feed.").order_by("id").values_list("verb", "facts"))
    assert lines == [
        ("calendar_feed.made", {}),
        ("calendar_feed.revoked", {}),
        ("calendar_feed.made", {}),
        ("calendar_feed.revoked", {}),
    ]


@pytest.mark.threat("T59")
def test_only_a_hash_of_the_token_is_stored_and_it_is_long(officer, token):
    assert len(token) * 6 >= 160
    assert token not in str(CalendarFeed.objects.values().get())
    with pytest.raises(IntegrityError, match="calendar_feed_one_live"):
        CalendarFeed.objects.create(user=officer, token_hash="0" * 64, created_at=NOW)


def test_use_is_noted_at_most_once_an_hour(token):
    def used_at():
        fetch(token)
        return CalendarFeed.objects.get().last_used_at

    assert used_at() == NOW
    with time_machine.travel(NOW + timedelta(minutes=59), tick=False):
        assert used_at() == NOW
    with time_machine.travel(NOW + timedelta(minutes=61), tick=False):
        assert used_at() == NOW + timedelta(minutes=61)


def test_a_feed_costs_as_many_queries_with_thirty_requests_as_with_one(token):
    account = AccountFactory()
    by = member(account)

    def cost():
        with CaptureQueriesContext(connection) as queries:
            fetch(token)
        return len(queries)

    filed(account=account, by=by)
    cost()
    one = cost()
    for _ in range(29):
        filed(account=account, by=by)
    assert len(events(token)) == 60
    assert cost() == one <= 7


def test_nobody_without_a_desk_can_have_one(client, sign_in):
    with pytest.raises(DomainError):
        services.make_calendar_feed(by=PersonFactory(admin=True), now=NOW)
    sign_in(client, PersonFactory(auditor=True))
    assert client.post(MAKE).status_code == client.post(REVOKE).status_code == 403


def test_the_address_is_shown_once(client, sign_in, officer):
    sign_in(client, officer)
    assert "Make a feed" in client.get(PAGE).content.decode()
    made = client.post(MAKE)
    assert made["Cache-Control"] == "no-store"
    assert made.content.decode().count('id="calendar"') == 1
    path = re.search(r"/desk/calendar/[\w-]{43}\.ics", made.content.decode()).group()
    assert Client().get(path).status_code == 200
    assert client.get(MAKE).url == PAGE  # where whoever changes the language there is sent on to
    page = client.get(PAGE).content.decode()
    assert ".ics" not in page
    assert "Make a new address" in page
    assert "It was last fetched about" in page
    assert client.post(REVOKE).url == PAGE
    assert Client().get(path).status_code == 404
    assert "Make a feed" in client.get(PAGE).content.decode()


@pytest.mark.threat("T37")
def test_making_one_takes_a_fresh_factor(client, sign_in, officer):
    sign_in(client, officer, fresh_factor=False)
    assert client.post(MAKE).url.startswith(reverse("account_step_up"))
    assert not CalendarFeed.objects.exists()


def test_the_feed_goes_with_the_person(officer, token):
    officer.staff_roles.all().delete()
    officer.delete()
    assert not CalendarFeed.objects.exists()
