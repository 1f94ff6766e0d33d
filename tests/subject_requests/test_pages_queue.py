"""The officers' queue: saved views, filters, sorting, the board, choosing many, and that nothing is refused in bulk."""

import csv
import io
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.ledger.models import Entry
from apps.subject_requests import services
from apps.subject_requests.models import SubjectRequest
from apps.subject_requests.states import Right, Status
from tests.subject_requests.factories import NOW, AccountFactory, PersonFactory, at_status, filed, in_progress

pytestmark = pytest.mark.django_db
QUEUE = "/desk/"


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(NOW, tick=True):
        yield


@pytest.fixture
def officer(client, sign_in):
    return sign_in(client, PersonFactory(officer=True, full_name="Olga Officer"))


def listed(client, query=""):
    return [row.subject_request for row in client.get(QUEUE + query).context["table"].rows]


def state_of(subject_request):
    return SubjectRequest.objects.get(pk=subject_request.pk).status


def choose(client, *chosen, shown=None, go="save"):
    keys = [each.reference for each in chosen]
    shown = keys if shown is None else [each.reference for each in shown]
    return client.post("/desk/choose/", {"shown": " ".join(shown), "chosen": keys, "go": go})


@pytest.mark.req("DSR-4")
def test_the_queue_begins_with_what_is_due_first(client, officer):
    late = filed(at=NOW - timedelta(days=40))
    new = filed()
    soon = filed(at=NOW - timedelta(days=5))
    assert listed(client) == [late, soon, new]
    assert listed(client, "?sort=-due") == [new, soon, late]
    assert "days late" in client.get(QUEUE).content.decode()


def test_filters_live_in_the_address(client, officer):
    mine, nobodys = in_progress(Right.ACCESS, officer=officer), filed(Right.ERASURE)
    assert listed(client, "?assigned=me") == [mine]
    for query in ("?assigned=nobody", "?right=erasure", "?status=received", f"?q={nobodys.reference[-6:]}"):
        assert listed(client, query) == [nobodys]
    assert listed(client, f"?q={mine.account.name}") == [mine]
    assert listed(client, "?due=overdue") == []
    assert len(listed(client, "?status=x&sort=nonsense&size=9&cursor=x&view=none")) == 2  # no filter: left out


def test_saved_views_hold_what_they_say_and_count_it(client, officer):
    mine = in_progress(officer=officer)
    nobodys = filed()
    doubted = services.doubt_identity(in_progress(), doubt="Another voice", by=officer, now=NOW)
    waiting = services.ask_requester(in_progress(), text="Which one?", by=officer, now=NOW)
    late = in_progress(at=NOW - timedelta(days=40))
    soon = in_progress(at=NOW - timedelta(days=6))  # the contract's clock: ten days
    closed = at_status(Status.CLOSED)
    held = {
        "mine": [mine],
        "unassigned": [nobodys],
        "doubts": [doubted],
        "waiting": [waiting],
        "overdue": [late],
        "week": [soon],
        "closed": [closed],
    }
    for view, expected in held.items():
        assert listed(client, f"?view={view}") == expected, view
    counted = {tab["url"].partition("view=")[2]: tab["count"] for tab in client.get(QUEUE).context["tabs"]}
    assert counted[""] == "6"
    assert {view: counted[view] for view in held} == dict.fromkeys(held, "1") | {"closed": None}


def test_a_page_of_two_hundred_is_there_for_those_who_want_it(client, officer):
    account = AccountFactory()
    made = [filed(account=account, at=NOW - timedelta(minutes=n)) for n in range(31)]
    first = client.get(QUEUE).context["table"]
    assert len(first.rows) == 30
    assert listed(client, f"?cursor={first.page.next_cursor}") == made[:1]
    assert len(listed(client, "?size=200")) == 31


@pytest.mark.parametrize("query", ["", "?size=200", "?as=board", "?view=closed"])
def test_the_queue_costs_as_many_queries_with_thirty_requests_as_with_one(client, officer, query):
    account = AccountFactory()

    def cost():
        with CaptureQueriesContext(connection) as queries:
            assert client.get(QUEUE + query).status_code == 200
        return len(queries)

    in_progress(account=account, officer=officer)
    cost()
    one = cost()
    for _ in range(29):
        in_progress(account=account, officer=officer)
    assert cost() == one <= 14


@pytest.mark.threat("T23")
def test_the_queue_as_a_spreadsheet_holds_every_row_and_no_formula(client, officer):
    account = AccountFactory(name="=SUM(1)")
    made = [filed(account=account) for _ in range(35)]
    response = client.get(QUEUE + "?format=csv")
    assert response["Content-Disposition"] == 'attachment; filename="requests.csv"'
    rows = list(csv.reader(io.StringIO(response.getvalue().decode("utf-8-sig"))))
    assert rows[0][0] == "Reference"
    assert {row[0] for row in rows[1:]} == {each.reference for each in made}
    assert {row[2] for row in rows[1:]} == {"'=SUM(1)"}


def test_the_board_has_a_lane_for_each_open_status(client, officer):
    received, mine = filed(), in_progress(officer=officer)
    lanes = {lane.status: lane for lane in client.get(QUEUE + "?as=board").context["lanes"]}
    assert [card.subject_request for card in lanes[Status.RECEIVED].cards] == [received]
    assert [card.subject_request for card in lanes[Status.IN_PROGRESS].cards] == [mine]
    assert Status.CLOSED not in lanes
    (card,) = lanes[Status.RECEIVED].cards
    assert [to for to, _text in card.moves] == ["in_progress", "waiting_for_requester", "identity_pending"]


def test_a_lane_shows_its_first_cards_and_how_many_more_there_are(client, officer):
    account = AccountFactory()
    for _ in range(27):
        filed(account=account)
    lane = client.get(QUEUE + "?as=board").context["lanes"][0]
    assert (len(lane.cards), lane.count, lane.more) == (25, 27, 2)


def test_the_board_keeps_its_view_and_filters_when_a_card_moves_or_a_lane_is_opened(client, officer):
    mine = in_progress(Right.ACCESS, officer=officer)
    page = client.get(QUEUE + "?view=mine&right=access&as=board")
    back = page.context["back"]
    moved = client.post(f"/desk/{mine.reference}/move/", {"to": "awaiting_approval", "back": back})
    assert moved.url == "/desk/?view=mine&right=access&as=board"
    lane = next(lane for lane in page.context["lanes"] if lane.status == Status.RECEIVED)
    assert lane.url == "?view=mine&right=access&status=received"
    assert listed(client, lane.url) == []


def test_filtering_keeps_view_sort_and_size(client, officer):
    kept = dict(client.get(QUEUE + "?view=mine&sort=-account&size=100").context["keep"])
    assert kept == {"view": "mine", "sort": "-account", "size": "100"}


def test_moving_a_card_takes_the_step_that_leads_there(client, officer):
    subject_request = filed()
    client.post(f"/desk/{subject_request.reference}/move/", {"to": "in_progress"})
    assert state_of(subject_request) == Status.IN_PROGRESS
    assert SubjectRequest.objects.get(pk=subject_request.pk).assigned_to == officer
    client.post(f"/desk/{subject_request.reference}/move/", {"to": "awaiting_approval"})
    assert state_of(subject_request) == Status.AWAITING_APPROVAL


@pytest.mark.parametrize(("status", "to", "slug"), [
    (Status.IN_PROGRESS, "waiting_for_requester", "ask"),
    (Status.AWAITING_APPROVAL, "in_progress", "send-back"),
    (Status.AWAITING_APPROVAL, "executing", "approve"),
])  # fmt: skip
def test_a_move_that_needs_words_or_eyes_opens_the_step_instead(client, officer, status, to, slug):
    subject_request = at_status(status)
    response = client.post(f"/desk/{subject_request.reference}/move/", {"to": to})
    assert response.url == f"/desk/{subject_request.reference}/?step={slug}"
    assert state_of(subject_request) == status


@pytest.mark.parametrize("to", ["closed", "executing", "nonsense", ""])
def test_a_move_that_no_step_makes_changes_nothing(client, officer, to):
    subject_request = filed()
    response = client.post(f"/desk/{subject_request.reference}/move/", {"to": to}, follow=True)
    assert "can’t go there" in response.content.decode()
    assert state_of(subject_request) == Status.RECEIVED


def test_a_choice_outlives_paging_sorting_and_filters(client, officer):
    account = AccountFactory()
    made = [filed(account=account, at=NOW - timedelta(minutes=n)) for n in range(31)]
    oldest_first = made[::-1]
    choose(client, oldest_first[0], oldest_first[3], shown=oldest_first[:30])
    on = client.get(QUEUE).context["table"].page.next_cursor
    there = client.post(
        "/desk/choose/",
        {"shown": made[0].reference, "chosen": [made[0].reference], "go": f"cursor={on}", "back": "size=30"},
    )
    assert there.url == f"/desk/?size=30&cursor={on}"
    assert client.get(QUEUE).context["table"].selection.count == 3
    assert choose(client, shown=oldest_first[:30]).content == b"1 chosen"  # unticked again
    page = client.get("/desk/bulk/").content.decode()
    assert made[0].reference in page
    assert oldest_first[0].reference not in page


def test_many_are_assigned_at_once_and_each_refusal_says_why(client, officer):
    one, two = filed(), filed()
    gone = at_status(Status.CLOSED)
    choose(client, one, two, gone)
    page = client.post("/desk/bulk/assign/", {"to": str(officer.pk)}).content.decode()
    assert state_of(one) == state_of(two) == Status.IN_PROGRESS
    assert "Done for 2 requests." in page
    assert "Not done for 1 request:" in page
    assert Entry.objects.filter(verb="subject_request.assigned", target__in=[one.key, two.key]).count() == 2


@pytest.mark.req("DSR-4")
def test_many_are_extended_with_one_reason_and_a_notice_each(client, officer):
    made = [in_progress(officer=officer) for _ in range(3)]
    choose(client, *made)
    refused = client.post("/desk/bulk/extend/", {"words": "The flood"}).content.decode()
    assert "Choose a reason." in refused
    assert "The flood" in refused
    client.post("/desk/bulk/extend/", {"reason": "complexity", "words": "The flood"})
    for each in made:
        assert each.parts.get(capacity="controller").extended_at is not None
        assert each.parts.get(capacity="processor").extended_at is None  # GDPR 28(3)


def test_many_are_closed_as_duplicates_of_one(client, officer):
    account = AccountFactory()
    kept = in_progress(account=account, officer=officer, at=NOW - timedelta(days=1))
    same, other = in_progress(account=account, officer=officer), in_progress(officer=officer)
    choose(client, same, other)
    client.post("/desk/bulk/duplicate/", {"of": kept.reference})
    assert state_of(same) == Status.CLOSED
    assert state_of(other) == Status.IN_PROGRESS


@pytest.mark.parametrize("slug", ["refuse-controller", "refuse-processor", "approve", "unidentified", "nonsense"])
def test_nothing_is_refused_or_approved_in_bulk(client, officer, slug):
    subject_request = in_progress()
    choose(client, subject_request)
    assert client.post(f"/desk/bulk/{slug}/", {"ground": "legal_claims", "words": "No"}).status_code == 404
    assert state_of(subject_request) == Status.IN_PROGRESS


@pytest.mark.threat("T1")
def test_the_data_protection_officer_chooses_and_moves_nothing(client, sign_in):
    sign_in(client, PersonFactory(dpo=True))
    subject_request = filed()
    assert client.get(QUEUE).context["table"].selection is None
    assert choose(client, subject_request).status_code == 403
    assert client.get("/desk/bulk/").status_code == 403
    assert client.post(f"/desk/{subject_request.reference}/move/", {"to": "in_progress"}).status_code == 403


@pytest.mark.threat("T33")
def test_rubbish_among_the_chosen_is_nobody(client, officer):
    junk = ["x", "'; DROP TABLE", "00000000-0000-0000-0000-000000000000", "9" * 5000]
    client.post("/desk/choose/", {"shown": " ".join(junk), "chosen": junk, "go": "save"})
    assert client.get("/desk/bulk/").status_code == 200
