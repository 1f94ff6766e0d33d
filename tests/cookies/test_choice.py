"""What the browser's cookie says: read as it was written, and anything else is no choice."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.http import HttpRequest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from apps.consent.ids import event_id
from apps.cookies import choice as choices
from apps.cookies.choice import FORM, LONGEST, NAME, Choice, current, format_choice, is_signalled, new_visitor, parse
from apps.cookies.models import RegisterVersion, Site
from apps.cookies.states import OPTIONAL

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
VISITOR = "Zk3rXw0s9QbVn2-h_4TtLA"
instants = st.datetimes(datetime(2020, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)).map(
    lambda at: at.replace(microsecond=0)
)
made = st.builds(
    Choice,
    visitor=st.from_regex(r"[A-Za-z0-9_-]{22}", fullmatch=True),
    material_number=st.integers(0, 999_999),
    allowed=st.frozensets(st.sampled_from([category.value for category in OPTIONAL])),
    decided_at=instants,
    event=instants.map(event_id),
    gpc=st.booleans(),
)


def choice(**facts):
    known = {"visitor": VISITOR, "material_number": 1, "allowed": frozenset({"functional"}), "decided_at": NOW}
    return Choice(**known | {"event": event_id(NOW)} | facts)


def request(*values):
    found = HttpRequest()
    found.META["HTTP_COOKIE"] = "; ".join(["theme=dark", *(f"{NAME}={value}" for value in values)])
    return found


@given(made)
def test_what_is_written_is_read_again_and_is_short(one):
    value = format_choice(one)
    assert parse(value) == one
    assert FORM.fullmatch(value)
    assert len(f"{NAME}={value}") <= LONGEST // 4


@given(st.text() | st.from_regex(FORM, fullmatch=True) | st.from_regex(r"1(\.[\w-]{0,30}){6}"))
def test_garbage_is_no_choice_and_never_an_error(value):
    found = parse(value)
    assert found is None or FORM.fullmatch(format_choice(found))


@given(made, st.data())
def test_one_letter_more_less_or_other_is_never_a_wider_yes_by_accident(one, data):
    value = format_choice(one)
    place = data.draw(st.integers(0, len(value) - 1))
    letter = data.draw(st.sampled_from(["", ".", "2", "x", "é", "\n", " ", "%"]))
    found = parse(value[:place] + letter + value[place + 1 :])
    if found is not None and found.allowed != one.allowed:
        assert value.split(".")[3] != (value[:place] + letter + value[place + 1 :]).split(".")[3]


@pytest.mark.parametrize("value", [
    "", "1", "yes", "0." + format_choice(choice())[2:], format_choice(choice()) + "\n", format_choice(choice()) + ".1",
    format_choice(choice()).replace(".010.", ".020."), format_choice(choice()).replace(VISITOR, "short"),
    format_choice(choice(event=uuid.uuid4())), "1" * 5000, "１" + format_choice(choice())[1:],
    f"1.{VISITOR}.1.111.zzzzzzzzz.AZ3_AAAAcACAAAAAAAAAAA.0",
], ids=map(str, range(11)))  # fmt: skip
@pytest.mark.threat("T42")
def test_whatever_does_not_have_the_form_is_no_choice(value):
    assert parse(value) is None


def test_a_choice_counts_until_its_day_six_months_later_and_not_for_a_newer_register():
    said = choice(decided_at=datetime(2026, 8, 31, 9, 0, tzinfo=UTC))
    assert said.until(6) == datetime(2027, 2, 28, 9, 0, tzinfo=UTC)
    asked = {"material_number": 1, "months": 6}
    assert said.counts(**asked, now=said.until(6) - timedelta(seconds=1))
    assert not said.counts(**asked, now=said.until(6))
    assert not said.counts(material_number=2, months=6, now=NOW)
    assert not said.counts(**asked, now=said.decided_at - timedelta(days=2))
    assert said.counts(**asked, now=said.decided_at - timedelta(hours=2))


@pytest.mark.django_db
@pytest.mark.req("COO-3")
def test_the_newest_choice_that_counts_is_the_choice():
    site = Site.objects.get(key="main")
    number = RegisterVersion.objects.current().get(site=site).material_number
    old = choice(material_number=number, decided_at=NOW - timedelta(days=3), allowed=frozenset({"marketing"}))
    new = choice(material_number=number, allowed=frozenset())
    assert current(request(format_choice(old), format_choice(new), "garbage"), site, now=NOW) == new
    assert current(request(format_choice(old)), site, now=NOW) == old
    assert current(request(format_choice(choice(material_number=number + 1))), site, now=NOW) is None
    assert current(request("garbage"), site, now=NOW) is None
    assert current(request(), site, now=NOW) is None


@pytest.mark.django_db
def test_a_site_without_a_register_knows_no_choice():
    assert current(request(format_choice(choice())), Site(key="new", validity_months=6), now=NOW) is None


@pytest.mark.parametrize(("value", "is_set"), [
    ("1", True), ("1, 0", True), ("0, 1", True), ("0", False), ("", False), ("true", False), ("11", False),
])  # fmt: skip
def test_the_signal_is_exactly_one(value, is_set):
    assert is_signalled(RequestFactory().get("/", headers={"sec-gpc": value})) is is_set


def test_the_domain_is_set_only_where_the_host_lies_in_it():
    site = Site(cookie_domain="messagebird.com")
    asked = {host: choices.cookie_domain(site, host) for host in ("messagebird.com", "dashboard.messagebird.com")}
    assert set(asked.values()) == {"messagebird.com"}
    for host in ("localhost", "evilmessagebird.com", "messagebird.com.evil.example"):
        assert choices.cookie_domain(site, host) is None


def test_a_visitors_number_is_random_and_has_the_form():
    numbers = {new_visitor() for _ in range(100)}
    assert len(numbers) == 100
    assert all(len(number) == 22 for number in numbers)


def test_only_what_is_necessary_runs_without_a_choice():
    assert choices.is_allowed(None, "necessary")
    assert not choices.is_allowed(None, "functional")
    assert choices.is_allowed(choice(), "functional")
    assert not choices.is_allowed(choice(), "marketing")
