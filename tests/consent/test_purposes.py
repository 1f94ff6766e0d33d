"""The register of purposes: what people are asked, in versions that show what changed, until a purpose ends."""

from datetime import timedelta

import pytest
import yaml
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.consent import tasks
from apps.consent.models import PROVIDER, Event, Purpose, State, Text
from apps.consent.services import Decision, event_id, purposes, record_decision
from apps.consent.services.seeding import PURPOSES
from apps.core.clock import now
from apps.core.errors import DomainError, InvalidInput
from apps.datamap.services import known_categories
from apps.ledger.models import Entry
from tests.accounts.factories import UserFactory

pytestmark = pytest.mark.django_db
PAGE = "/registers/purposes/"


@pytest.fixture
def admin(client, sign_in):
    return sign_in(client, UserFactory(admin=True))


def content(**changes):
    return purposes.Content(**{"data_categories": ["user.contact.email"], "recipients": ["MailChimp"]} | changes)


def bodies(**changes):
    said = {"title": "Surveys", "summary": "We ask how you like it."} | changes
    return {
        language: {place: f"{words} {language}" for place, words in said.items()} for language in ("en", "nl", "ar")
    }


def added(key="surveys", **changes):
    return purposes.add_purpose(key=key, basis="consent", content=content(**changes), bodies=bodies(), actor="command",
                                now=now())  # fmt: skip


def change(key="surveys", *, seen=1, words=None, material=False, **changes):
    said = {"content": content(**changes), "bodies": words or bodies()}
    return purposes.change_purpose(key=key, seen_version=seen, is_material=material, actor="command", now=now(), **said)


@pytest.mark.req("CON-1")
def test_the_purposes_of_the_portal_name_categories_of_the_data_map_and_companies_of_the_register():
    stated = yaml.safe_load(PURPOSES.read_text(encoding="utf-8"))
    named = {category for one in stated.values() for category in one["data_categories"]}
    assert named - known_categories() == set()
    for key in stated:
        purpose = Purpose.objects.get(pk=key)
        assert purposes.latest_version(key) == 1
        assert purposes.unknown_categories(purpose.data_categories) == []


@pytest.mark.req("CON-1")
def test_other_words_are_another_version_and_the_earlier_ones_stay():
    added()
    words = bodies(summary="We ask what you miss.")
    assert change(words=words, material=True) == 2
    assert change(words=words, seen=2) == 2
    texts = {(text.version, text.language): text.body["summary"] for text in Text.objects.filter(notice="surveys")}
    assert texts[1, "en"] == "We ask how you like it. en"
    assert texts[2, "nl"] == "We ask what you miss. nl"
    assert Entry.objects.filter(target="consent.notice:surveys").count() == 2


def test_a_language_whose_words_stay_keeps_its_version():
    added()
    words = bodies()
    words["en"] = words["en"] | {"summary": "Another sentence."}
    change(words=words)
    current = dict(Text.objects.current().filter(notice="surveys").values_list("language", "version"))
    assert current == {"en": 2, "nl": 1, "ar": 1}
    with pytest.raises(InvalidInput, match="shown before"):
        change(seen=2)


@pytest.mark.parametrize(
    ("field", "changes"),
    [("data_categories", {"data_categories": ["user.contact.emial"]}), ("recipients", {"recipients": ["Nobody & Co"]}),
     ("validity", {"validity": "half a year"}), ("validity", {"validity": "P0M"})],
)  # fmt: skip
def test_what_the_map_or_the_registers_do_not_know_is_refused(field, changes):
    with pytest.raises(InvalidInput) as refused:
        added(**changes)
    assert refused.value.field == field
    assert not Purpose.objects.filter(pk="surveys").exists()


def test_whoever_read_an_older_version_publishes_nothing():
    added()
    change(words=bodies(summary="Newer."))
    with pytest.raises(DomainError, match="Somebody published"):
        change(words=bodies(summary="Newest."), seen=1)


@pytest.mark.req("CON-4")
def test_every_yes_ends_with_its_purpose_and_its_proof_begins_its_five_years():
    added()
    at = now() - timedelta(days=1)
    for number in range(7):
        said = {"scope": PROVIDER, "action": "given", "method": "switch", "language": "en", "text": "0" * 64}
        purpose = "newsletter" if number == 6 else "surveys"
        one = Decision(id=event_id(at), subject_key=f"user:{number}", choices={purpose: True}, **said)
        record_decision(one, now=at)
    both = Decision(id=event_id(at), subject_key="user:both", choices={"surveys": True, "newsletter": True}, **said)
    record_decision(both, now=at)
    ended = purposes.end_purpose(key="surveys", actor="command", now=now()).ended_at
    assert [purposes.end_answers(at_most=4) for _ in range(3)] == [4, 3, 0]
    assert tasks.end_answers() == 0
    assert set(State.objects.allowing(at=now()).values_list("purpose", flat=True)) == {"newsletter"}
    assert Event.objects.get(id=both.id).ended_at is None  # it says yes to another purpose, too
    assert set(Event.objects.filter(choices={"surveys": True}).values_list("ended_at", flat=True)) == {ended}
    assert Event.objects.get(choices={"newsletter": True}).ended_at is None
    with pytest.raises(DomainError, match="has ended"):
        change()


# --- pages ------------------------------------------------------------------------------------------------------------


def typed(page, **changes):
    form = page.context["form"]
    said = {name: form[name].value() for name in form.fields}
    return {name: "" if value is None else value for name, value in said.items()} | changes


@pytest.mark.req("CON-1")
def test_an_administrator_publishes_a_version_and_sees_what_changed_word_by_word(client, admin):
    url = f"{PAGE}newsletter/"
    page = client.get(f"{url}edit/")
    words = page.context["form"]["en_summary"].value()
    data = typed(page, kind="editorial", en_summary=f"{words} Gladly.")
    assert client.post(f"{url}edit/", data).headers["Location"] == url
    entry = client.get(url)
    newest, first = entry.context["versions"]
    assert (newest.number, newest.is_material, first.changes) == (2, False, [])
    assert [change.difference.in_words for change in newest.changes] == ["1 word added"]
    assert "<ins>" in entry.content.decode()


@pytest.mark.threat("T37")
def test_publishing_and_ending_ask_for_a_fresh_factor(client, sign_in):
    sign_in(client, UserFactory(admin=True), fresh_factor=False)
    data = typed(client.get(f"{PAGE}newsletter/edit/"), kind="material", en_title="News")
    for url, sent in ((f"{PAGE}newsletter/edit/", data), (f"{PAGE}newsletter/end/", {}), (f"{PAGE}new/", data)):
        assert client.post(url, sent).headers["Location"].startswith("/account/step-up/")
    assert purposes.latest_version("newsletter") == 1
    assert Purpose.objects.get(pk="newsletter").ended_at is None


def test_what_is_refused_stands_beside_its_field_and_nothing_typed_is_lost(client, admin):
    page = client.get(f"{PAGE}newsletter/edit/")
    data = typed(page, kind="material", data_categories="user.emial", ar_title="")
    page = client.post(f"{PAGE}newsletter/edit/", data)
    assert "ar_title" in page.context["form"].errors
    page = client.post(f"{PAGE}newsletter/edit/", data | {"ar_title": "النشرة"})
    assert "user.emial" in str(page.context["form"].errors["data_categories"])
    assert page.context["form"]["ar_title"].value() == "النشرة"
    page = client.post(f"{PAGE}newsletter/edit/", data | {"en_summary": "a\0b"})
    assert page.status_code == 200
    assert "en_summary" in page.context["form"].errors


def test_a_new_purpose_comes_with_its_words(client, admin):
    page = client.get(f"{PAGE}new/")
    texts = {name: "Words" for name in page.context["form"].fields if name[:3] in ("en_", "nl_", "ar_")}
    data = texts | {"key": "surveys", "basis": "consent", "validity": "P2Y", "seen_version": 0,
                    "data_categories": "user.contact.email\n", "recipients": ""}  # fmt: skip
    assert client.post(f"{PAGE}new/", data).headers["Location"] == f"{PAGE}surveys/"
    purpose = Purpose.objects.get(pk="surveys")
    assert (purpose.validity, purpose.data_categories, purpose.recipients) == ("P2Y", ["user.contact.email"], [])
    assert "key" in client.post(f"{PAGE}new/", data).context["form"].errors
    assert "key" in client.post(f"{PAGE}new/", data | {"key": "new"}).context["form"].errors


def test_its_history_says_the_basis_and_what_changed_in_the_language_of_the_reader(client, admin):
    client.post(
        f"{PAGE}newsletter/edit/", typed(client.get(f"{PAGE}newsletter/edit/"), kind="editorial", validity="P1Y")
    )
    client.post("/language/", {"language": "nl"})
    told = [event.text for event in client.get(f"{PAGE}newsletter/").context["events"]]
    assert told[-1].endswith("rechtsgrond toestemming")
    assert any(text.endswith(": Opnieuw gevraagd na") for text in told), told


def test_a_purpose_is_ended_after_asking_once_more(client, admin):
    assert "Let this purpose end?" in client.get(f"{PAGE}newsletter/end/").content.decode()
    assert client.post(f"{PAGE}newsletter/end/").headers["Location"] == f"{PAGE}newsletter/"
    assert "This purpose ended on" in client.get(f"{PAGE}newsletter/").content.decode()
    assert client.get(f"{PAGE}newsletter/edit/").status_code == 404


@pytest.mark.parametrize("query", ["", "?sort=-basis", "?sort=version", "?format=csv"])
def test_the_list_costs_the_same_for_thirty_purposes_as_for_few(client, admin, query):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            response = client.get(PAGE + query)
            assert response.status_code == 200
            assert response.getvalue().count(b"\n") > 5
        return len(captured)

    queries()
    few = queries()
    for number in range(30):
        added(f"surveys_{number}")
    assert queries() == few <= 12


def test_staff_read_and_change_nothing(client, sign_in):
    sign_in(client, UserFactory(auditor=True))
    assert "Change it" not in client.get(f"{PAGE}newsletter/").content.decode()
    assert client.get(f"{PAGE}newsletter/edit/").status_code == 403
