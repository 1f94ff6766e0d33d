"""The person of these tests, what must be kept of her, and short words for planning and erasing."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from apps.core.identities import parse_identity
from apps.datamap import guards, services
from apps.datamap.guards import Keep
from apps.datamap.models import ErasurePlan
from apps.datamap.services import Scope
from tests.datamap.conftest import NOW

ANN = (parse_identity("email", "ann@example.org"), parse_identity("phone_number", "+31612345678"))


def tax(store: str, collection: Any, now: Any) -> list[Keep]:
    """Invoices stay ten years from their date."""
    if collection.name != "invoices":
        return []
    return [Keep(sa.true(), "tax", "duty", sa.cast(collection.clock + sa.func.make_interval(10, 0, 0, 0), sa.Date))]


@contextmanager
def keeping(**more: Any) -> Iterator[None]:
    """The tax duty stands, and whatever else is given."""
    with guards.only(tax=tax, **more):
        yield


def make_plan(**limits: Any) -> ErasurePlan:
    strategy = limits.pop("strategy", None)
    account = limits.pop("account", "1001")
    return services.plan_erasure(Scope(ANN, account, **limits), actor="command", now=NOW, strategy=strategy)


def carry_out(plan: ErasurePlan, key: str = "k", store: str = "platform", **more: Any) -> services.Receipt:
    return services.execute(plan, store=store, effect_key=key, actor="command", now=more.get("now", NOW))


def told(plan: ErasurePlan) -> dict[str, list[tuple[str, int, str | None, str | None]]]:
    """Each line with rows, by collection."""
    found: dict[str, list[tuple[str, int, str | None, str | None]]] = {}
    for line in plan.lines:
        if line["count"]:
            name = line["collection"].removeprefix("shop:")
            found.setdefault(name, []).append((line["action"], line["count"], line["kind"], line["ground"]))
    return found
