"""The verbs of the data map. See `contract.py` for what goes in and what comes out."""

from datetime import datetime

from django.db import transaction

from apps.core.identities import Identity
from apps.datamap import planning
from apps.datamap.answers import rows_of
from apps.datamap.contract import (
    CollectionInfo,
    Counts,
    Findings,
    NotEntered,
    PlanStale,
    Receipt,
    Remaining,
    Rows,
    Scope,
    StoreUnavailable,
)
from apps.datamap.effects import find_remaining, run_effect
from apps.datamap.mapping import PORTAL
from apps.datamap.models import Effect, ErasurePlan, PlannedKeys
from apps.datamap.planning import make_plan
from apps.datamap.registry import current_map
from apps.datamap.search import Live, Search, check_scope, is_reported
from apps.datamap.stores import Snapshots
from apps.datamap.tenants import of_accounts
from apps.ledger import services as ledger

COUNTED = ("erased", "anonymised", "kept", "newer")

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
    "collection_names",
    "execute",
    "find",
    "forget_expired_plans",
    "note_execution",
    "of_accounts",
    "plan_erasure",
    "rows_kept",
    "search_again",
]


def collection_names(language: str) -> dict[str, str]:
    """How pages in `language` call each collection of the map: `{"dataset:collection": name}`."""
    return {key: collection.called(language) for key, collection in current_map().collections.items()}


def find(scope: Scope, *, now: datetime) -> Findings:
    """Every row about the person, in one snapshot a store. Reading at `now` changes nothing anywhere."""
    datamap = current_map()
    check_scope(datamap, scope)
    with Snapshots() as snapshots:
        live = Live(datamap, snapshots, keys=())
        search = Search(live, scope, whole_rows=True).run()
        reported = [key for key, hits in search.hits.items() if is_reported(hits.collection, scope)]
        rows = {key: rows_of(search.hits[key], scope, search.asked_in[key]) for key in reported}
        infos = {key: live.info(datamap.collections[key]) for key in reported}
    if scope.categories:
        rows = {key: found for key, found in rows.items() if found}
    return Findings(rows, infos, search.not_entered)


def plan_erasure(scope: Scope, *, actor: str, now: datetime, strategy: str | None = None) -> ErasurePlan:
    """Say what an erasure would do, and pin it. `strategy`: None as the datasets say, "null" or "delete" for all.

    `plan.lines`: one per collection, action and ground, `{"store", "collection", "capacity", "action": "erase" |
    "anonymise" | "keep", "count", "ground", "kind", "until", "until_latest", "keys_digest", "named",
    "pseudonymised"}`. `until` is the first day on which some of the line's rows are free, `until_latest` the day on
    which all are (None: not known). `named` holds key digests of shared and referenced rows, `pseudonymised` the
    columns that get a keyed stand-in: such rows are not anonymous. Writes the plan and its ledger line.
    Raises `NoGuards`, `CannotMask`, `StoreUnavailable`.
    """
    return make_plan(scope, actor=actor, now=now, strategy=strategy)


def execute(plan: ErasurePlan, *, store: str, effect_key: str, actor: str, now: datetime) -> Receipt:
    """Do exactly what the plan says in one store, once per `effect_key`. Raises `PlanStale`.

    Store "portal" works on Django's connection in the caller's transaction; call it for every other store outside of
    one. The caller writes its outcome and its ledger line from the receipt (`note_execution`).
    """
    return run_effect(plan, store=store, effect_key=effect_key, now=now)


@transaction.atomic
def note_execution(plan: ErasurePlan, receipt: Receipt, *, actor: str, now: datetime) -> bool:
    """Write the ledger line of a receipt, once. For "portal" call it in the transaction of the effect.

    A caller that keeps its own state (a store task) calls this in the transaction in which it notes the outcome.
    """
    if receipt.store == PORTAL:
        is_new = not receipt.replayed
    else:
        values = {"counts": receipt.counts, "at": receipt.at}
        _, is_new = Effect.objects.get_or_create(effect_key=receipt.effect_key, defaults=values)
    if is_new:
        totals = {word: sum(counts[word] for counts in receipt.counts.values()) for word in COUNTED}
        facts = {"store": receipt.store, "plan": plan.hash, **totals}
        ledger.record(actor=actor, verb="erasure.executed", target=plan, at=now, **facts)
    return is_new


def search_again(plan: ErasurePlan, *, store: str, now: datetime) -> list[Remaining]:
    """What is still there after the erasure; "confirmed absent" is true when each item has a ground.

    It starts from the identities and from every value the plan's search had passed through, so that rows whose way
    here was erased are still looked for.
    """
    return find_remaining(plan, store=store, now=now)


def rows_kept(plan: ErasurePlan, *, collection: str | None = None) -> Rows:
    """The rows the plan kept (in one collection), as `Scope.rows` takes them. Seal them wherever they are stored.

    A plan forgets them when it expires; whoever has to erase them when their ground ends takes them over before.
    """
    return tuple(one for one in planning.rows_kept(plan) if collection in (None, one[0]))


def forget_expired_plans(*, now: datetime) -> int:
    """Plans keep their hash, lines and dates as evidence; whom they were about goes when they expire."""
    expired = ErasurePlan.objects.expired(at=now).exclude(identities=b"")
    PlannedKeys.objects.filter(plan__in=expired).delete()
    return expired.update(identities=b"", seeds=b"")
