"""A transfer mechanism carries for a time, and to some countries."""

from datetime import date

import pytest

from apps.processors.mechanisms import EEA, standing
from apps.processors.states import Mechanism

pytestmark = pytest.mark.req("PRO-3")


@pytest.mark.parametrize(
    ("mechanism", "countries", "on", "code"),
    [
        ("", ["NL"], "2026-11-23", "not_needed"),
        ("", ["IE", ""], "2026-11-23", "not_needed"),
        ("", ["NL", "IN"], "2026-11-23", "missing"),
        ("", ["GB"], "2026-11-23", "missing"),
        ("privacy_shield", ["US"], "2020-07-16", "valid"),
        ("privacy_shield", ["US"], "2020-07-17", "lapsed"),
        ("privacy_shield", ["IN"], "2019-07-17", "wrong_country"),
        ("scc_2010", ["US"], "2022-12-27", "valid"),
        ("scc_2010", ["US"], "2022-12-28", "lapsed"),
        ("scc_2021", ["US"], "2021-06-26", "not_yet"),
        ("scc_2021", ["IN"], "2026-11-23", "valid"),
        ("bcr", ["GB"], "2026-11-23", "valid"),
        ("dpf", ["US"], "2023-07-09", "not_yet"),
        ("dpf", ["US"], "2023-07-10", "not_listed"),
        ("dpf", ["CA"], "2026-11-23", "wrong_country"),
        ("adequacy", ["GB"], "2026-11-23", "valid"),
        ("adequacy", ["GB"], "2031-12-28", "lapsed"),
        ("adequacy", ["GB"], "2021-06-27", "not_yet"),
        ("adequacy", ["US"], "2026-11-23", "wrong_country"),
        ("adequacy", ["GB", "US"], "2026-11-23", "wrong_country"),
        ("adequacy", ["NL", "JP"], "2026-11-23", "valid"),
    ],
)
def test_each_mechanism_at_its_time(mechanism, countries, on, code):
    assert standing(mechanism, countries, on=date.fromisoformat(on)).code == code


def test_the_framework_carries_to_a_company_on_its_list():
    assert standing(Mechanism.DPF, ["US"], on=date(2026, 11, 23), is_listed=True).carries


def test_a_lapsed_one_names_its_last_day_and_the_source():
    lapsed = standing("scc_2010", ["US"], on=date(2026, 11, 23))
    assert (lapsed.on, lapsed.carries) == (date(2022, 12, 27), False)
    assert "2021/914" in lapsed.source


def test_the_economic_area_has_thirty_states():
    assert len(EEA) == 30
    assert not EEA & {"GB", "CH", "US"}
