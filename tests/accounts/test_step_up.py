"""A fresh second factor in the middle of something: asked for, and nothing lost."""

import pytest
import time_machine
from django.http import HttpResponse
from django.test import override_settings
from django.urls import include, path, reverse
from django.views.decorators.csrf import csrf_protect

from apps.accounts import services
from apps.accounts.models import StepUpCode
from apps.core import clock
from apps.core.errors import DomainError
from apps.core.http import require_fresh_factor
from apps.ledger.models import Entry
from apps.notifications.models import OutgoingMessage
from tests.accounts.factories import UserFactory
from tests.accounts.outbox import last_code, messages_to
from tests.accounts.test_sign_in import code, password_step, with_app

pytestmark = [pytest.mark.django_db, pytest.mark.threat("T37")]
DONE = []


@csrf_protect
@require_fresh_factor
def sensitive(request, number=0):
    DONE.append((request.method, request.POST.dict(), request.GET.dict(), number))
    return HttpResponse(f"done {request.method} {request.POST.get('text', '')}")


urlpatterns = [
    path("sensitive/", sensitive, name="sensitive"),
    path("other/<int:number>/", sensitive, name="other"),
    path("", include("privacy_portal.urls")),
]


@pytest.fixture(autouse=True)
def sensitive_page():
    DONE.clear()
    with override_settings(ROOT_URLCONF=__name__):
        yield


def ask(client, url="/sensitive/", channel="sms"):
    return client.post(reverse("account_step_up"), {"next": url, "channel": channel})


def enter(client, typed, url="/sensitive/"):
    return client.post(reverse("account_step_up"), {"next": url, "code": typed})


def test_a_fresh_factor_lets_one_pass_and_a_stale_one_does_not(client, sign_in):
    user = with_app(UserFactory())
    sign_in(client, user)
    assert client.get("/sensitive/").content == b"done GET "
    sign_in(client, user, fresh_factor=False)
    assert client.get("/sensitive/").url == "/account/step-up/?next=%2Fsensitive%2F"


def test_signing_in_with_the_second_factor_is_fresh_for_five_minutes(client):
    user = with_app(UserFactory())
    with time_machine.travel("2026-03-05T10:00:00Z", tick=False) as traveller:
        password_step(client, user)
        client.post(reverse("mfa_authenticate"), {"code": code()})
        traveller.shift(299)
        assert client.get("/sensitive/").status_code == 200
        traveller.shift(2)
        assert client.get("/sensitive/").status_code == 302


def test_a_password_alone_is_never_a_fresh_factor(client):
    from tests.accounts.factories import PASSWORD

    password_step(client, UserFactory())
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    assert client.get("/sensitive/").status_code == 302


def test_what_was_posted_goes_on_after_the_step_up(client, sign_in):
    sign_in(client, with_app(UserFactory()), fresh_factor=False)
    url = client.post("/other/7/?filter=a", {"text": "typed with care", "list": "1"}).url
    assert DONE == []
    assert "typed with care" not in str(dict(client.session))
    page = client.get(url)
    response = enter(client, code(), page.context["next"])
    assert response.content == b"done POST typed with care"
    assert DONE == [("POST", {"text": "typed with care", "list": "1"}, {"filter": "a"}, 7)]
    assert enter(client, "000000", "/other/7/?filter=a").status_code == 200
    assert len(DONE) == 1, "what was kept goes on once"


def test_two_interrupted_posts_do_not_displace_each_other(client, sign_in):
    sign_in(client, with_app(UserFactory()), fresh_factor=False)
    client.post("/sensitive/", {"text": "first"})
    client.post("/other/2/", {"text": "second"})
    client.get("/sensitive/?page=2")
    assert enter(client, code(), "/sensitive/").content == b"done POST first"


@pytest.mark.threat("T35")
def test_the_session_gets_a_new_id(client, sign_in):
    sign_in(client, with_app(UserFactory()), fresh_factor=False)
    before = client.session.session_key
    assert enter(client, code()).url == "/sensitive/"
    assert client.session.session_key != before
    assert client.get("/sensitive/").status_code == 200


def test_only_pages_of_ours_are_gone_on_to(client, sign_in):
    sign_in(client, with_app(UserFactory()), fresh_factor=False)
    for url in ("https://evil.example/", "//evil.example/", "javascript:alert(1)", "\\\\evil.example"):
        assert client.get(reverse("account_step_up"), {"next": url}).context["next"] == "/"


def test_a_part_of_a_page_is_told_to_load_the_step_up_as_a_whole(client, sign_in):
    sign_in(client, UserFactory(), fresh_factor=False)
    response = client.post("/sensitive/", {"text": "x"}, headers={"HX-Request": "true"})
    assert (response.status_code, response["HX-Redirect"]) == (204, "/account/step-up/?next=%2Fsensitive%2F")


def test_an_interrupted_post_needs_its_own_csrf_token(client_factory, sign_in):
    client = client_factory(enforce_csrf_checks=True)
    sign_in(client, UserFactory(), fresh_factor=False)
    assert client.post("/sensitive/", {"text": "x"}).status_code == 403
    assert "suspended_posts" not in client.session


# --- a customer without a second factor ------------------------------------------------------------


@pytest.mark.parametrize("channel", ["sms", "email"])
def test_a_customer_without_a_factor_chooses_where_a_code_goes(client, sign_in, channel):
    user = sign_in(client, UserFactory(), fresh_factor=False)
    url = client.post("/sensitive/", {"text": "kept"}).url
    choices = dict(client.get(url).context["form"].fields["channel"].choices)
    assert set(choices) == {"sms", "email"}
    ask(client, channel=channel)
    typed = last_code(user.phone_number if channel == "sms" else user.email)
    assert len(typed) == 6
    assert enter(client, typed).content == b"done POST kept"
    assert client.get("/sensitive/").status_code == 200
    told = Entry.objects.filter(verb__startswith="account.").order_by("pk")
    assert [entry.verb for entry in told] == ["account.step_up_sent", "account.step_up_passed"]


def test_only_confirmed_contact_points_are_offered(client, sign_in):
    sign_in(client, UserFactory(phone_verified_at=None), fresh_factor=False)
    form = client.get(reverse("account_step_up")).context["form"]
    assert [value for value, _ in form.fields["channel"].choices] == ["email"]
    assert ask(client, channel="sms").context["form"].errors["channel"]


def test_a_code_may_be_typed_in_arabic_digits(client, sign_in):
    user = sign_in(client, UserFactory(), fresh_factor=False)
    ask(client)
    enter(client, last_code(user.phone_number).translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")))
    assert client.get("/sensitive/").status_code == 200


@pytest.mark.threat("T36")
def test_whoever_has_a_factor_gets_no_code(client, sign_in):
    user = sign_in(client, with_app(UserFactory()), fresh_factor=False)
    assert "form" in ask(client).context
    assert messages_to(user.phone_number) == []
    with pytest.raises(DomainError):
        services.send_code(user, session_key="s", purpose="p", channel="sms", language="en", now=clock.now())


@pytest.mark.threat("T16")
def test_the_fourth_guess_is_too_late(client, sign_in):
    user = sign_in(client, UserFactory(), fresh_factor=False)
    ask(client)
    right = last_code(user.phone_number)
    wrong = "000000" if right != "000000" else "111111"
    assert [enter(client, wrong).status_code for _ in range(3)] == [200, 200, 200]
    enter(client, right)
    assert client.get("/sensitive/").status_code == 302


@pytest.mark.threat("T16")
def test_a_code_works_once_ten_minutes_in_its_session_and_for_its_purpose(client, sign_in):
    user = sign_in(client, UserFactory(), fresh_factor=False)
    now = clock.now()
    bound = {"session_key": "mine", "purpose": "file", "now": now}

    def fresh():
        StepUpCode.objects.all().delete(), OutgoingMessage.objects.all().delete()
        services.send_code(user, channel="sms", language="en", **bound)
        return last_code(user.phone_number)

    assert not services.spend_code(user, typed=fresh(), **bound | {"session_key": "another"})
    assert not services.spend_code(user, typed=fresh(), **bound | {"purpose": "download"})
    later = now + services.step_up.LASTS
    assert not services.spend_code(user, typed=fresh(), **bound | {"now": later})
    assert not services.spend_code(UserFactory(), typed=fresh(), **bound)
    typed = fresh()
    assert [services.spend_code(user, typed=typed, **bound) for _ in range(2)] == [True, False]


@pytest.mark.threat("T16")
def test_a_new_code_ends_the_one_before(client, sign_in):
    user = sign_in(client, UserFactory(), fresh_factor=False)
    ask(client)
    first = last_code(user.phone_number)
    ask(client)
    if first != last_code(user.phone_number):
        enter(client, first)
        assert client.get("/sensitive/").status_code == 302


def test_one_may_ask_for_the_code_again_by_another_way(client, sign_in):
    user = sign_in(client, UserFactory(), fresh_factor=False)
    ask(client)
    page = client.get(reverse("account_step_up"), {"next": "/sensitive/"})
    assert "again=1&amp;next=/sensitive/" in page.content.decode().replace("%2F", "/")
    again = client.get(reverse("account_step_up"), {"next": "/sensitive/", "again": "1"})
    assert "channel" in again.context["form"].fields
    ask(client, channel="email")
    enter(client, last_code(user.email))
    assert client.get("/sensitive/").status_code == 200


@pytest.mark.threat("T17")
def test_three_codes_an_hour_over_all_sessions(client, client_factory, sign_in):
    user = UserFactory()
    for _ in range(4):
        client = client_factory()
        sign_in(client, user, fresh_factor=False)
        page = ask(client)
    assert page.context["form"].errors["channel"]
    assert len(messages_to(user.phone_number)) == 3


@pytest.mark.threat("T59")
def test_the_database_holds_no_code_that_could_be_read(client, sign_in):
    user = sign_in(client, UserFactory(), fresh_factor=False)
    ask(client)
    row = StepUpCode.objects.get()
    assert last_code(user.phone_number) not in (row.digest, row.session)
    assert client.session.session_key not in row.session


@pytest.mark.threat("T33")
@pytest.mark.parametrize("typed", ["x" * 1_000_000, "", "-1", "²½"], ids=["long", "empty", "negative", "odd digits"])
def test_bad_codes_are_refused_beside_the_field(client, sign_in, typed):
    sign_in(client, UserFactory(), fresh_factor=False)
    ask(client)
    response = enter(client, typed)
    assert response.status_code == 200
    assert response.context["form"].errors
