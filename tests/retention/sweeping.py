"""Sweeps, their tasks and batches, and measurements, as rows for tests of pages."""

from datetime import UTC, date, datetime, timedelta

import factory

from apps.retention.models import Measurement, Sweep, SweepBatch, SweepTask
from apps.retention.states import SweepStatus, TaskStatus

NIGHT = datetime(2026, 9, 30, 1, 0, tzinfo=UTC)


def line(rule="communications_content", count=100, *, collection="platform:messages", kept=(), **more):
    """One line of a plan."""
    return {
        "store": "platform",
        "collection": collection,
        "action": "delete",
        "columns": [],
        "rule": rule,
        "version": 1,
        "total": 1_000,
        "count": count,
        "oldest": "2026-03-01",
        "kept": list(kept),
        "samples": ["10000000001", "10000000002"],
    } | more


def kept(count=3, *, ground="tax", kind="duty", until="2035-12-31", until_latest=None):
    return {"ground": ground, "kind": kind, "count": count, "until": until, "until_latest": until_latest or until}


class SweepFactory(factory.django.DjangoModelFactory):
    """Planned. Traits: waiting, running, done."""

    class Meta:
        model = Sweep

    hash = factory.Sequence(lambda n: f"{n:064x}")
    day = date(2026, 9, 30)
    rules_version = "r" * 64
    map_version = "m" * 64
    lines = factory.LazyFunction(lambda: [line()])
    made_by = "system"
    made_at = factory.Sequence(lambda n: NIGHT + timedelta(seconds=n))

    class Params:
        waiting = factory.Trait(status=SweepStatus.WAITING, waits_for=["cap_share"])
        running = factory.Trait(status=SweepStatus.RUNNING, started_at=NIGHT + timedelta(hours=1))
        done = factory.Trait(
            status=SweepStatus.DONE,
            started_at=NIGHT + timedelta(hours=1),
            finished_at=NIGHT + timedelta(hours=1, minutes=2),
        )


class SweepTaskFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = SweepTask

    sweep = factory.SubFactory(SweepFactory)
    place = factory.Sequence(lambda n: n)
    store = "platform"
    collection = "platform:messages"
    action = "delete"
    planned = 100

    class Params:
        finished = factory.Trait(
            status=TaskStatus.DONE,
            done=100,
            batches=2,
            started_at=NIGHT + timedelta(hours=1),
            finished_at=NIGHT + timedelta(hours=1, minutes=1),
        )


class SweepBatchFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = SweepBatch

    task = factory.SubFactory(SweepTaskFactory)
    number = factory.Sequence(lambda n: n)
    method = "window"
    leaf = "platform.messages"
    range = "0-99"
    rows = 50
    seconds = 0.5
    latency_ms = 3.5
    at = factory.Sequence(lambda n: NIGHT + timedelta(hours=1, seconds=n))


class MeasurementFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Measurement

    day = date(2026, 9, 30)
    collection = "platform:messages"
    rows = 1_000
    bytes = 2_000_000
    over_kept = 0
    oldest = date(2026, 3, 30)
