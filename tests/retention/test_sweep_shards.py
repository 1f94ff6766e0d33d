"""A sweep over a store in three databases: counts add up, one that is down stops no other, and is swept later."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core.management import call_command

from apps.core import clock
from apps.datamap.stores import dispose_engines
from apps.retention import services
from apps.retention.models import SweepTask
from apps.retention.states import SweepStatus, TaskStatus
from tests import conftest as databases
from tests.template import connect

pytestmark = [pytest.mark.req("RET-1", "RET-3")]
PLATFORM = "apps/demo/datasets/platform.yml"
SHARDS = ["platform#1", "platform#2", "platform#3"]
NOWHERE = "postgres://portal_app@127.0.0.1:1/closed"


@pytest.fixture
def urls(committed_db, settings) -> Iterator[list[str]]:
    more = [databases._clone(f"{committed_db.name}_{number}") for number in (2, 3)]
    found = [committed_db.app_url, *(clone.app_url for clone in more)]
    settings.STORES = {"platform": " ".join(found)}
    dispose_engines()
    call_command("datamap", "load", PLATFORM, verbosity=0)
    yield found
    dispose_engines()
    for clone in more:
        databases._drop(clone)


def point_at(settings, urls: list[str]) -> None:
    settings.STORES = {"platform": " ".join(urls)}
    dispose_engines()


def messages(url: str) -> int:
    opened = connect(url)
    cursor = opened.cursor()
    cursor.execute("SELECT count(*) FROM platform.messages")
    [(count,)] = cursor.fetchall()
    opened.close()
    return count


def plan(now):
    sweep = services.make_plan(day=now.date(), now=now, actor="command")
    return services.approve_plan(sweep, by="command", now=now) if sweep.status == SweepStatus.WAITING else sweep


def of_messages(sweep):
    return {line["store"]: line["count"] for line in sweep.lines if line["collection"].startswith("platform:messages")}


def test_every_shard_has_its_own_lines_and_tasks_and_their_counts_add_up(urls):
    now = clock.now()
    before = [messages(url) for url in urls]
    sweep = plan(now)
    planned = of_messages(sweep)
    assert list(planned) == SHARDS
    assert len(set(planned.values())) == 1
    assert planned["platform#1"] > 0
    done = services.run_sweep(services.start_sweep(sweep.hash, actor="command", now=now), tick=lambda: now)
    assert done.status == SweepStatus.DONE
    assert [messages(url) for url in urls] == [b - planned[name] for b, name in zip(before, SHARDS, strict=True)]
    tasks = SweepTask.objects.filter(sweep=done, collection__startswith="platform:messages")
    assert {task.store: task.done for task in tasks} == planned
    assert sum(task.done for task in done.tasks.all()) == sweep.planned


def test_a_shard_that_goes_down_leaves_the_others_swept_and_is_swept_when_it_is_back(urls, settings):
    now = clock.now()
    before = [messages(url) for url in urls]
    sweep = plan(now)
    planned = of_messages(sweep)
    point_at(settings, [urls[0], NOWHERE, urls[2]])
    started = services.start_sweep(sweep.hash, actor="command", now=now)
    stuck = services.run_sweep(started, tick=lambda: now)
    assert stuck.status == SweepStatus.INCOMPLETE
    assert {task.store for task in stuck.tasks.filter(status=TaskStatus.FAILED)} == {"platform#2"}
    assert not stuck.tasks.exclude(store="platform#2").exclude(status=TaskStatus.DONE).exists()
    gone = [planned["platform#1"], 0, planned["platform#3"]]
    assert [messages(url) for url in urls] == [b - went for b, went in zip(before, gone, strict=True)]

    point_at(settings, urls)
    later = now + timedelta(hours=2)
    done = services.run_sweep(stuck, tick=lambda: later)
    assert done.status == SweepStatus.DONE, services.report(done)
    assert [messages(url) for url in urls] == [b - planned[name] for b, name in zip(before, SHARDS, strict=True)]


def test_a_shard_that_is_down_when_the_plan_is_made_is_named_and_the_run_is_incomplete(urls, settings):
    now = clock.now()
    before = messages(urls[1])
    point_at(settings, [urls[0], NOWHERE, urls[2]])
    sweep = plan(now)
    assert sweep.down == ["platform#2"]
    assert list(of_messages(sweep)) == ["platform#1", "platform#3"]
    ended = services.run_sweep(services.start_sweep(sweep.hash, actor="command", now=now), tick=lambda: now)
    assert ended.status == SweepStatus.INCOMPLETE

    point_at(settings, urls)
    assert messages(urls[1]) == before
    again = of_messages(plan(now + timedelta(hours=1)))
    assert {store: count for store, count in again.items() if count} == {"platform#2": of_messages(sweep)["platform#1"]}
