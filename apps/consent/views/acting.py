"""How somebody acts on a page of ours, for the event that says it."""

import uuid

from django.http import HttpRequest

from apps.consent.services.answers import Manner
from apps.consent.states import Method


def manner(request: HttpRequest, method: Method) -> Manner:
    """The page is told by its route: an address itself may hold an id or a signed link."""
    match = request.resolver_match
    user_id: uuid.UUID | None = request.user.pk if request.user.is_authenticated else None
    return Manner(method, f"{request.get_host()}/{match.route if match else ''}", user_id)


def language_of(request: HttpRequest) -> str:
    return str(getattr(request, "LANGUAGE_CODE", "en"))
