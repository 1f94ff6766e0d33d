"""What is wrong with the words of a page: English that the catalogue translates, identifiers that mix with the text."""

import re
from collections.abc import Iterator
from functools import cache

from babel.messages.pofile import read_po
from django.conf import settings
from playwright.sync_api import Page

# All that a person can read or hear of a page; text that people wrote themselves says its own direction or language.
WORDS = """() => {
  const own = 'bdi, code, textarea, [dir], [lang]';
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const words = [document.title];
  while (walker.nextNode()) {
    const holder = walker.currentNode.parentElement.closest(own);
    if (!holder || holder === document.documentElement) words.push(walker.currentNode.data);
  }
  for (const each of document.querySelectorAll('[aria-label], [placeholder], [alt], [title]'))
    words.push(each.ariaLabel ?? '', each.placeholder ?? '', each.alt ?? '', each.title ?? '');
  return words.map(text => text.replace(/\\s+/g, ' ').trim()).filter(Boolean);
}"""
LOOSE = """() => {
  const identifier = /[A-Z]{2}-\\d{4}-\\d{6}|[\\w.+-]+@[\\w-]+\\.[\\w.]+|\\+\\d{8,}/;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const loose = [];
  while (walker.nextNode()) {
    const holder = walker.currentNode.parentElement.closest('bdi, code, textarea, option, script, [dir]');
    // what Unicode's isolates hold is isolated too
    const mixed = walker.currentNode.data.replace(/[\\u2066-\\u2068][^\\u2069]*\\u2069/g, '');
    if ((!holder || holder === document.documentElement) && identifier.test(mixed))
      loose.push(walker.currentNode.data.trim().slice(0, 80));
  }
  return loose;
}"""
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}|<[^>]*>|%%")


def english_left_over(page: Page, language: str) -> Iterator[str]:
    """English sentences of the catalogue that stand on the page although their translation reads otherwise."""
    if language == settings.LANGUAGE_CODE:
        return
    said = "\n".join(page.evaluate(WORDS))
    found = (text for text in _sentences(language) if text in said)  # a pattern for each of thousands takes a second
    yield from (text for text in found if re.search(rf"(?<!\w){re.escape(text)}(?!\w)", said))


def loose_identifiers(page: Page, language: str) -> list[str]:
    """References, addresses and numbers that nothing isolates: in Arabic their order falls apart."""
    found: list[str] = page.evaluate(LOOSE) if language == "ar" else []
    return found


@cache
def _sentences(language: str) -> frozenset[str]:
    """The pieces between placeholders of every English text whose translation does not hold them."""
    with (settings.LOCALE_PATHS[0] / language / "LC_MESSAGES/django.po").open("rb") as file:
        catalogue = read_po(file)
    pieces = set()
    for message in catalogue:
        english = message.id if isinstance(message.id, tuple) else (message.id,)
        translated = " ".join(message.string) if isinstance(message.string, tuple) else message.string
        for piece in (piece.strip(" .,:;") for text in english for piece in PLACEHOLDER.split(text)):
            if len(piece) > 12 and " " in piece and piece not in translated:
                pieces.add(" ".join(piece.split()))
    return frozenset(pieces)
