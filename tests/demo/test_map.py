"""The sample platform on the data map: what is found, what goes and what stays when a customer asks."""

import json
from io import StringIO

import pytest
from django.core.management import call_command

from apps.core import clock
from apps.datamap import services as datamap
from apps.datamap.search import Live
from apps.datamap.stores import Snapshots
from apps.datamap.treatments import of_whole_rows
from apps.demo import people, schema
from apps.demo.connections import connect_platform
from apps.demo.services import DATASET_FILE
from apps.retention import planning
from apps.retention.models import Rule

PHONE = f"phone_number={people.SHARED_PHONE}"
EMAIL = f"email={people.SHARED_EMAIL}"


@pytest.fixture
def on_the_map(db):
    """The template's sample platform, loaded on the map; good for reading."""
    call_command("datamap", "load", str(DATASET_FILE), stdout=StringIO())


def run(*arguments):
    printed = StringIO()
    call_command("datamap", *arguments, "--json", stdout=printed, stderr=StringIO())
    return json.loads(printed.getvalue())


def about(*identities, account=people.ACME):
    return [word for identity in identities for word in ("--identity", identity)] + ["--account", str(account)]


def digests():
    """One digest a table and account: two that are equal hold the same rows, byte for byte."""
    with connect_platform() as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.columns c JOIN pg_class t ON t.oid = "
            "format('platform.%I', table_name)::regclass WHERE table_schema = 'platform' "
            "AND column_name = 'account_id' AND NOT relispartition"
        )
        found = {}
        for (table,) in cursor.fetchall():
            rows = "md5(string_agg(r::text, E'\\n' ORDER BY r::text))"
            cursor.execute(f"SELECT account_id, {rows} FROM platform.{table} r GROUP BY 1")
            found |= {(table, account): digest for account, digest in cursor.fetchall()}
        return found


def test_the_map_fits_the_live_schema_and_every_search_has_its_index(db):
    call_command("datamap", "check", "--strict", str(DATASET_FILE), stdout=StringIO())


@pytest.mark.threat("T20")
def test_a_number_is_found_in_the_asking_account_only(on_the_map):
    rows = run("find", *about(PHONE, EMAIL))
    found = {key.partition(":")[2]: len(value) for key, value in rows.items() if value}
    assert set(found) == {"contacts", "messages", "calls", "call_recordings", "emails", "traffic_records"}
    assert {row["account_id"] for value in rows.values() for row in value} == {people.ACME}


def test_a_recording_is_found_through_the_call_and_mail_through_the_contact(on_the_map):
    rows = run("find", *about(PHONE))
    assert rows["platform:call_recordings"]
    assert {row["recipient"] for row in rows["platform:emails"]} >= {people.SHARED_EMAIL}


@pytest.mark.threat("T20")
def test_after_acme_erased_every_row_of_globex_is_byte_identical(committed_db):
    call_command("datamap", "load", str(DATASET_FILE), stdout=StringIO())
    before = digests()
    plan = run("plan-erasure", *about(PHONE, EMAIL))
    run("erase", "--plan", plan["plan"])
    after = digests()
    changed = {place for place in before if before[place] != after.get(place)}
    assert {account for _, account in changed} == {people.ACME}
    assert {table for table, _ in changed} == {"contacts", *schema.PARTITIONED}
    kept = [line["count"] for line in plan["lines"] if line["ground"] == "abuse_traffic"]
    left = run("find", *about(PHONE, EMAIL))
    assert {key: [len(rows)] for key, rows in left.items() if rows} == {"platform:traffic_records": kept}


@pytest.mark.req("RET-1")
def test_traffic_inside_six_months_stays_against_abuse_and_older_traffic_goes(on_the_map):
    plan = run("plan-erasure", *about(PHONE, EMAIL))
    traffic = {line["action"]: line for line in plan["lines"] if line["collection"] == "platform:traffic_records"}
    assert traffic["erase"]["count"] > 0
    assert traffic["keep"]["count"] > 0
    assert (traffic["keep"]["ground"], traffic["keep"]["kind"]) == ("abuse_traffic", "interest")


def test_a_contact_that_another_contact_references_is_kept_and_named(on_the_map):
    plan = run("plan-erasure", *about(f"email={people.REFERENCED_EMAIL}"))
    kept = [line for line in plan["lines"] if line["collection"] == "platform:contacts" and line["action"] == "keep"]
    assert [(line["count"], line["kind"], len(line["named"])) for line in kept] == [(1, "shared", 1)]


@pytest.mark.req("RET-4")
def test_an_account_holder_goes_and_the_invoices_stay_for_the_tax_office(on_the_map):
    [holder] = [each for each in people.SAMPLE_HOLDERS if each.email == "privacy@acme.example"]
    own = about(f"email={holder.email}", f"phone_number={holder.phone}")
    lines = run("plan-erasure", *own, "--own")["lines"]
    told = {line["collection"]: (line["action"], line["ground"]) for line in lines if line["count"]}
    assert told["platform:account_holders"] == ("erase", None)
    assert told["platform:invoices"] == told["platform:invoice_lines"] == ("keep", "tax")
    for collection in ("payment_methods", "leads", "enrichment_profiles", "support_recordings", "web_visits"):
        assert told[f"platform:{collection}"] == ("erase", None)


@pytest.mark.req("RET-1")
def test_a_sweep_would_find_something_for_every_rule_of_the_platform(on_the_map):
    lines = planning.survey(list(Rule.objects.current()), day=clock.now().date())
    found = {line["rule"] for line in lines if line["store"] == "platform" and line["count"]}
    assert found == {rule for key, rules in datamap.rule_keys().items() if key.startswith("platform:")
                     for rule in rules}  # fmt: skip


@pytest.mark.req("RET-3")
def test_a_visit_made_anonymous_leads_to_nobody(on_the_map):
    [visits] = [one for one in datamap.mapped_collections() if one.name == "web_visits"]
    with Snapshots() as snapshots:
        live = Live(datamap.current_map(), snapshots, keys=[visits.key]).table(visits)
        way = of_whole_rows(visits, live)
    assert set(live.columns) - way.changes.keys() == {"id", "created_at"}
    assert {name for name, change in way.changes.items() if change.kind == "null"} >= {
        "visitor_id", "ip_address", "holder_id", "account_id", "city",
    }  # fmt: skip


def test_a_colleague_is_not_found_with_oneself(on_the_map):
    rows = run("find", *about("email=privacy@acme.example"), "--own")
    assert [row["email"] for row in rows["platform:account_holders"]] == ["privacy@acme.example"]
