"""What is measured once a day: rows, bytes, rows that should be gone, and what will end, on real tables."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine

from apps.datamap import services as datamap
from apps.datamap import sizes
from apps.retention import services, tasks
from apps.retention.models import Measurement, Rule
from tests.datamap.conftest import NOW
from tests.retention.factories import RuleFactory
from tests.retention.holds import hold

pytestmark = [pytest.mark.req("RET-1"), pytest.mark.req("RET-3")]
STORE = "platform"  # where the shop lies


@pytest.fixture(autouse=True)
def by_two_rules(shop):
    """Messages for six months, invoices for ten years after their book year; nothing else has a rule."""
    Rule.objects.all().delete()
    RuleFactory(key="content", collections=["shop:messages"])
    RuleFactory(
        key="books", duty=True, is_limit=False, period="P10Y", starts_at="book_year_end", collections=["shop:invoices"]
    )


def measured(collection, *, now=NOW):
    services.measure(now=now)
    return Measurement.objects.get(day=now.date(), collection=f"shop:{collection}")


def test_rows_and_bytes_of_a_partitioned_table_are_those_of_its_partitions(shop):
    found = measured("messages")
    assert found.rows == 5
    [(taken,)] = shop.rows("SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('shop.messages')")
    assert found.bytes == taken > 0
    assert found.oldest == date(2026, 2, 1)


def test_every_collection_is_measured_once_a_day_however_often(shop):
    services.measure(now=NOW)
    count = Measurement.objects.count()
    shop.sql("DELETE FROM shop.attachments")
    assert services.measure(now=NOW + timedelta(hours=3)) == count == Measurement.objects.count()
    assert Measurement.objects.get(collection="shop:attachments").rows == 0
    mapped = {one.key for one in datamap.mapped_collections() if not one.skipped}
    assert set(Measurement.objects.values_list("collection", flat=True)) == mapped


def test_a_large_table_is_estimated_and_a_small_one_is_counted(shop, monkeypatch):
    shop.sql("ANALYZE shop.messages, shop.messages_eea_1, shop.messages_eea_2, shop.messages_other, shop.people")
    shop.sql("DELETE FROM shop.messages")
    assert measured("messages").rows == 0
    monkeypatch.setattr(sizes, "EXACT_BELOW", 5)
    found = datamap.sizes(STORE)
    assert (found["shop:messages"].rows, found["shop:messages"].is_estimate) == (5, True)
    assert not found["shop:people"].is_estimate


def test_a_table_that_was_never_analysed_is_counted(shop, monkeypatch):
    monkeypatch.setattr(sizes, "EXACT_BELOW", 0)
    found = datamap.sizes(STORE)["shop:catalogue"]
    assert (found.rows, found.is_estimate) == (1, False)
    assert found.bytes == shop.rows("SELECT pg_total_relation_size('shop.catalogue')")[0][0] > 0


def test_over_kept_is_what_ran_out_by_more_than_a_day(shop):
    """From 1 February six months end with 1 August: on 2 August it may go, tonight it does; later it is over-kept."""
    for day, count in ((1, 0), (2, 0), (3, 3), (4, 3)):
        now = datetime(2026, 8, day, 12, tzinfo=UTC)
        assert measured("messages", now=now).over_kept == count, day
    assert measured("invoices").over_kept == 0


@pytest.mark.req("RET-4")
def test_what_a_hold_keeps_is_not_over_kept(shop):
    hold(account="1001")
    assert measured("messages").over_kept == 1  # Globex's


def test_what_ends_is_counted_by_month_and_what_ran_out_goes_this_month(shop):
    assert measured("messages").expiring == {"2026-11": 3, "2027-02": 2}


def test_an_end_beyond_twelve_months_is_not_told_of(shop):
    shop.sql("UPDATE shop.invoices SET issued_on = '2016-05-01' WHERE id = 1")
    # A duty alone never ends in a deletion; with a limit both have to be over.
    assert measured("invoices").expiring == {}
    Rule.objects.filter(key="books").update(is_limit=True)
    assert measured("invoices").expiring == {"2027-01": 1}


def test_a_row_whose_period_has_not_begun_ends_on_no_day(shop):
    RuleFactory(key="service", starts_at="service_end", period="P30D", collections=["shop:people"])
    shop.sql("ALTER TABLE shop.people ALTER created_at DROP NOT NULL")
    shop.sql("UPDATE shop.people SET created_at = CASE id WHEN 10 THEN '2026-12-01'::timestamptz END")
    assert measured("people").expiring == {"2027-01": 1}


def test_a_longer_period_in_a_country_is_looked_at_row_by_row(shop):
    RuleFactory(key="eea", region="eea", period="P8M", collections=["shop:messages"])
    assert measured("messages").expiring == {"2026-11": 3, "2027-02": 1, "2027-04": 1}


def test_a_store_that_is_down_leaves_the_others_measured(shop, settings):
    settings.STORES = settings.STORES | {STORE: "postgres://nobody:x@127.0.0.1:1/none"}
    services.measure(now=NOW)
    assert not Measurement.objects.filter(collection__startswith="shop:").exists()
    assert Measurement.objects.filter(collection__startswith="portal_accounts:").exists()


def test_the_task_measures_at_the_first_tick_of_a_day(shop):
    with time_machine.travel(NOW):
        first = tasks.measure_retention()
        assert first == Measurement.objects.count() > 0
        assert tasks.measure_retention() == 0
    with time_machine.travel(NOW + timedelta(days=1)):
        assert tasks.measure_retention() == first
