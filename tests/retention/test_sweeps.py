"""A sweep on the sample platform: planned, executed exactly, refused when it should be."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import connection

from apps.core import clock
from apps.ledger.models import Entry
from apps.retention import services, tasks
from apps.retention.models import ChosenPeriod, Rule, Sweep, SweepBatch
from apps.retention.states import SweepStatus, TaskStatus

pytestmark = [pytest.mark.req("RET-1", "RET-3")]
PLATFORM = "apps/demo/datasets/platform.yml"


@pytest.fixture
def platform(committed_db):
    """The sample platform of the tests, on the map."""
    call_command("datamap", "load", PLATFORM, verbosity=0)
    return clock.now()


def rows(sql, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def plan(now, **more):
    return services.make_plan(day=now.date(), now=now, actor="command", **more)


def run(sweep, now):
    started = services.start_sweep(sweep.hash, actor="command", now=now)
    return services.run_sweep(started, tick=lambda: now)


def test_a_plan_says_what_would_go_and_does_nothing(platform):
    before = rows("SELECT count(*) FROM platform.messages")
    sweep = plan(platform)
    [line] = [line for line in sweep.lines if line["collection"] == "platform:messages"]
    expected = rows(
        "SELECT count(*) FROM platform.messages WHERE created_at < %s",
        datetime.combine(platform.date(), datetime.min.time(), UTC) - timedelta(days=184),
    )[0][0]
    assert line["rule"] == "communications_content"
    assert expected <= line["count"] < line["total"] == before[0][0]
    assert rows("SELECT count(*) FROM platform.messages") == before


def test_the_same_data_on_the_same_day_give_the_same_plan(platform):
    first, second = plan(platform), plan(platform + timedelta(seconds=5))
    assert (first.pk, services.plan_document(first)) == (second.pk, services.plan_document(second))


def test_a_run_does_exactly_what_was_planned_and_a_second_one_finds_nothing(platform):
    sweep = plan(platform)
    assert sweep.planned > 100
    done = run(sweep, platform)
    assert done.status == SweepStatus.DONE, services.report(done)
    assert [(str(task), task.columns, task.done) for task in done.tasks.all()] == [
        (str(task), task.columns, task.planned) for task in done.tasks.all()
    ]
    assert plan(platform).planned == 0


@pytest.mark.req("RET-4")
def test_invoices_stay_as_long_as_the_tax_law_says(platform):
    sweep = plan(platform)
    kept = [one for line in sweep.lines for one in line["kept"]]
    run(sweep, platform)
    assert rows("SELECT count(*) FROM platform.invoices WHERE invoiced_on > current_date - 3000")[0][0] > 0
    assert all(one["count"] for one in kept)


def test_every_batch_leaves_one_line_of_evidence_and_none_a_row(platform):
    sweep = run(plan(platform), platform)
    lines = Entry.objects.filter(verb="retention.batch")
    assert lines.count() == SweepBatch.objects.filter(task__sweep=sweep).count()
    assert sum(entry.facts["rows"] for entry in lines) == sum(task.done for task in sweep.tasks.all())


@pytest.mark.threat("T52")
def test_a_plan_made_with_other_rules_is_refused(platform):
    sweep = plan(platform)
    rule = Rule.objects.current().get(key="communications_content")
    Rule.objects.filter(pk=rule.pk).update(replaced_at=platform + timedelta(seconds=1))
    with pytest.raises(services.SweepRefused) as refused:
        run(sweep, platform + timedelta(seconds=2))
    assert refused.value.code == "sweep_stale"
    assert Sweep.objects.get(pk=sweep.pk).status == SweepStatus.PLANNED


def test_a_plan_for_a_day_to_come_is_not_run_early(platform):
    sweep = services.make_plan(day=platform.date() + timedelta(days=1), now=platform, actor="command")
    with pytest.raises(services.SweepRefused) as refused:
        run(sweep, platform)
    assert refused.value.code == "sweep_early"


def test_a_newer_plan_replaces_the_older_one_and_leaves_plans_of_other_days_and_rules_alone(platform):
    tomorrow = services.make_plan(day=platform.date() + timedelta(days=1), now=platform, actor="command")
    narrow = plan(platform, keys=["web_visits"])
    first = plan(platform)
    rows("DELETE FROM platform.web_visits WHERE id = (SELECT min(id) FROM platform.web_visits) RETURNING 1")
    second = plan(platform)
    states = dict(Sweep.objects.values_list("hash", "status"))
    assert states == {
        tomorrow.hash: SweepStatus.PLANNED,
        narrow.hash: SweepStatus.PLANNED,
        first.hash: SweepStatus.SUPERSEDED,
        second.hash: SweepStatus.PLANNED,
    }


def test_a_plan_above_the_cap_waits_and_runs_with_the_next_tick_once_a_person_let_it(platform, settings):
    settings.SWEEP_CAP_ROWS, settings.SWEEP_HOUR = 10, 0
    assert tasks.sweep_nightly() == 0
    [waiting] = Sweep.objects.all()
    assert (waiting.status, waiting.waits_for) == (SweepStatus.WAITING, ["cap_rows"])
    with pytest.raises(services.SweepRefused) as refused:
        run(waiting, platform)
    assert refused.value.code == "sweep_waits"
    services.approve_plan(waiting, by="user:00000000-0000-0000-0000-000000000001", now=clock.now())
    assert tasks.sweep_nightly() == waiting.planned > 10
    assert Sweep.objects.get().status == SweepStatus.RUNNING
    assert [tasks.sweep_nightly() for _ in range(2)] == [0, 0]


def test_while_sweeps_are_paused_nothing_begins_and_afterwards_it_goes_on(platform, settings):
    settings.SWEEP_HOUR = 0
    assert services.pause_sweeps(by="command", now=platform)
    assert not services.pause_sweeps(by="command", now=platform)
    assert tasks.sweep_nightly() == 0
    assert services.resume_sweeps(by="command", now=platform)
    assert tasks.sweep_nightly() > 0


def test_no_key_of_the_portals_own_rows_is_shown(platform):
    sweep = services.make_plan(day=platform.date() + timedelta(days=4_000), now=platform, actor="command")
    assert not any(line["samples"] for line in sweep.lines if line["store"] == "portal")
    assert any(line["samples"] for line in sweep.lines if line["store"] == "platform")


@pytest.mark.threat("T52")
def test_what_a_customer_chooses_after_the_plan_takes_nothing_in_its_run(platform):
    sweep = plan(platform)
    later = platform + timedelta(minutes=1)
    ChosenPeriod.objects.create(
        account="1001", rule="communications_content", period="P0D", chosen_by="command", chosen_at=later
    )
    run(sweep, later)
    assert rows("SELECT count(*) FROM platform.messages WHERE account_id = 1001")[0][0] > 0
    run(plan(later + timedelta(minutes=1)), later + timedelta(minutes=1))
    before_today = "SELECT count(*) FROM platform.messages WHERE account_id = 1001 AND created_at < %s"
    assert rows(before_today, later.replace(hour=0, minute=0, second=0, microsecond=0)) == [(0,)]


def test_a_choice_that_was_taken_back_after_the_plan_takes_nothing(platform):
    chosen = ChosenPeriod.objects.create(
        account="1001", rule="communications_content", period="P0D", chosen_by="command", chosen_at=platform
    )
    sweep = plan(platform)
    ChosenPeriod.objects.filter(pk=chosen.pk).update(replaced_at=platform + timedelta(seconds=1))
    run(sweep, platform + timedelta(minutes=1))
    assert rows("SELECT count(*) FROM platform.messages WHERE account_id = 1001")[0][0] > 0


@pytest.mark.req("RET-3")
def test_rows_that_others_point_at_wait_until_those_are_gone_whoever_works_on_them(platform):
    """Several workers take collections at once; a row that is referenced still would stay for another day."""
    started = services.start_sweep(plan(platform).hash, actor="command", now=platform)
    for task in started.tasks.order_by("-place"):
        services.work_on(task.pk, tick=lambda: platform, seconds=60)
    accounts = started.tasks.get(collection="platform:accounts", action="delete")
    assert (accounts.status, accounts.done, accounts.planned > 0) == (TaskStatus.PENDING, 0, True)
    done = services.run_sweep(started, tick=lambda: platform)
    assert done.status == SweepStatus.DONE
    assert {(str(task), task.done) for task in done.tasks.all()} == {
        (str(task), task.planned) for task in done.tasks.all()
    }


def test_rows_that_others_point_at_are_tried_again_together_with_those(platform):
    started = services.start_sweep(plan(platform).hash, actor="command", now=platform)
    started.tasks.filter(collection="platform:invoice_lines").update(
        status=TaskStatus.FAILED, lease_until=platform + timedelta(minutes=1)
    )
    services.run_sweep(started, tick=lambda: platform)
    invoices = started.tasks.get(collection="platform:invoices")
    assert (invoices.status, invoices.error_code, invoices.done) == (TaskStatus.FAILED, "not_its_turn", 0)
    done = services.run_sweep(started, tick=lambda: platform + timedelta(minutes=2))
    assert done.status == SweepStatus.DONE
    assert started.tasks.get(collection="platform:invoices").done == invoices.planned > 0
