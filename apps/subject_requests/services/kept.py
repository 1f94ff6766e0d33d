"""What an executed erasure left behind and why: the second search, read together with the plan's lines."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from apps.datamap.models import ErasurePlan
from apps.subject_requests.models import StoreTask

OWN_DATASET = "portal_subject_requests:"
OTHER = "other"


@dataclass(frozen=True)
class Kept:
    """Rows of one collection that one ground keeps."""

    store: str
    collection: str
    capacity: str
    count: int
    ground: str
    kind: str
    until: date | None
    until_latest: date | None

    @property
    def is_own_trace(self) -> bool:
        """What is there because this was asked (the request, the sign-in of who asked): it is no finding."""
        return self.kind == "open_request"

    @property
    def is_of_requests(self) -> bool:
        """The request's own identifiers: they go 7 days after it closed, by services.forgetting."""
        return self.collection.startswith(OWN_DATASET)


def kept_rows(plan: ErasurePlan, tasks: Iterable[StoreTask]) -> list[Kept]:
    """What the second search of every store still found; each row explained, or the task were not confirmed."""
    lines = {
        (line["store"], line["collection"], line["ground"]): line for line in plan.lines if line["action"] == "keep"
    }
    capacities = {line["collection"]: line["capacity"] for line in plan.lines}
    kept = []
    for task in tasks:
        for item in task.remaining:
            line = lines.get((task.store, item["collection"], item["ground"]), {})
            until = _day(line.get("until") or item["until"])
            latest = _day(line.get("until_latest") or item["until"])
            capacity = line.get("capacity") or capacities.get(item["collection"], "controller")
            found = (item["collection"], capacity, item["count"], item["ground"] or "", item["kind"] or "")
            kept.append(Kept(task.store, *found, until, latest))
    return kept


def told_ground(ground: str, kind: str) -> str:
    """A ground as customers and auditors may read it: that a hold stands is not for them to know (T63)."""
    return OTHER if kind == "hold" else ground


def _day(value: Any) -> date | None:
    return date.fromisoformat(value) if value else None


def counts_by_capacity(
    plan: ErasurePlan, tasks: Iterable[StoreTask], kept: Iterable[Kept]
) -> dict[str, dict[str, int]]:
    """`{capacity: {"erased": n, "anonymised": n, "kept": n}}`, the request's own trace left out."""
    capacities = {line["collection"]: line["capacity"] for line in plan.lines}
    sums: dict[str, dict[str, int]] = {}
    for task in tasks:
        for collection, counted in task.counts.items():
            if collection.startswith(OWN_DATASET):
                continue
            into = sums.setdefault(capacities.get(collection, "controller"), {"erased": 0, "anonymised": 0, "kept": 0})
            into["erased"] += counted.get("erased", 0)
            into["anonymised"] += counted.get("anonymised", 0)
    for rows in kept:
        if not rows.is_own_trace:
            into = sums.setdefault(rows.capacity, {"erased": 0, "anonymised": 0, "kept": 0})
            into["kept"] += rows.count
    return sums
