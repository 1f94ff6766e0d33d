"""Periods on the sample platform: every rule that the map names has rows past its limit, at it and before it."""

import csv
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from functools import cache

import pytest
import yaml

from apps.datamap.dataset_files import Document
from apps.datamap.declarations import declare
from apps.demo import people
from apps.demo.services import DATASET_FILE, all_blocks
from apps.demo.world import FIRST_FORMER, FORMER, make_world
from apps.retention.periods import Period, ends_on
from apps.retention.services import SCHEDULE
from tests.demo.test_world import rows_of

AT = date(2026, 3, 20)  # so many months before it there is the same day of a month
DATASET = declare(Document("platform.yml", yaml.safe_load(DATASET_FILE.read_text())), is_checked=True)
RULES = {row["key"]: row for row in csv.DictReader(SCHEDULE.read_text(encoding="utf-8").splitlines())}
# Nobody's consent is proved there, no request is filed there, and no package is made there; the rest is our own tables.
PROOF = {"consent_proof", "suppression", "end_user_consents"}
ELSEWHERE = {*PROOF, "dsr_confirmation", "packages", "outbox", "erasure_plans"}
SAMPLE = {str(account) for account in (people.ACME, people.GLOBEX)}


@cache
def world_of(scale, seed):
    return rows_of(all_blocks(make_world(scale=scale, seed=seed, at=AT)))


def reached(collection):
    """(rule, clock column, condition or None) for the whole row, and (rule, clock column, column) for one column."""
    conditions = {one.rule: one for one in collection.conditions}
    for key in collection.retention:
        event = RULES[key]["starts_at"]
        yield key, dict(collection.clocks).get(event, collection.clock), conditions.get(key), None
    for top in collection.fields:
        for key in top.retention:
            yield key, top.clock or collection.clock, None, top.column


def day_of(value):
    return datetime.strptime(value[:19] + "+0000", "%Y-%m-%d %H:%M:%S%z").astimezone(UTC) if " " in value else (
        date.fromisoformat(value)
    )  # fmt: skip


def standings(rows):
    """{rule: {"past", "at", "before", "not begun"}} over all collections, on the world's day."""
    found = defaultdict(set)
    for collection in DATASET.collections:
        for key, clock, condition, column in reached(collection):
            period = Period.parse(RULES[key]["period"])
            for row in rows[collection.name]:
                if condition and (row[condition.column] != "\\N") != condition.filled:
                    continue
                if column and row[column] == "\\N":
                    continue
                began = row[clock]
                last = None if began == "\\N" else ends_on(RULES[key]["starts_at"], day_of(began), period)
                found[key].add(
                    "not begun" if last is None else "past" if last < AT else "at" if last == AT else "before"
                )
    return found


@pytest.mark.req("RET-1")
def test_the_map_names_every_rule_of_the_schedule_that_is_about_a_platform():
    named = {key for collection in DATASET.collections for key, *_ in reached(collection)}
    assert named == RULES.keys() - ELSEWHERE


@pytest.mark.req("RET-1")
@pytest.mark.parametrize(("scale", "seed"), [("tiny", 1), ("tiny", 2), ("small", 1), ("small", 3)])
def test_every_rule_finds_something_to_sweep(scale, seed):
    found = standings(world_of(scale, seed))
    assert {key for key in found if "past" in found[key]} == RULES.keys() - ELSEWHERE


def test_every_rule_leaves_rows_that_end_today_and_rows_that_end_later():
    found = standings(world_of("small", 1))
    assert {key for key in found if "at" not in found[key]} == {"tax"}  # a book year ends on one day only
    running = {"number_rental", "additional_services", "service_account", "marketing_customer", "enrichment_customer",
               "payment_methods", "registrations"}  # fmt: skip
    for key in RULES.keys() - ELSEWHERE:
        assert found[key] & {"before", "not begun"}, key
    assert {key for key in found if "not begun" in found[key]} == running


def test_a_service_that_ended_ended_for_everything_of_the_account():
    rows = world_of("tiny", 1)
    ended = {row["id"]: row["service_ended_on"] for row in rows["accounts"]}
    assert len([day for day in ended.values() if day != "\\N"]) == len(FORMER)
    for table in ("account_holders", "contacts", "leads", "enrichment_profiles"):
        assert all(row["service_ended_on"] == ended.get(row["account_id"], "\\N") for row in rows[table]), table
    for row in rows["numbers"]:
        assert ended[row["account_id"]] in ("\\N", row["released_on"])
    for row in rows["payment_methods"]:
        assert ended[row["account_id"]] in ("\\N", row["withdrawn_at"][:10])


def test_whom_the_sample_sign_ins_belong_to_is_a_customer_still_and_so_are_the_people_who_stand_in_every_world():
    rows = world_of("small", 1)
    assert all(row["service_ended_on"] == "\\N" for table in ("accounts", "contacts") for row in rows[table]
               if row["id" if table == "accounts" else "account_id"] in SAMPLE)  # fmt: skip
    half_a_year_ago = str(AT - timedelta(days=180))
    for row in rows["account_holders"]:
        if row["account_id"] in SAMPLE:
            assert row["last_signed_in_at"] > half_a_year_ago
    standing = {people.SHARED_PHONE, people.REFERENCED_PHONE}
    former = [row for row in rows["contacts"] if int(row["account_id"]) >= FIRST_FORMER]
    assert former
    assert not standing & {row["phone_number"] for row in former}


@pytest.mark.req("RET-4")
def test_a_few_invoices_are_older_than_ten_book_years_and_a_trial_has_none():
    invoices = world_of("tiny", 1)["invoices"]
    years = [int(row["invoiced_on"][:4]) for row in invoices]
    assert 2 <= len([year for year in years if year <= AT.year - 11]) <= 5
    assert AT.year - 10 in years
    trials = {str(FIRST_FORMER + place) for place, former in enumerate(FORMER) if former.is_trial}
    assert not trials & {row["account_id"] for table in ("invoices", "numbers", "support_recordings")
                         for row in world_of("tiny", 1)[table]}  # fmt: skip


@pytest.mark.req("RET-1")
def test_messages_calls_and_mail_say_the_country_of_the_end_user():
    rows = world_of("tiny", 1)
    country = {row["id"]: row["country"] for row in rows["calls"]}
    for row in rows["call_recordings"]:
        assert row["country"] == country[row["call_id"]]
    for table in ("messages", "calls", "emails"):
        assert all(people.region_of(row["country"]) == row["region"] for row in rows[table])
    for one in DATASET.collections:
        if one.name in ("messages", "calls", "emails", "call_recordings", "traffic_records"):
            assert one.country == "country"
