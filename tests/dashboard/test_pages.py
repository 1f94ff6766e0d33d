"""The public centre, everybody's first page, the evidence, and the pages for when something goes wrong."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.dashboard.doors import DOORS, TILES
from apps.dashboard.navigation import address
from apps.ledger.models import Entry
from apps.ledger.services import record
from tests.subject_requests.factories import NOW, AccountFactory, PersonFactory, filed, member

pytestmark = pytest.mark.django_db


def somebody(who):
    return member(AccountFactory()) if who == "customer" else PersonFactory(**{who: True})


def test_the_centre_is_for_everybody_and_names_officer_and_authority(client, settings):
    page = client.get("/").content.decode()
    assert settings.PROVIDER["dpo_email"] in page
    assert settings.PROVIDER["authority_name"] in page
    assert reverse("account_login") in page


def test_a_door_appears_when_its_page_exists_and_the_page_never_ends_in_front_of_nobody(client):
    page = client.get("/")
    assert [door.icon for door in page.context["doors"]] == [each.icon for each in DOORS if address(each.page)]
    assert [tile.icon for tile in page.context["tiles"]] == [each.icon for each in TILES if address(each.page)]
    for way in (*page.context["doors"], *page.context["tiles"]):
        assert client.get(way.url).status_code in (200, 302), way.url  # the demo site has hosts of its own
    # while a door is missing, whoever would go through it is told whom to write to
    assert ("I am somebody else" in page.content.decode()) is any(address(each.page) is None for each in DOORS)


@pytest.mark.req("STA-3")
def test_the_contact_page_says_whom_to_write_to_and_where_to_complain(client, settings):
    facts = settings.PROVIDER
    page = client.get("/contact/").content.decode()
    for name in ("dpo_email", "dpo_email_older", "support_email", "security_email", "authority_name", "authority_url"):
        assert facts[name] in page, name
    assert "mailto:security@messagebird.com?subject=Urgent%3A%20account%20credentials" in page
    assert f"mailto:{facts['dpo_email']}?subject=Children%20%2F%20%D8%A7" in page
    assert f"mailto:{facts['dpo_email']}?subject=Dispute%20%2F%20%D9%86" in page
    assert "1079 TX Amsterdam" in page
    for words in ("where you live or work", "where you think the law was broken", "your own country", "go to court"):
        assert words in page, words


@pytest.mark.req("STA-3")
def test_a_local_address_is_shown_when_it_is_stated_and_said_to_be_missing_until_then(client, settings):
    settings.PROVIDER = settings.PROVIDER | {"local_addresses": {"SG": "1 Sample Road, Singapore 049315", "DE": ""}}
    page = client.get("/contact/").content.decode()
    assert "1 Sample Road" in page
    assert "not stated yet" in page
    assert "Germany" in page
    assert "China" not in page


@pytest.mark.parametrize("path", ["/", "/contact/", "/account/login/", "/no/such/page/"])
def test_every_page_ends_with_officer_authority_and_the_way_to_write_to_us(client, settings, path):
    foot = client.get(path).content.decode().partition("<footer")[2]
    assert settings.PROVIDER["dpo_email"] in foot
    assert settings.PROVIDER["authority_url"] in foot
    assert 'href="/contact/"' in foot
    assert "I am a customer" in foot


def test_every_language_stands_in_its_own_name_and_arabic_runs_the_other_way(client):
    page = client.get("/").content.decode()
    assert "Nederlands" in page
    assert "العرب" in page
    assert 'dir="ltr"' in page
    client.post(reverse("set_language"), {"language": "ar", "next": "/"})
    page = client.get("/").content.decode()
    assert 'lang="ar" dir="rtl"' in page
    assert "bootstrap.rtl" in page


@pytest.mark.threat("T40")
def test_no_page_has_anything_inline(client):
    response = client.get("/")
    page = response.content.decode()
    policy = response["Content-Security-Policy"]
    assert "unsafe-inline" not in policy
    assert "unsafe-eval" not in policy
    assert "style=" not in page
    assert "onclick" not in page
    assert "<style" not in page


def test_the_theme_is_chosen_without_a_script(client):
    response = client.post("/theme/", {"theme": "dark", "next": "/?a=1"})
    assert response.url == "/?a=1"
    assert 'data-bs-theme="dark"' in client.get("/").content.decode()
    client.post("/theme/", {"theme": ""})
    assert "data-bs-theme" not in client.get("/").content.decode()


@pytest.mark.threat("T39")
@pytest.mark.parametrize(
    "there", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "\\\\evil.example"]
)
def test_the_theme_leads_to_no_other_site(client, there):
    assert client.post("/theme/", {"theme": "dark", "next": there}).url == "/"


@pytest.mark.parametrize(
    ("who", "first"),
    [("customer", "/requests/home/"), ("officer", "/desk/"), ("dpo", "/desk/"), ("auditor", "/evidence/")],
)
def test_everybody_begins_where_their_work_is(client, sign_in, who, first):
    sign_in(client, somebody(who))
    assert client.get("/home/").url == first
    page = client.get(first).content.decode()
    assert f'href="{first}" aria-current="page"' in page


@pytest.mark.parametrize("who", ["customer", "officer", "dpo", "admin", "auditor"])
def test_a_door_is_shown_only_to_those_who_may_walk_through_it(client, sign_in, who):
    sign_in(client, somebody(who))
    for door in client.get("/").context["nav"]:
        assert client.get(door.url).status_code == 200, door.url


@pytest.mark.threat("T1")
@pytest.mark.parametrize(
    ("who", "status"), [("auditor", 200), ("dpo", 200), ("officer", 403), ("customer", 403), ("admin", 403)]
)
def test_evidence_is_for_auditors_and_the_data_protection_officer(client, sign_in, who, status):
    sign_in(client, somebody(who))
    assert client.get("/evidence/").status_code == status


def test_evidence_tells_what_happened_and_names_nobody(client, sign_in):
    subject_request = filed()
    sign_in(client, PersonFactory(auditor=True))
    page = client.get("/evidence/").content.decode()
    assert "The request was received" in page
    assert str(subject_request.pk) in page
    assert subject_request.filed_by.email not in page
    assert "+31612345678" not in page


def test_evidence_is_filtered_by_verb_object_and_day(client, sign_in):
    subject_request = filed()
    sign_in(client, PersonFactory(auditor=True))

    def found(**query):
        return {row.entry.verb for row in client.get("/evidence/", query).context["table"].rows}

    assert found(verb="subject_request.opened") == {"subject_request.opened"}
    assert "subject_request.opened" in found(target=str(subject_request.pk))
    assert "subject_request.opened" in found(day="2026-11-23")
    assert found(day="1999-01-01") == set()
    assert found(verb="no.such", day="32nd") == found()


def test_evidence_costs_as_many_queries_with_thirty_entries_as_with_one(client, sign_in):
    sign_in(client, PersonFactory(auditor=True))

    def cost():
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/evidence/").status_code == 200
        return len(queries)

    filed()
    cost()
    one = cost()
    for number in range(30):
        record(actor="system", verb="subject_request.certified", target=f"x:{number}", at=NOW)
    assert cost() == one


@pytest.mark.parametrize(
    ("who", "status"), [("auditor", 200), ("dpo", 200), ("admin", 200), ("officer", 403), ("customer", 403)]
)
def test_the_outbox_shows_states_and_no_addresses(client, sign_in, who, status):
    subject_request = filed()
    sign_in(client, somebody(who))
    response = client.get("/evidence/outbox/")
    assert response.status_code == status
    if status == 200:
        page = response.content.decode()
        assert "subject_requests/received" in page
        assert subject_request.filed_by.email not in page


@pytest.mark.threat("T33")
@pytest.mark.parametrize(
    "query", ["cursor=%00", "day=%00", "target=%F0%9F%98%80", "verb=" + "x" * 10_000, "cursor=" + "A" * 4000]
)
def test_junk_in_an_address_is_no_error_of_ours(client, sign_in, query):
    sign_in(client, PersonFactory(dpo=True))
    for path in ("/", "/contact/", "/evidence/", "/evidence/outbox/", "/desk/", "/requests/"):
        assert client.get(f"{path}?{query}").status_code in (200, 302, 400), path


def test_what_is_not_there_has_the_same_face(client):
    response = client.get("/no/such/page/")
    assert response.status_code == 404
    assert "Page not found" in response.content.decode()
    assert "csrfmiddlewaretoken" not in response.content.decode()  # the same bytes for everybody


def test_an_error_of_ours_has_the_same_face_and_asks_no_database(settings):
    from apps.dashboard.views import server_error

    response = server_error(None)
    assert response.status_code == 500
    assert "Something went wrong on our side" in response.content.decode()
    assert settings.PROVIDER["dpo_email"] in response.content.decode()


def test_a_form_without_its_token_is_refused_in_plain_words(sign_in):
    strict = Client(enforce_csrf_checks=True)
    response = strict.post("/theme/", {"theme": "dark"})
    assert response.status_code == 403
    assert "too long" in response.content.decode()


def test_reading_evidence_writes_none(client, sign_in):
    sign_in(client, PersonFactory(auditor=True))
    before = Entry.objects.count()
    client.get("/evidence/")
    assert Entry.objects.count() == before
