"""One erasure in one store, once per effect key, under the hold lock; and the search afterwards.

The portal's own tables are written on Django's connection, in the caller's transaction. Every other store is written in
one transaction of its own that also takes the receipt, while a transaction of the portal holds the lock that a legal
hold waits for. Whoever runs it again finds the receipt and copies it.
"""

from collections import defaultdict
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa
from django.db import transaction

from apps.core.errors import DomainError
from apps.datamap import guards
from apps.datamap.contract import Counts, PlanStale, Receipt, Remaining, StoreFailed
from apps.datamap.execution import carry_out
from apps.datamap.fates import Fate, Fates, Reason
from apps.datamap.loading import schemas_of
from apps.datamap.mapping import PORTAL, DataMap
from apps.datamap.matching import Key, has_key
from apps.datamap.models import ErasurePlan
from apps.datamap.planning import latest, newer_rows, refuse_if_stale, rows_kept, schema_digests, scope_of, seeds_of
from apps.datamap.receipts import read_receipt, receipts_table, write_receipt
from apps.datamap.registry import current_map
from apps.datamap.search import Live
from apps.datamap.shards import without_siblings
from apps.datamap.stores import PortalSession, Session, Snapshots, writing

ATTEMPTS = 5
AGAIN = {"40001", "40P01", "23503"}  # serialization failure, deadlock, a row that came to reference ours


def run_effect(plan: ErasurePlan, *, store: str, effect_key: str, now: datetime) -> Receipt:
    if store not in plan.stores:
        raise DomainError("store_not_planned", f"This plan has nothing to do in the store {store}.")
    if store == PORTAL:
        with transaction.atomic():
            return _once(plan, PortalSession(), effect_key, now)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            # The store commits first, then the portal's transaction lets go of the hold lock.
            with transaction.atomic(durable=True), writing(store) as session:
                return _once(plan, session, effect_key, now)
        except StoreFailed as error:
            if attempt == ATTEMPTS or error.sqlstate not in AGAIN:
                raise
    raise AssertionError("unreachable")


def _once(plan: ErasurePlan, session: Session, effect_key: str, now: datetime) -> Receipt:
    """The receipt of an earlier run, or the effect and its receipt. The lock comes first: guards are read under it."""
    guards.share_hold_lock()
    datamap = current_map()
    table = receipts_table(session, schemas_of(datamap, session.store))
    if table is None:
        raise DomainError("no_receipts", f"The store {session.store} has no table portal_effects.")
    found = read_receipt(session, table, effect_key)
    if found:
        return Receipt(effect_key, session.store, found[0], found[1], replayed=True)
    counts = _effect(plan, session, datamap, now)
    write_receipt(session, table, effect_key, counts, now)
    return Receipt(effect_key, session.store, counts, now, replayed=False)


def _effect(plan: ErasurePlan, session: Session, datamap: DataMap, now: datetime) -> Counts:
    refuse_if_stale(plan, datamap, now=now)
    with Snapshots() as snapshots:
        live = Live(without_siblings(datamap, session.store), snapshots.use(session))
        digests = schema_digests(live, {one.store for one in live.datamap.collections.values()} & set(plan.stores))
        if any(plan.schema_digests.get(store) != digest for store, digest in digests.items()):
            raise PlanStale("plan_schema_changed", "Tables have changed since this plan was made: make a new one.")
        fates = _decided(plan, live, session, now)
        mine = {key: fate for key, fate in fates.of.items() if fate.collection.store == session.store}
        newer = newer_rows(plan, mine)
        carry_out(fates, session.store, session)
    return {fate.collection.base_key: _counts(fate, newer[key]) for key, fate in mine.items()}


def _decided(plan: ErasurePlan, live: Live, session: Session, now: datetime) -> Fates:
    """Decide on this store's rows. In the portal, where others write beside us, lock them and look once more."""
    # Rows of stores before this one that led here may be gone by now; shards beside it are not even asked.
    before = {store for store, rank in plan.ranks.items() if rank <= plan.ranks[session.store]} - {session.store}
    seeds = seeds_of(plan, from_stores=before)

    def decide() -> Fates:
        return Fates(live, scope_of(plan), strategy=plan.strategy or None, now=now).decide(seeds)

    fates = decide()
    if session.store != PORTAL:
        return fates
    locked: dict[str, set[Key]] = defaultdict(set)
    while any(fate.gone - locked[key] for key, fate in fates.of.items() if fate.collection.store == PORTAL):
        for key, fate in fates.of.items():
            if fate.collection.store == PORTAL and fate.gone - locked[key]:
                _lock(fate, session)
                locked[key] |= fate.gone
        fates = decide()
    return fates


def _lock(fate: Fate, session: Session) -> None:
    rows = sa.select(sa.literal(1)).select_from(fate.live.table)
    session.rows(rows.where(has_key(fate.live, fate.key_names, sorted(fate.gone))).with_for_update())


def _counts(fate: Fate, newer: int) -> dict[str, int]:
    done = len(fate.gone)
    is_delete = fate.treatment.kind == "delete"
    return {
        "erased": done if is_delete else 0,
        "anonymised": 0 if is_delete else done,
        "kept": len(fate.kept),
        "newer": newer,
    }


def find_remaining(plan: ErasurePlan, *, store: str, now: datetime) -> list[Remaining]:
    """Search once more, from the identities and from everything the first search had passed through."""
    if not plan.identities:
        raise PlanStale("plan_expired", "This plan is over and what it knew is gone.")
    datamap = current_map()
    with Snapshots() as snapshots:
        live = Live(without_siblings(datamap, store), snapshots)
        scope = scope_of(plan)
        again = replace(scope, rows=(*scope.rows, *rows_kept(plan)))
        fates = Fates(live, again, strategy=plan.strategy or None, now=now).decide(seeds_of(plan))
    remaining = []
    for fate in sorted(fates.of.values(), key=lambda fate: fate.collection.key):
        if fate.collection.store != store:
            continue
        key = fate.collection.base_key
        if fate.gone:
            remaining.append(Remaining(key, len(fate.gone), None, None, None))
        grounds: dict[tuple[str, str], list[Reason]] = defaultdict(list)
        for reason in fate.kept.values():
            grounds[(reason.kind, reason.ground)].append(reason)
        for (kind, ground), reasons in sorted(grounds.items()):
            until = latest(reason.until for reason in reasons)
            remaining.append(Remaining(key, len(reasons), ground, kind, until))
    return remaining
