"""One step for many requests. A refusal stops none of the others, and each is told with its reason."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from apps.core.errors import DomainError
from apps.subject_requests.models import SubjectRequest


@dataclass
class Results:
    """What became of each request: done, or not and why."""

    done: list[SubjectRequest] = field(default_factory=list)
    refused: list[tuple[SubjectRequest, str]] = field(default_factory=list)


def take_each(
    subject_requests: Iterable[SubjectRequest],
    *,
    may: Callable[[SubjectRequest], bool],
    step: Callable[[SubjectRequest], Any],
) -> Results:
    """Take the step on each request it is allowed on, one transaction a request: half a list is never lost.

    `may` is asked again here, because the list was chosen some time ago. There is no refusing in bulk: a refusal is
    reasoned for one person (GDPR 12(4)).
    """
    results = Results()
    for subject_request in subject_requests:
        if not may(subject_request):
            results.refused.append((subject_request, _("This step is not possible for it now.")))
            continue
        try:
            step(subject_request)
            results.done.append(subject_request)
        except DomainError as error:
            results.refused.append((subject_request, str(error)))
    return results
