"""`manage.py sweep`, as people and cron call it: what it prints, and how it ends."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.retention.models import Sweep
from apps.retention.states import SweepStatus

pytestmark = [pytest.mark.req("RET-1", "RET-3")]


@pytest.fixture
def platform(committed_db):
    call_command("datamap", "load", "apps/demo/datasets/platform.yml", verbosity=0)


def told(*arguments):
    out = StringIO()
    call_command("sweep", *arguments, stdout=out, no_color=True)
    return out.getvalue()


def test_the_same_plan_is_printed_byte_by_byte_and_its_hash_runs_it(platform):
    plan = told("--plan", "--json")
    assert told("--plan", "--json") == plan
    document = json.loads(plan)
    words = told("--plan")
    assert words.splitlines()[-1].endswith(f"manage.py sweep --run {document['hash']}")
    assert "communications_content" in words
    report = json.loads(told("--run", document["hash"], "--json"))
    assert (report["status"], report["done"]) == ("done", document["rows"])
    assert "Done" in told("--run", document["hash"]), "run again, it says what was done and does nothing"
    assert Sweep.objects.get(hash=document["hash"]).status == SweepStatus.DONE


def test_a_rule_alone_takes_only_what_it_decides(platform):
    document = json.loads(told("--plan", "--json", "--rule", "support_recordings"))
    assert {line["rule"] for line in document["lines"]} == {"support_recordings"}
    with pytest.raises(CommandError, match="There is no retention rule"):
        told("--plan", "--rule", "nonsense")


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (["--run", "0" * 64], 1, "There is no plan with this hash."),
        (["--run", "0" * 64, "--at", "2026-01-01"], 2, "--at and --rule go with --plan."),
    ],
)
def test_what_can_not_be_run_says_why_in_one_line(platform, arguments, code, reason):
    with pytest.raises(CommandError) as refused:
        told(*arguments)
    assert (refused.value.returncode, str(refused.value)) == (code, reason)


def test_cron_plans_and_runs_in_one_go_and_finds_nothing_a_second_time(platform):
    assert "Done" in told("--nightly")
    last = told("--nightly").splitlines()[-1].split()
    assert last[:2] == ["all", "0"]


def test_paused_sweeps_stand_still_until_they_are_resumed(platform):
    assert told("--pause") == "Sweeps are paused.\n"
    assert told("--pause") == "Sweeps were paused already.\n"
    with pytest.raises(CommandError, match="paused"):
        told("--nightly")
    assert told("--resume") == "Sweeps are going on.\n"
    assert "Done" in told("--nightly")
