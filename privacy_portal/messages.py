"""Extraction of translatable text without GNU gettext: Babel's extractors, and Django's own reading of its templates.

`make messages` brings the catalogues up to date and compiles them; a test compares them with `extract()`.
"""

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from babel.messages import Catalog
from babel.messages.extract import extract_from_file, extract_javascript
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
LOCALES = ("nl", "ar")
# Django's names for gettext: position of the singular, the plural and (negative) the context
KEYWORDS: dict[str, Any] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}


def extract() -> Catalog:
    """Every message of the portal's own code and templates, with the places it stands in."""
    catalog = Catalog(project="privacy-portal", charset="utf-8", fuzzy=False)
    for path in sorted([*ROOT.glob("apps/**/*.py"), *ROOT.glob("privacy_portal/**/*.py")]):
        if "migrations" not in path.parts:
            for line, message, comments, context in extract_from_file("python", path, KEYWORDS, ["Translators:"]):
                _add(catalog, path, line, message, comments, context)
    for path in sorted([*ROOT.glob("templates/**/*.*"), *ROOT.glob("apps/*/templates/**/*.*")]):
        for line, message, comments, context in _template(path):
            _add(catalog, path, line, message, comments, context)
    return catalog


def _template(path: Path) -> Iterator[tuple[Any, ...]]:
    """Django turns a template into calls of gettext; what it blanks out reads like JavaScript to Babel's lexer."""
    source = templatize(path.read_text(), origin=str(path.relative_to(ROOT)))
    stream = io.BytesIO(source.encode())
    for line, function, message, comments in extract_javascript(stream, KEYWORDS, [], {"encoding": "utf-8"}):
        spec = KEYWORDS[function]
        parts = list(message) if isinstance(message, tuple | list) else [message]
        context = parts.pop(0) if spec and isinstance(spec[0], tuple) else None
        wanted = 2 if spec and len(spec) - bool(context) == 2 else 1
        yield line, (tuple(parts[:2]) if wanted == 2 else parts[0]), comments, context


def _add(catalog: Catalog, path: Path, line: int, message: Any, comments: list[str], context: str | None) -> None:
    if message and message != ("",):
        catalog.add(message, None, [(str(path.relative_to(ROOT)), line)], auto_comments=comments, context=context)


def catalogue_path(locale: str) -> Path:
    """Where the translations of a language are kept."""
    return ROOT / "locale" / locale / "LC_MESSAGES" / "django.po"


def update() -> None:
    """Bring each catalogue up to date: new messages empty, vanished ones removed, nothing guessed."""
    template = extract()
    for locale in LOCALES:
        path = catalogue_path(locale)
        path.parent.mkdir(parents=True, exist_ok=True)
        catalog = read_po(path.open("rb"), locale=locale) if path.exists() else Catalog(locale=locale, fuzzy=False)
        catalog.update(template, no_fuzzy_matching=True)
        catalog.obsolete.clear()
        catalog.fuzzy = False
        with path.open("wb") as file:
            write_po(file, catalog, width=120, sort_output=True, no_location=True, ignore_obsolete=True)
        missing = sum(not is_translated(message) for message in catalog if message.id)
        print(f"{locale}: {len(catalog)} messages, {missing} to translate")


def is_translated(message: Any) -> bool:
    """Every plural form is there."""
    parts = message.string if isinstance(message.string, tuple | list) else (message.string,)
    return all(parts) and not message.fuzzy


def compile_all() -> None:
    """Write the .mo files that Django reads, where the .po is newer."""
    for locale in LOCALES:
        source = catalogue_path(locale)
        target = source.with_suffix(".mo")
        if source.exists() and (not target.exists() or target.stat().st_mtime < source.stat().st_mtime):
            with source.open("rb") as file:
                catalog = read_po(file, locale=locale)
            part = target.with_suffix(".part")
            with part.open("wb") as out:
                write_mo(out, catalog)
            part.replace(target)


if __name__ == "__main__":
    if "--compile" not in sys.argv:
        update()
    compile_all()
