"""Receipts of acts: given to whoever may have them, and proved for anybody."""

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _

from apps.consent.models import Event, Text
from apps.consent.receipts import iso27560, kantara, shown, signing
from apps.consent.receipts.facts import Facts, tell_facts
from apps.consent.receipts.record import Record, event_of, record_of
from apps.consent.receipts.shown import ReceiptPage
from apps.consent.receipts.signing import key_set
from apps.consent.texts import digest_of
from apps.core.errors import DomainError

__all__ = [
    "FORMATS",
    "Facts",
    "File",
    "Receipt",
    "ReceiptPage",
    "Verdict",
    "issue_receipt",
    "key_set",
    "receipt_file",
    "receipt_for_visitor",
    "show_receipt",
    "tell_facts",
    "verify_receipt",
]

Serialiser = Callable[..., dict[str, Any]]
FORMATS: Mapping[str, Serialiser] = {"iso": iso27560.serialise, "kantara": kantara.serialise}
FACTS = (
    *("scope", "subject_key", "action", "method", "choices", "text", "language", "register_version", "gpc"),
    *("page", "agent"),
)


@dataclass(frozen=True)
class Receipt:
    """One act in one form: what it says, and the same signed."""

    content: Mapping[str, Any]
    signed: str
    name: str  # of the file, without an ending


@dataclass(frozen=True)
class File:
    """A receipt to take away."""

    content: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Verdict:
    """What is known of a receipt whose signature is good. `agrees`: our event still says what it said when the receipt
    was issued; `words_agree`: the words it names are here, unchanged; None where there is nothing to compare."""

    kid: str
    issued_at: datetime
    standard: str
    record_id: str
    is_known: bool
    agrees: bool | None
    words_agree: bool | None


def issue_receipt(event: Event, *, form: str, now: datetime, record: Record | None = None) -> Receipt:
    """The receipt of an act, in one of `FORMATS`. Raises `DomainError` where that form can't say it."""
    content = FORMATS[form](record or record_of(event, now=now), now=now)
    signed = signing.sign(content, evidence=evidence_of(event), now=now)
    return Receipt(content, signed, f"consent-{form}-{event.at:%Y%m%d}-{event.id.hex[-8:]}")


def receipt_file(event: Event, *, form: str, is_plain: bool, now: datetime) -> File:
    """The signed receipt, or with `is_plain` what it says as JSON that people can read. Raises `DomainError` for a form
    that there is not, or that can't say it."""
    if form not in FORMATS:
        raise DomainError("unknown_form", _("There is no receipt in that form."))
    receipt = issue_receipt(event, form=form, now=now)
    written = json.dumps(receipt.content, indent=2, ensure_ascii=False) if is_plain else receipt.signed
    kind, ending = ("application/json", "json") if is_plain else ("application/jose", "jws")
    headers = {
        "Content-Type": kind,
        "Content-Disposition": f'attachment; filename="{receipt.name}.{ending}"',
        "Cache-Control": "no-store",
    }
    return File(f"{written}\n".encode(), headers)


def receipt_for_visitor(event: uuid.UUID, visitor: str) -> Event | None:
    """A visitor's own act: the id of the act and the visitor's random id must both be right. Whoever signed in when
    they chose reads it in their account too."""
    return Event.objects.identified(event).filter(subject_key=visitor, scope__startswith="site:").first()


def show_receipt(event: Event, *, now: datetime) -> ReceiptPage:
    """What the page of a receipt shows: for `consent/receipt_body.html`, in whatever app's page it stands."""
    record, why_not = record_of(event, now=now), ""
    try:
        kantara.serialise(record, now=now)
    except DomainError as error:
        why_not = error.message
    return shown.show_receipt(record, why_no_kantara=why_not, now=now)


def evidence_of(event: Event) -> str:
    """SHA-256 over everything about an event that can't change."""
    facts = {name: getattr(event, name) for name in FACTS} | {
        "id": str(event.id),
        "at": event.at.astimezone(UTC).isoformat(),
        "received_at": event.received_at.astimezone(UTC).isoformat(),
        "user": str(event.user_id or ""),
        "previous": str(event.previous or ""),
    }
    written = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(written.encode()).hexdigest()


def verify_receipt(receipt: str) -> Verdict:
    """Whether a receipt is ours and unchanged, and whether our own record agrees. Tells nothing that is not in it.

    Raises `DomainError`: `malformed`, `unknown_key`, `changed`.
    """
    signed = signing.read(receipt)
    is_iso = "schema_version" in signed.content
    identifier = str(signed.content["receipt_id" if is_iso else "consentReceiptID"])
    event = Event.objects.identified(event_of(uuid.UUID(identifier))).first()
    return Verdict(
        kid=signed.kid,
        issued_at=signed.issued_at,
        standard=signed.content["schema_version" if is_iso else "version"],
        record_id=signed.content["record_id"] if is_iso else identifier,
        is_known=event is not None,
        agrees=evidence_of(event) == signed.evidence if event else None,
        words_agree=_words_agree(event) if event else None,
    )


def _words_agree(event: Event) -> bool | None:
    text = Text.objects.filter(digest=event.text).first()
    return digest_of(text.notice, text.language, text.body) == event.text if text else None
