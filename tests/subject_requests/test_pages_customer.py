"""A customer's pages: what is there for whom, what is not there for others, and how many queries a list costs."""

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import Membership
from apps.accounts.states import MemberRole
from apps.subject_requests import services
from apps.subject_requests.models import Message, SubjectRequest
from apps.subject_requests.states import About, Right, Status
from tests.subject_requests.factories import NOW, AccountFactory, PersonFactory, at_status, filed, in_progress, member

pytestmark = pytest.mark.django_db
LIST = "/requests/"


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(NOW, tick=True):
        yield


@pytest.fixture
def account():
    return AccountFactory(name="Acme")


def pages_of(subject_request):
    """Every address below a request, with the method it takes."""
    names = {"detail": "get", "sent": "get", "withdraw": "get", "message": "post"}
    addresses = [
        (verb, reverse(f"subject_requests:{name}", args=[subject_request.reference])) for name, verb in names.items()
    ]
    files = [("get", "files"), ("post", "files"), ("post", "mint")]
    return addresses + [
        (verb, reverse(f"subject_requests:{name}", args=[subject_request.reference, "access"])) for verb, name in files
    ]


@pytest.mark.threat("T2")
def test_another_companys_request_is_the_same_404_as_one_that_is_not_there(client, sign_in, account):
    sign_in(client, member(AccountFactory()))
    for verb, address in pages_of(filed(account=account)):
        theirs = getattr(client, verb)(address, {"text": "hello"})
        nobodys = getattr(client, verb)(address.replace("PR-2026-", "PR-2027-"), {"text": "hello"})
        assert theirs.status_code == nobodys.status_code == 404, address
        assert theirs.content == nobodys.content, address


@pytest.mark.threat("T2")
def test_a_colleagues_request_about_themselves_does_not_exist(client, sign_in, account):
    colleague = member(account, role=MemberRole.MEMBER)
    own = filed(Right.ACCESS, about=About.OWN, account=account, by=colleague)
    sign_in(client, member(account, role=MemberRole.OWNER))
    assert own.reference not in client.get(LIST).content.decode()
    assert {getattr(client, verb)(address).status_code for verb, address in pages_of(own)} == {404}


@pytest.mark.req("DSR-12")
def test_a_colleague_with_the_role_follows_a_request_about_an_end_user(client, sign_in, account):
    subject_request = filed(account=account)
    sign_in(client, member(account))
    page = client.get(subject_request.get_absolute_url()).content.decode()
    assert "+31612345678" in page
    assert subject_request.filed_by.full_name in page


def test_a_member_sees_nothing_about_end_users(client, sign_in, account):
    subject_request = filed(account=account)
    sign_in(client, member(account, role=MemberRole.MEMBER))
    assert client.get(subject_request.get_absolute_url()).status_code == 404


@pytest.mark.threat("T6")
def test_who_left_the_company_sees_nothing_any_more(client, sign_in, account):
    subject_request = filed(account=account)
    sign_in(client, subject_request.filed_by)
    Membership.objects.filter(user=subject_request.filed_by).delete()
    assert client.get(subject_request.get_absolute_url()).status_code == 404


@pytest.mark.req("DSR-4")
def test_a_request_tells_when_the_answer_is_due_and_how_the_date_came_about(client, sign_in, account):
    subject_request = filed(Right.ACCESS, account=account)
    sign_in(client, subject_request.filed_by)
    page = client.get(subject_request.get_absolute_url()).content.decode()
    assert "3 December 2026" in page
    assert "10 days left" in page
    assert "23 December 2026" in page  # the law's
    assert "How this date was reached" in page


@pytest.mark.req("DSR-9")
def test_a_refusal_tells_ground_reasons_complaint_and_court(client, sign_in, account):
    subject_request = in_progress(account=account)
    part = subject_request.parts.get(capacity="controller")
    officer = subject_request.assigned_to
    services.refuse_part(part, ground="legal_claims", words="A court has it.", by=officer, now=NOW)
    sign_in(client, subject_request.filed_by)
    page = client.get(subject_request.get_absolute_url()).content.decode()
    assert all(words in page for words in ("legal claims", "A court has it.", "complain", "go to court"))


@pytest.mark.threat("T5")
def test_notes_and_officers_names_stay_inside(client, sign_in, account):
    officer = PersonFactory(officer=True, full_name="Inge Inside")
    subject_request = in_progress(account=account, officer=officer)
    services.add_note(subject_request, text="A secret thought.", by=officer, now=NOW)
    services.send_message(subject_request, text="We are on it.", by=officer, now=NOW)
    sign_in(client, subject_request.filed_by)
    page = client.get(subject_request.get_absolute_url()).content.decode()
    assert "We are on it." in page
    assert "A secret thought." not in page
    assert "Inge Inside" not in page


def test_a_colleague_who_acted_is_named_and_is_no_privacy_officer(client, sign_in, account):
    subject_request = filed(account=account, by=member(account, full_name="Carla Colleague"))
    sign_in(client, member(account))
    (received,) = [
        event for event in client.get(subject_request.get_absolute_url()).context["events"] if not event.is_to_come
    ]
    assert received.who == "Carla Colleague"


@pytest.mark.threat("T27")
def test_what_people_write_is_shown_and_never_run(client, sign_in, account):
    subject_request = in_progress(account=account)
    user = sign_in(client, subject_request.filed_by)
    services.send_message(subject_request, text="<script>alert(1)</script>", by=user, now=NOW)
    page = client.get(subject_request.get_absolute_url()).content.decode()
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page


def test_an_answer_to_a_question_goes_to_the_officers(client, sign_in):
    subject_request = at_status(Status.WAITING_FOR_REQUESTER)
    sign_in(client, subject_request.filed_by)
    assert "Waiting for you" in client.get(LIST).content.decode()
    address = reverse("subject_requests:message", args=[subject_request.reference])
    assert client.post(address, {"text": "The first one."}).status_code == 302
    subject_request.refresh_from_db()
    assert subject_request.status == Status.IN_PROGRESS
    assert Message.objects.latest("sent_at").text == "The first one."


def test_what_waits_for_the_requester_comes_first(client, sign_in):
    subject_request = at_status(Status.WAITING_FOR_REQUESTER)
    sign_in(client, subject_request.filed_by)
    page = client.get(subject_request.get_absolute_url()).content.decode()
    assert 'href="#messages">Read the question and answer it' in page
    assert page.index('id="messages"') < page.index('id="timeline"')
    services.send_message(subject_request, text="The first.", by=subject_request.filed_by, now=NOW)
    page = client.get(subject_request.get_absolute_url()).content.decode()
    assert "Read the question and answer it" not in page
    assert page.index('id="messages"') > page.index('id="timeline"')


def test_a_colleague_who_can_not_answer_is_not_told_to(client, sign_in):
    subject_request = at_status(Status.WAITING_FOR_REQUESTER)
    sign_in(client, member(subject_request.account))
    page = client.get(subject_request.get_absolute_url()).content.decode()
    assert "Waiting for you" in page
    assert "Read the question and answer it" not in page


def test_requesters_read_words_where_officers_read_codes_too(client, sign_in):
    subject_request = at_status(Status.WAITING_FOR_REQUESTER)
    sign_in(client, subject_request.filed_by)
    assert "waiting_for_requester" not in client.get(subject_request.get_absolute_url()).content.decode()
    sign_in(client, PersonFactory(officer=True))
    page = client.get(reverse("desk:detail", args=[subject_request.reference])).content.decode()
    assert "waiting_for_requester" in page


@pytest.mark.req("DSR-5")
def test_partly_kept_see_why_leads_to_what_stays_and_why(client, sign_in, account):
    subject_request = in_progress(Right.ERASURE, account=account)
    services.prepare_request(subject_request, by=subject_request.assigned_to, now=NOW)
    subject_request.parts.update(outcome="partly_fulfilled", closed_at=NOW)
    SubjectRequest.objects.filter(pk=subject_request.pk).update(status=Status.CLOSED, closed_at=NOW)
    sign_in(client, subject_request.filed_by)
    page = client.get(subject_request.get_absolute_url()).content.decode()
    assert 'href="#kept">See what stays, and why' in page
    assert '<h2 id="kept">' in page
    done = client.get(LIST, {"show": "done"}).content.decode()
    assert f'href="{subject_request.get_absolute_url()}#kept"' in done


@pytest.mark.threat("T33")
@pytest.mark.parametrize("text", ["", "   ", "x" * 1024 * 1024, "a\x00b"], ids=["nothing", "spaces", "1 MiB", "NUL"])
def test_a_message_that_cannot_be_kept_is_refused_beside_the_field(client, sign_in, account, text):
    subject_request = in_progress(account=account)
    sign_in(client, subject_request.filed_by)
    response = client.post(reverse("subject_requests:message", args=[subject_request.reference]), {"text": text})
    assert response.status_code == 200
    assert "field-error" in response.content.decode()


def test_withdrawing_asks_first_and_then_closes(client, sign_in, account):
    subject_request = filed(account=account)
    sign_in(client, subject_request.filed_by)
    address = reverse("subject_requests:withdraw", args=[subject_request.reference])
    assert "Withdraw this request?" in client.get(address).content.decode()
    subject_request.refresh_from_db()
    assert subject_request.is_open  # a GET changes nothing
    assert "was withdrawn" in client.post(address, follow=True).content.decode()
    subject_request.refresh_from_db()
    assert subject_request.status == Status.CLOSED


def test_the_question_before_withdrawing_stands_on_the_page_too_and_posts_to_the_same_place(client, sign_in, account):
    subject_request = filed(account=account)
    sign_in(client, subject_request.filed_by)
    address = reverse("subject_requests:withdraw", args=[subject_request.reference])
    page = client.get(subject_request.get_absolute_url()).content.decode()
    assert f'href="{address}" data-opens="withdraw">' in page  # where no script runs this is a page
    assert f'<form method="post" action="{address}"' in page[page.index('<dialog id="withdraw"') :]


def test_a_closed_request_can_not_be_withdrawn(client, sign_in):
    subject_request = at_status(Status.CLOSED)
    sign_in(client, subject_request.filed_by)
    assert client.post(reverse("subject_requests:withdraw", args=[subject_request.reference])).status_code == 403


def test_done_requests_have_a_list_of_their_own(client, sign_in):
    subject_request = at_status(Status.CLOSED)
    sign_in(client, subject_request.filed_by)
    assert subject_request.reference not in client.get(LIST).content.decode()
    assert subject_request.reference in client.get(LIST, {"show": "done"}).content.decode()


def test_a_list_costs_as_many_queries_with_thirty_requests_as_with_one(client, sign_in, account):
    user = sign_in(client, member(account))

    def cost():
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(LIST).status_code == 200
        return len(queries)

    filed(account=account, by=user)
    cost()  # the first visit may store the session
    one = cost()
    for _ in range(29):
        filed(account=account, by=user)
    assert cost() == one <= 14


def test_the_list_has_a_next_page_and_a_tampered_cursor_shows_the_first(client, sign_in, account):
    user = sign_in(client, member(account))
    for _ in range(31):
        last = filed(account=account, by=user)
    page = client.get(LIST).context["page"]
    assert len(page.rows) == 30
    assert page.next_cursor
    assert len(client.get(LIST, {"cursor": page.next_cursor}).context["page"].rows) == 1
    assert client.get(LIST, {"cursor": "x' OR 1=1"}).context["page"].rows[0].pk in {row.pk for row in page.rows} | {
        last.pk
    }


def test_an_empty_list_says_what_one_can_do_here(client, sign_in, account):
    sign_in(client, member(account))
    page = client.get(LIST).content.decode()
    assert "No open requests" in page
    assert "/requests/new/" in page


@pytest.mark.parametrize("address", [LIST, "/requests/PR-2026-000001/", "/requests/download/abc/"])
def test_nobody_signed_in_is_led_to_the_sign_in(client, address):
    assert client.get(address).url.startswith(reverse("account_login"))


@pytest.mark.threat("T21")
def test_an_unknown_link_is_gone(client, sign_in, account):
    sign_in(client, member(account))
    response = client.get("/requests/download/0123456789abcdef/")
    assert response.status_code == 410
    assert "used" in response.content.decode()
