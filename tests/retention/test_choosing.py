"""A customer's own shorter period: for what, how short, what it would do, and every choice as a version."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from apps.core.errors import DomainError, InvalidInput
from apps.ledger.models import Entry
from apps.retention import services
from apps.retention.models import ChosenPeriod, Departure, Rule
from apps.retention.periods import Period
from apps.retention.states import DepartureStatus
from tests.retention.factories import RuleFactory
from tests.retention.leaving import NOW, announced, erasing, owned_account

CONTENT = "communications_content"


def choose(account, period="P30D", rule=CONTENT, *, by="command", now=NOW):
    return services.choose_period(account=account, rule=rule, period=period, by=by, now=now)


@pytest.mark.req("RET-1")
def test_there_is_a_choice_for_what_is_processed_for_the_customer_and_nothing_of_ours_keeps(db):
    assert [rule.key for rule in services.rules_with_a_choice()] == ["additional_services", CONTENT]
    RuleFactory(key="kept_for_us", capacity="processor", interest=True)
    RuleFactory(key="kept_by_law", capacity="processor", duty=True)
    RuleFactory(key="ours", capacity="controller")
    RuleFactory(key="no_limit", capacity="processor", is_limit=False, interest=True)
    assert [rule.key for rule in services.rules_with_a_choice()] == ["additional_services", CONTENT]


@pytest.mark.req("RET-1")
@pytest.mark.parametrize("period", ["P0D", "P1D", "P30D", "P5M", "P6M", "P25W", "P181D"])
def test_content_may_be_kept_for_nothing_up_to_six_months(db, period):
    account, owner = owned_account()
    assert choose(account, period, by=owner.key).period == period
    entry = Entry.objects.get(verb="retention.period_chosen")
    assert entry.actor == owner.key
    assert entry.facts == {"account": str(account.pk), "rule": CONTENT, "period": period}


@pytest.mark.req("RET-1")
@pytest.mark.parametrize("period", ["P7M", "P1Y", "P182D", "P6M1D", "P26W", "P9999Y"])
def test_no_period_is_longer_than_the_rule_in_any_month_of_any_year(db, period):
    with pytest.raises(InvalidInput) as refused:
        choose(owned_account()[0], period)
    assert (refused.value.field, refused.value.code) == ("period", "too_long")
    assert not ChosenPeriod.objects.exists()


@pytest.mark.parametrize("period", ["", "6 months", "P", "PT1H", "-P1D", "P1.5M"])
def test_what_is_no_period_is_refused(db, period):
    with pytest.raises(InvalidInput):
        choose(owned_account()[0], period)


@given(st.integers(0, 7), st.integers(0, 31), st.dates(date(2001, 1, 1), date(2060, 1, 1)))
def test_what_is_within_a_period_never_ends_after_it(months, days, start):
    text = f"P{months}M{days}D"
    if services.is_within(text, "P6M"):
        assert Period.parse(text).after(start) <= Period.parse("P6M").after(start)


def test_a_month_is_not_within_thirty_days_and_sixty_days_not_within_two_months(db):
    assert not services.is_within("P1M", "P30D")  # October has 31
    assert not services.is_within("P60D", "P2M")  # January and February have 59
    assert services.is_within("P59D", "P2M")


@pytest.mark.parametrize("rule", ["tax", "abuse_traffic", "service_account", "unknown"])
def test_nothing_else_can_be_chosen(db, rule):
    with pytest.raises(InvalidInput, match="nothing to choose"):
        choose(owned_account()[0], "P0D", rule)


def test_offered_are_only_periods_within_the_rule_and_last_the_rule_itself(db):
    for rule in services.rules_with_a_choice():
        offered = services.periods_offered(rule)
        assert offered[-1] == rule.period
        assert offered[0] == "P0D"
        assert len(offered) == len(set(offered))
        assert all(services.is_within(one, rule.period) for one in offered)


def test_each_choice_is_a_version_and_one_is_current(db):
    account, other = owned_account()[0], owned_account()[0]
    choose(other, "P7D")
    for number, period in enumerate(("P30D", "P0D", "P6M")):
        choose(account, period, now=NOW + timedelta(days=number))
    versions = ChosenPeriod.objects.filter(account=account.platform_account_id).order_by("chosen_at")
    assert [one.period for one in versions] == ["P30D", "P0D", "P6M"]
    assert [one.replaced_at is None for one in versions] == [False, False, True]
    assert services.chosen_periods(account)[CONTENT].period == "P6M"
    assert services.chosen_periods(other)[CONTENT].period == "P7D"
    with pytest.raises(IntegrityError), transaction.atomic():
        ChosenPeriod.objects.create(
            account=account.platform_account_id, rule=CONTENT, period="P1D", chosen_by="command", chosen_at=NOW
        )


def test_a_customer_that_leaves_may_choose_until_erasing_begins(db):
    departure = announced()
    assert choose(departure.account, "P0D")
    for status in (DepartureStatus.ERASING, DepartureStatus.ERASED):
        Departure.objects.update(status=status)
        with pytest.raises(DomainError, match="being erased"):
            choose(departure.account, "P6M")


def test_the_preview_counts_the_accounts_rows_that_would_go_and_changes_nothing(platform):
    rule = Rule.objects.current().get(key=CONTENT)

    def preview(account, period):
        return services.preview_period(account=account, rule=rule, period=period, now=NOW)

    def there(table, condition):
        query = f"SELECT count(*) FROM platform.{table} WHERE account_id = 1001 AND {condition}"
        return platform.rows(query)[0][0]

    before = platform.dump("1001")
    today = "created_at < '2026-11-23'"
    assert preview(platform.acme, "P0D") == {
        f"platform:{table}": there(table, today) for table in ("messages", "calls", "call_recordings", "emails")
    }
    month = "created_at < '2026-10-24'"
    assert preview(platform.acme, "P30D")["platform:messages"] == there("messages", month)
    assert 0 < there("messages", month) < there("messages", today)
    assert platform.dump("1001") == before
    assert not ChosenPeriod.objects.exists()


def test_what_is_due_anyway_counts_in_the_preview_too(platform):
    rule = Rule.objects.current().get(key=CONTENT)
    as_it_is = services.preview_period(account=platform.acme, rule=rule, period="P6M", now=NOW + timedelta(days=400))
    all_of_it = platform.rows("SELECT count(*) FROM platform.messages WHERE account_id = 1001")[0][0]
    assert as_it_is["platform:messages"] == all_of_it


def test_when_erasing_begins_the_system_chooses_nothing_for_all_that_only_has_a_limit(platform):
    departure = erasing(platform.acme)
    chosen = services.chosen_periods(departure.account)
    assert {one.period for one in chosen.values()} == {"P0D"}
    assert {one.chosen_by for one in chosen.values()} == {"system"}
    assert CONTENT in chosen
    kept = {rule.key for rule in Rule.objects.current() if rule.is_duty or rule.is_interest}
    assert kept.isdisjoint(chosen)
    assert {"service_account", "additional_services"}.isdisjoint(chosen)  # they have thirty days of their own
    assert not ChosenPeriod.objects.filter(account="1002").exists()
