"""Saved payment methods and automatic top-up: said yes to by itself, said no to in one click (CON-3)."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core import mail
from django.urls import reverse

from apps.consent import tasks
from apps.consent.forms.finance import METHOD_FORMS, TopUpForm, is_iban
from apps.consent.models import PROVIDER, Event, PaymentMethod, Removal, State, Text, TopUp
from apps.consent.services import finance, publish_texts
from apps.consent.services.answers import current_text
from apps.consent.states import Need
from apps.core.errors import DomainError
from apps.ledger.models import Entry
from apps.notifications.models import OutgoingMessage
from apps.notifications.tasks import deliver_messages
from apps.retention.services import departures
from tests.accounts.factories import CustomerAccountFactory, MembershipFactory
from tests.retention.leaving import announced

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
CARD = {"last_four": "4242", "expires": "05/29", "holder": "Jan de Vries"}
IDEAL = {"iban": "nl91 abna 0417 1643 00", "bic": "abnanl2a", "name": "De Vries B.V."}
AMOUNTS = {"amount": "25", "threshold": "10,50", "monthly_cap": "100"}
pytestmark = [pytest.mark.django_db, pytest.mark.req("CON-3")]


@pytest.fixture(autouse=True)
def _today(time_machine):
    time_machine.move_to(NOW)


@pytest.fixture
def account(client, sign_in):
    membership = MembershipFactory(role="owner", account=CustomerAccountFactory(name="Acme"))
    sign_in(client, membership.user)
    return membership.account


def words(purpose, language="en"):
    return current_text(purpose, language).digest


def save(client, account, kind="card", **changes):
    typed = {"card": CARD, "ideal": IDEAL, "paypal": {"email": "pay@acme.example"}}[kind]
    given = typed | {"agree": "on", "text": words(finance.METHOD)} | changes
    return client.post(reverse("consent:payment_method", args=[account.pk, kind]), given)


def order(client, account, **changes):
    given = AMOUNTS | {"agree": "on", "text": words(finance.TOP_UP)} | changes
    return client.post(reverse("consent:top_up", args=[account.pk]), given)


def click(client, account, name):
    return client.post(reverse(f"consent:{name}", args=[account.pk]), follow=True)


def page(client, account):
    return " ".join(client.get(reverse("consent:finance", args=[account.pk])).content.decode().split())


@pytest.mark.req("CON-1")
def test_a_method_is_saved_with_the_words_that_were_shown_and_by_nobody_but_a_person(client, account):
    form = client.get(reverse("consent:payment_method", args=[account.pk, "card"]))
    assert "checked" not in form.content.decode()
    assert words(finance.METHOD) in form.content.decode()
    assert save(client, account).status_code == 302
    [event] = Event.objects.of(PROVIDER, f"account:{account.pk}")
    assert (event.action, event.method, event.choices) == ("given", "switch", {"saved_payment_method": True})
    assert (event.text, event.language) == (words(finance.METHOD), "en")
    assert event.user_id == account.memberships.get().user_id
    assert event.page == "testserver/account/finance/<uuid:pk>/payment-method/<slug:kind>/"


@pytest.mark.req("CON-1")
def test_nothing_is_saved_without_the_tick_and_nothing_typed_is_lost(client, account):
    response = save(client, account, agree="")
    assert response.status_code == 200
    assert 'value="Jan de Vries"' in response.content.decode()
    assert not PaymentMethod.objects.exists()


@pytest.mark.req("CON-1")
def test_a_yes_to_words_that_were_replaced_meanwhile_is_asked_again(client, account):
    old = words(finance.METHOD)
    bodies = {
        text.language: text.body | {"effect": "Another one."} for text in Text.objects.filter(notice=finance.METHOD)
    }
    publish_texts(notice=finance.METHOD, bodies=bodies, is_material=True, actor="command", now=NOW)
    response = save(client, account, text=old)
    assert "These words were changed while you read" in response.content.decode()
    assert words(finance.METHOD) in response.content.decode()
    assert "checked" not in response.content.decode()
    assert not PaymentMethod.objects.exists()


@pytest.mark.parametrize(
    ("kind", "saved", "shown"),
    [
        ("card", {"last_four": "4242", "expires": "2029-05", "holder": "Jan de Vries"}, "•••• 4242"),
        ("ideal", {"iban": "NL91ABNA0417164300", "bic": "ABNANL2A", "name": "De Vries B.V."}, "NL•• •••• 4300"),
        ("paypal", {"email": "pay@acme.example"}, "p•••@a•••.example"),
    ],
)
def test_what_is_needed_is_saved_sealed_and_no_more(client, account, kind, saved, shown):
    save(client, account, kind, cvc="123", number="4242424242424242")
    method = PaymentMethod.objects.get()
    assert method.read() == saved
    for value in saved.values():
        assert value.encode() not in bytes(method.details)
    text = page(client, account)
    assert shown in text
    assert "Vries" not in text
    assert "0417164" not in text.replace(" ", "")


def test_a_sealed_method_opens_in_no_other_row(client, account):
    save(client, account)
    method = PaymentMethod.objects.get()
    method.id = account.pk
    with pytest.raises(Exception, match="does not open here"):
        method.read()


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("card", "last_four", "4242424242424242"), ("card", "last_four", "42"), ("card", "expires", "10/26"),
        ("card", "expires", "13/29"), ("card", "expires", "05/99"), ("card", "holder", "Jan\nde Vries"),
        ("ideal", "iban", "NL91ABNA0417164301"), ("ideal", "iban", "NL"), ("ideal", "bic", "ABNA"),
        ("paypal", "email", "nobody"),
    ],
)  # fmt: skip
def test_what_can_t_be_is_said_beside_its_field(client, account, kind, field, value):
    response = save(client, account, kind, **{field: value})
    assert response.context["form"].errors.keys() == {field}
    assert "4242424242424242" not in response.content.decode()
    assert not PaymentMethod.objects.exists()


def test_a_card_is_good_until_the_end_of_its_month_and_digits_may_be_arabic(account):
    given = CARD | {"agree": "on", "text": "x", "last_four": "٤٢٤٢", "expires": "11/26"}
    form = METHOD_FORMS["card"](given, text="x", today=date(2026, 11, 30))
    assert form.is_valid(), form.errors
    assert form.details == {"last_four": "4242", "expires": "2026-11", "holder": "Jan de Vries"}


@pytest.mark.parametrize("iban", ["GB82WEST12345698765432", "DE89370400440532013000", "NL91ABNA0417164300"])
def test_an_iban_is_checked_by_iso_13616(iban):
    assert is_iban(iban)
    assert not is_iban(iban[:-1] + str((int(iban[-1]) + 1) % 10))


@pytest.mark.req("CON-2")
def test_one_click_withdraws_and_the_method_is_gone(client, account):
    save(client, account)
    response = click(client, account, "withdraw_payment_method")
    assert "The payment method is deleted." in response.content.decode()
    assert not PaymentMethod.objects.exists()
    given, withdrawn = Event.objects.of(PROVIDER, f"account:{account.pk}")
    assert (withdrawn.action, withdrawn.previous) == ("withdrawn", given.id)
    assert given.ended_at == withdrawn.at
    assert not State.objects.of(PROVIDER, f"account:{account.pk}").allowing(at=NOW).exists()
    assert Entry.objects.filter(verb="consent.payment_method_withdrawn").count() == 1
    removal = Removal.objects.get()
    assert (removal.rules, removal.account) == (["payment_methods"], account.platform_account_id)


@pytest.mark.req("CON-2")
def test_a_second_click_changes_nothing(client, account):
    save(client, account)
    for _ in range(2):
        response = click(client, account, "withdraw_payment_method")
    assert "No payment method is saved." in response.content.decode()
    assert Event.objects.count() == 2


@pytest.mark.req("CON-2")
def test_new_words_never_stand_in_the_way_of_a_no(client, account):
    save(client, account)
    bodies = {text.language: text.body | {"effect": "Another."} for text in Text.objects.filter(notice=finance.METHOD)}
    publish_texts(notice=finance.METHOD, bodies=bodies, is_material=True, actor="command", now=NOW)
    click(client, account, "withdraw_payment_method")
    assert not PaymentMethod.objects.exists()


def test_top_up_needs_a_saved_method_and_is_a_mandate_of_its_own(client, account):
    assert "Save a payment method first" in order(client, account).content.decode()
    save(client, account)
    assert not TopUp.objects.exists()  # unbundled: saving a method switches nothing else on
    assert order(client, account).status_code == 302
    top_up = TopUp.objects.get()
    assert (top_up.amount, top_up.threshold, top_up.monthly_cap, top_up.currency) == (2500, 1050, 10000, "EUR")
    event = Event.objects.get(id=top_up.event)
    assert event.choices == {"automatic_top_up": True}
    assert Entry.objects.get(verb="consent.mandate_given").facts["monthly_cap"] == 10000
    assert "€ 10.50" in page(client, account)
    assert finance.may_charge(account, now=NOW) == top_up


@pytest.mark.parametrize(
    ("field", "value"),
    [("amount", "101"), ("amount", "0"), ("amount", "-5"), ("threshold", "0"), ("monthly_cap", "1000000.01"),
     ("amount", "1.005"), ("amount", "NaN"), ("amount", "Infinity"), ("amount", "ten")],
)  # fmt: skip
def test_amounts_are_whole_cents_positive_and_below_the_cap(client, account, field, value):
    form = TopUpForm(AMOUNTS | {"agree": "on", "text": "x", field: value}, text="x")
    assert form.errors.keys() == {"monthly_cap" if value == "101" else field}


@pytest.mark.req("CON-2")
def test_revoking_the_mandate_stops_the_next_charge(client, account):
    save(client, account)
    order(client, account)
    click(client, account, "withdraw_top_up")
    assert finance.may_charge(account, now=NOW) is None
    assert PaymentMethod.objects.standing().exists()  # each switch by itself
    withdrawn = Event.objects.of(PROVIDER, f"account:{account.pk}").last()
    assert (withdrawn.action, withdrawn.choices) == ("withdrawn", {"automatic_top_up": False})


@pytest.mark.req("CON-2")
def test_nothing_is_charged_once_the_service_has_ended_until_the_customer_stays_after_all(client, account):
    save(client, account)
    order(client, account)
    departure = announced(account, now=NOW, ends_on=NOW.date() + timedelta(days=1))
    assert finance.may_charge(account, now=NOW)
    last_day = NOW + timedelta(days=1)  # nobody has looked at the departure yet
    assert finance.may_charge(account, now=last_day) is None
    read_only = departures.start_read_only(departure, now=last_day)
    assert finance.may_charge(account, now=last_day + timedelta(days=40)) is None
    departures.withdraw_departure(read_only, by="command", now=last_day)
    assert finance.may_charge(account, now=last_day)


def test_an_ended_service_takes_no_new_mandate_and_the_pages_say_so(client, account):
    save(client, account)
    order(client, account)
    assert "The service has ended" not in page(client, account)
    announced(account, now=NOW, ends_on=NOW.date())
    assert "The service has ended" in page(client, account)
    assert "The service has ended" in order(client, account, amount="50").content.decode()
    assert TopUp.objects.count() == 1


def test_an_account_that_is_not_activated_is_not_charged(client, account):
    save(client, account)
    order(client, account)
    type(account).objects.filter(pk=account.pk).update(activated_at=None)
    assert finance.may_charge(account, now=NOW) is None


def test_other_amounts_are_a_mandate_in_place_of_the_earlier_one(client, account):
    save(client, account)
    order(client, account)
    order(client, account, amount="50")
    assert [one.amount for one in TopUp.objects.standing()] == [5000]
    assert TopUp.objects.count() == 2
    assert Event.objects.filter(action="renewed").count() == 1


def test_the_method_stays_while_automatic_top_up_is_on_and_the_page_says_so(client, account):
    save(client, account)
    order(client, account)
    response = click(client, account, "withdraw_payment_method")
    assert "until you switch that off too" in response.content.decode()
    assert "Switch automatic top-up off below, and it is deleted." in page(client, account)
    assert not State.objects.of(PROVIDER, f"account:{account.pk}").filter(purpose=finance.METHOD, is_allowed=True)
    click(client, account, "withdraw_top_up")
    assert not PaymentMethod.objects.exists()


def test_an_ended_service_keeps_no_method_for_a_top_up_that_never_comes(client, account):
    save(client, account)
    order(client, account)
    announced(account, now=NOW, ends_on=NOW.date())
    click(client, account, "withdraw_payment_method")
    assert not PaymentMethod.objects.exists()


def test_an_ended_service_keeps_a_method_for_a_refund_and_names_the_day(client, account):
    save(client, account)
    order(client, account)
    finance.need_payment_method(account=account, need=Need.REFUND, until=date(2026, 12, 1), now=NOW)
    announced(account, now=NOW, ends_on=NOW.date())
    click(client, account, "withdraw_payment_method")
    assert "It stays until 1 December 2026 for a refund that is on its way" in page(client, account)


def test_a_refund_keeps_a_withdrawn_method_until_the_day_that_the_page_names(client, account, time_machine):
    save(client, account)
    finance.need_payment_method(account=account, need=Need.REFUND, until=date(2026, 12, 1), now=NOW)
    response = click(client, account, "withdraw_payment_method")
    assert "deleted after 1 December 2026" in response.content.decode()
    assert "It stays until 1 December 2026 for a refund that is on its way" in page(client, account)
    assert PaymentMethod.objects.get().ended_at.date() == date(2026, 12, 1)  # the retention rule runs from it too
    for day, left in ((1, 1), (2, 0)):
        time_machine.move_to(datetime(2026, 12, day, 12, 0, tzinfo=UTC), tick=False)
        tasks.release_payment_methods()
        assert PaymentMethod.objects.count() == left
    assert Entry.objects.filter(verb="consent.payment_method_deleted").count() == 1


def test_a_chargeback_that_comes_later_keeps_it_longer_and_an_earlier_need_never_shortens(client, account):
    save(client, account)
    for need, day in ((Need.REFUND, 5), (Need.CHARGEBACK, 20), (Need.REFUND, 10)):
        assert finance.need_payment_method(account=account, need=need, until=date(2026, 12, day), now=NOW)
    click(client, account, "withdraw_payment_method")
    method = PaymentMethod.objects.get()
    assert (method.needed_for, method.needed_until) == (Need.CHARGEBACK, date(2026, 12, 20))


def test_what_is_gone_is_not_brought_back_by_a_need(client, account):
    save(client, account)
    click(client, account, "withdraw_payment_method")
    assert not finance.need_payment_method(account=account, need=Need.REFUND, until=date(2026, 12, 5), now=NOW)


def test_a_need_that_ends_while_top_up_is_on_does_not_take_the_method_away(client, account, sign_in, time_machine):
    save(client, account)
    order(client, account)
    finance.need_payment_method(account=account, need=Need.REFUND, until=date(2026, 12, 1), now=NOW)
    click(client, account, "withdraw_payment_method")
    time_machine.move_to(NOW + timedelta(days=30), tick=False)
    tasks.release_payment_methods()
    assert PaymentMethod.objects.get().ended_at is None
    sign_in(client, account.memberships.get().user)
    assert "Switch automatic top-up off below" in page(client, account)


def test_what_is_still_to_go_ends_where_another_method_begins(client, account):
    save(client, account)
    click(client, account, "withdraw_payment_method")
    removal = Removal.objects.get()
    assert (removal.saved_from, removal.saved_before) == (None, None)
    save(client, account)
    removal.refresh_from_db()
    assert removal.saved_before == PaymentMethod.objects.get().created_at


def test_another_method_takes_the_place_of_the_first(client, account):
    save(client, account)
    save(client, account, "ideal")
    assert PaymentMethod.objects.get().kind == "ideal"
    removal = Removal.objects.get()  # of the card, in whatever store it is: as if it were withdrawn
    renewed = Event.objects.of(PROVIDER, f"account:{account.pk}").last()
    assert (removal.rules, removal.event, removal.saved_before) == (
        ["payment_methods"],
        renewed.id,
        renewed.received_at,
    )
    assert [event.action for event in Event.objects.of(PROVIDER, f"account:{account.pk}")] == ["given", "renewed"]


@pytest.mark.threat("T2")
@pytest.mark.parametrize(("role", "status"), [("member", 403), ("privacy", 403), (None, 404)])
def test_nobody_but_an_owner_sees_how_an_account_pays(client, account, sign_in, role, status):
    other = MembershipFactory(role=role or "owner", account=account if role else CustomerAccountFactory()).user
    sign_in(client, other)
    for name in ("finance", "top_up"):
        assert client.get(reverse(f"consent:{name}", args=[account.pk])).status_code == status
    assert save(client, account).status_code == status
    for name in ("withdraw_payment_method", "withdraw_top_up"):
        assert client.post(reverse(f"consent:{name}", args=[account.pk])).status_code == status


def test_an_unknown_kind_of_method_is_no_page(client, account):
    assert client.get(reverse("consent:payment_method", args=[account.pk, "cheque"])).status_code == 404


def test_the_bank_s_question_reaches_whoever_saved_the_method_once(client, account):
    save(client, account)
    asked = {"account": account, "reference": "pay-1", "url": "https://pay.example/3ds/1", "now": NOW}
    assert [finance.ask_for_authentication(**asked) for _ in range(2)] == [1, 0]
    deliver_messages()
    [sent] = mail.outbox
    assert sent.to == [account.memberships.get().user.email]
    assert "https://pay.example/3ds/1" in sent.body
    assert "your bank or payment provider wants you to confirm" in sent.body
    assert b"pay.example" not in bytes(OutgoingMessage.objects.get().context)
    with pytest.raises(DomainError):
        finance.ask_for_authentication(**asked | {"url": "http://pay.example/"})


@pytest.mark.parametrize("language", ["en", "nl", "ar"])
def test_the_words_are_there_in_each_language(client, account, language):
    user = account.memberships.get().user
    user.language = language
    user.save()
    text = page(client, account)
    assert current_text(finance.METHOD, language).body["ending"][:40] in text
    save(client, account, text=words(finance.METHOD, language))
    assert Event.objects.get().language == language
