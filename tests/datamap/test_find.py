"""What a search finds: every row of the person, of that tenant, and nothing else."""

from typing import Any

import pytest

from apps.core.identities import parse_identity
from apps.datamap.services import Scope, find
from tests.datamap.conftest import NOW, Shop

ANN = (parse_identity("email", "ann@example.org"),)
ANN_TWICE = (*ANN, parse_identity("phone_number", "+31612345678"))


def ids(rows: list[dict[str, Any]]) -> list[Any]:
    return [row["id"] for row in rows]


@pytest.mark.req("DSR-1")
def test_a_person_is_found_in_every_collection_of_one_account(shop: Shop) -> None:
    found = find(Scope(ANN_TWICE, "1001"), now=NOW).rows
    assert ids(found["shop:people"]) == [10]
    assert ids(found["shop:orders"]) == ["a1", "a2"]
    assert [(row["order_id"], row["item_no"]) for row in found["shop:order_items"]] == [("a1", 1), ("a1", 2), ("a2", 1)]
    assert ids(found["shop:addresses"]) == [1, 2]
    assert ids(found["shop:messages"]) == [1, 2, 3]
    assert ids(found["shop:attachments"]) == [1]
    assert [one[-1] for one in ids(found["shop:profiles"])] == ["1", "2", "3"]
    assert ids(found["shop:nodes"]) == [1, 2, 3]  # a cycle, ended
    assert ids(found["shop:invoices"]) == [1]
