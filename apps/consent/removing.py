"""While a removal runs nothing goes but what was asked: rows in collections under its retention rules, and where one of
several goes, those that were saved while it was the one.

A guard of the data map (`datamap.guards`): it speaks only while such a removal runs, and then keeps every other
collection that the search passes through.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, DateTime, and_, false, func, literal, not_, or_, true

from apps.datamap.guards import Declared, Flaw, Guarded, Keep
from apps.datamap.services import Collection, mapped_collections

NOT_ASKED = "not_asked"
UNDATED = "undated"  # the store does not say when the row was saved: it may be the one that was asked for
SAVED = "created"  # the event whose clock on the map says when a row was saved
TOLD_APART = frozenset({"payment_methods"})  # rules under which one may go while a later one stays


@dataclass(frozen=True)
class Asked:
    """Rows under these rules; saved from the one instant on and before the other, where they are given."""

    rules: frozenset[str]
    saved_from: datetime | None = None
    saved_before: datetime | None = None


_asked: ContextVar[Asked | None] = ContextVar("asked_of_a_removal", default=None)


@contextmanager
def only(asked: Asked) -> Iterator[None]:
    """Let nothing go while this runs but what was asked."""
    token = _asked.set(asked)
    try:
        yield
    finally:
        _asked.reset(token)


def only_what_was_asked(store: str, collection: Guarded, now: datetime) -> list[Keep]:
    """Rows of other collections, those that the map puts under another rule of the same collection, and those that
    were saved at another time; those without a time stay too, and the removal is not done while there are any."""
    asked = _asked.get()
    if asked is None:
        return []
    wanted = asked.rules.intersection(collection.retention)
    if not wanted:
        return [_keep(true())]
    under_these, undated = _under(wanted, collection), _undated(asked, collection)
    asked_for = (under_these, _saved(asked, collection))
    keeps = [_keep(not_(one)) for one in asked_for if one is not None]
    if undated is not None:
        predicate = undated if under_these is None else and_(undated, under_these)
        keeps.append(Keep(predicate, ground=UNDATED, kind="open_request"))
    return keeps


def _keep(predicate: ColumnElement[bool]) -> Keep:
    return Keep(predicate, ground=NOT_ASKED, kind="open_request")


def _under(wanted: frozenset[str], collection: Guarded) -> ColumnElement[bool] | None:
    """Rows under one of these rules; None where all of the collection is."""
    if any(rule not in collection.conditions for rule in wanted):
        return None
    among = [collection.conditions[rule] for rule in sorted(wanted)]
    return or_(*(column.is_not(None) if is_filled else column.is_(None) for column, is_filled in among))


def _saved(asked: Asked, collection: Guarded) -> ColumnElement[bool] | None:
    """Rows that were saved at the time that was asked for; None where that is any. Without a clock that tells, nothing
    goes: `flaws` lets no such collection onto the map."""
    if asked.saved_from is None and asked.saved_before is None:
        return None
    clock = collection.clocks.get(SAVED)
    if clock is None:
        return false()
    limits = [clock >= _instant(asked.saved_from, clock)] if asked.saved_from else []
    limits += [clock < _instant(asked.saved_before, clock)] if asked.saved_before else []
    return func.coalesce(and_(*limits), true())  # `_undated` has those without


def _undated(asked: Asked, collection: Guarded) -> ColumnElement[bool] | None:
    """Rows of which nobody can tell whether they were asked for; None where that makes no difference."""
    clock = collection.clocks.get(SAVED)
    if clock is None or (asked.saved_from is None and asked.saved_before is None):
        return None
    return clock.is_(None)


def _instant(at: datetime, clock: ColumnElement[Any]) -> ColumnElement[Any]:
    """As the column writes it: without an offset it holds UTC."""
    has_offset = isinstance(clock.type, DateTime) and clock.type.timezone
    return literal(at if has_offset else at.astimezone(UTC).replace(tzinfo=None), clock.type)


def flaws(collection: Declared) -> list[Flaw]:
    """A replaced method can be told from the one in its place only by when each was saved."""
    if not TOLD_APART.intersection(collection.retention) or SAVED in dict(collection.clocks):
        return []
    message = "Say which column tells when a row was saved (clocks: {created: …}): one may go while a later one stays."
    return [Flaw("clocks", SAVED, message)]


def under(rules: Sequence[str]) -> list[Collection]:
    """The collections of the map that lie under one of these rules."""
    return [one for one in mapped_collections() if not one.skipped and set(rules).intersection(one.retention)]
