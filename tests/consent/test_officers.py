"""Consent at the desk: rates and closed ranges that name nobody, and one person's history for those who may see it."""

import csv
import io
import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.consent import figures, tasks
from apps.consent.models import PROVIDER, Event, Objection, Range, Restriction, Served, Text
from apps.consent.services import Decision, event_id, record_decision
from apps.core import crypto, reporting
from apps.core.clock import now
from apps.core.identities import parse_identity
from apps.ledger.models import Entry
from tests.accounts.factories import CustomerAccountFactory, UserFactory

pytestmark = pytest.mark.django_db
PAGE, SEARCH = "/desk/consents/", "/desk/consents/search/"
ANN = parse_identity("email", "ann@example.org")


@pytest.fixture
def officer(client, sign_in):
    return sign_in(client, UserFactory(officer=True))


def digest(notice="newsletter", language="en"):
    return Text.objects.current().get(notice=notice, language=language).digest


def said(says=True, *, key="user:1", at=None, **facts):
    at = at or now() - timedelta(hours=1)
    values = {"scope": PROVIDER, "action": "given" if says else "refused", "method": "switch", "language": "en"}
    values |= {"choices": {"newsletter": says}, "text": digest()} | facts
    one = Decision(id=event_id(at), subject_key=key, **values)
    record_decision(one, now=at)
    return one


def rows_of(client, query=""):
    page = client.get(PAGE + query)
    assert page.status_code == 200
    return {row.name: (row.answers, row.rate) for row in page.context["rows"]}


@pytest.mark.req("CON-1")
def test_rates_are_told_apart_by_purpose_language_version_and_method(client, officer):
    for number in range(3):
        said(key=f"user:{number}")
    said(False, key="user:9", language="nl", text=digest(language="nl"), method="link")
    site = {"scope": "site:main", "choices": {"performance": True, "marketing": False}, "method": "banner"}
    said(key="v" * 22, action="chosen", text="0" * 64, is_projected=False, **site)
    assert rows_of(client) == {
        "Newsletter": ("4", "75%"),
        "Performance cookies (main)": ("1", "100%"),
        "Marketing and analytics cookies (main)": ("1", "0%"),
    }
    assert rows_of(client, "?notice=newsletter&by=language") == {"English": ("3", "100%"), "Nederlands": ("1", "0%")}
    assert rows_of(client, "?notice=newsletter&by=version") == {"Newsletter, version 1": ("4", "75%")}
    assert rows_of(client, "?notice=newsletter&by=method")["switch in the account"] == ("3", "100%")


@pytest.mark.req("CON-1")
def test_what_was_shown_stands_against_what_was_chosen(client, officer):
    said()
    Served.objects.bulk_create(
        Served(day=now().date(), text=digest(), slot=slot, scope=PROVIDER, count=5) for slot in range(2)
    )
    [row] = client.get(PAGE).context["shown"]
    assert (row["name"], row["served"], row["acts"], row["rate"]) == ("Newsletter", "10", "1", "10%")


def test_what_customers_end_users_said_is_in_no_figure(client, officer):
    said(scope="account:1")
    assert rows_of(client) == {}


def test_a_value_in_the_address_that_makes_no_sense_is_the_default(client, officer):
    said()
    assert rows_of(client, "?by=x&notice=zzz&period=y&verify=1;") == {"Newsletter": ("1", "100%")}


def test_the_page_costs_the_same_for_thirty_days_of_answers_as_for_one(client, officer):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            assert client.get(PAGE + "?period=30-days").status_code == 200
        return len(captured)

    said()
    tasks.close_ranges()
    client.get(PAGE)
    one = queries()
    for number in range(30):
        said(number % 2 == 0, key=f"user:x{number}", at=now() - timedelta(days=number, hours=2))
    Range.objects.update(ends_at=now() - timedelta(days=40), begins_at=now() - timedelta(days=41))
    tasks.close_ranges()
    assert queries() == one <= 20


@pytest.mark.req("CON-4")
def test_a_closed_range_is_calculated_again_on_the_page(client, officer):
    said()
    tasks.close_ranges()
    closed = Range.objects.get()
    assert "Nothing differs" in client.get(f"{PAGE}?verify={closed.pk}").content.decode()
    assert "Calculate again" in client.get(PAGE).content.decode()


@pytest.mark.threat("T1")
def test_the_auditor_sees_rates_and_no_person(client, sign_in):
    said(key="user:secret")
    sign_in(client, UserFactory(auditor=True))
    page = client.get(PAGE).content.decode()
    assert "Newsletter" in page
    assert "secret" not in page
    assert SEARCH not in page
    assert client.get(SEARCH).status_code == client.get(f"{PAGE}subject/user:secret/").status_code == 403


def test_the_figures_are_taken_away_as_a_table(client, officer):
    said()
    table = list(csv.reader(io.StringIO(client.get(PAGE + "?format=csv").content.decode("utf-8-sig"))))
    assert table[1][:6] == ["newsletter", "newsletter", "Yes", "en", "1", "switch"]


# --- one person -------------------------------------------------------------------------------------------------------


@pytest.mark.req("CON-1")
def test_an_address_that_an_officer_types_becomes_a_key_and_is_in_no_address(client, officer):
    user = UserFactory(email="ann@example.org")
    said(key=crypto.lookup(ANN))
    said(key=user.key)
    page = client.post(SEARCH, {"kind": "email", "value": "Ann@Example.org"})
    assert [(one.key, one.count) for one in page.context["found"]] == [(crypto.lookup(ANN), 1), (user.key, 1)]
    assert f"{PAGE}subject/{crypto.lookup(ANN)}/" in page.content.decode()
    assert not any("example.org" in (part or "") for part in (page.headers.get("Location"), page.request["PATH_INFO"]))


@pytest.mark.parametrize(("kind", "value"), [("email", "no address"), ("subject_key", "a b"), ("phone_number", "12"),
                                              ("email", "a\0b@example.org"), ("x", "y")])  # fmt: skip
def test_what_is_no_identifier_is_told_beside_the_field_and_stays_there(client, officer, kind, value):
    page = client.post(SEARCH, {"kind": kind, "value": value})
    assert page.status_code == 200
    assert page.context["form"].errors
    assert page.context["found"] is None


@pytest.mark.req("CON-1")
def test_a_history_shows_each_act_with_the_words_as_they_were_shown(client, officer):
    said(key="user:ann", at=now() - timedelta(hours=2))
    said(False, key="user:ann", action="withdrawn", method="one_click")
    said(key="user:bob")
    Objection.objects.create(scope=PROVIDER, subject_key="user:ann", purpose="direct_marketing", since=now())
    page = client.get(f"{PAGE}subject/user:ann/")
    text = page.content.decode()
    assert [act.event.method for act, _scope, _ends in page.context["acts"]] == ["one_click", "switch"]
    assert Text.objects.get(pk=digest()).body["summary"][:30] in text
    assert digest() in text
    assert [name for name, _state in page.context["states"]] == ["Newsletter"]
    assert [name for name, *_ in page.context["objections"]] == ["Direct marketing"]


def test_a_key_that_is_none_is_not_found_and_an_unknown_one_says_so(client, officer):
    assert client.get(f"{PAGE}subject/{'x' * 65}/").status_code == 404
    assert client.get(f"{PAGE}subject/a%20b/").status_code == 404
    assert "No act is kept under this key" in client.get(f"{PAGE}subject/nobody/").content.decode()


def test_a_long_history_costs_the_same_as_a_short_one(client, officer):
    def queries(key):
        with CaptureQueriesContext(connection) as captured:
            assert client.get(f"{PAGE}subject/{key}/").status_code == 200
        return len(captured)

    said(key="user:short")
    for number in range(35):
        said(number % 2 == 0, key="user:long", at=now() - timedelta(hours=number + 1))
    queries("user:short")
    assert queries("user:long") == queries("user:short") <= 20


@pytest.mark.req("CON-1")
@pytest.mark.threat("T37")
def test_a_history_is_taken_away_with_a_fresh_factor_and_the_ledger_tells(client, sign_in):
    officer = sign_in(client, UserFactory(officer=True), fresh_factor=False)
    said(key="user:ann")
    url = f"{PAGE}subject/user:ann/json/"
    assert client.post(url).headers["Location"].startswith("/account/step-up/")
    assert not Entry.objects.filter(verb="consent.history_exported").exists()
    sign_in(client, officer)
    document = json.loads(client.post(url).content)
    [act] = document["acts"]
    assert act["choices"] == {"newsletter": True}
    assert act["text_as_shown"]["words"]["title"] == "Newsletter"
    table = list(csv.reader(io.StringIO(client.post(f"{PAGE}subject/user:ann/csv/").content.decode("utf-8-sig"))))
    assert table[1][5:8] == ["given", "newsletter", "yes"]
    entries = Entry.objects.filter(verb="consent.history_exported", actor=officer.key)
    assert [entry.facts["count"] for entry in entries] == [1, 1]
    assert not any("ann" in json.dumps([entry.target, entry.facts]) for entry in entries)
    assert client.post(f"{PAGE}subject/user:ann/xml/").status_code == 404


def test_the_data_protection_officer_reads_and_takes_nothing_away(client, sign_in):
    sign_in(client, UserFactory(dpo=True))
    said(key="user:ann")
    assert "Download the history" not in client.get(f"{PAGE}subject/user:ann/").content.decode()
    assert client.post(f"{PAGE}subject/user:ann/json/").status_code == 403


@pytest.mark.req("CON-5")
def test_an_objection_is_shown_and_taken_away_with_what_was_asked_for_in_spite_of_it(client, officer):
    facts = {"scope": PROVIDER, "subject_key": "user:ann", "purpose": "direct_marketing", "since": now()}
    Objection.objects.create(**facts, except_for=["newsletter"])
    page = client.get(f"{PAGE}subject/user:ann/").content.decode()
    assert "Direct marketing · except for: Newsletter" in page
    [objection] = json.loads(client.post(f"{PAGE}subject/user:ann/json/").content)["objections"]
    assert objection["except_for"] == ["newsletter"]


# --- whose data it is, and who read it --------------------------------------------------------------------------------


def of_a_customer(key):
    """The same person at a customer of ours, who wrote down a yes, an objection and a restriction."""
    facts = {"scope": f"account:{CustomerAccountFactory().pk}", "subject_key": key, "since": now()}
    said(key=key, scope=facts["scope"], choices={"offers": True})
    Objection.objects.create(purpose="their_offers", **facts)
    Restriction.objects.create(ground="accuracy", **facts)


@pytest.mark.req("DSR-1", "CON-1")
@pytest.mark.threat("T20")
def test_what_customers_wrote_down_about_the_same_person_is_neither_counted_nor_shown_nor_taken_away(client, officer):
    key = crypto.lookup(ANN)
    said(key=key)
    of_a_customer(key)
    assert [one.count for one in client.post(SEARCH, {"kind": "email", "value": ANN.value}).context["found"]] == [1]
    page = client.get(f"{PAGE}subject/{key}/")
    assert [act.event.scope for act, _scope, _ends in page.context["acts"]] == [PROVIDER]
    assert [state.scope for _name, state in page.context["states"]] == [PROVIDER]
    assert not page.context["restrictions"]
    assert "offers" not in page.content.decode()
    for form in ("csv", "json"):
        taken = client.post(f"{PAGE}subject/{key}/{form}/").content.decode()
        assert "newsletter" in taken
        assert "account:" not in taken
        assert "offers" not in taken
    assert Entry.objects.filter(verb="consent.history_exported").first().facts["count"] == 1


@pytest.mark.threat("T54")
def test_every_reading_of_a_person_s_history_has_its_line_which_names_nobody(client, officer):
    user = UserFactory(email=ANN.value)
    for number in range(31):
        said(key=user.key, at=now() - timedelta(hours=number + 1))
    client.post(SEARCH, {"kind": "email", "value": ANN.value})
    page = client.get(f"{PAGE}subject/{user.key}/")
    client.get(f"{PAGE}subject/{user.key}/", {"cursor": page.context["page"].next_cursor})
    client.post(f"{PAGE}subject/{user.key}/csv/")
    read = Entry.objects.filter(verb__startswith="consent.", actor=officer.key).order_by("pk")
    assert [(entry.verb.removeprefix("consent."), entry.facts["count"]) for entry in read] == [
        ("subject_searched", 31), ("history_read", 30), ("history_read", 1), ("history_exported", 31)
    ]  # fmt: skip
    searched, first, second, exported = read
    assert searched.facts["kind"] == "email"
    assert first.target == second.target == exported.target
    assert searched.facts["also"] == [first.target]  # the key of the address, and that of the person
    evidence = json.dumps([[entry.target, entry.facts] for entry in read])
    assert not any(word in evidence for word in (ANN.value, str(user.pk), crypto.lookup(ANN)[:12]))


@pytest.mark.threat("T54")
def test_who_finds_nobody_has_asked_all_the_same_and_a_refused_form_asked_nothing(client, sign_in):
    reader = sign_in(client, UserFactory(dpo=True))
    client.post(SEARCH, {"kind": "email", "value": "no address"})
    assert not Entry.objects.filter(verb="consent.subject_searched").exists()
    client.post(SEARCH, {"kind": "subject_key", "value": "user:nobody"})
    client.get(f"{PAGE}subject/user:nobody/")
    lines = Entry.objects.filter(actor=reader.key, verb__startswith="consent.")
    assert [(one.verb, one.facts["count"]) for one in lines.order_by("pk")] == [
        ("consent.subject_searched", 0),
        ("consent.history_read", 0),
    ]


def test_a_periods_cuts_are_what_the_database_cuts():
    today = now().date()
    said()
    for period in (reporting.last_days(today), reporting.last_three_months(today), reporting.last_year(today)):
        assert {one.cut for one in figures.answers(period)} <= set(period.cuts)
    assert Event.objects.count() == 1
