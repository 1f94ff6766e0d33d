"""A record as ISO/IEC TS 27560:2023 has it, in the profile for the GDPR.

The names of the fields are those of the W3C Data Privacy Vocabularies group's guide to the standard (final report of
2026-02-15), in snake case. `schemas/iso27560.json` says which there are. Acts that are no consent (a mandate, an
objection) are recorded with the legal basis they have, and with states of our own: the standard has none for them.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from apps.consent.receipts.facts import Facts
from apps.consent.receipts.record import Record, Step, principal_of
from apps.consent.states import Basis, Method

VERSION = "ISO-27560:2023"
PROFILE = "https://w3id.org/dpv/schema/dpv-27560#receipt-eu-gdpr"
BASES = {Basis.CONSENT: "eu-gdpr:A6-1-a", Basis.MANDATE: "eu-gdpr:A6-1-b", Basis.INTEREST: "eu-gdpr:A6-1-f"}
RIGHTS = ("A7-3", "A13", "A15", "A16", "A17", "A18", "A20", "A21", "A77")
PROOF_KEPT = "P5Y"  # after the end of its effect (CON-4)
UNTIL_WITHDRAWN = "until-withdrawn"
SPECIAL = (  # GDPR 9(1)
    *("user.biometric", "user.authorization.biometric", "user.health_and_medical"),
    *("user.demographic.political_opinion", "user.demographic.race_ethnicity"),
    *("user.demographic.religious_belief", "user.demographic.sexual_orientation"),
)


def serialise(record: Record, *, now: datetime) -> dict[str, Any]:
    """The receipt as a JSON object."""
    return {
        "schema_version": VERSION,
        "conforms_to": PROFILE,
        "receipt_id": str(record.receipt_id),
        "record_id": str(record.id),
        "created": stamp(now),
        "pii_principal_id": record.principal,
        "record_retention": PROOF_KEPT,
        "pii_processing": [
            {
                "privacy_notice": _notice(record),
                "language": record.event.language,
                "purposes": [_purpose(record, key) for key in record.facts],
            }
        ],
        "party_identification": [*_parties(record)],
        "event": [entry for step in record.steps for entry in _events(record, step)],
    }


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def is_special(category: str) -> bool:
    """Whether it is a special category of personal data (GDPR 9(1))."""
    return any(category == special or category.startswith(f"{special}.") for special in SPECIAL)


def _notice(record: Record) -> dict[str, Any]:
    text = record.text
    version = {"id": text.notice, "version": text.version} if text else {"id": record.event.scope}
    register = record.event.register_version
    listed = {"register_version": register} if register is not None else {}
    return version | {"sha256": record.event.text, "url": f"{record.base_url}/"} | listed


def _purpose(record: Record, key: str) -> dict[str, Any]:
    facts, provider = record.facts[key], record.provider
    return {
        "purpose": key,
        "purpose_name": record.titles[key],
        "purpose_type": "marketing" if facts.is_marketing else "service",
        "lawful_basis": BASES[Basis(facts.basis)],
        "service": record.event.scope,
        "pii_information": [
            {"pii_type": category, "pii_optional": True, "special_pii_category": is_special(category)}
            for category in facts.data_categories or ("user",)
        ],
        "pii_controllers": ["controller"],
        "recipient_third_parties": [_recipient_id(record, name) for name in facts.recipients],
        "collection_method": record.method,
        "storage_locations": provider["storage_countries"],
        "retention_period": facts.validity or UNTIL_WITHDRAWN,
        "jurisdiction": provider["jurisdiction"],
        "withdrawal_method": record.withdrawal_url,
        "privacy_rights": {"rights": [f"eu-gdpr:{one}" for one in RIGHTS], "url": f"{record.base_url}/requests/new/"},
        "authority_party": "authority",
    }


def _recipient_id(record: Record, name: str) -> str:
    place = [recipient.name for recipient in record.recipients].index(name)
    return f"recipient-{place + 1}"


def _parties(record: Record) -> Iterator[dict[str, Any]]:
    provider = record.provider
    yield {"party_id": record.principal, "party_type": "data-subject", "party_role": "pii-principal"}
    yield {
        "party_id": "controller",
        "party_name": provider["name"],
        "party_address": provider["address"],
        "party_contact": provider["dpo_email"],
        "party_type": "organisation",
        "party_role": "controller",
        "email": provider["dpo_email"],
        "url": record.base_url,
    }
    yield {
        "party_id": "authority",
        "party_name": provider["authority_name"],
        "party_address": provider["jurisdiction"],
        "party_contact": provider["authority_url"],
        "party_type": "authority",
        "party_role": "supervisory-authority",
        "url": provider["authority_url"],
    }
    for place, recipient in enumerate(record.recipients, start=1):
        yield {
            "party_id": f"recipient-{place}",
            "party_name": recipient.name,
            "party_address": recipient.country or "not stated",
            "party_contact": provider["dpo_email"],  # the register names no contact: we pass it on
            "party_type": "organisation",
            "party_role": recipient.capacity or "recipient",
        }


def _events(record: Record, step: Step) -> Iterator[dict[str, Any]]:
    """One entry for each state: several categories answered in one act may have got different answers."""
    for state in dict.fromkeys(step.states.values()):
        purposes = [key for key, own in step.states.items() if own == state]
        entry = {
            "event_time": stamp(step.at),
            "event_type": "expressed" if step.event and step.event.method == Method.SIGNAL else "explicit",
            "event_state": state,
            "validity_duration": _validity(record.facts[purposes[0]]),
            "entity_id": record.principal if step.event else "controller",
            "purposes": purposes,
        }
        yield entry | (_of_act(step.event) if step.event else {})


def _validity(facts: Facts) -> str:
    return facts.validity or UNTIL_WITHDRAWN


def _of_act(event: Any) -> dict[str, Any]:
    actor = {"acting_person": principal_of(f"user:{event.user_id}")} if event.user_id else {}
    previous = str(event.previous) if event.previous else None
    return {"event_id": str(event.id), "method": f"{event.method}:{event.action}", "previous": previous} | actor
