"""The register of purposes: what people are asked, in which words; adding one, wording it anew, ending it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from apps.consent.models import Purpose, Text
from apps.consent.services.texts import publish_texts
from apps.consent.states import Basis
from apps.core.errors import DomainError, InvalidInput
from apps.datamap.services import known_categories
from apps.ledger.services import record
from apps.processors.models import Processor

VALIDITY = re.compile(r"^P([1-9]\d{0,2}[DM]|[1-9]Y)$")  # ISO 8601; "" stands for: until withdrawn
LANGUAGES = ("en", "nl", "ar")
ANSWERS_AT_ONCE = 5_000
END_ANSWERS = """
WITH due AS (
    SELECT s.scope, s.subject_key, s.purpose, s.event, p.ended_at
    FROM consent_state s JOIN consent_purpose p ON p.key = s.purpose
    WHERE p.ended_at IS NOT NULL AND s.is_allowed AND (s.until IS NULL OR s.until > p.ended_at)
    LIMIT %(at_most)s FOR UPDATE OF s SKIP LOCKED
), proof AS (
    UPDATE consent_event e SET ended_at = due.ended_at FROM due
    WHERE e.at = consent_instant_of(due.event) AND e.id = due.event AND e.at <= due.ended_at
        AND (e.ended_at IS NULL OR e.ended_at > due.ended_at)
        AND (SELECT count(*) FROM jsonb_object_keys(e.choices)) = 1
)
UPDATE consent_state s SET until = due.ended_at FROM due
WHERE (s.scope, s.subject_key, s.purpose) = (due.scope, due.subject_key, due.purpose)
"""


@dataclass(frozen=True)
class Content:
    """What a purpose says besides its words. Its basis never changes: another basis is another purpose."""

    validity: str = ""
    data_categories: Sequence[str] = ()
    recipients: Sequence[str] = ()
    is_marketing: bool = False

    @property
    def values(self) -> dict[str, Any]:
        lists = {"data_categories": list(self.data_categories), "recipients": list(self.recipients)}
        return {"validity": self.validity, "is_marketing": self.is_marketing} | lists


Bodies = Mapping[str, Mapping[str, str]]


@transaction.atomic
def add_purpose(*, key: str, basis: str, content: Content, bodies: Bodies, actor: str, now: datetime) -> Purpose:
    """A new purpose with the first version of its words. Raises `InvalidInput`."""
    _check(content, bodies)
    if Purpose.objects.filter(pk=key).exists():
        raise InvalidInput("key", _("There is a purpose with this key already."))
    purpose = Purpose.objects.create(key=key, basis=Basis(basis), created_at=now, **content.values)
    record(actor=actor, verb="consent.purpose_added", target=purpose.target, at=now, basis=basis)
    publish_texts(notice=key, bodies=bodies, is_material=True, actor=actor, now=now)
    return purpose


@transaction.atomic
def change_purpose(
    *, key: str, content: Content, bodies: Bodies, is_material: bool, seen_version: int, actor: str, now: datetime
) -> int:
    """Publish what the purpose says from now on; the version of its words that stands then.

    `is_material`: whoever agreed to the earlier words is asked again. `seen_version`: which version was read before it
    was written anew. Raises `InvalidInput`, and `DomainError` where it has ended or others were quicker.
    """
    purpose = _locked(key)
    if latest_version(key) != seen_version:
        raise DomainError("stale", _("Somebody published another version while you wrote. Look at it first."))
    _check(content, bodies)
    changed = sorted(name for name, value in content.values.items() if getattr(purpose, name) != value)
    if changed:
        Purpose.objects.filter(pk=key).update(**content.values)
        record(actor=actor, verb="consent.purpose_changed", target=purpose.target, at=now, changed=changed)
    publish_texts(notice=key, bodies=bodies, is_material=is_material, actor=actor, now=now)
    return latest_version(key)


@transaction.atomic
def end_purpose(*, key: str, actor: str, now: datetime) -> Purpose:
    """Nobody can say yes to it any more, and no yes holds; the clock lets the answers end (`end_answers`)."""
    purpose = _locked(key)
    purpose.ended_at = now
    purpose.save(update_fields=["ended_at"])
    record(actor=actor, verb="consent.purpose_ended", target=purpose.target, at=now)
    return purpose


@transaction.atomic
def end_answers(*, at_most: int = ANSWERS_AT_ONCE) -> int:
    """Let every yes to an ended purpose end with it, which starts the five years of its proof; how many did now."""
    if not Purpose.objects.exclude(ended_at=None).exists():
        return 0
    with connection.cursor() as cursor:
        cursor.execute(END_ANSWERS, {"at_most": at_most})
        return int(cursor.rowcount)


def latest_version(key: str) -> int:
    return int(Text.objects.filter(notice=key).aggregate(version=Max("version"))["version"] or 0)


def unknown_categories(categories: Sequence[str]) -> list[str]:
    """Those that the taxonomy of the data map lacks."""
    return sorted(set(categories) - known_categories())


def _locked(key: str) -> Purpose:
    purpose = Purpose.objects.select_for_update().get(pk=key)
    if purpose.ended_at:
        raise DomainError("ended", _("This purpose has ended."))
    return purpose


def _check(content: Content, bodies: Bodies) -> None:
    if content.validity and not VALIDITY.match(content.validity):
        raise InvalidInput("validity", _("Enter a period like P6M or P2Y, or nothing."))
    if unknown := unknown_categories(content.data_categories):
        message = _("The data map knows no category “%(name)s”.")
        raise InvalidInput("data_categories", message % {"name": unknown[0]})
    known = set(Processor.objects.filter(name__in=content.recipients).values_list("name", flat=True))
    for name in content.recipients:
        if name not in known:
            message = _("The register of processors knows no company “%(name)s”.")
            raise InvalidInput("recipients", message % {"name": name})
    if set(bodies) != set(LANGUAGES) or len({frozenset(body) for body in bodies.values()}) != 1:
        raise InvalidInput("texts", _("The words must be there in every language, place by place."))
