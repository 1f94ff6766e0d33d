"""An erasure does what its plan says: these rows go, those stay and why, and nobody else's row changes."""

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.datamap import guards, services
from apps.datamap.contract import StoreUnavailable
from apps.datamap.guards import NoGuards
from apps.datamap.models import ErasurePlan, PlannedKeys
from apps.ledger.models import Entry
from tests.datamap.conftest import HERE, NOW, Shop
from tests.datamap.people import carry_out, keeping, make_plan, told


@pytest.fixture(autouse=True)
def _guarded() -> Iterator[None]:
    with keeping():
        yield


@pytest.fixture
def shop(shop: Shop) -> Shop:
    shop.sql("UPDATE shop.people SET referred_by = NULL")
    return shop


@pytest.mark.req("DSR-1", "DSR-5")
def test_a_plan_says_what_goes_what_stays_and_why(shop: Shop) -> None:
    plan = make_plan()
    assert told(plan) == {
        "addresses": [("keep", 1, "shared", "shop:orders"), ("keep", 1, "shared", "shop:people")],
        "attachments": [("erase", 1, None, None)],
        "invoices": [("keep", 1, "duty", "tax")],
        "logins": [("erase", 1, None, None)],
        "messages": [("erase", 3, None, None)],
        "nodes": [("erase", 3, None, None)],
        "order_items": [("erase", 3, None, None)],
        "orders": [("erase", 2, None, None)],
        "people": [("erase", 1, None, None)],
        "profiles": [("erase", 3, None, None)],
    }
    kept = next(line for line in plan.lines if line["kind"] == "duty")
    assert (kept["until"], kept["until_latest"]) == (str(date(2036, 2, 1)),) * 2
    assert all(len(line["named"]) == line["count"] for line in plan.lines if line["kind"] == "shared")


def test_a_plan_holds_nobody_in_the_clear(shop: Shop) -> None:
    plan = make_plan()
    texts = [str(row) for row in shop.rows("SELECT p::text FROM datamap_erasureplan p")]
    texts += [str(row) for row in shop.rows("SELECT e::text FROM ledger_entry e")]
    assert not any(word in text for text in texts for word in ("ann@example.org", "31612345678", "Ann"))
    assert PlannedKeys.objects.filter(plan=plan).count() == len(plan.lines)


@pytest.mark.req("DSR-10")
@pytest.mark.threat("T20")
def test_the_other_tenants_rows_are_byte_identical_after_an_erasure(shop: Shop) -> None:
    before, products = shop.dump(1002), shop.rows("SELECT p::text FROM shop.products p")
    plan = make_plan()
    receipt = carry_out(plan)
    assert receipt.counts["shop:messages"] == {"erased": 3, "anonymised": 0, "kept": 0, "newer": 0}
    assert shop.dump(1002) == before
    assert shop.rows("SELECT p::text FROM shop.products p") == products
    assert shop.rows("SELECT id FROM shop.people WHERE account_id = 1001 ORDER BY 1") == [(11,), (12,)]
    assert shop.rows("SELECT id, person_id FROM shop.invoices WHERE id = 1") == [
        (1, None)
    ]  # kept, its reference emptied
    assert shop.rows("SELECT id FROM shop.addresses WHERE account_id = 1001 ORDER BY 1") == [(1,), (2,)]
    assert shop.rows("SELECT id FROM shop.messages WHERE account_id = 1001") == [(4,)]
    remaining = services.search_again(plan, store="platform", now=NOW)
    assert {(one.collection, one.ground, one.kind) for one in remaining} == {
        ("shop:addresses", "shop:people", "shared"),
        ("shop:invoices", "tax", "duty"),  # found again although nothing points from the person to it any more
    } | {(one.collection, one.ground, one.kind) for one in remaining if one.collection == "shop:addresses"}


@pytest.mark.req("DSR-5")
def test_what_a_duty_kept_is_erased_when_the_duty_ends_although_nothing_leads_to_it(shop: Shop) -> None:
    plan = make_plan()
    carry_out(plan)
    rows = services.rows_kept(plan, collection="shop:invoices")
    assert rows == (("shop:invoices", (("1",),)),)
    with guards.only(nothing=lambda *about: []):
        assert carry_out(make_plan(), key="later").counts["shop:invoices"]["erased"] == 0
        assert carry_out(make_plan(rows=rows), key="by row").counts["shop:invoices"]["erased"] == 1
        foreign = make_plan(rows=(("shop:invoices", (("3",),)),))
        assert carry_out(foreign, key="foreign").counts["shop:invoices"]["erased"] == 0  # another tenant's


@pytest.mark.req("DSR-5")
def test_a_row_that_another_persons_row_references_is_kept_and_named(shop: Shop) -> None:
    shop.sql("UPDATE shop.people SET referred_by = 10 WHERE id = 11")
    plan = make_plan()
    (line,) = [line for line in plan.lines if line["collection"] == "shop:people" and line["count"]]
    assert (line["action"], line["kind"], line["ground"], len(line["named"])) == ("keep", "shared", "shop:people", 1)
    carry_out(plan)
    assert shop.rows("SELECT full_name FROM shop.people WHERE id = 10") == [("Ann",)]
    assert shop.rows("SELECT referred_by FROM shop.people WHERE id = 11") == [(10,)]


def test_a_reference_by_value_from_another_tenant_does_not_make_a_row_shared(shop: Shop) -> None:
    assert shop.rows("SELECT next_id FROM shop.nodes WHERE account_id = 1002") == [(1,)]
    assert told(make_plan())["nodes"] == [("erase", 3, None, None)]


def test_what_a_kept_row_must_go_on_pointing_at_stays_too(shop: Shop) -> None:
    shop.sql("ALTER TABLE shop.invoices ALTER person_id SET NOT NULL")
    plan = make_plan()
    assert told(plan)["people"] == [("keep", 1, "referenced", "shop:invoices")]
    carry_out(plan)
    assert shop.rows("SELECT person_id FROM shop.invoices WHERE id = 1") == [(10,)]


@pytest.mark.parametrize("action", ["NO ACTION", "RESTRICT", "CASCADE"])
def test_a_table_that_is_not_on_the_map_keeps_what_it_references(shop: Shop, action: str) -> None:
    shop.sql(f"CREATE TABLE shop.unmapped (id int, person_id bigint REFERENCES shop.people ON DELETE {action})")
    shop.sql("INSERT INTO shop.unmapped VALUES (1, 10)")
    plan = make_plan()
    assert told(plan)["people"] == [("keep", 1, "referenced", "shop.unmapped")]
    carry_out(plan)
    assert shop.rows("SELECT count(*) FROM shop.unmapped") == [(1,)]


def test_where_the_database_empties_the_reference_itself_the_row_goes(shop: Shop) -> None:
    shop.sql("CREATE TABLE shop.unmapped (id int, person_id bigint REFERENCES shop.people ON DELETE SET NULL)")
    shop.sql("INSERT INTO shop.unmapped VALUES (1, 10)")
    carry_out(make_plan())
    assert shop.rows("SELECT id, person_id FROM shop.unmapped") == [(1, None)]


def test_a_cycle_of_foreign_keys_goes_in_one_statement(shop: Shop) -> None:
    shop.sql("ALTER TABLE shop.addresses ADD favourite text REFERENCES shop.orders")
    shop.sql("UPDATE shop.orders SET ship_to = NULL; UPDATE shop.people SET address_id = 1 WHERE id = 10")
    shop.sql("UPDATE shop.people SET address_id = NULL WHERE id <> 10; DELETE FROM shop.addresses WHERE id = 3")
    shop.sql(
        "UPDATE shop.orders SET ship_to = 1 WHERE id = 'a1'; UPDATE shop.addresses SET favourite = 'a1' WHERE id = 1"
    )
    counts = carry_out(make_plan()).counts
    assert (counts["shop:addresses"]["erased"], counts["shop:orders"]["erased"]) == (1, 2)


def test_read_only_tables_and_views_are_kept_and_said(shop: Shop) -> None:
    shop.sql("REVOKE DELETE ON shop.logins FROM portal_app; ALTER TABLE shop.logins OWNER TO portal")
    shop.sql("GRANT SELECT ON shop.logins TO portal_app; ALTER TABLE shop.profiles OWNER TO portal_app")
    text = (HERE / "shop.yml").read_text()
    shop.load(text.replace("profiles: {tenant: account_id}", "profiles: {tenant: account_id, read_only: true}"))
    plan = make_plan()
    assert told(plan)["logins"] == [("keep", 1, "read_only", "read_only")]
    assert told(plan)["profiles"] == [("keep", 3, "read_only", "read_only")]
    carry_out(plan)
    assert shop.rows("SELECT count(*) FROM shop.logins") == [(2,)]


def test_nothing_is_erased_where_nobody_can_say_what_must_stay(shop: Shop) -> None:
    plan = make_plan()
    with guards.only(), pytest.raises(NoGuards):
        make_plan()
    with guards.only(), pytest.raises(NoGuards):
        carry_out(plan)
    assert shop.rows("SELECT count(*) FROM shop.messages WHERE account_id = 1001") == [(4,)]


def test_a_store_without_a_place_for_receipts_is_refused_in_the_plan(shop: Shop) -> None:
    shop.sql("DROP TABLE shop.portal_effects")
    with pytest.raises(StoreUnavailable, match=r"CREATE TABLE IF NOT EXISTS shop\.portal_effects"):
        make_plan()


@pytest.mark.threat("T45")
def test_erasing_the_erased_is_nothing_and_a_retry_copies_the_receipt(shop: Shop) -> None:
    plan = make_plan()
    first = carry_out(plan)
    before = shop.dump(1001)
    again = carry_out(plan)
    assert again.replayed
    assert (again.counts, again.at) == (first.counts, first.at)
    second = carry_out(make_plan(), key="another")
    assert sum(one["erased"] + one["anonymised"] for one in second.counts.values()) == 0
    assert shop.dump(1001) == before


def test_a_plan_for_one_capacity_leaves_the_other_alone(shop: Shop) -> None:
    plan = make_plan(capacities=("controller",), datasets=("shop",))
    assert {line["collection"] for line in plan.lines} == {"shop:invoices"}
    assert plan.stores == ["platform"]


@pytest.mark.req("DSR-6")
def test_the_commands_plan_and_erase_and_leave_evidence(shop: Shop, capsys: Any) -> None:
    about = ("--identity", "email=ann@example.org", "--identity", "phone_number=+31612345678", "--account", "1001")
    call_command("datamap", "plan-erasure", *about, "--dataset", "shop", "--json")
    plan = json.loads(capsys.readouterr().out)
    assert plan["stores"] == ["platform"]
    call_command("datamap", "erase", "--plan", plan["plan"], "--json")
    done = json.loads(capsys.readouterr().out)["stores"]["platform"]
    assert done["counts"]["shop:messages"]["erased"] == 3
    assert done["confirmed_absent"]
    assert not done["replayed"]
    call_command("datamap", "erase", "--plan", plan["plan"], "--json")
    assert json.loads(capsys.readouterr().out)["stores"]["platform"]["replayed"]
    assert Entry.objects.filter(verb="erasure.executed").count() == 1
    with pytest.raises(CommandError, match="No plan has this hash"):
        call_command("datamap", "erase", "--plan", "f" * 64)


def test_an_expired_plan_forgets_whom_it_was_about(shop: Shop) -> None:
    plan = make_plan()
    assert services.forget_expired_plans(now=NOW) == 0
    assert services.forget_expired_plans(now=plan.expires_at) == 1
    kept = ErasurePlan.objects.get(pk=plan.pk)
    assert (bytes(kept.identities), bytes(kept.seeds), kept.lines) == (b"", b"", plan.lines)
    with pytest.raises(services.PlanStale):
        carry_out(kept)
