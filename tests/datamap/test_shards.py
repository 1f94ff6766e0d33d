"""A store in three databases: everything is found, planned and erased in each; one that is down stops no other."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from django.core.management import CommandError, call_command

from apps.datamap import guards, services
from apps.datamap.contract import StoreFailed
from apps.datamap.guards import Keep
from apps.datamap.loading import check_everything, load_files
from apps.datamap.models import DatasetVersion, Store
from apps.datamap.registry import current_map
from apps.datamap.services import NotEntered, Scope, find
from apps.datamap.shards import names_of, place_of
from apps.datamap.stores import dispose_engines, engine, names, url_of
from apps.ledger.models import Entry
from tests import conftest as databases
from tests.datamap.conftest import HERE, NOW, Shop
from tests.datamap.people import ANN, carry_out, keeping, make_plan
from tests.stoppable import StoppableDatabase
from tests.template import connect, with_database

SHARDS = ["platform#1", "platform#2", "platform#3"]
ABOUT = ("--identity", "email=ann@example.org", "--identity", "phone_number=+31612345678", "--account", "1001")


class Shard(StoppableDatabase):
    """One of the three databases, each with the same shop and the same primary keys in it."""

    def run(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        owner = connect(self.clone.owner_url)
        try:
            cursor = owner.cursor()
            cursor.execute(statement, values or None)
            return list(cursor.fetchall()) if cursor.description else []
        finally:
            owner.close()

    def people(self) -> list[Any]:
        return [row[0] for row in self.run("SELECT id FROM shop.people WHERE account_id = 1001 ORDER BY 1")]


@pytest.fixture
def shards(shop: Shop, settings: Any) -> Iterator[list[Shard]]:
    clones = [databases._clone(f"{shop.clone.name}_{number}") for number in (1, 2, 3)]
    made = [Shard(name, clone) for name, clone in zip(SHARDS, clones, strict=True)]
    for number, one in enumerate(made, start=1):
        one.run("UPDATE shop.people SET referred_by = NULL")
        one.run("UPDATE shop.people SET full_name = %s WHERE id = 10", f"Ann {number}")
    settings.STORES = {"platform": " ".join(clone.app_url for clone in clones)}
    dispose_engines()
    with keeping():
        yield made
    dispose_engines()
    for clone in clones:
        databases._drop(clone)


def test_each_shard_is_a_store_of_its_own_and_ten_comes_after_nine(shards: list[Shard]) -> None:
    assert names() == [*SHARDS, "portal"]
    assert [url_of(name) for name in SHARDS] == [one.clone.app_url for one in shards]
    assert {one.store for one in current_map().collections.values()} == {*SHARDS, "portal"}
    assert current_map().collections["shop:people#2"].base_key == "shop:people"
    called = services.collection_names("en")
    assert (called["shop:people"], called["shop:people#2"]) == ("people", "people (platform#2)")
    assert names_of("platform", 1) == ["platform"]
    assert sorted(names_of("s", 11), key=place_of)[8:] == ["s#9", "s#10", "s#11"]


def test_the_version_of_the_map_changes_with_the_number_of_shards(shards: list[Shard], settings: Any) -> None:
    versions = {current_map().version}
    urls = [one.clone.app_url for one in shards]
    for addresses in (urls[:2], urls[:1]):
        settings.STORES = {"platform": " ".join(addresses)}
        versions.add(current_map().version)
    assert len(versions) == 3
    assert "shop:people" in current_map().collections


def test_references_stay_inside_a_shard_and_reach_every_shard_from_elsewhere(shop: Shop, shards: list[Shard]) -> None:
    shop.sql("CREATE SCHEMA crm; CREATE TABLE crm.crm_leads (id bigint PRIMARY KEY, account_id bigint, person bigint)")
    load_files([shop.file(CRM)], stores={"crm": shop.clone.owner_url}, actor="command", now=NOW)
    edges = {(edge.source, edge.target) for edge in current_map().edges}
    assert ("shop:people#2", "shop:orders#2") in edges
    assert not any(a.startswith("shop:") and b.startswith("shop:") and a[-2:] != b[-2:] for a, b in edges)
    assert {b for a, b in edges if a == "crm:crm_leads"} == {f"shop:people#{number}" for number in (1, 2, 3)}


CRM = """
dataset:
  - fides_key: crm
    name: Leads
    meta: {portal: {store: crm, schema: crm, capacity: processor, collections: {crm_leads: {tenant: account_id}}}}
    collections:
      - name: crm_leads
        fields:
          - {name: id, data_categories: [user.unique_id], fides_meta: {primary_key: true}}
          - name: person
            data_categories: [user.unique_id]
            fides_meta: {references: [{dataset: shop, field: people.id}]}
"""


@pytest.mark.req("DSR-1")
def test_a_person_is_found_in_every_shard_under_one_name_in_a_fixed_order(shards: list[Shard]) -> None:
    shards[1].run("DELETE FROM shop.messages")
    findings = find(Scope(ANN, "1001", datasets=("shop",)), now=NOW)
    people = findings.rows["shop:people"]
    assert [(row["id"], row["full_name"]) for row in people] == [(10, "Ann 1"), (10, "Ann 2"), (10, "Ann 3")]
    assert [row["id"] for row in findings.rows["shop:messages"]] == [1, 2, 3, 1, 2, 3]
    assert {key for key in findings.rows if "#" in key} == set()
    info = findings.collections["shop:people"]
    assert (info.key, info.store, info.capacity) == ("shop:people", "platform", "processor")
    assert findings.not_entered.count(NotEntered("shop:islands", "unreachable")) == 1


def test_shards_are_asked_side_by_side(shards: list[Shard]) -> None:
    together = threading.Barrier(len(shards))

    def meet(*about: Any) -> None:
        if "FROM shop.people " in about[2]:
            together.wait(timeout=10)  # broken, and the search with it, unless all three are here at once

    for name in SHARDS:
        sa.event.listen(engine(name), "before_cursor_execute", meet)
    assert len(find(Scope(ANN, "1001", datasets=("shop",)), now=NOW).rows["shop:people"]) == 3


def test_with_one_shard_down_a_search_fails_and_never_says_nothing_found(shards: list[Shard]) -> None:
    shards[2].stop()
    with pytest.raises(StoreFailed, match="platform#3 refused or broke off"):
        find(Scope(ANN, "1001"), now=NOW)
    with pytest.raises(StoreFailed, match="platform#3"):
        make_plan()
    shards[2].start()
    assert len(find(Scope(ANN, "1001"), now=NOW).rows["shop:people"]) == 3


@pytest.mark.req("DSR-5")
def test_a_plan_has_a_line_for_each_shard_and_its_counts_add_up(shards: list[Shard]) -> None:
    shards[0].run("DELETE FROM shop.attachments; DELETE FROM shop.messages WHERE id = 1")
    plan = make_plan(datasets=("shop",))
    assert plan.stores == SHARDS
    assert set(plan.ranks.values()) == {0}
    messages = {line["store"]: line["count"] for line in plan.lines if line["collection"] == "shop:messages"}
    assert messages == {"platform#1": 2, "platform#2": 3, "platform#3": 3}
    assert not any("#" in f"{line['collection']}{line['ground']}" for line in plan.lines)
    kept = [(line["store"], line["count"], line["ground"]) for line in plan.lines if line["kind"] == "duty"]
    assert kept == [(name, 1, "tax") for name in SHARDS]
    digests = {line["keys_digest"] for line in plan.lines if line["collection"] == "shop:people" and line["count"]}
    assert len(digests) == 3  # the same key in two shards is two rows


@pytest.mark.req("DSR-10")
def test_each_shard_is_erased_by_itself_and_the_rows_of_others_stay(shards: list[Shard]) -> None:
    plan = make_plan(datasets=("shop",))
    before = [one.run("SELECT p::text FROM shop.people p WHERE account_id = 1002") for one in shards]
    receipt = carry_out(plan, store="platform#2")
    assert receipt.counts["shop:people"] == {"erased": 1, "anonymised": 0, "kept": 0, "newer": 0}
    assert [one.people() for one in shards] == [[10, 11, 12], [11, 12], [10, 11, 12]]
    assert shards[1].run("SELECT count(*) FROM shop.portal_effects") == [(1,)]
    for number in (1, 3):
        carry_out(plan, key=f"k{number}", store=f"platform#{number}")
    assert [one.people() for one in shards] == [[11, 12]] * 3
    assert [one.run("SELECT p::text FROM shop.people p WHERE account_id = 1002") for one in shards] == before
    for name in SHARDS:
        remaining = services.search_again(plan, store=name, now=NOW)
        assert {one.collection for one in remaining if one.kind == "duty"} == {"shop:invoices"}
        assert all(one.ground for one in remaining)


@pytest.mark.threat("T45")
def test_a_shard_that_is_down_stops_none_of_the_others_and_is_erased_later(shards: list[Shard]) -> None:
    plan = make_plan(datasets=("shop",))
    shards[1].stop()
    for name in ("platform#1", "platform#3"):
        assert carry_out(plan, key=name, store=name).counts["shop:messages"]["erased"] == 3
        assert all(one.ground for one in services.search_again(plan, store=name, now=NOW))
    with pytest.raises(StoreFailed, match="platform#2"):
        carry_out(plan, key="platform#2", store="platform#2")
    shards[1].start()
    assert carry_out(plan, key="platform#2", store="platform#2").counts["shop:messages"]["erased"] == 3
    assert [one.people() for one in shards] == [[11, 12]] * 3


def test_a_row_kept_in_one_shard_is_not_taken_for_its_namesake_in_another(shards: list[Shard]) -> None:
    """Invoice 1 is kept in every shard; what is freed in shard 2 erases invoice 1 there, and nowhere else."""
    plan = make_plan(datasets=("shop",))
    for name in SHARDS:
        carry_out(plan, key=name, store=name)
    rows = services.rows_kept(plan, collection="shop:invoices", store="platform#2")
    assert rows == (("shop:invoices#2", (("1",),)),)
    with guards.only(nothing=lambda *about: []):
        later = make_plan(rows=rows, datasets=("shop",))
        counted = {line["store"]: line["count"] for line in later.lines if line["collection"] == "shop:invoices"}
        assert counted == {"platform#1": 0, "platform#2": 1, "platform#3": 0}
        carry_out(later, key="later", store="platform#2")
    assert [one.run("SELECT count(*) FROM shop.invoices WHERE id = 1") for one in shards] == [[(1,)], [(0,)], [(1,)]]


def test_what_waited_in_a_store_that_lies_elsewhere_now_is_not_read_as_gone(shards: list[Shard]) -> None:
    with pytest.raises(services.StoreUnavailable, match="lies in other databases") as refused:
        services.plan_erasure(Scope(ANN, "1001"), actor="system", now=NOW, store="platform")
    assert refused.value.code == "store_split"
    alone = services.plan_erasure(Scope(ANN, "1001", datasets=("shop",)), actor="system", now=NOW, store="platform#2")
    assert alone.stores == ["platform#2"]


def test_guards_are_asked_about_each_shard_by_its_own_name(shards: list[Shard]) -> None:
    def second_shard(store: str, collection: Any, now: Any) -> list[Keep]:
        held = store == "platform#2" and collection.base_key == "shop:people"
        return [Keep(collection.table.c.id > 0, "hold-1", "hold")] if held else []

    with guards.only(hold=second_shard):
        lines = [line for line in make_plan(datasets=("shop",)).lines if line["collection"] == "shop:people"]
    assert [(line["store"], line["action"], line["count"]) for line in lines if line["count"]] == [
        ("platform#1", "erase", 1), ("platform#2", "keep", 1), ("platform#3", "erase", 1),
    ]  # fmt: skip


@pytest.mark.req("DSR-6")
def test_the_command_does_what_it_can_says_what_is_left_and_finishes_later(shards: list[Shard], capsys: Any) -> None:
    call_command("datamap", "plan-erasure", *ABOUT, "--dataset", "shop", "--json")
    plan = json.loads(capsys.readouterr().out)
    shards[0].stop()
    with pytest.raises(CommandError, match=r"Not finished, run it again.*platform#1"):
        call_command("datamap", "erase", "--plan", plan["plan"], "--json")
    assert set(json.loads(capsys.readouterr().out)["stores"]) == {"platform#2", "platform#3"}
    shards[0].start()
    call_command("datamap", "erase", "--plan", plan["plan"], "--json")
    done = json.loads(capsys.readouterr().out)["stores"]
    assert {name: (one["replayed"], one["confirmed_absent"]) for name, one in done.items()} == {
        "platform#1": (False, True), "platform#2": (True, True), "platform#3": (True, True),
    }  # fmt: skip
    told = Entry.objects.filter(verb="erasure.executed")
    assert sorted(entry.facts["store"] for entry in told) == SHARDS


def test_a_check_looks_at_every_shard_and_says_which_one_differs(shards: list[Shard]) -> None:
    assert not check_everything().problems
    shards[1].run("ALTER TABLE shop.logins RENAME nickname TO handle; DROP TABLE shop.portal_effects")
    shards[2].run("ALTER TABLE shop.people ALTER phone TYPE varchar(20); DROP INDEX shop.people_email_idx")
    report = check_everything()
    assert [one.message for one in report.problems if one.where.startswith("logins")] == [
        "shop.logins has no column “nickname” in platform#2"
    ]
    advice = [str(one) for one in report.advice]
    assert any(one.startswith("platform#2: has no table portal_effects") for one in advice)
    assert "shop:people: phone is TEXT in platform#1 and VARCHAR(20) in platform#3" in advice
    missing = [one for one in advice if one.startswith("shop:people#") and "column email" in one]
    assert [one.partition(":")[2][:8] for one in missing] == ["people#3"]
    shards[0].stop()
    assert any("platform#1 refused or broke off" in one.message for one in check_everything().problems)


def test_a_store_is_loaded_with_an_address_for_each_shard(shop: Shop, shards: list[Shard]) -> None:
    text = (HERE / "shop.yml").read_text().replace("store: platform", "")
    text = text.replace("fides_key: shop", "fides_key: branch").replace("dataset: shop", "dataset: branch")
    for one in shards:
        one.run("DROP TABLE shop.portal_effects")
    DatasetVersion.objects.filter(fides_key="shop").update(is_current=False)
    named = [word for one in shards[:2] for word in ("--store", f"branches={one.clone.app_url}")]
    call_command("datamap", "load", shop.file(text), *named)
    assert Store.objects.get(pk="branches").shards == 2
    assert names() == ["branches#1", "branches#2", *SHARDS, "portal"]
    assert engine("branches#2").url.drivername == "postgresql+psycopg2"
    receipts = [one.run("SELECT to_regclass('shop.portal_effects') IS NOT NULL")[0][0] for one in shards]
    assert receipts == [True, True, False]
    assert len(find(Scope(ANN, "1001", datasets=("branch",)), now=NOW).rows["branch:people"]) == 2


def test_an_address_names_a_shard_that_exists(shards: list[Shard]) -> None:
    assert with_database(url_of("platform#3"), "x").endswith("/x")
    for wrong in ("platform", "platform#4", "platform#0", "nowhere#1"):
        with pytest.raises(services.StoreUnavailable):
            url_of(wrong)
