"""The newsletter: asked for twice, ended in one step, by whoever holds the address (CON-1, CON-2, CON-5)."""

from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.urls import reverse

from apps.consent import links
from apps.consent.models import PROVIDER, Event, Objection, Restriction, State, Subscription, Text
from apps.consent.services import publish_texts, subscriptions
from apps.consent.services.answers import current_text
from apps.consent.states import MARKETING
from apps.core import crypto
from apps.core.identities import Identity, IdentityType
from apps.notifications.models import OutgoingMessage
from tests.accounts.factories import MembershipFactory
from tests.consent.mail import JAN, letters, link_in, plain

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
KEY = "newsletter"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _today(time_machine):
    time_machine.move_to(NOW)


def subject():
    return crypto.lookup(JAN)


def ask(client, email=JAN.value, **changes):
    given = {"email": email, "text": current_text(KEY, "en").digest}
    return client.post(reverse("consent:newsletter"), given | changes)


def subscribe(client):
    ask(client)
    [letter] = letters()
    client.post(link_in(letter, "/newsletter/confirm/"))


def send(client, purpose=KEY, to=JAN, key="1"):
    context = {"headline": "News", "paragraphs": ["We have news."]}
    given = {"purpose": purpose, "identity": to, "template": "consent/newsletter", "context": context, "key": key}
    return subscriptions.send_marketing(**given, language="en", now=datetime.now(UTC))


@pytest.mark.req("CON-1")
@pytest.mark.threat("T41")
def test_only_the_button_behind_the_link_in_the_mail_subscribes(client):
    assert "Look in your mailbox" in ask(client).content.decode()
    [letter] = letters()
    assert letter.to == [JAN.value]
    assert not Event.objects.exists()
    assert not Subscription.objects.exists()
    path = link_in(letter, "/newsletter/confirm/")
    for _ in range(3):  # mail scanners open every link
        assert client.get(path).status_code == 200
    assert not Event.objects.exists()
    assert client.post(path).status_code == 302
    [event] = Event.objects.of(PROVIDER, subject())
    assert (event.action, event.method, event.choices) == ("given", "link", {KEY: True})
    assert event.text == current_text(KEY, "en").digest
    assert event.page == "testserver/newsletter/confirm/<str:token>/"
    assert Subscription.objects.get().read() == JAN.value


@pytest.mark.threat("T56")
def test_the_address_lies_sealed_and_stands_in_no_url(client):
    subscribe(client)
    row = Subscription.objects.get()
    assert JAN.value.encode() not in bytes(row.address)
    send(client)
    [letter] = letters()
    for path in (link_in(letter, "/newsletter/unsubscribe/"), link_in(letter, "/preferences/")):
        assert "jan" not in unquote(path).lower()
        assert "@" not in unquote(path)


@pytest.mark.req("CON-1")
def test_a_second_click_is_the_same_yes(client):
    ask(client)
    [letter] = letters()
    for _ in range(2):
        client.post(link_in(letter, "/newsletter/confirm/"))
    assert Event.objects.count() == Subscription.objects.count() == 1


@pytest.mark.threat("T14")
def test_the_page_answers_the_same_for_known_and_unknown_addresses(client):
    unknown = ask(client, "nobody@example.com")
    letters()
    subscribe(Client())
    known = ask(client)
    assert plain(known) == plain(unknown)
    [letter] = letters()
    assert letter.subject == "You get the newsletter already"


@pytest.mark.threat("T17")
def test_nobody_can_fill_a_mailbox_through_us(client, time_machine):
    for minute in range(6):
        time_machine.move_to(NOW + timedelta(minutes=minute))
        assert ask(client).status_code == 200
    assert len(letters()) == 3


def test_one_address_on_the_internet_asks_so_often_and_no_more(client):
    for number in range(31):
        response = ask(client, f"p{number}@example.com")
    assert "You asked very often" in response.content.decode()
    assert OutgoingMessage.objects.count() == 30


def test_a_link_is_good_for_two_days_and_for_nothing_when_changed(client, time_machine):
    ask(client)
    [letter] = letters()
    path = link_in(letter, "/newsletter/confirm/")
    assert client.post(path[:-3] + "x/").status_code == 410
    time_machine.move_to(NOW + timedelta(hours=49))
    response = client.post(path)
    assert response.status_code == 410
    assert "Nothing was changed" in response.content.decode()
    assert not Event.objects.exists()


def test_links_of_one_kind_open_no_other_page(client):
    token = links.preferences_token(JAN, now=NOW)
    for name in ("newsletter_confirm", "unsubscribe"):
        assert client.get(reverse(f"consent:{name}", args=[token])).status_code == 410


def test_words_that_changed_between_the_two_halves_do_not_lose_the_yes(client):
    ask(client)
    asked = current_text(KEY, "en").digest
    bodies = {text.language: text.body | {"effect": "Another."} for text in Text.objects.filter(notice=KEY)}
    publish_texts(notice=KEY, bodies=bodies, is_material=False, actor="command", now=NOW)
    [letter] = letters()
    client.post(link_in(letter, "/newsletter/confirm/"))
    assert Event.objects.get().text == asked


@pytest.mark.req("CON-5")
def test_every_marketing_mail_can_be_ended_by_the_mail_program_alone(client):
    subscribe(client)
    assert send(client)
    [letter] = letters()
    headers = dict(letter.message().items())
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    url = headers["List-Unsubscribe"].strip("<>")
    assert url.startswith(f"{settings.BASE_URL}/newsletter/unsubscribe/")
    program = Client(enforce_csrf_checks=True)  # no cookie, no token
    response = program.post(url.removeprefix(settings.BASE_URL), {"List-Unsubscribe": "One-Click"})
    assert response.status_code == 200
    withdrawn = Event.objects.of(PROVIDER, subject()).last()
    assert (withdrawn.action, withdrawn.method, withdrawn.choices) == ("withdrawn", "one_click", {KEY: False})
    assert withdrawn.at == withdrawn.ended_at
    assert not State.objects.of(PROVIDER, subject()).allowing(at=datetime.now(UTC)).exists()
    assert not Subscription.objects.exists()
    assert not send(client, key="2")


@pytest.mark.req("CON-2")
def test_the_link_in_the_mail_shows_a_button_and_the_button_ends_it(client):
    subscribe(client)
    send(client)
    [letter] = letters()
    path = link_in(letter, "/newsletter/unsubscribe/")
    assert "One click, and it ends at once" in client.get(path).content.decode()
    assert Subscription.objects.exists()
    assert "It has ended" in client.post(path).content.decode()
    assert "It has ended" in client.post(path).content.decode()
    assert [event.method for event in Event.objects.of(PROVIDER, subject())] == ["link", "link"]


def test_the_way_out_is_open_for_years(client, time_machine):
    subscribe(client)
    token = links.unsubscribe_token(KEY, subject())
    time_machine.move_to(later := NOW + timedelta(days=1500))
    with connection.cursor() as cursor:
        cursor.execute("SELECT consent_make_month(%s)", [later.date()])
    assert client.post(reverse("consent:unsubscribe", args=[token])).status_code == 200
    assert not Subscription.objects.exists()


def test_an_old_link_to_confirm_does_not_undo_a_later_no(client, time_machine):
    ask(client)
    [letter] = letters()
    path = link_in(letter, "/newsletter/confirm/")
    client.post(path)
    time_machine.move_to(NOW + timedelta(hours=1))
    client.post(reverse("consent:unsubscribe", args=[links.unsubscribe_token(KEY, subject())]))
    assert client.post(path).status_code == 410
    assert not Subscription.objects.exists()


@pytest.mark.req("CON-5")
def test_an_old_link_to_confirm_does_not_undo_a_later_objection_to_all_direct_marketing(client, time_machine):
    ask(client)
    [letter] = letters()
    time_machine.move_to(NOW + timedelta(hours=1))
    there = reverse("consent:preferences", args=[links.preferences_token(JAN, now=NOW)])
    client.post(there, {"off": MARKETING})
    assert client.post(link_in(letter, "/newsletter/confirm/")).status_code == 410
    assert Objection.objects.get(purpose=MARKETING).except_for == []


@pytest.mark.req("CON-5")
def test_customers_get_product_news_until_they_object(client):
    customer = MembershipFactory(user__email=JAN.value).user
    assert send(client, "product_marketing")
    [letter] = letters()
    client.post(link_in(letter, "/newsletter/unsubscribe/"))
    assert Objection.objects.get().purpose == "product_marketing"
    assert not send(client, "product_marketing", key="2")
    assert customer.email == JAN.value


@pytest.mark.req("CON-5")
def test_whoever_is_no_customer_gets_no_product_news(client):
    assert not send(client, "product_marketing")


@pytest.mark.parametrize("what", ["restriction", "objection"])
def test_nothing_gets_round_a_restriction_or_an_objection(client, what):
    subscribe(client)
    facts = {"scope": PROVIDER, "subject_key": subject(), "since": NOW}
    if what == "restriction":
        Restriction.objects.create(ground="accuracy", **facts)
    else:
        Objection.objects.create(purpose=MARKETING, **facts)
    assert not send(client)


@pytest.mark.req("CON-5")
@pytest.mark.threat("T18")
@pytest.mark.parametrize("what", ["restriction", "objection"])
@pytest.mark.parametrize("under", ["the person", "the confirmed number"])
def test_nothing_gets_round_what_the_same_person_said_under_another_key(client, what, under):
    person = MembershipFactory(user__email=JAN.value).user
    subscribe(client)
    number = crypto.lookup(Identity(IdentityType.PHONE_NUMBER, person.phone_number))
    facts = {"scope": PROVIDER, "subject_key": person.key if under == "the person" else number, "since": NOW}
    if what == "restriction":
        Restriction.objects.create(ground="accuracy", **facts)
    else:
        Objection.objects.create(purpose=MARKETING, **facts)
    assert [send(client, purpose) for purpose in (KEY, "product_marketing")] == [False, False]


@pytest.mark.threat("T18")
def test_a_number_that_nobody_confirmed_and_another_person_speak_for_nobody_else(client):
    person = MembershipFactory(user__email=JAN.value, user__phone_verified_at=None).user
    other = MembershipFactory().user
    for key in (crypto.lookup(Identity(IdentityType.PHONE_NUMBER, person.phone_number)), other.key):
        Objection.objects.create(purpose=MARKETING, scope=PROVIDER, subject_key=key, since=NOW)
    Objection.objects.create(purpose=MARKETING, scope=f"account:{other.pk}", subject_key=person.key, since=NOW)
    assert send(client, "product_marketing")


def test_the_same_issue_reaches_an_address_once(client):
    subscribe(client)
    assert [send(client), send(client), send(client, key="2")] == [True, False, True]


@pytest.mark.parametrize("email", ["", "nobody", "a@b\0.example"])
def test_what_is_no_address_is_said_beside_the_field(client, email):
    response = ask(client, email)
    assert response.status_code == 200
    assert response.context["form"].errors.keys() == {"email"}


@pytest.mark.parametrize("language", ["nl", "ar"])
def test_page_and_mail_speak_the_reader_s_language(client, language):
    client.cookies["django_language"] = language
    text = current_text(KEY, language)
    assert text.body["summary"] in client.get(reverse("consent:newsletter")).content.decode()
    ask(client, text=text.digest)
    assert OutgoingMessage.objects.get().language == language
