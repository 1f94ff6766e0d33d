"""A customer's first page: what waits for them, what is open, what was done."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Invitation
from apps.core import clock, crypto
from apps.subject_requests import services
from apps.subject_requests.models import Package
from apps.subject_requests.states import About, PackageKind, Right
from tests.subject_requests.factories import AccountFactory, PersonFactory, filed, in_progress, member

pytestmark = pytest.mark.django_db
HOME = "/requests/home/"


@pytest.fixture
def account():
    return AccountFactory(name="Acme")


@pytest.fixture
def person(account):
    return member(account)


@pytest.fixture
def shown(client, sign_in, person):
    """The page, as this person sees it."""
    sign_in(client, person)

    def shown():
        response = client.get(HOME)
        assert response.status_code == 200
        return response.content.decode()

    return shown


def asked(account, person, **values):
    officer = PersonFactory(officer=True)
    one = in_progress(Right.ACCESS, account=account, by=person, officer=officer, at=clock.now(), **values)
    return services.ask_requester(one, text="Which of the two do you mean?", by=officer, now=clock.now())


def packed(subject_request):
    at, digest = clock.now(), "0" * 64
    package = Package.objects.create(
        request=subject_request, kind=PackageKind.ACCESS, created_at=at, expires_at=at + timedelta(days=7),
        size=7, sha256=digest, manifest_sha256=digest,
    )  # fmt: skip
    package.path.parent.mkdir(parents=True, exist_ok=True)
    crypto.seal_stream([b"package"], package.path)
    return package


def test_whoever_signs_in_as_a_customer_begins_there(client, sign_in, person):
    sign_in(client, person)
    assert client.get("/home/").url == HOME


def test_it_is_nobodys_page_who_works_here(client, sign_in):
    sign_in(client, PersonFactory(officer=True))
    response = client.get(HOME, follow=True)
    assert response.redirect_chain[-1][0] == "/desk/"


def test_a_question_and_a_file_wait_on_top(shown, account, person):
    question = asked(account, person)
    ready = filed(Right.ACCESS, account=account, by=person, at=clock.now())
    packed(ready)
    page = shown()
    waiting, _mark, rest = page.partition('id="open"')
    assert f'href="/requests/{question.reference}/#messages"' in waiting
    assert f'action="/requests/{ready.reference}/files/access/"' in waiting
    assert "Ready until" in waiting
    assert "Which of the two" not in rest  # what was asked stands on the request's own page


def test_open_requests_come_with_the_one_that_is_due_first_and_its_days_in_words(shown, account, person):
    late = filed(account=account, by=person, at=clock.now() - timedelta(days=12))
    young = filed(account=account, by=person, at=clock.now() - timedelta(days=1))
    page = shown()
    assert page.index(late.reference) < page.index(young.reference)
    assert "2 days late" in page
    assert "9 days left" in page


def test_no_more_than_five_are_shown_with_the_way_to_the_rest(shown, account, person):
    for _each in range(6):
        filed(account=account, by=person, at=clock.now())
        services.withdraw_request(filed(account=account, by=person, at=clock.now()), by=person, now=clock.now())
    page = shown()
    assert page.count('class="row-link') == 10
    assert 'href="/requests/">All open requests' in page
    assert 'href="/requests/?show=done"' in page


def test_what_was_done_last_stands_first(shown, account, person):
    first, second = (filed(account=account, by=person, at=clock.now()) for _each in range(2))
    services.withdraw_request(second, by=person, now=clock.now() - timedelta(hours=2))
    services.withdraw_request(first, by=person, now=clock.now() - timedelta(hours=1))
    page = shown()
    assert page.index(first.reference) < page.index(second.reference)


def test_where_nothing_is_it_says_what_one_can_do_here(shown):
    page = shown()
    for words in ("If we have a question, it stands here", "you can fetch it here", "No open requests",
                  "Nothing yet. Requests that have their answer"):  # fmt: skip
        assert words in page, words
    assert page.count('href="/requests/new/"') == 2


@pytest.mark.threat("T1")
def test_a_colleagues_request_about_themselves_is_not_on_it(shown, account):
    own = asked(account, member(account, "owner"), about=About.OWN)
    others = asked(AccountFactory(), None)
    page = shown()
    assert own.reference not in page
    assert others.reference not in page


def test_the_owner_finds_the_team_and_others_do_not(client, sign_in, account):
    for role, is_there in (("owner", True), ("privacy", False), ("member", False)):
        sign_in(client, member(account, role))
        assert (f"/account/team/{account.pk}/" in client.get(HOME).content.decode()) is is_there


def test_a_second_factor_is_recommended_to_whoever_has_none(shown, client, sign_in, person):
    assert "Set up a second factor" in shown()
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

    TOTP.activate(person, generate_totp_secret())
    assert "Set up a second factor" not in shown()


def test_an_invitation_waits_there_and_nobody_without_an_account_is_sent_into_a_wall(client, sign_in, account):
    lone = PersonFactory()
    now = clock.now()
    Invitation.objects.create(
        account=account, email=lone.email, role="member", invited_at=now, expires_at=now + timedelta(days=7)
    )
    sign_in(client, lone)
    page = client.get(HOME).content.decode()
    assert "You were invited to join the account of" in page
    assert 'href="/requests/new/"' not in page
    for way in client.get(HOME).context["own_pages"]:
        assert client.get(way["url"]).status_code == 200, way


def test_it_costs_as_many_queries_with_thirty_requests_as_with_one(shown, account, person):
    def cost():
        with CaptureQueriesContext(connection) as queries:
            shown()
        return len(queries)

    def furnish():
        packed(filed(Right.ACCESS, account=account, by=person, at=clock.now()))
        asked(account, person)
        services.withdraw_request(filed(account=account, by=person, at=clock.now()), by=person, now=clock.now())

    furnish()
    cost()
    one = cost()
    for _each in range(10):
        furnish()
    assert cost() == one <= 20


def test_a_doubt_about_the_identity_is_told_as_what_it_is(shown, account, person):
    officer = PersonFactory(officer=True)
    one = in_progress(Right.ACCESS, account=account, by=person, officer=officer, at=clock.now())
    services.doubt_identity(one, doubt="Is it you?", by=officer, now=clock.now())
    page = shown()
    assert "We have to be sure that this request is yours" in page
    assert "The clock runs on" not in page
