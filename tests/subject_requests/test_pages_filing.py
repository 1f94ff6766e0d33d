"""Filing a request in the browser's way: one question a page, nothing typed lost, sent once."""

import pytest
import time_machine
from django.urls import reverse

from apps.accounts.models import Membership
from apps.accounts.states import MemberRole
from apps.subject_requests.drafts import SESSION_KEY
from apps.subject_requests.models import SubjectRequest
from tests.subject_requests.factories import NOW, AccountFactory, PersonFactory, member

pytestmark = pytest.mark.django_db
NEW = "/requests/new/"
CHECK = "/requests/new/check/"


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(NOW, tick=True):
        yield


@pytest.fixture
def privacy(client, sign_in):
    """Signed in: somebody who speaks for an account about its end users."""
    return sign_in(client, member(AccountFactory(name="Acme")))


def answer(client, **answers):
    """Answer the questions in their order; gives the last response."""
    response = None
    for slug, data in answers.items():
        response = client.post(f"{NEW}{slug}/", data if isinstance(data, dict) else {slug: data})
    return response


def about_an_end_user(client, lines="+31 6 12345678"):
    return answer(client, right="erasure", about="end_user", identifiers={"lines": lines}, asked="")


@pytest.mark.req("DSR-2")
def test_the_questions_lead_from_one_to_the_next_and_end_in_a_check(client, privacy):
    steps = [answer(client, right="erasure"), answer(client, about="end_user")]
    steps += [answer(client, identifiers={"lines": "+31612345678\nANNA@Example.com\n"}), answer(client, asked="")]
    assert [step.url for step in steps] == [f"{NEW}about/", f"{NEW}identifiers/", f"{NEW}asked/", CHECK]
    page = client.get(CHECK).content.decode()
    assert "anna@example.com" in page
    assert "+31612345678" in page


@pytest.mark.req("DSR-1")
def test_a_sent_request_is_confirmed_with_reference_and_due_date(client, privacy):
    about_an_end_user(client)
    response = client.post(CHECK, {"authority": "on"}, follow=True)
    subject_request = SubjectRequest.objects.get()
    assert response.redirect_chain == [(reverse("subject_requests:sent", args=[subject_request.reference]), 302)]
    page = response.content.decode()
    assert subject_request.reference in page
    assert "3 December 2026" in page  # the contract clock: ten days


@pytest.mark.parametrize(("right", "words"), [("erasure", "Two officers decide"), ("access", "You get the file")])
def test_the_confirmation_tells_what_happens_next(client, privacy, right, words):
    about_an_end_user(client)
    answer(client, right=right)
    page = client.post(CHECK, {"authority": "on"}, follow=True)
    assert len(page.context["steps"]) == 3
    assert words in page.content.decode()


def test_a_form_sent_twice_is_one_request(client, privacy):
    about_an_end_user(client)
    draft = client.session[SESSION_KEY]
    client.post(CHECK, {"authority": "on"})
    session = client.session
    session[SESSION_KEY] = draft  # the second click left the browser before the first was answered
    session.save()
    client.post(CHECK, {"authority": "on"})
    assert SubjectRequest.objects.count() == 1


def test_a_new_request_after_a_sent_one_begins_empty(client, privacy):
    about_an_end_user(client)
    client.post(CHECK, {"authority": "on"})
    assert client.get(CHECK).url == f"{NEW}right/"


def test_without_the_stated_authority_nothing_is_sent(client, privacy):
    about_an_end_user(client)
    page = client.post(CHECK, {}).content.decode()
    assert "<title>Error:" in page
    assert "Confirm that your company may give this instruction." in page
    assert not SubjectRequest.objects.exists()


def test_errors_are_told_per_line_and_what_was_typed_stays(client, privacy):
    typed = "not@an@address\n+31612345678\n+99"
    page = answer(client, right="access", about="end_user", identifiers={"lines": typed}).content.decode()
    assert "Line 1," in page
    assert "Line 3," in page
    assert "Line 2," not in page
    assert typed in page
    assert 'href="#id_lines"' in page
    assert "<title>Error:" in page


@pytest.mark.threat("T33")
@pytest.mark.parametrize(
    "lines",
    ["x" * 1024 * 1024, "a\x00b@example.com", "\u202e\n" * 3, "\n" * 9, "@", "+" * 30, "%00"],
    ids=["1 MiB", "NUL", "bidi override", "empty lines", "lone @", "plusses", "escaped NUL"],
)
def test_bad_input_gets_a_message_and_never_an_error_of_ours(client, privacy, lines):
    response = answer(client, right="access", about="end_user", identifiers={"lines": lines})
    assert response.status_code in (200, 302)
    assert client.get(CHECK).status_code in (200, 302)


@pytest.mark.threat("T33")
def test_a_nul_byte_is_told_beside_the_field_and_the_rest_stays(client, privacy):
    answer(client, right="access", about="end_user")
    page = answer(client, identifiers={"lines": "anna@example.com\na\x00b@example.com"}).content.decode()
    assert "field-error" in page
    assert "anna@example.com" in page


@pytest.mark.parametrize(("slug", "field"), [("right", "right"), ("about", "about"), ("asked", "asked_on")])
def test_an_unknown_answer_is_refused_beside_its_field(client, privacy, slug, field):
    answer(client, right="access", about="end_user", identifiers={"lines": "+31612345678"})
    page = client.post(f"{NEW}{slug}/", {field: "2026-13-45 or 1=1"})
    assert page.status_code == 200
    assert 'class="field field-error"' in page.content.decode()


def test_a_day_that_is_still_to_come_is_refused(client, privacy):
    answer(client, right="access", about="end_user", identifiers={"lines": "+31612345678"})
    assert "still to come" in client.post(f"{NEW}asked/", {"asked_on": "2026-11-24"}).content.decode()


def test_going_back_shows_what_was_answered(client, privacy):
    about_an_end_user(client, lines="order-77")
    assert 'value="erasure"' in (page := client.get(f"{NEW}right/").content.decode())
    assert "checked" in page
    assert "order-77" in client.get(f"{NEW}identifiers/").content.decode()
    assert answer(client, right="access").url == CHECK  # a changed answer leads back to the check


def test_changing_whom_it_is_about_asks_what_is_missing(client, privacy):
    answer(client, right="access", about="own")
    assert client.get(CHECK).status_code == 200
    assert answer(client, about="end_user").url == f"{NEW}identifiers/"


@pytest.mark.req("DSR-10")
def test_a_member_is_never_asked_about_end_users(client, sign_in):
    sign_in(client, member(AccountFactory(), role=MemberRole.MEMBER))
    assert answer(client, right="access").url == CHECK
    assert client.get(f"{NEW}identifiers/").status_code == 404
    client.post(CHECK, {})
    assert SubjectRequest.objects.get().about == "own"


def test_somebody_of_two_companies_chooses_the_account(client, sign_in):
    user = sign_in(client, member(AccountFactory(name="One")))
    other = AccountFactory(name="Two")
    Membership.objects.create(user=user, account=other, role=MemberRole.MEMBER, since=NOW)
    answer(client, right="access", about="own", account=str(other.pk))
    client.post(CHECK, {})
    assert SubjectRequest.objects.get().account == other


@pytest.mark.threat("T2")
def test_an_account_of_somebody_else_is_no_answer(client, sign_in):
    user = sign_in(client, member(AccountFactory()))
    Membership.objects.create(user=user, account=AccountFactory(), role=MemberRole.MEMBER, since=NOW)
    answer(client, right="access", about="own")
    page = client.post(f"{NEW}account/", {"account": str(AccountFactory().pk)})
    assert page.status_code == 200
    assert "field-error" in page.content.decode()


@pytest.mark.threat("T37")
def test_sending_without_a_fresh_factor_asks_for_one_and_loses_nothing(client, sign_in):
    sign_in(client, member(AccountFactory()), fresh_factor=False)
    about_an_end_user(client)
    response = client.post(CHECK, {"authority": "on"})
    assert response.status_code == 302
    assert response.url.startswith(reverse("account_step_up"))
    assert not SubjectRequest.objects.exists()
    assert client.get(CHECK).status_code == 200


@pytest.mark.threat("T56")
def test_the_session_keeps_no_address_that_can_be_read(client, privacy):
    about_an_end_user(client, lines="anna@example.com")
    stored = str(dict(client.session.items()))
    assert "anna@example.com" not in stored
    assert "erasure" not in stored


def test_staff_without_an_account_file_nothing(client, sign_in):
    sign_in(client, PersonFactory(officer=True))
    assert client.get(NEW).status_code == 403


def test_nobody_signed_in_is_led_to_the_sign_in(client):
    assert client.get(NEW).url.startswith(reverse("account_login"))
