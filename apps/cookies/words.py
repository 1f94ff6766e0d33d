"""How a published register reads on the page of cookies, in the words that the visitor is shown."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from apps.cookies.choice import Choice
from apps.cookies.lifetimes import in_words
from apps.cookies.models import RegisterVersion
from apps.cookies.states import Category, Kind

Words = Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """One entry of the register."""

    name: str
    kind: str  # "" for a cookie: most are
    host: str
    party: str
    duration: str
    purpose: str
    refusing: str
    company: str


@dataclass(frozen=True)
class Group:
    """One category with its entries. `is_on`: what the visitor said, None before that."""

    code: str
    name: str
    text: str
    is_optional: bool
    is_on: bool | None
    rows: tuple[Row, ...]


def groups(version: RegisterVersion, words: Words, language: str, choice: Choice | None) -> list[Group]:
    """The categories in their order, those without entries too."""
    return [
        Group(
            code=category.value,
            name=words["categories"][category]["name"],
            text=words["categories"][category]["text"],
            is_optional=category != Category.NECESSARY,
            is_on=None if choice is None else category in choice.allowed,
            rows=tuple(_rows(version, category, words, language)),
        )
        for category in Category
    ]


def chosen(choice: Choice, words: Words) -> list[str]:
    """The names of the categories that are allowed, in their order."""
    return [words["categories"][each]["name"] for each in Category if each in choice.allowed]


def lasts(entry: Words, words: Words, language: str) -> str:
    """How long it is kept: the lifetime where there is one, else what ends it."""
    if entry["kind"] == Kind.REQUEST:
        return ""
    return in_words(entry["lifetime"], language) if entry["lifetime"] else str(words["duration"][entry["duration"]])


def _rows(version: RegisterVersion, category: str, words: Words, language: str) -> Iterator[Row]:
    for entry in version.content["entries"]:
        if entry["category"] != category:
            continue
        yield Row(
            name=entry["name"],
            kind="" if entry["kind"] == Kind.COOKIE else words["kinds"][entry["kind"]],
            host=entry["host"],
            party=words["party"][entry["party"]],
            duration=lasts(entry, words, language),
            purpose=entry["purpose"].get(language, ""),
            refusing=entry["refusing"].get(language, ""),
            company=entry["company"],
        )
