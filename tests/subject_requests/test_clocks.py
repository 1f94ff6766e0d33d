"""The clocks of a request's parts: what moves them, what does not, and who is told when."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from apps.core.errors import DomainError, InvalidInput
from apps.ledger.models import Entry
from apps.notifications.models import OutgoingMessage
from apps.subject_requests import services, tasks
from apps.subject_requests.models import Alert, Part, SubjectRequest
from apps.subject_requests.states import About, Outcome, Right, Status
from tests.subject_requests.factories import NOW, PersonFactory, at_status, filed, in_progress

pytestmark = pytest.mark.django_db


def controller(subject_request):
    return Part.objects.select_related("request__account").get(request=subject_request, capacity="controller")


def told(letter):
    return OutgoingMessage.objects.filter(template=f"subject_requests/{letter}").count()


@pytest.mark.req("DSR-4")
@pytest.mark.threat("T51")
def test_an_extension_is_one_act_with_reason_notice_and_date():
    one = in_progress()
    part = services.extend_deadline(
        controller(one), reason="complexity", words="Many systems.", by=one.assigned_to, now=NOW
    )
    assert part.due_on == date(2027, 2, 23)  # three months from receipt
    assert part.extension_reasons == "Many systems."
    assert told("extended") == 1
    assert Entry.objects.get(verb="subject_request.extended").facts == {"reason": "complexity", "due_on": "2027-02-23"}
    with pytest.raises(DomainError, match="before"):
        services.extend_deadline(part, reason="complexity", words="Again.", by=one.assigned_to, now=NOW)


@pytest.mark.parametrize(("reason", "words", "field"), [("", "Why", "reason"), ("complexity", " ", "words")])
def test_an_extension_needs_a_reason_chosen_and_written(reason, words, field):
    one = in_progress()
    with pytest.raises(InvalidInput) as refused:
        services.extend_deadline(controller(one), reason=reason, words=words, by=one.assigned_to, now=NOW)
    assert refused.value.field == field


@pytest.mark.threat("T51")
def test_an_extension_comes_before_the_first_deadline_ends():
    one = in_progress()
    part = controller(one)
    late = part.ends_at
    with pytest.raises(DomainError, match="has ended"):
        services.extend_deadline(part, reason="number", words="Late.", by=one.assigned_to, now=late)
    just = late - timedelta(seconds=1)
    assert services.extend_deadline(part, reason="number", words="In time.", by=one.assigned_to, now=just)


@pytest.mark.req("ROLE-1")
def test_a_customers_instruction_is_never_extended():
    one = in_progress()
    part = one.parts.get(capacity="processor")
    with pytest.raises(DomainError, match="instruction"):
        services.extend_deadline(part, reason="complexity", words="Hm.", by=one.assigned_to, now=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        Part.objects.filter(pk=part.pk).update(extended_at=NOW, extension_reason="complexity")
    with pytest.raises(IntegrityError), transaction.atomic():
        Part.objects.filter(pk=part.pk).update(outcome="refused", closed_at=NOW, refusal_ground="excessive")


@pytest.mark.threat("T12")
def test_an_officers_written_doubt_in_time_stops_the_laws_clock_and_only_that():
    one = in_progress()
    officer = one.assigned_to
    one = services.doubt_identity(one, doubt="Two people share the mailbox.", by=officer, now=NOW + timedelta(days=1))
    assert told("identity") == 1
    services.confirm_identity(one, by=officer, now=NOW + timedelta(days=6))
    part = controller(one)
    assert part.due_on == date(2026, 12, 28)  # 23 December and five days
    assert one.parts.get(capacity="processor").due_on == date(2026, 12, 3)
    assert any("28" in line for line in services.explain_deadline(part))


@pytest.mark.req("DSR-4")
def test_a_day_ends_where_the_law_of_the_request_is():
    half_past_eleven = datetime(2026, 11, 26, 23, 30, tzinfo=UTC)  # in London still the third working day
    one = in_progress(jurisdiction="UK")
    services.doubt_identity(one, doubt="Is it you?", by=one.assigned_to, now=half_past_eleven)
    pause = controller(one).pauses.get()
    assert (pause.kind, pause.asked_on) == ("identity_uk", date(2026, 11, 26))


@pytest.mark.threat("T12")
def test_a_doubt_that_comes_late_asks_but_stops_nothing():
    one = in_progress()
    late = NOW + timedelta(days=7)
    one = services.doubt_identity(one, doubt="Hm.", by=one.assigned_to, now=late)
    services.confirm_identity(one, by=one.assigned_to, now=late + timedelta(days=9))
    assert controller(one).due_on == date(2026, 12, 23)
    assert Entry.objects.get(verb="subject_request.identity_doubted").facts == {"paused": False}


def test_a_question_to_the_requester_stops_nothing():
    one = at_status(Status.WAITING_FOR_REQUESTER)
    services.send_message(one, text="The second.", by=one.filed_by, now=NOW + timedelta(days=9))
    assert controller(one).due_on == date(2026, 12, 23)
    assert not controller(one).pauses.exists()


def test_each_date_explains_itself():
    one = filed(Right.ACCESS, at=datetime(2026, 3, 5, 9, 0, tzinfo=UTC))
    explained = " ".join(services.explain_deadline(controller(one)))
    assert "Easter" in explained  # 5 April 2026 is Easter Sunday, the Monday after is Easter Monday
    assert controller(one).due_on == date(2026, 4, 7)


@pytest.mark.threat("T51")
def test_officers_are_alerted_at_14_7_3_and_1_days_and_when_overdue_each_exactly_once(time_machine):
    one = in_progress(Right.ACCESS, about=About.OWN)
    due = controller(one).due_on
    said = []
    for day in range(-20, 4):
        at = datetime(due.year, due.month, due.day, 9, tzinfo=UTC) + timedelta(days=day)
        time_machine.move_to(at, tick=False)
        said += [day] * sum(tasks.alert_officers() for _ in range(3))
    assert said == [-14, -7, -3, -1, 1]
    assert told("alert") == 5
    assert sorted(Alert.objects.values_list("step", flat=True)) == ["1", "14", "3", "7", "overdue"]


def test_a_portal_that_stood_still_says_the_nearest_step_only():
    one = in_progress(Right.ACCESS, about=About.OWN)
    part = controller(one)
    now = part.ends_at - timedelta(days=3)  # two days before the day it is due
    assert [services.alert_part(part, now=now) for _ in range(2)] == [True, False]
    assert [alert.step for alert in Alert.objects.all()] == ["3"]


def test_an_extended_part_is_alerted_anew():
    one = in_progress(Right.ACCESS, about=About.OWN)
    part = controller(one)
    now = part.ends_at - timedelta(days=6)
    assert services.alert_part(part, now=now)
    part = services.extend_deadline(part, reason="number", words="Many.", by=one.assigned_to, now=now)
    assert services.parts_to_alert(now=now) == []
    assert services.alert_part(part, now=part.ends_at - timedelta(days=6))


def test_nobody_is_alerted_about_what_is_answered():
    one = in_progress(Right.ACCESS)
    services.withdraw_request(one, by=one.filed_by, now=NOW)
    assert services.parts_to_alert(now=NOW + timedelta(days=60)) == []


def test_while_nobody_has_it_all_officers_are_alerted():
    officers = [PersonFactory(officer=True) for _ in range(3)]
    PersonFactory(dpo=True)
    one = filed(Right.ACCESS, about=About.OWN)
    assert services.alert_part(controller(one), now=controller(one).ends_at)
    assert told("alert") == len(officers)


@pytest.mark.threat("T12")
def test_overdue_is_a_query_and_completes_nothing():
    one = in_progress(Right.ACCESS, about=About.OWN)
    part = controller(one)
    assert not SubjectRequest.objects.overdue(at=part.ends_at - timedelta(seconds=1)).exists()
    assert list(SubjectRequest.objects.overdue(at=part.ends_at)) == [one]
    services.alert_part(part, now=part.ends_at)
    one.refresh_from_db()
    assert one.status == Status.IN_PROGRESS


def test_silence_is_reminded_after_14_days_and_closed_after_30_each_once():
    one = at_status(Status.WAITING_FOR_REQUESTER)
    assert not services.follow_up_silence(one, now=NOW + timedelta(days=13, hours=23))
    assert services.follow_up_silence(one, now=NOW + timedelta(days=14))
    assert not services.follow_up_silence(one, now=NOW + timedelta(days=15))
    assert told("reminder") == 1
    assert services.follow_up_silence(one, now=NOW + timedelta(days=30))
    one.refresh_from_db()
    assert one.status == Status.CLOSED
    assert {part.outcome for part in one.parts.all()} == {Outcome.NO_ANSWER}
    assert not services.follow_up_silence(one, now=NOW + timedelta(days=31))


def test_a_reply_after_silence_opens_a_linked_request_that_keeps_the_original_receipt():
    one = at_status(Status.WAITING_FOR_REQUESTER)
    services.follow_up_silence(one, now=NOW + timedelta(days=30))
    one.refresh_from_db()
    late = NOW + timedelta(days=33)
    with pytest.raises(DomainError):
        services.send_message(one, text="Well?", by=PersonFactory(officer=True), now=late)
    for _ in range(2):
        services.send_message(one, text="The second one.", by=one.filed_by, now=late)
    [linked] = one.followed_by.all()
    assert linked.received_at == one.received_at
    assert controller(linked).due_on == controller(one).due_on
    assert [row.identity for row in linked.identifiers.all()] == [row.identity for row in one.identifiers.all()]
    assert linked.messages.count() == 2
    assert SubjectRequest.objects.overdue(at=late).filter(pk=linked.pk).exists()


def test_a_second_question_gets_its_own_reminder():
    one = at_status(Status.WAITING_FOR_REQUESTER)
    services.follow_up_silence(one, now=NOW + timedelta(days=14))
    services.send_message(one, text="Here.", by=one.filed_by, now=NOW + timedelta(days=15))
    one.refresh_from_db()
    services.ask_requester(one, text="And?", by=one.assigned_to, now=NOW + timedelta(days=16))
    assert services.follow_up_silence(one, now=NOW + timedelta(days=30))
    assert told("reminder") == 2


def test_the_desk_sorts_by_the_legal_due_date_and_what_is_closed_comes_last():
    late = filed(Right.ACCESS, at=NOW)
    early = filed(Right.ACCESS, at=NOW - timedelta(days=3))
    closed = services.withdraw_request(filed(at=NOW - timedelta(days=9)), by=PersonFactory(officer=True), now=NOW)
    assert list(SubjectRequest.objects.for_desk()) == [early, late, closed]
    assert SubjectRequest.objects.for_desk().get(pk=late.pk).next_due_on == date(2026, 12, 3)
    assert list(SubjectRequest.objects.due_between(date(2026, 12, 3), date(2026, 12, 3))) == [late]
