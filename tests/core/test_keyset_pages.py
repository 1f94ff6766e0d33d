"""A list is walked forwards and backwards without losing or doubling a row, whatever is typed into the cursor."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.pages import keyset_page
from apps.ledger.models import Entry
from apps.ledger.services import record

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ORDERS = (("-id",), ("verb", "-id"), ("-verb", "id"))
pytestmark = pytest.mark.django_db


@pytest.fixture
def _entries():
    for number in range(11):
        verb = "notification.delivered" if number % 2 else "notification.given_up"
        record(actor="system", verb=verb, target=f"a.b:{number}", at=NOW)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("size", [1, 3, 11, 20])
@pytest.mark.usefixtures("_entries")
def test_every_row_is_met_once_forwards_and_once_backwards(order, size):
    expected = list(Entry.objects.order_by(*order))
    page, met = keyset_page(Entry.objects.all(), order=order, size=size), []
    assert page.previous_cursor is None
    while True:
        met += page.rows
        if page.next_cursor is None:
            break
        page = keyset_page(Entry.objects.all(), order=order, size=size, cursor=page.next_cursor)
    assert met == expected
    met = list(page.rows)
    while page.previous_cursor:
        page = keyset_page(Entry.objects.all(), order=order, size=size, cursor=page.previous_cursor)
        met = page.rows + met
    assert met == expected


@pytest.mark.usefixtures("_entries")
def test_a_row_added_meanwhile_moves_nothing():
    first = keyset_page(Entry.objects.all(), order=("-id",), size=3)
    record(actor="system", verb="notification.delivered", target="a.b:new", at=NOW)
    second = keyset_page(Entry.objects.all(), order=("-id",), size=3, cursor=first.next_cursor)
    assert [row.pk for row in second.rows] == [first.rows[-1].pk - step for step in (1, 2, 3)]


@pytest.mark.threat("T33")
@given(cursor=st.text(max_size=40))
def test_a_cursor_that_was_tampered_with_is_no_error(cursor):
    keyset_page(Entry.objects.all(), order=("verb", "-id"), cursor=cursor)


@pytest.mark.threat("T33")
@pytest.mark.parametrize(
    "values", ['["n","a\\u0000b",1]', '["n",{},[]]', '["n","x","y"]', "[]", '"n"', '["n",null,1]', "9" * 400]
)
def test_a_forged_cursor_shows_the_first_page(values):
    import base64

    cursor = base64.urlsafe_b64encode(values.encode()).decode()
    first = keyset_page(Entry.objects.all(), order=("verb", "-id"))
    assert keyset_page(Entry.objects.all(), order=("verb", "-id"), cursor=cursor).rows == first.rows
