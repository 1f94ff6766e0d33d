"""The clock's verbs. Each may run twice, late, or beside itself."""

from celery import shared_task

from apps.consent.models import Removal
from apps.consent.services import finance, proof, purposes, ranges, removals
from apps.core import clock

RANGES_AT_ONCE = 200  # of an hour each: whoever comes after a long standstill goes on with the next tick


@shared_task
def make_months_ahead() -> int:
    """Partitions for the months to come."""
    return proof.make_months(today=clock.now().date())


@shared_task
def drop_empty_months() -> int:
    """Partitions of past months in which nothing is left: the retention engine drops whole months, and empties others
    row by row."""
    return proof.drop_empty_months(today=clock.now().date())


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


@shared_task
def end_answers() -> int:
    """No yes outlives the purpose it was said to."""
    return purposes.end_answers()


@shared_task
def remove_what_ended() -> int:
    """Take away what ended consents and objections left without a ground, oldest first. Each removal is claimed."""
    due = Removal.objects.due(at=clock.now()).order_by("next_attempt_at").values_list("pk", flat=True)[:100]
    return sum(removals.work_on_removal(pk, now=clock.now()) for pk in list(due))


@shared_task
def release_payment_methods() -> int:
    """Delete withdrawn payment methods that nothing needs any more."""
    return finance.release_payment_methods(now=clock.now())
