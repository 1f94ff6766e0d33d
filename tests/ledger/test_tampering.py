"""The owner of the tables is refused too; who takes the trigger away is found out."""

from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command

from apps.ledger.models import Entry
from apps.ledger.services import record
from tests.template import connect

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def _entry() -> Entry:
    return record(actor="system", verb="notification.delivered", target="a.b:1", at=NOW)


@pytest.mark.threat("T53")
@pytest.mark.parametrize(
    "statement", ["UPDATE ledger_entry SET verb = 'x'", "DELETE FROM ledger_entry", "TRUNCATE ledger_entry"]
)
def test_the_trigger_refuses_even_the_owner(committed_db, statement):
    _entry()
    owner = connect(committed_db.owner_url)
    try:
        with pytest.raises(Exception, match="ledger entries are never changed"):
            owner.cursor().execute(statement)
    finally:
        owner.close()


@pytest.mark.threat("T53")
def test_verify_ledger_names_the_first_entry_that_was_tampered_with(committed_db, capsys):
    before = Entry.objects.count()
    _first, second, _third = _entry(), _entry(), _entry()
    call_command("verify_ledger")
    assert f"{before + 3} entries verified" in capsys.readouterr().out
    owner = connect(committed_db.owner_url)
    owner.cursor().execute("ALTER TABLE ledger_entry DISABLE TRIGGER append_only")
    owner.cursor().execute("UPDATE ledger_entry SET body = body || 'x' WHERE id = %s", [second.pk])
    owner.close()
    with pytest.raises(CommandError, match=f"Entry {second.pk} "):
        call_command("verify_ledger")
