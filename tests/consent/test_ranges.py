"""Closed ranges find out what was added, changed or taken away; a replaced choice ends where the next one begins."""

import threading
from datetime import date, timedelta
from itertools import pairwise

import pytest
from django.db import connection, connections

from apps.consent import tasks
from apps.consent.ids import event_id
from apps.consent.models import Event, Range
from apps.consent.services import Decision, proof, ranges, record_decision
from apps.core.clock import now
from apps.ledger.models import Entry
from tests.template import connect

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
SITE = "site:main"


def choice(at, *, visitor="v" * 22, received=None, previous=None, **facts):
    """A visitor's choice, which counts for half a year; its id."""
    said = {"scope": SITE, "subject_key": visitor, "action": "chosen", "method": "banner", "text": "0" * 64}
    said |= {"choices": {"performance": True}, "language": "en", "until": at + timedelta(days=180)} | facts
    one = Decision(id=event_id(at), previous=previous, is_projected=False, **said)
    assert record_decision(one, now=received or at)
    return one.id


def as_owner(clone, statement, *values):
    opened = connect(clone.owner_url)
    opened.cursor().execute(statement, values)
    opened.close()


@pytest.mark.django_db
@pytest.mark.req("CON-4")
def test_ranges_follow_one_another_without_a_gap_and_hold_every_event_once():
    at = now()
    for minutes in (300, 299, 190, 60, 20, 16, 14, 1):
        choice(at - minutes * MINUTE)
    assert tasks.close_ranges() >= 3
    closed = list(Range.objects.order_by("ends_at"))
    assert all(one.ends_at == other.begins_at for one, other in pairwise(closed))
    assert sum(one.count for one in closed) == 6
    assert [ranges.verify_range(one, now=at).difference for one in closed] == [""] * len(closed)
    assert tasks.close_ranges() == 0


@pytest.mark.django_db
@pytest.mark.req("CON-4")
def test_a_range_tells_the_ledger_its_number_and_its_digest():
    at = now()
    choice(at - HOUR)
    closed = ranges.close_range(now=at)
    [entry] = Entry.objects.filter(verb="consent.range_closed")
    assert (entry.facts["count"], entry.facts["digest"]) == (1, closed.digest)
    assert entry.facts["ends_at"] == closed.ends_at.isoformat()


@pytest.mark.django_db
def test_where_nothing_was_received_nothing_is_closed():
    assert tasks.close_ranges() == 0
    assert not Range.objects.exists()


@pytest.mark.django_db
@pytest.mark.req("CON-4")
def test_an_end_that_is_set_later_leaves_the_digest_as_it_was():
    at = now()
    choice(at - HOUR)
    closed = ranges.close_range(now=at)
    Event.objects.update(ended_at=at)
    assert ranges.verify_range(closed, now=at).difference == ""


@pytest.mark.req("CON-4")
@pytest.mark.parametrize(
    ("statement", "difference"),
    [
        ("DELETE FROM consent_event WHERE language = 'nl'", "missing"),
        ("UPDATE consent_event SET choices = '{\"performance\": false}' WHERE language = 'nl'", "changed"),
        ("INSERT INTO consent_event SELECT gen_random_uuid(), at, received_at, scope, subject_key, user_id, action,"
         " method, choices, text, language, register_version, gpc, page, agent, previous, ended_at FROM consent_event"
         " WHERE language = 'nl'", "more"),
        ("UPDATE consent_range SET digest = repeat('0', 64)", "ledger"),
        ("DELETE FROM consent_range WHERE id = (SELECT min(id) + 1 FROM consent_range)", "gap"),
    ],
)  # fmt: skip
def test_whoever_gets_round_the_triggers_is_found_out(committed_db, statement, difference):
    at = now()
    for ago in (5, 3, 1):
        choice(at - ago * HOUR, language="nl" if ago == 1 else "en")
    assert tasks.close_ranges() == 3
    as_owner(committed_db, f"SET session_replication_role = replica; {statement}")
    assert ranges.verify_range(Range.objects.latest("ends_at"), now=at).difference == difference


@pytest.mark.req("CON-4")
def test_an_event_that_is_still_being_written_is_waited_for(committed_db):
    at = now()
    choice(at - HOUR)
    opened = connect(committed_db.app_url)
    opened.autocommit = False
    opened.cursor().execute("SELECT 1")  # somebody has begun
    assert ranges.close_range(now=at + HOUR).ends_at < at
    opened.rollback()
    opened.close()
    choice(at)
    later = ranges.close_range(now=at + 2 * HOUR)
    assert later.ends_at > at
    assert later.count == 1


@pytest.mark.req("CON-4")
def test_two_workers_at_once_close_each_range_once(committed_db):
    at = now()
    for minutes in range(20, 400, 7):
        choice(at - minutes * MINUTE, visitor=f"v{minutes}")

    closed_by = []

    def work():
        try:
            closed_by.append(tasks.close_ranges())
        finally:
            connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    closed = list(Range.objects.order_by("ends_at"))
    assert len(closed_by) == 2  # neither of them failed
    assert sum(closed_by) == len(closed)
    assert sum(one.count for one in closed) == Event.objects.count() == 55
    assert all(one.ends_at == other.begins_at for one, other in pairwise(closed))
    assert Entry.objects.filter(verb="consent.range_closed").count() == len(closed)


@pytest.mark.django_db
@pytest.mark.req("CON-4")
def test_a_newer_choice_of_the_same_visitor_ends_the_earlier_one_in_whatever_order_they_arrive():
    at = now()
    first = choice(at - 50 * HOUR)
    third = choice(at - 30 * HOUR)
    tasks.close_ranges()
    tasks.end_replaced_choices()
    second = choice(at - 40 * HOUR, received=at - HOUR, previous=first)  # it had waited off line
    other = choice(at - 20 * HOUR, visitor="w" * 22, received=at - HOUR)
    elsewhere = choice(at - 20 * HOUR, scope="site:other", received=at - HOUR)
    tasks.close_ranges()
    assert tasks.end_replaced_choices() == 2
    ends = dict(Event.objects.values_list("id", "ended_at"))
    began = {one.id: one.at for one in Event.objects.all()}
    assert (ends[first], ends[second]) == (began[second], began[third])
    assert all(ends[one] > at for one in (third, other, elsewhere))
    assert tasks.end_replaced_choices() == 0


@pytest.mark.django_db
def test_what_is_left_to_follow_up_is_taken_up_by_the_next_run():
    at = now()
    for ago in range(6, 0, -1):
        choice(at - ago * 2 * HOUR, visitor=f"v{ago}")
        choice(at - ago * 2 * HOUR + MINUTE, visitor=f"v{ago}")
    assert tasks.close_ranges() == 6
    assert [proof.end_replaced_choices(now=at, at_most=2) for _ in range(4)] == [2, 2, 2, 0]


@pytest.mark.django_db
def test_months_ahead_are_made_once():
    assert proof.make_months(today=date(2040, 11, 30)) == 3
    assert proof.make_months(today=date(2040, 12, 1)) == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'consent_event'::regclass")
        assert [name for (name,) in cursor.fetchall() if "_2041_" in name] == [
            "consent_event_2041_01", "consent_event_2041_02",
        ]  # fmt: skip
