"""Retention at the desk: the rules with what they are about to do, exceptions, what was measured, every sweep."""

import csv
import io
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine

from apps.retention.models import Rule, SweepPause
from apps.retention.presentation import storage
from apps.retention.services import seed_rules
from tests.accounts.factories import MembershipFactory, UserFactory
from tests.retention.factories import RuleFactory
from tests.retention.holds import hold
from tests.retention.sweeping import MeasurementFactory, SweepFactory, SweepTaskFactory, kept, line

pytestmark = pytest.mark.django_db
PAGE = "/desk/retention/"
NOW = datetime(2026, 9, 30, 12, 0, tzinfo=UTC)
LOGS = "portal_accounts:usersessions_usersession"


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(NOW, tick=True):
        yield


@pytest.fixture(autouse=True)
def schedule():
    Rule.objects.all().delete()
    seed_rules(now=datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def officer(client, sign_in):
    return sign_in(client, UserFactory(officer=True))


def text(response):
    return " ".join(response.content.decode().split())


def row_of(response, key):
    rows = [row for family in response.context["families"] for row in family.rows]
    return next(row for row in rows if row.shown.rule.key == key)


@pytest.mark.threat("T1")
@pytest.mark.parametrize(
    ("who", "status"),
    [("officer", 200), ("dpo", 200), ("admin", 200), ("auditor", 200), ("customer", 404), (None, 302)],
)
def test_the_page_is_for_the_staff_and_for_customers_there_is_none(client, sign_in, who, status):
    SweepFactory()
    if who:
        sign_in(client, MembershipFactory(role="owner").user if who == "customer" else UserFactory(**{who: True}))
    for path in (PAGE, f"{PAGE}?format=csv", f"{PAGE}sweeps/{SweepFactory().hash}/"):
        assert client.get(path).status_code == status


@pytest.mark.req("RET-1")
def test_a_rule_stands_there_with_its_version_reach_next_run_and_exceptions(client, officer):
    Rule.objects.filter(key="tax").update(version=3)
    SweepFactory(lines=[line("tax", 1_200, kept=[kept(3)]), line("tax", 34, collection="platform:invoice_lines")])
    response = client.get(PAGE)
    row = row_of(response, "tax")
    assert (row.goes, row.stays) == ("1,234", ["3 – kept: tax records until 31 December 2035"])
    assert "version 3" in text(response)
    assert (row_of(response, "security_logs").goes, row_of(response, "security_logs").reaches > 0) == ("0", True)
    assert (response.context["goes"], response.context["stays"]) == ("1,234", "3")
    assert response.content.decode().count("<h1") == 1


def test_what_a_rule_of_a_country_decides_counts_with_the_rule_it_lengthens(client, officer):
    told = {"citation": "Act 1, s. 2", "reviewed_on": date(2026, 3, 3)}
    RuleFactory(key="content_india", extends="communications_content", region="IN", period="P24M", **told)
    SweepFactory(lines=[line("communications_content", 5), line("content_india", 2)])
    assert row_of(client.get(PAGE), "communications_content").goes == "7"


def test_without_an_open_plan_nothing_is_claimed_of_the_next_run(client, officer):
    SweepFactory(done=True)
    response = client.get(PAGE)
    assert row_of(response, "tax").goes == "–"
    assert "No plan is open." in text(response)


@pytest.mark.req("RET-4")
def test_a_plan_that_waits_is_said_on_top(client, officer):
    plan = SweepFactory(waiting=True)
    page = text(client.get(PAGE))
    assert "A plan waits for a person." in page
    assert f'href="{PAGE}sweeps/{plan.hash}/">Look at the plan' in page
    SweepPause.objects.create(paused_by="command", paused_at=NOW)
    assert "Sweeps are paused." in text(client.get(PAGE))


@pytest.mark.threat("T63")
@pytest.mark.parametrize(("who", "knows"), [("officer", True), ("dpo", True), ("admin", False), ("auditor", False)])
def test_only_named_roles_learn_that_a_hold_stands(client, sign_in, who, knows):
    hold(account="1001")
    SweepFactory(
        lines=[
            line(
                kept=[
                    kept(2, ground="LH-2026-000007", kind="hold"),
                    kept(4, ground="open_request", kind="open_request"),
                ]
            )
        ]
    )
    sign_in(client, UserFactory(**{who: True}))
    response = client.get(PAGE)
    stays = row_of(response, "communications_content").stays
    if knows:
        assert response.context["holds"] == 1
        assert [said.partition(" until")[0] for said in stays] == [
            "2 – kept: legal hold LH-2026-000007",
            "4 – kept: open request",
        ]
    else:
        assert response.context["holds"] is None
        assert "hold" not in text(response).split("<main")[1].lower().replace("holder", "")
        assert stays == []


def test_over_kept_rows_have_a_goal_and_a_trend_for_each_collection(client, officer):
    for ago, over in enumerate([0, 0, 5, 0]):
        MeasurementFactory(collection=LOGS, day=NOW.date() - timedelta(days=ago), over_kept=over)
    response = client.get(PAGE)
    [trend] = response.context["trends"]
    assert (trend.over_kept, trend.is_over, trend.size) == ("0", False, "2 MB")
    assert trend.in_words == "the most: 5 on 28 September 2026"
    assert trend.points == "0,19 33.3333,1 66.6667,19 100,19"
    assert response.context["over_kept"] == 0
    assert "as it should be" in text(response)
    MeasurementFactory(collection="portal_ledger:ledger_entry", over_kept=7)
    response = client.get(PAGE)
    assert response.context["trends"][0].over_kept == "7"
    assert "the goal is 0" in text(response)


def test_thirty_measurements_are_looked_at_and_older_ones_once_a_week(client, officer):
    days = [NOW.date() - timedelta(days=ago) for ago in range(60)]
    for day in days:
        MeasurementFactory(collection=LOGS, day=day)
    charts = client.get(PAGE).context
    shown = charts["storage_charts"][0].table.rows
    assert len(shown) == 30 + 4
    assert len(charts["trends"][0].points.split()) == 30


@pytest.mark.req("RET-3")
def test_storage_has_a_line_a_family_and_what_will_be_freed_a_bar_a_month(client, officer):
    MeasurementFactory(collection=LOGS, day=date(2026, 9, 29), bytes=1_000_000)
    MeasurementFactory(collection=LOGS, expiring={"2026-10": 500, "2027-08": 250, "2031-01": 9})
    response = client.get(PAGE)
    [storage_chart] = response.context["storage_charts"]
    assert storage_chart.title == "Customers and prospects"
    assert [row[1] for row in storage_chart.table.rows] == ["1", "2"]
    freed = response.context["freed_chart"].table.rows
    assert [freed[0][0], freed[-1][0]] == ["September 2026", "August 2027"]
    assert [row[1] for row in freed if row[1] != "0"] == ["1", "0.5"]


def test_before_the_first_measurement_and_the_first_sweep_the_page_says_so(client, officer):
    page = text(client.get(PAGE))
    assert "Nothing was measured yet." in page
    assert "No sweep yet" in page
    Rule.objects.all().delete()
    assert "No periods yet" in text(client.get(PAGE))


def test_the_list_is_filtered_by_status_and_day_and_downloaded(client, officer):
    done = SweepFactory(done=True, lines=[line(count=150, kept=[kept(3)])])
    SweepTaskFactory(sweep=done, finished=True)
    SweepFactory(day=date(2026, 10, 1))
    rows = client.get(PAGE).context["table"].rows
    assert [(row.planned, row.done, row.kept, row.took) for row in rows] == [
        ("100", "0", "0", "–"),
        ("150", "100", "3", "2 minutes"),
    ]
    assert [row.sweep for row in client.get(f"{PAGE}?status=done").context["table"].rows] == [done]
    assert len(client.get(f"{PAGE}?since=2026-10-01").context["table"].rows) == 1
    assert "No sweep fits these filters." in text(client.get(f"{PAGE}?status=refused"))
    response = client.get(f"{PAGE}?format=csv&status=done")
    header, row = csv.reader(io.StringIO(response.getvalue().decode("utf-8-sig")))
    told = dict(zip(header, row, strict=True))
    assert (told["Planned"], told["Done"], told["Kept past the limit"], told["Seconds"]) == ("150", "100", "3", "120.0")


@pytest.mark.parametrize("language", ["nl", "ar"])
def test_the_page_speaks_each_language(client, officer, language):
    SweepFactory(waiting=True, lines=[line(kept=[kept()])])
    MeasurementFactory(collection=LOGS, expiring={"2026-10": 5})
    client.cookies["django_language"] = language
    response = client.get(PAGE)
    assert response.status_code == 200
    assert f'lang="{language}"' in text(response)


# Session, person, roles 3, second factor; list and its tasks; map and names, rules, sweeps done, plan; days, measured,
# the last of them; pause, holds 2.
QUERIES = 19


@pytest.mark.parametrize("count", [1, 30])
def test_the_page_asks_the_same_number_of_questions_for_1_and_30_rows(
    client, officer, django_assert_num_queries, count
):
    for number in range(count):
        RuleFactory(key=f"more_{number}")
        SweepTaskFactory(sweep=SweepFactory(done=True), finished=True)
        MeasurementFactory(collection=LOGS, day=NOW.date() - timedelta(days=number))
        MeasurementFactory(collection=f"portal_accounts:{number}")
    client.get(PAGE)
    with django_assert_num_queries(QUERIES):
        assert client.get(PAGE).status_code == 200


def test_months_to_come_go_over_the_turn_of_the_year():
    assert storage.coming(date(2026, 11, 30))[:3] == ["2026-11", "2026-12", "2027-01"]
    assert storage.coming(date(2026, 1, 31))[-1] == "2026-12"
