from celery import shared_task

from apps.core import clock
from apps.notifications import services
from apps.notifications.models import OutgoingMessage


@shared_task
def deliver_messages() -> int:
    """Deliver what is due, oldest first. Safe to run twice, late, or beside itself: each message is claimed."""
    now = clock.now()
    due = OutgoingMessage.objects.due(at=now).order_by("created_at").values_list("pk", flat=True)[:500]
    return sum(services.deliver(pk, now=clock.now()) for pk in list(due))
