"""The desk's overview: who sees it, what it says, how much it costs."""

import csv
import io
import re
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.subject_requests.states import Capacity, Outcome, Right
from tests.subject_requests.factories import NOW, AccountFactory, PersonFactory, filed, member
from tests.subject_requests.test_figures import answered_part

pytestmark = pytest.mark.django_db
PAGE = "/desk/overview/"


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(NOW, tick=True):
        yield


@pytest.fixture
def officer(client, sign_in):
    return sign_in(client, PersonFactory(officer=True, full_name="Olga Officer"))


def table_of(response):
    return list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))


@pytest.mark.threat("T1")
@pytest.mark.parametrize(
    ("who", "status"), [("officer", 200), ("dpo", 200), ("admin", 403), ("auditor", 403), ("customer", 403)]
)
def test_the_overview_is_for_officers_and_the_data_protection_officer(client, sign_in, who, status):
    sign_in(client, member(AccountFactory()) if who == "customer" else PersonFactory(**{who: True}))
    assert client.get(PAGE).status_code == client.get(PAGE + "?format=csv").status_code == status


@pytest.mark.req("DSR-4")
def test_it_says_how_fast_how_punctual_and_on_which_article_that_rests(client, officer):
    answered_part(days=4)
    answered_part(days=9, late=True, extended="influx")
    answered_part(days=2, refused="infringes_law", capacity=Capacity.PROCESSOR, outcome=Outcome.INSTRUCTION_DECLINED)
    response = client.get(PAGE)
    values = {measure.name: measure.values for measure in response.context["measures"]}
    assert response.context["capacities"] == ["Controller", "Processor"]
    assert values["Median time to answer, in days"] == ["6.5", "2"]
    assert values["90th percentile of that time, in days"] == ["8.5", "2"]
    assert values["On time"] == ["50%", "100%"]
    assert values["Extended"] == ["50%", "0%"]
    assert values["Declined"] == ["0%", "100%"]
    page = response.content.decode()
    assert all("GDPR" in measure.means for measure in response.context["measures"][1:])
    assert "A temporary, exceptional number of" in page
    assert "The instruction would infringe" in page
    assert page.count("<h1") == 1


def test_the_period_lives_in_the_address_and_what_is_none_is_the_default(client, officer):
    shown = {query: client.get(PAGE + query).context["shown"] for query in ("", "?period=30-days", "?period=x")}
    assert [each.chosen for each in shown.values()] == ["3-months", "30-days", "3-months"]
    assert client.get(PAGE + "?period=12-months").context["tabs"][2]["is_current"]


def test_the_oldest_work_leads_to_its_page(client, officer):
    old = filed(at=NOW - timedelta(days=40))
    filed()
    page = client.get(PAGE).content.decode()
    assert f'href="/desk/{old.reference}/"' in page
    assert "days late" in page


def test_a_portal_without_requests_says_so_and_draws_nothing(client, officer):
    page = client.get(PAGE).content.decode()
    assert 'role="img"' not in page
    assert all(sentence in page for sentence in ("No request came in", "Nothing was answered", "Nothing is open."))
    assert "Nothing is due in the coming weeks." in page


@pytest.mark.parametrize("language", ["en", "nl", "ar"])
def test_places_in_drawings_are_numbers_in_every_language(client, sign_in, language):
    sign_in(client, PersonFactory(officer=True, language=language))
    filed(Right.ACCESS, at=NOW - timedelta(days=3))
    answered_part(days=1)
    page = client.get(PAGE).content.decode()
    places = re.findall(r'\s(?:x|y|width|height|x1|x2|y1|y2)="([^"]*)"', page)
    assert len(places) > 100
    assert [place for place in places if not re.fullmatch(r"-?\d+(\.\d+)?%?", place)] == []


def test_arabic_time_runs_from_the_right(client, sign_in):
    sign_in(client, PersonFactory(officer=True, language="ar"))
    filed()
    markers = client.get(PAGE).context["over_time"].lines[0].markers
    assert markers[0].x > markers[-1].x


@pytest.mark.req("DSR-6")
def test_the_figures_can_be_had_as_a_table(client, officer):
    filed(Right.ACCESS)
    answered_part(days=4, extended="complexity")
    response = client.get(PAGE + "?format=csv&period=30-days")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == 'attachment; filename="overview-2026-10-25-2026-11-23.csv"'
    header, *rows = table_of(response)
    assert header == ["Figure", "Of", "Value"]
    assert ["Received, by right", "Access, Signed in on the portal", "2"] in rows
    assert ["Received", "2026-11-23", "1"] in rows
    assert ["Median time to answer, in days", "Controller", "4.0"] in rows
    assert ["Why deadlines were extended", "Controller, The request is complex", "1"] in rows
    assert ["Answers due", "2026-12-23", "1"] in rows


@pytest.mark.threat("T57")
def test_the_overview_and_its_table_name_nobody(client, officer):
    account = AccountFactory(name="Acme Messaging")
    filed(account=account, by=member(account, full_name="Priya Privacy", email="priya@acme.example"))
    for query in ("", "?format=csv"):
        text = client.get(PAGE + query).content.decode()
        assert not [each for each in ("Acme Messaging", "Priya", "priya@", "+31612345678") if each in text]


def test_the_overview_costs_as_many_queries_with_thirty_requests_as_with_one(client, officer):
    account = AccountFactory()
    by = member(account)

    def cost():
        with CaptureQueriesContext(connection) as queries:
            assert client.get(PAGE).status_code == 200
        return len(queries)

    filed(account=account, by=by)
    answered_part(days=1)
    cost()
    one = cost()
    for days in range(29):
        filed(account=account, by=by, at=NOW - timedelta(days=days))
    for days in range(5):
        answered_part(days=days + 1, extended="complexity", refused="excessive")
    assert cost() == one <= 16
