"""A visitor gets a receipt of a cookie choice by the browser's cookie alone, and of nobody else's."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.consent.ids import event_id
from apps.consent.receipts import signing
from apps.consent.services import receipts
from apps.cookies.choice import NAME, Choice, format_choice
from apps.cookies.models import RegisterVersion
from apps.cookies.services import seed_cookies
from apps.core.clock import now
from tests.consent.test_receipts import ISO, KANTARA, chosen

pytestmark = pytest.mark.django_db
PAGE = "/cookies/receipt/"
VISITOR = "Ab-_5678901234567890xy"


@pytest.fixture
def event():
    return chosen(now() - timedelta(days=1), visitor=VISITOR, performance=True, functional=False, marketing=False)


def carry(client, said, **changes):
    choice = Choice(said.subject_key, 1, frozenset({"performance"}), said.at, said.id)
    client.cookies[NAME] = format_choice(replace(choice, **changes))


@pytest.mark.req("CON-1", "COO-3")
def test_a_visitor_reads_and_takes_the_receipt_of_the_choice(client, event):
    carry(client, event)
    response = client.get(PAGE)
    page = response.content.decode()
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    assert "About cookies:main" in page
    assert VISITOR not in page
    for form, schema in (("iso", ISO), ("kantara", KANTARA)):
        taken = client.get(PAGE, {"format": form})
        schema.validate(signing.read(taken.content.decode().strip()).content)
        assert VISITOR not in client.get(PAGE, {"format": form, "as": "json"}).content.decode()
        assert "no-store" in taken["Cache-Control"]


@pytest.mark.threat("T42")
@pytest.mark.parametrize(
    "changes",
    [{"visitor": "A" * 22}, {"event": event_id(now())}, {"visitor": "user:1" + "x" * 16}],
    ids=["visitor", "event", "user"],
)
def test_both_ids_must_be_those_of_the_event(client, event, changes):
    carry(client, event, **changes)
    assert client.get(PAGE).status_code == 404
    assert client.get(PAGE, {"format": "iso"}).status_code == 404


@pytest.mark.threat("T42")
@pytest.mark.parametrize("cookie", ["", "garbage", "1." + "A" * 300, "1..1.000.a..0"])
def test_without_a_choice_there_is_no_receipt(client, event, cookie):
    client.cookies[NAME] = cookie
    assert client.get(PAGE).status_code == 404


@pytest.mark.threat("T42")
def test_what_customers_and_persons_said_is_not_found_by_a_cookie(event):
    assert receipts.receipt_for_visitor(event.id, VISITOR) == event
    other = chosen(visitor=VISITOR, performance=False, functional=False, marketing=False)
    assert receipts.receipt_for_visitor(other.id, VISITOR) == other
    assert receipts.receipt_for_visitor(other.id, "user:1") is None


def test_why_a_refusal_has_no_consent_receipt_is_told(client):
    event = chosen(visitor=VISITOR, performance=False, functional=False, marketing=False)
    carry(client, event, allowed=frozenset())
    refused = client.get(PAGE, {"format": "kantara"})
    assert refused.status_code == 409
    assert "nothing was agreed to" in refused.content.decode()


@pytest.mark.req("CON-1")
def test_a_receipt_names_the_companies_of_the_register_that_was_shown(settings):
    seed_cookies(now=now())
    version = RegisterVersion.objects.of_site("main").first()
    event = chosen(performance=True, functional=True, marketing=True)
    event.register_version = version.number
    content = receipts.issue_receipt(event, form="iso", now=now()).content
    ISO.validate(content)
    told = {party["party_name"] for party in content["party_identification"] if party["party_id"].startswith("recip")}
    optional = [entry for entry in version.content["entries"] if entry["category"] != "necessary"]
    assert told == {entry["company"] for entry in optional} - {""}
    validity = {one["validity_duration"] for one in content["event"]}
    assert validity == {f"P{version.content['validity_months']}M"}


def test_a_receipt_costs_few_queries(event):
    with CaptureQueriesContext(connection) as asked:
        receipts.issue_receipt(event, form="iso", now=now())
    assert len(asked) <= 5
