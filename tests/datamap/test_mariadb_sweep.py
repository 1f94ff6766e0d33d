"""Sweeps in MariaDB: by windows of the primary key, exactly what was planned, whoever is killed in between."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from apps.datamap import guards
from apps.datamap.guards import Keep
from apps.datamap.loading import load_files
from apps.datamap.purging import keys
from apps.datamap.purging.orders import Order, compile_order
from apps.datamap.purging.walk import Cursor, walking
from apps.datamap.registry import current_map
from apps.datamap.search import Live
from apps.datamap.stores import Snapshots
from apps.ledger.models import Entry
from apps.retention import services
from apps.retention.models import SweepBatch
from apps.retention.states import SweepStatus

NOW = datetime(2027, 3, 1, 3, tzinfo=UTC)
RETENTION = {
    "messages: {tenant: account_id,": "messages: {retention: [communications_content], tenant: account_id,",
    "attachments: {tenant: account_id}": "attachments: {tenant: account_id, goes_with: message_id}",
    "invoices: {tenant: account_id,": "invoices: {retention: [tax], tenant: account_id,",
    "people: {tenant: account_id, clock: created_at}": (
        "people: {tenant: account_id, clock: created_at, retention: [web_visits], "
        "fields: {phone: {retention: [security_logs]}}}"
    ),
}


@pytest.fixture
def swept(market: Any, tmp_path: Any) -> Any:
    """The market with periods: content six months, invoices ten years, people anonymous after thirteen months, their
    phone numbers gone after six; and attachments that go with their message."""
    market.sql("DELETE FROM attachments; DELETE FROM messages; ALTER TABLE messages ADD UNIQUE (id)")
    market.sql("ALTER TABLE attachments ADD FOREIGN KEY (message_id) REFERENCES messages (id)")
    market.sql(
        "INSERT INTO messages (region, created_at, id, account_id, sender, body) "
        "SELECT IF(seq % 3, 'eea', 'other'), '2026-06-01' + INTERVAL seq HOUR, seq, 1001 + seq % 2, '+31600000000', "
        "'hi' FROM seq_1_to_3000"
    )
    market.sql("INSERT INTO attachments SELECT seq, 1001, seq * 10, 'x' FROM seq_1_to_300")
    market.sql("UPDATE people SET created_at = IF(id IN (10, 11), '2026-01-05', '2026-12-01')")
    text = market.text
    for plain, with_rules in RETENTION.items():
        assert plain in text
        text = text.replace(plain, with_rules)
    path = tmp_path / "swept.yml"
    path.write_text(text)
    load_files([str(path)], stores={}, actor="command", now=NOW)
    return market


def plan() -> Any:
    return services.make_plan(day=NOW.date(), now=NOW, actor="command")


def run(sweep: Any) -> Any:
    if sweep.status == SweepStatus.WAITING:
        sweep = services.approve_plan(sweep, by="command", now=NOW)
    started = services.start_sweep(sweep.hash, actor="command", now=NOW)
    return services.run_sweep(started, tick=lambda: NOW)


def lines(sweep: Any) -> dict[Any, Any]:
    return {
        (line["collection"].partition(":")[2], *line["columns"]): (line["action"], line["count"])
        for line in sweep.lines
        if line["store"] == "market" and line["count"]
    }


PAST = "SELECT count(*) FROM messages WHERE created_at < '2026-09-01'"


@pytest.mark.req("RET-1", "RET-3")
def test_what_is_past_its_limit_goes_and_nothing_else(swept: Any) -> None:
    [(past,)] = swept.rows(PAST)
    everything = swept.rows("SELECT count(*) FROM messages")[0][0]
    sweep = plan()
    found = lines(sweep)
    assert found[("messages",)] == ("delete", past)
    assert found[("people",)] == ("anonymise", 2)
    done = run(sweep)
    assert done.status == SweepStatus.DONE, services.report(done)
    assert swept.rows(PAST) == [(0,)]
    assert swept.rows("SELECT count(*) FROM messages") == [(everything - past,)]
    assert swept.rows("SELECT count(*) FROM attachments WHERE message_id NOT IN (SELECT id FROM messages)") == [(0,)]
    assert swept.rows("SELECT email, full_name, account_id FROM people WHERE id = 10") == [(None, "[erased]", 1001)]
    assert swept.rows("SELECT email, full_name FROM people WHERE id = 12") == [("cat@example.org", "Cat")]
    assert swept.rows("SELECT count(*) FROM invoices") == [(3,)]
    assert not lines(plan())


def test_a_column_with_a_limit_of_its_own_is_emptied_and_the_row_stays(swept: Any) -> None:
    swept.sql("UPDATE people SET phone = NULL")
    swept.sql("UPDATE people SET phone = '+31600000001', created_at = '2026-08-01' WHERE id = 12")
    sweep = plan()
    assert lines(sweep)[("people", "phone")] == ("anonymise", 1)
    run(sweep)
    assert swept.rows("SELECT phone, email FROM people WHERE id = 12") == [(None, "cat@example.org")]


@pytest.mark.req("RET-4")
def test_what_a_hold_keeps_is_told_and_stays(swept: Any) -> None:
    def held(store: str, collection: Any, now: Any) -> list[Keep]:
        one = collection.base_key == "market:messages"
        return [Keep(collection.table.c.id.between(100, 149), "hold-1", "hold")] if one else []

    with guards.only(hold=held):
        sweep = plan()
        [line] = [line for line in sweep.lines if line["collection"] == "market:messages"]
        assert [(kept["ground"], kept["count"]) for kept in line["kept"]] == [("hold-1", 50)]
        run(sweep)
    assert swept.rows(PAST) == [(50,)]
    assert swept.rows("SELECT count(*) FROM attachments WHERE message_id BETWEEN 100 AND 149") == [(5,)]


def test_evidence_tells_no_key(swept: Any) -> None:
    run(plan())
    batches = SweepBatch.objects.filter(task__collection="market:messages")
    assert {batch.method for batch in batches} == {"window"}
    facts = [entry.facts for entry in Entry.objects.filter(verb="retention.batch")]
    assert sum(one["rows"] for one in facts if one["collection"] == "market:messages") == sum(
        batch.rows for batch in batches
    )
    assert {one.get("range") for one in facts if one["store"] == "market"} == {None}


# --- windows -----------------------------------------------------------------------------------------


class Below:
    """Limits for tests: rows of messages with an id up to `last`."""

    latest = None

    def __init__(self, table: sa.Table, last: int) -> None:
        self.past = table.c.id <= last
        self.rule = sa.literal("test", sa.Text)
        self.whole = NOW.date()


def order(last: int = 1000, name: str = "messages") -> Order:
    return Order(f"market:{name}", "delete", lambda info: Below(info.table, last), NOW)


@pytest.mark.parametrize("size", [7, 500])
def test_windows_follow_each_other_without_gap_or_overlap(swept: Any, size: int) -> None:
    seen: list[str] = []
    with guards.only(none=lambda *about: []), Snapshots() as snapshots:
        live = Live(current_map(), snapshots)
        purge = compile_order(order(last=50), live)
        assert purge is not None
        session = snapshots.of("market")
        while upto := keys.bound(purge, session, after=seen[-1] if seen else "", size=size):
            seen.append(upto)
            assert len(seen) < 60
    assert len(seen) == -(-50 // size)
    assert all(set(one) <= set("0123456789abcdef") for one in seen)  # a key with text in it is sealed


def test_keys_of_any_type_are_walked_in_their_order(swept: Any) -> None:
    swept.sql("CREATE TABLE odd (at datetime(6), part varbinary(20), big bigint unsigned, PRIMARY KEY (at, part, big))")
    swept.sql(
        "INSERT INTO odd SELECT '2026-01-01 00:00:00.000001' + INTERVAL seq DIV 7 MICROSECOND, UNHEX(MD5(seq)), "
        "18446744073709551615 - seq FROM seq_1_to_100"
    )
    load_files([_odd(swept)], stores={}, actor="command", now=NOW)
    with guards.only(none=lambda *about: []):
        total = _walk(Order("odd:odd", "delete", lambda info: _All(info.table), NOW), size=3)
    assert (total, swept.rows("SELECT count(*) FROM odd")) == (100, [(0,)])


class _All:
    latest = None

    def __init__(self, table: sa.Table) -> None:
        self.past, self.rule, self.whole = sa.true(), sa.literal("test", sa.Text), NOW.date()


def _odd(swept: Any) -> str:
    import tempfile
    from pathlib import Path

    path = Path(tempfile.mkdtemp()) / "odd.yml"
    path.write_text("""
dataset:
  - fides_key: odd
    name: Odd
    meta: {portal: {store: market, capacity: processor}}
    collections:
      - name: odd
        fields:
          - {name: at, data_categories: [user.behavior]}
""")
    return str(path)


def _walk(order: Order, *, size: int, stop_after: int = 10_000) -> int:
    total, cursor, number = 0, Cursor(), 0
    with walking(order, size=500) as walk:
        walk.pace.size = size
        while (move := walk.look(cursor)) and number < stop_after:
            done = walk.do(move, effect_key=f"walk:{number}", now=NOW)
            total, cursor, number = total + done.rows, Cursor(**done.cursor), number + 1
    return total


@pytest.mark.threat("T45")
def test_a_move_that_was_done_but_not_noted_is_not_done_twice(swept: Any) -> None:
    with guards.only(none=lambda *about: []), walking(order(), size=500) as walk:
        move = walk.look(Cursor())
        assert move is not None
        first = walk.do(move, effect_key="sweep:x:0", now=NOW)
        again = walk.do(move, effect_key="sweep:x:0", now=NOW + timedelta(minutes=1))
        assert (again.replayed, again.rows, again.cursor) == (True, first.rows, first.cursor)
        earlier = walk.earlier("sweep:x:0")
        assert earlier is not None
        assert earlier.rows == first.rows
        walk.forget_receipts("sweep:x:")
        assert walk.earlier("sweep:x:0") is None
    assert swept.rows("SELECT count(*) FROM messages WHERE id <= 1000")[0][0] == 1000 - first.rows


def test_a_row_that_somebody_holds_makes_the_store_busy_and_nothing_is_done(swept: Any) -> None:
    from apps.datamap.purging.walk import Busy
    from tests.datamap.mariadb import connect

    other = connect(swept.socket, swept.name)
    other.autocommit(False)
    with other.cursor() as cursor:
        cursor.execute("UPDATE messages SET body = 'busy' WHERE id = 3")
    with guards.only(none=lambda *about: []), walking(order(), size=500) as walk:
        move = walk.look(Cursor())
        assert move is not None
        with pytest.raises(Busy):
            walk.do(move, effect_key="busy:0", now=NOW)
        assert swept.rows("SELECT count(*) FROM messages WHERE id <= 1000") == [(1000,)]
        other.rollback()
        assert walk.do(move, effect_key="busy:0", now=NOW).rows > 0
    other.close()
