"""While a removal runs nothing goes but what was asked: rows in collections under its retention rules.

A guard of the data map (`datamap.guards`): it speaks only while such a removal runs, and then keeps every other
collection that the search passes through.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

from sqlalchemy import not_, or_, true

from apps.datamap.guards import Guarded, Keep
from apps.datamap.services import Collection, mapped_collections

NOT_ASKED = "not_asked"

_rules: ContextVar[frozenset[str] | None] = ContextVar("rules_of_a_removal", default=None)


@contextmanager
def only_under(rules: Sequence[str]) -> Iterator[None]:
    """Let nothing go while this runs but what lies under these retention rules."""
    token = _rules.set(frozenset(rules))
    try:
        yield
    finally:
        _rules.reset(token)


def only_what_was_asked(store: str, collection: Guarded, now: datetime) -> list[Keep]:
    """Rows of other collections, and rows that the map puts under another rule of the same collection."""
    rules = _rules.get()
    if rules is None:
        return []
    wanted = rules.intersection(collection.retention)
    if not wanted:
        return [Keep(true(), ground=NOT_ASKED, kind="open_request")]
    if any(rule not in collection.conditions for rule in wanted):
        return []
    among = [collection.conditions[rule] for rule in sorted(wanted)]
    asked = or_(*(column.is_not(None) if is_filled else column.is_(None) for column, is_filled in among))
    return [Keep(not_(asked), ground=NOT_ASKED, kind="open_request")]


def under(rules: Sequence[str]) -> list[Collection]:
    """The collections of the map that lie under one of these rules."""
    return [one for one in mapped_collections() if not one.skipped and set(rules).intersection(one.retention)]
