"""Counting what must not happen too often. In PostgreSQL, so that no restart and no lost broker opens a door."""

from django.core.cache import cache

from apps.core.crypto import pseudonym


def cache_key(key: str, prefix: str, version: int) -> str:
    """Cache keys hold addresses of people and machines, so only their keyed digest is stored."""
    return pseudonym(f"{prefix}:{version}:{key}", purpose="cache")


def take(key: str, *, slots: int, seconds: int) -> bool:
    """Take one of `slots` places that each stay taken for `seconds`; False when all are taken.

    Adding a row is atomic, so of many at the same instant at most `slots` get one. A database that fails says no.
    """
    return any(cache.add(f"limit:{key}:{slot}", 1, timeout=seconds) for slot in range(slots))
