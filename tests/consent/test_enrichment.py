"""Data from other sources: told where it comes from, and gone from every store on objection (CON-7)."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from apps.consent import links, tasks
from apps.consent.checking import check_consents
from apps.consent.models import PROVIDER, Event, Objection, Removal
from apps.consent.services import enrichment, event_id, removals, subscriptions
from apps.consent.services.answers import Manner, current_text
from apps.consent.services.limits import object_to_purpose
from apps.consent.services.reporting import Report, report_decisions
from apps.consent.states import Action, Method
from apps.core import crypto
from apps.core.identities import Identity, IdentityType
from apps.datamap import guards
from apps.datamap.guards import Keep
from apps.ledger.models import Entry
from tests.accounts.factories import CustomerAccountFactory, MembershipFactory
from tests.consent.mail import JAN
from tests.subject_requests.sample import sample_platform

MANNER = Manner(Method.PREFERENCES, "testserver/preferences/")
PROSPECTS = (
    "SELECT l.id, l.email FROM platform.leads l JOIN platform.enrichment_profiles p ON p.lead_id = l.id "
    "WHERE l.account_id IS NULL ORDER BY l.id LIMIT 1"
)
HOLDERS = (
    "SELECT h.id, h.email, h.account_id FROM platform.account_holders h JOIN platform.enrichment_profiles p "
    "ON p.holder_id = h.id JOIN platform.payment_methods m ON m.holder_id = h.id ORDER BY h.id LIMIT 1"
)


@pytest.fixture
def platform(committed_db):
    with sample_platform(committed_db) as one:
        yield one


def email(address):
    return Identity(IdentityType.EMAIL, address)


def object_now(address):
    said = {"identities": [email(address)], "language": "en", "manner": MANNER, "now": datetime.now(UTC)}
    return enrichment.object_to_enrichment(**said)


def everything(platform):
    """Every row of every table that is no enrichment, byte for byte."""
    tables = (
        "account_holders",
        "leads",
        "invoices",
        "payment_methods",
        "contacts",
        "messages",
        "web_visits",
        "accounts",
    )
    return {table: platform.rows(f"SELECT t::text FROM platform.{table} t ORDER BY 1") for table in tables}


def profiles(platform, column, number):
    return platform.rows(f"SELECT id FROM platform.enrichment_profiles WHERE {column} = %s", number)


@pytest.mark.django_db
@pytest.mark.req("CON-7")
@pytest.mark.parametrize("language", ["en", "nl", "ar"])
def test_source_recipients_and_personas_are_told_and_one_button_objects(client, language):
    client.cookies["django_language"] = language
    there = reverse("consent:enrichment", args=[links.preferences_token(JAN, now=datetime.now(UTC))])
    page = client.get(there).content.decode()
    for word in ("Clearbit", "Salesforce"):
        assert word in page
    assert current_text("enrichment", language).body["personas"] in page.replace("&#x27;", "'")
    assert client.post(there).status_code == 302
    objection, removal = Objection.objects.get(), Removal.objects.get()
    assert (objection.purpose, objection.subject_key) == ("enrichment", crypto.lookup(JAN))
    assert removal.rules == ["enrichment_prospect", "enrichment_customer"]
    assert removal.read() == (JAN,)
    assert JAN.value.encode() not in bytes(removal.identities)
    event = Event.objects.get()
    assert (event.action, event.choices, event.language) == ("objected", {"enrichment": False}, language)


@pytest.mark.django_db
@pytest.mark.req("CON-7")
def test_whoever_is_signed_in_objects_with_what_they_proved(client, sign_in):
    user = sign_in(client, MembershipFactory().user)
    client.post(reverse("consent:own_enrichment"))
    found = Removal.objects.get().read()
    assert found == (email(user.email), Identity(IdentityType.PHONE_NUMBER, user.phone_number))
    assert Objection.objects.open().count() == 2
    client.post(reverse("consent:own_enrichment"))
    assert Removal.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.req("CON-7")
def test_there_is_no_way_to_object_that_ends_the_contact_and_not_the_keeping():
    now = datetime.now(UTC)
    with pytest.raises(ValueError, match="without its removal"):
        object_to_purpose(scope=PROVIDER, subject_key=crypto.lookup(JAN), purpose="enrichment", actor="system", now=now)
    with pytest.raises(ValueError, match="without its removal"):
        subscriptions.stop_marketing(
            subject_key=crypto.lookup(JAN), purpose="enrichment", language="en", manner=MANNER, now=now
        )
    assert not Objection.objects.exists()


@pytest.mark.django_db
@pytest.mark.req("CON-7")
def test_what_an_end_user_told_a_customer_of_its_enrichment_is_the_customers_and_takes_nothing_of_ours():
    now, account = datetime.now(UTC), CustomerAccountFactory()
    one = {"subject_key": crypto.lookup(JAN), "choices": {"enrichment": False}, "text": "", "language": "en"}
    report = Report(id=event_id(now), action=Action.OBJECTED, **one)
    assert report_decisions(scope=f"account:{account.pk}", reports=[report], source="accounts.apitoken:1", now=now) == 1
    assert [objection.tenant for objection in Objection.objects.open()] == [account.pk]
    assert enrichment.enrichment_of(JAN).objected_at is None
    assert not Removal.objects.exists()


@pytest.mark.django_db
@pytest.mark.req("CON-7")
def test_who_objected_and_later_confirms_a_number_has_what_is_kept_under_it_removed_too(client, sign_in):
    user = MembershipFactory(user__phone_verified_at=None).user
    object_now(user.email)
    user.phone_verified_at = datetime.now(UTC)
    user.save()
    sign_in(client, user)
    for _ in range(2):
        client.post(reverse("consent:own_enrichment"))
    assert Objection.objects.open().count() == 2
    assert [len(one.read()) for one in Removal.objects.order_by("asked_at")] == [1, 2]


@pytest.mark.django_db
@pytest.mark.req("CON-7")
def test_an_objection_that_stands_without_a_removal_gets_one_when_it_is_said_again():
    since = datetime.now(UTC) - timedelta(days=1)
    Objection.objects.create(scope=PROVIDER, subject_key=crypto.lookup(JAN), purpose="enrichment", since=since)
    assert object_now(JAN.value)
    assert Removal.objects.get().read() == (JAN,)
    assert Objection.objects.get().since == since
    assert not object_now(JAN.value)


@pytest.mark.django_db
def test_an_objection_that_is_taken_back_calls_the_removal_off():
    object_now(JAN.value)
    said = {"identities": [JAN], "language": "en", "manner": MANNER, "now": datetime.now(UTC)}
    assert enrichment.allow_enrichment(**said)
    assert not Removal.objects.open().exists()
    assert not Objection.objects.open().exists()
    assert Removal.objects.get().read() == ()


@pytest.mark.django_db
@pytest.mark.req("CON-5", "CON-7")
def test_who_objects_to_all_and_takes_that_back_for_data_from_other_sources_takes_nothing_else_back():
    said = {"identities": [JAN], "language": "en", "manner": MANNER, "now": datetime.now(UTC)}
    enrichment.stop_all_marketing(**said)
    assert enrichment.allow_enrichment(**said)
    assert enrichment.enrichment_of(JAN).objected_at is None
    assert Objection.objects.open().get().except_for == ["enrichment"]
    about = {"scope": PROVIDER, "keys": [crypto.lookup(JAN)], "now": datetime.now(UTC)}
    answers = {name: check_consents(purpose=name, **about)[0]["why"] for name in ("enrichment", "product_marketing")}
    assert answers == {"enrichment": "given", "product_marketing": "objected"}


@pytest.mark.req("CON-7")
@pytest.mark.parametrize(
    ("query", "column"), [(PROSPECTS, "lead_id"), (HOLDERS, "holder_id")], ids=["prospect", "customer"]
)
def test_an_objection_takes_the_enrichment_of_prospects_and_customers_and_nothing_else(platform, query, column):
    number, address = platform.rows(query)[0][:2]
    before, others = everything(platform), platform.rows("SELECT count(*) FROM platform.enrichment_profiles")[0][0]
    gone = len(profiles(platform, column, number))
    assert gone > 0
    object_now(address)
    assert tasks.remove_what_ended() == 1
    assert profiles(platform, column, number) == []
    assert everything(platform) == before
    left = platform.rows("SELECT count(*) FROM platform.enrichment_profiles")[0][0]
    removal = Removal.objects.get()
    assert removal.counts["erased"] == others - left >= gone
    assert removal.done_at is not None
    assert removal.read() == ()  # whom it was about is known as a keyed hash and no more
    removed = Entry.objects.get(verb="consent.removed")
    assert removed.facts["event"] == str(removal.event)
    assert Entry.objects.filter(verb="erasure.executed", facts__store="platform").count() == 1
    assert enrichment.enrichment_of(email(address)).removed_at == removal.done_at
    assert tasks.remove_what_ended() == 0


@pytest.mark.req("CON-7")
def test_the_objection_stands_when_everything_is_gone(platform):
    address = platform.rows(PROSPECTS)[0][1]
    object_now(address)
    tasks.remove_what_ended()
    assert Objection.objects.of(PROVIDER, crypto.lookup(email(address))).open().exists()
    assert not object_now(address)


@pytest.mark.threat("T47")
def test_a_worker_that_dies_between_store_and_portal_repeats_nothing(platform, monkeypatch):
    number, address = platform.rows(PROSPECTS)[0]
    object_now(address)
    removal = Removal.objects.get()

    def die(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(removals.datamap, "note_execution", die)
    with pytest.raises(KeyboardInterrupt):
        removals.work_on_removal(removal.pk, now=datetime.now(UTC))
    monkeypatch.undo()
    assert profiles(platform, "lead_id", number) == []
    later = datetime.now(UTC) + timedelta(minutes=16)  # the lease of the dead one is over
    assert removals.work_on_removal(removal.pk, now=later)
    assert Removal.objects.get().counts["erased"] == 1
    assert Entry.objects.filter(verb="erasure.executed", facts__store="platform").count() == 1


@pytest.mark.threat("T63")
def test_what_a_hold_keeps_stays_and_goes_when_it_ends(platform):
    number, address = platform.rows(PROSPECTS)[0]
    object_now(address)
    removal = Removal.objects.get()

    def hold(store, collection, now):
        held = collection.name == "enrichment_profiles"
        return [Keep(collection.table.c.id.is_not(None), ground="hold", kind="hold")] if held else []

    guards.register("a hold of this test", hold, version=lambda: "1")
    try:
        assert tasks.remove_what_ended() == 0
    finally:
        del guards._guards["a hold of this test"]
    assert len(profiles(platform, "lead_id", number)) == 1
    assert enrichment.enrichment_of(email(address)).removed_at is None
    assert removals.work_on_removal(removal.pk, now=datetime.now(UTC) + timedelta(days=1, minutes=1))
    assert profiles(platform, "lead_id", number) == []


def test_a_store_that_is_down_is_tried_again(platform, monkeypatch):
    address = platform.rows(PROSPECTS)[0][1]
    object_now(address)
    monkeypatch.setattr(removals.datamap, "plan_erasure", lambda *a, **k: 1 / 0)
    assert tasks.remove_what_ended() == 0
    assert Removal.objects.get().error_code == "ZeroDivisionError"
    monkeypatch.undo()
    assert removals.work_on_removal(Removal.objects.get().pk, now=datetime.now(UTC) + timedelta(hours=2))
