"""Signing up: only what is needed, both contact points confirmed, nobody found out."""

import pytest
import time_machine
from django.urls import reverse

from apps.accounts.models import CustomerAccount, User
from apps.ledger.models import Entry
from tests.accounts.factories import PASSWORD, UserFactory
from tests.accounts.outbox import last_code, messages_to

pytestmark = pytest.mark.django_db

EMAIL, PHONE = "ines@initech.example", "+31612345678"
FORM = {"full_name": "Inés", "company": "Initech", "email": EMAIL, "phone": "+31 6 1234 5678", "password1": PASSWORD}


def sign_up(client, **changes):
    return client.post(reverse("account_signup"), FORM | changes)


def confirm_email(client, address=EMAIL):
    return client.post(reverse("account_email_verification_sent"), {"code": last_code(address), "action": "verify"})


def confirm_phone(client, number=PHONE):
    return client.post(reverse("account_verify_phone"), {"code": last_code(number), "action": "verify"})


@pytest.mark.req("ROLE-5")
def test_every_field_says_what_it_is_for(client):
    form = client.get(reverse("account_signup")).context["form"]
    assert set(form.fields) == {"full_name", "company", "email", "phone", "password1", "invited"}
    assert all(form.fields[name].help_text for name in ("full_name", "company", "email", "phone", "password1"))


@pytest.mark.req("ACC-1")
def test_an_account_is_active_only_after_both_contact_points_are_confirmed(client):
    assert sign_up(client).url == reverse("account_email_verification_sent")
    user = User.objects.get(email=EMAIL)
    account = CustomerAccount.objects.get(name="Initech")
    assert (user.email_verified_at, user.phone_verified_at, account.activated_at) == (None, None, None)
    assert confirm_email(client).url == reverse("account_verify_phone")
    user.refresh_from_db(), account.refresh_from_db()
    assert user.email_verified_at
    assert (user.phone_verified_at, account.activated_at) == (None, None)
    assert "_auth_user_id" not in client.session
    confirm_phone(client)
    user.refresh_from_db(), account.refresh_from_db()
    assert user.phone_verified_at
    assert account.activated_at
    assert client.session["_auth_user_id"] == str(user.pk)
    verbs = set(Entry.objects.values_list("verb", flat=True))
    assert {"account.signed_up", "account.opened", "account.email_confirmed", "account.phone_confirmed"} <= verbs
    assert "account.activated" in verbs


def test_the_codes_are_delivered_by_mail_and_by_the_sms_backend(client, settings, mailoutbox):
    from apps.core import clock
    from apps.notifications import services
    from apps.notifications.models import OutgoingMessage

    sign_up(client)
    confirm_email(client)
    for message in OutgoingMessage.objects.all():
        assert services.deliver(message.pk, now=clock.now())
    written = "".join(path.read_text() for path in settings.MAIL_DIR.rglob("*") if path.is_file())
    assert f"{last_code(PHONE)} is your code to confirm your phone number" in written
    assert last_code(EMAIL) in mailoutbox[0].subject


@pytest.mark.threat("T16")
def test_a_code_is_six_digits_and_dies_after_three_wrong_guesses(client):
    sign_up(client)
    code = last_code(EMAIL)
    assert len(code) == 6
    assert code.isdigit()
    url = reverse("account_email_verification_sent")
    for _ in range(3):
        client.post(url, {"code": "000000" if code != "000000" else "111111", "action": "verify"})
    client.post(url, {"code": code, "action": "verify"})
    assert User.objects.get(email=EMAIL).email_verified_at is None


@pytest.mark.threat("T16")
def test_a_code_dies_after_ten_minutes(client):
    with time_machine.travel("2026-03-05T10:00:00Z", tick=False) as traveller:
        sign_up(client)
        traveller.shift(601)
        confirm_email(client)
    assert User.objects.get(email=EMAIL).email_verified_at is None


@pytest.mark.threat("T16")
def test_parallel_guesses_do_not_get_a_fourth_try(client, monkeypatch):
    """allauth counts in the session, which parallel requests read before one of them writes; we count in PostgreSQL."""
    from allauth.account.internal.flows.email_verification_by_code import EmailVerificationProcess

    monkeypatch.setattr(EmailVerificationProcess, "record_invalid_attempt", lambda self: True)
    sign_up(client)
    code = last_code(EMAIL)
    for guess in ("1", "2", "3", code):
        client.post(reverse("account_email_verification_sent"), {"code": guess, "action": "verify"})
    assert User.objects.get(email=EMAIL).email_verified_at is None


@pytest.mark.threat("T13")
def test_a_known_address_is_answered_like_an_unknown_one(client, django_user_model):
    UserFactory(email=EMAIL)
    known = sign_up(client)
    page_known = client.get(known.url)
    client.cookies.clear()
    unknown = sign_up(client, email="else@initech.example")
    page_unknown = client.get(unknown.url)
    assert (known.status_code, known.url) == (unknown.status_code, unknown.url)
    strip = lambda page, email: page.content.decode().replace(email, "").split("<main")[1].split("<footer")[0]  # noqa: E731
    without_token = lambda text: "".join(part for part in text.split("\n") if "csrfmiddlewaretoken" not in part)  # noqa: E731
    assert without_token(strip(page_known, EMAIL)) == without_token(strip(page_unknown, "else@initech.example"))
    assert User.objects.filter(email=EMAIL).count() == 1
    assert [template for template, _ in messages_to(EMAIL)] == ["account_exists"]
    assert messages_to(PHONE) == []


def test_colleagues_may_share_a_phone_number(client):
    UserFactory(phone_number=PHONE)
    sign_up(client)
    confirm_email(client)
    confirm_phone(client)
    assert User.objects.get(email=EMAIL).phone_verified_at


@pytest.mark.threat("T17")
def test_one_address_gets_at_most_three_messages_an_hour(client):
    for number in range(5):
        client.cookies.clear()
        client.post(reverse("account_reset_password"), {"email": EMAIL}, REMOTE_ADDR=f"192.0.2.{number}")
    assert len(messages_to(EMAIL)) == 3


def test_an_invited_person_is_not_asked_for_a_company(client):
    page = client.get(reverse("account_signup") + "?invited=1")
    assert "company" not in page.context["form"].fields
    client.post(reverse("account_signup"), {k: v for k, v in FORM.items() if k != "company"} | {"invited": "True"})
    assert User.objects.filter(email=EMAIL).exists()
    assert not CustomerAccount.objects.exists()


@pytest.mark.threat("T33")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("full_name", "x" * 1_000_000),
        ("full_name", "Eve\r\nBcc: all@acme.example"),
        ("full_name", "Eve\u202egnp.exe"),
        ("company", "x" * 1_000_000),
        ("email", "not an address"),
        ("email", "a@" + "b" * 100_000 + ".example"),
        ("phone", "12"),
        ("phone", "+" + "9" * 1000),
        ("password1", "x" * 1_000_000),
        ("password1", "short"),
        ("email", ""),
    ],
    ids=lambda value: ascii(value)[:16],
)
def test_bad_input_gets_a_message_beside_its_field_and_keeps_what_was_typed(client, field, value):
    response = sign_up(client, **{field: value})
    assert response.status_code == 200
    assert list(response.context["form"].errors) == [field]
    assert "Inés" in response.content.decode() or field == "full_name"
    assert not User.objects.exists()


@pytest.mark.threat("T33")
def test_a_nul_byte_is_refused(client):
    assert sign_up(client, full_name="Eve\0").status_code == 400


def test_a_sign_up_nobody_confirms_is_forgotten_after_a_week(client):
    from apps.accounts import tasks

    with time_machine.travel("2026-03-05T10:00:00Z", tick=False) as traveller:
        sign_up(client)
        traveller.shift(6 * 86400)
        assert tasks.forget_unconfirmed_sign_ups() == 0
        traveller.shift(2 * 86400)
        assert [tasks.forget_unconfirmed_sign_ups() for _ in range(2)] == [1, 0]
    assert not User.objects.exists()
    assert not CustomerAccount.objects.exists()


def test_what_serves_nothing_any_more_is_forgotten(client):
    from apps.accounts import services, tasks
    from apps.accounts.models import Limit, StepUpCode
    from apps.core import clock, limits

    with time_machine.travel("2026-03-05T10:00:00Z", tick=False) as traveller:
        user = UserFactory()
        bound = {"session_key": "s", "purpose": "p", "channel": "email", "language": "en"}
        services.send_code(user, **bound, now=clock.now())
        limits.take("door", slots=1, seconds=60)
        assert tasks.forget_spent() == 0
        traveller.shift(2 * 86400)
        assert tasks.forget_spent() == 2
    assert not StepUpCode.objects.exists()
    assert not Limit.objects.exists()
