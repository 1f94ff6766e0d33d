"""What lint says of a set of rules beside a map, each kind of finding by an example of its own."""

from dataclasses import replace
from datetime import date
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.datamap.mapping import Collection, Condition, Field, Reference
from apps.retention import services
from apps.retention.comparing import is_longer
from apps.retention.lint import Category, Finding, lint, stated_categories
from apps.retention.models import Rule
from apps.retention.periods import Period
from tests.retention.factories import RuleFactory

pytestmark = pytest.mark.req("RET-1")

TAXONOMY = frozenset({"user", "user.name", "user.contact", "system.operations"})
MAIL = Collection(
    dataset="shop", name="mail", store="shop", schema=None, capacity="controller", clock="sent_at", retention=("mail",),
    fields=(Field(("id",), ("system.operations",), primary_key=True), Field(("address",), ("user.contact",)),
            Field(("sent_at",), ("system.operations",))),
)  # fmt: skip
RULE = {"key": "mail", "data_family": "content", "why": "so that it can be answered"}
BASE = RULE | {"max_period": "P18M"}
ABROAD = {
    "key": "mail_br", "data_family": "content", "region": "BR", "extends": "mail", "period": "P12M",
    "citation": "Lei 12.965/2014 art. 15", "reviewed_on": date(2026, 9, 1),
}  # fmt: skip


def found(*rules, collections=(MAIL,), stated=()):
    built = [RuleFactory.build(**rule) for rule in rules]
    return lint(built, collections, taxonomy=TAXONOMY, stated=stated)


def codes(*rules, **scene):
    return [(finding.code, finding.subject) for finding in found(*rules, **scene)]


def test_rules_that_fit_their_map_are_left_in_peace():
    assert codes(RULE, stated=[Category("content", "words")]) == []
    assert codes(BASE, ABROAD) == []


# --- gaps ---


def test_a_category_of_the_statement_without_a_limit_is_a_gap():
    stated = [Category("content", "words"), Category("account", "address"), Category("account", "name")]
    assert codes(RULE, stated=stated) == [
        ("category_without_limit", "account: address"), ("category_without_limit", "account: name"),
    ]  # fmt: skip
    keeps = {"key": "keeps", "data_family": "account", "is_limit": False, "interest": True}
    assert ("category_without_limit", "account: name") in codes(RULE, keeps, stated=stated)


def test_a_collection_that_no_rule_reaches_is_a_gap():
    orphan = replace(MAIL, name="orphan", retention=())
    assert codes(RULE, collections=[MAIL, orphan]) == [("collection_without_rule", "shop:orphan")]
    assert codes(RULE | {"collections": ["shop:orphan"]}, collections=[MAIL, orphan]) == []
    assert codes(RULE, collections=[MAIL, replace(orphan, skipped=True)]) == []
    impersonal = replace(orphan, fields=(Field(("id",), ("system.operations",)),))
    assert codes(RULE, collections=[MAIL, impersonal]) == []


def test_a_collection_with_only_interests_or_duties_is_a_gap():
    assert codes(RULE | {"is_limit": False, "interest": True}) == [("collection_without_limit", "shop:mail")]
    duty = {"is_limit": False, "duty": True, "citation": "AWR 52"}
    assert codes(RULE | duty) == [("collection_without_limit", "shop:mail")]


def test_limits_on_each_personal_column_leave_no_gap():
    address = replace(MAIL.fields[1], retention=("mail",))
    by_column = replace(MAIL, retention=(), fields=(MAIL.fields[0], address, MAIL.fields[2]))
    assert codes(RULE, collections=[by_column]) == []
    name = Field(("name",), ("user.name",))
    half = replace(by_column, fields=(*by_column.fields, name))
    assert codes(RULE, collections=[half]) == [("collection_without_rule", "shop:mail")]
    by_category = RULE | {"categories": ["user.contact"]}
    assert codes(by_category, collections=[replace(MAIL, retention=())]) == []


def test_a_row_that_goes_with_another_needs_a_limit_there():
    leads = Field(("mail_id",), ("system.operations",), references=(Reference("shop", "mail", ("id",), "from"),))
    part = replace(MAIL, name="part", retention=(), goes_with="mail_id", fields=(*MAIL.fields, leads))
    assert codes(RULE, collections=[MAIL, part]) == []
    assert codes(RULE, collections=[replace(MAIL, skipped=True), part])[0] == ("goes_with_nothing", "shop:part")
    circle = replace(MAIL, retention=(), goes_with="sent_at")
    assert ("goes_with_nothing", "shop:mail") in codes(RULE, collections=[circle])


# --- overlaps ---


def test_two_limits_on_the_same_rows_overlap():
    both = replace(MAIL, retention=("mail", "other"))
    other = RULE | {"key": "other", "period": "P1Y"}
    assert codes(RULE, other, collections=[both]) == [("overlap", "shop:mail")]
    for different in ({"starts_at": "closed"}, {"is_limit": False, "interest": True}):
        assert codes(RULE, other | different, collections=[both]) == []
    told_apart = replace(both, conditions=(Condition("other", "address", filled=True),))
    assert codes(RULE, other, collections=[told_apart]) == []


def test_deleting_and_making_anonymous_what_may_be_one_row_is_told():
    both = replace(MAIL, retention=("mail", "other"))
    masks = RULE | {"key": "other", "action": "anonymise"}
    [warning] = found(masks, RULE, collections=[both])
    assert (warning.code, warning.subject, warning.severity) == ("mixed_actions", "shop:mail", "warning")
    assert "“mail” deletes its rows, “other” makes them anonymous" in warning.message
    assert ("mixed_actions", "shop:mail") in codes(RULE | {"region": "eea"}, masks, collections=[both])
    assert codes(RULE, masks | {"is_limit": False, "interest": True}, collections=[both]) == []
    elsewhere = (RULE | {"region": "eea"}, masks | {"region": "outside"})
    assert "mixed_actions" not in [code for code, _subject in codes(*elsewhere, collections=[both])]
    told_apart = replace(both, conditions=(Condition("other", "address", filled=True),))
    assert codes(RULE, masks, collections=[told_apart]) == []


def test_two_limits_on_the_same_column_overlap():
    address = replace(MAIL.fields[1], retention=("mail", "other"))
    columns = replace(MAIL, fields=(address,), retention=())
    other = RULE | {"key": "other", "period": "P1Y"}
    assert codes(RULE, other, collections=[columns]) == [("overlap", "shop:mail.address")]


# --- grounds and names ---


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        ({"legal_basis": ""}, "no_ground"),
        ({"legal_basis": "habit"}, "no_ground"),
        ({"is_duty": True, "citation": "the law"}, "duty_uncited"),
        ({"is_duty": True, "citation": "52"}, "duty_uncited"),
        ({"is_interest": True, "why": " "}, "interest_unbalanced"),
        ({"categories": ["user.nam"]}, "unknown_category"),
        ({"collections": ["shop:mial"]}, "unknown_collection"),
        ({"region": "XX"}, "unknown_region"),
        ({"region": "Mars"}, "unknown_region"),
    ],
)
def test_a_rule_without_ground_or_with_an_unknown_name_is_an_error(broken, code):
    assert (code, "mail") in [(f.code, f.subject) for f in found(RULE | broken) if f.severity == "error"]


def test_the_nearest_right_name_is_told():
    [first] = [f for f in found(RULE | {"categories": ["user.nam"]}) if f.code == "unknown_category"]
    assert first.message == "The taxonomy has no category “user.nam”. Did you mean “user.name”?"


def test_a_map_that_names_a_rule_that_is_gone_is_an_error():
    assert ("unknown_rule", "shop:mail") in codes(RULE | {"key": "post"})


def test_what_is_merely_odd_is_a_warning():
    odd = found(RULE, {"key": "idle", "data_family": "content"})
    assert [(f.code, f.severity) for f in odd] == [("rule_reaches_nothing", "warning"), ("unexplained", "warning")]


# --- rules of one country ---


@pytest.mark.req("RET-2")
@pytest.mark.parametrize(
    ("broken", "code"),
    [
        ({"region": "NL"}, "country_in_the_eea"),
        ({"region": "no"}, "country_in_the_eea"),
        ({"region": "eea"}, "country_in_the_eea"),
        ({"region": "any"}, "country_without_country"),
        ({"citation": "the law"}, "country_uncited"),
        ({"reviewed_on": None}, "country_unreviewed"),
        ({"period": "P25M"}, "country_too_long"),
        ({"period": "P731D"}, "country_too_long"),
        ({"period": "P19M"}, "country_beyond_base"),
        ({"extends": ""}, "country_without_base"),
        ({"extends": "post"}, "country_without_base"),
        ({"starts_at": "closed"}, "country_differs"),
    ],
)
def test_a_rule_of_one_country_is_held_to_its_terms(broken, code):
    assert (code, "mail_br") in codes(BASE, ABROAD | broken)


def test_24_months_abroad_are_allowed_and_a_day_more_is_not():
    base = RULE | {"max_period": "P24M"}
    assert codes(base, ABROAD | {"period": "P24M"}) == []
    assert codes(base, ABROAD | {"period": "P24M1D"}) != []


def test_lengths_in_months_and_in_days_are_compared_by_calendar():
    assert is_longer(Period.parse("P31D"), Period.parse("P1M"))
    assert is_longer(Period.parse("P1M"), Period.parse("P30D"))
    assert not is_longer(Period.parse("P28D"), Period.parse("P1M"))
    assert not is_longer(Period.parse("P12M"), Period.parse("P1Y"))


# --- what holds now ---


def test_the_statement_names_43_kinds_of_data_in_five_families():
    stated = stated_categories()
    assert len(stated) == 43
    assert {one.family for one in stated} == {"account", "traffic", "content", "visitor", "enrichment"}


@pytest.mark.django_db
def test_each_category_of_the_statement_has_a_rule_in_the_schedule():
    rules = list(Rule.objects.current())
    found = lint(rules, [], taxonomy=TAXONOMY, stated=stated_categories())
    assert [str(finding) for finding in found if finding.severity == "error"] == []


@pytest.mark.django_db
def test_the_seed_and_the_map_that_holds_now_lint_clean_of_errors():
    call_command("datamap", "load", "apps/demo/datasets/platform.yml", verbosity=0, stdout=StringIO())
    assert [str(finding) for finding in services.lint_rules() if finding.severity == "error"] == []


@pytest.mark.django_db
def test_the_command_prints_findings_and_fails_on_errors_alone():
    Rule.objects.filter(key="web_visits").delete()
    out = StringIO()
    with pytest.raises(CommandError, match="errors") as failed:
        call_command("rules", "lint", stdout=out)
    assert failed.value.returncode == 1
    assert "error: visitor: cookie preferences: No limit covers data of the family" in out.getvalue()


def test_findings_read_as_a_line():
    assert str(Finding("tax", "no_ground", "Why?")) == "error: tax: Why? (no_ground)"
