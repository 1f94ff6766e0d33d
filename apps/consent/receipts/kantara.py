"""A consent as the Kantara Initiative's Consent Receipt v1.1 has it (`schemas/kantara.json`).

It is a receipt for a consent and nothing else: for what rests on another legal basis, and for a no, none is written.
"""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from apps.consent.receipts.iso27560 import is_special
from apps.consent.receipts.record import GIVEN, Record
from apps.consent.states import Basis
from apps.core.errors import DomainError

VERSION = "KI-CR-v1.1.0"
# Where a key of the taxonomy lies in the categories of the specification's appendix; the first that fits.
CATEGORIES = (
    ("user.payment", "Financial"),
    ("user.financial", "Financial"),
    ("user.contact", "Contact"),
    ("user.name", "Biographical"),
    ("user.demographic", "Biographical"),
    ("user.biometric", "Biometric"),
    ("user.health_and_medical", "Health"),
    ("user.government_id", "Government ID"),
    ("user.content", "Communications/Social"),
    ("user.social", "Communications/Social"),
    ("user.behavior", "Behavioral"),
    ("user.job_title", "Employment"),
    ("user.workplace", "Employment"),
    ("", "Network/Service"),
)
NOT_STATED = "not stated"


def serialise(record: Record, *, now: datetime) -> dict[str, Any]:
    """The receipt as a JSON object. Raises `DomainError`: `not_consent`, or `nothing_given` for a no."""
    given = _given(record)
    special = sorted({each for key in given for each in record.facts[key].data_categories if is_special(each)})
    return {
        "version": VERSION,
        "jurisdiction": record.provider["jurisdiction"],
        "consentTimestamp": int(record.event.at.timestamp()),
        "collectionMethod": record.method,
        "consentReceiptID": str(record.receipt_id),
        "language": record.event.language,
        "piiPrincipalId": record.principal,
        "piiControllers": [_controller(record)],
        "policyUrl": f"{record.base_url}/",
        "services": [{"service": record.event.scope, "purposes": [_purpose(record, key) for key in given]}],
        "sensitive": bool(special),
        "spiCat": special,
    }


def _given(record: Record) -> list[str]:
    bases = {Basis(facts.basis) for facts in record.facts.values()}
    if bases != {Basis.CONSENT}:
        message = _(
            "A Kantara receipt confirms a consent, and this is none: it rests on another legal basis. The receipt "
            "after ISO/IEC TS 27560 says which."
        )
        raise DomainError("not_consent", message)
    given = [key for key, state in record.states.items() if state in GIVEN]
    if not given:
        message = _(
            "A Kantara receipt confirms a consent, and here nothing was agreed to. The receipt after "
            "ISO/IEC TS 27560 says what was decided."
        )
        raise DomainError("nothing_given", message)
    return given


def _controller(record: Record) -> dict[str, Any]:
    provider = record.provider
    return {
        "piiController": provider["name"],
        "onBehalf": False,
        "contact": provider["dpo_email"],
        "address": {"streetAddress": provider["address"], "addressCountry": provider["jurisdiction"]},
        "email": provider["dpo_email"],
        "phone": provider["phone"] or NOT_STATED,
        "piiControllerUrl": record.base_url,
    }


def _purpose(record: Record, key: str) -> dict[str, Any]:
    facts = record.facts[key]
    categories = [_category(category) for category in facts.data_categories or ("user",)]
    discloses = {"thirdPartyName": ", ".join(facts.recipients)} if facts.recipients else {}
    return {
        "purpose": record.titles[key],
        "purposeCategory": [_kind(key, is_marketing=facts.is_marketing)],
        "consentType": "EXPLICIT",
        "piiCategory": list(dict.fromkeys(categories)),
        "primaryPurpose": False,
        "termination": facts.validity or "until withdrawn",
        "thirdPartyDisclosure": bool(facts.recipients),
    } | discloses


def _kind(key: str, *, is_marketing: bool) -> str:
    if is_marketing:
        return "Marketing"
    return {"performance": "Improve Performance", "functional": "Personalized Experience"}.get(
        key, "Contracted Service"
    )


def _category(category: str) -> str:
    return next(name for prefix, name in CATEGORIES if category.startswith(prefix))
