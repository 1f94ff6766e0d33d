"""Retention sweeps against what the database itself can do: one DELETE, one UPDATE, in the same run, on the same rows.

Limit and product take turns, three times each; every run asserts that exactly the expected rows went.
"""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure
from privacy_portal.embedded import Servers
from privacy_portal.embedded.servers import connect

RUNS = 3
ROWS = 3_000_000
HEAP_ROWS = 4_000_000  # what is swept takes about as long as a limit that can be told from noise
KEPT_SHARE = 10  # one row in so many is held in the months that are replaced
COLUMNS = (
    "region text NOT NULL, created_at timestamptz NOT NULL, id bigint NOT NULL, account_id bigint NOT NULL, "
    "sender text, recipient text, body text, segments smallint"
)
INDEXES = ("(account_id, created_at)", "(created_at)", "(recipient)")
FILL = """
INSERT INTO sweeps.{table}
SELECT 'EEA', timestamptz '{first}' + n * interval '1 second' * {step}, n, n % 50 + 1, '+31970100' || n % 1000,
       '+31611' || lpad((n % 100000)::text, 6, '0'), repeat(md5(n::text), 4), 1
FROM generate_series(0, {rows} - 1) n
"""


def measure(servers: Servers) -> Iterator[Figure]:
    """All figures of performance.md that are about sweeps."""
    import django

    django.setup()
    bench = Bench(servers)
    yield from quiet_and_live(bench)
    yield from whole_months(bench)
    yield from anonymised(bench)
    yield from growth(bench)


class Bench:
    """A store with one schema, its place on the map, and the two ways of emptying its tables."""

    def __init__(self, servers: Servers) -> None:
        from django.core.management import call_command

        self.servers = servers
        self.connection = connect(servers, "portal")
        self.connection.autocommit = True
        self.cursor = self.connection.cursor()
        call_command("migrate", verbosity=0)
        call_command("seed", verbosity=0)
        self.run("DROP SCHEMA IF EXISTS sweeps CASCADE; CREATE SCHEMA sweeps AUTHORIZATION portal_app")
        self.run("SET ROLE portal_app")
        self.now = datetime.now(UTC)
        self.heap("heap", 0)
        self.months("months", 0)
        self.months("visits", 0)
        self.run("CREATE TABLE sweeps.portal_effects (effect_key text PRIMARY KEY, counts jsonb NOT NULL, "
                 "at timestamptz NOT NULL)")  # fmt: skip
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "sweeps.yml"
            file.write_text(DATASET)
            call_command("datamap", "load", str(file), verbosity=0)

    def run(self, statement: str) -> None:
        self.cursor.execute(statement)

    def one(self, statement: str) -> Any:
        self.cursor.execute(statement)
        return self.cursor.fetchone()[0]

    def heap(self, table: str, rows: int) -> None:
        """A plain table in order of time: the older half is past six months."""
        self.run(f"DROP TABLE IF EXISTS sweeps.{table}; CREATE TABLE sweeps.{table} ({COLUMNS})")
        self.fill(table, rows, first=self.now - timedelta(days=368), days=368)
        self.run(f"ALTER TABLE sweeps.{table} ADD PRIMARY KEY (id)")
        self.index(table)

    def months(self, table: str, rows: int) -> None:
        """A table of four months, the first three of them wholly past every limit."""
        self.run(f"DROP TABLE IF EXISTS sweeps.{table}")
        self.run(f"CREATE TABLE sweeps.{table} ({COLUMNS}) PARTITION BY RANGE (created_at)")
        first = (self.now - timedelta(days=600)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        self.bounds = [first]
        for number in range(4):
            following = (self.bounds[-1] + timedelta(days=32)).replace(day=1)
            self.run(f"CREATE TABLE sweeps.{table}_{number} PARTITION OF sweeps.{table} "
                     f"FOR VALUES FROM ('{self.bounds[-1]}') TO ('{following}')")  # fmt: skip
            self.bounds.append(following)
        self.fill(table, rows, first=first, days=(self.bounds[3] - first).days)
        self.run(f"ALTER TABLE sweeps.{table} ADD PRIMARY KEY (created_at, id)")
        self.index(table)

    def fill(self, table: str, rows: int, *, first: datetime, days: int) -> None:
        step = (days * 86_400 - 1) / max(rows, 1)
        self.run(FILL.format(table=table, first=first, step=step, rows=rows))

    def index(self, table: str) -> None:
        for columns in INDEXES:
            self.run(f"CREATE INDEX ON sweeps.{table} {columns}")
        # What is months old was vacuumed and written out long ago: touched again, its pages are logged whole.
        self.run(f"VACUUM ANALYZE sweeps.{table}")
        self.run("RESET ROLE; CHECKPOINT; SET ROLE portal_app")

    def sweep(self, collection: str, *, at_start: Callable[[], None] = lambda: None) -> tuple[float, int]:
        """Seconds and rows of a real sweep: plan, start, and (what is timed) run."""
        from apps.core import clock
        from apps.retention import services
        from apps.retention.models import Sweep

        now = clock.now()
        Sweep.objects.all().delete()  # the same rows on the same day would be the same plan, which is done
        plan = services.make_plan(day=now.date(), now=now, actor="command")
        if plan.status == "waiting":
            services.approve_plan(plan, by="command", now=now)
        started = services.start_sweep(plan.hash, actor="command", now=now)
        at_start()
        began = time.perf_counter()
        done = services.run_sweep(started, tick=clock.now)
        seconds = time.perf_counter() - began
        assert done.status == "done", services.report(done)
        return seconds, sum(task.done for task in done.tasks.all() if task.collection == f"sweeps:{collection}")

    def timed(self, statement: str) -> tuple[float, int]:
        """Seconds and rows of one statement of our own."""
        began = time.perf_counter()
        self.cursor.execute(statement)
        return time.perf_counter() - began, self.cursor.rowcount

    @contextmanager
    def wal(self) -> Iterator[Callable[[], int]]:
        """Bytes of log written since the block began."""
        before = self.one("SELECT pg_current_wal_insert_lsn()")
        yield lambda: int(self.one(f"SELECT pg_current_wal_insert_lsn() - '{before}'::pg_lsn"))

    def past(self, months: int) -> str:
        from apps.retention.periods import Event, Period, cutoff

        last = cutoff(Event.CREATED, Period(months, 0), today=self.now.date())
        return f"created_at < '{last + timedelta(days=1)} 00:00:00+00'"


def quiet_and_live(bench: Bench) -> Iterator[Figure]:
    quiet, live, p95, floor = [], [], [], []
    for _ in range(RUNS):
        bench.heap("heap", HEAP_ROWS)
        limit, expected = bench.timed(f"DELETE FROM sweeps.heap WHERE {bench.past(6)}")
        bench.heap("heap", HEAP_ROWS)
        seconds, rows = bench.sweep("heap")
        assert rows == expected, (rows, expected)
        quiet.append(limit / seconds)
        bench.heap("heap", HEAP_ROWS)
        with Writers(bench) as writers:
            alone, again = writers.p95(2.0), writers.p95(2.0)
            seconds, rows = bench.sweep("heap", at_start=writers.reset)
            beside = writers.p95(0)
        assert rows == expected, (rows, expected)
        live.append(limit / seconds)
        p95.append(beside / min(alone, again))
        floor.append(max(alone, again) / min(alone, again))
        print(f"# limit {limit:.2f} s for {expected:,} rows; writers alone {alone:.1f} ms, beside {beside:.1f} ms")
    yield Figure("sweep_quiet_ratio", tuple(quiet), "ratio", 0.85, at_least=True)
    yield Figure("sweep_live_ratio", tuple(live), "ratio", 0.5, at_least=True)
    yield Figure("sweep_live_p95_ratio", tuple(p95), "ratio", 2.0)
    yield Figure("sweep_floor_p95_ratio", tuple(floor), "ratio", 2.0)


class Writers:
    """Other people's traffic: processes that insert one row after another, each in a transaction of its own."""

    COUNT = 2

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.file = tempfile.NamedTemporaryFile("r", suffix=".txt")  # noqa: SIM115 - closed when the writers are stopped

    def __enter__(self) -> "Writers":
        command = [sys.executable, "-c", WRITER, self.bench.servers.database_url, self.file.name]
        self.processes = [subprocess.Popen([*command, str(number)]) for number in range(self.COUNT)]
        time.sleep(1.0)
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
        self.file.close()

    def reset(self) -> None:
        self.file.read()

    def p95(self, seconds: float) -> float:
        """Milliseconds of a commit, of those since the last look."""
        if seconds:
            self.reset()
            time.sleep(seconds)
        seen = sorted(float(line) for line in self.file.read().split())
        return seen[int(len(seen) * 0.95)]


WRITER = """
import sys, time, environ, psycopg2
url, path, number = sys.argv[1:]
parts = environ.Env.db_url_config(url)
names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
opened = psycopg2.connect(**{name: parts[key] for name, key in names.items() if parts.get(key)})
opened.autocommit = True
cursor, out, at = opened.cursor(), open(path, "a", buffering=1), 10_000_000_000 * (int(number) + 1)
cursor.execute("SELECT max(id) FROM sweeps.heap WHERE id BETWEEN %s AND %s", [at, at + 9_999_999_999])
at = (cursor.fetchone()[0] or at) + 1
while True:
    began = time.perf_counter()
    cursor.execute("INSERT INTO sweeps.heap VALUES ('EEA', now(), %s, 1, 'a', 'b', 'c', 1)", [at])
    out.write(f"{(time.perf_counter() - began) * 1000:.3f}\\n")
    at += 1
    time.sleep(0.01)
"""


def whole_months(bench: Bench) -> Iterator[Figure]:
    bench.heap("heap", 0)
    dropped, kept, wal = [], [], []
    past = "created_at < '{}'"
    for _ in range(RUNS):
        bench.months("months", ROWS)
        limit, expected = bench.timed(f"DELETE FROM sweeps.months WHERE {past.format(bench.bounds[3])}")
        bench.months("months", ROWS)
        with bench.wal() as written:
            seconds, rows = bench.sweep("months")
            per_row = written() / rows
        assert rows == expected == ROWS, (rows, expected)
        dropped.append(limit / seconds)
        wal.append(per_row)
        bench.months("months", ROWS)
        print(f"# limit {limit:.2f} s for {expected:,} rows, dropped in {seconds:.2f} s; "
              f"counted and dropped by hand {by_hand(bench):.2f} s")  # fmt: skip
        bench.months("months", ROWS)
        held = f"account_id % {KEPT_SHARE} <> 0"
        limit, expected = bench.timed(f"DELETE FROM sweeps.months WHERE {past.format(bench.bounds[3])} AND {held}")
        bench.months("months", ROWS)
        with holds(bench):
            seconds, rows = bench.sweep("months")
        assert rows == expected, (rows, expected)
        assert bench.one("SELECT count(*) FROM sweeps.months") == ROWS - expected
        kept.append(limit / seconds)
    yield Figure("drop_month_ratio", tuple(dropped), "ratio", 5, at_least=True)
    yield Figure("drop_month_wal_bytes", tuple(wal), "bytes a row", 5)
    yield Figure("drop_month_kept_ratio", tuple(kept), "ratio", 0.65, at_least=True)


def by_hand(bench: Bench) -> float:
    """Seconds of the least a drop can do that knows what went: count the rows under a lock, detach, drop, commit."""
    began = time.perf_counter()
    for number in range(3):
        table = f"sweeps.months_{number}"
        bench.run(f"BEGIN; LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")
        assert bench.one(f"SELECT count(*) FROM {table} WHERE created_at < now()")
        bench.run(f"ALTER TABLE sweeps.months DETACH PARTITION {table}; DROP TABLE {table}; COMMIT")
    return time.perf_counter() - began


@contextmanager
def holds(bench: Bench) -> Iterator[None]:
    """A guard that keeps one account in ten, as legal holds on accounts do."""
    from apps.datamap import guards
    from apps.datamap.guards import Keep

    def keeps(store: str, collection: Any, now: datetime) -> list[Any]:
        if collection.base_key != "sweeps:months":
            return []
        return [Keep(collection.table.c.account_id.in_(range(KEPT_SHARE, 51, KEPT_SHARE)), "held", "hold")]

    with guards.only(held=keeps):
        yield


def anonymised(bench: Bench) -> Iterator[Figure]:
    bench.months("months", 0)
    ratios, wal = [], []
    for _ in range(RUNS):
        bench.months("visits", ROWS)
        update = "UPDATE sweeps.visits SET account_id = 0, sender = NULL, recipient = NULL, body = NULL"
        with bench.wal() as written:
            limit, expected = bench.timed(f"{update} WHERE created_at < '{bench.bounds[3]}'")
            limit_wal = written()
        bench.months("visits", ROWS)
        with bench.wal() as written:
            seconds, rows = bench.sweep("visits")
            ratio_wal = written() / limit_wal
        assert rows == expected == ROWS, (rows, expected)
        assert bench.one("SELECT count(*) FROM sweeps.visits WHERE body IS NOT NULL OR sender IS NOT NULL") == 0
        ratios.append(limit / seconds)
        wal.append(ratio_wal)
    yield Figure("anonymise_ratio", tuple(ratios), "ratio", 2, at_least=True)
    yield Figure("anonymise_wal_ratio", tuple(wal), "ratio", 0.3)


def growth(bench: Bench) -> Iterator[Figure]:
    """Ten times the rows take ten times as long, in no more memory."""
    bench.months("visits", 0)
    rates = []
    for rows in (1_000_000, 10_000_000):
        bench.heap("heap", rows)
        seconds, swept = bench.sweep("heap")
        rates.append(seconds / swept)
        print(f"# {swept:,} of {rows:,} rows in {seconds:.1f} s, {swept / seconds:,.0f} rows/s")
    yield Figure("sweep_growth_ratio", (rates[1] / rates[0],), "ratio", 1.5)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024
    yield Figure("sweep_memory_mb", (memory,), "MB", 200)


FIELDS = """
    fields:
      - {name: region, data_categories: [system.operations]}
      - {name: created_at, data_categories: [user.communication.traffic.time]%s}
      - {name: id, data_categories: [system.operations], fides_meta: {primary_key: true}}
      - {name: account_id, data_categories: [user.account.account_id]}
      - {name: sender, data_categories: [user.communication.traffic.party]}
      - {name: recipient, data_categories: [user.communication.traffic.party], fides_meta: {identity: phone_number}}
      - {name: body, data_categories: [user.communication.content]}
      - {name: segments, data_categories: [system.operations]}
"""
IN_KEY = ", fides_meta: {primary_key: true}"
DATASET = f"""
fides_key: sweeps
name: Sweeps
meta:
  portal:
    schema: sweeps
    collections:
      heap: {{region: region, clock: created_at, retention: [communications_content]}}
      months: {{region: region, clock: created_at, retention: [communications_content], tenant: account_id}}
      visits: {{clock: created_at, retention: [web_visits]}}
collections:
  - name: heap{FIELDS % ""}
  - name: months{FIELDS % IN_KEY}
  - name: visits{FIELDS % IN_KEY}
"""
