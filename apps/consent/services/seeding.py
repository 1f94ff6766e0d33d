"""Loading the purposes that people are asked about, with the words they are shown."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from django.db import transaction

from apps.consent.models import Purpose, Text
from apps.consent.services.texts import publish_texts
from apps.consent.states import Basis
from apps.ledger.services import record

PURPOSES = Path(__file__).parent.parent / "data" / "purposes.yml"


@dataclass(frozen=True)
class Seeded:
    """How many purposes were new, and how many were there."""

    added: int
    unchanged: int


@transaction.atomic
def seed_purposes(*, now: datetime, actor: str = "command") -> Seeded:
    """Load the purposes that are not there yet, and the words of those that have none. What people changed stays."""
    stated = yaml.safe_load(PURPOSES.read_text(encoding="utf-8"))
    known = set(Purpose.objects.filter(key__in=stated).values_list("key", flat=True))
    for key in stated.keys() - known:
        _add(key, stated[key], actor=actor, now=now)
    worded = set(Text.objects.filter(notice__in=stated).values_list("notice", flat=True))
    for key in sorted(stated.keys() - worded):
        publish_texts(notice=key, bodies=stated[key]["texts"], is_material=True, actor=actor, now=now)
    return Seeded(len(stated) - len(known), len(known))


def _add(key: str, stated: dict[str, Any], *, actor: str, now: datetime) -> None:
    basis = Basis(stated["basis"])
    Purpose.objects.create(
        key=key,
        basis=basis,
        validity=stated.get("validity", ""),
        data_categories=stated["data_categories"],
        recipients=stated["recipients"],
        is_marketing=stated.get("is_marketing", False),
        created_at=now,
    )
    record(actor=actor, verb="consent.purpose_added", target=f"consent.purpose:{key}", at=now, basis=str(basis))
