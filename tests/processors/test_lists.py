"""The list and the register are searched, sorted and downloaded; an entry says what its versions changed."""

import csv
import io

import pytest
from django.urls import reverse

from apps.cookies.models import Cookie
from apps.processors.models import Engagement, Processor
from apps.processors.states import Mechanism
from apps.processors.words import rewordings
from tests.accounts.factories import UserFactory
from tests.processors.factories import LONG_AGO, EngagementFactory


@pytest.fixture(autouse=True)
def empty(db):
    Engagement.objects.all().delete()
    Cookie.objects.exclude(processor=None).delete()
    Processor.objects.all().delete()


@pytest.fixture
def admin(client, sign_in):
    return sign_in(client, UserFactory(admin=True))


@pytest.fixture
def three():
    EngagementFactory(processor__name="Alpha", service="mail", capacity="sub_processor", in_us=True)
    EngagementFactory(processor__name="Beta", service="hosting", capacity="controller")
    EngagementFactory(processor__name="Gamma", service="Hosting of logs", capacity="sub_processor")


def names(client, address="/processors/", **query):
    return [row.name for row in client.get(address, query).context["table"].rows]


@pytest.mark.req("PRO-1")
@pytest.mark.usefixtures("three")
def test_anybody_sorts_the_list_by_its_heads(client):
    assert names(client) == ["Alpha", "Beta", "Gamma"]
    assert names(client, sort="-name") == ["Gamma", "Beta", "Alpha"]
    assert names(client, sort="service") == ["Beta", "Gamma", "Alpha"]
    assert names(client, sort="mechanism")[-1] == "Alpha"
    assert names(client, sort="password") == ["Alpha", "Beta", "Gamma"]


@pytest.mark.usefixtures("three")
def test_anybody_finds_a_company_by_name_service_and_role(client):
    assert names(client, q=" hosting ") == ["Beta", "Gamma"]
    assert names(client, q="alph") == ["Alpha"]
    assert names(client, role="controller") == ["Beta"]
    assert names(client, q="hosting", role="sub_processor") == ["Gamma"]
    assert names(client, role="magic") == ["Alpha", "Beta", "Gamma"]
    page = client.get("/processors/", {"q": "nobody"}).content.decode()
    assert "No company fits these filters." in page
    assert 'href="/processors/"' in page


@pytest.mark.threat("T33")
@pytest.mark.parametrize("query", ["q=%27%22%25_", "q=" + "x" * 5000, "role=%3Cscript%3E", "cursor=x&sort=-", "size=9"])
def test_no_address_makes_the_list_fail(client, query):
    EngagementFactory()
    assert client.get(f"/processors/?{query}").status_code == 200
    assert client.get(f"/processors/processors.csv?{query}").status_code == 200


@pytest.mark.usefixtures("three")
def test_the_file_holds_what_the_page_was_searched_for(client):
    page = client.get("/processors/", {"q": "hosting", "sort": "-name"})
    url = page.context["table"].csv_url
    assert url == "/processors/processors.csv?q=hosting&sort=-name"
    rows = list(csv.reader(io.StringIO(client.get(url).getvalue().decode("utf-8-sig"))))
    assert [row[0] for row in rows] == ["Name", "Gamma", "Beta"]
    assert client.get("/processors/").context["table"].csv_url == "/processors/processors.csv"


def test_the_file_speaks_the_language_of_whoever_fetches_it(client, sign_in):
    EngagementFactory()
    sign_in(client, UserFactory(auditor=True, language="nl"))
    text = client.get("/registers/processors/", {"format": "csv"}).getvalue().decode("utf-8-sig")
    assert "Goedgekeurd op 5 januari 2026" in text


def test_pages_go_on_where_the_last_one_ended(client):
    EngagementFactory.create_batch(31)
    first = client.get("/processors/").context["table"]
    second = client.get("/processors/", {"cursor": first.page.next_cursor}).context["table"]
    assert len({row.name for row in [*first.rows, *second.rows]}) == 31
    assert len(names(client, size=100)) == 31


def test_drafts_are_in_the_register_and_its_file_and_never_on_the_public_list(client, sign_in):
    EngagementFactory(processor__name="Draft only", draft=True)
    assert names(client) == []
    assert b"Draft only" not in client.get("/processors/processors.csv").getvalue()
    sign_in(client, UserFactory(auditor=True))
    assert names(client, "/registers/processors/") == ["Draft only"]
    assert b"Draft only" in client.get("/registers/processors/", {"format": "csv"}).getvalue()
    assert b"Draft only" not in client.get("/processors/processors.csv").getvalue()


@pytest.mark.parametrize("count", [1, 30])
def test_the_registers_file_is_one_query_more_than_who_asks(client, sign_in, django_assert_num_queries, count):
    EngagementFactory.create_batch(count)
    sign_in(client, UserFactory(auditor=True))
    with django_assert_num_queries(5):  # session, person, roles, second factor, rows
        client.get("/registers/processors/", {"format": "csv"}).getvalue()


def test_the_register_leads_to_entries_and_the_public_list_does_not(client, admin):
    entry = reverse("processors:entry", args=[EngagementFactory().line])
    assert entry in client.get("/registers/processors/").content.decode()
    assert entry not in client.get("/processors/").content.decode()


def test_an_entry_shows_word_by_word_what_its_versions_changed(client, admin):
    first = EngagementFactory(service="sends mail for customers", note="Asked in May.", replaced_at=LONG_AGO)
    EngagementFactory(processor=first.processor, line=first.line, version=2, service="sends mail and SMS for customers")
    page = client.get(reverse("processors:entry", args=[first.line])).content.decode()
    assert "2 words added" in page
    assert "</span>and SMS<span" in page
    assert "</span>Asked in May.<span" in page
    assert [(each.version, each.label) for each in rewordings(Engagement.objects.all())] == [
        (2, "Service"),
        (2, "Note"),
    ]


def test_an_entry_with_one_version_has_nothing_to_compare(client, admin):
    page = client.get(reverse("processors:entry", args=[EngagementFactory(mechanism=Mechanism.BCR).line]))
    assert "word by word" not in page.content.decode()


@pytest.mark.parametrize(("name", "button"), [("end", "Take off the list"), ("drop", "Drop the draft")])
def test_what_cannot_be_taken_back_is_asked_once_more_without_a_script(client, admin, name, button):
    draft = EngagementFactory(draft=True)
    url = reverse(f"processors:{name}", args=[draft.line])
    entry = client.get(reverse("processors:entry", args=[draft.line])).content.decode()
    assert f'href="{url}" data-opens="{name}">{button}</a>' in entry
    asked = client.get(url).content.decode()
    assert f'<form method="post" action="{url}"' in asked
    assert button in asked
    assert Engagement.objects.current().exists(), "asking changes nothing"
    client.post(url)
    assert not Engagement.objects.current().exists()


def test_an_auditor_is_offered_no_step(client, sign_in):
    sign_in(client, UserFactory(auditor=True))
    page = client.get(reverse("processors:entry", args=[EngagementFactory(draft=True).line])).content.decode()
    assert "<dialog" not in page
    assert "Change or approve" not in page
