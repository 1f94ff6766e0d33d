"""Sealing of personal data at rest, blind indexes, tombstones and pseudonyms.

Only primitives of `cryptography` and the standard library are used: AES-256-GCM for what must be read again,
HMAC-SHA256 for what must only be recognised. Keys come from the environment (settings: FIELD_KEYS, PACKAGE_KEYS,
INDEX_KEY, TOMBSTONE_KEY), each for one purpose, so that a stolen database alone reveals nobody (T59).
"""

import base64
import hashlib
import hmac
import os
import struct
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from apps.core.identities import Identity

NONCE_BYTES = 12
CHUNK_BYTES = 64 * 1024


class Unreadable(Exception):
    """The sealed bytes were changed, belong to another row, or their key is not at hand."""


@lru_cache
def _ring(spec: str, name: str) -> dict[str, bytes]:
    ring = {}
    for item in filter(None, spec.split(",")):
        key_id, _, encoded = item.partition(":")
        ring[key_id] = _key(encoded, name)
    if not ring:
        raise ImproperlyConfigured(f"{name} is empty: give `id:base64 of 32 bytes`.")
    return ring


@lru_cache
def _key(encoded: str, name: str) -> bytes:
    try:
        key = base64.b64decode(encoded, validate=True)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise ImproperlyConfigured(f"{name} must be the base64 of 32 bytes.")
    return key


def seal(plain: str, *, bound_to: str) -> bytes:
    """Encrypt `plain`. It opens only with the same `bound_to` (the row's id), so it can't be moved to another row."""
    ring = _ring(settings.FIELD_KEYS, "FIELD_KEYS")
    key_id, key = next(iter(ring.items()))
    nonce = os.urandom(NONCE_BYTES)
    return key_id.encode() + b":" + nonce + AESGCM(key).encrypt(nonce, plain.encode(), bound_to.encode())


def unseal(sealed: bytes | memoryview, *, bound_to: str) -> str:
    """The text that `seal` hid. Raises `Unreadable` for changed bytes, another row, or an unknown key."""
    key_id, _, rest = bytes(sealed).partition(b":")
    key = _ring(settings.FIELD_KEYS, "FIELD_KEYS").get(key_id.decode("ascii", "replace"))
    if key is None:
        raise Unreadable(f"no key {key_id!r}")
    try:
        return AESGCM(key).decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], bound_to.encode()).decode()
    except InvalidTag as error:
        raise Unreadable("sealed value does not open here") from error


def _hmac(key: bytes, *parts: str) -> str:
    one = _keyed(key).copy()
    one.update("\0".join(parts).encode())
    return one.hexdigest()


@lru_cache
def _keyed(key: bytes) -> hmac.HMAC:
    """Begun once and copied: thousands are asked for at once, and OpenSSL takes longer to begin one than to end it."""
    return hmac.new(key, digestmod="sha256")


def lookup(identity: Identity) -> str:
    """Blind index of an identity (64 hex digits): equal for equal identities, meaningless without INDEX_KEY."""
    return _hmac(_key(settings.INDEX_KEY, "INDEX_KEY"), identity.type, identity.value)


def tombstone(identity: Identity, *, account: str) -> str:
    """What remains of an erased person in an account (64 hex digits): recognises a row that a restore brings back."""
    return _hmac(_key(settings.TOMBSTONE_KEY, "TOMBSTONE_KEY"), account, identity.type.value, identity.value)


def pseudonym(value: str, *, purpose: str) -> str:
    """A keyed stand-in (32 hex digits), equal for equal values within one purpose."""
    return _hmac(_key(settings.INDEX_KEY, "INDEX_KEY"), "pseudonym", purpose, value)[:32]


def fingerprint(value: str) -> str:
    """Keyed digest for the ledger and idempotency keys (64 hex digits)."""
    return _hmac(_key(settings.INDEX_KEY, "INDEX_KEY"), "fingerprint", value)


# --- files: frames of AES-256-GCM, each bound to its place, the last one marked ---------------------


def seal_stream(chunks: Iterable[bytes], path: Path) -> str:
    """Write `chunks` encrypted to `path` (mode 0600) and return the SHA-256 of the plain bytes (hex).

    Frames hold up to 64 KiB; their number and the "last" flag are associated data, so that no frame can be dropped,
    doubled or moved.
    """
    ring = _ring(settings.PACKAGE_KEYS, "PACKAGE_KEYS")
    key_id, key = next(iter(ring.items()))
    digest = hashlib.sha256()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(struct.pack(">B", len(key_id)) + key_id.encode())
        for number, (frame, is_last) in enumerate(_frames(chunks)):
            digest.update(frame)
            nonce = os.urandom(NONCE_BYTES)
            sealed = AESGCM(key).encrypt(nonce, frame, struct.pack(">QB", number, is_last))
            file.write(struct.pack(">IB", len(sealed), is_last) + nonce + sealed)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def _frames(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, int]]:
    buffer = bytearray()
    for chunk in chunks:
        buffer += chunk
        while len(buffer) > CHUNK_BYTES:
            yield bytes(buffer[:CHUNK_BYTES]), 0
            del buffer[:CHUNK_BYTES]
    yield bytes(buffer), 1


def unseal_stream(path: Path) -> Iterator[bytes]:
    """The plain bytes of a file written by `seal_stream`. Raises `Unreadable` when it was changed or cut."""
    with path.open("rb") as file:
        (length,) = struct.unpack(">B", file.read(1))
        key_id = file.read(length).decode("ascii", "replace")
        key = _ring(settings.PACKAGE_KEYS, "PACKAGE_KEYS").get(key_id)
        if key is None:
            raise Unreadable(f"no key {key_id!r}")
        number, is_last = 0, 0
        while not is_last:
            head = file.read(5)
            if len(head) < 5:
                raise Unreadable("the file ends early")
            size, is_last = struct.unpack(">IB", head)
            nonce, sealed = file.read(NONCE_BYTES), file.read(size)
            try:
                yield AESGCM(key).decrypt(nonce, sealed, struct.pack(">QB", number, is_last))
            except InvalidTag as error:
                raise Unreadable("a frame does not open") from error
            number += 1
