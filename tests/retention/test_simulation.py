"""What a change would do: rows of today by collection and account, and what the last 24 months would have been."""

from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import call_command

from apps.retention import planning, services
from apps.retention.models import Rule, Sweep, SweepBatch, SweepTask
from apps.retention.simulation import Month, rows_more, simulate
from apps.retention.states import SweepStatus
from tests.retention.factories import RuleFactory
from tests.template import connect

pytestmark = [pytest.mark.threat("T52"), pytest.mark.req("RET-1")]

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TODAY = NOW.date()
KEY = "support_recordings"
HERE = "platform:support_recordings"


def rule(**said):
    return RuleFactory.build(**{"key": KEY, "period": "P90D", "max_period": "P1Y"} | said)


# --- the last 24 months, without a database ---


def past(before, after, **counts):
    return simulate(before, after, swept=counts.get("swept", {}), live=counts.get("live", {}), today=TODAY)


def test_the_last_24_months_end_with_this_one():
    months = [one.month for one in past(rule(), rule())]
    assert (len(months), months[0], months[-1]) == (24, date(2024, 12, 1), date(2026, 11, 1))


def test_each_month_says_how_many_rows_and_how_much_longer_each():
    swept, live = {date(2026, 10, 1): 7, date(2020, 1, 1): 9}, {date(2026, 11, 1): 5}
    *_, october, november = past(rule(), rule(period="P100D"), swept=swept, live=live)
    assert october == Month(date(2026, 10, 1), swept=7, swept_days=10, live=0, live_days=10)
    assert november == Month(date(2026, 11, 1), swept=0, swept_days=10, live=5, live_days=10)


def test_a_shorter_period_is_told_as_fewer_days():
    assert {one.live_days for one in past(rule(), rule(period="P30D"))} == {-60}


def test_months_differ_as_the_calendar_does():
    before, after = rule(period="P6M"), rule(period="P12M")
    by_month = {one.month: one for one in past(before, after)}
    assert by_month[date(2026, 1, 1)].live_days == (date(2027, 1, 1) - date(2026, 7, 1)).days == 184
    assert by_month[date(2026, 9, 1)].live_days == (date(2027, 9, 1) - date(2027, 3, 1)).days == 184
    # What went in September 2026 had begun by the last of February, and would have stayed until the next one.
    assert by_month[date(2026, 9, 1)].swept_days == (date(2027, 2, 28) - date(2026, 8, 28)).days


def test_book_years_are_counted_from_their_end():
    before, after = (rule(starts_at="book_year_end", period=f"P{years}Y") for years in (7, 10))
    assert past(before, after)[0].live_days == (date(2034, 12, 31) - date(2031, 12, 31)).days


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, rule()),
        (rule(), None),
        (rule(), rule(starts_at="closed")),
        (rule(), rule(is_limit=False, interest=True)),
    ],
)
def test_where_no_date_can_be_compared_none_is_claimed(before, after):
    assert {(one.swept_days, one.live_days) for one in past(before, after)} == {(None, None)}


# --- rows of today ---


@pytest.fixture
def shop(db):
    """The rule that keeps the sample platform's recordings of support calls for 90 days."""
    call_command("datamap", "load", "apps/demo/datasets/platform.yml", verbosity=0, stdout=StringIO())
    Rule.objects.update(in_force_at=NOW - timedelta(days=100))
    Rule.objects.filter(key=KEY).update(period="P90D", max_period="P1Y", version=1)


def preview(**changes):
    said = services.current_rules()[KEY].content | changes
    return services.preview_change(key=KEY, content=said, base_version=1, now=NOW)


def ages():
    """Days since each recording began, with its account, as the platform has them."""
    cursor = connect(settings.STORES["platform"]).cursor()
    cursor.execute("SELECT account_id, (created_at AT TIME ZONE 'UTC')::date FROM platform.support_recordings")
    return [(str(account), (TODAY - day).days) for account, day in cursor.fetchall()]


@pytest.mark.usefixtures("shop")
def test_a_shorter_period_shows_the_rows_that_would_go_by_collection_and_account():
    rows = ages()
    more = [account for account, age in rows if 30 < age <= 90]
    assert more, "the sample platform has recordings between 30 and 90 days old"
    seen = preview(period="P30D")
    [line] = seen.told["collections"]
    gone = [age for _, age in rows if age > 30]
    assert (line["store"], line["collection"], line["action"]) == ("platform", HERE, "delete")
    assert (line["total"], line["after"], line["after"] - line["before"]) == (len(rows), len(gone), len(more))
    assert line["oldest"] == (TODAY - timedelta(days=max(gone))).isoformat()
    assert line["bytes"] > 0
    assert seen.reasons == ["shorter", "more_rows"]
    assert rows_more(seen.told) == len(more)
    told = {one["account"]: one["more"] for one in seen.told["accounts"]}
    assert told == {account: more.count(account) for account in set(more)}
    assert seen.told["others"] == {"more": 0, "fewer": 0}


@pytest.mark.usefixtures("shop")
def test_a_longer_period_shows_the_rows_that_would_stay():
    late = [age for _, age in ages() if 90 < age <= 300]
    seen = preview(period="P300D")
    assert sum(line["before"] - line["after"] for line in seen.told["collections"]) == len(late)
    assert sum(one["fewer"] for one in seen.told["accounts"]) == len(late)
    assert not seen.deletes_more


@pytest.mark.usefixtures("shop")
def test_other_words_change_no_row_and_no_figure():
    seen = preview(why="for quality")
    assert (seen.told["collections"], seen.told["accounts"], seen.reasons) == ([], [], [])


@pytest.mark.usefixtures("shop")
def test_the_preview_says_what_the_next_plan_will_do():
    seen = preview(period="P30D")
    services.approve_change(
        services.propose_change(key=KEY, content=seen.after.content, base_version=1, actor="command", now=NOW),
        actor="user:00000000-0000-4000-8000-000000000002", now=NOW,
    )  # fmt: skip
    lines = planning.survey(list(Rule.objects.current()), day=TODAY)
    planned = sum(line["count"] for line in lines if line["collection"] == HERE)
    assert planned == seen.told["collections"][0]["after"]


# --- months from the stores and from sweeps ---


@pytest.mark.usefixtures("shop")
def test_live_rows_are_counted_by_the_month_their_period_began_in():
    rows = ages()
    told = preview(period="P120D").told
    days = [TODAY - timedelta(days=age) for _, age in rows]
    first = date(2024, 12, 1)
    assert {one["month"]: one["live"] for one in told["months"] if one["live"]} == {
        month.isoformat(): sum(day.replace(day=1) == month for day in days)
        for month in {day.replace(day=1) for day in days if day >= first}
    }
    assert told["older"] == sum(day < first for day in days)
    assert told["months"][-1]["live_days"] == 30


@pytest.mark.usefixtures("shop")
def test_swept_rows_are_those_that_the_rule_decided():
    swept(at=datetime(2026, 9, 30, 23, 59, tzinfo=UTC), rows=40, lines={KEY: 30, "other": 10})
    swept(at=datetime(2026, 10, 1, tzinfo=UTC), rows=8, lines={KEY: 8})
    swept(at=datetime(2026, 10, 2, tzinfo=UTC), rows=5, lines={"other": 5})
    swept(at=datetime(2024, 11, 30, tzinfo=UTC), rows=99, lines={KEY: 99})
    months = {one["month"]: one["swept"] for one in preview(period="P120D").told["months"] if one["swept"]}
    assert months == {"2026-09-01": 30, "2026-10-01": 8}


def swept(*, at, rows, lines):
    """A sweep that is done: two batches, and by which rules its plan had gone."""
    place = {"store": "platform", "collection": HERE, "action": "delete", "columns": []}
    said = [{**place, "rule": key, "count": count, "total": 100, "oldest": None} for key, count in lines.items()]
    sweep = Sweep.objects.create(
        hash=f"{at:%Y%m%d%H%M}", day=at.date(), rules_version="r", map_version="m", lines=said, status=SweepStatus.DONE,
        made_by="system", made_at=at, started_at=at, finished_at=at,
    )  # fmt: skip
    task = SweepTask.objects.create(sweep=sweep, place=0, planned=rows, done=rows, **place)
    for number, part in enumerate((rows - rows // 2, rows // 2)):
        SweepBatch.objects.create(task=task, number=number, method="window", leaf="x", rows=part, seconds=1, at=at)
