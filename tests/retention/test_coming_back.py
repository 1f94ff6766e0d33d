"""A customer that left comes back, or its account id is used again: what was noted of its leaving is over."""

import pytest
from django.urls import reverse

from apps.core.errors import DomainError
from apps.ledger.models import Entry
from apps.retention import protection, services
from apps.retention.models import ChosenPeriod, Departure
from tests.accounts.factories import UserFactory
from tests.retention.leaving import NOW, TODAY, announced, certified, owned_account, owner_of

pytestmark = [pytest.mark.django_db, pytest.mark.req("RET-3")]
RULE = "communications_content"


@pytest.fixture
def left():
    """Erased and certified; content goes at once."""
    departure = certified(owned_account(name="Acme")[0])
    services.choosing._note(departure.platform_account_id, RULE, "P0D", by="system", now=NOW)
    return departure


def test_who_came_back_is_a_customer_like_any_other_and_nothing_new_goes_at_once(left):
    account, rule = left.account, services.current_rules()[RULE]
    assert services.is_read_only(account, NOW)
    assert protection.current_choices().departures
    services.end_departure(left, by="command", now=NOW)
    assert not services.is_read_only(account, NOW)
    assert services.departure_of(account) is None
    choices = protection.current_choices()
    assert (choices.departures, choices.periods) == ({}, {})
    assert services.period_for(account, rule) == rule.period
    assert services.choose_period(account=account, rule=RULE, period="P30D", by="command", now=NOW).period == "P30D"
    assert Entry.objects.get(verb="retention.departure_over").facts == {"account": str(account.pk)}


def test_what_the_customer_itself_had_chosen_stays(left):
    services.choosing._note(left.platform_account_id, RULE, "P0D", by="command", now=NOW)
    services.end_departure(left, by="command", now=NOW)
    assert ChosenPeriod.objects.current().get(rule=RULE).chosen_by == "command"


def test_who_came_back_may_leave_again_and_the_last_certificate_is_read(client, sign_in, left):
    with pytest.raises(DomainError, match="leaving already"):
        announced(left.account)
    services.end_departure(left, by="command", now=NOW)
    again = certified(left.account)
    assert Departure.objects.certified().count() == 2
    sign_in(client, owner_of(left.account))
    assert client.get(reverse("retention:certificate", args=[left.account_id])).context["departure"] in (left, again)


@pytest.mark.parametrize("when", ["before", "after"])
def test_only_who_is_erased_and_has_not_come_back_comes_back(left, when):
    departure = announced(ends_on=TODAY) if when == "before" else services.end_departure(left, by="command", now=NOW)
    with pytest.raises(DomainError, match="whose data is erased"):
        services.end_departure(departure, by="command", now=NOW)


def test_an_officer_notes_it_after_a_question_with_a_fresh_factor_and_nobody_else_does(client, sign_in, left):
    there, over = reverse("retention:departures"), reverse("retention:departure_over", args=[left.account_id])
    for role in ("dpo", "admin"):
        sign_in(client, UserFactory(**{role: True}))
        assert over not in client.get(there).content.decode()
        assert client.post(over).status_code == 403
    sign_in(client, UserFactory(officer=True), fresh_factor=False)
    assert client.post(over).url.startswith(reverse("account_step_up"))
    assert Departure.objects.get().came_back_at is None
    sign_in(client, UserFactory(officer=True))
    assert over in client.get(there).content.decode()
    assert "Is the account of Acme in use again?" in client.get(over).content.decode()
    assert "Noted." in client.post(over, follow=True).content.decode()
    assert Departure.objects.get().came_back_at is not None
    assert client.get(over).status_code == 404
