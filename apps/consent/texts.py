"""The canonical bytes of what somebody was shown, and their digest."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def canonical(notice: str, language: str, body: Mapping[str, Any]) -> bytes:
    """JSON, keys sorted, no spaces, UTF-8: the same words give the same bytes, in whatever order they were written."""
    content = {"body": body, "language": language, "notice": notice}
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest_of(notice: str, language: str, body: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical bytes (64 hex digits)."""
    return hashlib.sha256(canonical(notice, language, body)).hexdigest()
