"""Statistics are kept of the sample platform's visits before these are made anonymous: each month once, for ever."""

import random
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
import yaml
from django.core.management import call_command
from django.db import connection

from apps.core import clock
from apps.datamap import services as datamap
from apps.datamap.contract import StoreUnavailable
from apps.datamap.models import Effect
from apps.demo import schema
from apps.demo.connections import connect_platform
from apps.demo.services import DATASET_FILE
from apps.ledger.models import Entry
from apps.retention import services
from apps.retention.models import Statistic
from apps.retention.services import keep_statistics
from apps.retention.states import SweepStatus
from apps.retention.statistics import figures
from tests.retention.test_statistics import COUNTRIES, DEVICES, FULL, PAGES, Visit, counted

pytestmark = pytest.mark.req("RET-3")

KEY = "platform:web_visits"
NOW = datetime(2012, 6, 15, 4, tzinfo=UTC)
MONTH, NEXT = date(2011, 4, 1), date(2011, 5, 1)


@pytest.fixture
def visits(committed_db):
    """An empty website, on the map, with months in the past."""
    call_command("datamap", "load", str(DATASET_FILE), stdout=StringIO())
    with connect_platform() as opened, opened.cursor() as cursor:
        cursor.execute("DELETE FROM platform.web_visits")
        schema.make_months(cursor, first=date(2011, 1, 1), last=date(2012, 8, 1), parents=schema.BY_MONTH)


def visited(rows, at=MONTH):
    with connect_platform() as opened, opened.cursor() as cursor:
        for one in rows:
            person = uuid.uuid5(uuid.NAMESPACE_OID, one.person)
            cursor.execute(
                "INSERT INTO platform.web_visits (created_at, visitor_id, country, device, page, page_order, "
                "is_returning, cookie_preferences) VALUES (%s, %s, %s, %s, %s, 1, false, '{}')",
                [f"{at} 23:59:59+00", str(person), one.country, one.device, one.page],
            )


def forgotten(person):
    with connect_platform() as opened, opened.cursor() as cursor:
        cursor.execute(
            "DELETE FROM platform.web_visits WHERE visitor_id = %s", [str(uuid.uuid5(uuid.NAMESPACE_OID, person))]
        )


def crowd(count, page="/"):
    return [Visit(f"{page}-{number}", "NL", "mobile", page) for number in range(count)]


def kept():
    found = Statistic.objects.order_by("month", "people", "pk").values_list("month", "group", "people", "rows")
    return [(month, tuple(map(group.get, FULL)), people, rows) for month, group, people, rows in found]


def test_the_store_counts_as_a_person_with_a_pencil_does(visits):
    rng = random.Random(7)
    for number in range(12):
        month = date(2011, number + 1, 1)
        people = [f"{number}-{place}" for place in range(rng.randrange(4, 90))]
        some = [
            Visit(rng.choice(people), rng.choice(COUNTRIES), rng.choice(DEVICES), rng.choice(PAGES[: 1 + number % 3]))
            for _ in range(rng.randrange(10, 240))
        ]
        visited(some, month)
        until = date(2011 + (number + 1) // 12, (number + 1) % 12 + 1, 1)
        tally, expected = datamap.tally(KEY, since=month, until=until, smallest=10), counted(some)
        assert (set(tally.groups), tally.rest) == (set(expected.groups), expected.rest)
        assert all(group.people >= 10 for group in tally.groups)
    assert keep_statistics(KEY, date(2012, 1, 1), NOW) == Statistic.objects.count() > 12


def test_groups_of_ten_stay_and_smaller_ones_leave_nothing(visits):
    visited([*crowd(23), *crowd(9, "/docs")])
    assert keep_statistics(KEY, date(2011, 4, 2), NOW) == 1
    assert kept() == [(MONTH, ("NL", "mobile", "/"), 20, 20)]
    [entry] = Entry.objects.filter(verb="retention.statistics_kept")
    assert entry.facts == {"collection": KEY, "month": "2011-04-01", "groups": 1}


def test_a_month_is_written_once_whatever_comes_or_goes_afterwards(visits):
    """With and without a person: the attacker erases her, or adds her, and gets to see the same."""
    ann = [Visit("ann", "NL", "mobile", "/")]
    visited(crowd(19) + ann)
    keep_statistics(KEY, NEXT, NOW)
    before = kept()
    assert before == [(MONTH, ("NL", "mobile", "/"), 20, 20)]
    forgotten("ann")
    assert keep_statistics(KEY, NEXT, NOW) == 0
    visited([*ann, *crowd(30, "/pricing")])
    assert keep_statistics(KEY, NEXT, NOW) == 0
    assert kept() == before


def test_a_month_in_which_nothing_was_large_enough_is_written_once_too(visits):
    visited(crowd(9))
    assert keep_statistics(KEY, NEXT, NOW) == 0
    visited([Visit("late", "NL", "mobile", "/")])
    assert keep_statistics(KEY, NEXT, NOW) == 0
    assert kept() == []


def test_a_month_that_was_counted_by_one_grouping_is_not_counted_by_another(visits, tmp_path):
    visited([*crowd(20), Visit("ann", "NL", "mobile", "/docs")])
    keep_statistics(KEY, NEXT, NOW)
    before = kept()
    document = yaml.safe_load(DATASET_FILE.read_text())
    document["meta"]["portal"]["collections"]["web_visits"]["statistics"]["by"] = ["country", "device"]
    coarser = tmp_path / "platform.yml"
    coarser.write_text(yaml.safe_dump(document, allow_unicode=True))
    call_command("datamap", "load", str(coarser), stdout=StringIO())
    assert keep_statistics(KEY, NEXT, NOW) == 0
    assert kept() == before


def test_only_months_that_are_over_and_from_which_rows_will_go_are_counted(visits):
    visited(crowd(10), date(2011, 4, 30))
    visited(crowd(10), date(2011, 5, 1))
    visited(crowd(10), date(2012, 6, 2))
    assert keep_statistics(KEY, date(2011, 4, 1), NOW) == 0
    assert keep_statistics(KEY, date(2011, 5, 1), NOW) == 1
    assert keep_statistics(KEY, date(2012, 6, 14), NOW) == 1  # the present month is not over
    assert [month for month, *_ in kept()] == [MONTH, NEXT]


def test_who_was_made_anonymous_before_is_not_counted(visits):
    visited(crowd(12))
    with connect_platform() as opened, opened.cursor() as cursor:
        cursor.execute("UPDATE platform.web_visits SET visitor_id = NULL WHERE ctid IN "
                       "(SELECT ctid FROM platform.web_visits LIMIT 3)")  # fmt: skip
    assert keep_statistics(KEY, NEXT, NOW) == 0
    assert keep_statistics("platform:messages", NEXT, NOW) == 0


def test_two_at_once_count_a_month_once(visits):
    visited(crowd(25))

    def keep(_):
        try:
            return keep_statistics(KEY, NEXT, NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(keep, range(6))) == 1
    assert len(kept()) == 1


@pytest.mark.parametrize("is_known", [True, False])
def test_a_sweep_counts_before_it_makes_anonymous_also_where_rules_run_from_several_days(visits, monkeypatch, is_known):
    """Then nobody can say up to which day rows go: every month that is over is counted."""
    now = clock.now()
    long_ago = (now - timedelta(days=500)).date().replace(day=1)
    with connect_platform() as opened, opened.cursor() as cursor:
        schema.make_months(cursor, first=long_ago, last=now.date(), parents=schema.BY_MONTH)
    visited(crowd(25), long_ago)
    if not is_known:
        monkeypatch.setattr(datamap.Walk, "latest", None)
    plan = services.make_plan(day=now.date(), now=now, actor="command", keys=["web_visits"])
    started = services.start_sweep(plan.hash, actor="command", now=now)
    assert services.run_sweep(started, tick=lambda: now).status == SweepStatus.DONE
    assert kept() == [(long_ago, ("NL", "mobile", "/"), 20, 20)]


def test_while_the_store_is_down_no_month_counts_as_counted(visits, monkeypatch):
    visited(crowd(25))

    def down(*about, **values):
        raise StoreUnavailable("store_unavailable", "The store is down.")

    with monkeypatch.context() as broken:
        broken.setattr("apps.datamap.services.tally", down)
        with pytest.raises(StoreUnavailable):
            keep_statistics(KEY, NEXT, NOW)
    assert not Effect.objects.filter(effect_key__startswith="statistics:").exists()
    assert keep_statistics(KEY, NEXT, NOW) == 1


def test_what_is_kept_is_what_may_be_published(visits):
    some = [*crowd(14), *crowd(6, "/docs"), *crowd(17, "/pricing")]
    visited(some)
    keep_statistics(KEY, NEXT, NOW)
    assert {(group, people) for _, group, people, _ in kept()} == {
        (tuple(one.group.values()), one.people) for one in figures(counted(some))
    }
