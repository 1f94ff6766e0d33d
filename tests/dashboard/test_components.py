"""The page of all components: complete, true to the words of the portal, and only where somebody builds pages."""

import os
import re
import subprocess
import sys

import pytest
from django.urls import reverse

from apps.dashboard import gallery
from apps.subject_requests.presentation import words
from apps.subject_requests.states import Outcome, Status
from tests.architecture.source import ROOT, files
from tests.subject_requests.factories import NOW

PAGE = reverse("dashboard:components")
FILES = {path.stem for path in files(ROOT, "templates/components/*.html")}


@pytest.fixture
def html(client):
    return client.get(PAGE).content.decode()


def test_every_component_is_shown_or_known_as_a_part_of_another():
    assert set(gallery.SHOWN) | gallery.INSIDE == FILES
    assert not set(gallery.SHOWN) & gallery.INSIDE


def test_each_section_names_its_file_and_the_contents_lead_there(html):
    for name in gallery.SHOWN:
        assert f'<h2 class="mb-3" id="{name}-name"><code>components/{name}.html</code></h2>' in html
        assert f'href="#{name}"' in html
        assert html.count(f' id="{name}"') == 1


def test_the_page_has_one_main_heading_and_no_id_twice(html):
    assert html.count("<h1") == 1
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert sorted({each for each in ids if ids.count(each) > 1}) == []


@pytest.mark.parametrize("language", ["en", "nl", "ar"])
def test_it_speaks_each_language_and_reads_no_database(client, language):
    client.cookies["django_language"] = language
    html = client.get(PAGE).content.decode()  # without the mark a query would fail the test
    assert f'<html lang="{language}"' in html
    assert "csrfmiddlewaretoken" in html


def test_the_status_tags_are_those_of_the_requests():
    shown = {
        (tag.text.partition(" (")[0].partition(" 2")[0], tag.tone, tag.code) for tag in gallery.samples(now=NOW)["tags"]
    }
    told = {(str(text), tone, code.value) for code, (text, tone) in words.ENDINGS.items()}
    told |= {(code.words_for_requester, words.TONES[code], code.value) for code in Status if code != Status.CLOSED}
    assert told <= shown
    assert {code for _text, _tone, code in shown} == {*Status.values, *Outcome.values}


def test_a_deadline_is_shown_calm_with_its_steps_soon_late_and_done():
    deadlines = gallery.samples(now=NOW)["deadlines"]
    assert [deadline.tone for deadline in deadlines] == ["calm", "soon", "soon", "late", "done", "soon"]
    assert deadlines[0].explanation


def test_fields_are_shown_with_and_without_errors(html):
    for kind in ('type="text"', "<textarea", "<select", 'type="radio"', 'type="checkbox"', 'type="date"'):
        assert kind in html
    assert "field-error" in html
    assert 'class="error-summary"' in html
    assert "data-takes-focus" not in html, "the page begins at its top"


def test_what_is_sent_there_comes_to_nothing(client):
    assert client.post(PAGE, {"chosen": "x"}).url == PAGE


@pytest.mark.threat("T1")
def test_elsewhere_the_page_is_not_there(client, settings):
    settings.SHOW_COMPONENTS = False
    assert client.get(PAGE).status_code == 404
    assert client.post(PAGE).status_code == 404


@pytest.mark.threat("T1")
def test_production_refuses_to_show_it():
    environment = os.environ | {"PRODUCTION": "1", "DEMO": "0", "SHOW_COMPONENTS": "1", "SECRET_KEY": "x" * 50}
    command = [sys.executable, "-c", "import privacy_portal.settings"]
    refused = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert "PRODUCTION refuses DEBUG, DEMO and SHOW_COMPONENTS" in refused.stderr
    allowed = subprocess.run(command, cwd=ROOT, env=environment | {"SHOW_COMPONENTS": "0"}, check=False)
    assert allowed.returncode == 0


def test_news_is_announced_an_error_at_once_and_the_rest_in_its_turn(html):
    """WCAG 2.2, 4.1.3: a screen reader hears of it though the focus stays where it is."""
    roles = dict(re.findall(r'<div class="banner banner-(\w+)" role="(\w+)"', html))
    assert roles == {"info": "status", "success": "status", "warning": "status", "error": "alert"}
    assert re.search(r'<div class="error-summary"[^>]*role="alert"', html)
    assert re.search(r'<div class="confirmed[^"]*" role="status"', html)
    assert "<output data-chosen>" in html
