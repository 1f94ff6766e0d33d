"""Translations without GNU gettext: `python -m privacy_portal.translations extract|check|compile`.

The .po files are committed; programs read .mo files, which are compiled wherever the portal is installed.
"""

import ast
import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES = ("ar", "nl")  # English is the source
KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
STRING = r"""u?(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")"""
CALL = re.compile(rf"\b(_|n?p?gettext)\(\s*((?:{STRING}\s*,?\s*)+)")


def compile_translations(folder: Path = ROOT / "locale") -> int:
    """Compile each `<language>/LC_MESSAGES/django.po` that is newer than its .mo; how many were."""
    compiled = 0
    for source in sorted(folder.glob("*/LC_MESSAGES/django.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime_ns >= source.stat().st_mtime_ns:
            continue
        unfinished = target.with_name(f"django.{os.getpid()}.part")
        with unfinished.open("wb") as file:
            write_mo(file, _read(source))
        unfinished.rename(target)
        compiled += 1
    return compiled


def _read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=path.parent.parent.name)


def _new(language: str) -> Catalog:
    return Catalog(
        locale=language,
        project="Privacy portal",
        version="1",
        header_comment="# Texts of the portal; `make messages` brings the list up to date.",
        msgid_bugs_address="-",
        last_translator="-",
        language_team="-",
        fuzzy=False,
    )


def messages() -> Catalog:
    """Every text that code and templates mark for translation, with the files it stands in."""
    catalog = Catalog(project="Privacy portal", fuzzy=False)
    for top in ("apps", "privacy_portal"):
        for path in _files(top, "*.py"):
            for _, text, comments, context in extract_from_file("python", path, keywords=KEYWORDS):
                catalog.add(text, locations=[(str(path.relative_to(ROOT)), 0)], context=context, auto_comments=comments)
    for top in ("templates", "apps"):
        for path in (*_files(top, "*.html"), *_files(top, "*.txt")):
            for text, context in template_messages(path.read_text()):
                catalog.add(text, locations=[(str(path.relative_to(ROOT)), 0)], context=context)
    return catalog


def _files(top: str, pattern: str) -> Iterable[Path]:
    return sorted(path for path in (ROOT / top).rglob(pattern) if "migrations" not in path.parts)


def template_messages(source: str) -> Iterator[tuple[str | tuple[str, str], str | None]]:
    """The texts of a Django template; Django itself turns its tags into calls of gettext and blanks out the rest."""
    from django.utils.translation.template import templatize

    for call in CALL.finditer(templatize(source)):
        parts = ast.literal_eval(f"({call[2].rstrip().rstrip(',')},)")
        context = parts[0] if "p" in call[1].removesuffix("gettext") else None
        texts = parts[1:] if context is not None else parts
        yield (texts[0], texts[1]) if "n" in call[1].removesuffix("gettext") else texts[0], context


def extract() -> int:
    """Bring every .po up to date, keeping what is translated, and compile."""
    found = messages()
    for language in LANGUAGES:
        path = ROOT / "locale" / language / "LC_MESSAGES/django.po"
        catalog = _read(path) if path.exists() else _new(language)
        found.creation_date = catalog.creation_date  # the file changes when a text does, not with the day
        catalog.update(found, no_fuzzy_matching=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            write_po(file, catalog, width=120, include_lineno=False, ignore_obsolete=True, sort_by_file=True)
        print(f"{language}: {len(catalog)} texts, {len(list(untranslated(catalog, found)))} to translate")
    compile_translations()
    return 0


def untranslated(catalog: Catalog, found: Catalog) -> Iterator[Message]:
    """Texts that the catalog lacks or leaves empty, and those whose placeholders got lost in translation."""
    for message in found:
        if not message.id:
            continue
        known = catalog.get(message.id, message.context)
        said = known.string if known else ""
        forms = said if isinstance(said, tuple | list) else (said,)
        if (
            not known
            or known.fuzzy
            or not all(forms)
            or (isinstance(message.id, str) and _placeholders(message.id) != _placeholders(str(said)))
        ):
            yield message


def _placeholders(text: str) -> set[str]:
    return set(re.findall(r"%\(\w+\)[sd]|\{\w*\}", text))


def check() -> int:
    """1 and the texts, if one is missing in a language."""
    found = messages()
    missing = 0
    for language in LANGUAGES:
        path = ROOT / "locale" / language / "LC_MESSAGES/django.po"
        catalog = _read(path) if path.exists() else Catalog(locale=language)
        for message in untranslated(catalog, found):
            missing += 1
            where = message.locations[0][0] if message.locations else "?"
            print(f"{language}: not translated, or its placeholders differ: {message.id!r} ({where})", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    verbs = {"extract": extract, "check": check, "compile": lambda: compile_translations() * 0}
    if len(sys.argv) != 2 or sys.argv[1] not in verbs:
        print(f"usage: python -m privacy_portal.translations {'|'.join(verbs)}", file=sys.stderr)
        sys.exit(2)
    sys.exit(verbs[sys.argv[1]]())
