"""What pages show of a text and of an answer to it."""

import uuid

from django.urls import NoReverseMatch, reverse
from django.utils import translation

from apps.consent.models import Text
from apps.consent.services.answers import current_text


def words(notice: str) -> Text:
    """The words in force in the language of the page."""
    return current_text(notice, translation.get_language() or "en")


def receipt_url(event: uuid.UUID | None) -> str:
    """Where the receipt of an event can be had; "" while there is no such page."""
    if event is None:
        return ""
    try:
        return reverse("consent:receipt", args=[event])
    except NoReverseMatch:
        return ""
