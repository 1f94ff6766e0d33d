"""How long data stays, for everybody: what the page says, in which words, and what it costs."""

import csv
import io
from datetime import UTC, date, datetime

import pytest

from apps.retention.models import Rule
from apps.retention.services import seed_rules
from tests.retention.factories import RuleFactory
from tests.retention.sweeping import NIGHT, SweepFactory

pytestmark = pytest.mark.django_db
PAGE = "/retention/"
BEFORE = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def schedule():
    """The rules of the schedule, and no others."""
    Rule.objects.all().delete()
    seed_rules(now=BEFORE)


def text(response):
    return " ".join(response.content.decode().split())


def row_of(client, key):
    found = [row for family in client.get(PAGE).context["families"] for row in family.rows if row.rule.key == key]
    return found[0] if found else None


@pytest.mark.req("RET-1")
def test_every_rule_in_force_stands_there_with_its_period_event_and_purpose(client):
    page = text(client.get(PAGE))
    rows = [row for family in client.get(PAGE).context["families"] for row in family.rows]
    assert {row.rule.key for row in rows} == set(Rule.objects.current().values_list("key", flat=True))
    assert '<strong>6 months</strong><br><span class="soft small">when it is recorded</span>' in page
    assert '<strong>10 years</strong><br><span class="soft small">at the end of the book year</span>' in page
    assert '<strong>at once</strong><br><span class="soft small">when consent is withdrawn or expires</span>' in page
    assert "Bookkeeping, and the tax on services to other countries." in page
    assert "Made anonymous" in page
    assert page.count("<h1") == 1


@pytest.mark.req("RET-1")
def test_the_answer_on_top_is_made_of_the_rules(client):
    assert "goes after 6 months at the latest" in client.get(PAGE).context["answer"]
    assert "10 years (Invoices and tax records), because the law demands it." in client.get(PAGE).context["answer"]
    Rule.objects.filter(key="communications_content").update(period="P3M")
    assert "goes after 3 months at the latest" in client.get(PAGE).context["answer"]


@pytest.mark.req("RET-1")
def test_required_by_law_is_said_of_a_duty_alone_and_with_its_article(client):
    rows = [row for family in client.get(PAGE).context["families"] for row in family.rows]
    said = {row.rule.key: row.ground for row in rows if "by law" in row.ground}
    assert list(said) == ["tax"]
    assert "Required by law: AWR 52 (7 years), Implementing Regulation (EU) 282/2011 art. 63c" in said["tax"]
    assert "the period is our own" in row_of(client, "packages").ground
    assert {row.rule.key for row in rows if "can object" in row.note} == {
        row.rule.key for row in rows if row.rule.is_interest
    }


@pytest.mark.req("RET-2")
def test_a_longer_period_of_a_country_stands_with_act_and_article_beside_the_rule_it_lengthens(client):
    told = {"citation": "Information Technology Act 2000, s. 67C", "reviewed_on": date(2026, 3, 3)}
    RuleFactory(key="content_india", extends="communications_content", region="IN", period="P24M", **told)
    row = row_of(client, "communications_content")
    assert row.differences[:2] == [
        "India: 2 years (Information Technology Act 2000, s. 67C).",
        "Counsel looked at it on 3 March 2026.",
    ]
    assert row_of(client, "content_india") is None
    assert row_of(client, "web_visits").differences == []


@pytest.mark.req("RET-2")
def test_without_a_country_rule_it_says_under_what_condition_one_could_come(client):
    assert row_of(client, "communications_content").differences == [
        "Outside the European Economic Area longer only by a law of that country, at most 2 years."
    ]


@pytest.mark.req("RET-3")
def test_it_was_carried_out_when_the_last_finished_sweep_covered_it_as_it_stands(client):
    assert row_of(client, "security_logs").ran is None
    SweepFactory(running=True)
    SweepFactory(done=True, rules=["dsr_confirmation"], finished_at=NIGHT.replace(day=29, hour=3), started_at=None)
    assert row_of(client, "security_logs").ran is None
    assert "not yet" in text(client.get(PAGE))
    last = SweepFactory(done=True)
    assert row_of(client, "security_logs").ran == last.finished_at
    assert row_of(client, "dsr_confirmation").ran == last.finished_at
    Rule.objects.filter(key="dsr_confirmation").update(in_force_at=NIGHT.replace(month=11))
    assert row_of(client, "dsr_confirmation").ran is None


def test_a_rule_that_reaches_no_data_was_never_carried_out(client):
    RuleFactory(key="nothing_here")
    SweepFactory(done=True)
    assert row_of(client, "nothing_here").ran is None


def test_a_text_that_somebody_changed_is_shown_as_it_is(client):
    assert row_of(client, "web_visits").purpose == "Seeing how the website is used."
    Rule.objects.filter(key="web_visits").update(description="only the pages", why="Counting")
    assert (row_of(client, "web_visits").example, row_of(client, "web_visits").purpose) == (
        "only the pages",
        "Counting",
    )


@pytest.mark.parametrize("language", ["en", "nl", "ar"])
def test_the_page_speaks_each_language_and_needs_no_script(client, language):
    client.cookies["django_language"] = language
    response = client.get(PAGE)
    assert response.status_code == 200
    assert f'lang="{language}"' in text(response)
    assert "<script" not in response.content.decode().split("<main")[1]


def test_the_files_hold_every_rule_with_iso_periods(client):
    response = client.get("/retention/retention.csv")
    header, *rows = csv.reader(io.StringIO(response.content.decode("utf-8-sig")))
    tax = next(dict(zip(header, row, strict=True)) for row in rows if row[0] == "tax")
    assert len(rows) == Rule.objects.current().count()
    assert (tax["Period (ISO 8601)"], tax["Retention period"], tax["Version"]) == ("P10Y", "10 years", "1")
    facts = {rule["key"]: rule for rule in client.get("/retention/retention.json").json()["rules"]}
    assert len(facts) == len(rows)
    assert (facts["tax"]["period"], facts["tax"]["kinds"]) == ("P10Y", ["duty", "limit"])
    assert facts["communications_content"]["max_period"] == "P24M"


@pytest.mark.threat("T23")
def test_the_file_runs_in_no_spreadsheet(client):
    RuleFactory(key="sly", description='=cmd|"/c calc"!A1')
    assert "'=cmd|" in client.get("/retention/retention.csv").content.decode()


def test_without_rules_the_page_says_so(client):
    Rule.objects.all().delete()
    assert "No periods yet" in text(client.get(PAGE))
    assert client.get("/retention/retention.json").json()["rules"] == []


@pytest.mark.parametrize("count", [1, 30])
def test_the_page_asks_the_same_number_of_questions_for_1_and_30_rules(client, django_assert_num_queries, count):
    Rule.objects.all().delete()
    RuleFactory.create_batch(count)
    client.get(PAGE)
    for path in (PAGE, "/retention/retention.csv", "/retention/retention.json"):
        with django_assert_num_queries(3):  # rules, the map's versions, finished sweeps
            client.get(path)
