"""Sweeps that are killed: processes of their own, identical platforms, and what is compared afterwards.

A process is forked from the test's and runs `manage.py sweep --run HASH` as the command does: ready in milliseconds,
and killed like any other.
"""

import io
import os
import random
import re
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management import CommandError, call_command
from django.db import connections

from apps.core import clock, failpoints
from apps.datamap.stores import dispose_engines
from apps.ledger.models import Entry
from apps.retention.models import SweepBatch, SweepTask
from apps.retention.states import TaskStatus
from tests.template import connect

ROOT = Path(__file__).resolve().parents[2]
FULL = os.environ.get("PORTAL_RELIABILITY") == "full"
SOURCES = ["apps/retention/services/sweeping.py", *(f"apps/datamap/purging/{name}.py" for name in
           ("walk", "steps", "partitions"))]  # fmt: skip
PLACES = sorted({name for file in SOURCES for name in re.findall(r'reach\("([^"]+)"\)', (ROOT / file).read_text())})
TABLES = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'platform' AND c.relkind IN ('r', 'p') ORDER BY 1
"""
PROBE = "purge:probe"


def seeded() -> random.Random:
    """Random, and told: a trial that failed is looked at again with its seed."""
    seed = int(os.environ.get("PORTAL_SEED") or time.time_ns() % 10**9)
    print(f"\nPORTAL_SEED={seed}")
    return random.Random(seed)


# --- processes ----------------------------------------------------------------------------------------


@dataclass
class Process:
    """A forked process at work."""

    pid: int

    def kill(self) -> int:
        os.kill(self.pid, signal.SIGKILL)
        return self.wait()

    def wait(self) -> int:
        """How it ended: 0 or 1 as a command does, minus the signal that killed it."""
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def wait_until_stopped(self) -> bool:
        """False where it ended instead."""
        return os.WIFSTOPPED(os.waitpid(self.pid, os.WUNTRACED)[1])

    def go_on(self) -> None:
        os.kill(self.pid, signal.SIGCONT)


def forked(work: Callable[[], Any], *, failpoint: str = "", by: int = signal.SIGKILL) -> Process:
    """`work` in a process with connections of its own."""
    connections.close_all()
    dispose_engines()
    pid = os.fork()
    if pid:
        return Process(pid)
    ended = 1
    try:
        os.environ["SWEEP_FAILPOINT"], failpoints.SIGNAL = failpoint, by  # type: ignore[assignment]
        failpoints._seen.clear()
        # Where a browser was at work before, Django keeps the test's connection by asyncio's running loop, which a
        # forked process has not: it would find one that was opened on another database, long before.
        for each in connections.all(initialized_only=True):
            del connections[each.alias]
        work()
        ended = 0
    except CommandError:
        pass
    except BaseException:
        ended = 2
        import traceback

        traceback.print_exc()
    finally:
        os._exit(ended)  # nothing of the test's own is cleaned up here


def run_command(hash_: str) -> None:
    call_command("sweep", "--run", hash_, stdout=io.StringIO())


def end_leases() -> None:
    """As if minutes had passed since a worker was last heard of."""
    SweepTask.objects.filter(status__in=[TaskStatus.CLAIMED, TaskStatus.FAILED]).update(lease_until=clock.now())


# --- what is there ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class State:
    """Everything that a sweep changes: tables and rows of the platform, counts by task, and months counted."""

    tables: dict[str, list[str]]
    done: dict[tuple[str, ...], int]
    statistics: list[tuple[Any, ...]]


def state_of(clone: Any) -> State:
    owner = connect(clone.owner_url)
    try:
        cursor = owner.cursor()
        cursor.execute(TABLES)
        tables = {}
        for (name,) in cursor.fetchall():
            if name != "portal_effects":
                cursor.execute(f'SELECT t::text FROM platform."{name}" t ORDER BY 1')
                tables[name] = [row[0] for row in cursor.fetchall()]
    finally:
        owner.close()
    done = {(task.collection, task.action, *task.columns): task.done for task in SweepTask.objects.all()}
    months = Entry.objects.filter(verb="retention.statistics_kept").order_by("facts__month")
    return State(tables, done, [(one.facts["collection"], one.facts["month"], one.facts["groups"]) for one in months])


def receipts(clone: Any) -> dict[str, int]:
    """What the store says was done, by effect: rows."""
    owner = connect(clone.owner_url)
    try:
        cursor = owner.cursor()
        cursor.execute("SELECT effect_key, counts #>> '{purge,rows}' FROM platform.portal_effects")
        return {key: int(rows) for key, rows in cursor.fetchall() if key != PROBE}
    finally:
        owner.close()


def check_counts(clone: Any) -> None:
    """Every row that went is counted once: by its task, by its batch, and in the evidence. No receipt is left."""
    assert receipts(clone) == {}
    for task in SweepTask.objects.all():
        batches = list(SweepBatch.objects.filter(task=task).order_by("number").values_list("number", "rows"))
        assert [number for number, _ in batches] == list(range(1, task.batches + 1))
        assert sum(rows for _, rows in batches) == task.done
        target = f"retention.sweeptask:{task.pk}"
        told = [one.facts for one in Entry.objects.filter(verb="retention.batch", target=target)]
        assert sorted((one["number"], one["rows"]) for one in told) == batches
