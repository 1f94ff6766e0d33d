"""Setting up, replacing and removing second factors; staff can't work without one."""

import pytest
from allauth.mfa.models import Authenticator
from django.urls import reverse

from apps.accounts import policies
from apps.ledger.models import Entry
from tests.accounts.factories import PASSWORD, UserFactory
from tests.accounts.outbox import messages_to
from tests.accounts.test_sign_in import SECRET, code, is_signed_in, password_step, with_app

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def commits(monkeypatch):
    """What waits for the commit runs at once, as in a request: the test's own transaction never commits."""
    monkeypatch.setattr("django.db.transaction.on_commit", lambda callback, **_: callback())


def set_up_app(client, monkeypatch):
    monkeypatch.setattr("allauth.mfa.totp.internal.auth.generate_totp_secret", lambda: SECRET)
    client.get(reverse("mfa_activate_totp"))
    return client.post(reverse("mfa_activate_totp"), {"code": code()})


@pytest.mark.threat("T36")
@pytest.mark.req("ACC-2")
def test_a_member_of_staff_without_a_factor_reaches_only_its_set_up(client, monkeypatch):
    officer = UserFactory(officer=True)
    password_step(client, officer)
    assert is_signed_in(client)
    for url in ("/", "/home/", reverse("account_settings"), reverse("people"), reverse("account_change_password")):
        assert client.get(url).url == reverse("mfa_activate_totp")
    assert client.post(reverse("account_change_password"), {"oldpassword": PASSWORD}).url == reverse(
        "mfa_activate_totp"
    )
    assert client.get(reverse("mfa_activate_totp")).url.startswith(reverse("account_reauthenticate"))
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    assert set_up_app(client, monkeypatch).url == reverse("mfa_view_recovery_codes")
    assert policies.has_factor(officer)
    assert client.get(reverse("account_settings")).status_code == 200


@pytest.mark.threat("T35", "T36")
def test_setting_up_asks_for_the_password_again_tells_by_mail_and_renews_the_session(client, monkeypatch):
    user = UserFactory()
    password_step(client, user)
    assert client.get(reverse("mfa_activate_totp")).url.startswith(reverse("account_reauthenticate"))
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    before = client.session.session_key
    set_up_app(client, monkeypatch)
    assert client.session.session_key != before
    assert is_signed_in(client)
    assert [template for template, _ in messages_to(user.email)] == ["factor_added"]
    assert Entry.objects.filter(verb="account.factor_added", target=f"accounts.user:{user.pk}").count() == 2
    assert len(client.get(reverse("usersessions_list")).context["table"].rows) == 1


@pytest.mark.threat("T36")
def test_removing_asks_for_the_factor_itself_and_tells_by_mail(client):
    user = with_app(UserFactory())
    password_step(client, user)
    client.post(reverse("mfa_authenticate"), {"code": code()})
    url = reverse("mfa_deactivate_totp")
    assert client.post(url).url.startswith(reverse("mfa_reauthenticate"))
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    assert client.post(url).url.startswith(reverse("mfa_reauthenticate")), "the password alone is not enough"
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes

    spare = RecoveryCodes.activate(user).generate_codes()[0]
    client.post(reverse("mfa_reauthenticate"), {"code": spare})
    before = client.session.session_key
    client.post(url)
    assert not policies.has_factor(user)
    assert client.session.session_key != before
    assert [template for template, _ in messages_to(user.email)] == ["factor_removed"]


@pytest.mark.threat("T36")
def test_a_member_of_staff_who_removes_the_last_factor_can_only_set_up_a_new_one(client, sign_in):
    officer = sign_in(client, UserFactory(officer=True))
    Authenticator.objects.filter(user=officer).delete()
    assert client.get(reverse("account_settings")).url == reverse("mfa_activate_totp")


@pytest.mark.threat("T36")
def test_recovery_codes_are_shown_once(client, monkeypatch):
    user = UserFactory()
    password_step(client, user)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    set_up_app(client, monkeypatch)
    first = client.get(reverse("mfa_view_recovery_codes"))
    assert first.context["can_view_codes"]
    codes = first.context["unused_codes"]
    again = client.get(reverse("mfa_view_recovery_codes")).content.decode()
    assert not any(each in again for each in codes)


def test_new_recovery_codes_replace_the_old_ones_and_are_told_by_mail(client, sign_in):
    user = with_app(UserFactory())
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes

    old = RecoveryCodes.activate(user).generate_codes()[0]
    sign_in(client, user)
    client.post(reverse("mfa_reauthenticate"), {"code": code()})
    client.post(reverse("mfa_generate_recovery_codes"))
    wrapped = Authenticator.objects.get(user=user, type="recovery_codes").wrap()
    assert not wrapped.validate_code(old)
    assert "recovery_codes_replaced" in [template for template, _ in messages_to(user.email)]


@pytest.mark.parametrize(
    "name", ["mfa_index", "mfa_activate_totp", "mfa_generate_recovery_codes", "mfa_add_webauthn", "mfa_list_webauthn"]
)
@pytest.mark.parametrize("language", ["en", "nl", "ar"])
def test_every_page_about_factors_is_drawn_in_every_language(client, name, language):
    user = UserFactory(language=language)
    password_step(client, user)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    page = client.get(reverse(name))
    assert page.status_code == 200
    assert f'lang="{language}"' in page.content.decode()
