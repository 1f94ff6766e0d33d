"""What a keep protects is queued, and erased when its ground ends, without anyone asking."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from sqlalchemy import ColumnElement, Text, and_, cast, false, func, not_, true

from apps.core import clock, crypto
from apps.core.identities import Identity, IdentityType
from apps.datamap import services as datamap
from apps.datamap.guards import Guarded, Keep
from apps.datamap.models import ErasurePlan
from apps.ledger.services import record
from apps.subject_requests.models import PendingErasure, SubjectRequest
from apps.subject_requests.services.forgetting import FORGET_AFTER
from apps.subject_requests.services.kept import Kept, kept_rows, told_ground
from apps.subject_requests.services.planning import scope_of
from apps.subject_requests.states import PendingStatus

logger = logging.getLogger(__name__)

ENDING_KINDS = ("duty", "interest", "hold", "open_request")
"""Grounds that end one day. What another person's record refers to stays for its own reasons."""
NOT_APPROVED = "not_approved"
LOOK_AGAIN = timedelta(days=7)  # for grounds whose end is not known yet: "until 30 days after your service ends"
LEASE = timedelta(minutes=15)
SEPARATOR = "\x1f"  # between the columns of a key

_running: ContextVar[PendingErasure | None] = ContextVar("pending_erasure", default=None)


def keep_pending(subject_request: SubjectRequest, plan: ErasurePlan, *, now: datetime) -> int:
    """Queue every row group that a ground kept; whom it is about is sealed with it, since the request's own
    identifiers go 7 days after closing."""
    scope = scope_of(subject_request)
    every = kept_rows(plan, subject_request.store_tasks.all())
    kept = [rows for rows in every if rows.kind in ENDING_KINDS and not rows.is_of_requests]
    pending = [_pending(subject_request, rows, _with_rows(scope, plan, rows), now=now) for rows in kept]
    PendingErasure.objects.bulk_create(pending, ignore_conflicts=True)
    return len(pending)


def _with_rows(scope: datamap.Scope, plan: ErasurePlan, kept: Kept) -> datamap.Scope:
    """What a duty keeps may be unreachable from the identities once the rows that led to it are gone."""
    return replace(scope, rows=datamap.rows_kept(plan, collection=kept.collection, store=kept.store))


def _pending(subject_request: SubjectRequest, kept: Kept, scope: datamap.Scope, *, now: datetime) -> PendingErasure:
    row = PendingErasure(
        request=subject_request,
        store=kept.store,
        collection=kept.collection,
        capacity=kept.capacity,
        count=kept.count,
        ground=kept.ground,
        kind=kept.kind,
        until=kept.until,
        until_latest=kept.until_latest,
        check_on=_next_check(kept.until, now=now) if kept.until or not kept.is_own_trace else _after_closing(now),
        queued_at=now,
    )
    sealed = {"identities": [[each.type.value, each.value] for each in scope.identities], "own": scope.own}
    sealed |= {"rows": scope.rows}
    row.scope = crypto.seal(json.dumps(sealed | {"account": scope.account}), bound_to=f"pending:{row.pk}")
    return row


def hurry_pending(*, now: datetime) -> int:
    """A hold ended: what may have waited for it is due at once. Nobody knew when that would be, so it is among what
    would be looked at within a week; whatever else protects it is asked again then."""
    today = clock.local_date(now)
    soon = PendingErasure.objects.waiting().filter(check_on__gt=today, check_on__lte=today + LOOK_AGAIN)
    return soon.exclude(kind="open_request").update(check_on=today)


def _next_check(until: date | None, *, now: datetime) -> date:
    today = clock.local_date(now)
    return max(until + timedelta(days=1), today + timedelta(days=1)) if until else today + LOOK_AGAIN


def _after_closing(now: datetime) -> date:
    """The request closes now; what served it is free 7 days later."""
    return clock.local_date(now + FORGET_AFTER) + timedelta(days=1)


def _scope(pending: PendingErasure) -> datamap.Scope:
    content = json.loads(crypto.unseal(bytes(pending.scope), bound_to=f"pending:{pending.pk}"))
    return datamap.Scope(
        identities=tuple(Identity(IdentityType(kind), value) for kind, value in content["identities"]),
        account=content["account"],
        own=content["own"],
        rows=tuple((key, tuple(tuple(one) for one in keys)) for key, keys in content.get("rows", ())),
        datasets=(pending.collection.partition(":")[0],),
        capacities=(pending.capacity,),
    )


# --- only what was approved then ---------------------------------------------------------------------


def only_what_was_kept(store: str, collection: Guarded, now: datetime) -> list[Keep]:
    """A guard that speaks only while a pending erasure runs: other collections, and rows that came later, were never
    part of what was approved."""
    pending = _running.get()
    if pending is None:
        return []
    if (store, collection.base_key) != (pending.store, pending.collection):
        return [Keep(true(), ground=NOT_APPROVED, kind="open_request")]
    column = collection.table.c.get(collection.clock) if isinstance(collection.clock, str) else collection.clock
    later = column > pending.queued_at if column is not None else false()
    # A clock may begin long after the row (a number handed back, a service ended): rows that were kept are known.
    return [Keep(and_(later, not_(_was_kept(pending, collection))), ground=NOT_APPROVED, kind="open_request")]


def _was_kept(pending: PendingErasure, collection: Guarded) -> ColumnElement[bool]:
    keys = [SEPARATOR.join(key) for name, rows in _scope(pending).rows if name == collection.key for key in rows]
    if not keys or not collection.key_names:
        return false()
    key = func.concat_ws(SEPARATOR, *(cast(collection.table.c[name], Text) for name in collection.key_names))
    return key.in_(keys)


@contextmanager
def _only(pending: PendingErasure) -> Iterator[None]:
    token = _running.set(pending)
    try:
        yield
    finally:
        _running.reset(token)


# --- the run -------------------------------------------------------------------------------------------


def erase_pending(pending_id: UUID, *, now: datetime) -> bool:
    """Erase what a ground kept, now that it has ended: a new plan by the system on the same approval, all guards asked
    again. Rows that are still protected wait on. True when something was settled."""
    pending = _claim(pending_id, now=now)
    if pending is None:
        return False
    with _only(pending):
        try:
            plan = _plan(pending, now=now)
            return _execute(pending, plan, now=now)
        except datamap.PlanStale:
            _forget_plan(pending)
        except Exception as error:  # a store that is down: the lease ends, and the next sweep tries again
            logger.warning("pending erasure %s failed: %s", pending.pk, getattr(error, "code", type(error).__name__))
    return False


@transaction.atomic
def _claim(pending_id: UUID, *, now: datetime) -> PendingErasure | None:
    due = PendingErasure.objects.due(on=clock.local_date(now), at=now).filter(pk=pending_id)
    pending = due.select_for_update(of=("self",), skip_locked=True).select_related("request__account").first()
    if pending is None:
        return None
    pending.lease_until, pending.attempts = now + LEASE, pending.attempts + 1
    pending.save(update_fields=["lease_until", "attempts"])
    return pending


def _plan(pending: PendingErasure, *, now: datetime) -> ErasurePlan:
    """The plan of an attempt that died is used again, so that its effect is found under the same key."""
    if pending.plan_hash:
        return ErasurePlan.objects.get(hash=pending.plan_hash)
    plan = datamap.plan_erasure(_scope(pending), actor="system", now=now, store=pending.store)
    PendingErasure.objects.filter(pk=pending.pk).update(plan_hash=plan.hash)
    pending.plan_hash = plan.hash
    return plan


def _forget_plan(pending: PendingErasure) -> None:
    PendingErasure.objects.filter(pk=pending.pk).update(plan_hash="", lease_until=None)


def _execute(pending: PendingErasure, plan: ErasurePlan, *, now: datetime) -> bool:
    key = f"pending:{pending.pk}:{plan.hash[:32]}"
    work: dict[str, Any] = {"store": pending.store, "effect_key": key, "actor": "system", "now": now}
    if pending.store not in plan.stores:  # the store holds nothing of the person any more
        return _settle(pending, plan, None, now=now)
    if pending.store == "portal":
        with transaction.atomic():
            return _settle(pending, plan, datamap.execute(plan, **work), now=now)
    return _settle(pending, plan, datamap.execute(plan, **work), now=now)


@transaction.atomic
def _settle(pending: PendingErasure, plan: ErasurePlan, receipt: datamap.Receipt | None, *, now: datetime) -> bool:
    held = PendingErasure.objects.select_for_update().filter(pk=pending.pk, attempts=pending.attempts).first()
    if held is None or held.status == PendingStatus.ERASED:
        return False
    done = receipt.counts.get(held.collection, {}) if receipt else {}
    erased = done.get("erased", 0) + done.get("anonymised", 0)
    held.erased_count += erased
    if receipt is not None:
        datamap.note_execution(plan, receipt, actor="system", now=now)
    held.lease_until, held.plan_hash = None, ""
    mine = [line for line in plan.lines_of(held.store) if line["collection"] == held.collection]
    kept = [line for line in mine if line["action"] == "keep"]
    still = [line for line in kept if line["count"] and line["ground"] != NOT_APPROVED]
    _move(held, still, now=now)
    if erased or not still:
        ground = told_ground(held.ground, held.kind)
        record(actor="system", verb="subject_request.pending_erased", target=held.request, at=now, plan=plan.hash,
               collection=held.collection, ground=ground, erased=erased, waiting=bool(still))  # fmt: skip
    return True


def _move(held: PendingErasure, still: list[dict[str, Any]], *, now: datetime) -> None:
    """Erased when nothing is protected any more; else it waits for the next date."""
    if still:
        dates = sorted(date.fromisoformat(line["until"]) for line in still if line["until"])
        held.until = dates[0] if dates else None
        held.count = sum(line["count"] for line in still)
        # Rows whose end nobody knows may be free before the first day that is known.
        held.check_on = _next_check(held.until if len(dates) == len(still) else None, now=now)
    else:
        held.status, held.erased_at, held.scope = PendingStatus.ERASED, now, b""
    held.save()
