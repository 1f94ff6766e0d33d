"""A customer leaves, day by day: announced, read-only, swept night after night, searched again, certified."""

from datetime import timedelta

import pytest
from dateutil.relativedelta import relativedelta

from apps.core import clock
from apps.retention import services, tasks
from apps.retention.models import Departure
from apps.retention.states import DepartureStatus, SweepStatus
from tests.retention.leaving import announced, opened, rows_in

pytestmark = pytest.mark.req("RET-1", "RET-2", "RET-3")
TABLES = (
    *("accounts", "account_holders", "call_recordings", "calls", "contacts", "emails", "enrichment_profiles"),
    *("invoice_lines", "invoices", "leads", "messages", "numbers", "payment_methods", "support_recordings"),
    *("traffic_records", "web_visits"),
)


class Days:
    """The days of a departure, each with what its clock and its night do."""

    def __init__(self, platform, time_machine):
        self.platform, self.time_machine, self.start = platform, time_machine, clock.now()

    def at(self, day):
        return self.start + timedelta(days=day)

    def pass_to(self, day):
        """The hours of that day, and its night in between."""
        at = self.at(day)
        self.time_machine.move_to(at)
        tasks.move_departures()
        plan = services.make_plan(day=at.date(), now=at, actor="command")
        if plan.status == SweepStatus.WAITING:  # for a person, because so many days have passed at once
            plan = services.approve_plan(plan, by="command", now=at)
        run = services.run_sweep(services.start_sweep(plan.hash, actor="command", now=at), tick=lambda: at)
        assert run.status == SweepStatus.DONE
        tasks.move_departures()
        return DepartureStatus(Departure.objects.get().status)

    def rows(self, account):
        counts = {}
        for table in TABLES:
            tenant = "id" if table == "accounts" else "account_id"
            query = f"SELECT count(*) FROM platform.{table} WHERE {tenant} = %s"
            counts[table] = self.platform.rows(query, account)[0][0]
        return counts


def test_a_customer_leaves_day_by_day(platform, time_machine):
    days = Days(platform, time_machine)
    announced(platform.acme, ends_on=days.start.date(), now=days.start)
    assert days.pass_to(0) == DepartureStatus.READ_ONLY
    at_the_end, others = days.rows(1001), days.rows(1002)
    assert len(rows_in(opened(Departure.objects.get()), "platform:contacts")) == at_the_end["contacts"] > 0

    assert days.pass_to(29) == DepartureStatus.READ_ONLY
    kept = days.rows(1001)
    for table in ("contacts", "account_holders", "accounts"):
        assert kept[table] == at_the_end[table] > 0
    assert kept["messages"] > 0
    assert kept["payment_methods"] == 0  # consent to keep them went with the service

    assert days.pass_to(30) == DepartureStatus.ERASING
    content = ("messages", "calls", "call_recordings", "emails", "support_recordings", "web_visits", "leads")
    assert {days.rows(1001)[table] for table in content} == {0}
    assert days.rows(1001)["contacts"] > 0  # thirty whole days after the service ended

    assert days.pass_to(31) == DepartureStatus.ERASED
    left = {table: count for table, count in days.rows(1001).items() if count}
    assert set(left) == {"accounts", "invoices", "invoice_lines", "numbers", "traffic_records"}
    assert days.rows(1002)["contacts"] == others["contacts"]
    assert days.rows(1002)["account_holders"] == others["account_holders"]
    assert_certified(days, left)


def assert_certified(days, left):
    document = Departure.objects.get().certificate
    kept = {key.partition(":")[2]: entry["kept"] for key, entry in document["collections"].items() if entry["kept"]}
    assert {table: sum(one["count"] for one in lines) for table, lines in kept.items()} == left
    assert {table: lines[0]["kind"] for table, lines in kept.items()} == {
        "accounts": "cannot_go", "invoices": "duty", "invoice_lines": "duty", "numbers": "interest",
        "traffic_records": "interest",
    }  # fmt: skip
    rented = kept["numbers"][0]  # handed back when the service ended, unless it was before
    assert rented["until_latest"] == (days.start.date() + relativedelta(months=6)).isoformat()


def test_who_stays_after_all_loses_nothing_to_the_nights_that_follow(platform, time_machine):
    days = Days(platform, time_machine)
    announced(platform.acme, ends_on=days.start.date(), now=days.start)
    days.time_machine.move_to(days.at(0))
    tasks.move_departures()
    services.withdraw_departure(Departure.objects.get(), by="command", now=days.at(0))
    before = days.rows(1001)
    assert days.pass_to(31) == DepartureStatus.WITHDRAWN
    after = days.rows(1001)
    for table in ("accounts", "account_holders", "contacts", "payment_methods"):
        assert after[table] == before[table] > 0
    assert after["messages"] > 0
