"""One sweep's page: its plan and reasons, who has to look, how far it is, and its report as page and files."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.urls import reverse

from apps.ledger.models import Entry
from apps.retention.models import Rule, Sweep, SweepPause
from apps.retention.services import seed_rules
from apps.retention.states import SweepStatus, TaskStatus
from tests.accounts.factories import UserFactory
from tests.retention.holds import hold
from tests.retention.sweeping import NIGHT, SweepBatchFactory, SweepFactory, SweepTaskFactory, kept, line

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 9, 30, 12, 0, tzinfo=UTC)


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
    return sign_in(client, UserFactory(officer=True, full_name="Olga Officer"))


@pytest.fixture
def running():
    """300 of 1,000 rows gone, in batches of 100 that took half a second."""
    sweep = SweepFactory(running=True, started_at=NOW - timedelta(minutes=3), lines=[line(count=1_000)])
    task = SweepTaskFactory(sweep=sweep, planned=1_000, done=300, batches=3, status=TaskStatus.CLAIMED)
    for number in range(3):
        SweepBatchFactory(task=task, rows=100, seconds=0.5, at=NOW + timedelta(seconds=number), latency_ms=2.5 + number)
    return sweep


def address(sweep, rest=""):
    return f"/desk/retention/sweeps/{sweep.hash}/{rest}"


def text(response):
    return " ".join(response.content.decode().split())


def facts_of(part):
    return dict(re.findall(r"<dt[^>]*>(.*?)</dt><dd[^>]*><bdi>(.*?)</bdi>", part.content.decode()))


def test_a_plan_says_what_goes_what_stays_and_why_and_shows_some_keys(client, officer):
    long_kept = kept(3, until_latest="2036-12-31")
    sweep = SweepFactory(lines=[line("tax", 250, kept=[long_kept], oldest="2015-03-01", samples=[["7"], ["eea", "8"]])])
    response = client.get(address(sweep))
    [shown] = response.context["lines"]
    assert (shown.rule, shown.goes, shown.share, shown.oldest) == (
        "Invoices and tax records",
        "250",
        "25%",
        "1 March 2015",
    )
    assert [one.text for one in shown.stays] == ["3 – kept: tax records until 31 December 2036"]
    page = text(response)
    assert "<bdi>7</bdi>" in page
    assert "<bdi>eea, 8</bdi>" in page
    assert sweep.hash in page
    assert page.count("<h1") == 1


def test_a_plan_is_compared_with_the_last_run_before_it(client, officer):
    earlier = SweepFactory(done=True, made_at=NIGHT - timedelta(days=2), started_at=NIGHT - timedelta(days=2),
                           lines=[line("tax", 90), line(count=100)])  # fmt: skip
    SweepFactory(done=True, started_at=NIGHT + timedelta(days=9), finished_at=NIGHT + timedelta(days=9))
    sweep = SweepFactory(lines=[line("tax", 120), line(count=70), line("web_visits", 5), line("security_logs", 0)])
    response = client.get(address(sweep))
    assert [shown.difference for shown in response.context["lines"]] == ["+30", "−30", "+5", "0"]
    assert f'href="{address(earlier)}"' in text(response)
    assert [shown.difference for shown in client.get(address(earlier)).context["lines"]] == ["–", "–"]


@pytest.mark.req("RET-4")
@pytest.mark.parametrize(
    ("code", "words"),
    [("cap_rows", "More rows would go"), ("cap_share", "A larger share"), ("clock_jump", "clock jumped")],
)
def test_a_plan_that_waits_says_who_has_to_look_and_why(client, officer, code, words):
    page = text(client.get(address(SweepFactory(waiting=True, waits_for=[code]))))
    assert "An officer has to look at this plan before anything goes" in page
    assert words in page
    assert "Approve the plan" in page


@pytest.mark.threat("T5")
@pytest.mark.parametrize(("who", "status"), [("dpo", 403), ("admin", 403), ("auditor", 403)])
def test_others_of_the_staff_see_that_it_waits_and_cannot_let_it_go(client, sign_in, who, status):
    sweep = SweepFactory(waiting=True)
    sign_in(client, UserFactory(**{who: True}))
    assert "Approve the plan" not in text(client.get(address(sweep)))
    assert client.post(address(sweep, "approve/")).status_code == status
    sweep.refresh_from_db()
    assert sweep.status == SweepStatus.WAITING


def test_an_officer_lets_it_go_after_a_question_and_that_is_on_record(client, officer):
    sweep = SweepFactory(waiting=True)
    assert "Let this plan be carried out?" in text(client.get(address(sweep, "approve/")))
    response = client.post(address(sweep, "approve/"), follow=True)
    sweep.refresh_from_db()
    assert (sweep.status, sweep.approved_by) == (SweepStatus.PLANNED, officer.key)
    assert Entry.objects.get(verb="retention.sweep_moved").actor == officer.key
    assert "Olga Officer" in text(response)
    assert "Approve the plan" not in text(client.get(address(sweep)))
    assert "is “Planned” now" in text(client.post(address(sweep, "approve/"), follow=True))


@pytest.mark.threat("T37")
def test_letting_it_go_takes_a_fresh_second_factor(client, sign_in):
    sweep = SweepFactory(waiting=True)
    sign_in(client, UserFactory(officer=True), fresh_factor=False)
    response = client.post(address(sweep, "approve/"))
    assert (response.status_code, response.url.partition("?")[0]) == (302, "/account/step-up/")
    sweep.refresh_from_db()
    assert sweep.status == SweepStatus.WAITING


def test_page_and_part_tell_the_same_numbers_while_it_runs(client, officer, running):
    page, part = client.get(address(running)), client.get(address(running, "progress/"))
    assert part.status_code == 200
    for said in (text(page), text(part)):
        assert 'max="1000" value="300"' in said
        assert "<bdi>300</bdi> of <bdi>1,000</bdi> rows." in said
    facts = facts_of(part)
    assert facts == {
        "Rows a second": "200",
        "Time left": "4 seconds",
        "Rows in a batch": "100",
        "Writers’ latency": "4.5 ms",
        "Collections done": "0 of 1",
        "Running for": "3 minutes",
    }
    assert f'hx-get="{address(running, "progress/")}" hx-trigger="every 2s"' in text(page)
    assert "Reload" in text(page)  # the way on without a script
    assert "<html" not in part.content.decode()


def test_at_the_end_the_part_stops_asking_and_the_page_never_begins(client, officer):
    sweep = SweepFactory(done=True)
    part = client.get(address(sweep, "progress/"))
    assert part.status_code == 286
    assert "The run has ended." in text(part)
    assert "hx-get" not in text(client.get(address(sweep)))


def test_a_run_that_has_only_begun_promises_nothing(client, officer):
    part = client.get(address(SweepFactory(running=True, started_at=NOW), "progress/"))
    assert facts_of(part)["Time left"] == "–"


def test_a_pause_a_store_out_of_reach_and_a_refusal_are_said(client, officer, running):
    SweepPause.objects.create(paused_by="command", paused_at=NOW)
    assert "Sweeps are paused." in text(client.get(address(running)))
    Sweep.objects.filter(pk=running.pk).update(down=["platform#2"], status="refused", reason="sweep_stale")
    page = text(client.get(address(running)))
    assert "Not reached" in page
    assert "platform#2" in page
    assert "The rules or the data map have changed since the plan was made." in page


@pytest.fixture
def done():
    sweep = SweepFactory(
        done=True, lines=[line(count=150, kept=[kept(3)]), line("tax", 0, collection="platform:leads")]
    )
    task = SweepTaskFactory(sweep=sweep, finished=True, planned=150, done=148, kept=[kept(5)])
    SweepTaskFactory(sweep=sweep, collection="platform:leads", status=TaskStatus.FAILED, error_code="store_busy")
    for number in range(100):
        SweepBatchFactory(task=task, rows=50 + number, at=NIGHT + timedelta(seconds=number))
    return sweep


def test_the_report_tells_what_was_done_in_each_collection_and_how_fast(client, officer, done):
    response = client.get(address(done))
    first, second = response.context["work"].every
    assert (first.planned, first.done, first.kept, first.took, first.status) == ("150", "148", "5", "1 minute", "Done")
    assert (second.error, second.tone) == ("store_busy", "red")
    assert [chart.key for chart in response.context["charts"]] == ["rate", "batch", "latency"]
    assert all(35 <= len(chart.table.rows) <= 41 for chart in response.context["charts"])
    assert "100 batches, 199 rows a second of working time." in text(response)


def test_stretches_hold_every_batch_once(client, officer, done):
    told = client.get(address(done, "report.json")).json()
    assert (told["totals"]["batches"], told["totals"]["rows"]) == (100, sum(range(50, 150)))
    pace = told["pace"]
    assert pace == sorted(pace, key=lambda point: point["at"])
    assert pace[0]["rows_per_second"] == pytest.approx((50 + 51 + 52) / 1.5)


def test_the_files_hold_plan_reasons_and_what_was_done(client, officer, done):
    response = client.get(address(done, "report.csv"))
    header, *rows = csv.reader(io.StringIO(response.content.decode("utf-8-sig")))
    rows = [dict(zip(header, row, strict=True)) for row in rows]
    assert [(row["Item"], row["Collection"], row["Rows"]) for row in rows] == [
        ("planned", "platform:messages", "150"),
        ("kept", "platform:messages", "3"),
        ("planned", "platform:leads", "0"),
        ("done", "platform:messages", "148"),
        ("kept at the end", "platform:messages", "5"),
        ("done", "platform:leads", "0"),
    ]
    assert (rows[1]["Reason"], rows[1]["Until"]) == ("kept: tax records until 2035-12-31", "2035-12-31")
    told = client.get(address(done, "report.json")).json()
    assert (told["hash"], told["status"], told["totals"]["planned"]) == (done.hash, "done", 150)
    assert told["lines"][0]["kept"] == [kept(3)]
    assert told["collections"][0]["kept"] == [kept(5)]


def held(reference="LH-2026-000001"):
    """A sweep that left rows alone, two of them because of a hold; and a plan that is open and will do so too."""
    stays = [kept(2, ground=reference, kind="hold"), kept(1, ground="LR-2026-000001", kind="open_request")]
    sweep = SweepFactory(done=True, lines=[line(kept=stays)])
    SweepTaskFactory(sweep=sweep, finished=True, kept=stays)
    SweepFactory(lines=[line(kept=stays)])
    return sweep


@pytest.mark.threat("T63")
@pytest.mark.parametrize("who", ["admin", "auditor"])
def test_neither_page_nor_files_let_others_conclude_that_a_hold_stands(client, sign_in, who):
    sweep = held()
    sign_in(client, UserFactory(**{who: True}))
    context = client.get(address(sweep)).context
    assert list(context["lines"][0].stays) == []
    assert (context["work"].every[0].kept, list(context["work"].every[0].held)) == ("0", [])
    for path in ("", "report.csv", "report.json"):
        said = client.get(address(sweep, path)).content.decode().lower()
        assert "hold" not in said.split("<main")[-1].replace("holder", "").replace("threshold", "")
        assert "open_request" not in said
        assert "lh-2026" not in said


@pytest.mark.threat("T63")
@pytest.mark.parametrize("who", ["officer", "dpo"])
def test_those_who_may_know_of_holds_read_which_one_keeps_rows_and_open_it(client, sign_in, who):
    one = hold(account="1001")
    sweep = held(one.reference)
    sign_in(client, UserFactory(**{who: True}))
    response = client.get(address(sweep))
    [first, second] = response.context["lines"][0].stays
    assert (first.text, first.hold) == ("2 – kept: legal hold until 31 December 2035", one.reference)
    assert (second.hold, second.url) == ("", "")
    link = f'href="{reverse("retention:hold", args=[one.reference])}"'
    assert text(response).count(link) == 2  # in the plan, and in what was done
    assert client.get(first.url).status_code == 200
    assert f"kept: legal hold {one.reference}" in client.get(address(sweep, "report.csv")).content.decode("utf-8-sig")
    assert f"kept: legal hold {one.reference}" in client.get("/desk/retention/").content.decode()


@pytest.mark.parametrize("language", ["nl", "ar"])
def test_the_page_speaks_each_language(client, officer, running, done, language):
    client.cookies["django_language"] = language
    for sweep in (running, done, SweepFactory(waiting=True)):
        response = client.get(address(sweep))
        assert response.status_code == 200
        assert f'lang="{language}"' in text(response)


def test_an_unknown_hash_is_not_found(client, officer):
    assert client.get(f"/desk/retention/sweeps/{'f' * 64}/").status_code == 404


def test_an_empty_plan_says_that_nothing_is_past_its_limit(client, officer):
    assert "Nothing is past its limit." in text(client.get(address(SweepFactory(lines=[]))))


QUERIES = 14  # session, person, roles 2, second factor; sweep, tasks, the last run, rules, holds, batches 3, names


@pytest.mark.parametrize("count", [1, 30])
def test_the_page_asks_the_same_number_of_questions_for_1_and_30_rows(
    client, officer, django_assert_num_queries, count
):
    sweep = SweepFactory(done=True, lines=[line(count=number, kept=[kept()]) for number in range(count)])
    for task in SweepTaskFactory.create_batch(count, sweep=sweep, finished=True):
        SweepBatchFactory.create_batch(2, task=task)
    client.get(address(sweep))
    with django_assert_num_queries(QUERIES):
        assert client.get(address(sweep)).status_code == 200
