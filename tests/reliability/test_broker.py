"""The broker is killed, loses everything, comes back: a request is late by seconds and never lost."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from apps.core import clock
from apps.subject_requests import services
from apps.subject_requests.models import SubjectRequest
from apps.subject_requests.states import Right, Status
from privacy_portal.embedded.servers import start_servers, start_valkey
from tests.subject_requests.factories import filed

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def broker():
    """A Valkey of this test's own: others must not feel its death."""
    with tempfile.TemporaryDirectory(prefix="portal-test-") as folder:
        servers = start_servers(Path(folder), database=False)
        yield servers
        servers.stop()


@pytest.fixture
def processes(platform, broker, settings, tmp_path):
    """A real worker and a real beat on the test's database and broker."""
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "privacy_portal.settings_test",
        "DATABASE_URL": platform.clone.app_url,
        "DATABASE_OWNER_URL": platform.clone.owner_url,
        "REDIS_URL": broker.redis_url,
        "PACKAGE_DIR": str(settings.PACKAGE_DIR),
        "MAIL_DIR": str(tmp_path / "mail"),
    }
    celery = [sys.executable, "-m", "celery", "-A", "privacy_portal"]
    commands = [["worker", "-c", "1", "-l", "warning"], ["beat", "-l", "warning", "-s", str(tmp_path / "schedule")]]
    with (tmp_path / "log").open("wb") as log:
        started = [
            subprocess.Popen([*celery, *each], cwd=ROOT, env=environment, stdout=log, stderr=log) for each in commands
        ]
        yield started
        for process in started:
            process.terminate()
        for process in started:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def approved(platform, right):
    now = clock.now()
    first, second = platform.officers
    one = filed(right, account=platform.acme, by=platform.requester, identities=[platform.identity], at=now)
    one = services.assign_request(one, to=first, by=first, now=now)
    one = services.prepare_request(one, by=first, now=now)
    return services.approve_request(one, by=second, now=now)


def wait_until_closed(one, *, seconds):
    ends = time.monotonic() + seconds
    while SubjectRequest.objects.get(pk=one.pk).status != Status.CLOSED:
        assert time.monotonic() < ends, list(one.store_tasks.values("store", "status", "error_code", "attempts"))
        time.sleep(0.3)


def kill(servers):
    child = servers.children.pop()
    child.process.kill()
    child.process.wait()


@pytest.mark.threat("T49")
@pytest.mark.threat("T62")
def test_a_request_outlives_a_broker_that_is_killed_and_comes_back_empty(platform, broker, processes):
    before = approved(platform, Right.ACCESS)
    wait_until_closed(before, seconds=90)  # everything is up

    kill(broker)
    meanwhile = approved(platform, Right.ERASURE)  # intake and desk go on: they need the database alone
    time.sleep(2)
    meanwhile.refresh_from_db()
    assert meanwhile.status == Status.EXECUTING
    for file in (broker.home / "valkey").rglob("*"):
        if file.is_file():
            file.unlink()  # what it knew is lost

    broker.children.append(start_valkey(broker))
    wait_until_closed(meanwhile, seconds=90)
    assert platform.count("messages", platform.phone, "1001") == 0
    assert len(platform.rows("SELECT 1 FROM portal_effects")) == 1
    assert all(process.poll() is None for process in processes)


@pytest.mark.threat("T48")
def test_messages_that_come_twice_late_or_forged_have_no_effect_of_their_own(platform):
    from uuid import uuid4

    from apps.subject_requests import tasks

    one = approved(platform, Right.ERASURE)
    assert services.run_task(uuid4(), now=clock.now()) is False
    for _ in range(3):
        tasks.execute_requests()
    one.refresh_from_db()
    assert one.status == Status.CLOSED
    [task] = one.store_tasks.filter(store="platform")
    assert services.run_task(task.pk, now=clock.now()) is False
    assert len(platform.rows("SELECT 1 FROM portal_effects")) == 1
