"""What the preference page shows of one address: a switch a purpose."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.consent.models import Text
from apps.consent.presentation.answers import words
from apps.consent.services.enrichment import ENRICHMENT, enrichment_of
from apps.consent.services.subscriptions import NEWSLETTER, PRODUCTS, marketing_of
from apps.core.identities import Identity, mask


@dataclass(frozen=True)
class Preference:
    """One purpose: its words, whether it is on; `is_offered` False where there is nothing to switch. `is_alone`: the
    person objects to all direct marketing, and lets this one go on by itself, or would."""

    key: str
    text: Text
    is_on: bool
    is_offered: bool = True
    is_alone: bool = False


def page(identity: Identity, *, now: datetime) -> dict[str, Any]:
    marketing, enrichment = marketing_of(identity, at=now), enrichment_of(identity)
    alone = {"is_alone": marketing.is_objected}
    products = Preference(PRODUCTS, words(PRODUCTS), bool(marketing.products), marketing.products is not None, **alone)
    return {
        "address": mask(identity),
        "preferences": [Preference(NEWSLETTER, words(NEWSLETTER), marketing.newsletter, **alone), products],
        "is_objected": marketing.is_objected,
        "is_all_off": marketing.is_objected and not marketing.is_any_on and enrichment.objected_at is not None,
        "enrichment": Preference(ENRICHMENT, words(ENRICHMENT), enrichment.objected_at is None),
    }


def about_enrichment(identity: Identity) -> dict[str, Any]:
    return {"address": mask(identity), "text": words(ENRICHMENT), "enrichment": enrichment_of(identity)}
