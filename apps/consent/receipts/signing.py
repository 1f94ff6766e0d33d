"""Our signature under a receipt: JWS in compact form (RFC 7515), EdDSA on Ed25519 (RFC 8037).

Whoever holds a receipt proves it later with our public key alone. Of one receipt there is exactly one compact form:
what decodes to the same bytes but is written otherwise is refused, so that any changed character shows.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _

from apps.core.errors import DomainError

ALGORITHM = "EdDSA"
TYPE = "consent-receipt+jws"
HEADER = {"alg": str, "typ": str, "kid": str, "iat": int, "evidence": str}
_jws = jwt.PyJWS(algorithms=[ALGORITHM])


@dataclass(frozen=True)
class Signed:
    """What a receipt with a good signature says. `evidence`: the digest of the event when it was issued."""

    kid: str
    issued_at: datetime
    evidence: str
    content: dict[str, Any]


@lru_cache
def _ring(spec: str) -> dict[str, Ed25519PrivateKey]:
    ring = {}
    for item in filter(None, spec.split(",")):
        key_id, _colon, encoded = item.strip().partition(":")
        try:
            ring[key_id] = Ed25519PrivateKey.from_private_bytes(base64.b64decode(encoded, validate=True))
        except ValueError as error:
            raise ImproperlyConfigured("RECEIPT_KEYS must be `id:base64 of 32 bytes`.") from error
    if not ring:
        raise ImproperlyConfigured("RECEIPT_KEYS is empty: give `id:base64 of 32 bytes`.")
    return ring


def keys() -> dict[str, Ed25519PublicKey]:
    """The public keys by their ids, the one that signs now first."""
    return {key_id: key.public_key() for key_id, key in _ring(settings.RECEIPT_KEYS).items()}


def key_set() -> dict[str, Any]:
    """The public keys as a JSON Web Key Set (RFC 7517, RFC 8037)."""
    return {
        "keys": [
            {"kty": "OKP", "crv": "Ed25519", "x": _encode(key.public_bytes_raw()), "kid": key_id}
            | {"use": "sig", "alg": ALGORITHM}
            for key_id, key in keys().items()
        ]
    }


def sign(content: Mapping[str, Any], *, evidence: str, now: datetime) -> str:
    """The receipt in compact form, signed with the first key."""
    key_id, key = next(iter(_ring(settings.RECEIPT_KEYS).items()))
    headers = {"typ": TYPE, "kid": key_id, "iat": int(now.timestamp()), "evidence": evidence}
    payload = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return _jws.encode(payload, key, algorithm=ALGORITHM, headers=headers)


def read(receipt: str) -> Signed:
    """What a receipt says, if it is ours and unchanged. Raises `DomainError`: `malformed`, `unknown_key`, `changed`."""
    header, content = _parts(receipt)
    key = keys().get(header["kid"])
    if key is None:
        raise DomainError("unknown_key", _("The receipt was signed with a key that is not ours."))
    try:
        _jws.decode(receipt, key, algorithms=[ALGORITHM])
        issued_at = datetime.fromtimestamp(header["iat"], UTC)
    except (jwt.InvalidTokenError, ValueError, OverflowError, OSError) as error:
        raise DomainError("changed", _("The receipt was changed after it was signed.")) from error
    return Signed(header["kid"], issued_at, header["evidence"], content)


def _parts(receipt: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and content, unproved; only what `sign` could have written."""
    malformed = DomainError("malformed", _("This is not a receipt in the compact form in which we sign them."))
    try:
        header, payload, signature = (_decode(part) for part in receipt.split("."))
        named, content = json.loads(header), json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise malformed from error
    if not isinstance(named, dict) or not isinstance(content, dict) or len(signature) != 64:
        raise malformed
    if {name: type(value) for name, value in named.items()} != HEADER:
        raise malformed
    if (named["alg"], named["typ"]) != (ALGORITHM, TYPE):
        raise malformed
    return named, content


def _encode(plain: bytes) -> str:
    return base64.urlsafe_b64encode(plain).decode().rstrip("=")


def _decode(part: str) -> bytes:
    if not re.fullmatch(r"[A-Za-z0-9_-]+", part):
        raise ValueError("not base64url")
    try:
        plain = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except binascii.Error as error:
        raise ValueError("not base64url") from error
    if _encode(plain) != part:  # bits that no byte takes: another way of writing the same (PyJWT 2.15 looks too)
        raise ValueError("not the one way of writing it")
    return plain
