"""What retention rules protect from an erasure: the guard that this app registers with the data map.

A duty and an interest keep a row until their period ends; a limit keeps nothing, so what has only limits goes at
once. Where a rule's start has not happened for a row (the service still runs), the row stays and no date is claimed.
"""

import hashlib
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, String, and_, cast, func, or_, true

from apps.datamap.guards import Declared, Flaw, Guarded, Keep, KeepKind
from apps.retention import expressions
from apps.retention.models import Rule
from apps.retention.periods import DATED_BY_THE_ROW


def keeps(store: str, collection: Guarded, now: datetime) -> list[Keep]:
    """The rows of one collection that a duty or an interest protects on the day of `now`, with the last day of each."""
    rules = Rule.objects.current().protecting().filter(key__in=list(collection.retention)).order_by("key")
    found = (_keep(rule, collection, now) for rule in rules)
    return [keep for keep in found if keep is not None]


def rules_version() -> str:
    """One digest over all current rules: plans pin it, and any change of a rule changes it."""
    digests = "\n".join(sorted(rule.digest for rule in Rule.objects.current()))
    return hashlib.sha256(digests.encode()).hexdigest()


def flaws(collection: Declared) -> list[Flaw]:
    """What is wrong with the rule keys of one collection of the map."""
    rules = {rule.key: rule for rule in Rule.objects.current()}
    if collection.retention and not rules:
        return [Flaw("retention", key, "No retention rules are loaded: run `manage.py seed` first.", ())
                for key in collection.retention]  # fmt: skip
    unknown = [key for key in collection.retention if key not in rules]
    found = [Flaw("retention", key, f"There is no retention rule “{key}”.", tuple(sorted(rules))) for key in unknown]
    if collection.clock:
        return found
    # Without a clock column every row would be kept for ever, since no period could be seen to end.
    undated = [key for key in collection.retention if key in rules and rules[key].starts_at in DATED_BY_THE_ROW]
    return found + [
        Flaw("clock", key, f"The rule “{key}” runs from a date in the row, but no clock column is named.")
        for key in undated
    ]


def _keep(rule: Rule, collection: Guarded, now: datetime) -> Keep | None:
    applies = _in_region(rule, collection)
    if applies is None:
        return None
    kind: KeepKind = "duty" if rule.is_duty else "interest"
    clock = _column(collection, collection.clock)
    if clock is None:
        return Keep(applies, ground=rule.key, kind=kind, until=None, starts_at=rule.starts_at)
    today = now.astimezone(UTC).date()
    return Keep(
        and_(applies, expressions.still_runs(rule.starts_at, clock, rule.calendar, today=today)),
        ground=rule.key,
        kind=kind,
        until=expressions.ends_on(rule.starts_at, clock, rule.calendar),
        starts_at=rule.starts_at,
    )


def _in_region(rule: Rule, collection: Guarded) -> ColumnElement[bool] | None:
    """Which rows a rule of one region reaches: all, some by their region column, or none (None).

    A row whose region is unknown is reached: what may be under a duty is not erased on a guess.
    """
    if rule.region == Rule.ANY_REGION or collection.region is None:
        return true()
    column = _column(collection, collection.region)
    if column is None:
        return true() if str(collection.region).casefold() == rule.region.casefold() else None
    return or_(column.is_(None), func.lower(cast(column, String)) == rule.region.lower())


def _column(collection: Guarded, named: ColumnElement[Any] | str | None) -> ColumnElement[Any] | None:
    return collection.table.c.get(named) if isinstance(named, str) else named
