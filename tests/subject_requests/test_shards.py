"""An erasure of a store in three databases, one of them down: the others finish, it is tried again, counts add up."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from apps.datamap.loading import load_files
from apps.datamap.stores import dispose_engines
from apps.demo.services import DATASET_FILE
from apps.subject_requests import services, tasks
from apps.subject_requests.models import StoreTask
from apps.subject_requests.states import Status, TaskStatus
from tests import conftest as databases
from tests.subject_requests.test_erasure import approved
from tests.subject_requests.today import NOW
from tests.template import connect

SHARDS = ["platform#1", "platform#2", "platform#3"]
NOWHERE = "postgres://portal_app@127.0.0.1:1/closed"


@pytest.fixture
def urls(platform, settings) -> Iterator[list[str]]:
    more = [databases._clone(f"{platform.clone.name}_{number}") for number in (2, 3)]
    found = [platform.clone.app_url, *(clone.app_url for clone in more)]
    settings.STORES = {"platform": " ".join(found)}
    dispose_engines()
    load_files([str(DATASET_FILE)], stores={}, actor="command", now=NOW)
    yield found
    dispose_engines()
    for clone in more:
        databases._drop(clone)


def held(urls: list[str], phone: str) -> list[int]:
    query = "SELECT count(*) FROM platform.messages WHERE account_id = 1001 AND %s IN (sender, recipient)"
    found = []
    for url in urls:
        opened = connect(url)
        cursor = opened.cursor()
        cursor.execute(query, [phone])
        found.append(cursor.fetchone()[0])
        opened.close()
    return found


@pytest.mark.req("DSR-5")
@pytest.mark.threat("T45")
def test_one_shard_down_delays_only_its_own_share(platform, urls, settings, time_machine):
    time_machine.move_to(NOW)
    before = held(urls, platform.phone)
    assert len(set(before)) == 1
    assert before[0] > 0
    one = approved(platform)
    assert [(task.store, task.rank) for task in one.store_tasks.all()] == [
        ("platform#1", 0), ("platform#2", 0), ("platform#3", 0), ("portal", 1),
    ]  # fmt: skip
    settings.STORES = {"platform": " ".join([urls[0], NOWHERE, urls[2]])}
    tasks.execute_requests()
    states = {task.store: (task.status, task.error_code) for task in one.store_tasks.all()}
    assert states == {
        "platform#1": (TaskStatus.CONFIRMED, ""),
        "platform#2": (TaskStatus.PENDING, "store_failed"),
        "platform#3": (TaskStatus.CONFIRMED, ""),
        "portal": (TaskStatus.PENDING, ""),
    }
    assert held(urls, platform.phone) == [0, before[1], 0]
    one.refresh_from_db()
    assert one.status == Status.EXECUTING  # not answered before the last shard is done

    settings.STORES = {"platform": " ".join(urls)}
    time_machine.move_to(NOW + timedelta(minutes=1))
    tasks.execute_requests()
    one.refresh_from_db()
    assert (one.status, held(urls, platform.phone)) == (Status.CLOSED, [0, 0, 0])
    assert one.store_tasks.get(store="platform#2").attempts == 2
    erased = {task.store: task.counts["platform:messages"]["erased"] for task in one.store_tasks.exclude(rank=1)}
    assert erased == dict.fromkeys(SHARDS, before[0])


def test_what_a_ground_keeps_waits_in_each_shard_by_itself(platform, urls, time_machine):
    time_machine.move_to(NOW)
    one = approved(platform)
    tasks.execute_requests()
    pending = one.pending_erasures.filter(collection="platform:traffic_records").order_by("store")
    assert [each.store for each in pending] == SHARDS
    later = NOW + timedelta(days=400)
    time_machine.move_to(later)
    assert services.erase_pending(pending[1].pk, now=later)
    assert [each.erased_count for each in pending.all()] == [0, pending[1].count, 0]


def test_the_parts_count_what_went_in_every_shard(platform, urls, time_machine):
    time_machine.move_to(NOW)
    one = approved(platform)
    tasks.execute_requests()
    by_store = [task.totals["erased"] for task in StoreTask.objects.filter(request=one)]
    assert sum(part.counts["erased"] for part in one.parts.all()) == sum(by_store)
