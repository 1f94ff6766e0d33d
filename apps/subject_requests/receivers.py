"""What requests do when something happens below: a legal hold that ends lets waiting erasures go on."""

from datetime import datetime
from typing import Any

from django.db.models import Sum
from django.dispatch import receiver
from django.utils import formats
from django.utils.translation import ngettext

from apps.retention.models import Hold
from apps.retention.signals import hold_asked_about, hold_lifted
from apps.subject_requests import services
from apps.subject_requests.models import PendingErasure


@receiver(hold_lifted, dispatch_uid="pending erasures go on")
def let_pending_go(sender: Any, *, hold: Hold, now: datetime, **_more: Any) -> int:
    """What the hold kept is due now; whatever else still protects it is asked again."""
    return services.hurry_pending(now=now)


@receiver(hold_asked_about, dispatch_uid="pending erasures stopped by a hold")
def pending_because_of(sender: Any, *, hold: Hold, **_more: Any) -> list[tuple[str, int]]:
    """How many erasures wait for this hold to end."""
    waiting = PendingErasure.objects.waiting().filter(kind="hold", ground=hold.reference)
    requests = waiting.order_by().values("request").distinct().count()
    rows = waiting.aggregate(rows=Sum("count"))["rows"] or 0
    if not requests:
        return []
    words = ngettext(
        "The erasure of %(requests)s request waits for it: %(rows)s rows.",
        "The erasures of %(requests)s requests wait for it: %(rows)s rows.",
        requests,
    )
    told = {"requests": formats.number_format(requests), "rows": formats.number_format(rows)}
    return [(words % told, requests)]
