"""Signing in, with and without a second factor; what is counted, and what a lockout can't do."""

import time

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.urls import reverse

from apps.accounts import services
from apps.accounts.models import Limit
from apps.accounts.states import Role
from apps.core import clock
from tests.accounts.factories import PASSWORD, UserFactory
from tests.accounts.outbox import last_code, messages_to

pytestmark = pytest.mark.django_db
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def with_app(user):
    TOTP.activate(user, SECRET)
    return user


def code(shift=0):
    return format_hotp_value(hotp_value(SECRET, int(time.time()) // 30 + shift))


def password_step(client, user, password=PASSWORD, **extra):
    return client.post(reverse("account_login"), {"login": user.email, "password": password}, **extra)


def is_signed_in(client):
    return "_auth_user_id" in client.session


def test_a_customer_signs_in_with_address_and_password(client):
    user = UserFactory()
    assert password_step(client, user).url == "/home/"
    assert is_signed_in(client)


def test_an_address_is_recognised_in_any_spelling_of_its_canonical_form(client):
    UserFactory(email="zoë@xn--bcher-kva.example".replace("ë", "e"))
    client.post(reverse("account_login"), {"login": " ZOE@Bücher.example ", "password": PASSWORD})
    assert is_signed_in(client)


@pytest.mark.threat("T13")
def test_wrong_password_and_unknown_address_are_answered_alike(client):
    UserFactory(email="known@acme.example")
    known = client.post(reverse("account_login"), {"login": "known@acme.example", "password": "wrong"})
    unknown = client.post(reverse("account_login"), {"login": "nobody@acme.example", "password": "wrong"})
    assert known.context["form"].errors == unknown.context["form"].errors
    assert known.status_code == unknown.status_code == 200


@pytest.mark.threat("T35", "T36")
def test_between_password_and_second_factor_only_the_factor_page_is_reachable(client):
    user = with_app(UserFactory())
    assert password_step(client, user).url == reverse("mfa_authenticate")
    assert not is_signed_in(client)
    for name in ("account_settings", "usersessions_list", "mfa_index", "account_change_password"):
        assert client.get(reverse(name)).url.startswith(reverse("account_login"))
    assert client.get(reverse("account_login")).url == reverse("mfa_authenticate")
    before = client.session.session_key
    client.post(reverse("mfa_authenticate"), {"code": code()})
    assert is_signed_in(client)
    assert client.session.session_key != before


@pytest.mark.threat("T36")
def test_a_totp_code_works_once_per_step(client, django_user_model):
    user = with_app(UserFactory())
    with time_machine.travel("2026-03-05T10:00:01Z", tick=False):
        once = code()
        password_step(client, user)
        client.post(reverse("mfa_authenticate"), {"code": once})
        assert is_signed_in(client)
        client.post(reverse("account_logout"))
        password_step(client, user)
        client.post(reverse("mfa_authenticate"), {"code": once})
    assert not is_signed_in(client)


@pytest.mark.threat("T36")
def test_the_secret_of_the_app_is_sealed(client):
    with_app(UserFactory())
    assert SECRET not in str(Authenticator.objects.get().data)


@pytest.mark.threat("T36")
def test_a_recovery_code_works_once(client, sign_in):
    user = with_app(UserFactory())
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes

    spare = RecoveryCodes.activate(user).generate_codes()[0]
    assert spare not in str(list(Authenticator.objects.values_list("data", flat=True)))
    password_step(client, user)
    client.post(reverse("mfa_authenticate"), {"code": spare})
    assert is_signed_in(client)
    client.post(reverse("account_logout"))
    password_step(client, user)
    client.post(reverse("mfa_authenticate"), {"code": spare})
    assert not is_signed_in(client)


@pytest.mark.threat("T36", "T39")
def test_resetting_the_password_does_not_go_round_the_second_factor(client):
    user = with_app(UserFactory())
    client.post(reverse("account_reset_password"), {"email": user.email}, HTTP_HOST="localhost")
    client.post(reverse("account_confirm_password_reset_code"), {"code": last_code(user.email)})
    new = "another good passphrase"
    client.post(reverse("account_complete_password_reset"), {"password1": new})
    user.refresh_from_db()
    assert user.check_password(new)
    assert not is_signed_in(client)
    assert password_step(client, user, new).url == reverse("mfa_authenticate")
    assert [template for template, _ in messages_to(user.email)] == ["reset_code", "password_changed"]


@pytest.mark.threat("T39")
def test_resetting_answers_alike_for_known_and_unknown_addresses_and_no_mail_holds_a_link_to_a_forged_host(client):
    UserFactory(email="known@acme.example")
    replies = {
        client.post(reverse("account_reset_password"), {"email": who}).url
        for who in ("known@acme.example", "no@x.example")
    }
    assert replies == {reverse("account_confirm_password_reset_code")}
    assert (
        client.post(reverse("account_reset_password"), {"email": "a@b.example"}, HTTP_HOST="evil.example").status_code
        == 400
    )
    assert [template for template, _ in messages_to("no@x.example")] == ["unknown_account"]


@pytest.mark.threat("T35")
def test_a_new_password_ends_all_other_sessions(client, client_factory):
    user = UserFactory()
    other = client_factory()
    password_step(client, user), password_step(other, user)
    client.post(reverse("account_change_password"), {"oldpassword": PASSWORD, "password1": "another good passphrase"})
    assert client.get(reverse("account_settings")).status_code == 200
    assert other.get(reverse("account_settings")).status_code == 302


def test_all_other_sessions_can_be_ended(client, client_factory):
    user = UserFactory()
    other = client_factory()
    password_step(client, user), password_step(other, user)
    assert len(client.get(reverse("usersessions_list")).context["table"].rows) == 2
    client.post(reverse("usersessions_end"))
    assert client.get(reverse("account_settings")).status_code == 200
    assert other.get(reverse("account_settings")).status_code == 302


@pytest.mark.threat("T6")
def test_ended_access_and_taken_roles_count_from_the_next_request(client, sign_in):
    admin = sign_in(client, UserFactory(admin=True))
    assert client.get(reverse("people")).status_code == 200
    UserFactory(admin=True)
    services.revoke_role(user=admin, role=Role.ADMIN, actor="system", now=clock.now())
    assert client.get(reverse("people")).status_code == 403
    services.disable_user(admin, actor="system", now=clock.now())
    assert client.get(reverse("account_settings")).status_code == 302
    services.enable_user(admin, actor="system", now=clock.now())
    assert password_step(client, admin).status_code == 302


@pytest.mark.threat("T6")
def test_a_session_does_not_come_back_to_life_with_the_access(client):
    user = UserFactory()
    password_step(client, user)
    services.disable_user(user, actor="system", now=clock.now())
    services.enable_user(user, actor="system", now=clock.now())
    assert client.get(reverse("account_settings")).status_code == 302


@pytest.mark.threat("T38")
def test_wrong_passwords_are_counted_per_account_over_all_addresses(client):
    user = UserFactory()
    for number in range(10):
        password_step(client, user, "wrong", REMOTE_ADDR=f"192.0.2.{number}")
    password_step(client, user, REMOTE_ADDR="192.0.2.99")
    assert not is_signed_in(client)


@pytest.mark.threat("T38")
def test_guessing_from_elsewhere_does_not_lock_the_person_out_of_their_own_browser(client, client_factory):
    user = UserFactory()
    password_step(client, user)
    client.post(reverse("account_logout"))
    guesser = client_factory()
    for number in range(12):
        password_step(guesser, user, "wrong", REMOTE_ADDR=f"192.0.2.{number}")
    password_step(client, user)
    assert is_signed_in(client)


@pytest.mark.threat("T35", "T38")
def test_a_change_of_password_forgets_the_known_browsers(client, client_factory):
    user = UserFactory()
    password_step(client, user)
    client.post(reverse("account_logout"))
    user.set_password("another good passphrase")
    user.save()
    guesser = client_factory()
    for number in range(12):
        password_step(guesser, user, "wrong", REMOTE_ADDR=f"192.0.2.{number}")
    password_step(client, user, "another good passphrase")
    assert not is_signed_in(client)


@pytest.mark.threat("T38")
def test_forwarded_addresses_count_only_from_configured_proxies(client, settings):
    from allauth.account.adapter import get_adapter
    from django.test import RequestFactory

    asked = RequestFactory().get("/", HTTP_X_FORWARDED_FOR="203.0.113.9, 192.0.2.5", REMOTE_ADDR="198.51.100.1")
    seen = []
    for proxies in (0, 1, 2, 3):
        settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
        seen.append(get_adapter(asked).get_client_ip(asked))
    assert seen == ["198.51.100.1", "192.0.2.5", "203.0.113.9", "198.51.100.1"]


@pytest.mark.threat("T38", "T62")
def test_limits_live_in_postgresql_and_hold_nobodys_data(client):
    user = UserFactory()
    password_step(client, user, "wrong", REMOTE_ADDR="192.0.2.77")
    rows = "".join(f"{row.cache_key} {row.value}" for row in Limit.objects.all())
    assert rows
    assert "192.0.2.77" not in rows
    assert user.email not in rows
    assert str(user.pk) not in rows


@pytest.mark.threat("T38")
def test_too_many_attempts_from_one_address_get_429(client):
    user = UserFactory()
    statuses = [password_step(client, user, "wrong").status_code for _ in range(31)]
    assert statuses[-1] == 429


@pytest.mark.threat("T41")
@pytest.mark.parametrize("name", ["account_login", "account_logout", "account_signup", "account_reset_password"])
def test_every_form_needs_a_csrf_token(client_factory, name):
    assert client_factory(enforce_csrf_checks=True).post(reverse(name), {"login": "a@b.example"}).status_code == 403


@pytest.mark.threat("T41")
def test_signing_out_needs_a_post(client, sign_in):
    sign_in(client, UserFactory())
    client.get(reverse("account_logout"))
    assert is_signed_in(client)


@pytest.mark.threat("T33")
@pytest.mark.parametrize(
    ("login", "password"),
    [("x" * 1_000_000, "y"), ("a@b.example", "y" * 1_000_000), ("", "")],
    ids=lambda value: value[:12],
)
def test_bad_input_is_refused_beside_its_field(client, login, password):
    response = client.post(reverse("account_login"), {"login": login, "password": password})
    assert response.status_code == 200
    assert response.context["form"].errors
