"""The officers' work before an answer, and what the requester is told of it."""

from datetime import timedelta

import pytest

from apps.core import crypto
from apps.core.errors import DomainError, InvalidInput
from apps.core.identities import Identity, IdentityType
from apps.ledger.models import Entry
from apps.notifications.models import OutgoingMessage
from apps.notifications.services import deliver
from apps.subject_requests import services
from apps.subject_requests.models import Reveal
from apps.subject_requests.services.tell import tell_officers, tell_requester
from apps.subject_requests.states import About, Outcome, RefusalGround, Right, Status
from tests.subject_requests.factories import (
    NOW,
    RECIPIENT,
    AccountFactory,
    PersonFactory,
    at_status,
    filed,
    in_progress,
    member,
)

pytestmark = pytest.mark.django_db
OTHER = Identity(IdentityType.PHONE_NUMBER, "+31687654321")


def told(step):
    return OutgoingMessage.objects.filter(template=f"subject_requests/{step}").count()


def test_taking_up_a_request_puts_it_in_progress():
    one = filed()
    officer = PersonFactory(officer=True)
    one = services.assign_request(one, to=officer, by=officer, now=NOW)
    assert (one.status, one.assigned_to) == (Status.IN_PROGRESS, officer)
    other = PersonFactory(officer=True)
    assert services.assign_request(one, to=other, by=officer, now=NOW).assigned_to == other
    assert Entry.objects.filter(verb="subject_request.moved").count() == 1


@pytest.mark.parametrize("role", ["dpo", "admin", "auditor"])
def test_only_officers_are_assigned(role):
    one, officer = filed(), PersonFactory(officer=True)
    with pytest.raises(DomainError, match="can’t work"):
        services.assign_request(one, to=PersonFactory(**{role: True}), by=officer, now=NOW)


def test_a_question_waits_for_the_requester_and_an_answer_goes_on():
    one = at_status(Status.WAITING_FOR_REQUESTER)
    assert (one.status, told("question")) == (Status.WAITING_FOR_REQUESTER, 1)
    assert one.waiting_since == NOW
    reply = services.send_message(one, text="The second one.", by=one.filed_by, now=NOW + timedelta(days=1))
    one.refresh_from_db()
    assert reply.from_requester
    assert (one.status, one.waiting_since) == (Status.IN_PROGRESS, None)
    assert told("officer_message") == 1
    assert [message.text for message in one.messages.for_requester()] == ["Which number?", "The second one."]


@pytest.mark.threat("T5")
def test_notes_are_the_officers_own():
    one = in_progress()
    services.add_note(one, text="Looks genuine.", by=one.assigned_to, now=NOW)
    services.send_message(one, text="We are on it.", by=one.assigned_to, now=NOW)
    assert [message.kind for message in one.messages.for_requester()] == ["message"]
    assert told("message") == 1


def test_what_is_written_is_sealed():
    one = in_progress()
    note = services.add_note(one, text="A secret thought", by=one.assigned_to, now=NOW)
    note.refresh_from_db()
    assert b"secret" not in bytes(note.body)
    assert note.text == "A secret thought"


@pytest.mark.threat("T33")
@pytest.mark.parametrize("text", ["", "   ", "x" * 5001, "a\0b", "\ud800"])
def test_words_that_cannot_be_kept_are_refused_beside_their_field(text):
    one = in_progress()
    with pytest.raises(InvalidInput) as refused:
        services.send_message(one, text=text, by=one.assigned_to, now=NOW)
    assert refused.value.field == "text"


def test_a_closed_request_takes_no_more_messages():
    one = at_status(Status.CLOSED)
    with pytest.raises(DomainError, match="closed"):
        services.send_message(one, text="Hello?", by=one.filed_by, now=NOW)


@pytest.mark.threat("T12")
def test_what_is_not_verified_is_not_prepared():
    one = at_status(Status.IDENTITY_PENDING)
    assert one.verified_at is None
    with pytest.raises(DomainError):
        services.prepare_request(one, by=one.assigned_to, now=NOW)
    one = services.confirm_identity(one, by=one.assigned_to, now=NOW)
    assert services.prepare_request(one, by=one.assigned_to, now=NOW).status == Status.AWAITING_APPROVAL


def test_an_identity_that_is_not_shown_closes_the_request():
    one = services.close_unidentified(at_status(Status.IDENTITY_PENDING), by=PersonFactory(officer=True), now=NOW)
    assert {part.outcome for part in one.parts.all()} == {Outcome.NOT_IDENTIFIED}


@pytest.mark.threat("T5")
def test_revealing_takes_a_reason_whose_words_stay_out_of_the_evidence():
    one = in_progress()
    identities = services.reveal_identifiers(
        one, reason="check_plan", words="Two customers share the number", by=one.assigned_to, now=NOW
    )
    assert identities == [RECIPIENT]
    reveal = Reveal.objects.get()
    assert b"customers" not in bytes(reveal.words)
    assert crypto.unseal(bytes(reveal.words), bound_to=f"reveal:{reveal.pk}") == "Two customers share the number"
    entry = Entry.objects.get(verb="subject_request.revealed")
    assert entry.facts == {"reason": "check_plan", "identifiers": 1}
    with pytest.raises(InvalidInput):
        services.reveal_identifiers(one, reason="curious", words="hm", by=one.assigned_to, now=NOW)
    with pytest.raises(InvalidInput):
        services.reveal_identifiers(one, reason="check_plan", words=" ", by=one.assigned_to, now=NOW)


@pytest.mark.req("DSR-4")
def test_refusing_one_part_leaves_the_other_to_be_answered():
    one = in_progress(Right.ACCESS)
    part = one.parts.get(capacity="controller")
    one = services.refuse_part(part, ground="excessive", words="The fifth this week.", by=one.assigned_to, now=NOW)
    part.refresh_from_db()
    assert (part.outcome, part.refusal_reasons) == (Outcome.REFUSED, "The fifth this week.")
    assert (one.status, told("refused")) == (Status.IN_PROGRESS, 1)
    assert services.scope_of(one).capacities == ("processor",)
    part = one.parts.get(capacity="processor")
    one = services.refuse_part(part, ground="infringes_law", words="A court forbids it.", by=one.assigned_to, now=NOW)
    part.refresh_from_db()
    assert (part.outcome, one.status) == (Outcome.INSTRUCTION_DECLINED, Status.CLOSED)


@pytest.mark.parametrize("ground", ["excessive", "manifestly_unfounded", "legal_duty", "no such ground"])
def test_a_customers_instruction_is_not_refused_as_excessive(ground):
    one = in_progress()
    part = one.parts.get(capacity="processor")
    with pytest.raises(InvalidInput) as refused:
        services.refuse_part(part, ground=ground, words="Too much.", by=one.assigned_to, now=NOW)
    assert refused.value.field == "ground"


def test_a_controllers_part_is_not_declined_as_an_instruction():
    one = in_progress()
    part = one.parts.get(capacity="controller")
    with pytest.raises(InvalidInput):
        services.refuse_part(part, ground=RefusalGround.INFRINGES_LAW, words="No.", by=one.assigned_to, now=NOW)


@pytest.mark.parametrize("status", set(Status) - {Status.EXECUTING, Status.CLOSED})
def test_a_requester_withdraws_until_it_is_being_executed(status):
    one = at_status(status)
    one = services.withdraw_request(one, by=one.filed_by, now=NOW)
    assert {part.outcome for part in one.parts.all()} == {Outcome.WITHDRAWN}
    assert told("closed") == 1


@pytest.mark.parametrize("status", [Status.EXECUTING, Status.CLOSED])
def test_what_is_executing_or_closed_is_not_withdrawn(status):
    one = at_status(status)
    with pytest.raises(DomainError, match="can’t be withdrawn"):
        services.withdraw_request(one, by=one.filed_by, now=NOW)


def test_a_duplicate_links_the_live_case_that_keeps_the_earliest_receipt():
    account = AccountFactory()
    first = in_progress(account=account)
    second = in_progress(account=account, at=NOW + timedelta(hours=1))
    closed = services.close_as_duplicate(second, of=first, by=second.assigned_to, now=NOW + timedelta(hours=2))
    assert (closed.duplicate_of, closed.status) == (first, Status.CLOSED)
    assert {part.outcome for part in closed.parts.all()} == {Outcome.DUPLICATE}


@pytest.mark.parametrize("wrong", ["later", "other account", "closed", "itself", "other right", "other person"])
def test_only_an_earlier_open_request_of_the_same_account_is_the_live_case(wrong):
    account = AccountFactory()
    one = in_progress(account=account)
    other = {
        "later": lambda: in_progress(account=account, at=NOW + timedelta(hours=1)),
        "other account": lambda: in_progress(at=NOW - timedelta(hours=1)),
        "closed": lambda: services.withdraw_request(
            filed(account=account, by=one.filed_by, at=NOW - timedelta(hours=1)), by=one.filed_by, now=NOW
        ),
        "itself": lambda: one,
        "other right": lambda: in_progress(Right.ACCESS, account=account, at=NOW - timedelta(hours=1)),
        "other person": lambda: in_progress(account=account, at=NOW - timedelta(hours=1), identities=(OTHER,)),
    }[wrong]()
    with pytest.raises(InvalidInput):
        services.close_as_duplicate(one, of=other, by=one.assigned_to, now=NOW + timedelta(hours=2))


def test_spam_needs_a_second_look():
    one = in_progress()
    with pytest.raises(DomainError, match="Another officer"):
        services.close_as_spam(one, by=one.assigned_to, now=NOW)
    closed = services.close_as_spam(one, by=PersonFactory(officer=True), now=NOW)
    assert {part.outcome for part in closed.parts.all()} == {Outcome.SPAM}
    assert told("closed") == 0


@pytest.mark.threat("T57")
@pytest.mark.parametrize("language", ["en", "nl", "ar"])
def test_every_letter_renders_and_names_nobody_but_its_request(language, mailoutbox):
    account = AccountFactory()
    requester = member(account, "privacy", language=language)
    officer = PersonFactory(officer=True, language=language)
    one = services.assign_request(filed(account=account, by=requester), to=officer, by=officer, now=NOW)
    context = {"due_on": NOW.date(), "expires_on": NOW.date(), "closes_on": NOW.date(), "outcome": "withdrawn"}
    for step in ("received", "question", "message", "identity", "extended", "refused", "closed", "answered", "erased",
                 "reminder"):  # fmt: skip
        tell_requester(one, step, now=NOW, once="again", **context)
    for step in ("alert", "officer_message", "plan_stale", "unconfirmed"):
        tell_officers(one, step, now=NOW, **context, step="7")
    for message in OutgoingMessage.objects.all():
        assert deliver(message.pk, now=NOW), message.template
    mails = [mail.subject + mail.body + mail.alternatives[0].content for mail in mailoutbox]
    assert len(mails) == 15
    assert all(one.reference in mail for mail in mails)
    assert not any(RECIPIENT.value in mail for mail in mails)


def test_a_members_request_about_themselves_is_told_to_them_alone():
    account = AccountFactory()
    by = member(account, "member")
    filed(Right.ACCESS, about=About.OWN, account=account, by=by)
    [mail] = OutgoingMessage.objects.all()
    assert crypto.unseal(bytes(mail.address), bound_to=f"message:{mail.pk}:address") == by.email
