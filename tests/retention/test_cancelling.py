"""A person stops a sweep that is at work: by the page, and by the command."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from apps.core import clock
from apps.ledger.models import Entry
from apps.retention import services, tasks
from apps.retention.models import Sweep, SweepBatch, SweepTask
from apps.retention.services import sweeping
from apps.retention.services.sweeps import SweepRefused
from apps.retention.states import SweepStatus, TaskStatus
from tests.accounts.factories import UserFactory
from tests.retention.sweeping import SweepFactory, SweepTaskFactory

pytestmark = pytest.mark.req("RET-3")


@pytest.fixture
def now(committed_db):
    """The sample platform of the tests is on the map."""
    call_command("datamap", "load", "apps/demo/datasets/platform.yml", verbosity=0)
    return clock.now()


def started(now):
    plan = services.make_plan(day=now.date(), now=now, actor="command")
    return services.start_sweep(plan.hash, actor="command", now=now)


def interrupt(monkeypatch, step, do):
    """Once, when the work of a sweep comes to this step."""
    real, waiting = sweeping.reach, [do]

    def reach(name):
        if name == step and waiting:
            waiting.pop()()
        real(name)

    monkeypatch.setattr(sweeping, "reach", reach)


def test_no_batch_begins_after_somebody_stopped_the_sweep(now, monkeypatch):
    sweep = started(now)
    interrupt(monkeypatch, "between moves", lambda: services.cancel_sweep(sweep, by="command", now=now))
    over = services.run_sweep(sweep, tick=lambda: now)
    assert (over.status, over.reason, over.finished_at) == (SweepStatus.REFUSED, "sweep_cancelled", now)
    [batch] = SweepBatch.objects.filter(task__sweep=sweep)
    assert sum(over.tasks.values_list("done", flat=True)) == batch.rows > 0
    assert set(over.tasks.values_list("status", flat=True)) <= {TaskStatus.DONE, TaskStatus.PENDING}
    assert not SweepTask.objects.claimable(at=now + timedelta(days=1))
    assert tasks.sweep() == 0
    entry = Entry.objects.filter(verb="retention.sweep_moved").latest("id")
    assert (entry.facts["to"], entry.facts["reason"]) == ("refused", "sweep_cancelled")


def test_what_was_left_goes_with_the_next_plan(now, monkeypatch):
    sweep = started(now)
    interrupt(monkeypatch, "between moves", lambda: services.cancel_sweep(sweep, by="command", now=now))
    over = services.run_sweep(sweep, tick=lambda: now)
    gone = sum(over.tasks.values_list("done", flat=True))
    again = started(now + timedelta(minutes=1))
    assert again.planned == sweep.planned - gone
    assert services.run_sweep(again, tick=lambda: now + timedelta(minutes=1)).status == SweepStatus.DONE


def test_the_day_has_had_its_sweep_and_beat_makes_no_other_one(now):
    services.cancel_sweep(started(now), by="command", now=now)
    assert services.is_planned(now=now)
    assert not services.is_planned(now=now + timedelta(days=1))


@pytest.mark.parametrize("status", sorted(set(SweepStatus) - {SweepStatus.RUNNING, SweepStatus.INCOMPLETE}))
def test_what_is_not_at_work_is_not_stopped(db, status):
    sweep = SweepFactory(status=status)
    with pytest.raises(SweepRefused):
        services.cancel_sweep(sweep, by="command", now=clock.now())
    sweep.refresh_from_db()
    assert sweep.status == status


# --- the page -----------------------------------------------------------------------------------------


@pytest.fixture
def running(db):
    sweep = SweepFactory(running=True, started_at=clock.now() - timedelta(minutes=3))
    SweepTaskFactory(sweep=sweep, planned=100, done=30, status=TaskStatus.CLAIMED)
    return sweep


def at(sweep, step=""):
    return reverse(f"retention:sweep{step}", args=[sweep.hash])


def text(response):
    return " ".join(response.content.decode().split())


def test_an_officer_stops_it_after_a_question_and_the_page_says_what_became_of_it(client, sign_in, running):
    officer = sign_in(client, UserFactory(officer=True))
    assert at(running, "_cancel") in text(client.get(at(running)))
    assert "Stop this sweep?" in text(client.get(at(running, "_cancel")))
    page = text(client.post(at(running, "_cancel"), follow=True))
    assert "The sweep is stopped." in page
    assert "It was not carried out to the end." in page
    assert "A person stopped it." in page
    assert at(running, "_cancel") not in page
    assert Entry.objects.get(verb="retention.sweep_moved").actor == officer.key
    assert "Stopped" in text(client.get("/desk/retention/"))
    assert "is “Refused” now" in text(client.post(at(running, "_cancel"), follow=True))


@pytest.mark.threat("T5")
@pytest.mark.parametrize("who", ["dpo", "admin", "auditor"])
def test_others_of_the_staff_cannot_stop_it(client, sign_in, running, who):
    sign_in(client, UserFactory(**{who: True}))
    assert at(running, "_cancel") not in text(client.get(at(running)))
    assert client.post(at(running, "_cancel")).status_code == 403
    assert Sweep.objects.get().status == SweepStatus.RUNNING


@pytest.mark.threat("T37")
def test_stopping_it_takes_a_fresh_second_factor(client, sign_in, running):
    sign_in(client, UserFactory(officer=True), fresh_factor=False)
    response = client.post(at(running, "_cancel"))
    assert (response.status_code, response.url.partition("?")[0]) == (302, reverse("account_step_up"))
    assert Sweep.objects.get().status == SweepStatus.RUNNING


# --- the command --------------------------------------------------------------------------------------


def test_the_command_stops_it_and_says_how_far_it_was(running):
    out = StringIO()
    call_command("sweep", "--cancel", running.hash, stdout=out, no_color=True)
    assert out.getvalue() == "The sweep is stopped after 30 of 100 rows.\n"
    with pytest.raises(CommandError, match="is “Refused” now"):
        call_command("sweep", "--cancel", running.hash)
    with pytest.raises(CommandError, match="There is no plan with this hash"):
        call_command("sweep", "--cancel", "f" * 64)


def test_a_run_by_the_command_that_somebody_stops_says_so(now, monkeypatch):
    plan = services.make_plan(day=now.date(), now=now, actor="command")
    interrupt(monkeypatch, "between moves", lambda: call_command("sweep", "--cancel", plan.hash, stdout=StringIO()))
    with pytest.raises(CommandError, match="Not carried out to the end: sweep_cancelled"):
        call_command("sweep", "--run", plan.hash, stdout=StringIO())
