"""The verbs of the data map. See `contract.py` for what goes in and what comes out."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.core.identities import Identity
from apps.datamap import planning
from apps.datamap.answers import rows_of
from apps.datamap.belongings import (
    Belonging,
    Belongings,
    Protected,
    belongings,
    count_belongings,
    reading_belongings,
)
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
from apps.datamap.mapping import PORTAL, Collection
from apps.datamap.models import Effect, ErasurePlan, PlannedKeys
from apps.datamap.persons import AT_MOST as COUNTED_AT_MOST
from apps.datamap.persons import account_predicate, count_where, leads_to, person_predicate
from apps.datamap.planning import make_plan
from apps.datamap.purging.orders import Order
from apps.datamap.purging.reading import Reading, Surveyed, reading
from apps.datamap.purging.survey import Counted, Kept
from apps.datamap.purging.walk import Busy, Cursor, Done, Walk, walking
from apps.datamap.registry import current_map
from apps.datamap.search import Live, Search, check_scope, is_reported, told_once
from apps.datamap.shards import key_in, place_of
from apps.datamap.sizes import Size, count_by, mapped_stores, rule_keys, sizes
from apps.datamap.stores import Snapshots
from apps.datamap.tallies import Group, Rest, Tally, first_counted, tally
from apps.datamap.taxonomy import known as known_categories
from apps.datamap.tenants import of_accounts
from apps.ledger import services as ledger

COUNTED = ("erased", "anonymised", "kept", "newer")

__all__ = [
    "COUNTED_AT_MOST",
    "Belonging",
    "Belongings",
    "Busy",
    "Collection",
    "CollectionInfo",
    "Counted",
    "Counts",
    "Cursor",
    "Done",
    "Findings",
    "Group",
    "Identity",
    "Kept",
    "NotEntered",
    "Order",
    "PlanStale",
    "Protected",
    "Reading",
    "Receipt",
    "Remaining",
    "Rest",
    "Scope",
    "Size",
    "StoreUnavailable",
    "Surveyed",
    "Tally",
    "Walk",
    "account_predicate",
    "belongings",
    "collection_names",
    "count_belongings",
    "count_by",
    "count_where",
    "current_map",
    "execute",
    "find",
    "first_counted",
    "forget_expired_plans",
    "known_categories",
    "leads_to",
    "map_version",
    "mapped_collections",
    "mapped_stores",
    "note_execution",
    "of_accounts",
    "person_predicate",
    "plan_erasure",
    "reading",
    "reading_belongings",
    "rows_kept",
    "rule_keys",
    "search_again",
    "sizes",
    "tally",
    "walking",
]


def map_version() -> str:
    """The digest of the map that holds now, which plans pin."""
    return current_map().version


def collection_names(language: str) -> dict[str, str]:
    """How pages in `language` call each collection of the map: `{"dataset:collection": name}`, and its parts in
    shards: `{"dataset:collection#2": "name (store#2)"}`."""
    found = {}
    for one in current_map().collections.values():
        found[one.base_key] = one.called(language)
        if one.shard:
            found[one.key] = f"{found[one.base_key]} ({one.store})"
    return found


def mapped_collections() -> tuple[Collection, ...]:
    """Every collection of the map that holds now, as it is declared: nothing is read from any store."""
    return tuple(current_map().collections.values())


def find(scope: Scope, *, now: datetime) -> Findings:
    """Every row about the person, in one snapshot a store. Reading at `now` changes nothing anywhere."""
    datamap = current_map()
    check_scope(datamap, scope)
    with Snapshots() as snapshots:
        live = Live(datamap, snapshots, keys=())
        search = Search(live, scope, whole_rows=True).run()
        reported = [hits.collection for hits in search.hits.values() if is_reported(hits.collection, scope)]
        rows: dict[str, list[dict[str, Any]]] = {}
        infos: dict[str, CollectionInfo] = {}
        for one in sorted(reported, key=lambda one: (one.base_key, place_of(one.store))):  # shard after shard
            rows.setdefault(one.base_key, []).extend(rows_of(search.hits[one.key], scope, search.asked_in[one.key]))
            info = replace(live.info(one), key=one.base_key, store=one.base_store)
            infos.setdefault(one.base_key, replace(info, capacity=one.capacity_towards(scope.account, own=scope.own)))
    if scope.categories:
        rows = {key: found for key, found in rows.items() if found}
    return Findings(rows, infos, told_once(search.not_entered))


def plan_erasure(
    scope: Scope, *, actor: str, now: datetime, strategy: str | None = None, store: str | None = None
) -> ErasurePlan:
    """Say what an erasure would do, and pin it. `strategy`: None as the datasets say, "null" or "delete" for all.
    `store`: a shard whose siblings are left out, for they need not be up.

    `plan.lines`: one per collection, action and ground, `{"store", "collection", "capacity", "action": "erase" |
    "anonymise" | "keep", "count", "ground", "kind", "until", "until_latest", "keys_digest", "named",
    "pseudonymised"}`. `until` is the first day on which some of the line's rows are free, `until_latest` the day on
    which all are (None: not known). `named` holds key digests of shared and referenced rows, `pseudonymised` the
    columns that get a keyed stand-in: such rows are not anonymous. Writes the plan and its ledger line.
    Raises `NoGuards`, `CannotMask`, `StoreUnavailable`.
    """
    return make_plan(scope, actor=actor, now=now, strategy=strategy, store=store)


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


def rows_kept(plan: ErasurePlan, *, collection: str | None = None, store: str = "") -> Rows:
    """The rows the plan kept (in one collection of one store), as `Scope.rows` takes them: under the name that tells
    shards apart, for two may hold the same key. Seal them wherever they are stored.

    A plan forgets them when it expires; whoever has to erase them when their ground ends takes them over before.
    """
    wanted = None if collection is None else key_in(store, collection)
    return tuple(one for one in planning.rows_kept(plan) if wanted in (None, one[0]))


def forget_expired_plans(*, now: datetime) -> int:
    """Plans keep their hash, lines and dates as evidence; whom they were about goes when they expire."""
    expired = ErasurePlan.objects.expired(at=now).exclude(identities=b"")
    PlannedKeys.objects.filter(plan__in=expired).delete()
    return expired.update(identities=b"", seeds=b"")
