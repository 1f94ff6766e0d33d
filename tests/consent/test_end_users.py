"""What a customer wrote down about its end users is the customer's: found, kept and gone as its other data."""

from datetime import datetime, time, timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from apps.consent.ids import event_id
from apps.consent.models import PROVIDER, Event, Objection, Restriction, State
from apps.consent.services import Decision, ranges, record_decision
from apps.consent.services.limits import restrict_subject
from apps.consent.services.reporting import Report, report_decisions
from apps.consent.states import Action, Ground
from apps.core import clock, crypto
from apps.core.identities import parse_identity
from apps.datamap import services as datamap
from apps.retention import planning, services
from apps.retention.models import Rule
from apps.retention.states import DepartureStatus, SweepStatus
from tests.accounts.factories import CustomerAccountFactory
from tests.retention.leaving import announced, noon, opened, read_only, rows_in
from tests.template import connect

JAN = parse_identity("email", "jan@example.org")
KEY = crypto.lookup(JAN)
EVENT, STATE, OBJECTION, RESTRICTION = (
    f"portal_consent:consent_{name}" for name in ("event", "state", "objection", "restriction")
)
BY = {"source": "accounts.apitoken:1"}


def told(account, *, now):
    """The customer's systems report that Jan agreed to news and objected to offers; and his data is restricted."""
    scope = f"account:{account.pk}"
    one = {"subject_key": KEY, "text": "a" * 64, "language": "nl"}
    agreed = Report(id=event_id(now), action=Action.GIVEN, choices={"news": True}, **one)
    no = Report(id=event_id(now), action=Action.OBJECTED, choices={"offers": False}, **one)
    assert report_decisions(scope=scope, reports=[agreed, no], now=now, **BY) == 2
    restrict_subject(scope=scope, subject_key=KEY, ground=Ground.values[0], actor="system", now=now)
    return scope


def said_to_us(*, now):
    decision = {"subject_key": KEY, "action": "given", "method": "switch", "choices": {"newsletter": True}}
    record_decision(Decision(id=event_id(now), scope=PROVIDER, text="0" * 64, language="nl", **decision), now=now)


def own(account=None, **limits):
    return datamap.Scope((JAN,), account and account.platform_account_id, own=True, **limits)


def instructed(account):
    """What the account's request about its end user Jan searches."""
    return datamap.Scope((JAN,), account.platform_account_id, end_users=True, datasets=("portal_consent",))


def found(scope, *, now):
    rows = datamap.find(scope, now=now).rows
    return {key: {row["scope"] for row in rows[key] if "scope" in row} for key in (EVENT, STATE) if rows.get(key)}


@pytest.mark.django_db
@pytest.mark.req("DSR-1", "DSR-6")
@pytest.mark.threat("T18")
def test_a_persons_own_search_shows_what_they_said_to_us_and_nothing_that_a_customer_wrote_down():
    now = clock.now()
    account = CustomerAccountFactory()
    told(account, now=now)
    said_to_us(now=now)
    for scope in (own(datasets=("portal_consent",)), own(account, datasets=("portal_consent",))):
        answer = datamap.find(scope, now=now)
        assert {key: len(rows) for key, rows in answer.rows.items() if rows} == {EVENT: 1, STATE: 1}
        assert found(scope, now=now) == {EVENT: {PROVIDER}, STATE: {PROVIDER}}
        assert answer.collections[EVENT].capacity == "controller"


@pytest.mark.django_db
@pytest.mark.req("DSR-1")
@pytest.mark.threat("T18")
def test_a_customers_search_finds_its_own_end_user_and_never_another_tenants_or_our_own_rows():
    now = clock.now()
    account, other = CustomerAccountFactory(), CustomerAccountFactory()
    mine, _theirs = told(account, now=now), told(other, now=now)
    said_to_us(now=now)
    answer = datamap.find(instructed(account), now=now)
    expected = {EVENT: 2, STATE: 2, OBJECTION: 1, RESTRICTION: 1}
    assert {key: len(rows) for key, rows in answer.rows.items() if rows} == expected
    assert found(instructed(account), now=now) == {EVENT: {mine}, STATE: {mine}}
    assert {answer.collections[key].capacity for key in expected} == {"processor"}
    assert found(instructed(CustomerAccountFactory()), now=now) == {}
    controlled = datamap.Scope((JAN,), account.platform_account_id, end_users=True, capacities=("controller",))
    assert found(controlled, now=now) == {}


@pytest.mark.django_db
@pytest.mark.req("DSR-1", "DSR-6")
@pytest.mark.threat("T20")
def test_a_search_that_names_no_account_finds_ours_and_says_that_rows_of_customers_were_left_out():
    now = clock.now()
    account = CustomerAccountFactory()
    told(account, now=now)
    said_to_us(now=now)
    anybody = datamap.Scope((JAN,), None, datasets=("portal_consent",))
    answer = datamap.find(anybody, now=now)
    assert {key: len(rows) for key, rows in answer.rows.items() if rows} == {EVENT: 1, STATE: 1}
    assert {answer.collections[key].capacity for key in (EVENT, STATE)} == {"controller"}
    left_out = {one.collection for one in answer.not_entered if one.reason == "rows_of_tenants"}
    assert left_out == {EVENT, STATE, OBJECTION, RESTRICTION}
    assert not any(one.reason == "rows_of_tenants" for one in datamap.find(own(), now=now).not_entered)
    planned = datamap.plan_erasure(anybody, actor="command", now=now).lines
    assert {(one["collection"], one["capacity"], one["count"]) for one in planned if one["count"]} == {
        (EVENT, "controller", 1),
        (STATE, "controller", 1),
    }


@pytest.mark.req("DSR-6", "CON-4", "CON-5")
def test_an_erasure_for_an_end_user_leaves_the_customers_proof_and_its_list_of_objections(committed_db):
    now = clock.now()
    account, other = CustomerAccountFactory(), CustomerAccountFactory()
    scope, theirs = told(account, now=now), told(other, now=now)
    plan = datamap.plan_erasure(instructed(account), actor="command", now=now)
    lines = {(one["collection"], one["action"], one["ground"]): one for one in plan.lines if one["count"]}
    assert {key: one["count"] for key, one in lines.items()} == {
        (EVENT, "keep", "end_user_consents"): 2,
        (STATE, "erase", None): 2,
        (OBJECTION, "keep", "end_user_consents"): 1,
        (RESTRICTION, "keep", "end_user_consents"): 1,
    }
    assert {one["capacity"] for one in lines.values()} == {"processor"}
    assert {one["until"] for one in lines.values()} == {None}  # until 30 days after the service ends
    datamap.execute(plan, store="portal", effect_key="e", actor="command", now=now)
    assert not State.objects.of(scope, KEY).exists()
    assert Objection.objects.of(scope, KEY).open().count() == 1
    assert Event.objects.of(scope, KEY).exclude(ended_at=None).count() == 2
    assert State.objects.of(theirs, KEY).count() == 2
    assert Objection.objects.of(theirs, KEY).open().exists()


@pytest.mark.django_db
@pytest.mark.req("CON-4")
def test_ended_events_of_end_users_stay_for_as_long_as_the_customer_does():
    now = clock.now()
    told(CustomerAccountFactory(), now=now)
    day = (now + timedelta(days=10 * 366)).date()
    lines = planning.survey(list(Rule.objects.current()), day=day, keys=("end_user_consents", "consent_proof"))
    assert not sum(line["count"] for line in lines if line["collection"] == EVENT)


@pytest.mark.django_db
@pytest.mark.req("CON-4")
@pytest.mark.threat("T46")
def test_the_database_refuses_to_change_an_event_of_a_customer_or_to_delete_it_while_the_service_runs():
    now = clock.now()
    account = CustomerAccountFactory()
    told(account, now=now)
    announced(account, now=now, ends_on=now.date())
    for statement in ("DELETE FROM consent_event", "UPDATE consent_event SET scope = 'provider'"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    assert Event.objects.exclude(tenant=None).update(ended_at=now - timedelta(days=1)) == 2


@pytest.mark.req("RET-1", "CON-4")
def test_a_customer_that_leaves_gets_its_end_users_consents_back_and_they_go(committed_db):
    now = clock.now()
    account, other = CustomerAccountFactory(), CustomerAccountFactory()
    earlier = now - timedelta(hours=1)
    scope, theirs = told(account, now=earlier), told(other, now=earlier)
    said_to_us(now=earlier)
    closed = ranges.close_range(now=now)
    assert (closed.count, ranges.verify_range(closed, now=now).difference) == (5, "")
    departure = services.return_data(read_only(account, now=now, ends_on=now.date()), now=now)
    with opened(departure) as archive:
        for key, number in ((EVENT, 2), (STATE, 2), (OBJECTION, 1), (RESTRICTION, 1)):
            assert [row["scope"] for row in rows_in(archive, key) if "scope" in row] in ([scope] * number, [])
            assert len(rows_in(archive, key)) == number
    departure = services.begin_erasing(departure, now=noon(departure.erase_on))
    last, first = departure.erase_on, departure.erase_on + timedelta(days=1)
    assert not going(last)
    assert going(first) == {EVENT: 2, OBJECTION: 1, RESTRICTION: 1}
    with pytest.raises(DatabaseError), transaction.atomic():
        Event.objects.of(scope, KEY).delete()
    assert sweep(committed_db, first) == SweepStatus.DONE
    for model in (Event, State, Objection, Restriction):
        assert not model.objects.of(scope, KEY).exists()
        assert model.objects.of(theirs, KEY).exists()
    assert Event.objects.of(PROVIDER, KEY).exists()
    assert ranges.verify_range(closed, now=noon(first)).difference == "gone"
    done = services.finish_departure(departure, now=noon(first))
    assert done is not None
    assert done.status == DepartureStatus.ERASED
    assert done.certificate["collections"][EVENT] == {"erased": 2, "kept": []}
    assert done.certificate["collections"][OBJECTION] == {"erased": 1, "kept": []}


def going(day):
    lines = planning.survey(list(Rule.objects.current()), day=day, keys=["end_user_consents"])
    return {line["collection"]: line["count"] for line in lines if line["count"]}


def sweep(clone, day):
    """The night of a day, on which the database has come to that day too."""
    opened_as_owner = connect(clone.owner_url)
    opened_as_owner.cursor().execute(
        f"CREATE OR REPLACE FUNCTION consent_today() RETURNS date LANGUAGE sql STABLE AS $$ SELECT DATE '{day}' $$"
    )
    opened_as_owner.close()
    at = datetime.combine(day, time(3), clock.now().tzinfo)
    plan = services.make_plan(day=day, now=at, actor="command", keys=["end_user_consents"])
    started = services.start_sweep(plan.hash, actor="command", now=at)
    return services.run_sweep(started, tick=lambda: at).status
