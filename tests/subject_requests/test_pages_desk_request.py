"""The desk's page of one request: steps that the address opens, dates that explain themselves, proof, and its cost."""

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.ledger.models import Entry
from apps.ledger.services import is_intact
from apps.subject_requests import services
from apps.subject_requests.models import Package
from apps.subject_requests.states import Right, Status
from tests.subject_requests.factories import NOW, AccountFactory, PersonFactory, at_status, filed, in_progress

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(NOW, tick=True):
        yield


@pytest.fixture
def officer(client, sign_in):
    return sign_in(client, PersonFactory(officer=True, full_name="Olga Officer"))


def page_of(subject_request, query=""):
    return reverse("desk:detail", args=[subject_request.reference]) + query


def open_steps(response):
    groups = ("assign", "next_steps", "other_steps", "words", "reveal")
    return [step["slug"] for group in groups for step in response.context[group] if step["is_open"]]


@pytest.mark.parametrize(
    ("days", "said"), [(40, "The officers were alerted (Overdue)"), (7, "The officers were alerted (3 days left)")]
)
def test_the_timeline_says_an_alert_in_words(client, officer, days, said):
    subject_request = in_progress(officer=officer, at=NOW - timedelta(days=days))
    services.alert_part(subject_request.parts.get(capacity="processor"), now=NOW)
    assert said in client.get(page_of(subject_request)).content.decode()


# --- steps -----------------------------------------------------------------------------------------------------------


def test_the_address_opens_a_step_and_puts_the_focus_into_its_first_field(client, officer):
    response = client.get(page_of(in_progress(officer=officer), "?step=note"))
    assert open_steps(response) == ["note"]
    page = response.content.decode()
    assert '<details class="step" data-step="note" open>' in page
    assert page.count("autofocus") == 1
    assert "autofocus" in page[page.index('id="note_text"') - 200 : page.index('id="note_text"') + 50]


def test_a_step_without_a_field_takes_the_focus_itself(client, officer):
    page = client.get(page_of(at_status(Status.IDENTITY_PENDING), "?step=unidentified")).content.decode()
    assert '<details class="step" data-step="unidentified" open>\n  <summary autofocus>' in page


@pytest.mark.parametrize("query", ["", "?step=", "?step=nonsense", "?step=note%00x", "?of=PR-2026-000001"])
def test_an_address_that_names_no_step_opens_none(client, officer, query):
    response = client.get(page_of(in_progress(officer=officer), query))
    assert response.status_code == (400 if "%00" in query else 200)
    if response.status_code == 200:
        assert open_steps(response) == []
        assert response.context["not_possible"] == ""


def test_a_step_that_is_not_possible_now_is_told_as_such(client, officer):
    subject_request = in_progress(officer=officer)
    services.extend_deadline(
        subject_request.parts.get(capacity="controller"), reason="complexity", words="Ten.", by=officer, now=NOW
    )
    page = client.get(page_of(subject_request, "?step=extend")).content.decode()
    assert "“Extend the deadline” is not possible for this request now." in page


def test_the_address_fills_in_nothing_that_decides(client, officer):
    subject_request = in_progress(officer=officer)
    response = client.get(page_of(subject_request, "?step=refuse-controller&ground=excessive&words=Elsewhere"))
    assert open_steps(response) == ["refuse-controller"]
    (step,) = [step for step in response.context["other_steps"] if step["is_open"]]
    assert step["form"].initial == {}
    assert "Elsewhere" not in str(step["form"])


def test_what_was_typed_wins_over_what_the_address_asks(client, officer):
    subject_request = in_progress(officer=officer)
    response = client.post(page_of(subject_request, "note/?step=ask"), {"text": ""})
    assert open_steps(response) == ["note"]


def test_whoever_came_from_the_queue_goes_back_to_it_and_nowhere_else(client, officer):
    subject_request = filed()
    assign = page_of(subject_request, "assign/")
    to_me = {"to": str(officer.pk)}
    assert client.post(assign, to_me | {"next": "/desk/?due=week"}).url == "/desk/?due=week"
    for outside in ("https://evil.example/", "//evil.example/", "/\\evil.example", ""):
        assert client.post(assign, to_me | {"next": outside}).url == page_of(subject_request)


# --- what the page tells ---------------------------------------------------------------------------------------------


@pytest.mark.req("DSR-4")
def test_each_part_has_its_date_with_the_steps_that_led_to_it(client, officer):
    response = client.get(page_of(in_progress(officer=officer)))
    contract, law = response.context["deadlines"]
    assert (contract["label"], law["label"]) == ("Processor", "Controller")
    assert contract["countdown"].on < law["countdown"].on
    assert all(each["countdown"].explanation for each in (contract, law))
    page = response.content.decode()
    assert page.count("How this date was reached") == 2
    assert "Answer due 3 December 2026: 10 days left" in page  # in the head, where a phone shows it


def test_a_closed_request_has_no_date_in_its_head(client, officer):
    assert "Answer due 3" not in client.get(page_of(at_status(Status.CLOSED))).content.decode()


def test_a_long_story_folds_what_happened_before_the_last_eight(client, officer):
    subject_request = in_progress(officer=officer)
    assert "What happened before that" not in client.get(page_of(subject_request)).content.decode()
    for _ in range(8):
        services.add_note(subject_request, text="One more", by=officer, now=NOW)
    assert "What happened before that" in client.get(page_of(subject_request)).content.decode()


# --- proof -----------------------------------------------------------------------------------------------------------


@pytest.mark.req("DSR-6")
def test_the_page_proves_what_happened_with_numbers_and_digests(client, officer):
    subject_request = in_progress(Right.ERASURE, officer=officer)
    subject_request = services.prepare_request(subject_request, by=officer, now=NOW)
    package = Package.objects.create(
        request=subject_request,
        kind="certificate",
        created_at=NOW,
        expires_at=NOW + timedelta(days=7),
        size=1,
        sha256="ab" * 32,
        manifest_sha256="cd" * 32,
    )
    entries = Entry.objects.about(subject_request.key)
    response = client.get(page_of(subject_request))
    proof = response.context["proof"]
    assert proof["count"] == entries.count() > 3
    assert [end["number"] for end in proof["ends"]] == [entries.earliest("id").pk, entries.latest("id").pk]
    assert proof["ends"][0]["leaf"] == bytes(entries.earliest("id").leaf).hex()[:12]
    assert [digest["whole"] for digest in proof["digests"]] == [subject_request.plan_hash, package.sha256]
    page = response.content.decode()
    assert "Checked: unchanged" in page
    assert package.sha256 in page


@pytest.mark.req("DSR-6")
def test_an_entry_that_was_changed_is_told(client, officer, monkeypatch):
    from apps.subject_requests.presentation import proof

    subject_request = in_progress(officer=officer)
    entry = Entry.objects.about(subject_request.key).first()
    assert is_intact(entry)
    entry.body = bytes(entry.body).replace(b"opened", b"closed")
    assert not is_intact(entry)
    monkeypatch.setattr(proof, "is_intact", lambda each: each.pk != entry.pk)
    page = client.get(page_of(subject_request)).content.decode()
    assert "An entry was changed" in page
    assert "Checked: unchanged" not in page


def test_of_a_very_long_story_the_page_says_how_much_it_checked(client, officer, monkeypatch):
    from apps.subject_requests.presentation import desk

    subject_request = in_progress(officer=officer)
    whole = Entry.objects.about(subject_request.key)
    monkeypatch.setattr(desk, "TIMELINE_LENGTH", 2)
    response = client.get(page_of(subject_request))
    assert response.context["proof"]["count"] == whole.count() == 3
    assert response.context["proof"]["ends"][0]["number"] == whole.earliest("id").pk
    assert "The last 2 are unchanged" in response.content.decode()


# --- cost ------------------------------------------------------------------------------------------------------------


def test_a_page_costs_the_same_with_much_on_it_as_with_little(client, officer):
    account = AccountFactory()
    subject_request = in_progress(officer=officer, account=account)

    def cost():
        with CaptureQueriesContext(connection) as queries:
            assert client.get(page_of(subject_request)).status_code == 200
        return len(queries)

    services.send_message(subject_request, text="One", by=officer, now=NOW)
    filed(account=account)
    cost()
    one = cost()
    for _ in range(30):
        services.send_message(subject_request, text="More", by=officer, now=NOW)
        filed(account=account)
    assert cost() == one <= 30
