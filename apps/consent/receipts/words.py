"""A text as people were shown it, laid out again for reading: what it says first, what stood on its buttons last."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from apps.consent.models import Text

FIRST = ("text", "summary", "data", "effect", "ending", "withdrawal", "scope")
CATEGORIES = ("necessary", "performance", "functional", "marketing")


@dataclass(frozen=True)
class Words:
    """`paragraphs` in their order, `named` (name, words) one by one, `rest`: every other word that was shown."""

    title: str
    language: str
    paragraphs: tuple[str, ...]
    named: tuple[tuple[str, str], ...]
    rest: tuple[str, ...]

    @property
    def direction(self) -> str:
        return "rtl" if self.language == "ar" else "ltr"


def words_of(text: Text) -> Words:
    """The words of a text, none left out."""
    body: Mapping[str, Any] = text.body
    categories = body.get("categories")
    told = categories if isinstance(categories, Mapping) else {}
    named = [(key, told[key]) for key in CATEGORIES if isinstance(told.get(key), Mapping)]
    return Words(
        title=str(body.get("title", "")),
        language=text.language,
        paragraphs=tuple(str(body[place]) for place in FIRST if body.get(place)),
        named=tuple((str(one.get("name", key)), str(one.get("text", ""))) for key, one in named),
        rest=tuple(dict.fromkeys(_leaves({key: body[key] for key in sorted(body) if key not in _LAID_OUT}))),
    )


_LAID_OUT = frozenset({"title", "categories", *FIRST})


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for each in value.values():
            yield from _leaves(each)
    elif isinstance(value, list):
        for each in value:
            yield from _leaves(each)
    elif value not in ("", None):
        yield str(value)
