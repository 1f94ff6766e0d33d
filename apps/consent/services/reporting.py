"""What a customer's systems report of its end users: many decisions at once, all of them or none."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from apps.consent.ids import decided_at
from apps.consent.models import Event, Objection, State
from apps.consent.services.limits import lift_objection, object_to_purpose
from apps.consent.services.recording import Decision, record_decision
from apps.consent.states import Action, Method
from apps.core.errors import DomainError


@dataclass(frozen=True)
class Report:
    """One decision of one end user. `text` is the digest of the words that the customer showed, and keeps."""

    id: uuid.UUID
    subject_key: str
    action: Action
    choices: Mapping[str, bool]
    text: str
    language: str
    until: datetime | None = None


@transaction.atomic
def report_decisions(*, scope: str, reports: Sequence[Report], source: str, now: datetime) -> int:
    """Write those that are new, the oldest first; how many. An objection stands from then on, until the same person
    agrees to the same purpose again. Raises `DomainError` where an id stands for something else (T46)."""
    new = 0
    for report in sorted(reports, key=lambda each: each.id.int):
        told = {
            name: getattr(report, name)
            for name in ("id", "subject_key", "action", "choices", "text", "language", "until")
        }
        if record_decision(Decision(scope=scope, method=Method.API, **told), now=now):
            new += 1
            _carry_through(scope, report, source=source, now=now)
        elif not _is_known(scope, report):
            raise DomainError("id", _("Another decision has one of these ids; nothing was written."))
    return new


def _is_known(scope: str, report: Report) -> bool:
    same = {name: getattr(report, name) for name in ("id", "action", "text", "language")}
    return Event.objects.of(scope, report.subject_key).filter(choices=dict(report.choices), **same).exists()


def _carry_through(scope: str, report: Report, *, source: str, now: datetime) -> None:
    """In whatever order two decisions arrive, the later one of the two holds."""
    at = min(decided_at(report.id, now=now), now)
    if report.action == Action.OBJECTED:
        agreed = State.objects.of(scope, report.subject_key).filter(is_allowed=True, since__gt=at)
        later = set(agreed.values_list("purpose", flat=True))
        for purpose in report.choices.keys() - later:
            said = {"scope": scope, "subject_key": report.subject_key, "purpose": purpose, "source": source}
            object_to_purpose(**said, actor="system", since=at, now=now)
    elif any(report.choices.values()):
        holding = State.objects.of(scope, report.subject_key).filter(event=report.id)  # nothing newer was said
        standing = Objection.objects.of(scope, report.subject_key).open().filter(since__lte=at)
        for objection in standing.filter(purpose__in=list(holding.values_list("purpose", flat=True))):
            lift_objection(objection, actor="system", now=now)
