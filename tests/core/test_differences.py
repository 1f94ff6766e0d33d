"""What changed between two texts is told word by word, and in words."""

import pytest
from django.template.loader import render_to_string
from hypothesis import given
from hypothesis import strategies as st

from apps.core.differences import compare

TEXTS = st.lists(st.sampled_from(["data", "stays", "كل", "بيانات", "seven", "years"]), max_size=12).map(" ".join)


def told(before, after):
    return [(run.kind, run.text) for run in compare(before, after).runs]


def test_words_that_came_and_went_stand_in_their_place():
    assert told("Logs stay for two years", "Logs stay for one year at most") == [
        ("same", "Logs stay for"),
        ("removed", "two years"),
        ("added", "one year at most"),
    ]
    assert compare("Logs stay for two years", "Logs stay for one year at most").in_words == (
        "4 words added, 2 words removed"
    )


def test_one_word_is_told_as_one_word():
    assert compare("mail", "mail service").in_words == "1 word added"
    assert compare("mail service", "mail").in_words == "1 word removed"


@pytest.mark.parametrize(("before", "after"), [("", ""), ("a  b\n", "a b"), ("same words", "same words")])
def test_white_space_is_no_change(before, after):
    assert compare(before, after).in_words == "Nothing changed."
    assert {kind for kind, _text in told(before, after)} <= {"same"}


def test_a_text_that_was_not_there_is_all_new():
    assert told("", "a b") == [("added", "a b")]
    assert told("a b", "") == [("removed", "a b")]


def test_arabic_words_are_compared_like_any_other():
    assert told("نحتفظ بالسجلات سنتين", "نحتفظ بالسجلات سنة واحدة") == [
        ("same", "نحتفظ بالسجلات"),
        ("removed", "سنتين"),
        ("added", "سنة واحدة"),
    ]


@given(before=TEXTS, after=TEXTS)
def test_both_texts_can_be_read_from_the_difference(before, after):
    difference = compare(before, after)
    assert " ".join(run.text for run in difference.runs if run.kind != "added") == before
    assert " ".join(run.text for run in difference.runs if run.kind != "removed") == after
    assert difference.added - difference.removed == len(after.split()) - len(before.split())


def test_whoever_sees_no_colours_hears_what_changed():
    html = render_to_string("components/diff.html", {"diff": compare("kept <b>two</b> years", "kept one year")})
    assert "2 words added, 2 words removed" in html
    assert "<b>" not in html
    assert '<ins><span class="visually-hidden">added: </span>one year' in html
    assert '<del><span class="visually-hidden">removed: </span>&lt;b&gt;two&lt;/b&gt; years' in html
    assert 'dir="auto"' in html
