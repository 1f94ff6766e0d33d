"""A change of a rule: what it would do is shown, what deletes more needs two people, no sweep under way feels it."""

from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction

from apps.core.errors import DomainError, InvalidInput
from apps.ledger.models import Entry
from apps.retention import services
from apps.retention.comparing import deleting_reasons
from apps.retention.models import Rule, RuleChange, Sweep
from apps.retention.rule_files import RuleFileErrors
from apps.retention.states import ChangeStatus, SweepStatus
from tests.retention.factories import RuleFactory

pytestmark = [pytest.mark.django_db, pytest.mark.threat("T52")]

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ADMIN, SECOND = (f"user:00000000-0000-4000-8000-00000000000{n}" for n in (1, 2))
KEY = "support_recordings"
COUNTRY = {
    "extends": KEY, "region": "BR", "period": "P120D", "max_period": "P120D", "citation": "Lei 12.965/2014 art. 15",
    "reviewed_on": "2026-09-01",
}  # fmt: skip


@pytest.fixture(autouse=True)
def base(db):
    """The rule that the tests change: 90 days, and room for up to 180."""
    call_command("datamap", "load", "apps/demo/datasets/platform.yml", verbosity=0, stdout=StringIO())
    Rule.objects.update(in_force_at=NOW - timedelta(days=100))
    Rule.objects.filter(key=KEY).update(period="P90D", max_period="P180D", version=4)


def content(**changes):
    return services.current_rules()[KEY].content | changes


def propose(key=KEY, base_version=4, said=None, actor=ADMIN, **changes):
    said = content(**changes) if said is None else said
    return services.propose_change(key=key, content=said, base_version=base_version, actor=actor, now=NOW)


def verbs(change):
    return [entry.verb for entry in Entry.objects.about(f"retention.rulechange:{change.pk}").order_by("id")]


# --- which changes delete more ---


@pytest.mark.parametrize(
    ("change", "reasons"),
    [
        ({"description": "calls", "why": "training", "max_period": "P200D", "source": "ours"}, []),
        ({"period": "P100D"}, []),
        ({"is_interest": True, "why": "quality"}, []),
        ({"is_duty": True, "citation": "AWR 52"}, []),
        ({"period": "P89D"}, ["shorter"]),
        ({"period": "P3M"}, ["shorter"]),  # 89 days from 1 February, 92 from 1 July
        ({"starts_at": "closed"}, ["starts"]),
        ({"action": "anonymise"}, ["action"]),
        ({"region": "eea"}, ["place"]),
        ({"collections": ["platform:calls"]}, ["place"]),
        ({"is_limit": False, "is_interest": True}, ["limit"]),
    ],
)
def test_only_what_surely_keeps_as_much_needs_no_second_person(change, reasons):
    before = Rule.objects.current().get(key=KEY)
    assert deleting_reasons(before, services.rule_from(KEY, 5, content(**change), now=NOW)) == reasons


def test_a_new_limit_an_ended_rule_and_an_ended_protection_delete_more():
    limit, duty = RuleFactory.build(), RuleFactory.build(duty=True)
    interest, country = RuleFactory.build(is_limit=False, interest=True), RuleFactory.build(extends="tax", region="BR")
    assert deleting_reasons(None, limit) == ["new_limit"]
    assert deleting_reasons(None, interest) == deleting_reasons(None, country) == []
    assert deleting_reasons(limit, None) == deleting_reasons(interest, None) == ["ends"]
    assert deleting_reasons(duty, limit) == ["protection_ends"]
    assert deleting_reasons(RuleFactory.build(interest=True), limit) == ["protection_ends"]


# --- four eyes ---


def test_what_keeps_more_is_in_force_at_once_as_a_new_version():
    change = propose(period="P120D")
    assert (change.status, change.deletes_more) == (ChangeStatus.PUBLISHED, False)
    old, new = Rule.objects.filter(key=KEY).order_by("version")
    assert (old.period, old.replaced_at, new.version, new.period) == ("P90D", NOW, 5, "P120D")
    assert verbs(change) == ["retention.rule_proposed", "retention.rule_published"]
    [entry] = Entry.objects.about(f"retention.rule:{KEY}")
    assert (entry.verb, entry.facts["version"], entry.facts["digest"]) == ("retention.rule_changed", 5, new.digest)


def test_what_deletes_more_waits_for_another_person():
    before = services.rules_version()
    change = propose(period="P30D")
    assert (change.status, change.deletes_more) == (ChangeStatus.PROPOSED, True)
    assert change.preview["reasons"][0] == "shorter"
    assert services.rules_version() == before
    with pytest.raises(DomainError, match="Somebody else") as refused:
        services.approve_change(change, actor=ADMIN, now=NOW)
    assert refused.value.code == "four_eyes"
    assert services.rules_version() == before
    approved = services.approve_change(change, actor=SECOND, now=NOW)
    assert (approved.status, approved.decided_by) == (ChangeStatus.PUBLISHED, SECOND)
    assert services.current_rules()[KEY].period == "P30D"


def test_the_database_too_refuses_one_pair_of_eyes():
    change = propose(period="P30D")
    published = {"status": ChangeStatus.PUBLISHED, "decided_at": NOW}
    with pytest.raises(IntegrityError, match="rule_change_needs_second_person"), transaction.atomic():
        RuleChange.objects.filter(pk=change.pk).update(decided_by=ADMIN, **published)


def test_another_person_declines_and_whoever_proposed_withdraws():
    change = propose(period="P30D")
    for verb, actor in ((services.decline_change, ADMIN), (services.withdraw_change, SECOND)):
        with pytest.raises(DomainError):
            verb(change, actor=actor, now=NOW)
    assert services.withdraw_change(change, actor=ADMIN, now=NOW).status == ChangeStatus.WITHDRAWN
    again = propose(period="P30D")
    assert services.decline_change(again, actor=SECOND, now=NOW).status == ChangeStatus.DECLINED
    assert services.current_rules()[KEY].version == 4


@pytest.mark.parametrize("done", [services.approve_change, services.decline_change])
@pytest.mark.parametrize("verb", [services.approve_change, services.decline_change])
def test_a_change_is_decided_once(done, verb):
    change = propose(period="P30D")
    done(change, actor=SECOND, now=NOW)
    with pytest.raises(DomainError) as refused:
        verb(change, actor=SECOND, now=NOW)
    assert refused.value.code == "decided"


def test_a_rule_has_one_open_change():
    propose(period="P30D")
    with pytest.raises(DomainError, match="waits") as refused:
        propose(period="P20D")
    assert refused.value.code == "open"


def test_a_change_of_a_rule_that_moved_on_is_refused():
    change = propose(period="P30D")
    services.import_rules(
        services.SCHEDULE.read_text("utf-8").replace("any,P90D,P90D", "any,P80D,P90D"), now=NOW, actor="command"
    )
    with pytest.raises(DomainError, match="meanwhile") as refused, transaction.atomic():
        services.approve_change(change, actor=SECOND, now=NOW)
    assert refused.value.code == "stale"
    change.refresh_from_db()
    assert change.status == ChangeStatus.PROPOSED
    assert services.current_rules()[KEY].period == "P80D"
    with pytest.raises(DomainError, match="meanwhile"):
        propose(period="P120D", base_version=4)


# --- new and ended rules ---


def test_a_new_rule_waits_and_an_ended_one_leaves_its_history():
    new = propose(key="calls_of_support", base_version=0, period="P30D")
    assert new.status == ChangeStatus.PROPOSED
    services.approve_change(new, actor=SECOND, now=NOW)
    ended = propose(key="calls_of_support", base_version=1, said={})
    assert ended.deletes_more
    services.approve_change(ended, actor=SECOND, now=NOW)
    assert "calls_of_support" not in services.current_rules()
    assert Rule.objects.filter(key="calls_of_support").count() == 1
    back = propose(key="calls_of_support", base_version=0, period="P60D")
    services.approve_change(back, actor=SECOND, now=NOW)
    assert services.current_rules()["calls_of_support"].version == 2


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"period": "three months"}, "period", "P6M"),
        ({"max_period": "P1D"}, "max_period", "shorter"),
        ({"is_limit": False}, "is_limit", "at least one"),
        ({"is_duty": True, "legal_basis": "legal_obligation", "citation": "the law"}, "citation", "article"),
        ({"is_interest": True, "why": ""}, "why", "balancing note"),
        ({"categories": ["user.nam"]}, "categories", "user.name"),
        ({"collections": ["platform:support_recording"]}, "collections", "platform:support_recordings"),
        ({"region": "Mars"}, "region", "two letters"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_beside_its_field(changes, field, said):
    with pytest.raises(InvalidInput, match=said) as refused:
        propose(**changes)
    assert refused.value.field == field
    assert not RuleChange.objects.exists()


@pytest.mark.req("RET-2")
@pytest.mark.parametrize(
    ("broken", "field"),
    [
        ({"region": "NL"}, "region"),
        ({"citation": "the law"}, "citation"),
        ({"reviewed_on": None}, "reviewed_on"),
        ({"period": "P181D", "max_period": "P181D"}, "period"),
        ({"extends": "nothing"}, "extends"),
    ],
)
def test_a_rule_of_one_country_is_held_to_its_terms(broken, field):
    with pytest.raises(InvalidInput) as refused:
        propose(key="support_br", base_version=0, **COUNTRY | broken)
    assert refused.value.field == field


@pytest.mark.req("RET-2")
def test_a_rule_of_one_country_that_keeps_more_is_in_force_at_once():
    assert propose(key="support_br", base_version=0, **COUNTRY).status == ChangeStatus.PUBLISHED
    rule = services.current_rules()["support_br"]
    assert (rule.reviewed_on, rule.version) == (date(2026, 9, 1), 1)


@pytest.mark.parametrize("key", ["", "Tax", "2nd", "-x", "new", "file", "a b", "a" * 61])
def test_a_key_is_an_address_and_a_code(key):
    with pytest.raises(InvalidInput) as refused:
        propose(key=key, base_version=0)
    assert refused.value.field == "key"


# --- sweeps under way ---


@pytest.mark.threat("T52")
def test_a_shorter_period_does_not_act_in_the_sweep_under_way():
    line = {"store": "platform", "collection": f"platform:{KEY}", "action": "delete", "columns": [], "rule": KEY,
            "version": 4, "total": 10, "count": 1, "oldest": None, "kept": [], "samples": []}  # fmt: skip
    sweep = Sweep.objects.create(
        hash="a" * 64, day=NOW.date(), rules_version=services.rules_version(), map_version="m", lines=[line],
        status=SweepStatus.RUNNING, made_by="system", made_at=NOW, started_at=NOW,
    )  # fmt: skip
    before = Sweep.objects.filter(pk=sweep.pk).values().get()
    services.approve_change(propose(period="P0D"), actor=SECOND, now=NOW)
    assert Sweep.objects.filter(pk=sweep.pk).values().get() == before
    assert sweep.rules_version != services.rules_version()  # so that no later one starts with what it had planned


# --- files ---


def test_a_file_proposes_each_rule_that_says_something_else():
    text = services.export_rules().replace("period: P90D", "period: P91D").replace("period: P13M", "period: P12M")
    assert [(seen.after.key, seen.reasons[:1]) for seen in services.preview_rule_file(text, now=NOW)] == [
        (KEY, []), ("web_visits", ["shorter"]),
    ]  # fmt: skip
    changes = services.propose_rule_file(text, actor=ADMIN, now=NOW)
    assert [(change.key, change.status) for change in changes] == [(KEY, "published"), ("web_visits", "proposed")]
    current = services.current_rules()
    assert (current[KEY].period, current["web_visits"].period) == ("P91D", "P13M")


def test_of_a_file_with_one_rule_that_cannot_be_nothing_is_proposed():
    text = services.export_rules().replace("period: P90D", "period: P91D").replace("key: web_visits", "key: Web")
    with pytest.raises(InvalidInput) as refused:
        services.propose_rule_file(text, actor=ADMIN, now=NOW)
    assert refused.value.field == "key"
    assert not RuleChange.objects.exists()
    with pytest.raises(RuleFileErrors):
        services.propose_rule_file(text.replace("P12M", "a year"), actor=ADMIN, now=NOW)


def test_evidence_of_a_change_holds_codes_and_no_words():
    change = propose(description="calls of Ms Miller", why="because she asked")
    told = "".join(str(entry.facts) for entry in Entry.objects.filter(verb__startswith="retention.rule_"))
    assert change.key in told
    assert "Miller" not in told
    assert "asked" not in told
