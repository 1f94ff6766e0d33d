"""Every sentence exists in every language, whole: no key left over, no fuzzy guess, no lost placeholder."""

import re

import pytest
from babel.messages.pofile import read_po

from privacy_portal import translations

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w*\}")
PLURALS = {"nl": 2, "ar": 6}


@pytest.fixture(scope="module")
def template():
    return translations.messages()


@pytest.fixture(params=translations.LANGUAGES)
def catalogue(request):
    path = translations.ROOT / "locale" / request.param / "LC_MESSAGES/django.po"
    with path.open("rb") as file:
        return read_po(file, locale=request.param)


def test_catalogues_hold_just_what_the_portal_says(template, catalogue):
    wanted = {(message.context, message.id) for message in template if message.id}
    there = {(message.context, message.id) for message in catalogue if message.id}
    assert wanted - there == set(), "run `make messages`"
    assert there - wanted == set(), "run `make messages`"


def test_nothing_is_untranslated_or_fuzzy(template, catalogue):
    assert [message.id for message in translations.untranslated(catalogue, template)] == []


def test_plural_forms_are_those_of_the_language(catalogue):
    wrong = [m.id for m in catalogue if m.pluralizable and len(m.string) != PLURALS[str(catalogue.locale)]]
    assert wrong == []


def test_placeholders_survive_translation(catalogue):
    """A plural form may leave a number out ("one day"); nothing may be added, and a single form loses nothing."""
    wrong = []
    for message in catalogue:
        ids = message.id if message.pluralizable else (message.id,)
        allowed = {found for text in ids for found in PLACEHOLDER.findall(text)}
        for text in message.string if message.pluralizable else (message.string,):
            found = set(PLACEHOLDER.findall(text))
            if found - allowed or (not message.pluralizable and found != allowed):
                wrong.append(message.id)
    assert wrong == []
