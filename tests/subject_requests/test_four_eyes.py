"""An erasure is approved by a second officer: never who prepared, asked for or verified it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from apps.core.errors import DomainError
from apps.ledger.models import Entry
from apps.subject_requests import services
from apps.subject_requests.models import StoreTask, SubjectRequest
from apps.subject_requests.states import Right, Status
from tests.subject_requests.factories import NOW, PersonFactory, filed, in_progress


def prepared(right=Right.ERASURE):
    one = in_progress(right)
    return services.prepare_request(one, by=one.assigned_to, now=NOW)


@pytest.mark.threat("T7")
def test_who_prepared_an_erasure_does_not_approve_it(db):
    one = prepared()
    with pytest.raises(DomainError, match="did not prepare"):
        services.approve_request(one, by=one.prepared_by, now=NOW)
    assert SubjectRequest.objects.get().status == Status.AWAITING_APPROVAL
    assert services.approve_request(one, by=PersonFactory(officer=True), now=NOW).status == Status.EXECUTING


def test_access_needs_one_officer(db):
    one = prepared(Right.ACCESS)
    assert services.approve_request(one, by=one.prepared_by, now=NOW).status == Status.EXECUTING


@pytest.mark.threat("T7")
def test_who_verified_the_identity_does_not_approve_the_erasure(db):
    one = in_progress()
    verifier = PersonFactory(officer=True)
    one = services.doubt_identity(one, doubt="Is it you?", by=verifier, now=NOW)
    one = services.confirm_identity(one, by=verifier, now=NOW)
    one = services.prepare_request(one, by=one.assigned_to, now=NOW)
    with pytest.raises(DomainError):
        services.approve_request(one, by=verifier, now=NOW)


@pytest.mark.threat("T7")
@pytest.mark.parametrize("role", ["filed_by", "prepared_by", "verified_by"])
def test_the_database_refuses_one_pair_of_eyes_too(db, role):
    one = prepared()
    one.verified_by = PersonFactory(officer=True)
    one.save()
    with pytest.raises(IntegrityError), transaction.atomic():
        SubjectRequest.objects.update(approved_by=getattr(one, role))
    SubjectRequest.objects.update(approved_by=PersonFactory(officer=True))


@pytest.mark.threat("T7")
def test_the_database_refuses_an_erasure_that_nobody_approved(db):
    prepared()
    with pytest.raises(IntegrityError), transaction.atomic():
        SubjectRequest.objects.update(status=Status.EXECUTING)


@pytest.mark.threat("T7")
def test_an_officers_own_request_is_not_approved_by_them_under_a_second_account(db):
    from tests.subject_requests.factories import AccountFactory, member

    account = AccountFactory()
    requester = member(account, phone_number="+31620000007")
    one = filed(Right.ERASURE, account=account, by=requester)
    first = PersonFactory(officer=True)
    one = services.assign_request(one, to=first, by=first, now=NOW)
    one = services.prepare_request(one, by=first, now=NOW)
    same_person = PersonFactory(officer=True, phone_number="+31620000007")
    with pytest.raises(DomainError):
        services.approve_request(one, by=same_person, now=NOW)


@pytest.mark.threat("T7", "T43")
def test_a_plan_that_was_made_anew_meanwhile_is_not_approved_unseen(db):
    one = prepared()
    with pytest.raises(DomainError, match="made anew"):
        services.approve_request(one, by=PersonFactory(officer=True), now=NOW, plan_seen="0" * 64)
    services.approve_request(one, by=PersonFactory(officer=True), now=NOW, plan_seen=one.plan_hash)


@pytest.mark.threat("T7")
def test_who_verified_the_identity_before_a_silence_does_not_approve_after_it(db):
    one = in_progress()
    verifier = PersonFactory(officer=True)
    one = services.doubt_identity(one, doubt="Is it you?", by=verifier, now=NOW)
    one = services.confirm_identity(one, by=verifier, now=NOW)
    services.ask_requester(one, text="Which number?", by=verifier, now=NOW)
    later = NOW + timedelta(days=30)
    services.follow_up_silence(one, now=later)
    one.refresh_from_db()
    services.send_message(one, text="The second one.", by=one.filed_by, now=later)
    linked = one.followed_by.get()
    linked = services.assign_request(linked, to=PersonFactory(officer=True), by=verifier, now=later)
    linked = services.prepare_request(linked, by=linked.assigned_to, now=later)
    with pytest.raises(DomainError):
        services.approve_request(linked, by=verifier, now=later)


@pytest.mark.parametrize("role", ["admin", "dpo", "auditor"])
def test_only_officers_approve(db, role):
    one = prepared()
    with pytest.raises(DomainError):
        services.approve_request(one, by=PersonFactory(**{role: True}), now=NOW)


def test_sent_back_voids_preparation_and_says_why_in_a_note(db):
    one = prepared()
    other = PersonFactory(officer=True)
    one = services.send_back(one, words="The plan misses a number.", by=other, now=NOW)
    assert (one.status, one.prepared_by, one.plan_hash) == (Status.IN_PROGRESS, None, "")
    [note] = one.messages.all()
    assert (note.kind, note.text) == ("note", "The plan misses a number.")
    assert not one.messages.for_requester().exists()
    one = services.prepare_request(one, by=other, now=NOW)
    assert services.approve_request(one, by=one.assigned_to, now=NOW).status == Status.EXECUTING


def test_a_plan_that_expired_is_not_approved(db):
    from datetime import timedelta

    one = prepared()
    with pytest.raises(DomainError, match="too old"):
        services.approve_request(one, by=PersonFactory(officer=True), now=NOW + timedelta(days=31))


def test_approval_makes_one_task_a_store(db):
    one = services.approve_request(prepared(), by=PersonFactory(officer=True), now=NOW)
    plan = services.plan_of(one)
    assert [task.store for task in one.store_tasks.all()] == sorted(plan.stores, key="portal".__eq__)
    assert all(task.plan_hash == one.plan_hash for task in one.store_tasks.all())


@pytest.mark.threat("T43")
def test_of_twenty_approvals_at_once_one_wins(committed_db):
    one = prepared(Right.ACCESS)
    officers = [PersonFactory(officer=True) for _ in range(20)]

    def approve(officer):
        try:
            services.approve_request(one, by=officer, now=NOW)
        except DomainError as error:
            return error.code
        finally:
            connection.close()
        return "approved"

    with ThreadPoolExecutor(20) as pool:
        answers = sorted(pool.map(approve, officers))
    assert answers == ["approved"] + ["illegal_move"] * 19
    assert Entry.objects.filter(verb="subject_request.approved").count() == 1
    assert StoreTask.objects.count() == 1
