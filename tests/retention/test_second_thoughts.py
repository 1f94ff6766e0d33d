"""What changes between a plan and its run: it may make more rows stay, and never more go."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection

from apps.accounts.models import User
from apps.core import clock
from apps.core.identities import Identity, IdentityType
from apps.datamap.services import current_map
from apps.demo.sign_ins import create_sign_ins
from apps.retention import planning, services
from apps.retention.models import Rule, SweepTask
from apps.retention.states import Action, SweepStatus
from tests.retention.factories import RuleFactory

pytestmark = [pytest.mark.req("RET-1", "RET-4"), pytest.mark.threat("T52")]


@pytest.fixture
def platform(committed_db):
    call_command("datamap", "load", "apps/demo/datasets/platform.yml", verbosity=0)
    return clock.now()


def rows(sql, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def started(now):
    plan = services.make_plan(day=now.date(), now=now, actor="command")
    return services.start_sweep(plan.hash, actor="command", now=now)


def replaced(key, at, **changes):
    """A new version of a rule, in force at `at`."""
    rule = Rule.objects.current().get(key=key)
    Rule.objects.filter(pk=rule.pk).update(replaced_at=at)
    for name, value in {"pk": None, "version": rule.version + 1, "in_force_at": at, **changes}.items():
        setattr(rule, name, value)
    rule._state.adding = True
    rule.save()


MESSAGES = "SELECT count(*) FROM platform.messages"


def test_a_rule_that_was_lengthened_after_the_start_protects_at_once(platform):
    sweep = started(platform)
    before = rows(MESSAGES)
    replaced("communications_content", platform + timedelta(seconds=1), period="P24M", max_period="P24M")
    done = services.run_sweep(sweep, tick=lambda: platform + timedelta(minutes=1))
    assert done.status == SweepStatus.DONE
    assert rows(MESSAGES) == before
    assert SweepTask.objects.get(sweep=sweep, collection="platform:messages").done == 0


def test_a_duty_that_ended_after_the_start_still_keeps_in_this_sweep(platform):
    RuleFactory(
        key="archive", is_limit=False, duty=True, period="P90Y", max_period="P90Y", in_force_at=platform,
        collections=["platform:support_recordings"],
    )  # fmt: skip
    sweep = started(platform + timedelta(seconds=1))
    assert not SweepTask.objects.filter(sweep=sweep, collection="platform:support_recordings").exists()
    rules = list(Rule.objects.in_force(at=sweep.made_at))
    Rule.objects.filter(key="archive").update(replaced_at=platform + timedelta(seconds=2))
    order = planning.order_for(
        "platform:support_recordings", "delete", (), rules, day=platform.date(), choices=planning.current_choices(),
        today=list(Rule.objects.current()),
    )  # fmt: skip
    with planning.reading() as read:
        [surveyed] = read.survey([order])
    assert [(one.count, one.kept[0].ground) for one in surveyed.counted if one.kept] == [(0, "archive")]


def test_far_more_rows_than_were_planned_are_not_taken(platform):
    rows(
        "INSERT INTO platform.support_recordings (account_id, enquiry, storage_key, duration_seconds, created_at) "
        "SELECT account_id, 'e', 'k', 1, now() FROM platform.support_recordings, generate_series(1, 200) RETURNING 1"
    )
    sweep = started(platform)
    rows("UPDATE platform.support_recordings SET created_at = '2020-01-01' RETURNING 1")  # a bad import
    later = platform + timedelta(hours=1)
    done = services.run_sweep(sweep, tick=lambda: later)
    task = SweepTask.objects.get(sweep=sweep, collection="platform:support_recordings")
    assert (task.done, task.error_code) == (0, "sweep_grown")
    assert done.status == SweepStatus.INCOMPLETE


def test_a_plan_of_last_week_is_refused(platform):
    plan = services.make_plan(day=platform.date(), now=platform, actor="command")
    with pytest.raises(services.SweepRefused) as refused:
        services.start_sweep(plan.hash, actor="command", now=platform + timedelta(days=8))
    assert refused.value.code == "sweep_old"


def test_rows_that_only_an_anonymising_rule_reaches_are_not_deleted(platform):
    RuleFactory(
        key="abroad", region="other", period="P1M", max_period="P1M", action=Action.ANONYMISE, in_force_at=platform,
        collections=["platform:messages"],
    )  # fmt: skip
    Rule.objects.filter(key="communications_content").update(region="EEA")
    abroad = rows(f"{MESSAGES} WHERE region = 'other'")
    lines = planning.survey(list(Rule.objects.current()), day=platform.date())
    found = {(line["action"], line["rule"]) for line in lines if line["collection"] == "platform:messages"}
    assert ("delete", "abroad") not in found
    assert ("anonymise", "abroad") in found
    services.run_sweep(started(platform + timedelta(seconds=1)), tick=lambda: platform + timedelta(minutes=1))
    assert rows(f"{MESSAGES} WHERE region = 'other'") == abroad
    assert rows(f"{MESSAGES} WHERE region = 'other' AND body IS NULL")[0][0] > 0


@pytest.mark.threat("T44")
def test_a_hold_on_some_collections_keeps_what_leads_to_them_too(platform):
    create_sign_ins(now=platform)
    officer = User.objects.get(email="officer1@portal.example")
    held = rows(
        "SELECT c.recipient, array_agg(r.id ORDER BY r.id) FROM platform.call_recordings r "
        "JOIN platform.calls c ON c.id = r.call_id WHERE r.created_at < now() - interval '190 days' "
        "GROUP BY 1 ORDER BY count(*) DESC LIMIT 1"
    )
    number, recordings = held[0]
    scope = services.HoldScope(
        identities=(Identity(IdentityType.PHONE_NUMBER, number),), collections=("platform:call_recordings",)
    )
    services.place_hold(
        scope=scope, reason="litigation", words="A claim.", owner=officer, by=officer, now=platform,
        review_on=(platform + timedelta(days=30)).date(),
    )  # fmt: skip
    sweep = services.run_sweep(started(platform), tick=lambda: platform)
    assert sweep.status == SweepStatus.DONE
    left = rows("SELECT id FROM platform.call_recordings WHERE id = ANY(%s) ORDER BY 1", recordings)
    assert [one for (one,) in left] == recordings


def test_no_key_that_says_something_of_a_person_stands_in_a_plan(platform):
    lines = planning.survey(list(Rule.objects.current()), day=platform.date() + timedelta(days=4_000))
    shown = {line["collection"] for line in lines if line["samples"]}
    assert "platform:messages" in shown
    assert not any(current_map().collections[key].store == "portal" for key in shown)
