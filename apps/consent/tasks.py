"""The clock's verbs of consent."""

from celery import shared_task

from apps.consent.models import Removal
from apps.consent.services.finance import release_payment_methods as release
from apps.consent.services.removals import work_on_removal
from apps.core import clock


@shared_task
def remove_what_ended() -> int:
    """Take away what ended consents and objections left without a ground, oldest first. Each removal is claimed."""
    due = Removal.objects.due(at=clock.now()).order_by("next_attempt_at").values_list("pk", flat=True)[:100]
    return sum(work_on_removal(pk, now=clock.now()) for pk in list(due))


@shared_task
def release_payment_methods() -> int:
    """Delete withdrawn payment methods that nothing needs any more."""
    return release(now=clock.now())
