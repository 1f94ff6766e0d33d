"""Taking away what an ended consent or an objection leaves without a ground, in every store of the data map.

Each store has its effect under a key of its own, so a worker that dies in the middle repeats nothing. What a duty or a
legal hold keeps is looked at again until it may go; the removal is done when a second search finds nothing.
"""

import logging
import uuid
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import datetime, timedelta

from django.db import transaction

from apps.consent.models import Removal
from apps.consent.removing import NOT_ASKED, UNDATED, Asked, only, under
from apps.core.crypto import lookup
from apps.core.errors import DomainError
from apps.core.identities import Identity
from apps.datamap import services as datamap
from apps.datamap.models import ErasurePlan
from apps.ledger.services import record

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=15)
LOOK_AGAIN = timedelta(days=1)  # at what a duty or a hold keeps
LONGEST_PAUSE = timedelta(hours=1)
COUNTED = ("erased", "anonymised", "kept")
PORTAL = "portal"


def order_removal(
    *,
    purpose: str,
    rules: Sequence[str],
    identities: Sequence[Identity],
    event: uuid.UUID,
    now: datetime,
    account: str = "",
    saved_from: datetime | None = None,
    saved_before: datetime | None = None,
) -> Removal:
    """Have a person's rows under these retention rules removed; the first identity is the one it is known by.
    `saved_from`, `saved_before`: others like them stay.

    Called in the transaction of the act that asks for it; the clock does the work.
    """
    row = Removal(purpose=purpose, rules=list(rules), lookup=lookup(identities[0]), event=event, account=account)
    row.asked_at = row.next_attempt_at = now
    row.saved_from, row.saved_before = saved_from, saved_before
    row.seal(tuple(identities))
    row.save(force_insert=True)
    facts = {"purpose": purpose, "rules": list(rules), "event": event}
    record(actor="system", verb="consent.removal_ordered", target=f"consent.removal:{row.pk}", at=now, **facts)
    return row


@transaction.atomic
def bound_removals(*, purpose: str, account: str, saved_before: datetime) -> int:
    """Another one is saved for the account: what is still to go is what was saved before it. How many it touched."""
    unbounded = Removal.objects.open().filter(purpose=purpose, account=account, saved_before=None)
    return unbounded.update(saved_before=saved_before)


@transaction.atomic
def call_off_removals(*, purpose: str, now: datetime, lookup: str, account: str = "") -> int:
    """The same person said yes again, for the same account: what is not removed yet stays."""
    open_ones = Removal.objects.open().filter(purpose=purpose, lookup=lookup, account=account)
    called_off = list(open_ones.select_for_update())
    open_ones.update(done_at=now, identities=b"", error_code="called_off")
    for removal in called_off:
        target = f"consent.removal:{removal.pk}"
        record(actor="system", verb="consent.removal_called_off", target=target, at=now, purpose=purpose)
    return len(called_off)


def work_on_removal(removal_id: uuid.UUID, *, now: datetime) -> bool:
    """Claim one removal and do what can be done now; True when it is done."""
    removal = _claim(removal_id, now=now)
    if removal is None:
        return False
    try:
        return _work(removal, now=now)
    except Exception as error:  # a store that is down: the queue must go on
        code = error.code if isinstance(error, DomainError) else type(error).__name__
        logger.warning("removal %s failed: %s", removal.pk, code)
        _failed(removal, code, is_stale=isinstance(error, datamap.PlanStale), now=now)
    return False


@transaction.atomic
def _claim(removal_id: uuid.UUID, *, now: datetime) -> Removal | None:
    due = Removal.objects.due(at=now).filter(pk=removal_id)
    removal = due.select_for_update(skip_locked=True).first()
    if removal is None:
        return None
    removal.attempts += 1
    removal.next_attempt_at = now + LEASE
    removal.save(update_fields=["attempts", "next_attempt_at"])
    return removal


def _failed(removal: Removal, code: str, *, is_stale: bool, now: datetime) -> None:
    pause = min(timedelta(seconds=10 * 2 ** min(removal.attempts, 12)), LONGEST_PAUSE)
    values = {"error_code": code[:80], "next_attempt_at": now + pause}
    if is_stale:  # what is left is planned anew
        values["plan_hash"] = ""
    Removal.objects.open().filter(pk=removal.pk, attempts=removal.attempts).update(**values)


def _work(removal: Removal, *, now: datetime) -> bool:
    with only(Asked(frozenset(removal.rules), removal.saved_from, removal.saved_before)):
        plan = _plan(removal, now=now)
        if plan is None:  # the map knows no such collection
            return _finish(removal, {}, now=now)
        counts = Counter(removal.counts)  # of earlier plans, where something kept a row then
        try:
            for store, _rank in sorted(plan.ranks.items(), key=lambda item: item[1]):
                counts.update(_erase(removal, plan, store, now=now))
        except datamap.PlanStale:
            Removal.objects.open().filter(pk=removal.pk).update(counts=_gone(counts))  # the next plan finds them gone
            raise
        remaining = [one for store in plan.ranks for one in datamap.search_again(plan, store=store, now=now)]
    grounds = {one.ground for one in remaining} - {NOT_ASKED}
    if grounds:
        return _wait(removal, counts, code=UNDATED if UNDATED in grounds else "", now=now)
    return _finish(removal, counts, now=now)


def _plan(removal: Removal, *, now: datetime) -> ErasurePlan | None:
    """The plan that an earlier attempt began with, or a new one."""
    known = ErasurePlan.objects.filter(hash=removal.plan_hash, expires_at__gt=now).first()
    if known is not None:
        return known
    wanted = under(removal.rules)
    if not wanted:
        return None
    scope = datamap.Scope(
        identities=removal.read(),
        account=removal.account or None,
        own=True,
        datasets=tuple(sorted({one.dataset for one in wanted})),
        capacities=tuple(sorted({one.capacity for one in wanted})),
    )
    plan = datamap.plan_erasure(scope, actor="system", now=now)
    Removal.objects.open().filter(pk=removal.pk).update(plan_hash=plan.hash)
    return plan


def _erase(removal: Removal, plan: ErasurePlan, store: str, *, now: datetime) -> Counter[str]:
    """One store's effect, once, and its ledger line."""
    key = f"removal:{removal.pk}:{plan.hash[:32]}:{store}"
    with transaction.atomic() if store == PORTAL else nullcontext():
        _refuse_if_asked_otherwise(removal)
        receipt = datamap.execute(plan, store=store, effect_key=key, actor="system", now=now)
        datamap.note_execution(plan, receipt, actor="system", now=now)
    return _counted(receipt, removal)


@transaction.atomic
def _refuse_if_asked_otherwise(removal: Removal) -> None:
    """Since it was claimed another method was saved, or it was called off: the plan may hold what is to stay. Whoever
    saves one or says yes waits for the caller's transaction, where it has one."""
    same = {"pk": removal.pk, "saved_from": removal.saved_from, "saved_before": removal.saved_before}
    if not Removal.objects.open().select_for_update().filter(**same).exists():
        raise datamap.PlanStale("removal_changed", "What is to be removed has changed since it was claimed.")


def _counted(receipt: datamap.Receipt, removal: Removal) -> Counter[str]:
    wanted = {one.base_key for one in under(removal.rules)}
    own = [counts for collection, counts in receipt.counts.items() if collection in wanted]
    return Counter({word: sum(counts[word] for counts in own) for word in COUNTED})


def _gone(counts: Counter[str]) -> dict[str, int]:
    """What the next plan, which finds anew what is kept, begins to count from."""
    return {"erased": counts["erased"], "anonymised": counts["anonymised"]}


@transaction.atomic
def _wait(removal: Removal, counts: Counter[str], *, code: str, now: datetime) -> bool:
    """Something keeps a row: look again, with a new plan, until nothing does. `code`: why somebody must help."""
    values = {"plan_hash": "", "error_code": code, "next_attempt_at": now + LOOK_AGAIN, "counts": _gone(counts)}
    Removal.objects.open().filter(pk=removal.pk).update(**values)
    record(actor="system", verb="consent.removal_waits", target=f"consent.removal:{removal.pk}", at=now, **counts)
    return False


@transaction.atomic
def _finish(removal: Removal, counts: Counter[str] | dict[str, int], *, now: datetime) -> bool:
    locked = Removal.objects.open().select_for_update().filter(pk=removal.pk).first()
    if locked is None:
        return False
    locked.done_at, locked.identities, locked.counts, locked.error_code = now, b"", dict(counts), ""
    locked.save(update_fields=["done_at", "identities", "counts", "error_code"])
    facts = {"purpose": locked.purpose, "event": locked.event, "plan": locked.plan_hash or None, **counts}
    record(actor="system", verb="consent.removed", target=f"consent.removal:{locked.pk}", at=now, **facts)
    return True
