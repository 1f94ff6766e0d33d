"""The words of the banner and of the page of cookies: what a visitor is shown, and what the proof of a choice says.

`bodies` gives, language by language, what `consent.Text.body` holds for the notice `cookies:<site>`:

- first layer: `title`, `text` (who asks, and what for), `withdrawal` (told before anybody gives, as the Dutch authority
  wants it), `scope` (how long, and on which sites), `more` (the link to the list), `accept`, `reject`, `choose`
- second layer: `categories` (code -> `name`, `text`), `always` (beside what is strictly necessary), `save`, `back`,
  `close`; `columns`, `party`, `duration` and `kinds` for the table of the register
- elsewhere: `settings` (the permanent link), `gpc`, `saved`, `placeholder` (`text`, `once`, `always`), `controller`

Every word that a script or a page shows of the choice comes from here, so the digest covers what was shown.
"""

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings

from apps.consent.models import Text
from apps.cookies.models import RegisterVersion, Site

EDITION = "edition"
"""Beside the words, where they came back after others: the number of the register they came back with."""
WORDS = Path(__file__).parent / "data" / "notice.yml"


@cache
def _words() -> dict[str, dict[str, Any]]:
    with WORDS.open(encoding="utf-8") as file:
        loaded: dict[str, dict[str, Any]] = yaml.safe_load(file)
    return loaded


def bodies(site: Site) -> dict[str, dict[str, Any]]:
    """Language -> the words as they are shown now, for the languages of the site."""
    controller = settings.PROVIDER["name"]
    facts = {"controller": controller, "months": site.validity_months, "hosts": ", ".join(site.hosts)}
    return {
        language: {"controller": controller, **_filled(_words()[language], facts)}
        for language in site.languages
        if language in _words()
    }


def texts_of(version: RegisterVersion) -> dict[str, dict[str, Any]]:
    """Language -> the words that were published with this version, without the mark of an edition."""
    found = Text.objects.filter(digest__in=list(version.texts.values()))
    return {text.language: {key: each for key, each in text.body.items() if key != EDITION} for text in found}


def shown(version: RegisterVersion, language: str) -> Text:
    """The words in one language, with the digest that stands in the proof."""
    return Text.objects.get(digest=version.texts[language])


def _filled(words: Any, facts: dict[str, Any]) -> Any:
    if isinstance(words, dict):
        return {key: _filled(value, facts) for key, value in words.items()}
    for name, value in facts.items():
        words = words.replace(f"{{{name}}}", str(value))
    return words
