"""Proof of consent stays five years after its effect ended, and goes with the next sweep: rows, and whole months."""

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from apps.consent.ids import event_id
from apps.consent.models import PROVIDER, Event, Objection, State
from apps.consent.services import Decision, proof, record_decision
from apps.core import crypto
from apps.core.clock import now
from apps.core.identities import parse_identity
from apps.datamap import services as datamap
from apps.retention import planning, services
from apps.retention.models import Rule, SweepBatch
from apps.retention.states import SweepStatus
from tests.accounts.factories import UserFactory
from tests.template import connect

ENDED = datetime(2026, 3, 10, 23, 59, 59, tzinfo=UTC)
LAST_DAY = date(2031, 3, 10)
EVENTS = "portal_consent:consent_event"


def decided(at, *, ended_at=None, subject="user:1", **facts):
    """An event of that instant, in whatever month, whose effect ended then."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT consent_make_month(%s)", [at.date()])
    said = {"scope": PROVIDER, "subject_key": subject, "action": "given", "method": "switch", "text": "0" * 64}
    said |= {"choices": {"newsletter": True}, "language": "en", "until": ended_at} | facts
    one = Decision(id=event_id(at), **said)
    assert record_decision(one, now=at)
    return one.id


def going(day):
    lines = planning.survey(list(Rule.objects.current()), day=day, keys=["consent_proof"])
    return {line["collection"]: line["count"] for line in lines if line["count"]}


def sweep(clone, day):
    """The night of a day, on which the database has come to that day too."""
    opened = connect(clone.owner_url)
    opened.cursor().execute(
        f"CREATE OR REPLACE FUNCTION consent_today() RETURNS date LANGUAGE sql STABLE AS $$ SELECT DATE '{day}' $$"
    )
    opened.close()
    at = datetime(day.year, day.month, day.day, 3, tzinfo=UTC)
    plan = services.make_plan(day=day, now=at, actor="command", keys=["consent_proof"])
    started = services.start_sweep(plan.hash, actor="command", now=at)
    return services.run_sweep(started, tick=lambda: at)


def months():
    with connection.cursor() as cursor:
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'consent_event'::regclass")
        return {name for (name,) in cursor.fetchall()}


@pytest.mark.django_db
@pytest.mark.req("CON-4")
def test_a_past_month_that_was_emptied_row_by_row_goes_and_no_other_does():
    today = date(2031, 4, 1)
    decided(datetime(2030, 5, 3, tzinfo=UTC), ended_at=datetime(2030, 6, 1, tzinfo=UTC))
    with connection.cursor() as cursor:
        for month in ("2030-01-01", "2030-12-01", "2031-01-01", "2031-02-01", "2031-03-01", "2031-04-01"):
            cursor.execute("SELECT consent_make_month(%s)", [month])
    before = months()
    assert proof.drop_empty_months(today=today) >= 2
    gone = before - months()
    assert {"consent_event_2030_01", "consent_event_2030_12", "consent_event_2031_01"} <= gone
    # One with an act in it stays; and those in which an act that waited off line may still arrive, 35 days late.
    assert {"consent_event_2030_05", "consent_event_2031_02", "consent_event_2031_03"} <= months()
    assert "consent_event_2031_04" in months()
    assert proof.drop_empty_months(today=today) == 0
    assert Event.objects.count() == 1


@pytest.mark.req("CON-4")
def test_an_empty_month_that_somebody_reads_waits_for_the_next_night(committed_db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT consent_make_month('2030-01-01')")
    reader = connect(committed_db.app_url)
    reader.autocommit = False
    reader.cursor().execute("SELECT 1 FROM consent_event LIMIT 1")
    assert proof.drop_empty_months(today=date(2031, 4, 1)) == 0
    reader.close()
    assert "consent_event_2030_01" in months()
    assert proof.drop_empty_months(today=date(2031, 4, 1)) >= 1
    assert "consent_event_2030_01" not in months()


def batches():
    return [(one.leaf, one.method, one.rows) for one in SweepBatch.objects.order_by("task__place", "number")]


@pytest.mark.req("CON-4")
def test_proof_goes_on_the_day_after_its_five_years_and_not_before(committed_db):
    old = decided(ENDED - timedelta(days=60), ended_at=ENDED)
    young = decided(ENDED - timedelta(days=60), ended_at=ENDED + timedelta(seconds=1), subject="user:2")
    open_ended = decided(ENDED - timedelta(days=60), subject="user:3")
    assert going(LAST_DAY) == {}
    assert going(LAST_DAY + timedelta(days=1)) == {EVENTS: 1}
    done = sweep(committed_db, LAST_DAY + timedelta(days=1))
    assert done.status == SweepStatus.DONE
    assert set(Event.objects.values_list("id", flat=True)) == {young, open_ended}
    assert old not in set(State.objects.values_list("event", flat=True))
    assert batches() == [("consent_event_2026_01", "window", 1)]


@pytest.mark.req("CON-4")
def test_a_month_goes_as_a_whole_and_one_living_proof_keeps_it(committed_db):
    for number in range(30):
        decided(datetime(2026, 1, 5 + number % 20, tzinfo=UTC), ended_at=ENDED, subject=f"user:{number}")
        decided(datetime(2026, 2, 5 + number % 20, tzinfo=UTC), ended_at=ENDED, subject=f"visitor{number}")
    living = decided(datetime(2026, 2, 20, tzinfo=UTC), subject="user:alive")
    assert going(LAST_DAY + timedelta(days=1)) == {EVENTS: 60}
    done = sweep(committed_db, LAST_DAY + timedelta(days=1))
    assert done.status == SweepStatus.DONE
    assert batches() == [("consent_event_2026_01", "drop", 30), ("consent_event_2026_02", "window", 30)]
    assert "consent_event_2026_01" not in months()
    assert "consent_event_2026_02" in months()
    assert list(Event.objects.values_list("id", flat=True)) == [living]
    assert list(State.objects.values_list("event", flat=True)) == [living]
    assert done.tasks.get().done == 60
    assert sweep(committed_db, LAST_DAY + timedelta(days=2)).tasks.count() == 0


@pytest.mark.req("CON-4")
def test_the_engine_owns_no_month_and_can_drop_none_with_proof_in_it(committed_db):
    decided(ENDED - timedelta(days=60), ended_at=ENDED)
    for statement in ("DROP TABLE consent_event_2026_01", "TRUNCATE consent_event_2026_01",
                      "SELECT consent_drop_month('consent_event_2026_01')", "DELETE FROM consent_event_2026_01",
                      "SELECT consent_drop_month('consent_state')"):  # fmt: skip
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    assert Event.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.req("CON-4")
@pytest.mark.parametrize("action", ["refused", "withdrawn", "objected"])
def test_a_no_without_a_term_of_its_own_starts_the_five_years_of_its_proof_at_once(action):
    decided(now(), action=action, choices={"newsletter": False})
    [event] = Event.objects.all()
    assert event.ended_at == event.at


@pytest.mark.django_db
@pytest.mark.req("CON-4")
def test_an_erased_state_ends_the_effect_of_its_proof_which_stays():
    decided(now() - timedelta(days=1))
    State.objects.all().delete()
    [event] = Event.objects.all()
    assert event.ended_at is not None
    assert abs(event.ended_at - now()) < timedelta(minutes=1)


@pytest.mark.django_db
@pytest.mark.req("CON-4", "DSR-6")
def test_an_erasure_takes_the_answer_and_leaves_proof_and_objection_which_an_answer_shows():
    ann = parse_identity("email", "ann@example.org")
    decided(now() - timedelta(days=1), subject=crypto.lookup(ann))
    Objection.objects.create(scope=PROVIDER, subject_key=crypto.lookup(ann), purpose="direct_marketing", since=now())
    scope = datamap.Scope((ann,), "1001", own=True, datasets=("portal_consent",))
    found = datamap.find(scope, now=now()).rows
    assert {name.partition("_")[2]: len(rows) for name, rows in found.items() if rows} == {
        "consent:consent_event": 1, "consent:consent_state": 1, "consent:consent_objection": 1,
    }  # fmt: skip
    plan = datamap.plan_erasure(scope, actor="command", now=now())
    fates = {(line["collection"], line["action"], line["ground"]): line["count"] for line in plan.lines}
    assert {key: count for key, count in fates.items() if count} == {
        (EVENTS, "keep", "consent_proof"): 1,
        ("portal_consent:consent_state", "erase", None): 1,
        ("portal_consent:consent_objection", "keep", "suppression"): 1,
    }


@pytest.mark.django_db
@pytest.mark.req("DSR-6")
def test_what_is_kept_under_a_persons_id_is_found_by_their_address():
    user = UserFactory(email="ann@example.org")
    decided(now() - timedelta(days=1), subject=user.key)
    Objection.objects.create(scope=PROVIDER, subject_key=user.key, purpose="direct_marketing", since=now())
    scope = datamap.Scope((parse_identity("email", "ann@example.org"),), "1001", own=True)
    found = datamap.find(scope, now=now()).rows
    assert len(found["portal_consent:consent_state"]) == len(found["portal_consent:consent_objection"]) == 1


@pytest.mark.req("CON-4")
def test_a_month_that_somebody_reads_waits_and_is_dropped_when_they_are_done(committed_db):
    decided(datetime(2026, 1, 5, tzinfo=UTC), ended_at=ENDED)
    reader = connect(committed_db.app_url)
    reader.autocommit = False
    reader.cursor().execute("SELECT count(*) FROM consent_event")
    done_reading = threading.Timer(1.5, reader.rollback)
    done_reading.start()
    done = sweep(committed_db, LAST_DAY + timedelta(days=1))
    done_reading.join()
    reader.close()
    assert done.status == SweepStatus.DONE
    assert batches() == [("consent_event_2026_01", "drop", 1)]


@pytest.mark.req("CON-4")
def test_the_database_refuses_a_month_that_a_shorter_rule_would_drop(committed_db):
    decided(datetime(2026, 1, 5, tzinfo=UTC), ended_at=ENDED)
    Rule.objects.filter(key="consent_proof").update(period="P1Y", max_period="P1Y")
    at = datetime(2027, 6, 1, 3, tzinfo=UTC)
    plan = services.make_plan(day=at.date(), now=at, actor="command", keys=["consent_proof"])
    started = services.start_sweep(plan.hash, actor="command", now=at)
    done = services.run_sweep(started, tick=lambda: at)
    assert done.status == SweepStatus.INCOMPLETE
    assert done.tasks.get().error_code == "store_failed"
    assert Event.objects.count() == 1
