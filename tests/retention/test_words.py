"""What a person reads about data that stays."""

from datetime import UTC, date, datetime

import pytest

from apps.retention import services
from apps.retention.models import Rule
from apps.retention.periods import Event, Period
from apps.retention.words import period_in_words
from tests.retention.factories import RuleFactory

pytestmark = [pytest.mark.django_db, pytest.mark.req("DSR-5")]

NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture(autouse=True)
def schedule(db):
    Rule.objects.all().delete()
    services.seed_rules(now=NOW)


def test_a_duty_is_told_as_law_with_its_act_and_article_and_its_day():
    words = services.describe_ground("tax", "duty", date(2035, 12, 31), "en")
    assert words.startswith("Required by law: tax records. See AWR 52 (7 years)")
    assert words.endswith("Kept until 31 December 2035.")


@pytest.mark.parametrize(
    "key", ["abuse_traffic", "number_rental", "consent_proof", "dsr_confirmation", "security_logs"]
)
def test_an_interest_is_told_as_one_and_open_to_objection_never_as_the_law(key):
    words = services.describe_ground(key, "interest", "2027-05-23", "en")
    assert words.startswith("Not required by law: kept in our own interest, for ")
    assert "can object" in words
    assert Rule.objects.current().get(key=key).why not in words


@pytest.mark.parametrize("kind", ["hold", "open_request", "shared", "referenced", "read_only", "interest", None])
def test_only_a_duty_is_required_by_law(kind):
    assert "Required by law" not in services.describe_ground("tax", kind, date(2035, 12, 31), "en")
    assert "Required by law" not in services.describe_ground("abuse_traffic", "duty", date(2035, 12, 31), "en")


def test_a_hold_says_neither_its_reason_nor_its_end():
    words = {
        services.describe_ground(ground, "hold", until, "en")
        for ground in ("order-7", "tax")
        for until in (None, NOW.date())
    }
    assert words == {"This cannot be erased yet."}


@pytest.mark.req("RET-2")
def test_a_period_that_has_not_started_has_no_date():
    RuleFactory(key="ours", interest=True, period="P30D", starts_at=Event.SERVICE_END)
    assert services.describe_ground("ours", "interest", None, "en").endswith(
        "Kept until 30 days after the service ends."
    )
    assert services.describe_ground("number_rental", "interest", None, "en").endswith(
        "Kept until 6 months after the number is handed back."
    )


def test_rows_with_different_last_days_are_told_as_a_span():
    words = services.describe_ground("tax", "duty", "2033-12-31", "en", until_latest="2035-12-31")
    assert "2033" in words
    assert "2035 at the latest, depending on the record" in words


@pytest.mark.parametrize("event", Event)
@pytest.mark.parametrize("period", ["P0D", "P30D", "P1Y"])
def test_every_event_can_be_told_with_every_period(event, period):
    rule = RuleFactory.build(key="any", interest=True, starts_at=event, period=period)
    assert "%" not in services.describe_ground("any", "interest", None, "en", rules={"any": rule})


def test_many_grounds_are_told_without_a_query_each(django_assert_num_queries):
    rules = services.current_rules()
    with django_assert_num_queries(0):
        for key in rules:
            services.describe_ground(key, "interest", NOW.date(), "en", rules=rules)


@pytest.mark.parametrize(
    ("period", "words"),
    [
        ("P10Y", "10 years"),
        ("P13M", "13 months"),
        ("P1M", "1 month"),
        ("P1Y6M3D", "18 months 3 days"),
        ("P0D", "0 days"),
    ],
)
def test_periods_are_told_in_words(period, words):
    assert period_in_words(Period.parse(period)) == words
