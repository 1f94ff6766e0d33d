"""Preferences without sign-in: what is on for an address, and one click for each of it (CON-2, CON-5)."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from apps.consent import links
from apps.consent.checking import check_consents
from apps.consent.models import PROVIDER, Event, Objection, Purpose, Removal, State, Subscription
from apps.consent.receipts.shown import show_all
from apps.consent.services import subscriptions
from apps.consent.services.answers import current_text
from apps.consent.services.history import with_texts
from apps.consent.services.limits import object_to_purpose
from apps.consent.states import MARKETING, Basis
from apps.core import crypto
from apps.core.identities import Identity, IdentityType
from apps.ledger.models import Entry
from tests.accounts.factories import MembershipFactory
from tests.consent.mail import JAN, letters, link_in, plain

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
NEWS, PRODUCTS = "newsletter", "product_marketing"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _today(time_machine):
    time_machine.move_to(NOW)


@pytest.fixture
def customer():
    return MembershipFactory(user__email=JAN.value).user


def path():
    return reverse("consent:preferences", args=[links.preferences_token(JAN, now=NOW)])


def click(client, **pressed):
    given = {"text": current_text(NEWS, "en").digest} | pressed
    return client.post(path(), given, follow=True)


def marketing():
    return subscriptions.marketing_of(JAN, at=datetime.now(UTC))


def to_all():
    """The objection to all direct marketing that stands."""
    return Objection.objects.open().get(purpose=MARKETING)


def may_we(identity, purpose):
    """What the check answers whoever is about to write."""
    [answer] = check_consents(scope=PROVIDER, purpose=purpose, keys=[crypto.lookup(identity)], now=datetime.now(UTC))
    return answer["why"]


def test_the_link_comes_by_mail_whoever_asks_for_it(client, customer):
    there = reverse("consent:preferences_ask")
    answers = [plain(client.post(there, {"email": email})) for email in (JAN.value, "nobody@example.com")]
    assert answers[0] == answers[1]
    first, _second = letters()
    page = client.get(link_in(first, "/preferences/"))
    assert "j•••@e•••.com" in page.content.decode()
    assert JAN.value not in page.content.decode()
    assert "no-store" in page["Cache-Control"]


def test_a_link_opens_for_half_a_year(client, time_machine):
    there = path()
    time_machine.move_to(NOW + timedelta(days=179))
    assert client.get(there).status_code == 200
    time_machine.move_to(NOW + timedelta(days=181))
    assert client.get(there).status_code == 410


@pytest.mark.req("CON-2")
def test_the_newsletter_goes_on_and_off_with_one_click_each(client):
    click(client, on=NEWS)
    assert marketing().newsletter
    assert Subscription.objects.get().read() == JAN.value
    click(client, off=NEWS)
    assert not marketing().newsletter
    assert not Subscription.objects.exists()
    assert [(one.action, one.method) for one in Event.objects.of(PROVIDER, crypto.lookup(JAN))] == [
        ("given", "preferences"),
        ("withdrawn", "preferences"),
    ]


@pytest.mark.req("CON-1")
def test_a_yes_needs_the_words_that_are_in_force(client):
    click(client, on=NEWS, text="0" * 64)
    assert not Event.objects.exists()


@pytest.mark.req("CON-5")
def test_one_click_ends_all_direct_marketing_at_once(client, customer):
    click(client, on=NEWS)
    assert (marketing().newsletter, marketing().products) == (True, True)
    page = click(client, off=MARKETING)
    assert "our sales people do not contact you" in page.content.decode()
    assert not marketing().is_any_on
    assert to_all().except_for == []
    objected = Event.objects.of(PROVIDER, crypto.lookup(JAN)).get(choices__has_key=MARKETING)
    assert (objected.action, objected.choices) == ("objected", {MARKETING: False, NEWS: False, PRODUCTS: False})
    assert [(one.name, one.text) for one in show_all(with_texts([objected]), now=NOW)[0].answers] == [
        ("Direct marketing", "objected"), ("Newsletter", "refused"),
        ("Product news and sales contact for customers", "objected"),
    ]  # fmt: skip
    assert not Subscription.objects.exists()
    assert not State.objects.of(PROVIDER, crypto.lookup(JAN)).allowing(at=datetime.now(UTC)).exists()
    assert Entry.objects.filter(verb="consent.objected", facts__purpose=MARKETING).count() == 1


@pytest.mark.req("CON-5", "CON-7")
def test_an_objection_to_all_direct_marketing_ends_the_keeping_of_data_from_other_sources_too(
    client, sign_in, customer
):
    sign_in(client, customer)
    there = reverse("consent:own_preferences")
    assert "data from other sources, which we then delete" in client.get(there).content.decode()
    client.post(there, {"off": MARKETING})
    number = Identity(IdentityType.PHONE_NUMBER, customer.phone_number)
    assert set(Removal.objects.get().read()) == {JAN, number}
    client.post(there, {"on": PRODUCTS})
    assert may_we(JAN, "enrichment") == "objected"
    assert Removal.objects.open().exists()


@pytest.mark.req("CON-5")
def test_the_objection_outlives_the_address(client, customer):
    click(client, on=NEWS)
    click(client, off=MARKETING)
    customer.delete()
    assert not Subscription.objects.exists()
    assert Objection.objects.open().of(PROVIDER, crypto.lookup(JAN)).exists()
    MembershipFactory(user__email=JAN.value)  # a customer again
    assert not marketing().products


@pytest.mark.req("CON-5")
def test_whoever_asks_for_the_newsletter_again_gets_that_and_nothing_else(client, customer):
    click(client, off=MARKETING)
    click(client, on=NEWS)
    assert (marketing().newsletter, marketing().products) == (True, False)
    assert to_all().except_for == [NEWS]
    assert "asked for what is on here" in client.get(path()).content.decode()


@pytest.mark.req("CON-5")
def test_an_objection_to_all_direct_marketing_reaches_what_is_thought_of_later(client, customer):
    click(client, off=MARKETING)
    click(client, on=PRODUCTS)
    Purpose.objects.create(key="fairs", basis=Basis.INTEREST, is_marketing=True, created_at=NOW)
    assert [may_we(JAN, key) for key in (PRODUCTS, "fairs")] == ["given", "objected"]


@pytest.mark.req("CON-5")
def test_what_was_asked_for_after_the_objection_is_ended_again_by_itself_and_by_all(client, customer):
    click(client, off=MARKETING)
    since = to_all().since
    click(client, on=PRODUCTS)
    click(client, off=PRODUCTS)
    assert (marketing().products, may_we(JAN, PRODUCTS)) == (False, "objected")
    click(client, on=PRODUCTS)
    click(client, on=NEWS)
    assert to_all().except_for == [NEWS, PRODUCTS]
    click(client, off=MARKETING)
    assert not marketing().is_any_on
    assert not Subscription.objects.exists()
    assert (to_all().since, to_all().except_for) == (since, [])
    assert Entry.objects.filter(verb="consent.objection_narrowed").count() == 2


def test_product_news_goes_off_and_on_with_one_click_each(client, customer):
    click(client, off=PRODUCTS)
    assert marketing().products is False
    click(client, on=PRODUCTS)
    assert marketing().products is True
    assert not Objection.objects.open().exists()


@pytest.mark.req("CON-5")
def test_who_objected_to_everything_and_allows_product_news_allows_that_alone(client, customer):
    Purpose.objects.create(key="fairs", basis=Basis.INTEREST, is_marketing=True, created_at=NOW)
    click(client, on=NEWS)
    # An objection by another way than this page: the consent to the newsletter goes on standing beside it.
    object_to_purpose(scope=PROVIDER, subject_key=crypto.lookup(JAN), purpose=MARKETING, actor="system", now=NOW)
    assert client.get(path()).content.decode().count("this alone goes on again") == 2
    click(client, on=PRODUCTS)
    assert (marketing().products, marketing().newsletter) == (True, False)
    assert [may_we(JAN, key) for key in (PRODUCTS, NEWS, "fairs")] == ["given", "objected", "objected"]
    assert client.get(path()).content.decode().count("this alone goes on again") == 1
    click(client, on=NEWS)
    assert marketing().newsletter
    assert [may_we(JAN, key) for key in (NEWS, "fairs")] == ["given", "objected"]
    objection = Objection.objects.get()
    assert (objection.since, objection.except_for) == (NOW, [NEWS, PRODUCTS])


@pytest.mark.req("CON-5")
@pytest.mark.threat("T18")
def test_an_objection_that_somebody_made_where_they_had_signed_in_is_taken_back_there(client, sign_in, customer):
    object_to_purpose(scope=PROVIDER, subject_key=customer.key, purpose=MARKETING, actor=customer.key, now=NOW)
    assert not marketing().is_any_on
    page = click(client, on=PRODUCTS)
    assert "Sign in, and take it back there." in page.content.decode()
    assert marketing().products is False
    sign_in(client, customer)
    client.post(reverse("consent:own_preferences"), {"on": PRODUCTS})
    assert marketing().products is True


@pytest.mark.req("CON-5")
@pytest.mark.threat("T18")
def test_the_newsletter_lifts_no_objection_that_somebody_made_where_they_had_signed_in(client, sign_in, customer):
    object_to_purpose(scope=PROVIDER, subject_key=customer.key, purpose=MARKETING, actor=customer.key, now=NOW)
    asked = links.confirm_token(JAN, text=current_text(NEWS, "en").digest, now=NOW)
    confirmed = client.post(reverse("consent:newsletter_confirm", args=[asked]))
    for page in (confirmed, click(client, on=NEWS)):
        assert page.status_code == 200
        assert "Sign in, and take it back there." in page.content.decode()
    assert Objection.objects.open().get().subject_key == customer.key
    assert not Event.objects.exists()
    assert not Subscription.objects.exists()
    sign_in(client, customer)
    client.post(reverse("consent:own_preferences"), {"on": NEWS, "text": current_text(NEWS, "en").digest})
    assert marketing().newsletter


@pytest.mark.req("CON-5")
def test_asking_for_one_purpose_says_nothing_about_data_from_other_sources(client, customer):
    object_to_purpose(scope=PROVIDER, subject_key=crypto.lookup(JAN), purpose=MARKETING, actor="system", now=NOW)
    assert click(client, on=NEWS).status_code == 200
    assert marketing().newsletter
    assert Objection.objects.get().except_for == [NEWS]
    assert not Removal.objects.exists()


def test_who_is_no_customer_sees_no_switch_for_product_news(client):
    page = client.get(path()).content.decode()
    assert "This address belongs to no customer" in page
    assert 'name="on" value="product_marketing"' not in page


def test_two_clicks_are_one_answer(client, customer):
    for _ in range(2):
        click(client, off=MARKETING)
    assert Event.objects.filter(choices__has_key=MARKETING).count() == 1
    assert Event.objects.filter(choices__has_key="enrichment").count() == 1
    assert Removal.objects.count() == 1


@pytest.mark.parametrize("pressed", [{}, {"on": "everything"}, {"off": "nothing"}, {"on": "direct_marketing"}])
def test_what_no_button_sends_changes_nothing(client, pressed):
    assert click(client, **pressed).status_code == 200
    assert not Event.objects.exists()


def test_whoever_is_signed_in_sees_their_own(client, sign_in, customer):
    sign_in(client, customer)
    there = reverse("consent:own_preferences")
    assert "j•••@e•••.com" in client.get(there).content.decode()
    client.post(there, {"off": MARKETING})
    assert not marketing().is_any_on
    assert {event.user_id for event in Event.objects.all()} == {customer.pk}
    assert client.get(reverse("account_settings")).content.decode().count(there) == 1
