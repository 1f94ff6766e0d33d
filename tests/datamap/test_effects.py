"""One effect, whatever happens to the process; and no erasure that a hold, placed in time, would have stopped."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from django.core.management import call_command
from django.db import connection, transaction

from apps.datamap import effects, guards, services
from apps.datamap.guards import Keep
from apps.datamap.services import PlanStale
from apps.ledger.models import Entry
from tests.datamap.conftest import Shop
from tests.datamap.people import carry_out, keeping, make_plan

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _guarded() -> Iterator[None]:
    with keeping():
        yield


@pytest.fixture
def shop(shop: Shop) -> Shop:
    shop.sql("UPDATE shop.people SET referred_by = NULL")
    return shop


def run(shop: Shop, *arguments: str) -> subprocess.CompletedProcess[str]:
    urls = {"DATABASE_URL": shop.clone.app_url, "DATABASE_OWNER_URL": shop.clone.owner_url}
    environment = os.environ | urls | {"PLATFORM_DATABASE_URL": shop.clone.app_url}
    command = [sys.executable, "-m", "tests.datamap.killed", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.threat("T47", "T54")
@pytest.mark.parametrize(
    ("point", "is_done"),
    [("before the store commits", False), ("after the store committed", True), ("after the portal committed", True)],
)
def test_killed_at_any_commit_there_is_one_effect_with_true_counts(
    shop: Shop, capsys: Any, point: str, is_done: bool
) -> None:
    plan = make_plan(datasets=("shop",))
    killed = run(shop, point, plan.hash)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert shop.rows("SELECT count(*) FROM shop.portal_effects") == [(int(is_done),)]
    assert shop.rows("SELECT count(*) FROM shop.messages WHERE account_id = 1001") == [(1 if is_done else 4,)]
    call_command("datamap", "erase", "--plan", plan.hash, "--json")
    done = json.loads(capsys.readouterr().out)["stores"]["platform"]
    assert done["replayed"] == is_done
    assert done["counts"]["shop:messages"] == {"erased": 3, "anonymised": 0, "kept": 0, "newer": 0}
    assert shop.rows("SELECT count(*) FROM shop.portal_effects") == [(1,)]
    (entry,) = Entry.objects.filter(verb="erasure.executed")
    assert entry.facts["erased"] == sum(one["erased"] for one in done["counts"].values())


@pytest.mark.threat("T44")
def test_a_hold_placed_while_an_erasure_waits_stops_it(shop: Shop) -> None:
    holds: list[str] = []

    def hold(store: str, collection: Any, now: Any) -> list[Keep]:
        return [Keep(sa.true(), "case 7", "hold")] if collection.name in holds else []

    with keeping(hold=hold):
        plan = make_plan(datasets=("shop",))
        outcome: list[Any] = []

        def erase() -> None:
            try:
                outcome.append(carry_out(plan))
            except PlanStale as stale:
                outcome.append(stale.code)
            finally:
                connection.close()

        with transaction.atomic():
            guards.take_hold_lock()
            thread = threading.Thread(target=erase)
            thread.start()
            thread.join(0.5)
            assert outcome == []  # it waits for the hold
            holds.append("messages")
        thread.join(20)
    assert outcome == ["plan_fate_changed"]
    assert shop.rows("SELECT count(*) FROM shop.messages WHERE account_id = 1001") == [(4,)]


def test_a_hold_waits_for_the_erasure_in_flight(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = make_plan(datasets=("shop",))
    real, seen = effects.carry_out, []

    def carry_out_and_look(*arguments: Any) -> None:
        real(*arguments)
        seen.append(shop.rows("SELECT pg_try_advisory_lock(%s)", guards.HOLD)[0][0])

    monkeypatch.setattr(effects, "carry_out", carry_out_and_look)
    carry_out(plan)
    assert seen == [False]
    assert shop.rows("SELECT pg_try_advisory_lock(%s)", guards.HOLD) == [(True,)]


@pytest.mark.parametrize(
    ("meanwhile", "erased"),
    [
        ("UPDATE shop.messages SET body = 'edited' WHERE id = 1 AND account_id = 1001", 3),
        ("DELETE FROM shop.messages WHERE id = 1 AND account_id = 1001", 2),
        ("UPDATE shop.messages SET recipient = '+15550009' WHERE id = 1 AND account_id = 1001", 2),
        ("UPDATE shop.messages SET account_id = 1002 WHERE id = 3", 2),
    ],
)
def test_a_row_that_changes_between_the_look_and_the_deed_is_looked_at_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, meanwhile: str, erased: int
) -> None:
    plan = make_plan(datasets=("shop",))
    real, calls = effects.carry_out, []

    def disturbed(*arguments: Any) -> None:
        calls.append(1)
        if len(calls) == 1:
            shop.sql(meanwhile)
        real(*arguments)

    monkeypatch.setattr(effects, "carry_out", disturbed)
    assert carry_out(plan).counts["shop:messages"]["erased"] == erased
    assert len(calls) == 2
    assert (1001, 4) in shop.rows("SELECT account_id, id FROM shop.messages")


def test_a_row_that_comes_to_be_referenced_meanwhile_is_not_taken_away(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = make_plan(datasets=("shop",))
    real, calls = effects.carry_out, []

    def disturbed(*arguments: Any) -> None:
        calls.append(1)
        if len(calls) == 1:
            shop.sql("UPDATE shop.people SET referred_by = 10 WHERE id = 11")
        real(*arguments)

    monkeypatch.setattr(effects, "carry_out", disturbed)
    with pytest.raises(PlanStale):
        carry_out(plan)
    assert shop.rows("SELECT count(*) FROM shop.people WHERE account_id = 1001") == [(3,)]
    assert shop.rows("SELECT count(*) FROM shop.messages WHERE account_id = 1001") == [(4,)]  # never half done


def test_what_the_store_says_in_its_errors_reaches_nobody(shop: Shop) -> None:
    plan = make_plan(datasets=("shop",))
    shop.sql("""CREATE FUNCTION shop.loud() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE 'cannot delete %', OLD.email; END $$""")
    shop.sql("CREATE TRIGGER loud BEFORE DELETE ON shop.logins FOR EACH ROW EXECUTE FUNCTION shop.loud()")
    with pytest.raises(services.StoreUnavailable) as caught:
        carry_out(plan)
    assert "ann@example.org" not in str(caught.value)
    assert caught.value.__suppress_context__
    assert shop.rows("SELECT count(*) FROM shop.messages WHERE account_id = 1001") == [(4,)]
