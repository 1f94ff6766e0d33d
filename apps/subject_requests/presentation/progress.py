"""How far the worker is with a request that was approved."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from apps.subject_requests.models import SubjectRequest
from apps.subject_requests.states import Status, TaskStatus


def progress_of(subject_request: SubjectRequest, *, address: str) -> dict[str, Any] | None:
    """`progress`, while there is any to show."""
    return progress(subject_request, address=address) if subject_request.status == Status.EXECUTING else None


def progress(subject_request: SubjectRequest, *, address: str) -> dict[str, Any]:
    """What `components/progress.html` shows; `address` names the view of that part alone.

    What is executed is done only when the second search has found nothing.
    """
    tasks = list(subject_request.store_tasks.all())
    return {
        "label": _("Carrying it out, system by system"),
        "done": sum(task.status == TaskStatus.CONFIRMED for task in tasks),
        "total": len(tasks),
        "url": reverse(address, args=[subject_request.reference]),
        "is_done": subject_request.status != Status.EXECUTING,
        "ending": _("The work on this request has ended."),
    }
