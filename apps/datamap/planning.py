"""Plans as rows: what an erasure would do, pinned by hash, and whether that still holds."""

import hashlib
import hmac
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from apps.core import crypto
from apps.core.identities import Identity, IdentityType
from apps.datamap import guards
from apps.datamap.contract import PlanStale, Rows, Scope, StoreUnavailable
from apps.datamap.execution import check_masks
from apps.datamap.fates import Fate, Fates, Reason
from apps.datamap.loading import schemas_of
from apps.datamap.mapping import PORTAL, DataMap
from apps.datamap.matching import Key
from apps.datamap.models import ErasurePlan, PlannedKeys
from apps.datamap.receipts import create_statement, receipts_table
from apps.datamap.registry import current_map
from apps.datamap.search import Flow, Live, check_scope, told_once
from apps.datamap.shards import base_of, key_in, place_of, without_siblings
from apps.datamap.stores import Snapshots
from apps.ledger import services as ledger

LIFETIME = timedelta(days=30)
NAMED = 100  # more rows than this are counted, not named one by one
DIGEST_BYTES = 8


def make_plan(scope: Scope, *, actor: str, now: datetime, strategy: str | None, store: str | None) -> ErasurePlan:
    datamap = current_map()
    check_scope(datamap, scope)
    rules = guards.version()
    if store:
        _refuse_if_split(datamap, store)
    with Snapshots() as snapshots:
        live = Live(without_siblings(datamap, store) if store else datamap, snapshots)
        fates = Fates(live, scope, strategy=strategy, now=now).decide()
        for fate in fates.of.values():
            check_masks(live, fate)
        _refuse_without_receipts(datamap, fates, snapshots)
        digests = schema_digests(live, fates.stores())
    plan = _plan(scope, fates, now=now, actor=actor, strategy=strategy)
    plan.map_version, plan.rules_version, plan.schema_digests = datamap.version, rules, digests
    return _save(plan, fates, scope)


def _refuse_if_split(datamap: DataMap, store: str) -> None:
    """A store that got or lost shards: where its rows went, only whoever moved them knows; nothing is read as gone."""
    stores = {one.store for one in datamap.collections.values()}
    if store not in stores and base_of(store) in map(base_of, stores):
        raise StoreUnavailable("store_split", f"The store {store} lies in other databases now than it did.")


def _plan(scope: Scope, fates: Fates, *, now: datetime, actor: str, strategy: str | None) -> ErasurePlan:
    return ErasurePlan(
        about=crypto.fingerprint("\n".join(f"{one.type}={one.value}" for one in sorted(scope.identities))),
        account=scope.account,
        own=scope.own,
        datasets=list(scope.datasets),
        categories=list(scope.categories),
        capacities=list(scope.capacities),
        strategy=strategy or "",
        stores=fates.stores(),
        not_entered=[vars(one) for one in told_once(fates.search.not_entered)],
        made_by=actor,
        made_at=now,
        expires_at=now + LIFETIME,
    )


@transaction.atomic
def _save(plan: ErasurePlan, fates: Fates, scope: Scope) -> ErasurePlan:
    ordered = sorted(fates.of.values(), key=lambda fate: (fate.collection.base_key, place_of(fate.collection.store)))
    lines = [line for fate in ordered for line in _lines(plan, fate)]
    plan.lines = [line for line, _ in lines]
    people = {
        "identities": [[one.type.value, one.value] for one in scope.identities],
        "rows": scope.rows,
        "end_users": scope.end_users,
    }
    passed = sorted(fates.search.flows.items())
    flows = [[store, key, list(path), sorted(values)] for (store, key, path), values in passed]
    kept = {key: sorted(fate.kept) for key, fate in fates.of.items() if fate.kept}
    plan.identities = crypto.seal(json.dumps(people), bound_to=f"erasureplan:{plan.pk}:identities")
    plan.seeds = crypto.seal(json.dumps({"flows": flows, "kept": kept}), bound_to=f"erasureplan:{plan.pk}:seeds")
    plan.hash = hash_of(plan)
    plan.save(force_insert=True)
    PlannedKeys.objects.bulk_create(
        PlannedKeys(plan=plan, line=number, digests=b"".join(digests)) for number, (_, digests) in enumerate(lines)
    )
    totals: dict[str, int] = defaultdict(int)
    for line in plan.lines:
        totals[line["action"]] += line["count"]
    facts = {"plan": plan.hash, "erase": totals["erase"], "anonymise": totals["anonymise"], "keep": totals["keep"]}
    ledger.record(actor=plan.made_by, verb="erasure.planned", target=plan, at=plan.made_at, **facts)
    return plan


def _lines(plan: ErasurePlan, fate: Fate) -> Iterable[tuple[dict[str, Any], list[bytes]]]:
    """One line for what goes, and one per ground for what stays."""
    yield _line(plan, fate, fate.treatment.action, None, fate.gone)
    grounds: dict[tuple[str, str], dict[Key, Reason]] = defaultdict(dict)
    for key, reason in fate.kept.items():
        grounds[(reason.kind, reason.ground)][key] = reason
    for _, reasons in sorted(grounds.items()):
        yield _line(plan, fate, "keep", list(reasons.values()), set(reasons))


def _line(
    plan: ErasurePlan, fate: Fate, action: str, reasons: list[Reason] | None, keys: set[Key]
) -> tuple[dict[str, Any], list[bytes]]:
    digests = sorted(map(digester(plan, fate.collection.key), keys))
    untils = [reason.until for reason in reasons or ()]
    known = [until for until in untils if until]
    kind = reasons[0].kind if reasons else None
    return {
        "store": fate.collection.store,
        "collection": fate.collection.base_key,
        "capacity": fate.collection.capacity_towards(plan.account, own=plan.own),
        "action": action,
        "count": len(keys),
        "ground": reasons[0].ground if reasons else None,
        "kind": kind,
        "until": min(known).isoformat() if known else None,
        "until_latest": max(known).isoformat() if known and len(known) == len(untils) else None,
        "keys_digest": hashlib.sha256(b"".join(digests)).hexdigest(),
        "named": [one.hex() for one in digests[:NAMED]] if kind in ("shared", "referenced") else [],
        "pseudonymised": fate.treatment.pseudonyms if action == "anonymise" else [],
    }, digests


def digester(plan: ErasurePlan, collection: str) -> Callable[[Key], bytes]:
    """Rows as the plan knows them: 8 bytes each, keyed from the index key for this plan and collection alone."""
    secret = hmac.digest(settings.INDEX_KEY.encode(), f"plan keys\0{plan.pk}\0{collection}".encode(), "sha256")

    def digest(key: Key) -> bytes:
        return hashlib.blake2b("\0".join(key).encode(), digest_size=DIGEST_BYTES, key=secret).digest()

    return digest


def hash_of(plan: ErasurePlan) -> str:
    """SHA-256 over the canonical bytes of everything that says what the plan does, to whom and until when."""
    names = (
        "about", "account", "own", "datasets", "categories", "capacities", "strategy", "map_version", "rules_version",
        "schema_digests", "stores", "lines", "not_entered", "made_by",
    )  # fmt: skip
    content = {name: getattr(plan, name) for name in names}
    content |= {"id": str(plan.pk), "made_at": plan.made_at.isoformat(), "expires_at": plan.expires_at.isoformat()}
    return hashlib.sha256(ledger.canonical(content)).hexdigest()


def schema_digests(live: Live, stores: Iterable[str]) -> dict[str, str]:
    """Store by store, so that work in one shard need not look at the others."""
    return {store: live.schema(store).digest for store in sorted(stores)}


def _refuse_without_receipts(datamap: DataMap, fates: Fates, snapshots: Snapshots) -> None:
    for store in fates.stores():
        schemas = schemas_of(datamap, store)
        if store != PORTAL and receipts_table(session := snapshots.of(store), schemas) is None:
            statement = create_statement(session, schemas[0])
            raise StoreUnavailable(
                "no_receipts", f"The store {store} has no table portal_effects; make it: {statement}"
            )


# --- reading a plan back -----------------------------------------------------------------------------


def scope_of(plan: ErasurePlan) -> Scope:
    sealed = json.loads(crypto.unseal(bytes(plan.identities), bound_to=f"erasureplan:{plan.pk}:identities"))
    return Scope(
        identities=tuple(Identity(IdentityType(kind), value) for kind, value in sealed["identities"]),
        rows=tuple((key, tuple(tuple(one) for one in keys)) for key, keys in sealed["rows"]),
        account=plan.account,
        own=plan.own,
        datasets=tuple(plan.datasets),
        categories=tuple(plan.categories),
        capacities=tuple(plan.capacities),
        end_users=sealed["end_users"],
    )


def seeds_of(plan: ErasurePlan, *, from_stores: Iterable[str] | None = None) -> dict[Flow, list[str]]:
    """The values the plan's search passed on: all of them, or those that came from these stores."""
    wanted = None if from_stores is None else set(from_stores)
    flows = _passed(plan)["flows"]
    return {
        (store, key, tuple(path)): values for store, key, path, values in flows if wanted is None or store in wanted
    }


def rows_kept(plan: ErasurePlan) -> Rows:
    """The rows the plan kept, by primary key."""
    return tuple((key, tuple(tuple(one) for one in keys)) for key, keys in _passed(plan)["kept"].items())


def _passed(plan: ErasurePlan) -> dict[str, Any]:
    sealed: dict[str, Any] = json.loads(crypto.unseal(bytes(plan.seeds), bound_to=f"erasureplan:{plan.pk}:seeds"))
    return sealed


def refuse_if_stale(plan: ErasurePlan, datamap: DataMap, *, now: datetime) -> None:
    """Everything that can be told before looking at a row. Raises `PlanStale`."""
    if not plan.identities:
        raise PlanStale("plan_expired", "This plan is over and what it knew is gone: make a new one.")
    if hash_of(plan) != plan.hash:
        raise PlanStale("plan_altered", "This plan was altered after it was made: make a new one.")
    if now >= plan.expires_at:
        raise PlanStale("plan_expired", "This plan has expired: make a new one.")
    if datamap.version != plan.map_version:
        raise PlanStale("plan_map_changed", "The data map has changed since this plan was made: make a new one.")
    if guards.version() != plan.rules_version:
        raise PlanStale(
            "plan_rules_changed", "The rules on what is kept have changed since this plan was made: make a new one."
        )


Known = dict[str, tuple[set[bytes], set[bytes]]]
"""collection, each shard apart -> digests of the rows that go, and of those that stay."""


def known_keys(plan: ErasurePlan) -> Known:
    found: Known = defaultdict(lambda: (set(), set()))
    for row in plan.planned_keys.all():
        line = plan.lines[row.line]
        digests = bytes(row.digests)
        if hashlib.sha256(digests).hexdigest() != line["keys_digest"]:
            raise PlanStale("plan_altered", "This plan was altered after it was made: make a new one.")
        keys = {digests[at : at + DIGEST_BYTES] for at in range(0, len(digests), DIGEST_BYTES)}
        found[key_in(line["store"], line["collection"])][line["action"] == "keep"].update(keys)
    return found


def newer_rows(plan: ErasurePlan, fates: Mapping[str, Fate]) -> dict[str, int]:
    """How many rows of each collection came after the plan and would go with it.

    Raises `PlanStale` when a row the plan knows changed its fate, when another thing would be done to a collection,
    or when more came than live traffic explains (over 10 % and 100 rows).
    """
    known = known_keys(plan)
    actions = {
        key_in(line["store"], line["collection"]): line["action"] for line in plan.lines if line["action"] != "keep"
    }
    newer = {}
    for key, fate in fates.items():
        planned_gone, planned_kept = known[key]
        digest = digester(plan, key)
        gone, kept = set(map(digest, fate.gone)), set(map(digest, fate.kept))
        if actions.get(key) != fate.treatment.action or gone & planned_kept or kept & planned_gone:
            raise PlanStale("plan_fate_changed", f"What would happen to rows of {key} has changed: make a new plan.")
        newer[key] = len(gone - planned_gone)
        if newer[key] > 100 and newer[key] * 10 > len(planned_gone):
            raise PlanStale("plan_grew", f"{newer[key]} rows came to {key} since this plan was made: make a new one.")
    return newer


def latest(untils: Iterable[date | None]) -> date | None:
    """The last of several days; None when one of them is not known."""
    days = list(untils)
    return None if not days or None in days else max(day for day in days if day)
