"""`manage.py seed`: reference data, again and again without harm."""

import pytest
from django.core.management import CommandError, call_command

from apps.ledger.models import Entry
from apps.retention.models import Rule
from apps.retention.services import current_rules


@pytest.fixture
def empty(db):
    Rule.objects.all().delete()


def test_seed_loads_the_rules_and_says_how_many(empty, capsys):
    call_command("seed")
    assert "retention rules: 22 added, 0 changed, 0 unchanged" in capsys.readouterr().out
    assert set(current_rules()) >= {"tax", "abuse_traffic", "communications_content"}


def test_seeding_twice_changes_nothing(empty, capsys):
    call_command("seed")
    before = (list(Rule.objects.values()), Entry.objects.count())
    call_command("seed")
    assert (list(Rule.objects.values()), Entry.objects.count()) == before
    assert "0 added, 0 changed, 22 unchanged" in capsys.readouterr().out


def test_a_schedule_that_cannot_be_stops_everything_with_its_line(empty, monkeypatch, tmp_path):
    broken = tmp_path / "schedule.csv"
    broken.write_text("key,kind\ntax,habit\n", encoding="utf-8")
    monkeypatch.setattr("apps.retention.services.rules.SCHEDULE", broken)
    with pytest.raises(CommandError, match="retention rules: Line 2"):
        call_command("seed")
    assert not Rule.objects.exists()
