"""Where a request can go from where it is: every pair of states."""

from itertools import product

import pytest

from apps.ledger.models import Entry
from apps.subject_requests.models import SubjectRequest
from apps.subject_requests.services.moves import IllegalMove, _move
from apps.subject_requests.states import OPEN, TASK_TRANSITIONS, TRANSITIONS, Status, TaskStatus
from tests.subject_requests.factories import NOW, at_status, filed

# domain.md, "Requests", written down a second time and by hand
WAYS_ON = {
    "received": "identity_pending waiting_for_requester in_progress closed",
    "identity_pending": "in_progress closed",
    "waiting_for_requester": "in_progress closed",
    "in_progress": "waiting_for_requester identity_pending awaiting_approval closed",
    "awaiting_approval": "in_progress executing closed",
    "executing": "in_progress closed",
    "closed": "",
}


def test_the_ways_on_are_those_of_the_domain():
    assert {origin.value: {to.value for to in ways} for origin, ways in TRANSITIONS.items()} == {
        origin: set(ways.split()) for origin, ways in WAYS_ON.items()
    }
    assert set(Status) - OPEN == {Status.CLOSED}


@pytest.mark.parametrize(("origin", "to"), product(Status, Status))
def test_a_request_moves_only_where_the_table_leads(db, origin, to):
    subject_request = at_status(origin)
    before = Entry.objects.filter(verb="subject_request.moved").count()
    if to.value in WAYS_ON[origin.value].split():
        moved = _move(subject_request, to, actor="system", at=NOW)
        assert moved.status == to
        assert moved.is_open == (to is not Status.CLOSED)
        assert Entry.objects.filter(verb="subject_request.moved").count() == before + 1
        assert Entry.objects.last().facts == {"from": origin.value, "to": to.value}
    else:
        with pytest.raises(IllegalMove):
            _move(subject_request, to, actor="system", at=NOW)
        assert SubjectRequest.objects.get().status == origin
        assert Entry.objects.filter(verb="subject_request.moved").count() == before


def test_each_status_has_words_for_the_requester():
    assert [status.words_for_requester for status in Status] == [
        "Received",
        "Confirm your identity",
        "Waiting for you",
        "In progress",
        "Being checked",
        "In progress",
        "Closed",
    ]


def test_a_store_task_never_leaves_its_end():
    assert not TASK_TRANSITIONS[TaskStatus.CONFIRMED]
    assert all(
        TaskStatus.CONFIRMED not in TASK_TRANSITIONS[status] for status in (TaskStatus.PENDING, TaskStatus.RUNNING)
    )


def test_a_stale_object_can_not_move_a_request_that_somebody_moved_meanwhile(db):
    subject_request = filed()
    stale = SubjectRequest.objects.get()
    _move(subject_request, Status.CLOSED, actor="system", at=NOW)
    with pytest.raises(IllegalMove):
        _move(stale, Status.IN_PROGRESS, actor="system", at=NOW)
