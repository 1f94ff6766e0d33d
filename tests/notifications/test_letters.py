"""Every mail there is, in every language: what it must have, and what it must never carry."""

import re
from pathlib import Path

import pytest
from django.conf import settings

from apps.notifications import services
from apps.notifications.models import Channel, OutgoingMessage

FOLDER = Path(settings.BASE_DIR) / "templates"
LETTERS = sorted(
    f"{path.parts[-3]}/{path.name.removesuffix('.subject.txt')}" for path in FOLDER.glob("*/emails/*.subject.txt")
)
TEXTS = sorted(f"{path.parts[-3]}/{path.name.removesuffix('.sms.txt')}" for path in FOLDER.glob("*/emails/*.sms.txt"))
LANGUAGES = [code for code, _name in settings.LANGUAGES]
TYPED = "Anna Jansen +31612345678 anna@example.com"  # somebody's words, and whom they name
FACTS = {
    **{"reference": "PR-2026-000123", "right": "erasure", "code": "123456", "step": "3", "capacity": "controller"},
    **{"due_on": "30 September 2026", "closes_on": "30 September 2026", "expires_on": "30 September 2026"},
    **{"until": "2026-09-30", "at": "2026-09-01T10:00:00+00:00", "found": 3, "outcome": "spam", "ground": "excessive"},
    **{"words": TYPED, "text": TYPED, "name": TYPED, "returns": True},
    **{"service_ends_on": "30 September 2026", "erase_on": "30 October 2026"},
    **{"headline": "What is new", "paragraphs": ["Something is."], "path": "/preferences/x/"},
    **{"unsubscribe": "/newsletter/unsubscribe/x/", "preferences": "/preferences/x/"},
    **{"account": "00000000-0000-4000-8000-000000000001"},
}
LOADS = re.compile(r"<(img|script|link|iframe|object|embed|video|audio|source|input|form)\b|\bsrc=|@import|url\(", re.I)


def rendered(template, language, **facts):
    channel = Channel.SMS if template in TEXTS and template not in LETTERS else Channel.EMAIL
    message = OutgoingMessage(template=template, language=language, channel=facts.pop("channel", channel))
    return services._render(message, FACTS | facts)


@pytest.fixture(params=LANGUAGES)
def language(request):
    return request.param


def test_all_letters_are_looked_at_and_each_has_its_twins():
    assert len(LETTERS) >= 24
    loose = {path.name.split(".")[0] for path in FOLDER.glob("*/emails/*") if "notifications" not in path.parts}
    assert loose == {name.partition("/")[2] for name in (*LETTERS, *TEXTS)}


@pytest.mark.parametrize("template", LETTERS)
def test_the_subject_is_one_short_line_in_plain_words(template, language):
    for step in ("3", "overdue"):
        subject = rendered(template, language, step=step)["subject.txt"]
        assert subject
        assert "\n" not in subject
        assert len(subject) <= 78, (len(subject), subject)


@pytest.mark.parametrize("template", LETTERS)
def test_both_bodies_say_the_same_in_the_language_and_direction_of_the_reader(template, language):
    parts = rendered(template, language)
    html, text = parts["html"], parts["txt"]
    assert f'<html lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}">' in html
    assert "<title>" in html
    assert html.count("<h1") == 1
    for body in (html, text, parts["subject.txt"]):
        assert "{{" not in body
        assert "{%" not in body
    links = set(re.findall(r'href="([^"]+)"', html))
    assert links == set(re.findall(r"http\S+", text)), "what can be opened in one can be opened in the other"
    if template.endswith(("confirm_email", "reset_code", "step_up_code")):
        assert FACTS["code"] in html
        assert FACTS["code"] in text
    assert settings.PROVIDER["dpo_email"] in html
    assert settings.PROVIDER["dpo_email"] in text


@pytest.mark.threat("T56")
@pytest.mark.parametrize("template", LETTERS)
def test_nothing_is_loaded_tracked_or_given_away(template, language):
    parts = rendered(template, language)
    html = parts["html"]
    assert not LOADS.search(html)
    for address in re.findall(r'href="([^"]+)"', html):
        assert address.startswith(f"{settings.BASE_URL}/"), address
    assert re.findall(r"https?://", html.replace(f"{settings.BASE_URL}/", "")) == []
    for body in parts.values():
        for word in TYPED.split():
            assert word not in body, word


@pytest.mark.parametrize("template", TEXTS)
def test_a_text_message_fits_and_holds_its_code(template, language):
    text = rendered(template, language, channel=Channel.SMS)["sms.txt"]
    assert FACTS["code"] in text
    assert len(text) <= (160 if language != "ar" else 134)  # one message, or in Arabic two parts at most


def test_a_subject_can_hold_no_markup_in_the_heading(tmp_path):
    html = rendered("subject_requests/received", "en", reference="<b>PR</b>")["html"]
    assert "<b>" not in html
