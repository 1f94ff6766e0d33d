"""The clock's verbs. Each may run twice, late, or beside itself."""

from celery import shared_task

from apps.consent.services import proof, ranges
from apps.core import clock

RANGES_AT_ONCE = 200  # of an hour each: whoever comes after a long standstill goes on with the next tick


@shared_task
def make_months_ahead() -> int:
    """Partitions for the months to come."""
    return proof.make_months(today=clock.now().date())


@shared_task
def close_ranges() -> int:
    """Count and digest what was received until a quarter of an hour ago, and tell the ledger."""
    now = clock.now()
    closed = 0
    while closed < RANGES_AT_ONCE and ranges.close_range(now=now):
        closed += 1
    return closed


@shared_task
def end_replaced_choices() -> int:
    """Visitors' choices that a newer one replaced have their end, from which their proof is kept for five years."""
    return proof.end_replaced_choices(now=clock.now())
