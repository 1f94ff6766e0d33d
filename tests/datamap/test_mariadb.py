"""MariaDB as a store: the same answers, plans and erasures as from PostgreSQL."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from apps.core.identities import parse_identity
from apps.datamap import guards, services
from apps.datamap.contract import StoreFailed
from apps.datamap.guards import Keep
from apps.datamap.loading import check_everything
from apps.datamap.mariadb_schema import like
from apps.datamap.schema import reflect
from apps.datamap.services import Scope, find
from apps.datamap.stores import Snapshots, dispose_engines, engine, writing
from tests.datamap.conftest import NOW
from tests.datamap.people import ANN, carry_out, keeping, make_plan

EMAIL = (parse_identity("email", "ann@example.org"),)


@pytest.fixture(autouse=True)
def _guarded() -> Iterator[None]:
    with keeping():
        yield


def ids(rows: list[dict[str, Any]]) -> list[Any]:
    return [row["id"] for row in rows]


def test_what_the_catalogue_says_becomes_the_same_live_table(market: Any) -> None:
    market.sql("CREATE VIEW directory AS SELECT id, email FROM people")
    market.sql("CREATE TABLE loose (id int) ENGINE = MyISAM")
    with Snapshots() as snapshots:
        wanted = [(None, name) for name in ("people", "order_items", "logins", "profiles", "directory", "loose", "no")]
        found = reflect(snapshots.of("market"), wanted).tables
    people = found[(None, "people")]
    assert (people.schema, people.kind, people.primary_key) == (market.name, "r", ("id",))
    assert people.not_null == {"id", "account_id", "full_name", "created_at"}
    assert people.indexed >= {"id", "email", "phone", "account_id"}
    assert {(key.child[1], key.columns, key.parent_columns, key.nullable) for key in people.referenced_by} == {
        ("invoices", ("person_id",), ("id",), True), ("orders", ("person_id",), ("id",), False),
        ("people", ("referred_by",), ("id",), True),
    }  # fmt: skip
    assert found[(None, "order_items")].primary_key == ("order_id", "item_no")
    assert found[(None, "logins")].is_unique("email")
    assert [one.columns for one in found[(None, "logins")].checks] == [("nickname",)]
    kinds = {name: type(found[(None, "profiles")].table.c[name].type) for name in ("id", "data", "person_id")}
    assert kinds == {"id": sa.Uuid, "data": sa.JSON, "person_id": sa.String}
    assert (found[(None, "directory")].read_only, found[(None, "loose")].read_only) == (True, True)
    assert (people.can_select, people.can_delete, people.read_only) == (True, True, False)
    assert (None, "no") not in found


@pytest.mark.parametrize(
    ("granted", "expected"),
    [("%", True), ("shop", True), ("sh%", True), ("s_op", True), ("s\\_op", False), ("sh", False)],
)
def test_what_is_granted_on_a_pattern_reaches_the_databases_it_names(granted: str, expected: bool) -> None:
    assert like("shop", granted) is expected


def test_a_check_is_as_exact_as_in_postgresql(market: Any) -> None:
    assert not check_everything().problems
    advice = [str(one) for one in check_everything().advice if str(one).startswith("market:invoices")]
    assert advice == [
        "market:invoices: no index begins with the tenant column account_id → "
        f"CREATE INDEX invoices_account_id_idx ON {market.name}.invoices (account_id)",
        "market:invoices: no index begins with the clock column issued_on → "
        f"CREATE INDEX invoices_issued_on_idx ON {market.name}.invoices (issued_on)",
    ]
    market.sql("ALTER TABLE logins RENAME COLUMN nickname TO nicknames; DROP TABLE attachments")
    problems = {one.where: (one.message, one.suggestion) for one in check_everything().problems}
    assert problems["logins.nickname"] == (f"{market.name}.logins has no column “nickname”", "nicknames")
    assert problems["attachments"][0] == "there is no table attachments in the store market"
    market.sql("DROP TABLE portal_effects")
    assert any("portal_effects" in one.statement for one in check_everything().advice)


@pytest.mark.req("DSR-1")
def test_a_person_is_found_in_every_collection_of_one_account(market: Any) -> None:
    found = find(Scope(ANN, "1001", datasets=("market",)), now=NOW).rows
    assert found["market:people"] == [{
        "id": 10, "email": "ann@example.org", "phone": "+31612345678", "full_name": "Ann", "balance": 12.5,
        "created_at": "2026-01-01T00:00:00.000000", "address_id": 1, "referred_by": None,
    }]  # fmt: skip
    assert ids(found["market:orders"]) == ["a1", "a2"]
    assert [(row["order_id"], row["item_no"]) for row in found["market:order_items"]] == [
        ("a1", 1), ("a1", 2), ("a2", 1),
    ]  # fmt: skip
    assert ids(found["market:addresses"]) == [1, 2]
    assert sorted(ids(found["market:messages"])) == [1, 2, 3]
    assert ids(found["market:attachments"]) == [1]
    assert ids(found["market:nodes"]) == [1, 2, 3]
    assert ids(found["market:invoices"]) == [1]
    profiles = {row["id"][-1]: row for row in found["market:profiles"]}
    assert profiles["1"]["data"]["contact"] == {"email": "a@x.org", "phones": ["+31612345678"]}
    assert profiles["2"]["data"] == {"cards": [{"mail": "ann@example.org", "no": 1}]}
    assert profiles["3"]["mails"] == ["zoe@x.org", "ann@example.org"]
    json.dumps(found)


@pytest.mark.threat("T9")
@pytest.mark.parametrize("other", ["ANN@example.org", "ánn@example.org", "ann@example.org "])
def test_a_collation_that_takes_one_for_the_other_finds_nobody_else(market: Any, other: str) -> None:
    market.sql("UPDATE people SET email = %s WHERE id = 13", other)
    assert ids(find(Scope(EMAIL, "1001"), now=NOW).rows["market:people"]) == [10]


@pytest.mark.threat("T28")
@pytest.mark.parametrize("odd", ["a'b", 'a"b', "a\\b", "a,b", "%s", "%(x)s", ":x", "`", "ü"])
def test_values_travel_between_collections_unharmed(market: Any, odd: str) -> None:
    market.sql("INSERT INTO orders (id, account_id, person_id) VALUES (%s, 1001, 10)", odd)
    market.sql("INSERT INTO order_items VALUES (%s, 7, 1001, NULL)", odd)
    items = find(Scope(EMAIL, "1001"), now=NOW).rows["market:order_items"]
    assert [row["order_id"] for row in items if row["item_no"] == 7] == [odd]


@pytest.mark.req("DSR-5", "DSR-10")
def test_an_erasure_does_what_its_plan_says(market: Any) -> None:
    before = market.rows("SELECT * FROM people WHERE account_id = 1002"), market.rows("SELECT * FROM products")
    plan = make_plan(datasets=("market",))
    counted = {
        (line["collection"].partition(":")[2], line["action"], line["ground"]): line["count"]
        for line in plan.lines
        if line["count"]
    }
    assert counted == {
        ("addresses", "keep", "market:people"): 1, ("addresses", "keep", "market:orders"): 1,
        ("attachments", "erase", None): 1, ("invoices", "keep", "tax"): 1,
        ("logins", "erase", None): 1, ("messages", "erase", None): 3, ("nodes", "erase", None): 3,
        ("order_items", "erase", None): 3, ("orders", "erase", None): 2, ("people", "erase", None): 1,
        ("profiles", "erase", None): 3,
    }  # fmt: skip
    kept = next(line for line in plan.lines if line["ground"] == "tax")
    assert kept["until"] == "2036-02-01"
    receipt = carry_out(plan, store="market")
    assert receipt.counts["market:messages"] == {"erased": 3, "anonymised": 0, "kept": 0, "newer": 0}
    assert market.rows("SELECT id FROM people WHERE account_id = 1001 ORDER BY 1") == [(11,), (12,), (13,)]
    assert market.rows("SELECT id, person_id FROM invoices WHERE id = 1") == [(1, None)]
    assert (
        market.rows("SELECT * FROM people WHERE account_id = 1002"),
        market.rows("SELECT * FROM products"),
    ) == before
    assert {one.ground for one in services.search_again(plan, store="market", now=NOW)} >= {"tax"}
    again = carry_out(plan, store="market")
    assert (again.replayed, again.counts, again.at) == (True, receipt.counts, receipt.at)


def test_what_a_duty_kept_is_erased_by_its_key_when_the_duty_ends(market: Any) -> None:
    plan = make_plan(datasets=("market",))
    carry_out(plan, store="market")
    rows = services.rows_kept(plan, collection="market:invoices", store="market")
    assert rows == (("market:invoices", (("1",),)),)

    def later_ones(store: str, collection: Any, now: Any) -> list[Keep]:
        key = sa.func.concat_ws("\x1f", *(sa.cast(collection.table.c[name], sa.Text) for name in collection.key_names))
        return [Keep(sa.not_(key.in_(["1"])), "not_approved", "open_request")]

    with guards.only(later=later_ones):
        assert carry_out(make_plan(rows=rows), key="2", store="market").counts["market:invoices"]["erased"] == 1
    assert market.rows("SELECT id FROM invoices ORDER BY 1") == [(2,), (3,)]


def test_rows_that_point_at_each_other_go_together(market: Any) -> None:
    market.sql("DELETE FROM nodes WHERE id = 5; ALTER TABLE nodes ADD FOREIGN KEY (next_id) REFERENCES nodes (id)")
    plan = make_plan(datasets=("market",))
    market_nodes = carry_out(plan, store="market").counts["market:nodes"]
    assert market_nodes["erased"] == 3
    assert market.rows("SELECT id FROM nodes ORDER BY 1") == [(4,)]


def test_rows_are_overwritten_where_they_stay(market: Any) -> None:
    plan = make_plan(datasets=("market",), strategy="null")
    carry_out(plan, store="market")
    [row] = market.rows("SELECT email, phone, full_name, account_id FROM people WHERE id = 10")
    assert row == (None, None, "[erased]", 1001)
    [(email, nickname, address)] = market.rows("SELECT email, nickname, last_ip FROM logins WHERE id = 1")
    assert email.startswith("erased-")
    assert (nickname, address) == ("[erased]", None)
    assert (
        carry_out(make_plan(datasets=("market",), strategy="null"), key="2", store="market").counts["market:people"][
            "anonymised"
        ]
        == 0
    )


def test_a_snapshot_sees_no_later_row_and_can_write_nothing(market: Any) -> None:
    with Snapshots() as snapshots:
        session = snapshots.of("market")
        before = session.rows(sa.text("SELECT count(*) FROM people"))
        market.sql("DELETE FROM nodes WHERE id = 5; DELETE FROM catalogue")
        assert session.rows(sa.text("SELECT count(*) FROM people")) == before
        assert session.rows(sa.text("SELECT count(*) FROM catalogue")) == [(1,)]
    with pytest.raises(StoreFailed), Snapshots() as snapshots:
        snapshots.of("market").run(sa.text("DELETE FROM islands"))


def test_a_row_that_changed_since_the_snapshot_is_not_written_over(market: Any) -> None:
    def overtaken() -> None:
        with writing("market") as session:
            assert session.rows(sa.text("SELECT count(*) FROM islands")) == [(1,)]
            market.sql("UPDATE islands SET secret = 'new'")
            session.run(sa.text("DELETE FROM islands WHERE id = 1"))

    with pytest.raises(StoreFailed) as failed:
        overtaken()
    assert failed.value.sqlstate == "40001"  # tried again by whoever erases
    assert market.rows("SELECT secret FROM islands") == [("new",)]


def test_what_fails_in_a_store_is_told_by_code_alone(market: Any) -> None:
    with pytest.raises(StoreFailed, match="market refused or broke off") as failed, writing("market") as session:
        session.run(sa.text("DELETE FROM people WHERE id = 10"))
    assert failed.value.sqlstate == "23503"
    assert "people" not in str(failed.value)


def test_instants_are_kept_in_utc(market: Any) -> None:
    from zoneinfo import ZoneInfo

    noon = datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("Europe/Amsterdam"))
    with writing("market") as session:
        session.run(sa.text("UPDATE people SET created_at = :at").bindparams(at=noon))
    assert market.rows("SELECT DISTINCT created_at FROM people") == [(datetime(2026, 7, 1, 10),)]
    assert noon.astimezone(UTC).hour == 10


def test_a_store_that_is_down_fails_and_says_which(market: Any, settings: Any) -> None:
    settings.STORES = {**settings.STORES, "market": "mysql://nobody@127.0.0.1:1/none"}
    dispose_engines()
    with pytest.raises(StoreFailed, match="market"):
        find(Scope(ANN, "1001"), now=NOW)
    assert engine("market").dialect.name == "mysql"


def test_guards_speak_the_stores_language(market: Any) -> None:
    def younger(store: str, collection: Any, now: Any) -> list[Keep]:
        if collection.name != "messages":
            return []
        return [Keep(collection.clock > datetime(2026, 7, 1, tzinfo=UTC), "young", "interest")]

    with keeping(younger=younger):
        lines = make_plan(datasets=("market",)).lines
    assert [(line["action"], line["count"]) for line in lines if line["collection"] == "market:messages"] == [
        ("erase", 1), ("keep", 2),
    ]  # fmt: skip
