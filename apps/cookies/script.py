"""What browsers load: the boot script, the banner in one language, the table of the register in one language.

All three are made from a published register and its words, once in a process, minified and compressed as far as it
goes. `static/consent/` holds the sources.
"""

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import Any, Self

import brotli
from django.conf import settings
from rcssmin import cssmin
from rjsmin import jsmin

from apps.consent.models import Text
from apps.cookies import lifetimes
from apps.cookies.models import RegisterVersion
from apps.cookies.states import OPTIONAL, Category, Kind

SOURCES = settings.BASE_DIR / "static" / "consent"
KEY = re.compile(r"[-\w]{1,40}", re.ASCII)  # of a site
SHOWN = (
    *("title", "text", "withdrawal", "scope", "more", "accept", "reject", "choose", "save", "back", "close"),
    *("settings", "always", "gpc", "categories", "placeholder"),
)
"""The words that the banner shows; those of the table come with the table."""
COLUMNS = ("host", "party", "duration", "purpose", "refusing", "company")  # beside the name, in this order


@dataclass(frozen=True)
class Edition:
    """A published register, with the domain of its site's cookie and the order of its languages: all that the files
    depend on, but for the code."""

    site: str
    number: int
    digest: str  # of its content
    material: int
    domain: str
    months: int
    texts: tuple[tuple[str, str], ...]  # language -> digest of its words

    @classmethod
    def of(cls, site: str, number: str = "") -> Self | None:
        """The register of a site in force, or the one with that number. None for whatever is no such site."""
        if not KEY.fullmatch(site):
            return None
        versions = RegisterVersion.objects.of_site(site).select_related("site").without_content()
        if re.fullmatch(r"[0-9]{1,9}", number):
            versions = versions.filter(number=int(number))
        found = versions.first()
        if found is None:
            return None
        texts = tuple((language, found.texts[language]) for language in found.languages)
        domain, months = found.site.cookie_domain, found.validity_months
        return cls(site, found.number, found.digest, found.material_number, domain, months, texts)

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(language for language, _digest in self.texts)

    def entries(self) -> list[dict[str, Any]]:
        version = RegisterVersion.objects.of_site(self.site).get(number=self.number)
        entries: list[dict[str, Any]] = version.content["entries"]
        return entries

    def words(self, language: str) -> dict[str, Any]:
        words: dict[str, Any] = Text.objects.get(digest=dict(self.texts)[language]).body
        return words


@dataclass(frozen=True)
class Made:
    """A file as it travels."""

    body: bytes

    @cached_property
    def tag(self) -> str:
        """Names these bytes: 96 bits of their SHA-256, as it stands in an address."""
        return base64.urlsafe_b64encode(hashlib.sha256(self.body).digest()[:12]).decode()

    @cached_property
    def encoded(self) -> dict[str, bytes]:
        """By the names of content encodings, the smallest first."""
        small = gzip.compress(self.body, 9, mtime=0)
        return {"br": brotli.compress(self.body, quality=11, mode=brotli.MODE_TEXT), "gzip": small}


def snippet(site: str) -> str:
    """What the site's owner puts into its pages."""
    return f'<script src="{settings.BASE_URL}/consent.js?site={site}" nonce="…"></script>'


@lru_cache(maxsize=256)
def boot(edition: Edition, language: str = "") -> Made:
    """The script of the snippet. With `language` that one alone, else the page's own, or the site's first."""
    languages = [language] if language in edition.languages else edition.languages
    entries = edition.entries()
    facts = {
        "key": edition.site,
        "number": edition.number,
        "material": edition.material,
        "months": edition.months,
        "asks": int(any(entry["category"] in OPTIONAL for entry in entries)),
        "kept": _kept(entries),
        "ui": {each: banner(edition, each).tag for each in languages},
    }
    return Made(f"{_code('boot.js')}({_json(facts)});".encode())


@lru_cache(maxsize=256)
def banner(edition: Edition, language: str) -> Made:
    """The banner, the preferences and the placeholders, as a module."""
    words = edition.words(language)
    facts = {
        "site": edition.site,
        "lang": language,
        "dir": "rtl" if language in settings.LANGUAGES_BIDI else "ltr",
        "domain": edition.domain,
        "material": edition.material,
        "number": edition.number,
        "text": dict(edition.texts)[language],
        "words": {name: words[name] for name in SHOWN if name in words},
        "css": _code("ui.css"),
    }
    return Made(f"const T={_json(facts)};{_code('ui.js')}".encode())


@lru_cache(maxsize=256)
def table(edition: Edition, language: str) -> Made:
    """The register by categories, each entry in words; fetched when the preferences are opened."""
    words = edition.words(language)
    entries: dict[str, list[dict[str, str]]] = {category.value: [] for category in Category}
    for entry in edition.entries():
        entries[entry["category"]].append(dict(_row(entry, words, language)))
    columns = {name: words["columns"][name] for name in COLUMNS}
    return Made(_json({"columns": columns, "entries": entries}).encode())


def _row(entry: Mapping[str, Any], words: Mapping[str, Any], language: str) -> Iterator[tuple[str, str]]:
    """One entry under the names of the columns; what it does not have is left out."""
    is_cookie = entry["kind"] == Kind.COOKIE
    yield "name", entry["name"] if is_cookie else f"{entry['name']} ({words['kinds'][entry['kind']]})"
    yield "host", entry["host"]
    yield "party", words["party"][entry["party"]]
    if entry["kind"] != Kind.REQUEST:
        lasts = lifetimes.in_words(entry["lifetime"], language) if entry["lifetime"] else ""
        yield "duration", lasts or words["duration"][entry["duration"]]
    for name in ("purpose", "refusing"):
        if told := entry[name].get(language):
            yield name, told
    if entry["company"]:
        yield "company", entry["company"]


def _kept(entries: list[dict[str, Any]]) -> dict[str, dict[str, list[str]]]:
    """Category -> kind -> names or patterns of what a page can delete, once the category is refused."""
    kept: dict[str, dict[str, list[str]]] = {}
    for entry in entries:
        if entry["category"] in OPTIONAL and entry["party"] == "first" and entry["kind"] != Kind.REQUEST:
            names = kept.setdefault(entry["category"], {}).setdefault(entry["kind"], [])
            names += [entry["name"]] if entry["name"] not in names else []
    return kept


@cache
def _code(name: str) -> str:
    text = (SOURCES / name).read_text(encoding="utf-8")
    small: str = cssmin(text) if name.endswith(".css") else jsmin(text).strip().rstrip(";")
    return small


def _json(facts: Mapping[str, Any]) -> str:
    return json.dumps(facts, ensure_ascii=False, separators=(",", ":"))
