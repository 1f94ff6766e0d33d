"""What legal holds keep: the guard that this app registers with the data map.

The parts of a hold's scope narrow one another. Whoever can't be told to be outside is inside: a row without an account,
a row without a date, a reference that a statement can't follow. Standing holds are read afresh at every call, under the
lock that placing one waits for, so that a hold wins against an erasure and a sweep at any instant (T44).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, DateTime, and_, cast, false, func, literal, or_, true
from sqlalchemy import Date as DateType

from apps.datamap import services as datamap
from apps.datamap.guards import Guarded, Keep
from apps.retention.models import Hold

_unseen: ContextVar[bool] = ContextVar("holds_unseen", default=False)


@contextmanager
def unseen() -> Iterator[None]:
    """For counts shown to people who may not learn that a hold stands: as if none did. Nothing may go in this block."""
    before = _unseen.set(True)
    try:
        yield
    finally:
        _unseen.reset(before)


def keeps(store: str, collection: Guarded, now: datetime) -> list[Keep]:
    """The rows of one collection that each standing hold keeps. No end is known of any."""
    if _unseen.get():
        return []
    holds = Hold.objects.standing().order_by("reference")
    covered = ((hold, covers(hold, store, collection)) for hold in holds)
    return [
        # What is asked inside NOT (…) must be yes or no: NULL would be neither.
        Keep(func.coalesce(predicate, false()), ground=hold.reference, kind="hold")
        for hold, predicate in covered
        if predicate is not None
    ]


def covers(hold: Hold, store: str, collection: Guarded) -> ColumnElement[bool] | None:
    """The rows of a collection in a hold's scope; None where none can be. It may be NULL for rows outside."""
    is_link = _is_link(hold, collection)
    if hold.collections and collection.base_key not in hold.collections and not is_link:
        return None
    parts: list[ColumnElement[bool]] = []
    if hold.identities:
        person = datamap.person_predicate(store, collection, hold.people, account=hold.account)
        if person is None:
            return None
        parts.append(person)
    if hold.account:
        parts.append(datamap.account_predicate(store, collection, hold.account))
    if (hold.from_on or hold.until_on) and not is_link:
        parts.append(_in_period(collection, hold.from_on, hold.until_on))
    return and_(*parts) if parts else true()


def _is_link(hold: Hold, collection: Guarded) -> bool:
    """Rows of the person that lead on to rows of a narrowed hold: they stay as well, for without them nobody could tell
    any more that those are the person's."""
    if not hold.identities or not (hold.collections or hold.from_on or hold.until_on):
        return False
    leads_on = datamap.leads_to(collection.base_key)
    return bool(leads_on & set(hold.collections) if hold.collections else leads_on)


def _in_period(collection: Guarded, first: date | None, last: date | None) -> ColumnElement[bool]:
    """Rows whose clock lies in these days (UTC, both included), and rows that have none."""
    clock: Any = collection.table.c.get(collection.clock) if isinstance(collection.clock, str) else collection.clock
    if clock is None:
        return true()
    within = []
    if first:
        within.append(clock >= _midnight(clock, first))
    if last:
        within.append(clock < _midnight(clock, last + timedelta(days=1)))
    return or_(clock.is_(None), and_(*within))


def _midnight(clock: ColumnElement[Any], day: date) -> ColumnElement[Any]:
    if not isinstance(clock.type, DateTime):
        return cast(literal(day, DateType()), DateType())
    return literal(datetime.combine(day, time(), UTC if clock.type.timezone else None), clock.type)
