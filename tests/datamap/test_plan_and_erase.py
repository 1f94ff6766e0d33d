"""An erasure does what its plan says: these rows go, those stay and why, and nobody else's row changes."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

from apps.core.identities import parse_identity
from apps.datamap import guards, services
from apps.datamap.guards import Keep
from apps.datamap.models import ErasurePlan
from apps.datamap.services import Scope
from tests.datamap.conftest import NOW, Shop

ANN = (parse_identity("email", "ann@example.org"), parse_identity("phone_number", "+31612345678"))


def tax(store: str, collection: Any, now: Any) -> list[Keep]:
    """Invoices stay ten years from their date."""
    if collection.name != "invoices":
        return []
    until = sa.cast(collection.clock + sa.text("interval '10 years'"), sa.Date)
    return [Keep(sa.true(), "tax", "duty", until)]


@pytest.fixture
def guarded() -> Iterator[None]:
    with guards.only(tax=tax):
        yield


def make_plan(**limits: Any) -> ErasurePlan:
    strategy = limits.pop("strategy", None)
    return services.plan_erasure(Scope(ANN, "1001", **limits), actor="command", now=NOW, strategy=strategy)


def carry_out(plan: ErasurePlan, key: str = "k") -> services.Receipt:
    return services.execute(plan, store="platform", effect_key=key, actor="command", now=NOW)


def told(plan: ErasurePlan) -> dict[str, list[tuple[str, int, str | None, str | None]]]:
    found: dict[str, list[tuple[str, int, str | None, str | None]]] = {}
    for line in plan.lines:
        if line["count"]:
            name = line["collection"].removeprefix("shop:")
            found.setdefault(name, []).append((line["action"], line["count"], line["kind"], line["ground"]))
    return found


@pytest.mark.req("DSR-1", "DSR-5")
def test_a_plan_says_what_goes_what_stays_and_why(shop: Shop, guarded: None) -> None:
    shop.sql("UPDATE shop.people SET referred_by = NULL")
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


@pytest.mark.threat("T20")
def test_the_other_tenants_rows_are_byte_identical_after_an_erasure(shop: Shop, guarded: None) -> None:
    shop.sql("UPDATE shop.people SET referred_by = NULL")
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
    assert services.search_again(plan, store="platform", now=NOW) != []
    assert all(one.ground for one in services.search_again(plan, store="platform", now=NOW))
