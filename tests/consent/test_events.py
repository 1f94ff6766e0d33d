"""What somebody said is written once, and nobody changes it."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from apps.consent.ids import decided_at, event_id
from apps.consent.models import PROVIDER, Event, State
from apps.consent.services import Decision, record_decision
from apps.core.clock import now
from apps.core.errors import InvalidInput

TEXT = "0" * 64


def decision(at, *, says=True, action="given", **facts):
    subject = {"scope": PROVIDER, "subject_key": "user:1", "method": "switch", "text": TEXT, "language": "en"}
    return Decision(id=event_id(at), action=action, choices={"newsletter": says}, **(subject | facts))


@pytest.mark.django_db
@pytest.mark.req("CON-1")
def test_a_decision_that_arrives_twice_is_one_event():
    one = decision(now())
    assert record_decision(one, now=now())
    assert not record_decision(one, now=now())
    assert Event.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.req("CON-2")
def test_a_withdrawal_is_a_row_of_its_own_and_ends_what_it_withdraws():
    began = now()
    record_decision(decision(began), now=began)
    later = began + timedelta(minutes=1)
    record_decision(decision(later, says=False, action="withdrawn"), now=later)
    given, withdrawn = Event.objects.of(PROVIDER, "user:1")
    assert given.choices == {"newsletter": True}
    assert given.ended_at == withdrawn.ended_at == withdrawn.at
    assert not State.objects.of(PROVIDER, "user:1").allowing(at=later).exists()


@pytest.mark.django_db
@pytest.mark.req("CON-4")
@pytest.mark.parametrize(
    "statement",
    ["UPDATE consent_event SET choices = '{}'", "UPDATE consent_event SET ended_at = NULL",
     "UPDATE consent_event SET ended_at = now() + interval '9 years'", "DELETE FROM consent_event"],
)  # fmt: skip
def test_the_database_lets_nobody_change_or_delete_proof(statement):
    record_decision(decision(now(), until=now() + timedelta(days=180)), now=now())
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert Event.objects.count() == 1


def test_an_id_carries_its_instant():
    at = now().replace(microsecond=123_000)
    assert decided_at(event_id(at), now=at) == at


@pytest.mark.parametrize("days", [-40, 1])
def test_an_id_from_another_time_is_refused(days):
    with pytest.raises(InvalidInput, match="clock"):
        decided_at(event_id(now() + timedelta(days=days)), now=now())
