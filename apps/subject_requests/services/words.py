"""Text that people type: never empty where it is asked for, never longer than somebody will read."""

from django.utils.translation import gettext as _

from apps.core.errors import InvalidInput

MAX_WORDS = 5000


def required_words(text: str, *, field: str) -> str:
    """`text` without spaces around it. Raises `InvalidInput` when it is empty, too long or can't be stored."""
    stripped = (text or "").strip()
    if not stripped:
        raise InvalidInput(field, _("Write a few words."))
    if len(stripped) > MAX_WORDS:
        raise InvalidInput(field, _("This is longer than %(max)d characters.") % {"max": MAX_WORDS})
    if any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in stripped):
        raise InvalidInput(field, _("This holds characters that can’t be stored."))
    return stripped
