"""Retention rules as data: versions, constraints, and the schedule they come from."""

from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, transaction

from apps.core.errors import InvalidInput
from apps.ledger.models import Entry
from apps.retention import services
from apps.retention.models import Rule
from apps.retention.states import Kind
from tests.retention.factories import RuleFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SCHEDULE = services.SCHEDULE.read_text(encoding="utf-8")


@pytest.fixture
def no_rules():
    Rule.objects.all().delete()


def imported(schedule, **options):
    return services.import_rules(schedule, now=NOW, actor="command", **options)


@pytest.mark.req("RET-1")
def test_the_schedule_of_the_statement_loads_whole(no_rules):
    assert services.seed_rules(now=NOW) == services.Imported(added=22, changed=0, unchanged=0)
    rules = services.current_rules()
    assert rules["abuse_traffic"].kinds == {Kind.LIMIT, Kind.INTEREST}
    assert rules["tax"].kinds == {Kind.LIMIT, Kind.DUTY}
    assert rules["tax"].citation.startswith("AWR 52 (7 years), Implementing Regulation (EU) 282/2011 art. 63c")
    assert rules["communications_content"].kinds == {Kind.LIMIT}


def test_seeding_again_changes_nothing_and_writes_no_evidence(no_rules):
    services.seed_rules(now=NOW)
    version, entries = services.rules_version(), Entry.objects.count()
    assert services.seed_rules(now=NOW) == services.Imported(added=0, changed=0, unchanged=22)
    assert (services.rules_version(), Entry.objects.count()) == (version, entries)


def test_seeding_leaves_a_rule_that_people_changed(no_rules):
    services.seed_rules(now=NOW)
    imported(SCHEDULE.replace("web_visits,visitor", "web_visits,site"))
    services.seed_rules(now=NOW)
    assert services.current_rules()["web_visits"].data_family == "site"


def test_a_changed_rule_is_a_new_version_beside_the_old_one(no_rules):
    imported(SCHEDULE)
    before = services.rules_version()
    assert imported(SCHEDULE.replace("any,P90D,P90D", "any,P30D,P90D")).changed == 1
    old, new = Rule.objects.filter(key="support_recordings").order_by("version")
    assert (old.version, old.period, old.replaced_at) == (1, "P90D", NOW)
    assert (new.version, new.period, new.replaced_at) == (2, "P30D", None)
    assert services.rules_version() != before


def test_an_import_leaves_one_ledger_line_with_counts_and_the_digest_of_the_rules(no_rules):
    imported(SCHEDULE)
    entry = Entry.objects.filter(verb="retention.rules_imported").latest("pk")
    assert entry.facts == {"added": 22, "changed": 0, "version": services.rules_version()}


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("any,P10Y,P10Y,book_year_end", "any,10 years,P10Y,book_year_end", "period"),
        ("any,P90D,P90D", "any,P90D,P30D", "max_period"),
        ("delete,limit+duty", "delete,limit+habit", "habit"),
        ("P10Y,book_year_end", "P10Y,full_moon", "starts_at"),
        (
            '"up to 10 years: AWR 52 (7 years), Implementing Regulation (EU) 282/2011 art. 63c (10 years)"',
            "the law",
            "citation",
        ),
        ("web_visits,", "packages,", "key"),
        ("key,data_family", "key,family", "data_family"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_with_its_line_and_nothing_is_loaded(no_rules, right, wrong, said):
    assert right in SCHEDULE
    with pytest.raises(InvalidInput, match=rf"Line \d+: .*{said}"):
        imported(SCHEDULE.replace(right, wrong))
    assert not Rule.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"period": "6 months"},
        {"max_period": "PT1H"},
        {"starts_at": "some_day"},
        {"is_limit": False},
        {"duty": True, "citation": ""},
        {"duty": True, "legal_basis": "legitimate_interest"},
        {"interest": True, "why": ""},
    ],
)
def test_the_database_refuses_a_rule_that_cannot_be(wrong):
    with pytest.raises(IntegrityError), transaction.atomic():
        RuleFactory(**wrong)


def test_a_key_has_exactly_one_current_version():
    RuleFactory(key="twice", version=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        RuleFactory(key="twice", version=2)
    RuleFactory(key="twice", version=3, replaced_at=NOW)
