"""Sweeps, their tasks and batches, and measurements, as rows for tests of pages."""

from datetime import UTC, date, datetime, timedelta

import factory

from apps.retention.models import Hold, Measurement, Sweep, SweepBatch, SweepTask
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


def furnish_pages(*, now):
    """A sweep that is done, one at work, and a plan that waits; measurements of thirty-five days. Returns the three."""
    lines = [
        line(count=41_730, total=61_200, oldest=str(now.date() - timedelta(days=200))),
        line("abuse_traffic", 12_450, collection="platform:traffic_records", total=80_431, kept=[_held(), ASKED]),
        line("tax", 34, collection="platform:invoices", total=900, kept=[kept(3), ASKED], samples=[["7"], ["8"]]),
        line("web_visits", 0, collection="platform:web_visits", action="anonymise", total=4_412, samples=[]),
    ]
    Sweep.objects.filter(status=SweepStatus.RUNNING).delete()  # one runs at a time: the one that is shown here
    at = now - timedelta(hours=1)
    times = {"day": now.date(), "made_at": at, "started_at": at + timedelta(minutes=2)}
    less = [each | {"count": each["count"] - 20 if each["count"] else 8} for each in lines]
    done = SweepFactory(status=SweepStatus.DONE, lines=less, finished_at=at + timedelta(minutes=9), **times)
    times["made_at"] = at + timedelta(minutes=50)
    running = SweepFactory(status=SweepStatus.RUNNING, lines=lines, **times)
    for sweep, share in ((done, 1), (running, 0.62)):
        _work(sweep, share)
    waiting = SweepFactory(
        waiting=True, day=now.date(), made_at=now, lines=lines, waits_for=["cap_share", "clock_jump"]
    )
    _measurements(now.date())
    return done, running, waiting


ASKED = kept(12, ground="open_request", kind="open_request", until=None)


def _held():
    """Two rows that the first hold keeps, where there is one."""
    reference = Hold.objects.order_by("reference").values_list("reference", flat=True).first()
    return kept(2, ground=reference or "LH-2026-000001", kind="hold", until=None)


def _work(sweep, share):
    for place, each in enumerate(sweep.lines):
        is_done = share == 1 or place == 0
        gone = each["count"] if is_done else round(each["count"] * share) if place == 1 else 0
        times = {"started_at": sweep.started_at, "finished_at": sweep.finished_at or sweep.made_at} if is_done else {}
        task = SweepTaskFactory(
            sweep=sweep, place=place, collection=each["collection"], action=each["action"], planned=each["count"],
            done=gone, batches=max(gone // 700, 0), status=TaskStatus.DONE if is_done else TaskStatus.PENDING,
            kept=each["kept"], **times,
        )  # fmt: skip
        for number in range(gone // 700):
            wave = (number * 37 + place * 11) % 29
            at = sweep.started_at + timedelta(seconds=place * 40 + number)
            SweepBatchFactory(task=task, number=number, rows=400 + 20 * wave, seconds=0.05 + wave / 900, at=at,
                              latency_ms=2 + wave / 9)  # fmt: skip


def _measurements(today):
    sized = {
        "platform:messages": (61_200, 31_000_000),
        "platform:emails": (20_100, 44_000_000),
        "platform:traffic_records": (80_431, 22_000_000),
        "platform:accounts": (40, 163_840),
        "platform:invoices": (900, 491_520),
        "platform:enrichment_profiles": (310, 196_608),
        "platform:web_visits": (4_412, 2_400_000),
        "portal_accounts:usersessions_usersession": (120, 131_072),
    }
    for ago in range(35):
        day = today - timedelta(days=ago)
        for place, (collection, (rows, size)) in enumerate(sized.items()):
            grown = 1 - ago / 90 + ((ago * 7 + place) % 5) / 60
            over = 17 if collection == "platform:emails" and 9 <= ago <= 12 else 0
            ending = {f"{_months(today, ahead):%Y-%m}": rows // (ahead + 5) for ahead in range(9)} if not ago else {}
            MeasurementFactory(day=day, collection=collection, rows=round(rows * grown), bytes=round(size * grown),
                               over_kept=over, oldest=day - timedelta(days=180), expiring=ending)  # fmt: skip


def _months(day, ahead):
    month = day.month - 1 + ahead
    return day.replace(year=day.year + month // 12, month=month % 12 + 1, day=1)
