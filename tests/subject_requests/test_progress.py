"""How far the worker is: real numbers, fetched again while the page is open, and an end."""

import pytest
import time_machine
from django.urls import reverse

from apps.core import clock
from apps.subject_requests import services
from apps.subject_requests.models import StoreTask
from apps.subject_requests.states import Right, Status, TaskStatus
from tests.subject_requests.factories import NOW, AccountFactory, PersonFactory, at_status, in_progress, member

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(NOW, tick=True):
        yield


@pytest.fixture
def executing():
    """Approved, with one of three systems done."""
    subject_request = at_status(Status.EXECUTING)
    for number, status in enumerate((TaskStatus.CONFIRMED, TaskStatus.EXECUTED)):
        StoreTask.objects.create(
            request=subject_request,
            kind="erase",
            store=f"store{number}",
            status=status,
            effect_key=f"key{number}",
            next_attempt_at=NOW,
            executed_at=NOW,
        )
    return subject_request


def part(side, subject_request):
    return reverse(f"{side}:progress", args=[subject_request.reference])


@pytest.mark.parametrize("side", ["desk", "subject_requests"])
def test_page_and_part_tell_the_same_numbers(client, sign_in, executing, side):
    sign_in(client, PersonFactory(officer=True) if side == "desk" else executing.filed_by)
    page = client.get(reverse(f"{side}:detail", args=[executing.reference])).content.decode()
    response = client.get(part(side, executing))
    assert response.status_code == 200
    for text in (page, response.content.decode()):
        assert 'max="3" value="1"' in text
        assert "<bdi>1</bdi> of <bdi>3</bdi> are done." in text
    assert f'hx-get="{part(side, executing)}"' in page
    assert "<html" not in response.content.decode()


@pytest.mark.parametrize("side", ["desk", "subject_requests"])
def test_at_the_end_htmx_stops_and_the_end_is_said(client, sign_in, side):
    subject_request = at_status(Status.CLOSED)
    sign_in(client, PersonFactory(officer=True) if side == "desk" else subject_request.filed_by)
    response = client.get(part(side, subject_request))
    assert response.status_code == 286
    assert 'hx-swap-oob="innerHTML:#progress-end"' in response.content.decode()
    assert "The work on this request has ended." in response.content.decode()
    assert "hx-get" not in client.get(reverse(f"{side}:detail", args=[subject_request.reference])).content.decode()


@pytest.mark.threat("T1")
def test_whoever_may_not_see_the_page_does_not_see_its_part(client, sign_in, executing):
    sign_in(client, member(AccountFactory()))
    assert client.get(part("subject_requests", executing)).status_code == 404
    assert client.get(part("desk", executing)).status_code == 403
    sign_in(client, PersonFactory(auditor=True))
    assert client.get(part("desk", executing)).status_code == 403


def test_officers_do_not_see_how_far_their_own_request_is_at_the_desk(client, sign_in):
    account, officer = AccountFactory(), PersonFactory(officer=True)
    account.memberships.create(user=officer, role="privacy", since=NOW)
    own = in_progress(Right.ACCESS, account=account, by=officer, officer=PersonFactory(officer=True))
    services.send_message(own, text="Hello", by=officer, now=clock.now())
    sign_in(client, officer)
    assert client.get(part("desk", own)).status_code == 403


def test_whoever_was_signed_out_meanwhile_gets_the_whole_page_again(client, executing):
    response = client.get(part("desk", executing))
    assert response.status_code == 401
    assert response["HX-Refresh"] == "true"
    assert response.content == b""
