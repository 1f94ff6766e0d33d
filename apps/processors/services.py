"""The verbs of the register: load what was stated, write a version, approve it, end an engagement."""

import csv
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from apps.core.clock import local_date
from apps.core.errors import DomainError, InvalidInput
from apps.ledger.services import record
from apps.processors.mechanisms import Standing
from apps.processors.models import Engagement, Processor
from apps.processors.states import Capacity, Mechanism

STATED = Path(__file__).parent / "data" / "processors.csv"
STATED_IN = 2020
SEED = uuid.UUID("6f5c1f0e-2b0f-5d5e-9a53-0f2a4b7c9d11")  # so that the same row gets the same line everywhere
# In 2020 there were no other clauses; and `processor` is read the careful way until an administrator corrects it.
STATED_MECHANISMS = {"": "", "SCC": Mechanism.SCC_2010, "BCR": Mechanism.BCR}
STATED_CAPACITIES = {"processor": Capacity.SUB_PROCESSOR, "controller": Capacity.CONTROLLER}


@dataclass(frozen=True)
class Seeded:
    """How many rows of the statement were new, and how many were there."""

    added: int
    unchanged: int


@transaction.atomic
def seed_processors(*, now: datetime, actor: str = "command") -> Seeded:
    """Load the processors that the statement of 2020 names. Adds what is missing, never touches what people changed."""
    with STATED.open(encoding="utf-8", newline="") as file:
        rows = {uuid.uuid5(SEED, row["name"]): row for row in csv.DictReader(file)}
    known = set(Engagement.objects.filter(line__in=rows, version=1).values_list("line", flat=True))
    for line, row in rows.items():
        if line in known:
            continue
        stated = Engagement(line=line, processor=_company(row["name"]), stated_in=STATED_IN, **_stated(row))
        stated.drafted_at = stated.published_at = now
        stated.full_clean()
        stated.save()
        record(actor=actor, verb="processors.stated", target=stated.target, at=now, version=1, stated_in=STATED_IN)
    return Seeded(len(rows) - len(known), len(known))


def _stated(row: Mapping[str, str]) -> dict[str, Any]:
    return {
        "service": row["service"],
        "country": row["country"],
        "mechanism": STATED_MECHANISMS[row["transfer_mechanism"]],
        "capacity": STATED_CAPACITIES[row["role"]],
        "note": row["source_note"],
    }


@transaction.atomic
def save_engagement(
    *,
    name: str,
    content: Mapping[str, Any],
    line: uuid.UUID | None = None,
    seen_version: int = 0,
    approve: bool = False,
    actor: str,
    now: datetime,
) -> Engagement:
    """Write a new version of an engagement, or the first of a new one (`line` None); publish it if `approve`.

    `content` has the keys of `Engagement.CONTENT`; `seen_version` is the version that the writer started from. Raises
    `InvalidInput` for what can't be approved (PRO-3), `DomainError("stale")` if somebody else wrote meanwhile.
    """
    line = line or uuid.uuid4()
    latest = _lock(line)
    if (latest.version if latest else 0) != seen_version:
        raise DomainError("stale", _("Somebody else changed this entry while you wrote. Look at it and try again."))
    company = _company(name)
    _refuse_double(company, content["service"], line)
    Engagement.objects.of_line(line).filter(published_at=None, replaced_at=None).update(replaced_at=now)
    engagement = Engagement(processor=company, line=line, version=seen_version + 1, drafted_at=now)
    for field in Engagement.CONTENT:
        setattr(engagement, field, content[field])
    engagement.full_clean()
    engagement.save()
    record(actor=actor, verb="processors.drafted", target=engagement.target, at=now, version=engagement.version)
    return _approve(engagement, actor=actor, now=now) if approve else engagement


def _approve(engagement: Engagement, *, actor: str, now: datetime) -> Engagement:
    """Publish a draft in place of what was published before, if its transfer mechanism carries today."""
    standing = engagement.standing(on=local_date(now))
    if not standing.carries:
        raise InvalidInput("mechanism", _why_not(engagement, standing), code=f"mechanism_{standing.code}")
    Engagement.objects.of_line(engagement.line).published().update(replaced_at=now)
    engagement.published_at = engagement.approved_at = now
    engagement.save(update_fields=["published_at", "approved_at"])
    record(
        actor=actor,
        verb="processors.approved",
        target=engagement.target,
        at=now,
        version=engagement.version,
        country=engagement.country,
        mechanism=engagement.mechanism or None,
    )
    return engagement


@transaction.atomic
def end_engagement(line: uuid.UUID, *, actor: str, now: datetime) -> None:
    """Take the entry off the list: what is published and what is drafted. Its versions stay in the history."""
    latest = _lock(line)
    current = Engagement.objects.of_line(line).current()
    if latest is None or not current.update(replaced_at=now):
        raise DomainError("ended", _("This entry is off the list already."))
    record(actor=actor, verb="processors.ended", target=latest.target, at=now, version=latest.version)


@transaction.atomic
def drop_draft(line: uuid.UUID, *, actor: str, now: datetime) -> None:
    """Give up what was written and not approved."""
    latest = _lock(line)
    if latest is None or not latest.is_draft or latest.replaced_at:
        raise DomainError("no_draft", _("There is no draft any more."))
    Engagement.objects.of_line(line).filter(pk=latest.pk).update(replaced_at=now)
    record(actor=actor, verb="processors.draft_dropped", target=latest.target, at=now, version=latest.version)


def _lock(line: uuid.UUID) -> Engagement | None:
    """The latest version of the line, which nobody else can write until this transaction ends."""
    anchor = Engagement.objects.of_line(line).filter(version=1)
    if anchor.select_for_update(of=("self",)).first() is None:
        return None
    return Engagement.objects.of_line(line).last()  # a second statement: it sees what was committed while we waited


def _company(name: str) -> Processor:
    company, _made = Processor.objects.get_or_create(name__iexact=name, defaults={"name": name})
    return company


def _refuse_double(company: Processor, service: str, line: uuid.UUID) -> None:
    twins = Engagement.objects.current().filter(processor=company, service__iexact=service).exclude(line=line)
    if twins.exists():
        message = _("%(company)s is on the list for this service already.")
        raise InvalidInput("service", message % {"company": company.name}, code="double")


def _why_not(engagement: Engagement, standing: Standing) -> str:
    mechanism = engagement.get_mechanism_display()
    match standing.code:
        case "missing":
            return _("Choose a transfer mechanism: outside the EEA nobody is approved without one.")
        case "lapsed":
            return _("%(mechanism)s carried transfers until %(day)s. Choose one that is valid today.") % {
                "mechanism": mechanism,
                "day": _day(standing.on),
            }
        case "not_yet":
            message = _("%(mechanism)s does not carry transfers before %(day)s.")
            return message % {"mechanism": mechanism, "day": _day(standing.on)}
        case "not_listed":
            return _("Check the Data Privacy Framework list and confirm below that the company is on it.")
    return _("%(mechanism)s does not lead to this country. Choose another one.") % {"mechanism": mechanism}


def _day(day: date | None) -> str:
    return date_format(day, "j F Y") if day else ""
