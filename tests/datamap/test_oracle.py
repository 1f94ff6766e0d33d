"""On small random worlds the set-based search and erasure agree with a naive one that goes row by row."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.core.identities import parse_identity
from apps.datamap import effects, guards, planning, services
from apps.datamap.dataset_files import Document
from apps.datamap.declarations import declare
from apps.datamap.guards import Keep
from apps.datamap.mapping import DataMap
from apps.datamap.services import Scope
from tests.datamap import naive
from tests.datamap.conftest import NOW, Shop
from tests.datamap.naive import Foreign, Way, World

TABLES = ("a", "b", "c")
COLUMNS = {"a": ("up", "val"), "b": ("a_id", "val"), "c": ("a_id", "val")}
KEYS = (Foreign(("b", "a_id"), ("a", "id"), True), Foreign(("c", "a_id"), ("a", "id"), False))
MADE = """
CREATE SCHEMA graph AUTHORIZATION portal_app; SET ROLE portal_app;
CREATE TABLE graph.portal_effects (effect_key text PRIMARY KEY, counts jsonb NOT NULL, at timestamptz NOT NULL);
CREATE TABLE graph.a (id int PRIMARY KEY, account_id int NOT NULL, email text, up int, val text);
CREATE TABLE graph.b (id int PRIMARY KEY, account_id int NOT NULL, email text, a_id int REFERENCES graph.a, val text);
CREATE TABLE graph.c (id int PRIMARY KEY, account_id int NOT NULL, email text, a_id int NOT NULL REFERENCES graph.a,
                      val text);
RESET ROLE
"""
PLACES = [("b", "a_id", "a", "id"), ("c", "a_id", "a", "id"), ("a", "up", "a", "id"), ("a", "up", "c", "id"),
          ("c", "val", "b", "val"), ("b", "val", "a", "val"), ("a", "id", "b", "a_id")]  # fmt: skip

number = st.integers(1, 4)
ways = st.lists(
    st.builds(
        lambda ends, direction: Way((ends[0], ends[1]), (ends[2], ends[3]), direction),
        st.sampled_from(PLACES), st.sampled_from(["from", "to", None]),
    ), min_size=1, max_size=5, unique_by=lambda way: (way.on, way.to),
)  # fmt: skip


@st.composite
def worlds(draw: Any) -> World:
    email = st.sampled_from([None, "ann@example.org", "ann@example.org", "bob@example.org"])
    account, val = st.sampled_from([1, 1, 1, 2]), st.sampled_from([None, "1", "2", "x"])
    tall = draw(st.lists(st.tuples(account, email, st.none() | number, val), min_size=2, max_size=5))
    world: World = {
        "a": [{"id": n, "account_id": t[0], "email": t[1], "up": t[2], "val": t[3]} for n, t in enumerate(tall, 1)]
    }
    for table, pointer in (("b", st.none() | st.integers(1, len(tall))), ("c", st.integers(1, len(tall)))):
        rows = draw(st.lists(st.tuples(account, email, pointer, val), min_size=1, max_size=5))
        world[table] = [
            {"id": n, "account_id": t[0], "email": t[1], "a_id": t[2], "val": t[3]} for n, t in enumerate(rows, 1)
        ]
    return world


def datamap_of(ways: list[Way]) -> DataMap:
    def one(table: str, column: str) -> dict[str, Any]:
        meta: dict[str, Any] = (
            {"primary_key": True} if column == "id" else {"identity": "email"} if column == "email" else {}
        )
        references = [
            {"dataset": "graph", "field": ".".join(way.to)} | ({"direction": way.direction} if way.direction else {})
            for way in ways
            if way.on == (table, column)
        ]
        return {"name": column, "data_categories": ["user.contact"], "fides_meta": meta | {"references": references}}

    value = {
        "fides_key": "graph",
        "name": "Graph",
        "collections": [
            {"name": table, "fields": [one(table, column) for column in ("id", "email", *COLUMNS[table])]}
            for table in TABLES
        ],
        "meta": {"portal": {"schema": "graph", "collections": {table: {"tenant": "account_id"} for table in TABLES}}},
    }
    document = Document("graph", value)
    dataset = declare(document)
    assert dataset, document.problems
    return DataMap((dataset,))


@contextmanager
def mapped(datamap: DataMap) -> Iterator[None]:
    with ExitStack() as stack:
        for module in (services, planning, effects):
            stack.enter_context(mock.patch.object(module, "current_map", return_value=datamap))
        yield


def fill(shop: Shop, world: World) -> None:
    shop.sql("TRUNCATE graph.a, graph.b, graph.c")
    for table in TABLES:
        for row in world[table]:
            shop.sql(
                f"INSERT INTO graph.{table} ({', '.join(row)}) VALUES ({', '.join(['%s'] * len(row))})", *row.values()
            )


def read(shop: Shop) -> World:
    world: World = {}
    for table in TABLES:
        names = ("id", "account_id", "email", *COLUMNS[table])
        rows = shop.rows(f"SELECT {', '.join(names)} FROM graph.{table} ORDER BY id")
        world[table] = [dict(zip(names, row, strict=True)) for row in rows]
    return world


def every_second(store: str, collection: Any, now: Any) -> list[Keep]:
    return [Keep(collection.table.c.id % 2 == sa.literal(0), "even", "interest")]


@pytest.mark.threat("T20")
def test_sets_and_rows_agree(shop: Shop) -> None:
    shop.sql(MADE)

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(worlds(), ways, st.sampled_from([None, 1]), st.booleans())
    def agree(world: World, ways: list[Way], account: int | None, guarded: bool) -> None:
        fill(shop, world)
        known = naive.found(world, ways, "ann@example.org", account)
        kept = {one for one in known if guarded and one[1] % 2 == 0}
        going = naive.goes(world, ways, KEYS, known, kept)
        scope = Scope((parse_identity("email", "ann@example.org"),), None if account is None else str(account))
        guard = every_second if guarded else lambda *about: []
        with mapped(datamap_of(ways)), guards.only(even=guard):
            rows = services.find(scope, now=NOW).rows
            assert {(key[6:], row["id"]) for key, found in rows.items() for row in found} == known
            plan = services.plan_erasure(scope, actor="command", now=NOW)
            assert sum(line["count"] for line in plan.lines if line["action"] == "keep") == len(known - going)
            receipt = services.execute(plan, store="platform", effect_key=str(plan.pk), actor="command", now=NOW)
            assert sum(one["erased"] for one in receipt.counts.values()) == len(going)
            assert read(shop) == naive.afterwards(world, KEYS, going)
            assert all(one.ground for one in services.search_again(plan, store="platform", now=NOW))

    agree()
