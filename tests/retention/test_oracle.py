"""A sweep against an oracle: what the specification says row by row in Python is what is there afterwards, exactly.

Days, holds, chosen periods, departures and a country rule are drawn at random; the sweeps follow one another on the
same platform, for years. `PORTAL_RELIABILITY=full` walks ten times as many platforms.
"""

import os
import random
import time
from collections import Counter
from datetime import datetime, timedelta

import pytest
from dateutil.relativedelta import relativedelta

from apps.core import clock
from apps.core.identities import Identity, IdentityType
from apps.retention import services
from apps.retention.models import Rule
from apps.retention.protection import current_choices
from apps.retention.services import HoldScope
from apps.retention.states import SweepStatus
from tests.retention.factories import RuleFactory
from tests.retention.oracle import ANONYMOUS, Held, Judge, World
from tests.subject_requests.factories import AccountFactory

pytestmark = [pytest.mark.req("RET-1", "RET-2", "RET-3", "RET-4"), pytest.mark.threat("T44")]
PLATFORMS = 10 if os.environ.get("PORTAL_RELIABILITY") == "full" else 1
AHEAD = [relativedelta(months=2), relativedelta(months=8), relativedelta(years=3), relativedelta(years=9)]
CONTENT = ("messages", "calls", "emails", "call_recordings")


class Years:
    """Days that follow one another, each with what people decide on it."""

    def __init__(self, platform, chance):
        self.platform, self.chance, self.held = platform, chance, []
        self.at = clock.now() - timedelta(days=chance.randrange(120, 400))
        Rule.objects.update(in_force_at=self.at - timedelta(days=1))
        RuleFactory(key="content_br", extends="communications_content", region="BR", period="P12M", citation="MCI 15",
                    max_period="P24M", action="delete", in_force_at=self.at - timedelta(days=1))  # fmt: skip
        self.officer = platform.officers[0]
        self.accounts = [
            platform.acme, platform.globex,
            *(AccountFactory(platform_account_id=str(number)) for (number,) in
              platform.rows("SELECT id FROM platform.accounts WHERE id > 1002 ORDER BY id")),
        ]  # fmt: skip

    def pass_on(self):
        """To the last day of some row, or to the one after it; a few months or years ahead."""
        judge = Judge(World(self.platform), self.at.date(), list(Rule.objects.current()), current_choices(), [])
        horizon = self.at.date() + self.chance.choice(AHEAD)
        ends = {fate.until for one in judge.world.collections for _, fate in judge.fates(one) if fate.until}
        day = self.chance.choice(sorted(end for end in ends if self.at.date() < end <= horizon) or [horizon])
        self.at = datetime.combine(day + timedelta(days=self.chance.randrange(2)), self.at.timetz())

    def decide(self):
        """A hold or two, lifted holds, a shorter period, a customer that leaves."""
        while self.held and self.chance.random() < 0.5:
            hold, _ = self.held.pop(0)
            services.lift_hold(hold, why="settled", by=self.officer, now=self.at)
        for _ in range(self.chance.randrange(1, 3)):
            self.place(self.scope())
        if self.chance.random() < 0.7:
            period = self.chance.choice(("P0D", "P7D", "P30D", "P2M", "P5M"))
            services.choose_period(account=self.chance.choice(self.accounts), rule="communications_content",
                                   period=period, by="system", now=self.at)  # fmt: skip
        if self.accounts and self.chance.random() < 0.6:
            leaving = self.accounts.pop(self.chance.randrange(len(self.accounts)))
            services.announce_departure(
                account=leaving, choice="delete", by="system", now=self.at,
                service_ends_on=self.at.date() + timedelta(days=self.chance.randrange(60)),
            )  # fmt: skip

    def scope(self):
        """About an account, a person, kinds of data, a period: one of these, or several at once."""
        account = self.chance.choice([number for (number,) in self.platform.rows("SELECT id FROM platform.accounts")])
        collections = tuple(f"platform:{name}" for name in self.chance.sample(CONTENT, 2))
        first = self.at.date() - timedelta(days=self.chance.randrange(100, 900))
        return self.chance.choice([
            HoldScope(account=str(account)),
            HoldScope((self.person(),)),
            HoldScope((self.person(),), account=str(account)),
            HoldScope(account=str(account), from_on=first, until_on=first + timedelta(days=200)),
            HoldScope(collections=collections, from_on=first, until_on=first + timedelta(days=90)),
            HoldScope(collections=("platform:web_visits",), until_on=first),
        ])  # fmt: skip

    def person(self):
        table = self.chance.choice(("contacts", "account_holders", "leads"))
        known = self.platform.rows(f"SELECT phone_number FROM platform.{table} WHERE phone_number <> '' ORDER BY 1")
        value = self.chance.choice(known)[0] if known else self.platform.phone
        return Identity(IdentityType.PHONE_NUMBER, value)

    def place(self, scope):
        hold = services.place_hold(
            scope=scope, reason="litigation", words="w", owner=self.officer, by=self.officer, now=self.at,
            review_on=(self.at + timedelta(days=30)).date(),
        )  # fmt: skip
        self.held.append((hold, Held(scope)))

    def sweep(self):
        plan = services.make_plan(day=self.at.date(), now=self.at, actor="command")
        if plan.status == SweepStatus.WAITING:
            plan = services.approve_plan(plan, by="command", now=self.at)
        return services.run_sweep(services.start_sweep(plan.hash, actor="command", now=self.at), tick=lambda: self.at)


@pytest.mark.parametrize("number", range(PLATFORMS))
def test_what_is_left_is_what_the_specification_leaves_row_by_row(platform, number):
    seed = int(os.environ.get("PORTAL_SEED") or time.time_ns() % 10**9) + number
    print(f"\nPORTAL_SEED={seed}")
    years, outcomes = Years(platform, random.Random(seed)), Counter()
    for step in range(4 if PLATFORMS == 1 else 8):
        years.pass_on()
        years.decide()
        before = World(platform)
        expected = before.after(
            years.at.date(), Rule.objects.current(), current_choices(), [scope for _, scope in years.held]
        )
        run = years.sweep()
        assert run.status == SweepStatus.DONE, list(run.tasks.values("collection", "status", "error_code"))
        after = World(platform).rows
        for name, rows in expected.items():
            why = f"seed {seed}, step {step}, {years.at:%Y-%m-%d}, {name}"
            assert set(after[name]) == set(rows), f"{why}: {different(set(after[name]), set(rows))}"
            assert after[name] == rows, f"{why}: {[one for one in rows if after[name][one] != rows[one]][:3]}"
            outcomes[f"{name} gone"] += len(before.rows[name]) - len(rows)
            outcomes["emptied"] += sum(before.rows[name][one] != rows[one] for one in rows)
        for task in run.tasks.filter(collection__startswith="platform:"):
            rows_before, rows = (one[task.collection.partition(":")[2]] for one in (before.rows, after))
            gone = len(rows_before) - len(rows)
            assert task.done == (gone if task.action == "delete" else emptied(task, rows_before, rows)), (seed, task)
    print(dict(outcomes))
    assert sum(outcomes.values()) > 100  # else nothing was proved
    assert outcomes["emptied"] > 0


def emptied(task, before, after):
    """Rows that lost something of what the task takes away."""
    columns = task.columns or ANONYMOUS
    return sum(any(before[one][column] != values[column] for column in columns) for one, values in after.items())


def different(found, wanted):
    return f"went early {sorted(wanted - found)[:3]}, stays too long {sorted(found - wanted)[:3]}"
