"""Evidence can be added to and never changed, and it never holds a person's data."""

import hashlib
import json
import uuid
from datetime import UTC, date, datetime

import pytest
from django.db import DatabaseError, connection, transaction

from apps.ledger.models import Entry
from apps.ledger.services import NotEvidence, record, sentence

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def _entry(**facts: object) -> Entry:
    return record(actor="system", verb="notification.delivered", target="a.b:1", at=NOW, **facts)


@pytest.mark.req("DSR-6")
def test_an_entry_hashes_its_own_canonical_bytes():
    entry = Entry.objects.get(pk=_entry(template="x", count=3, on=date(2026, 1, 2)).pk)
    body = bytes(entry.body)
    assert bytes(entry.leaf) == hashlib.sha256(b"\x00" + body).digest()
    assert json.loads(body) == {
        "actor": "system",
        "at": "2026-11-23T12:00:00+00:00",
        "facts": {"count": 3, "on": "2026-01-02", "template": "x"},
        "target": "a.b:1",
        "verb": "notification.delivered",
    }


@pytest.mark.threat("T53")
@pytest.mark.parametrize(
    "statement",
    ["UPDATE ledger_entry SET verb = 'x'", "DELETE FROM ledger_entry", "TRUNCATE ledger_entry"],
)
def test_entries_are_never_changed_by_the_app(statement):
    _entry()
    before = list(Entry.objects.order_by("pk").values_list("pk", "verb"))
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert list(Entry.objects.order_by("pk").values_list("pk", "verb")) == before


@pytest.mark.threat("T57")
@pytest.mark.parametrize(
    "value",
    [
        "jan@example.com",
        "Jan Jansen",
        "+31612345678",
        "0612345678",
        "a sentence about somebody",
        1.5,
        b"bytes",
        ["fine", "not fine"],
        {"note": "free text here"},
        "x" * 200,
    ],
)
def test_a_fact_is_an_id_a_code_a_date_a_count_or_a_digest(value):
    with pytest.raises(NotEvidence):
        _entry(value=value)


@pytest.mark.parametrize(
    "value", [1, None, True, "PR-2026-000123", "tax", "a" * 64, uuid.uuid4(), {"rows": 3}, ["a", "b"], NOW]
)
def test_ids_codes_dates_counts_and_digests_are_facts(value):
    assert _entry(value=value).pk


def test_an_unknown_verb_and_an_unknown_kind_of_actor_fail():
    with pytest.raises(NotEvidence):
        record(actor="system", verb="nobody.registered_this", target="a.b:1", at=NOW)
    with pytest.raises(NotEvidence):
        record(actor="jan@example.com", verb="notification.delivered", target="a.b:1", at=NOW)


def test_a_sentence_is_rendered_late_and_lives_with_missing_facts():
    assert sentence(_entry(template="welcome")) == "The message welcome was delivered"
    assert sentence(_entry()) == "The message — was delivered"
