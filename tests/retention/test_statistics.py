"""What stays as statistics when rows are made anonymous: an attacker adds and subtracts, and singles nobody out."""

from collections import Counter, defaultdict
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.datamap.services import Group, Rest, Tally
from apps.retention import statistics
from apps.retention.models import Statistic
from apps.retention.statistics import figures

pytestmark = pytest.mark.req("RET-3")

COUNTRIES, DEVICES, PAGES = ("NL", "DE", None), ("mobile", "desktop"), ("/", "/pricing", "/docs")
FULL, COARSE = ("country", "device", "page"), ("country", "device")


class Visit(NamedTuple):
    person: str
    country: str | None
    device: str
    page: str


# --- what the store counts, counted here without SQL ------------------------------------------------------------


def counted(visits, by=FULL, *, careless=False):
    """The tally of `apps.datamap.tallies`, by sets; a `careless` store hands out small groups too."""
    smallest = Statistic.SMALLEST_GROUP
    rows = Counter((tuple((name, getattr(one, name)) for name in by), one.person) for one in visits)
    people = defaultdict(set)
    for group, person in rows:
        people[group].add(person)

    def rows_of(group):
        return sum(min(10, rows[group, person]) for person in people[group])

    small = [group for group in people if len(people[group]) < smallest]
    rest = Rest(
        len(set().union(*(people[group] for group in small))),
        sum(rows_of(group) for group in small),
        max((len(people[group]) for group in small), default=0),
    )
    given = [group for group in people if careless or group not in small]
    large = [Group(group, len(people[group]), rows_of(group)) for group in given]
    return Tally(tuple(large), rest)


def output(visits, by=FULL):
    """What is published of these visits, whatever the store hands out: {group: people}, () for the small ones."""
    return {tuple(one.group.items()): one.people for one in figures(counted(visits, by, careless=True))}


# --- the attacker -----------------------------------------------------------------------------------------------
# He knows how counts are rounded, so a published number is a span of possible ones to him, and so is any difference.
# He has singled somebody out when a span says: at least one person, and fewer than ten.


def span(number):
    return number, number + statistics.MULTIPLE - 1


def unseen():
    return 0, Statistic.SMALLEST_GROUP - 1


def less(first, second):
    return first[0] - second[1], first[1] - second[0]


def names_few(low, high):
    return low >= 1 and high < 10


def of_one(out):
    """Published numbers by themselves: one below ten says that somebody is there, and that there are few."""
    return [group for group, number in out.items() if number < 10 or names_few(*span(number))]


def of_two(out, other):
    """The same group in two outputs, either way round; one that is missing has fewer than ten people."""
    found = []
    for group in out.keys() | other.keys():
        mine, theirs = (span(one[group]) if group in one else unseen() for one in (out, other))
        if names_few(*less(mine, theirs)) or names_few(*less(theirs, mine)):
            found.append(group)
    return found


def of_groupings(coarse, fine):
    """A group of the coarser output less the groups it is made of: who is in none of these?"""
    found = []
    for group, number in coarse.items():
        inside = [other for other in fine if group and other and other[: len(group)] == group]
        left = span(number)
        for other in inside:
            left = less(left, span(fine[other]))
        if inside and names_few(*left):
            found.append(group)
    return found


# --- populations ------------------------------------------------------------------------------------------------


@st.composite
def crowds(draw):
    """Some groups with up to 32 people of their own, and some people who are in several."""
    visits = []
    groups = st.tuples(st.sampled_from(COUNTRIES), st.sampled_from(DEVICES), st.sampled_from(PAGES))
    for group, people in draw(st.dictionaries(groups, st.integers(1, 32), max_size=8)).items():
        visits += [Visit(f"{group}-{number}", *group) for number in range(people)]
    for number, seen in enumerate(draw(st.lists(st.lists(groups, min_size=1, max_size=4), max_size=12))):
        visits += [Visit(f"wanderer-{number}", *group) for group in seen]
    return visits


@st.composite
def anns(draw):
    groups = st.tuples(st.sampled_from(COUNTRIES), st.sampled_from(DEVICES), st.sampled_from(PAGES))
    return [Visit("ann", *group) for group in draw(st.lists(groups, min_size=1, max_size=5))]


@given(crowds(), anns())
def test_an_output_with_a_person_less_one_without_her_names_no_group_of_fewer_than_ten(crowd, ann):
    out, without = output(crowd + ann), output(crowd)
    assert of_one(out) == of_two(out, without) == []


@given(crowds(), crowds(), anns())
def test_one_month_less_another_names_no_group_of_fewer_than_ten(stayed, came, ann):
    first, second = output(stayed), output(stayed + ann + came)
    assert of_one(second) == of_two(first, second) == []


@given(crowds(), anns())
def test_one_grouping_less_another_names_no_group_of_fewer_than_ten(crowd, ann):
    assert of_groupings(output(crowd + ann, COARSE), output(crowd + ann)) == []


@given(crowds(), anns())
def test_small_groups_together_hold_ten_people_beside_the_largest_of_them(crowd, ann):
    tally = counted(crowd + ann)
    together = [one for one in figures(tally) if not one.group]
    assert bool(together) == (tally.rest.people - tally.rest.largest >= 10)
    assert all(tally.rest.people >= one.people >= 10 for one in together)


@given(crowds())
def test_nobody_is_claimed_who_was_not_there(crowd):
    true = {group.values: group for group in counted(crowd).groups}
    for one in figures(counted(crowd)):
        if one.group:
            group = true[tuple(one.group.items())]
            assert group.people - 9 <= one.people <= group.people
            assert one.rows <= group.rows


# --- the attacker wins where less is done -----------------------------------------------------------------------


def visitors(count, *group):
    return [Visit(f"{group}-{number}", *group) for number in range(count)]


NL, ANN = ("NL", "mobile", "/"), [Visit("ann", "NL", "mobile", "/")]


def weakened(monkeypatch, *, smallest, multiple):
    monkeypatch.setattr(Statistic, "SMALLEST_GROUP", smallest)
    monkeypatch.setattr(statistics, "MULTIPLE", multiple)


def test_without_suppression_a_person_stands_alone(monkeypatch):
    weakened(monkeypatch, smallest=1, multiple=1)
    assert of_one(output(ANN)) == [(("country", "NL"), ("device", "mobile"), ("page", "/"))]


@pytest.mark.parametrize("multiple", [1, 5])
def test_with_finer_rounding_a_difference_singles_out(monkeypatch, multiple):
    weakened(monkeypatch, smallest=10, multiple=multiple)
    crowd = visitors(19, *NL)
    assert of_two(output(crowd + ANN), output(crowd)) != []


def test_with_finer_rounding_two_groupings_single_out(monkeypatch):
    weakened(monkeypatch, smallest=10, multiple=1)
    crowd = [*visitors(20, *NL), Visit("ann", "NL", "mobile", "/docs")]
    assert of_groupings(output(crowd, COARSE), output(crowd)) == [(("country", "NL"), ("device", "mobile"))]


def test_small_groups_together_are_not_kept_when_one_of_them_is_nearly_all():
    crowd = [*visitors(9, "NL", "mobile", "/"), *visitors(2, "NL", "mobile", "/docs")]
    assert counted(crowd).rest == Rest(people=11, rows=11, largest=9)
    assert output(crowd) == {}
    assert output([*crowd, *visitors(8, "DE", "mobile", "/")]) == {(): 10}


def test_a_person_who_makes_most_of_the_rows_does_not_show_in_their_number():
    busy = [Visit("ann", "NL", "mobile", "/")] * 500
    [alone], [crowd] = figures(counted(visitors(10, *NL) + busy)), figures(counted(visitors(11, *NL)))
    assert (alone.people, alone.rows) == (10, 20)
    assert (crowd.people, crowd.rows) == (10, 10)
