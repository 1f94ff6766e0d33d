"""A list lives in its address: heads sort it, pages lose nothing, nonsense never fails, a file has all of it."""

import csv
import io
from datetime import UTC, datetime

import pytest
from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _
from hypothesis import given
from hypothesis import strategies as st

from apps.core.pages import PAGE_SIZE
from apps.core.tables import SIZES, Column, Empty, Listing, Selection, csv_response
from apps.ledger.models import Entry
from apps.ledger.services import record

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
VERBS = ("notification.delivered", "notification.given_up")
COLUMNS = (
    Column("id", "Number", ("id",), is_number=True),
    Column("verb", "What happened", ("verb", "-id")),
    Column("who", "Who"),
    Column("step", "Step", is_hidden=True),
)
NOTHING = Empty("Nothing here", "Come back later.", "/", "Start page")
pytestmark = pytest.mark.django_db


def every_entry():
    return Entry.objects.filter(target__startswith="a.b:")


def listing(query="", **filters):
    return Listing(QueryDict(query), columns=COLUMNS, sort="-id", filters=filters)


def table(listed, rows=None, **more):
    page = listed.page(every_entry())
    return listed.table(
        page,
        page.rows if rows is None else rows,
        caption="Entries",
        rows_template="dashboard/evidence_rows.html",
        empty=NOTHING,
        **more,
    )


def urls(listed):
    return {head.column.name: head.url for head in table(listed).headings}


@pytest.fixture
def entries():
    made = [record(actor="system", verb=VERBS[number % 2], target=f"a.b:{number}", at=NOW) for number in range(70)]
    return made[::-1]


@pytest.mark.parametrize("sort", ["id", "-id", "verb", "-verb"])
def test_each_head_sorts_both_ways_and_pages_meet_every_row_once_over_ties(entries, sort):
    expected = sorted(entries, key=lambda entry: entry.pk, reverse=sort in ("-id", "verb"))
    if "verb" in sort:
        expected.sort(key=lambda entry: entry.verb, reverse=sort.startswith("-"))
    met, cursor, pages = [], "", 0
    while cursor is not None:
        page = listing(f"sort={sort}&cursor={cursor}").page(every_entry())
        met, cursor, pages = met + page.rows, page.next_cursor, pages + 1
    assert met == expected
    assert pages == 3
    met = page.rows
    while page.previous_cursor:
        page = listing(f"sort={sort}&cursor={page.previous_cursor}").page(every_entry())
        met = page.rows + met
    assert met == expected


def test_a_head_turns_the_order_it_sorts_by_and_the_others_begin_at_the_start():
    assert urls(listing()) == {"id": "?sort=id", "verb": "?sort=verb", "who": "", "step": ""}
    assert urls(listing("sort=verb"))["verb"] == "?sort=-verb"
    assert urls(listing("sort=verb"))["id"] == "?sort=id"
    assert urls(listing("sort=id"))["id"] == "?sort=-id"
    sorted_by = {name: [head.sorted for head in table(listing(f"sort={name}")).headings] for name in ("verb", "-id")}
    assert sorted_by == {"verb": ["", "ascending", "", ""], "-id": ["descending", "", "", ""]}


def test_sorting_and_sizes_keep_the_filters_and_leave_the_place():
    listed = listing("verb=x&cursor=abc&size=100&sort=verb", verb="a b", day="")
    assert listed.query() == "verb=a+b&sort=verb&size=100"
    assert urls(listed)["verb"] == "?verb=a+b&sort=-verb&size=100"
    drawn = table(listed)
    assert drawn.query == listed.query()
    assert drawn.csv_url == "?verb=a+b&sort=verb&size=100&format=csv"
    assert [(size, current) for size, _url, current in drawn.sizes] == [(30, False), (100, True), (200, False)]
    assert drawn.sizes[2][1] == "?verb=a+b&sort=verb&size=200"


@pytest.mark.threat("T33")
@pytest.mark.parametrize(
    "query",
    [
        "sort=-",
        "sort=--id",
        "sort=who",
        "sort=password",
        "size=0",
        "size=-1",
        "size=31",
        "size=1e9",
        "size=٣٠",
        "sort=id&sort=",
    ],
)
def test_what_makes_no_sense_in_the_address_is_left_out(entries, query):
    listed = listing(query)
    assert (listed.sort, listed.size) == ("-id", PAGE_SIZE)
    assert listed.page(every_entry()).rows == entries[:PAGE_SIZE]


@pytest.mark.threat("T33")
@given(sort=st.text(max_size=12), size=st.text(max_size=6), cursor=st.text(max_size=40))
def test_no_address_makes_a_list_fail(sort, size, cursor):
    params = QueryDict(mutable=True)
    params.update({"sort": sort, "size": size, "cursor": cursor})
    listed = Listing(params, columns=COLUMNS, sort="-id")
    assert listed.size in SIZES
    listed.page(every_entry())


@pytest.mark.threat("T33")
def test_a_place_in_one_order_is_no_place_in_another(entries):
    there = listing("sort=verb").page(every_entry()).next_cursor
    assert listing(f"sort=-id&cursor={there}").page(every_entry()).rows == entries[:PAGE_SIZE]


def test_the_component_says_how_it_is_sorted_and_labels_cells_for_narrow_screens(entries):
    html = render_to_string("components/table.html", {"table": table(listing("sort=verb&size=100"), rows=[])})
    assert "Nothing here" in html
    rows = [{"entry": entry, "text": "x", "object": ("b", "1")} for entry in entries[:2]]
    html = render_to_string("components/table.html", {"table": table(listing("sort=verb"), rows=rows)})
    assert html.count('aria-sort="ascending"') == 1
    assert '<a href="?sort=-verb">What happened <span aria-hidden="true">↑</span></a>' in html
    assert '<span class="visually-hidden">Step</span>' in html
    assert 'data-label="Who"' in html
    assert "?sort=verb&amp;format=csv" in html
    assert "format=csv" not in render_to_string(
        "components/table.html", {"table": table(listing(), rows=rows, csv_url="")}
    )


def test_rows_can_be_chosen_where_the_list_says_so(entries):
    chosen = Selection("/choose/", 2, "/steps/", frozenset({"1"}))
    rows = [{"entry": entry, "text": "x", "object": ("b", "1")} for entry in entries[:2]]
    drawn = table(listing(), rows=rows, selection=chosen)
    html = render_to_string("components/table.html", {"table": drawn, "csrf_token": "t"})
    assert '<form method="post" action="/choose/"' in html
    assert "2 chosen" in html
    assert f'value="cursor={drawn.page.next_cursor}"' in html
    assert 'class="d-flex justify-content-between' not in html  # one pager, whose buttons keep what is chosen


def rows_of(response):
    return list(csv.reader(io.StringIO(response.getvalue().decode("utf-8-sig"))))


def test_the_file_holds_every_row_in_order_with_one_byte_order_mark(entries):
    response = csv_response("entries", ["No", "Verb"], every_entry().order_by("-id"), lambda e: (e.pk, e.verb))
    assert response.streaming
    assert response["Content-Disposition"] == 'attachment; filename="entries.csv"'
    text = response.getvalue().decode()
    assert text.count("\ufeff") == 1
    assert text.startswith("\ufeffNo,Verb\r\n")
    assert list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))[1:] == [[str(e.pk), e.verb] for e in entries]


def test_the_file_is_read_in_chunks_of_one_query(entries, django_assert_num_queries):
    response = csv_response("entries", ["No"], every_entry().order_by("id"), lambda entry: (entry.pk,))
    with django_assert_num_queries(1):
        assert response.getvalue().count(b"\r\n") == 71


@pytest.mark.threat("T23")
def test_no_cell_of_the_file_runs_in_a_spreadsheet(entries):
    formulas = ('=cmd|"/c calc"!A1', "+1", "-1", "@SUM(A1)", "\t=1", " =1", "＝1", "\ufeff=1")
    response = csv_response("entries", formulas, Entry.objects.filter(pk=entries[0].pk), lambda entry: formulas)
    assert rows_of(response) == [[f"'{formula}" for formula in formulas]] * 2


def test_the_file_speaks_the_language_of_its_page_though_it_is_sent_later(entries):
    with translation.override("nl"):
        response = csv_response("entries", [_("Name")], every_entry()[:1], lambda entry: [_("Sign out")])
        told = [[_("Name")], [_("Sign out")]]
    assert told[1] != ["Sign out"]
    assert rows_of(response) == told
