"""Identities of people in their one canonical form; matching anywhere in the portal is on that form alone.

- `email`: Unicode NFKC, spaces around it stripped, lower case, domain in IDNA 2008 (A-labels), no trailing dot.
  Nothing is guessed: plus tags and dots of the local part stay, a look-alike letter stays another letter (T9).
- `phone_number`: E.164 as `phonenumbers` writes it; a number without country code needs a region.
- `account_id`, `customer_reference`: NFKC, spaces around it stripped; upper and lower case differ.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

import idna
import phonenumbers
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.errors import InvalidInput

MAX_LENGTH = 254  # RFC 5321: the longest path without its brackets
LOCAL_PART = re.compile(r"^[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f]+$")


class IdentityType(StrEnum):
    EMAIL = "email"
    PHONE_NUMBER = "phone_number"
    ACCOUNT_ID = "account_id"
    CUSTOMER_REFERENCE = "customer_reference"

    @property
    def label(self) -> str:
        return str(LABELS[self])


LABELS = {
    IdentityType.EMAIL: gettext_lazy("E-mail address"),
    IdentityType.PHONE_NUMBER: gettext_lazy("Phone number"),
    IdentityType.ACCOUNT_ID: gettext_lazy("Account id"),
    IdentityType.CUSTOMER_REFERENCE: gettext_lazy("Your own reference for the person"),
}


@dataclass(frozen=True, order=True)
class Identity:
    """One canonical identity. Build it with `parse_identity`, which checks and canonicalises."""

    type: IdentityType
    value: str


def parse_identity(kind: str, raw: str, *, region: str | None = None, field: str = "identity") -> Identity:
    """The canonical identity for what somebody typed.

    `region` (ISO 3166 alpha-2) completes a phone number without country code. Raises `InvalidInput` on `field`.
    """
    try:
        identity_type = IdentityType(kind)
    except ValueError:
        raise InvalidInput(field, _("“%(kind)s” is not a kind of identity.") % {"kind": str(kind)[:40]}) from None
    text = str(raw)
    text = (text if text.isascii() else unicodedata.normalize("NFKC", text)).strip()
    if not text:
        raise InvalidInput(field, _("Enter a value."))
    if len(text) > MAX_LENGTH:
        raise InvalidInput(field, _("This is longer than %(max)d characters.") % {"max": MAX_LENGTH})
    is_plain = text.isascii() and text.isprintable()  # said first because thousands are checked at once
    if not is_plain and any(unicodedata.category(letter) in ("Cc", "Cs", "Cn") for letter in text):
        raise InvalidInput(field, _("This holds characters that can’t be part of an identity."))
    if identity_type is IdentityType.EMAIL:
        text = _email(text, field)
    elif identity_type is IdentityType.PHONE_NUMBER:
        text = _phone(text, region, field)
    return Identity(identity_type, text)


def detect(line: str) -> IdentityType:
    """What a line most likely is: with an @ an address, digits behind a + or 0 a phone number, else a reference."""
    text = unicodedata.normalize("NFKC", line).strip()
    if "@" in text:
        return IdentityType.EMAIL
    digits = text.lstrip("+").translate(str.maketrans("", "", " -./()\u00a0"))
    if text[:1] in ("+", "0") and digits.isdigit():
        return IdentityType.PHONE_NUMBER
    return IdentityType.CUSTOMER_REFERENCE


def _email(text: str, field: str) -> str:
    wrong = InvalidInput(field, _("Enter an e-mail address like name@example.com."))
    local, at, domain = text.rpartition("@")
    if not at or not LOCAL_PART.match(local):
        raise wrong
    try:
        ascii_domain = idna.encode(domain.rstrip("."), uts46=True, std3_rules=True).decode()
    except idna.IDNAError:
        raise wrong from None
    if "." not in ascii_domain:
        raise wrong
    return f"{local.lower()}@{ascii_domain.lower()}"


def _phone(text: str, region: str | None, field: str) -> str:
    wrong = InvalidInput(field, _("Enter a phone number with its country code, like +31 6 12345678."))
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        raise wrong from None
    if not phonenumbers.is_possible_number(number) or number.extension:
        raise wrong
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def mask(identity: Identity) -> str:
    """What officers see before they reveal: enough to tell two identities of one request apart, no more."""
    value = identity.value
    if identity.type is IdentityType.EMAIL:
        local, _at, domain = value.partition("@")
        return f"{local[:1]}•••@{domain[:1]}•••.{domain.rpartition('.')[2]}"
    if identity.type is IdentityType.PHONE_NUMBER:
        return f"{value[:3]}•••{value[-2:]}"
    return f"{value[:2]}•••"
