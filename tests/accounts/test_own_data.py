"""A person's own data: seen, changed, and the language of pages and mails."""

import pytest
from django.urls import reverse

from apps.accounts.adapters import MAILS as SENT
from apps.accounts.models import User
from apps.ledger.models import Entry
from tests.accounts.factories import PASSWORD, UserFactory
from tests.accounts.outbox import last_code, messages_to
from tests.accounts.test_sign_in import password_step

pytestmark = pytest.mark.django_db
MAILS = sorted({*SENT.values(), "accounts/step_up_code", "accounts/invited"})
PAGES = (
    *("account_settings", "account_email", "account_change_phone", "account_change_password", "account_logout"),
    *("usersessions_list", "account_reauthenticate", "account_step_up"),
)


@pytest.fixture
def user(client):
    user = UserFactory(full_name="Zoë", phone_number="+31612345678")
    password_step(client, user)
    return user


def reauthenticate(client):
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})


@pytest.mark.req("ACC-5")
def test_a_person_sees_all_of_it_and_changes_name_and_language(client, user):
    text = client.get(reverse("account_settings")).content.decode()
    assert all(shown in text for shown in ("Zoë", user.email, user.phone_number))
    client.post(reverse("account_settings"), {"full_name": "Zoë B.", "language": "nl"})
    user.refresh_from_db()
    assert (user.full_name, user.language) == ("Zoë B.", "nl")
    entry = Entry.objects.get(verb="account.details_changed")
    assert entry.facts == {"fields": ["full_name", "language"]}
    assert 'lang="nl"' in client.get(reverse("account_settings")).content.decode()


@pytest.mark.req("ACC-5")
@pytest.mark.threat("T39")
def test_a_new_address_counts_once_confirmed_and_the_old_one_is_told(client, user):
    old, new = user.email, "zoe@new.example"
    assert client.post(reverse("account_email"), {"email": new, "action_add": ""}).url.startswith(
        reverse("account_reauthenticate")
    )
    reauthenticate(client)
    client.post(reverse("account_email"), {"email": new, "action_add": ""})
    user.refresh_from_db()
    assert user.email == old
    client.post(reverse("account_email_verification_sent"), {"code": last_code(new), "action": "verify"})
    user.refresh_from_db()
    assert user.email == new
    assert [template for template, _ in messages_to(old)] == ["email_changed"]
    client.post(reverse("account_logout"))
    assert password_step(client, user).url == "/home/"


@pytest.mark.threat("T13")
def test_an_address_of_somebody_else_is_not_given_away(client, user):
    UserFactory(email="taken@acme.example")
    reauthenticate(client)
    replies = {
        client.post(reverse("account_email"), {"email": email, "action_add": ""}).url
        for email in ("taken@acme.example", "free@acme.example")
    }
    assert replies == {reverse("account_email_verification_sent")}


@pytest.mark.req("ACC-5")
def test_a_new_number_counts_once_confirmed(client, user):
    new = "+4915112345678"
    reauthenticate(client)
    client.post(reverse("account_change_phone"), {"phone": "+49 1511 2345678"})
    user.refresh_from_db()
    assert user.phone_number != new
    client.post(reverse("account_verify_phone"), {"code": last_code(new), "action": "verify"})
    user.refresh_from_db()
    assert (user.phone_number, user.phone_verified) == (new, True)


@pytest.mark.threat("T17")
def test_asking_for_a_fourth_text_message_says_later_instead_of_failing(client, user):
    reauthenticate(client)
    statuses = [client.post(reverse("account_change_phone"), {"phone": "+4915112345678"}).status_code for _ in range(4)]
    assert statuses == [302, 302, 302, 429]


def test_the_language_switch_is_remembered(client, user):
    client.post(reverse("set_language"), {"language": "ar", "next": reverse("account_settings")})
    user.refresh_from_db()
    assert user.language == "ar"
    page = client.get(reverse("account_settings")).content.decode()
    assert 'lang="ar" dir="rtl"' in page
    client.post(reverse("set_language"), {"language": "xx", "next": "https://evil.example/"})
    assert User.objects.get(pk=user.pk).language == "ar"


def test_mails_speak_the_persons_language_not_the_visitors(client):
    from apps.notifications.models import OutgoingMessage

    user = UserFactory(language="nl")
    client.post(reverse("account_reset_password"), {"email": user.email}, headers={"Accept-Language": "ar"})
    assert OutgoingMessage.objects.get().language == "nl"


@pytest.mark.parametrize("template", MAILS)
@pytest.mark.parametrize("language", ["en", "nl", "ar"])
def test_every_mail_is_delivered_in_every_language(template, language, mailoutbox):
    from apps.core import clock
    from apps.notifications import services
    from apps.notifications.models import OutgoingMessage

    now = clock.now()
    services.notify(key="k", to="a@b.example", template=template, language=language, context={"code": "1"}, now=now)
    assert services.deliver(OutgoingMessage.objects.get().pk, now=now)
    assert mailoutbox[0].subject
    assert "{{" not in mailoutbox[0].body + mailoutbox[0].alternatives[0][0]


@pytest.mark.threat("T33")
@pytest.mark.parametrize(
    ("field", "value"),
    [("full_name", ""), ("full_name", "x" * 1_000_000), ("full_name", "a\nb"), ("language", "tlh")],
    ids=["empty", "long", "two lines", "unknown language"],
)
def test_bad_input_is_refused_beside_its_field(client, user, field, value):
    response = client.post(reverse("account_settings"), {"full_name": "Zoë", "language": "en"} | {field: value})
    assert response.status_code == 200
    assert list(response.context["form"].errors) == [field]


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("language", ["en", "nl", "ar"])
def test_every_page_is_drawn_in_every_language(client, name, language):
    user = UserFactory(language=language)
    password_step(client, user)
    reauthenticate(client)
    page = client.get(reverse(name))
    assert page.status_code == 200
    assert f'lang="{language}"' in page.content.decode()
    assert page["Cache-Control"].count("no-store") == 1


def test_ones_own_page_takes_few_queries(client, user, django_assert_max_num_queries):
    with django_assert_max_num_queries(10):
        client.get(reverse("account_settings"))
