"""The officers' desk: who may enter, what the queue shows, and that every step says why when it is refused."""

from dataclasses import replace

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.ledger.models import Entry
from apps.subject_requests.models import Reveal, SubjectRequest
from apps.subject_requests.states import About, Right, Status
from tests.subject_requests.factories import NOW, AccountFactory, PersonFactory, at_status, filed, in_progress, member

pytestmark = pytest.mark.django_db
QUEUE = "/desk/"


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(NOW, tick=True):
        yield


@pytest.fixture
def officer(client, sign_in):
    return sign_in(client, PersonFactory(officer=True, full_name="Olga Officer"))


def page_of(subject_request):
    return reverse("desk:detail", args=[subject_request.reference])


def step(client, subject_request, slug, **data):
    return client.post(reverse("desk:act", args=[subject_request.reference, slug]), data)


def state_of(subject_request):
    return SubjectRequest.objects.get(pk=subject_request.pk).status


@pytest.mark.threat("T1")
@pytest.mark.parametrize(
    ("who", "status"), [("officer", 200), ("dpo", 200), ("admin", 403), ("auditor", 403), ("customer", 403)]
)
def test_the_desk_is_open_to_officers_and_the_data_protection_officer(client, sign_in, who, status):
    user = member(AccountFactory()) if who == "customer" else PersonFactory(**{who: True})
    sign_in(client, user)
    subject_request = filed()
    assert client.get(QUEUE).status_code == status
    assert client.get(page_of(subject_request)).status_code == status
    assert step(client, subject_request, "assign", to=str(user.pk)).status_code == (
        200 if who == "officer" else 403
    ) or (who == "officer" and state_of(subject_request) == Status.IN_PROGRESS)


def test_the_data_protection_officer_reads_and_decides_nothing(client, sign_in):
    sign_in(client, PersonFactory(dpo=True))
    subject_request = in_progress()
    page = client.get(page_of(subject_request)).content.decode()
    assert "Write a note" in page
    assert "Prepare the answer" not in page
    assert step(client, subject_request, "prepare").status_code == 403


def test_a_request_that_is_not_there_is_a_404(client, officer):
    assert client.get("/desk/PR-2026-999999/").status_code == 404
    assert client.post("/desk/PR-2026-999999/assign/").status_code == 404
    assert step(client, filed(), "no-such-step").status_code == 404


@pytest.mark.threat("T7")
def test_an_officers_own_request_is_no_work_of_theirs(client, officer):
    account = AccountFactory()
    colleague = member(account, phone_number=officer.phone_number)  # the same person, another sign-in
    own = filed(Right.ACCESS, about=About.OWN, account=account, by=colleague)
    assert client.get(page_of(own)).status_code == 403


def test_a_page_costs_no_query_per_message(client, officer):
    from apps.subject_requests import services

    subject_request = in_progress(officer=officer)

    def cost():
        with CaptureQueriesContext(connection) as queries:
            assert client.get(page_of(subject_request)).status_code == 200
        return len(queries)

    services.send_message(subject_request, text="One", by=officer, now=NOW)
    cost()
    one = cost()
    for _ in range(10):
        services.send_message(subject_request, text="More", by=officer, now=NOW)
    assert cost() == one


@pytest.mark.threat("T37")
def test_identifiers_are_masked_until_somebody_gives_a_reason(client, officer):
    subject_request = in_progress(officer=officer)
    assert "+31612345678" not in client.get(page_of(subject_request)).content.decode()
    refused = step(client, subject_request, "reveal", reason="verify_identity", words="").content.decode()
    assert "+31612345678" not in refused
    assert "field-error" in refused
    shown = step(client, subject_request, "reveal", reason="verify_identity", words="To compare with the letter")
    assert "+31612345678" in shown.content.decode()
    assert shown["Cache-Control"] == "no-store"
    assert Reveal.objects.count() == 1
    entry = Entry.objects.get(verb="subject_request.revealed")
    assert entry.facts["reason"] == "verify_identity"
    assert "letter" not in str(entry.facts)
    assert "+31612345678" not in client.get(page_of(subject_request)).content.decode()


@pytest.mark.threat("T37")
@pytest.mark.parametrize("slug", ["reveal", "approve"])
def test_looking_and_approving_need_a_fresh_factor(client, sign_in, slug):
    sign_in(client, PersonFactory(officer=True), fresh_factor=False)
    subject_request = at_status(Status.AWAITING_APPROVAL)
    response = step(client, subject_request, slug, reason="check_plan", words="Look", plan=subject_request.plan_hash)
    assert response.status_code == 302
    assert response.url.startswith(reverse("account_step_up"))
    assert state_of(subject_request) == Status.AWAITING_APPROVAL


def test_an_officer_takes_a_request_from_receipt_to_approval(client, officer):
    subject_request = filed(Right.ACCESS)
    step(client, subject_request, "assign", to=str(officer.pk))
    assert state_of(subject_request) == Status.IN_PROGRESS
    step(client, subject_request, "prepare")
    assert state_of(subject_request) == Status.AWAITING_APPROVAL
    page = step(client, subject_request, "approve")
    assert page.status_code == 302
    assert state_of(subject_request) == Status.EXECUTING


@pytest.mark.threat("T7")
def test_who_prepared_an_erasure_is_told_that_another_must_approve(client, officer, monkeypatch):
    from apps.subject_requests import services

    subject_request = in_progress(Right.ERASURE, officer=officer)
    services.prepare_request(subject_request, by=officer, now=NOW)
    page = client.get(page_of(subject_request)).content.decode()
    assert "This waits for another officer." in page
    assert "Approve and carry out" not in page
    assert step(client, subject_request, "approve").status_code == 403


def test_approving_another_plan_than_the_one_shown_is_refused(client, officer):
    subject_request = at_status(Status.AWAITING_APPROVAL)
    page = step(client, subject_request, "approve", plan="0" * 64)
    assert page.status_code == 200
    assert "after you opened this page" in page.content.decode()
    assert state_of(subject_request) == Status.AWAITING_APPROVAL


@pytest.mark.req("DSR-4")
def test_an_extension_needs_a_reason_in_words_and_moves_the_date(client, officer):
    subject_request = in_progress(officer=officer)
    refused = step(client, subject_request, "extend", words="Ten systems").content.decode()
    assert "Choose a reason." in refused
    assert "Ten systems" in refused
    step(client, subject_request, "extend", reason="complexity", words="Ten systems")
    assert subject_request.parts.get(capacity="controller").due_on.isoformat() == "2027-02-23"
    assert step(client, subject_request, "extend", reason="complexity", words="Again").status_code == 403


def test_a_refusal_takes_only_grounds_that_fit_the_part(client, officer):
    subject_request = in_progress(officer=officer)
    page = step(client, subject_request, "refuse-processor", ground="excessive", words="Too many").content.decode()
    assert "field-error" in page
    assert "Too many" in page
    step(client, subject_request, "refuse-processor", ground="infringes_law", words="A court order forbids it")
    assert subject_request.parts.get(capacity="processor").outcome == "instruction_declined"


def test_a_step_that_somebody_else_took_meanwhile_is_refused_with_the_reason(client, officer, monkeypatch):
    from apps.core.errors import DomainError
    from apps.subject_requests.views import actions

    def moved(*args):
        raise DomainError("illegal_move", "Somebody was faster.")

    monkeypatch.setitem(actions.BY_SLUG, "prepare", replace(actions.BY_SLUG["prepare"], run=moved))
    page = step(client, in_progress(officer=officer), "prepare")
    assert page.status_code == 200
    assert "Somebody was faster." in page.content.decode()


def test_a_duplicate_names_an_earlier_request_that_is_there(client, officer):
    subject_request = in_progress(officer=officer)
    page = step(client, subject_request, "duplicate", of="PR-2020-000001").content.decode()
    assert "There is no request with this reference." in page
    assert "PR-2020-000001" in page


@pytest.mark.threat("T33")
@pytest.mark.parametrize(
    ("slug", "field"),
    [
        ("ask", "text"),
        ("message", "text"),
        ("note", "text"),
        ("doubt", "doubt"),
        ("extend", "reason"),
        ("refuse-controller", "words"),
        ("duplicate", "of"),
        ("assign", "to"),
    ],
)
@pytest.mark.parametrize("junk", ["x" * 1024 * 1024, "a\x00b", "<b>"], ids=["1 MiB", "NUL", "markup"])
def test_junk_is_never_an_error_of_ours(client, officer, slug, field, junk):
    subject_request = in_progress(officer=officer)
    assert step(client, subject_request, slug, **{field: junk}).status_code in (200, 302)
