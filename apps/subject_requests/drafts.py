"""An unfinished request: the answers so far, kept in the session, sealed, because they name people."""

import base64
import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest

from apps.core import crypto

SESSION_KEY = "subject_request_draft"


@dataclass
class Draft:
    """The answers by question. `key` goes with them to the service: sent twice, it is one request."""

    key: str = field(default_factory=lambda: str(uuid.uuid4()))
    answers: dict[str, Any] = field(default_factory=dict)

    @property
    def is_for_end_user(self) -> bool:
        return self.answers.get("about") == "end_user"


def load(request: HttpRequest) -> Draft:
    """The draft of this session, or a new one; one that does not open (keys changed, another person) is a new one."""
    stored = request.session.get(SESSION_KEY)
    if not stored:
        return Draft()
    try:
        return Draft(**json.loads(crypto.unseal(base64.b64decode(stored), bound_to=_owner(request))))
    except (crypto.Unreadable, ValueError, TypeError):
        return Draft()


def save(request: HttpRequest, draft: Draft) -> None:
    plain = json.dumps({"key": draft.key, "answers": draft.answers})
    request.session[SESSION_KEY] = base64.b64encode(crypto.seal(plain, bound_to=_owner(request))).decode()


def drop(request: HttpRequest) -> None:
    request.session.pop(SESSION_KEY, None)


def _owner(request: HttpRequest) -> str:
    return f"{SESSION_KEY}:{request.user.pk}"
