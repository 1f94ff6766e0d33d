"""What the people concerned are told at each step: keys, so that each is told once, and never data they don't need."""

from datetime import date, datetime
from typing import Any

from django.utils import formats, translation

from apps.accounts.models import User
from apps.accounts.states import Role
from apps.notifications.services import notify
from apps.subject_requests.models import SubjectRequest


def tell_requester(
    subject_request: SubjectRequest, letter: str, /, *, now: datetime, once: str = "", **context: Any
) -> bool:
    """Mail to whoever filed the request. `once` tells two mails of one kind apart."""
    return _tell(subject_request.filed_by, subject_request, letter, now=now, once=once, context=context)


def tell_officers(
    subject_request: SubjectRequest, letter: str, /, *, now: datetime, once: str = "", **context: Any
) -> int:
    """Mail to the officer who has it, or to all officers while nobody has; never about their own request."""
    if subject_request.assigned_to is not None:
        officers = [subject_request.assigned_to]
    else:
        officers = list(User.objects.filter(is_active=True, staff_roles__role=Role.OFFICER).order_by("pk"))
    told = [
        _tell(officer, subject_request, letter, now=now, once=once, context=context)
        for officer in officers
        if officer.pk != subject_request.filed_by_id
    ]
    return sum(told)


def _tell(
    person: User, subject_request: SubjectRequest, letter: str, /, *, now: datetime, once: str, context: dict[str, Any]
) -> bool:
    with translation.override(person.language):  # the outbox holds JSON, so a date becomes words here
        plain = {name: _words(value) for name, value in context.items()}
    return notify(
        key=f"subject_requests.{letter}:{subject_request.pk}:{person.pk}:{once}".rstrip(":"),
        to=person.email,
        template=f"subject_requests/{letter}",
        language=person.language,
        context={"reference": subject_request.reference, "right": subject_request.right} | plain,
        now=now,
        about=subject_request.key,
    )


def _words(value: Any) -> Any:
    return formats.date_format(value, "DATE_FORMAT") if isinstance(value, date) else value
