"""The keys of the desk, as the server tells them: on until somebody switches them off, in one cookie (WCAG 2.1.4)."""

import pytest
from django.urls import reverse

from tests.subject_requests.factories import AccountFactory, PersonFactory, in_progress, member

pytestmark = pytest.mark.django_db
KEYS, COOKIE = "/desk/keys/", "desk_keys"


@pytest.fixture
def officer(client, sign_in):
    return sign_in(client, PersonFactory(officer=True))


def pages(officer):
    return ["/desk/", reverse("desk:detail", args=[in_progress(officer=officer).reference])]


def test_the_desk_hears_keys_until_they_are_switched_off(client, officer):
    addresses = pages(officer)
    assert all("data-keys" in client.get(address).content.decode() for address in addresses)
    client.post(KEYS, {"keys": "off"})
    assert all("data-keys" not in client.get(address).content.decode() for address in addresses)
    assert all('href="/desk/keys/"' in client.get(address).content.decode() for address in addresses)
    client.post(KEYS, {"keys": "on"})
    assert all("data-keys" in client.get(address).content.decode() for address in addresses)


def test_the_choice_is_a_cookie_that_no_script_and_no_other_site_gets(client, officer, settings):
    settings.HTTPS = True
    cookie = client.post(KEYS, {"keys": "off"}, secure=True).cookies[COOKIE]
    assert cookie["httponly"]
    assert cookie["secure"]
    assert cookie["samesite"] == "Lax"
    assert client.post(KEYS, {"keys": "on"}, secure=True).cookies[COOKIE].value == ""


def test_the_help_is_a_page_of_its_own_where_no_script_runs(client, officer):
    page = client.get(KEYS).content.decode()
    assert page.count("<kbd>") == 8
    assert "Switch the keys off" in page
    client.post(KEYS, {"keys": "off"})
    assert "Switch the keys on" in client.get(KEYS).content.decode()


def test_the_switch_leads_back_to_where_one_was_and_nowhere_else(client, officer):
    assert client.post(KEYS, {"keys": "off", "next": "/desk/?due=week"}).url == "/desk/?due=week"
    assert client.post(KEYS, {"keys": "off", "next": "https://evil.example/"}).url == "/desk/"


def test_whoever_reads_along_has_no_keys_for_steps_they_may_not_take(client, sign_in):
    sign_in(client, PersonFactory(dpo=True))
    page = client.get(pages(PersonFactory(officer=True))[1]).content.decode()
    assert "data-keys" in page
    assert "data-assign" not in page
    assert "Assign it to me" not in page


def test_taking_a_request_over_is_offered_to_who_does_not_have_it(client, officer):
    mine, anothers = in_progress(officer=officer), in_progress()
    form = 'action="/desk/{}/assign/" data-assign'
    for subject_request, is_offered in ((mine, False), (anothers, True)):
        page = client.get(reverse("desk:detail", args=[subject_request.reference])).content.decode()
        assert (form.format(subject_request.reference) in page) == is_offered


def test_the_keys_belong_to_the_desk(client, sign_in):
    sign_in(client, member(AccountFactory()))
    assert client.get(KEYS).status_code == client.post(KEYS, {"keys": "off"}).status_code == 403
