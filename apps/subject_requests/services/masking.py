"""Other people in a person's records are masked in what is handed out (GDPR 15(4)), and secrets are left out."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from apps.core.errors import InvalidInput
from apps.core.identities import Identity, IdentityType, mask, parse_identity

PARTY = "user.communication.traffic.party"
CONTACTS = ("user.contact.email", "user.contact.phone_number")
SECRETS = ("user.authorization",)
WITHHELD = "•••"


def canonical(value: Any) -> Identity | None:
    """The identity that a value of a record is, in canonical form; None when it is neither address nor number."""
    if not isinstance(value, str) or not value.strip():
        return None
    for kind in (IdentityType.EMAIL, IdentityType.PHONE_NUMBER):
        try:
            return parse_identity(kind, value)
        except InvalidInput:
            continue
    return None


def counterparty_fields(fields: Mapping[str, Iterable[str]]) -> set[str]:
    """Fields of a collection that may hold somebody else: parties of a communication, and contact fields of which the
    collection has two or more (one alone is the person's own)."""
    parties = {name for name, categories in fields.items() if any(_within(each, PARTY) for each in categories)}
    contacts = {name: _contact(categories) for name, categories in fields.items() if _contact(categories)}
    often = {kind for kind, times in Counter(contacts.values()).items() if times > 1}
    return parties | {name for name, kind in contacts.items() if kind in often}


def secret_fields(fields: Mapping[str, Iterable[str]]) -> set[str]:
    """Passwords and tokens: theirs, but no copy of them helps anybody but a thief."""
    return {name for name, categories in fields.items() if any(_is_secret(each) for each in categories)}


def _is_secret(category: str) -> bool:
    return any(_within(category, secret) for secret in SECRETS)


def _contact(categories: Iterable[str]) -> str | None:
    return next((contact for each in categories for contact in CONTACTS if _within(each, contact)), None)


def _within(category: str, parent: str) -> bool:
    return category == parent or category.startswith(parent + ".")


def mask_rows(
    rows: list[dict[str, Any]], fields: Mapping[str, Iterable[str]], own: frozenset[Identity]
) -> tuple[list[dict[str, Any]], int]:
    """The rows with other people's identities masked and secrets withheld, and how many values that were."""
    parties, secrets = counterparty_fields(fields), secret_fields(fields)
    if not parties and not secrets:
        return rows, 0
    masked = 0
    clean = []
    for row in rows:
        copy = dict(row)
        for name in parties | secrets:
            top, _, rest = name.partition(".")
            if top in copy:
                copy[top], times = _masked(copy[top], rest, own, secret=name in secrets)
                masked += times
        clean.append(copy)
    return clean, masked


def _masked(value: Any, path: str, own: frozenset[Identity], *, secret: bool) -> tuple[Any, int]:
    if isinstance(value, list):
        pairs = [_masked(item, path, own, secret=secret) for item in value]
        return [item for item, _times in pairs], sum(times for _item, times in pairs)
    if isinstance(value, dict) and path:
        top, _, rest = path.partition(".")
        if top not in value:
            return value, 0
        inner, times = _masked(value[top], rest, own, secret=secret)
        return value | {top: inner}, times
    if value in (None, ""):
        return value, 0
    if secret:
        return WITHHELD, 1
    identity = canonical(value)
    if identity in own:
        return value, 0
    return (mask(identity), 1) if identity else (WITHHELD, 1)


def own_identities(
    identities: Iterable[Identity], found: Iterable[tuple[list[dict[str, Any]], Mapping[str, Iterable[str]]]]
) -> frozenset[Identity]:
    """The request's identities and those that stand alone in the person’s own records (a second number)."""
    own = set(identities)
    for rows, fields in found:
        others = counterparty_fields(fields)
        singles = [name for name, categories in fields.items() if _contact(categories) and name not in others]
        own |= {identity for row in rows for name in singles if (identity := canonical(row.get(name)))}
    return frozenset(own)
