"""A plan is carried out as it was approved, or not at all."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from apps.datamap import guards
from apps.datamap.contract import PlanStale
from apps.datamap.guards import Keep
from apps.datamap.models import ErasurePlan, PlannedKeys
from tests.datamap.conftest import HERE, NOW, Shop
from tests.datamap.people import carry_out, keeping, make_plan

SHOP = (HERE / "shop.yml").read_text()


@pytest.fixture(autouse=True)
def _guarded() -> Iterator[None]:
    with keeping():
        yield


@pytest.fixture
def plan(shop: Shop) -> ErasurePlan:
    shop.sql("UPDATE shop.people SET referred_by = NULL")
    return make_plan(datasets=("shop",))


def refused(plan: ErasurePlan, shop: Shop, **more: Any) -> str:
    """Why it is refused; and nothing has happened."""
    before = shop.dump(1001)
    with pytest.raises(PlanStale) as caught:
        carry_out(ErasurePlan.objects.get(pk=plan.pk), **more)
    assert shop.dump(1001) == before
    assert shop.rows("SELECT count(*) FROM shop.portal_effects") == [(0,)]
    return caught.value.code


def test_after_thirty_days(plan: ErasurePlan, shop: Shop) -> None:
    assert refused(plan, shop, now=NOW + timedelta(days=30)) == "plan_expired"


def test_when_the_map_changed(plan: ErasurePlan, shop: Shop) -> None:
    shop.load(SHOP.replace("name: Shop\n", "name: Our shop\n"))
    assert refused(plan, shop) == "plan_map_changed"


def test_when_the_rules_changed(plan: ErasurePlan, shop: Shop) -> None:
    guards.register("another", lambda *about: [], version=lambda: "2")
    assert refused(plan, shop) == "plan_rules_changed"


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE shop.people ADD nickname text",
        "ALTER TABLE shop.invoices ALTER person_id SET NOT NULL",
        "ALTER TABLE shop.logins OWNER TO portal; GRANT SELECT ON shop.logins TO portal_app",
        "CREATE TABLE shop.late (person_id bigint REFERENCES shop.people)",
        "DROP TABLE shop.attachments",
    ],
)
def test_when_the_schema_changed(plan: ErasurePlan, shop: Shop, change: str) -> None:
    shop.sql(change)
    assert refused(plan, shop) == "plan_schema_changed"


def test_not_when_a_month_was_attached(plan: ErasurePlan, shop: Shop) -> None:
    until = "FOR VALUES FROM ('2027-01-01') TO ('2027-07-01')"
    shop.sql(f"CREATE TABLE shop.messages_eea_3 PARTITION OF shop.messages_eea {until}")
    assert carry_out(plan).counts["shop:messages"]["erased"] == 3


def test_when_a_row_that_was_to_go_must_stay_now(plan: ErasurePlan, shop: Shop) -> None:
    shop.sql("UPDATE shop.people SET referred_by = 10 WHERE id = 11")
    assert refused(plan, shop) == "plan_fate_changed"


def test_when_a_row_that_was_to_stay_would_go_now(plan: ErasurePlan, shop: Shop) -> None:
    shop.sql(
        "UPDATE shop.people SET address_id = NULL WHERE id = 11; UPDATE shop.orders SET ship_to = NULL WHERE id <> 'a1'"
    )
    assert refused(plan, shop) == "plan_fate_changed"


def test_when_somebody_altered_it(plan: ErasurePlan, shop: Shop) -> None:
    lines = [line | {"action": "keep"} if line["collection"] == "shop:people" else line for line in plan.lines]
    ErasurePlan.objects.filter(pk=plan.pk).update(lines=lines)
    assert refused(plan, shop) == "plan_altered"
    ErasurePlan.objects.filter(pk=plan.pk).update(lines=plan.lines)
    number = next(n for n, line in enumerate(plan.lines) if line["collection"] == "shop:messages")
    PlannedKeys.objects.filter(plan=plan, line=number).update(digests=b"12345678")
    assert refused(plan, shop) == "plan_altered"


MORE = (
    "INSERT INTO shop.messages SELECT 'eea', '2026-09-01', n, 1001, '+31612345678', '+15550002', 'new' "
    "FROM generate_series(1001, 1000 + {}) n"
)


@pytest.mark.parametrize("count", [1, 100])
def test_newer_rows_of_the_same_fate_go_and_are_counted_apart(plan: ErasurePlan, shop: Shop, count: int) -> None:
    shop.sql(MORE.format(count))
    counts = carry_out(plan).counts["shop:messages"]
    assert counts == {"erased": 3 + count, "anonymised": 0, "kept": 0, "newer": count}


def test_more_new_rows_than_live_traffic_explains_are_refused(plan: ErasurePlan, shop: Shop) -> None:
    shop.sql(MORE.format(101))
    assert refused(plan, shop) == "plan_grew"


def test_a_tenth_more_is_live_traffic_however_many_rows_that_is(shop: Shop) -> None:
    shop.sql(MORE.format(2000))
    plan = make_plan(datasets=("shop",))
    shop.sql(MORE.format(2200).replace("(1001,", "(3001,"))
    shop.sql("DELETE FROM shop.messages WHERE id > 3200")
    assert carry_out(plan).counts["shop:messages"] == {"erased": 2203, "anonymised": 0, "kept": 0, "newer": 200}


def test_rows_that_went_by_themselves_make_no_plan_stale(plan: ErasurePlan, shop: Shop) -> None:
    shop.sql("DELETE FROM shop.messages WHERE id = 3")
    assert carry_out(plan).counts["shop:messages"]["erased"] == 2


def test_a_ground_that_ended_meanwhile_makes_the_plan_stale(shop: Shop) -> None:
    def until_tomorrow(store: str, collection: Any, now: Any) -> list[Keep]:
        return [Keep(sa.literal(now <= NOW), "soon", "interest", NOW.date())] if collection.name == "messages" else []

    with keeping(soon=until_tomorrow):
        plan = make_plan(datasets=("shop",))
        assert refused(plan, shop, now=NOW + timedelta(days=1)) == "plan_fate_changed"
        assert carry_out(plan).counts["shop:messages"]["kept"] == 3
