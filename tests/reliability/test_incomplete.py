"""Runs that are broken off: a shard is down when the night is planned or goes down under way, a machine dies, cron goes
on alone. What could be done is done; the rest is told, tried again and completed, and everything is counted once.

The three shards are copies of one another: in the end they are alike again.
"""

import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections, transaction

from apps.datamap.loading import load_files
from apps.datamap.stores import dispose_engines
from apps.demo.services import DATASET_FILE
from apps.ledger.models import Entry
from apps.retention import services
from apps.retention.models import Sweep, SweepTask
from apps.retention.services import sweeping
from apps.retention.states import SweepStatus, TaskStatus
from tests import conftest as databases
from tests.reliability.nights import Nights, at
from tests.reliability.sweeps import FULL, forked, receipts, state_of
from tests.stoppable import StoppableDatabase

pytestmark = [pytest.mark.req("RET-1", "RET-3")]
NIGHT = at("2027-01-10 01:00")


class Shard(StoppableDatabase):
    def tables(self) -> dict[str, list[str]]:
        return state_of(self.clone).tables


@pytest.fixture
def shards(committed_db: Any, settings: Any) -> Iterator[list[Shard]]:
    clones = [databases._clone(f"{committed_db.name}_{number}") for number in (1, 2, 3)]
    settings.STORES = {"platform": " ".join(clone.app_url for clone in clones)}
    dispose_engines()
    load_files([str(DATASET_FILE)], stores={}, actor="command", now=NIGHT)
    yield [Shard(f"platform#{number}", clone) for number, clone in enumerate(clones, start=1)]
    dispose_engines()
    for clone in clones:
        databases._drop(clone)


@pytest.fixture
def nights(shards: list[Shard], time_machine: Any, monkeypatch: pytest.MonkeyPatch) -> Nights:
    return Nights(NIGHT, time_machine, monkeypatch)


def check_counted_once(shards: list[Shard], before: dict[str, list[str]]) -> None:
    """In each shard as many rows went as its tasks and its evidence say; no receipt is left there."""
    told = Counter()
    for entry in Entry.objects.filter(verb="retention.batch"):
        told[entry.facts["store"], entry.facts["collection"].partition("#")[0], entry.facts["action"]] += entry.facts[
            "rows"
        ]
    for shard in shards:
        assert receipts(shard.clone) == {}
        after = shard.tables()
        for task in SweepTask.objects.filter(store=shard.name, action="delete"):
            name = task.collection.partition(":")[2].partition("#")[0]
            gone = len(before[name]) - len(after[name])
            every = SweepTask.objects.filter(store=shard.name, action="delete", collection=task.collection)
            assert sum(one.done for one in every) == gone, (shard.name, name)
            assert told[shard.name, f"platform:{name}", "delete"] == gone, (shard.name, name)


def test_a_shard_that_is_down_when_the_night_is_planned_is_swept_within_the_hour_that_it_is_back(
    shards: list[Shard], nights: Nights
) -> None:
    before = shards[1].tables()
    shards[1].stop()
    nights.beat()
    [run] = Sweep.objects.all()
    assert (run.status, run.down) == (SweepStatus.INCOMPLETE, ["platform#2"])
    assert set(run.tasks.values_list("status", flat=True)) == {TaskStatus.DONE}
    nights.tick_until(at("2027-01-10 02:10"), every=timedelta(minutes=70))
    assert set(Sweep.objects.values_list("status", flat=True)) == {SweepStatus.INCOMPLETE}

    shards[1].start()
    assert shards[1].tables() == before
    nights.tick_until(at("2027-01-10 03:30"), every=timedelta(minutes=40))
    assert shards[0].tables() == shards[1].tables() == shards[2].tables() != before
    assert set(Sweep.objects.values_list("status", flat=True)) == {SweepStatus.DONE}, "one is incomplete for ever"
    check_counted_once(shards, before)


@pytest.mark.threat("T47")
@pytest.mark.parametrize("place", ["store committed", *(["between moves", "hold lock"] if FULL else [])])
def test_a_shard_that_goes_down_under_way_leaves_the_others_and_is_completed_when_it_is_back(
    shards: list[Shard], nights: Nights, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    before = shards[1].tables()
    seen: list[str] = []

    def go_down(here: str) -> None:
        at_work = SweepTask.objects.filter(status=TaskStatus.CLAIMED).values_list("store", flat=True)
        seen.extend([here] if here == place and "platform#2" in at_work else [])
        if seen == [place] * 3:
            shards[1].stop()
            seen.append("down")

    monkeypatch.setattr(sweeping, "reach", go_down)
    nights.beat()
    [run] = Sweep.objects.all()
    assert seen[-1] == "down"
    assert run.status == SweepStatus.INCOMPLETE
    failed = run.tasks.filter(status=TaskStatus.FAILED)
    assert {task.store for task in failed} == {"platform#2"}
    assert not run.tasks.exclude(store="platform#2").exclude(status=TaskStatus.DONE).exists()
    assert shards[0].tables() == shards[2].tables()

    shards[1].start()
    nights.tick_until(at("2027-01-10 01:20"), every=timedelta(minutes=5))
    run.refresh_from_db()
    assert run.status == SweepStatus.DONE
    assert shards[0].tables() == shards[1].tables() == shards[2].tables()
    assert [(str(task), task.done) for task in run.tasks.all()] == [
        (str(task), task.planned) for task in run.tasks.all()
    ]
    check_counted_once(shards, before)


# --- cron alone ---------------------------------------------------------------------------------------


def cron() -> None:
    call_command("sweep", "--nightly", stdout=StringIO())


@pytest.fixture
def alone(platform: Any, time_machine: Any, monkeypatch: pytest.MonkeyPatch) -> Nights:
    return Nights(NIGHT, time_machine, monkeypatch)


@pytest.mark.threat("T47")
def test_a_run_by_cron_that_was_killed_is_finished_by_the_next_night_which_has_its_own_as_well(alone: Nights) -> None:
    assert forked(cron, failpoint="store committed:4").wait() == -signal.SIGKILL
    alone.wait_until(NIGHT + timedelta(days=1))
    cron()
    assert alone.swept() == [date(2027, 1, 10), date(2027, 1, 11)]
    first = Sweep.objects.get(day=date(2027, 1, 10))
    assert sum(task.done for task in first.tasks.all()) == first.planned


@pytest.mark.threat("T50")
def test_cron_waits_for_a_person_where_the_clock_has_jumped_and_runs_what_was_approved(alone: Nights) -> None:
    cron()
    alone.wait_until(NIGHT + timedelta(days=1))
    alone.jump(timedelta(days=2))
    with pytest.raises(CommandError, match="clock_jump"):
        cron()
    plan = Sweep.objects.get(status=SweepStatus.WAITING)
    services.approve_plan(plan, by="command", now=alone.wall)
    alone.wait_until(NIGHT + timedelta(days=2))
    cron()
    assert plan.day in alone.swept()


def test_a_collection_that_takes_hours_is_gone_on_with_by_whoever_types_the_command(
    alone: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    hours = iter(range(0, 10**9, 7_200))
    monkeypatch.setattr(sweeping.time, "monotonic", lambda: float(next(hours)))
    cron()
    assert alone.swept() == [date(2027, 1, 10)]


def test_two_that_finish_a_run_at_once_finish_it_once(alone: Nights) -> None:
    plan = services.make_plan(day=NIGHT.date(), now=NIGHT, actor="command")
    run = services.start_sweep(plan.hash, actor="command", now=NIGHT)
    SweepTask.objects.filter(sweep=run).update(status=TaskStatus.DONE)
    with transaction.atomic():
        first = services.finish_sweep(run, now=NIGHT)
        ended, thread = beside(lambda: services.finish_sweep(run, now=NIGHT))
        thread.join(0.3)
    thread.join()
    assert [first.status, *(getattr(one, "status", one) for one in ended)] == [SweepStatus.DONE] * 2


def beside(work: Callable[[], Any]) -> tuple[list[Any], threading.Thread]:
    ended: list[Any] = []

    def run() -> None:
        try:
            ended.append(work())
        except Exception as error:
            ended.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return ended, thread
