"""The verbs of the data map. See `contract.py` for what goes in and what comes out."""

from datetime import datetime

from apps.core.identities import Identity
from apps.datamap.contract import (
    CollectionInfo,
    Counts,
    Findings,
    NotEntered,
    PlanStale,
    Receipt,
    Remaining,
    Scope,
    StoreUnavailable,
)
from apps.datamap.models import ErasurePlan

__all__ = [
    "CollectionInfo",
    "Counts",
    "Findings",
    "Identity",
    "NotEntered",
    "PlanStale",
    "Receipt",
    "Remaining",
    "Scope",
    "StoreUnavailable",
    "execute",
    "find",
    "plan_erasure",
    "search_again",
]


def find(scope: Scope, *, now: datetime) -> Findings:
    """Every row about the person, in one snapshot a store."""
    raise NotImplementedError


def plan_erasure(scope: Scope, *, actor: str, now: datetime, strategy: str | None = None) -> ErasurePlan:
    """Say what an erasure would do, and pin it. `strategy`: None as the datasets say, "null" or "delete" for all.

    `plan.lines`: one per collection, action and ground, `{"store", "collection", "capacity", "action": "erase" |
    "anonymise" | "keep", "count", "ground", "kind", "until", "until_latest", "keys_digest", "named"}`.
    """
    raise NotImplementedError


def execute(plan: ErasurePlan, *, store: str, effect_key: str, actor: str, now: datetime) -> Receipt:
    """Do exactly what the plan says in one store, once per `effect_key`. Raises `PlanStale`.

    Store "portal" works on Django's connection in the caller's transaction; call it for every other store outside of
    one. The caller writes its outcome and its ledger line from the receipt.
    """
    raise NotImplementedError


def search_again(plan: ErasurePlan, *, store: str, now: datetime) -> list[Remaining]:
    """What is still there after the erasure; "confirmed absent" is true when each item has a ground."""
    raise NotImplementedError
