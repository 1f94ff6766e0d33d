"""The page of promises is made from the marks of the tests, and a mark that names no promise fails."""

import pytest

from tests.architecture.requirements_page import marked, page, promises
from tests.architecture.source import ROOT

TESTS = """
pytestmark = pytest.mark.req("A-1")

@pytest.mark.req("A-2", "A-3")
def test_a_thing_is_so(): ...

class TestMore:
    pytestmark = [pytest.mark.django_db, pytest.mark.threat("T1")]
    def test_more(self): ...
    def helper(self): ...

@pytest.mark.parametrize("x", [pytest.param(1, marks=pytest.mark.req("A-4"))])
def test_cases(x): ...
"""
FILE = "tests/a/test_a.py"


def test_every_mark_names_a_promise():
    assert {each for each, _, _ in marked(ROOT)} - set(promises()) == set()


def test_marks_on_a_test_a_case_a_class_and_a_file_are_all_found(tmp_path):
    (tmp_path / "tests" / "a").mkdir(parents=True)
    (tmp_path / FILE).write_text(TESTS)
    assert set(marked(tmp_path)) == {
        *(("A-1", FILE, name) for name in ("test_a_thing_is_so", "test_more", "test_cases")),
        ("A-2", FILE, "test_a_thing_is_so"),
        ("A-3", FILE, "test_a_thing_is_so"),
        ("T1", FILE, "test_more"),
        ("A-4", FILE, "test_cases"),
    }


def test_the_page_names_the_proofs_and_owns_up_to_what_is_missing():
    written = page({"A-1": "One thing", "A-2": "Another"}, [("A-1", FILE, "test_a_thing_is_so")])
    assert "## A-1: One thing\n\n- a thing is so (`tests/a/test_a.py`)" in written
    assert "## Not proved by a test yet\n\n- A-2: Another" in written


def test_a_mark_that_names_no_promise_fails():
    with pytest.raises(ValueError, match="Z-9"):
        page({"A-1": "One thing"}, [("Z-9", FILE, "test_x")])
