"""Filing a request: once, about the right person, with its clocks running from receipt."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from django.db import IntegrityError, connection

from apps.accounts.states import MemberRole
from apps.core import crypto
from apps.core.errors import DomainError, InvalidInput
from apps.core.identities import Identity, IdentityType
from apps.ledger.models import Entry
from apps.notifications.models import OutgoingMessage
from apps.subject_requests import services
from apps.subject_requests.models import SubjectIdentifier, SubjectRequest
from apps.subject_requests.states import About, Channel, Right, Verification
from tests.subject_requests.factories import NOW, RECIPIENT, AccountFactory, PersonFactory, filed, member


def file(account, by, **values):
    given = {
        "right": Right.ACCESS,
        "about": About.END_USER,
        "form_key": "one",
        "identities": [RECIPIENT],
        "authority_stated": True,
        "now": NOW,
    }
    return services.open_request(account=account, filed_by=by, **given | values)


@pytest.mark.req("DSR-1")
@pytest.mark.req("DSR-4")
def test_a_request_about_an_end_user_has_a_part_for_each_capacity_with_its_own_clock(db):
    subject_request = filed(Right.ACCESS)
    parts = {part.capacity: part for part in subject_request.parts.all()}
    assert parts.keys() == {"controller", "processor"}
    assert parts["controller"].due_on == date(2026, 12, 23)  # one month (GDPR 12(3))
    assert parts["processor"].due_on == date(2026, 12, 3)  # ten days by contract
    assert all(part.received_on == date(2026, 11, 23) and part.is_open for part in parts.values())


def test_a_request_about_oneself_is_about_what_the_provider_holds_as_controller(db):
    account = AccountFactory()
    by = member(account, MemberRole.MEMBER, email="ann@acme.example", phone_number="+31620000001")
    subject_request = filed(Right.ACCESS, about=About.OWN, account=account, by=by)
    assert [part.capacity for part in subject_request.parts.all()] == ["controller"]
    assert [row.identity.value for row in subject_request.identifiers.all()] == ["ann@acme.example", "+31620000001"]
    assert subject_request.verification == Verification.SESSION_AND_FACTOR


def test_an_unproved_phone_number_is_not_searched_for(db):
    account = AccountFactory()
    by = member(account, MemberRole.MEMBER, phone_verified_at=None)
    subject_request = filed(Right.ACCESS, about=About.OWN, account=account, by=by)
    assert [row.type for row in subject_request.identifiers.all()] == ["email"]


@pytest.mark.threat("T10")
def test_about_oneself_nothing_typed_is_searched_for(db):
    account = AccountFactory()
    by = member(account)
    subject_request = file(account, by, about=About.OWN, identities=[RECIPIENT])
    assert RECIPIENT not in [row.identity for row in subject_request.identifiers.all()]


@pytest.mark.threat("T46")
def test_a_form_sent_twice_is_one_request(db):
    account = AccountFactory()
    by = member(account)
    first, second = file(account, by), file(account, by, now=NOW + timedelta(seconds=2))
    assert first == second
    assert SubjectRequest.objects.count() == 1
    assert Entry.objects.filter(verb="subject_request.opened").count() == 1
    assert OutgoingMessage.objects.count() == 1
    assert file(account, member(account)) != first  # another person's form with the same key is another form


def test_a_reference_reads_well_and_is_never_given_twice(db):
    references = [filed().reference for _ in range(3)]
    assert all(reference.startswith("PR-2026-") and len(reference) == 14 for reference in references)
    assert len(set(references)) == 3


@pytest.mark.threat("T59")
def test_identifiers_are_sealed_and_found_by_their_blind_index_alone(db):
    subject_request = filed()
    row = SubjectIdentifier.objects.about(RECIPIENT).get()
    assert row.request == subject_request
    assert RECIPIENT.value.encode() not in bytes(row.value)
    assert row.lookup == crypto.lookup(RECIPIENT)
    assert row.identity == RECIPIENT
    assert row.masked == "+31•••78"
    row.pk = filed().identifiers.get().pk  # a sealed value opens in its own row only
    with pytest.raises(crypto.Unreadable):
        _ = row.identity


def test_the_same_identity_twice_is_one_line(db):
    assert filed(identities=[RECIPIENT, RECIPIENT]).identifiers.count() == 1


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"right": "forget"}, "right"),
        ({"right": Right.RESTRICTION}, "right"),
        ({"about": "everybody"}, "about"),
        ({"authority_stated": False}, "authority_stated"),
        ({"identities": []}, "identities"),
        ({"identities": [Identity(IdentityType.CUSTOMER_REFERENCE, str(n)) for n in range(101)]}, "identities"),
        ({"asked_customer_on": date(2026, 11, 24)}, "asked_customer_on"),
        ({"form_key": ""}, "form_key"),
        ({"form_key": "a\0b"}, "form_key"),
    ],
)
def test_what_cannot_be_filed_says_which_field_is_wrong(db, values, field):
    account = AccountFactory()
    with pytest.raises(InvalidInput) as refused:
        file(account, member(account), **values)
    assert refused.value.field == field
    assert not SubjectRequest.objects.exists()


@pytest.mark.req("DSR-3")
@pytest.mark.req("DSR-10")
@pytest.mark.parametrize("role", [MemberRole.MEMBER, None])
def test_only_who_speaks_for_an_account_files_about_its_end_users(db, role):
    account = AccountFactory()
    by = member(account, role) if role else member(AccountFactory())
    with pytest.raises(DomainError, match="can’t file"):
        file(account, by)


def test_a_stranger_files_nothing_about_themselves_under_an_account_of_others(db):
    with pytest.raises(DomainError):
        file(AccountFactory(), PersonFactory(), about=About.OWN)


def test_receipt_is_acknowledged_without_naming_anybody(db):
    account = AccountFactory()
    by = member(account, email="ann@acme.example")
    subject_request = file(account, by)
    [mail] = OutgoingMessage.objects.all()
    context = crypto.unseal(bytes(mail.context), bound_to=f"message:{mail.pk}:context")
    assert mail.template == "subject_requests/received"
    assert mail.about == subject_request.key
    assert subject_request.reference in context
    assert RECIPIENT.value not in context


@pytest.mark.req("DSR-2")
def test_a_request_says_by_which_channel_it_came_and_what_goes_on_from_it_keeps_that(db):
    assert filed().channel == Channel.DASHBOARD
    by_post = filed(Right.ACCESS, channel=Channel.POST)
    officer = PersonFactory(officer=True)
    services.assign_request(by_post, to=officer, by=officer, now=NOW)
    services.ask_requester(by_post, text="Which number?", by=officer, now=NOW)
    services.follow_up_silence(by_post, now=NOW + timedelta(days=30))
    by_post.refresh_from_db()
    services.send_message(by_post, text="The second.", by=by_post.filed_by, now=NOW + timedelta(days=31))
    assert by_post.followed_by.get().channel == Channel.POST


def test_a_channel_nobody_knows_is_refused_by_the_database(db):
    with pytest.raises(IntegrityError, match="request_channel_known"):
        filed(channel="pigeon")


@pytest.mark.req("DSR-12")
def test_the_customers_own_due_date_stands_beside_when_it_gave_the_day(db):
    subject_request = filed(asked_customer_on=date(2026, 11, 20))
    deadline = services.customer_deadline(subject_request)
    assert deadline.on == date(2026, 12, 21)  # 20 December is a Sunday
    assert services.customer_deadline(filed()) is None


@pytest.mark.threat("T57")
def test_evidence_of_filing_names_nobody(db):
    filed()
    entry = Entry.objects.get(verb="subject_request.opened")
    facts = {"right": "erasure", "about": "end_user", "channel": "dashboard", "identifiers": 1, "due_on": "2026-12-03"}
    assert entry.facts == facts


@pytest.mark.threat("T46")
def test_of_twenty_forms_sent_at_once_one_is_filed(committed_db):
    account = AccountFactory()
    by = member(account)

    def send(_number):
        try:
            return file(account, by).reference
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        references = set(pool.map(send, range(20)))
    assert len(references) == SubjectRequest.objects.count() == 1
    assert Entry.objects.filter(verb="subject_request.opened").count() == 1
