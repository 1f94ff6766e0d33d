"""kill -9 of a worker at every step of an execution: one effect, true counts, as if nothing had happened."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from apps.core import clock
from apps.ledger.models import Entry
from apps.subject_requests import services, tasks
from apps.subject_requests.models import Package, StoreTask
from apps.subject_requests.states import Right, Status, TaskStatus
from tests.subject_requests.factories import filed

ROOT = Path(__file__).resolve().parents[2]
LEASE = timedelta(seconds=61)
ERASE_POINTS = ["claimed", "effect", "settled", "confirmed", "closing"]


def approved(platform, right):
    now = clock.now()
    first, second = platform.officers
    one = filed(right, account=platform.acme, by=platform.requester, identities=[platform.identity], at=now)
    one = services.assign_request(one, to=first, by=first, now=now)
    one = services.prepare_request(one, by=first, now=now)
    return services.approve_request(one, by=second, now=now)


def killed_at(point, platform, settings):
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "privacy_portal.settings_test",
        "DATABASE_URL": platform.clone.app_url,
        "DATABASE_OWNER_URL": platform.clone.owner_url,
        "PACKAGE_DIR": str(settings.PACKAGE_DIR),
    }
    command = [sys.executable, "-m", "tests.reliability.killed", point]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def run_on(time_machine, after=LEASE):
    time_machine.move_to(clock.now() + after, tick=True)
    tasks.execute_requests()


def assert_done_once(one, platform, erased, globex):
    one.refresh_from_db()
    assert one.status == Status.CLOSED
    assert platform.dump("1002") == globex
    task = one.store_tasks.get(store="platform")
    assert task.status == TaskStatus.CONFIRMED
    assert {key: counts["erased"] for key, counts in task.counts.items() if counts["erased"]} == erased
    assert platform.rows("SELECT effect_key FROM portal_effects") == [(task.effect_key,)]
    for verb, times in {"store_executed": 2, "store_confirmed": 2, "certified": 1, "approved": 1}.items():
        assert Entry.objects.filter(verb=f"subject_request.{verb}").count() == times, verb
    assert one.packages.count() == len(list(Package(pk=one.pk).path.parent.glob("*.sealed"))) == 1


def planned(one):
    plan = services.plan_of(one)
    gone = [line for line in plan.lines if line["action"] != "keep" and line["count"] and line["store"] == "platform"]
    return {line["collection"]: line["count"] for line in gone}


@pytest.mark.threat("T47")
@pytest.mark.threat("T45")
@pytest.mark.parametrize("point", ERASE_POINTS)
def test_an_erasure_killed_at_any_commit_has_one_effect_and_true_counts(platform, settings, time_machine, point):
    one, globex = approved(platform, Right.ERASURE), platform.dump("1002")
    erased = planned(one)
    assert killed_at(point, platform, settings) == -9
    one.refresh_from_db()
    assert one.status == Status.EXECUTING
    run_on(time_machine)
    assert_done_once(one, platform, erased, globex)


@pytest.mark.threat("T47")
def test_an_erasure_killed_at_every_commit_in_turn_still_has_one_effect(platform, settings, time_machine):
    one, globex = approved(platform, Right.ERASURE), platform.dump("1002")
    erased = planned(one)
    for point in ("claimed", "effect"):
        assert killed_at(point, platform, settings) == -9
        StoreTask.objects.filter(status=TaskStatus.RUNNING).update(lease_until=clock.now())
    run_on(time_machine)
    assert_done_once(one, platform, erased, globex)
    assert Entry.objects.filter(verb="subject_request.lease_ended").count() == 2


@pytest.mark.threat("T47")
@pytest.mark.parametrize("point", ["claimed", "packed"])
def test_an_access_killed_before_or_after_its_file_leaves_one_package(platform, settings, time_machine, point):
    one = approved(platform, Right.ACCESS)
    assert killed_at(point, platform, settings) == -9
    assert not Package.objects.exists()
    run_on(time_machine)
    one.refresh_from_db()
    assert one.status == Status.CLOSED
    package = one.packages.get()
    assert [file.name for file in package.path.parent.iterdir()] == [package.path.name]


def test_while_a_lease_runs_nobody_else_takes_the_task(platform):
    one = approved(platform, Right.ERASURE)
    now = clock.now()
    [task] = services.claimable(now=now)
    from apps.subject_requests.services.store_tasks import claim_task

    assert claim_task(task.pk, now=now).attempts == 1
    assert claim_task(task.pk, now=now) is None
    assert services.reclaim_abandoned(now=now + timedelta(seconds=59)) == 0
    assert services.reclaim_abandoned(now=now + timedelta(seconds=60)) == 1
    assert claim_task(task.pk, now=now + timedelta(seconds=60)).attempts == 2
    assert one.store_tasks.count() == 2


def test_a_worker_that_slept_over_its_lease_writes_nothing(platform):
    from apps.datamap.services import Receipt
    from apps.subject_requests.services.execution import settle_effect
    from apps.subject_requests.services.store_tasks import claim_task

    approved(platform, Right.ERASURE)
    now = clock.now()
    [task] = services.claimable(now=now)
    slept = claim_task(task.pk, now=now)
    services.reclaim_abandoned(now=now + timedelta(seconds=61))
    claim_task(task.pk, now=now + timedelta(seconds=61))
    receipt = Receipt(slept.effect_key, slept.store, {}, now, replayed=False)
    assert settle_effect(slept, receipt, now=now) is False
    assert not Entry.objects.filter(verb="subject_request.store_executed").exists()
