"""What a search finds: every row of the person, of that tenant, and nothing else."""

import json
from typing import Any

import pytest
import sqlalchemy as sa
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core import crypto
from apps.core.errors import InvalidInput
from apps.core.identities import IdentityType, parse_identity
from apps.datamap import stores
from apps.datamap.services import NotEntered, Scope, find
from tests.datamap.conftest import HERE, NOW, Shop

EMAIL = parse_identity("email", "ann@example.org")
PHONE = parse_identity("phone_number", "+31612345678")
ANN = (EMAIL, PHONE)


def ids(rows: list[dict[str, Any]]) -> list[Any]:
    return [row["id"] for row in rows]


@pytest.mark.req("DSR-1")
def test_a_person_is_found_in_every_collection_of_one_account(shop: Shop) -> None:
    findings = find(Scope(ANN, "1001"), now=NOW)
    found = findings.rows
    assert ids(found["shop:people"]) == [10]
    assert ids(found["shop:orders"]) == ["a1", "a2"]
    assert [(row["order_id"], row["item_no"]) for row in found["shop:order_items"]] == [("a1", 1), ("a1", 2), ("a2", 1)]
    assert ids(found["shop:addresses"]) == [1, 2]
    assert ids(found["shop:messages"]) == [1, 2, 3]  # as sender and as recipient, in three partitions
    assert ids(found["shop:attachments"]) == [1]
    assert [one[-1] for one in ids(found["shop:profiles"])] == ["1", "2", "3"]
    assert ids(found["shop:nodes"]) == [1, 2, 3]  # a cycle, ended
    assert ids(found["shop:invoices"]) == [1]
    assert found["shop:people"][0] == {
        "id": 10, "email": "ann@example.org", "phone": "+31612345678", "full_name": "Ann", "balance": 12.5,
        "created_at": "2026-01-01T00:00:00+00:00", "address_id": 1, "referred_by": None,
    }  # fmt: skip
    assert findings.collections["shop:invoices"].capacity == "controller"
    assert findings.collections["shop:messages"].region is findings.collections["shop:messages"].table.c.region
    json.dumps(found)


def test_collections_without_rows_are_empty_and_those_not_searched_are_named(shop: Shop) -> None:
    shop.sql("DELETE FROM shop.attachments")
    assert find(Scope(ANN, "1001"), now=NOW).rows["shop:attachments"] == []
    assert find(Scope((EMAIL,), "1001", datasets=("shop",)), now=NOW).not_entered == [
        NotEntered("shop:attachments", "no_identity"),  # only a phone number leads to messages
        NotEntered("shop:catalogue", "no_tenant"),
        NotEntered("shop:islands", "unreachable"),
        NotEntered("shop:messages", "no_identity"),
        NotEntered("shop:products", "no_tenant"),
    ]


@pytest.mark.threat("T20")
def test_the_tenant_stands_in_the_query_of_every_hop(shop: Shop) -> None:
    shop.sql("UPDATE shop.orders SET person_id = 10 WHERE id = 'g1'")  # a row of Globex that points at a row of Acme
    assert ids(find(Scope(ANN, "1001"), now=NOW).rows["shop:orders"]) == ["a1", "a2"]
    assert ids(find(Scope(ANN, "1002"), now=NOW).rows["shop:people"]) == [20]
    assert ids(find(Scope(ANN, None), now=NOW).rows["shop:people"]) == [10, 20]
    assert find(Scope(ANN, "not a number"), now=NOW).rows["shop:people"] == []


def test_own_data_is_found_where_there_is_no_tenant_and_where_it_is_not_known(shop: Shop) -> None:
    shop.sql("ALTER TABLE shop.invoices ALTER account_id DROP NOT NULL")
    shop.sql("INSERT INTO shop.invoices VALUES (9, NULL, 10, 'Ann as prospect', '2026-01-01')")
    own, end_user = Scope(ANN, "1001", own=True), Scope(ANN, "1001")
    assert ids(find(own, now=NOW).rows["shop:catalogue"]) == [1]
    assert "shop:catalogue" not in find(end_user, now=NOW).rows
    assert ids(find(own, now=NOW).rows["shop:invoices"]) == [1, 9]  # the provider's own book
    assert ids(find(end_user, now=NOW).rows["shop:invoices"]) == [1]


def test_identities_are_or_ed_and_cast_to_the_columns_type(shop: Shop) -> None:
    assert ids(find(Scope((PHONE,), "1001"), now=NOW).rows["shop:people"]) == [10]
    shop.sql("ALTER TABLE shop.people ALTER phone TYPE bigint USING 31612345678")
    assert ids(find(Scope((PHONE,), "1001"), now=NOW).rows["shop:people"]) == [10, 11, 12]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("user.contact.address", {"shop:addresses": {"street", "city"}}),
        ("user.name", {"shop:people": {"full_name"}, "shop:invoices": {"holder"}}),
        ("user.device.ip", {}),
    ],
)
def test_a_category_limits_the_answer_to_its_fields(shop: Shop, wanted: str, expected: dict[str, set[str]]) -> None:
    if wanted == "user.device.ip":
        with pytest.raises(InvalidInput, match=r"did you mean user\.device\.ip_address"):
            find(Scope(ANN, "1001", categories=(wanted,)), now=NOW)
        return
    found = find(Scope(ANN, "1001", categories=(wanted,)), now=NOW).rows
    assert {key: set(rows[0]) for key, rows in found.items()} == expected


def test_of_an_array_only_what_matched_is_answered_unless_all_of_it_is_asked_for(shop: Shop) -> None:
    rows = {row["id"][-1]: row for row in find(Scope(ANN, "1001"), now=NOW).rows["shop:profiles"]}
    assert rows["1"]["data"]["contact"] == {"email": "a@x.org", "phones": ["+31612345678"]}
    assert rows["2"]["data"] == {"cards": [{"mail": "ann@example.org", "no": 1}]}
    assert rows["3"]["mails"] == ["zoe@x.org", "ann@example.org"]  # return_all_elements


def test_inside_a_document_only_fields_of_the_category_are_answered(shop: Shop) -> None:
    found = find(Scope(ANN, "1001", categories=("user.financial.credit_card",)), now=NOW).rows
    assert [row["data"] for row in found["shop:profiles"]] == [{}, {"cards": [{"no": 1}]}, {}]


def test_limits_of_dataset_and_capacity_let_the_search_pass_through_others(shop: Shop) -> None:
    found = find(Scope(ANN, "1001", capacities=("controller",), datasets=("shop",)), now=NOW).rows
    assert {key: ids(rows) for key, rows in found.items()} == {"shop:invoices": [1]}  # by way of people, a processor's


def test_skipped_collections_are_not_searched(shop: Shop) -> None:
    text = (HERE / "shop.yml").read_text()
    shop.load(text.replace("- name: orders\n", "- name: orders\n        fides_meta: {skip_processing: true}\n"))
    findings = find(Scope(ANN, "1001"), now=NOW)
    assert NotEntered("shop:orders", "skipped") in findings.not_entered
    assert "shop:order_items" not in findings.rows


@pytest.mark.threat("T9")
def test_a_look_alike_never_matches(shop: Shop) -> None:
    for other in ("ann+x@example.org", "a.nn@example.org", "аnn@example.org", "ann@example.org.evil.org"):
        assert find(Scope((parse_identity("email", other),), "1001"), now=NOW).rows["shop:people"] == []


def test_each_collection_is_asked_once_although_seventeen_references_are_followed(shop: Shop) -> None:
    asked: list[str] = []
    engine = stores.engine("platform")
    sa.event.listen(engine, "before_cursor_execute", lambda c, cur, statement, *rest: asked.append(statement))
    find(Scope(ANN, "1001", datasets=("shop",)), now=NOW)
    tables = [
        one
        for name in ("people", "orders", "messages", "addresses", "profiles")
        for one in asked
        if f"FROM shop.{name} " in one
    ]
    assert len(tables) == 5
    assert len(asked) <= 16


def test_the_portal_reads_its_own_tables_in_one_snapshot_that_can_write_nothing(shop: Shop) -> None:
    with CaptureQueriesContext(connection) as queries:
        find(Scope(ANN, "1001", own=True), now=NOW)
    said = [one["sql"] for one in queries.captured_queries]
    assert "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY" in said
    assert len(said) <= 40


def test_sealed_columns_are_found_by_blind_index_and_opened_in_the_answer(shop: Shop) -> None:
    shop.sql("CREATE TABLE shop.sealed (id bigint PRIMARY KEY, kind text, mark text, value bytea)")
    shop.sql("GRANT ALL ON shop.sealed TO portal_app")
    for number, one in enumerate(ANN):
        sealed = crypto.seal(one.value, bound_to=f"sealed:{number}")
        shop.sql("INSERT INTO shop.sealed VALUES (%s, %s, %s, %s)", number, one.type.value, crypto.lookup(one), sealed)
    shop.sql("INSERT INTO shop.sealed VALUES (7, 'email', %s, 'broken')", crypto.lookup(EMAIL))
    shop.load("""
dataset:
  - fides_key: sealed
    name: Sealed
    meta: {portal: {schema: shop, collections: {sealed: {fields: {
        mark: {lookup: hmac}, value: {encrypted: true, bound_to: "sealed:{id}"}}}}}}
    collections:
      - name: sealed
        fields:
          - {name: id, fides_meta: {primary_key: true}}
          - {name: mark, data_categories: [user.unique_id.pseudonymous]}
          - {name: value, data_categories: [user.contact]}
""")
    found = find(Scope(ANN, None, datasets=("sealed",)), now=NOW).rows["sealed:sealed"]
    assert [row["value"] for row in found] == [EMAIL.value, PHONE.value, None]


def test_the_command_prints_json_and_names_what_it_did_not_search(shop: Shop, capsys: Any) -> None:
    call_command(
        "datamap", "find", "--identity", "email=ann@example.org", "--account", "1001", "--dataset", "shop", "--json"
    )
    told = capsys.readouterr()
    assert ids(json.loads(told.out)["shop:people"]) == [10]
    assert "not entered: shop:catalogue (no_tenant)" in told.err
    call_command(
        "datamap",
        "find",
        "--identity",
        "email=ann@example.org",
        "--account",
        "1001",
        "--category",
        "user.name",
        "--json",
    )
    assert json.loads(capsys.readouterr().out)["shop:people"] == [{"full_name": "Ann"}]
    with pytest.raises(CommandError, match="e-mail address"):
        call_command("datamap", "find", "--identity", "email=nobody", "--json")
    with pytest.raises(CommandError, match="No dataset is called shob; did you mean shop"):
        call_command("datamap", "find", "--identity", "email=ann@example.org", "--dataset", "shob")


def test_every_identity_type_is_a_type_of_the_map() -> None:
    assert [one.value for one in IdentityType] == ["email", "phone_number", "account_id", "customer_reference"]


@pytest.mark.threat("T28")
@pytest.mark.parametrize("odd", ["a'b", 'a"b', "a\\b", "a,b", "{a}", "NULL", "%s", "%(x)s", ":x", "", " "])
def test_values_travel_between_collections_unharmed(shop: Shop, odd: str) -> None:
    shop.sql("INSERT INTO shop.orders VALUES (%s, 1001, 10, NULL)", odd)
    shop.sql("INSERT INTO shop.order_items VALUES (%s, 7, 1001, NULL)", odd)
    items = find(Scope((EMAIL,), "1001"), now=NOW).rows["shop:order_items"]
    assert [row["order_id"] for row in items if row["item_no"] == 7] == [odd]
