"""Instead of deleting a row, fields become null, a constant or a pseudonym; what cannot is refused in the plan."""

from collections.abc import Iterator

import pytest

from apps.core import crypto
from apps.core.errors import DomainError
from apps.datamap import services
from apps.datamap.treatments import CannotMask
from tests.datamap.conftest import HERE, NOW, Shop
from tests.datamap.people import carry_out, keeping, make_plan, told

SHOP = (HERE / "shop.yml").read_text()


@pytest.fixture(autouse=True)
def _guarded() -> Iterator[None]:
    with keeping():
        yield


def with_fields(collection: str, said: str) -> str:
    return SHOP.replace(f"{collection}: {{tenant: account_id", f"{collection}: {{tenant: account_id, {said}", 1)


def test_null_for_all_empties_what_identifies_and_falls_back_where_a_column_must_hold_something(shop: Shop) -> None:
    globex = shop.dump(1002)
    plan = make_plan(strategy="null", datasets=("shop",))
    assert told(plan)["people"] == [("keep", 1, "shared", "shop:people")]  # Bob's row says that she referred him
    shop.sql("UPDATE shop.people SET referred_by = NULL")
    plan = make_plan(strategy="null", datasets=("shop",))
    assert told(plan)["people"] == [("anonymise", 1, None, None)]
    assert told(plan)["logins"] == [("anonymise", 1, None, None)]
    assert "order_items" not in told(plan)
    counts = carry_out(plan).counts
    assert counts["shop:people"] == {"erased": 0, "anonymised": 1, "kept": 0, "newer": 0}
    person = shop.rows("SELECT id, account_id, email, phone, full_name, balance FROM shop.people WHERE id = 10")
    assert person == [(10, 1001, None, None, "[erased]", None)]
    ((email, nickname, ip, token),) = shop.rows("SELECT email, nickname, last_ip, token FROM shop.logins WHERE id = 1")
    assert email.startswith("erased-")  # NOT NULL and unique: a random value that is nobody's
    assert (nickname, ip, token) == ("[erased]", None, None)
    assert shop.rows("SELECT person_id, ship_to FROM shop.orders WHERE id = 'a1'") == [
        (10, 1)
    ]  # keys hold rows together
    assert shop.dump(1002) == globex
    again = make_plan(strategy="null", datasets=("shop",))
    assert {key for key, lines in told(again).items() if any(line[0] != "keep" for line in lines)} == set()


def test_numbers_and_uuids_that_must_hold_something_end_in_a_state_that_is_known_again(shop: Shop) -> None:
    shop.sql("UPDATE shop.people SET referred_by = NULL; ALTER TABLE shop.people ALTER balance SET NOT NULL")
    shop.sql("ALTER TABLE shop.logins ALTER token TYPE uuid USING gen_random_uuid(), ALTER token SET NOT NULL")
    shop.sql("ALTER TABLE shop.logins ADD UNIQUE (token)")
    plan = make_plan(strategy="null", datasets=("shop",))
    carry_out(plan)
    assert shop.rows("SELECT balance::text FROM shop.people WHERE id = 10") == [("0.00",)]
    assert str(shop.rows("SELECT token FROM shop.logins WHERE id = 1")[0][0]).startswith("0e7a5ed0-")
    assert [one for one in services.search_again(plan, store="platform", now=NOW) if one.ground is None] == []
    assert "people" not in told(make_plan(strategy="null", datasets=("shop",)))


def test_each_field_can_have_a_strategy_of_its_own(shop: Shop) -> None:
    shop.load(with_fields("logins", "fields: {email: {strategy: pseudonym}, nickname: {strategy: {constant: gone}}, "
                                    "last_ip: {strategy: keep}, token: {strategy: null}}"))  # fmt: skip
    plan = make_plan(datasets=("shop",))
    (line,) = [line for line in plan.lines if line["collection"] == "shop:logins" and line["count"]]
    assert (line["action"], line["pseudonymised"]) == ("anonymise", ["email"])
    carry_out(plan)
    token = "pn-" + crypto.pseudonym("ann@example.org", purpose="shop:logins.email")
    assert shop.rows("SELECT email, nickname, host(last_ip), token FROM shop.logins WHERE id = 1") == [
        (token, "gone", "192.0.2.1", None)
    ]
    assert shop.rows("SELECT email FROM shop.logins WHERE id = 2") == [("bob@example.org",)]


def test_delete_for_all_overrules_the_fields(shop: Shop) -> None:
    shop.load(with_fields("logins", "fields: {nickname: {strategy: {constant: gone}}}"))
    assert told(make_plan(strategy="delete", datasets=("shop",)))["logins"] == [("erase", 1, None, None)]


def test_a_check_constraint_that_forbids_the_new_value_refuses_the_plan(shop: Shop) -> None:
    shop.load(with_fields("logins", "fields: {nickname: {strategy: {constant: ''}}}"))
    with pytest.raises(CannotMask, match="nickname can't be overwritten: a CHECK constraint"):
        make_plan(datasets=("shop",))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("ALTER TABLE shop.logins ALTER email TYPE varchar(15) USING 'a' || id", "does not fit its type VARCHAR"),
        ("CREATE TYPE shop.kind AS ENUM ('a'); ALTER TABLE shop.logins ALTER token TYPE shop.kind USING 'a', "
         "ALTER token SET NOT NULL", "has no empty value"),
    ],
)  # fmt: skip
def test_a_column_that_can_hold_nothing_else_refuses_the_plan(shop: Shop, change: str, why: str) -> None:
    shop.sql(change)
    with pytest.raises(CannotMask, match=why):
        make_plan(strategy="null", datasets=("shop",))


def test_limited_to_a_category_only_its_fields_are_emptied_and_no_row_goes(shop: Shop) -> None:
    plan = make_plan(categories=("user.contact.address",))
    assert {line["action"] for line in plan.lines} <= {"anonymise", "keep"}
    assert {line["collection"] for line in plan.lines} == {"shop:addresses"}
    with pytest.raises(DomainError, match="leave out --category"):
        make_plan(categories=("user.contact.address",), strategy="delete")


def test_the_strategies_of_fides_are_understood(shop: Shop) -> None:
    text = SHOP.replace(
        "{name: nickname, data_categories: [user.account.username]}",
        "{name: nickname, data_categories: [user.account.username], fides_meta: {masking_strategy_override: "
        "{strategy: string_rewrite, configuration: {rewrite_value: masked}}}}",
    )
    shop.load(text)
    carry_out(make_plan(datasets=("shop",)))
    assert shop.rows("SELECT nickname FROM shop.logins WHERE id = 1") == [("masked",)]
