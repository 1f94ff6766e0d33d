"""Texts marked for translation are found without GNU gettext."""

import gettext
import os

from privacy_portal.translations import compile_translations, messages, template_messages

TEMPLATE = """{% load i18n %}
<p title='{% translate "A title" %}'>{{ _("A variable")|upper }} (not this)</p>
{% blocktranslate trimmed with name=request.name %}
  Hello {{ name }},
  it's "fine"
{% endblocktranslate %}
{% blocktranslate count n=rows|length trimmed %}{{ n }} row{% plural %}{{ n }} rows{% endblocktranslate %}
{% translate "May" context "a month" %}
"""


def test_every_way_to_mark_a_text_in_a_template_is_found():
    assert set(template_messages(TEMPLATE)) == {
        ("A title", None),
        ("A variable", None),
        ('Hello %(name)s, it\'s "fine"', None),
        (("%(n)s row", "%(n)s rows"), None),
        ("May", "a month"),
    }


def test_texts_of_code_and_templates_are_found():
    found = {str(message.id): message.locations[0][0] for message in messages() if message.id}
    assert any(place.startswith("apps/") for place in found.values())
    assert any(place.startswith("templates/") for place in found.values())


def test_a_catalog_is_compiled_when_it_is_newer(tmp_path):
    source = tmp_path / "nl/LC_MESSAGES/django.po"
    source.parent.mkdir(parents=True)
    source.write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\nmsgid "day"\nmsgstr "dag"\n', "utf-8"
    )
    assert [compile_translations(tmp_path), compile_translations(tmp_path)] == [1, 0]
    os.utime(source, ns=(2**62, 2**62))
    assert compile_translations(tmp_path) == 1
    with source.with_suffix(".mo").open("rb") as file:
        assert gettext.GNUTranslations(file).gettext("day") == "dag"
