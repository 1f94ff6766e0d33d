"""kill -9 of a sweep at every step and at any instant: in the end it is as if nothing had happened.

Identical platforms are swept: one in peace, the others by processes that are killed again and again, each going on
where the one before it died. Afterwards the tables are the same row by row, and every row that went was counted once.
"""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection

from apps.core import clock
from apps.datamap.purging import pace
from apps.retention import services
from apps.retention.models import Rule, Sweep, SweepTask
from apps.retention.services import HoldScope, sweeping
from apps.retention.states import SweepStatus, TaskStatus
from tests import conftest as databases
from tests.reliability import sweeps
from tests.reliability.sweeps import (
    FULL,
    PLACES,
    State,
    check_counts,
    end_leases,
    forked,
    run_command,
    seeded,
    state_of,
)
from tests.subject_requests.sample import sample_platform

pytestmark = [pytest.mark.req("RET-1", "RET-3"), pytest.mark.threat("T47"), pytest.mark.xdist_group("killed sweeps")]
IN_TURN, AT_RANDOM, COMMANDS, TOGETHER = (20, 20, 20, 10) if FULL else (1, 1, 1, 1)


@dataclass(frozen=True)
class Peace:
    """A platform with a plan that waits to be run, and how it looks before and after a sweep in peace."""

    template: str
    plan: str
    before: State
    after: State
    seconds: float


@pytest.fixture(scope="module", autouse=True)
def small_batches() -> Iterator[None]:
    """A tiny world in many batches."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pace, "FLOOR", 10)
        patch.setattr(pace, "CEILING", 40)
        yield


@pytest.fixture(scope="module")
def peace(django_db_setup: None, small_batches: None, django_db_blocker: Any) -> Iterator[Peace]:
    from django.conf import settings

    here = databases.Clone(settings.DATABASES["default"]["NAME"], settings.DATABASE_URL, settings.DATABASE_OWNER_URL)
    with django_db_blocker.unblock():
        clone = databases._clone(f"portal_test_sweep_{os.getpid()}")
        databases._point_at(clone)
        plan = prepared(clone)
        before = state_of(clone)
        other = cloned(clone.name, "peace")
        began = time.perf_counter()
        assert forked(partial(run_command, plan)).wait() == 0
        seconds = time.perf_counter() - began
        after = state_of(other)
        check_counts(other)
        databases._close_connections()
        databases._point_at(here)
        databases._drop(other)
        yield Peace(clone.name, plan, before, after, seconds)
    databases._drop(clone)


LEFT_OUT = ("calls", "call_recordings", "enrichment_profiles", "leads", "numbers", "payment_methods")


def prepared(clone: Any) -> str:
    """Some months from now, so that much goes: whole months, months with rows that stay, visits, columns."""
    with sample_platform(clone) as platform:
        at = clock.now()
        if not FULL:
            platform.sql(f"TRUNCATE {', '.join(f'platform.{name}' for name in LEFT_OUT)} CASCADE")
        for table, column in (("messages", "body"), ("emails", "body"), ("support_recordings", "enquiry")):
            platform.sql(f"UPDATE platform.{table} SET {column} = repeat('x', 1500)")  # five rows in a block
        Rule.objects.update(in_force_at=at - timedelta(days=1))
        officer = platform.officers[0]
        services.place_hold(scope=HoldScope((platform.identity,)), reason="litigation", words="w", owner=officer,
                            by=officer, now=at, review_on=(at + timedelta(days=30)).date())  # fmt: skip
        month = (at - timedelta(days=220)).date()  # of which some days are held: it is replaced by what stays
        services.place_hold(scope=HoldScope(collections=("platform:messages",), from_on=month, until_on=month +
                            timedelta(days=4)), reason="authority", words="w", owner=officer, by=officer, now=at,
                            review_on=(at + timedelta(days=30)).date())  # fmt: skip
        services.choose_period(account=platform.globex, rule="communications_content", period="P30D", by="system",
                               now=at)  # fmt: skip
        plan = services.make_plan(day=at.date(), now=at, actor="command")
        if plan.status == SweepStatus.WAITING:
            services.approve_plan(plan, by="command", now=at)
        return plan.hash


def cloned(template: str, name: str) -> Any:
    databases._close_connections()
    wanted = os.environ["PORTAL_TEST_TEMPLATE"]
    os.environ["PORTAL_TEST_TEMPLATE"] = template
    try:
        clone = databases._clone(f"portal_test_sweep_{os.getpid()}_{name}")
    finally:
        os.environ["PORTAL_TEST_TEMPLATE"] = wanted
    databases._point_at(clone)
    return clone


@pytest.fixture
def again(peace: Peace, django_db_blocker: Any) -> Iterator[Any]:
    """Identical platforms, as many as are asked for, one after the other."""
    from django.conf import settings

    here = databases.Clone(settings.DATABASES["default"]["NAME"], settings.DATABASE_URL, settings.DATABASE_OWNER_URL)
    made = []

    def make() -> Any:
        made.append(cloned(peace.template, str(len(made))))
        return made[-1]

    with django_db_blocker.unblock():
        yield make
        databases._close_connections()
    databases._point_at(here)
    for clone in made:
        databases._drop(clone)


OTHERS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


def rows(sql: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def finish(peace: Peace, clone: Any, why: str) -> None:
    """Whoever comes next goes on to the end, and it is as in peace."""
    wait_until_rolled_back()
    end_leases()
    ended = forked(partial(run_command, peace.plan)).wait()
    assert ended == 0, why
    assert Sweep.objects.get(hash=peace.plan).status == SweepStatus.DONE
    found = state_of(clone)
    assert found.done == peace.after.done, why
    assert found.statistics == peace.after.statistics, why
    assert found.tables.keys() == peace.after.tables.keys(), why
    for name, rows in peace.after.tables.items():
        assert found.tables[name] == rows, f"{why}: {name}"
    check_counts(clone)


def check_on_the_way(peace: Peace, clone: Any, why: str) -> None:
    """Nothing went early, and whatever went is noted or waits in a receipt to be noted."""
    found, waiting = state_of(clone), sweeps.receipts(clone)
    for name, rows in peace.after.tables.items():
        assert len(found.tables[name]) >= len(rows), f"{why}: {name}"
        if not name.startswith(CHANGED):
            missing = Counter(rows) - Counter(found.tables[name])
            assert not missing, f"{why}: {name} lost {sorted(missing)[:3]}"
    for task in SweepTask.objects.filter(action="delete"):
        name = task.collection.partition(":")[2]
        gone = len(peace.before.tables[name]) - len(found.tables[name])
        assert gone == task.done + waiting.get(f"sweep:{task.pk}:{task.batches}", 0), f"{why}: {name}"


# Their rows stay and lose something.
CHANGED = ("accounts", "account_holders", "contacts", "enrichment_profiles", "leads", "web_visits")


def beside_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where writers are at work: one move in many transactions."""
    monkeypatch.setattr(pace.Pace, "group", property(lambda self: 200))


ONCE_A_TASK = ("claimed", "receipt copied", "statistics kept", "nothing left", "receipts forgotten", "kept noted",
               "task ended")  # fmt: skip


def died_at(point: str, peace: Peace) -> int:
    end_leases()
    return forked(partial(run_command, peace.plan), failpoint=point).wait()


RARE = ("successor filled", "detached", "dropped", "step taken", "step committed")


@pytest.mark.parametrize("trial", range(IN_TURN))
def test_a_sweep_killed_at_every_step_in_turn_ends_as_if_nothing_had_happened(
    peace: Peace, again: Any, trial: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not trial % 2:
        beside_others(monkeypatch)
    chance, clone, died = seeded(), again(), []
    known = [place for place in PLACES if not trial % 2 or not place.startswith("step ")]
    places = [*known, *chance.choices([place for place in known if place not in ONCE_A_TASK + RARE], k=2)]
    chance.shuffle(places)
    places.sort(key=lambda place: (place != "statistics kept", place not in RARE))  # where there are some left
    for place in places:
        point = f"{place}:{1 if place in ONCE_A_TASK + RARE else chance.choice((1, 2, 3, 5))}"
        if died_at(point, peace) == 0:  # it had come to its end before it came there: on another platform, then
            finish(peace, clone, f"{died}")
            clone, died = again(), []
            assert died_at(point, peace) == -signal.SIGKILL, point
        died.append(point)
        wait_until_rolled_back()
        check_on_the_way(peace, clone, f"{died}")
    print(died)
    finish(peace, clone, f"{died}")


@pytest.mark.parametrize("place", PLACES if FULL else [])
@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_a_sweep_killed_once_at_a_step_ends_as_if_nothing_had_happened(
    peace: Peace, again: Any, place: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if place.startswith("step "):
        beside_others(monkeypatch)
    clone, point = again(), f"{place}:{count}"
    if forked(partial(run_command, peace.plan), failpoint=point).wait():
        check_on_the_way(peace, clone, point)
    finish(peace, clone, point)


@pytest.mark.parametrize("trial", range(AT_RANDOM))
def test_a_sweep_killed_at_any_instant_ends_as_if_nothing_had_happened(
    peace: Peace, again: Any, trial: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if trial % 2:
        beside_others(monkeypatch)
    chance, clone, died = seeded(), again(), []
    while True:
        end_leases()
        process = forked(partial(run_command, peace.plan))
        after = chance.uniform(0, peace.seconds * chance.choice((0.1, 0.2, 0.4)))
        time.sleep(after)
        if process.kill() == 0:
            break
        died.append(round(after, 4))
        wait_until_rolled_back()
        if len(died) % 4 == 0:
            check_on_the_way(peace, clone, f"{died}")
    print(died)
    finish(peace, clone, f"{died}")


def wait_until_rolled_back() -> None:
    """The server notices a moment later that a client has died; a lease is longer than that."""
    ends = time.monotonic() + 10
    while rows(OTHERS)[0][0]:
        assert time.monotonic() < ends
        time.sleep(0.01)


@pytest.mark.parametrize("trial", range(COMMANDS))
def test_the_command_itself_is_killed_and_typed_again(peace: Peace, again: Any, trial: int) -> None:
    chance, clone = seeded(), again()
    place = chance.choice(("between moves", "store committed", "noted", "hold lock", "receipts forgotten"))
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "privacy_portal.settings_test",
        "DATABASE_URL": clone.app_url,
        "DATABASE_OWNER_URL": clone.owner_url,
        "SWEEP_FAILPOINT": f"{place}:{chance.randrange(1, 6)}",
    }
    command = [sys.executable, "manage.py", "sweep", "--run", peace.plan]
    ended = subprocess.run(command, cwd=sweeps.ROOT, env=environment, check=False, stdout=subprocess.DEVNULL).returncode
    assert ended == -signal.SIGKILL
    check_on_the_way(peace, clone, environment["SWEEP_FAILPOINT"])
    finish(peace, clone, environment["SWEEP_FAILPOINT"])


@pytest.mark.parametrize("trial", range(TOGETHER))
def test_two_that_run_the_same_plan_at_once_do_it_once(peace: Peace, again: Any, trial: int) -> None:
    clone = again()
    both = [forked(partial(run_command, peace.plan)) for _ in range(2)]
    ended = [process.wait() for process in both]
    assert set(ended) <= {0, 1}  # the one that finds the last collection taken leaves it to the other
    assert 0 in ended
    finish(peace, clone, f"{ended}")


@pytest.mark.parametrize("trial", range(TOGETHER))
def test_a_worker_killed_while_another_takes_over_loses_nothing(peace: Peace, again: Any, trial: int) -> None:
    chance, clone = seeded(), again()
    point = f"{chance.choice(('store committed', 'noted', 'hold lock'))}:{chance.randrange(2, 9)}"
    dying = forked(partial(run_command, peace.plan), failpoint=point)
    started_within(5)
    beside = forked(partial(run_command, peace.plan))
    assert dying.wait() in (0, 1, -signal.SIGKILL)
    end_leases()  # at once, while the other one is at work
    assert beside.wait() in (0, 1)
    finish(peace, clone, point)


SLEEPING = ["hold lock", "between moves", *(["store committed", "nothing left", "claimed"] if FULL else [])]


@pytest.mark.parametrize("place", [*SLEEPING, "step committed"])
def test_a_worker_that_slept_while_another_did_its_work_changes_nothing_when_it_wakes(
    peace: Peace, again: Any, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone, point = again(), f"{place}:{1 if place in RARE else seeded().randrange(1, 4)}"
    if place not in SLEEPING:
        beside_others(monkeypatch)
    monkeypatch.setattr(sweeping, "LEASE", timedelta(0))  # as if it slept for longer
    sleeping = forked(partial(run_command, peace.plan), failpoint=point, by=signal.SIGSTOP)
    assert sleeping.wait_until_stopped()
    taking_over = forked(partial(run_command, peace.plan)).wait()
    sleeping.go_on()
    assert (sleeping.wait(), taking_over) in ((0, 0), (0, 1), (1, 0)), point
    finish(peace, clone, point)


def started_within(seconds: float) -> None:
    ends = time.monotonic() + seconds
    while not SweepTask.objects.exclude(status=TaskStatus.PENDING).exists():
        assert time.monotonic() < ends
        time.sleep(0.01)
