"""Rows chosen on one page of a list are still chosen on the next."""

import pytest

from apps.core.selections import AT_MOST, Chosen


@pytest.fixture
def chosen():
    return Chosen({}, "desk")


def test_what_is_chosen_outlives_paging_sorting_and_filters(chosen):
    chosen.update(shown=["a", "b", "c"], chosen=["b", "c"])
    chosen.update(shown=["d", "e"], chosen=["e"])
    assert chosen.keys == ["b", "c", "e"]
    chosen.update(shown=["c", "d", "b"], chosen=["b"])  # another order: c was unticked there
    assert chosen.keys == ["e", "b"]


def test_a_page_without_a_tick_unchooses_its_own_rows_alone(chosen):
    chosen.update(shown=["a", "b"], chosen=["a", "b"])
    chosen.update(shown=["a"], chosen=[])
    assert chosen.keys == ["b"]


@pytest.mark.threat("T33")
def test_only_rows_that_were_shown_are_chosen_and_each_once(chosen):
    chosen.update(shown=["a", "b"], chosen=["b", "b", "somebody else's", "a"])
    assert chosen.keys == ["b", "a"]


def test_it_lives_in_the_session_under_the_name_of_its_list():
    session = {}
    Chosen(session, "desk").update(shown=["a"], chosen=["a"])
    Chosen(session, "outbox").update(shown=["x"], chosen=["x"])
    assert Chosen(session, "desk").keys == ["a"]
    Chosen(session, "desk").clear()
    assert Chosen(session, "desk").keys == []
    assert Chosen(session, "outbox").keys == ["x"]


@pytest.mark.threat("T33")
def test_at_most_five_hundred_are_chosen_and_the_first_ones_stay(chosen):
    many = [str(number) for number in range(700)]
    chosen.update(shown=many[:499], chosen=many[:499])
    chosen.update(shown=many[499:], chosen=many[499:])
    assert AT_MOST == 500
    assert chosen.keys == many[:500]
