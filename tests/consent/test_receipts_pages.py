"""A person reads what they said with the words of then, and takes a receipt away; nobody else learns that it exists."""

import json
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime

from apps.consent.ids import event_id
from apps.consent.models import Event
from apps.consent.receipts import signing
from apps.consent.services.seeding import seed_purposes
from apps.core.clock import now
from tests.accounts.factories import CustomerAccountFactory, MembershipFactory, UserFactory
from tests.consent.test_receipts import ISO, KANTARA, chosen, said

pytestmark = pytest.mark.django_db
LIST = "/account/consents/"


@pytest.fixture(autouse=True)
def _purposes():
    seed_purposes(now=now())


@pytest.fixture
def person(client, sign_in):
    return sign_in(client, MembershipFactory(role="member").user)


def address(event):
    return reverse("consent:receipt", args=[event.id])


def newsletter(person, **facts):
    return said({"newsletter": True}, **({"subject_key": f"user:{person.pk}", "user_id": person.pk} | facts))


@pytest.mark.req("CON-1", "CON-2")
def test_a_person_reads_what_they_said_the_newest_first_with_the_words_of_then(client, person):
    began = now() - timedelta(days=2)
    newsletter(person, at=began)
    facts = {"subject_key": f"user:{person.pk}", "user_id": person.pk, "at": began + timedelta(days=1)}
    said({"newsletter": False}, action="withdrawn", **facts)
    page = client.get(LIST).content.decode()
    assert page.index("withdrawn") < page.index("agreed</span>")
    assert "About newsletter" in page
    assert "Change or withdraw" not in page  # nothing stands any more


@pytest.mark.req("CON-2")
def test_what_stands_can_be_taken_back_from_here(client, person):
    newsletter(person)
    page = client.get(LIST).content.decode()
    assert reverse("consent:own_preferences") in page
    assert client.get(reverse("consent:own_preferences")).status_code == 200


def test_an_order_is_not_called_a_consent(client, sign_in):
    owner = sign_in(client, MembershipFactory(role="owner").user)
    account = owner.memberships.get().account
    said({"automatic_top_up": True}, subject_key=f"account:{account.pk}", user_id=owner.pk)
    page = client.get(LIST).content.decode()
    assert "ordered</span>" in page
    assert "agreed</span>" not in page
    assert reverse("consent:finance", args=[account.pk]) in page


def test_who_said_nothing_is_told_so(client, person):
    assert "Nothing yet" in client.get(LIST).content.decode()


def test_the_list_is_read_page_by_page_and_asks_as_little_for_thirty_as_for_one(
    client, person, django_assert_num_queries
):
    began = now() - timedelta(days=1)
    newsletter(person, at=began)
    client.get(LIST)
    with CaptureQueriesContext(connection) as few:
        client.get(LIST)
    for minutes in range(1, 40):
        newsletter(person, at=began + timedelta(minutes=minutes))
    with django_assert_num_queries(len(few)):
        first = client.get(LIST)
    assert first.content.decode().count("<article") == 30
    following = client.get(LIST, {"cursor": first.context["page"].next_cursor})
    assert following.content.decode().count("<article") == 10
    assert client.get(LIST, {"cursor": "garbage"}).status_code == 200


@pytest.mark.req("CON-4")
@pytest.mark.parametrize(("form", "schema"), [("iso", ISO), ("kantara", KANTARA)])
def test_a_person_takes_a_receipt_away_signed_and_to_read(client, person, form, schema):
    event = newsletter(person)
    signed = client.get(address(event), {"format": form})
    plain = client.get(address(event), {"format": form, "as": "json"})
    assert signed["Content-Type"] == "application/jose"
    assert signed["Content-Disposition"].startswith('attachment; filename="consent-')
    assert signed["Cache-Control"] == plain["Cache-Control"] == "no-store"
    schema.validate(plain.json())
    content = signing.read(signed.content.decode().strip()).content
    schema.validate(content)
    assert {**content, "created": ""} == {**plain.json(), "created": ""}
    answer = client.post(reverse("consent:receipt_verify"), signed.content, content_type="application/jose").json()
    assert answer["event"] == {"known": True, "agrees": True, "words_agree": True}


def test_the_page_of_a_receipt_shows_words_and_history(client, person):
    event = newsletter(person, at=now() - timedelta(days=1))
    page = client.get(address(event)).content.decode()
    told = date_format(localtime(event.at), "DATETIME_FORMAT")
    assert page.count(told) == 2  # among the facts and in the history: one hour, that of the house
    assert "About newsletter" in page
    assert event.text in page
    assert "?format=kantara" in page


@pytest.mark.req("CON-1")
def test_why_there_is_no_consent_receipt_for_an_order_is_told(client, sign_in):
    owner = sign_in(client, MembershipFactory(role="owner").user)
    key = f"account:{owner.memberships.get().account_id}"
    event = said({"automatic_top_up": True}, subject_key=key, user_id=owner.pk)
    page = client.get(address(event)).content.decode()
    assert "rests on another legal basis" in page
    assert "?format=kantara" not in page
    refused = client.get(address(event), {"format": "kantara"})
    assert refused.status_code == 409
    assert "rests on another legal basis" in refused.content.decode()


def test_a_form_that_there_is_not_is_refused_with_the_page(client, person):
    refused = client.get(address(newsletter(person)), {"format": "xml"})
    assert refused.status_code == 409
    assert "no receipt in that form" in refused.content.decode()


@pytest.mark.threat("T42")
@pytest.mark.parametrize("query", [{}, {"format": "iso"}, {"format": "kantara"}, {"format": "xml"}])
def test_a_record_is_not_read_by_guessing_its_id(client, sign_in, query):
    account = CustomerAccountFactory()
    owner, member = (MembershipFactory(account=account, role=role).user for role in ("owner", "member"))
    theirs = newsletter(owner)
    of_account = said({"saved_payment_method": True}, subject_key=f"account:{account.pk}", user_id=owner.pk)
    of_visitor = chosen(performance=True, functional=True, marketing=True)
    unknown = Event(id=event_id(now()))
    for stranger in (MembershipFactory(role="owner").user, member, UserFactory(officer=True), UserFactory(dpo=True)):
        sign_in(client, stranger)
        answers = {client.get(address(each), query).status_code for each in (theirs, of_account, of_visitor, unknown)}
        assert answers == {404}
        assert "<article" not in client.get(LIST).content.decode()
    client.logout()
    assert client.get(address(theirs), query).status_code == 302


def test_an_owner_reads_what_a_colleague_said_for_the_account_and_who_acted_reads_it_still(client, sign_in):
    account = CustomerAccountFactory()
    before, owner = (MembershipFactory(account=account, role="owner") for _each in range(2))
    event = said({"saved_payment_method": True}, subject_key=f"account:{account.pk}", user_id=before.user_id)
    actor = before.user
    before.delete()
    for person in (owner.user, actor):
        sign_in(client, person)
        assert client.get(address(event)).status_code == 200


def test_a_subject_key_of_another_scope_opens_nothing(client, sign_in):
    account = CustomerAccountFactory()
    owner = sign_in(client, MembershipFactory(account=account, role="owner").user)
    event = said({"newsletter": True}, scope=f"account:{account.pk}", subject_key=f"user:{owner.pk}")
    assert client.get(address(event)).status_code == 404


@pytest.mark.parametrize("identifier", [uuid.UUID(int=0), uuid.UUID(int=7), uuid.UUID(int=(2**128 - 1) & ~(0x8 << 76))])
def test_an_id_that_can_be_none_of_ours_is_not_found(client, person, identifier):
    assert client.get(reverse("consent:receipt", args=[identifier])).status_code == 404


def test_a_text_of_an_event_is_shown_in_its_own_language(client, person):
    newsletter(person, language="ar")
    page = client.get(LIST).content.decode()
    assert '<div lang="ar" dir="rtl">' in page


def test_receipts_hold_no_more_than_the_record(client, person):
    event = newsletter(person)
    content = json.dumps(client.get(address(event), {"format": "iso", "as": "json"}).json())
    assert str(person.pk) not in content
    assert person.email not in content
