"""The package of a leaving customer: exactly its own rows, sealed, written without ever lying in memory."""

import csv
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings

from apps.core.errors import DomainError
from apps.datamap.services import StoreUnavailable
from apps.ledger.models import Entry
from apps.retention import services
from apps.retention.models import Departure, Rule
from tests.retention.leaving import NOW, announced, opened, owner_of, read_only, rows_in

LATER = NOW + timedelta(hours=1)
RETURNED = {
    *("platform:messages", "platform:calls", "platform:call_recordings", "platform:emails", "platform:contacts"),
    *("platform:accounts", "platform:account_holders"),
}
CONSENTS = {f"portal_consent:consent_{kind}" for kind in ("event", "state", "restriction", "objection")}


def packed(platform, account=None):
    return services.return_data(read_only(account or platform.acme), now=LATER)


def manifest_of(archive):
    return json.loads(archive.read("manifest.json"))


@pytest.mark.req("RET-3")
@pytest.mark.threat("T5")
def test_the_package_holds_exactly_the_rows_of_the_account(platform):
    archive = opened(packed(platform))
    assert {one["collection"] for one in manifest_of(archive)["collections"]} == RETURNED | CONSENTS
    for name in sorted(RETURNED):
        table = name.partition(":")[2]
        tenant = "id" if table == "accounts" else "account_id"
        there = platform.rows(f"SELECT id FROM platform.{table} WHERE {tenant} = 1001")
        found = rows_in(archive, name)
        assert sorted(row["id"] for row in found) == sorted(pk for (pk,) in there)
        assert found
        assert {row[tenant] for row in found} == {1001}


def test_our_own_records_are_not_part_of_it(platform):
    names = {one["collection"] for one in manifest_of(opened(packed(platform)))["collections"]}
    assert names.isdisjoint({"platform:traffic_records", "platform:enrichment_profiles", "platform:leads"})


def test_the_manifest_says_digest_size_and_number_of_rows_of_each_file(platform):
    archive = opened(packed(platform))
    manifest = manifest_of(archive)
    for one in manifest["collections"]:
        assert one["rows"] == len(rows_in(archive, one["collection"]))
        for file in one["files"]:
            content = archive.read(file["path"])
            assert (file["sha256"], file["bytes"]) == (hashlib.sha256(content).hexdigest(), len(content))
    assert manifest["counts"]["rows"] == sum(one["rows"] for one in manifest["collections"])
    listed = [file["path"] for one in manifest["collections"] for file in one["files"]]
    assert sorted([*listed, "manifest.json"]) == sorted(archive.namelist())


@pytest.mark.threat("T24")
def test_names_in_the_archive_are_generated(platform):
    for name in opened(packed(platform)).namelist():
        assert name == "manifest.json" or name.startswith("data/")
        assert ".." not in name
        assert "#" not in name


def test_both_files_of_a_collection_hold_the_same_rows(platform):
    archive = opened(packed(platform))
    for one in manifest_of(archive)["collections"]:
        table = list(csv.DictReader(io.StringIO(archive.read(one["files"][1]["path"]).decode("utf-8-sig"))))
        assert [row["id"] for row in table] == [str(row["id"]) for row in rows_in(archive, one["collection"])]


def test_secrets_that_let_people_in_stay_behind_and_the_manifest_says_so(platform):
    archive = opened(packed(platform))
    (holders,) = [one for one in manifest_of(archive)["collections"] if one["collection"] == "platform:account_holders"]
    assert holders["left_out"] == ["password_hash", "api_token_digest"]
    assert "password_hash" not in rows_in(archive, "platform:account_holders")[0]
    assert b"password_hash" not in archive.read(holders["files"][1]["path"])


@pytest.mark.threat("T23")
def test_no_cell_runs_in_a_spreadsheet(platform):
    platform.sql("UPDATE platform.contacts SET name = '=1+1' WHERE account_id = 1001")
    archive = opened(packed(platform))
    (contacts,) = [one for one in manifest_of(archive)["collections"] if one["collection"] == "platform:contacts"]
    table = csv.DictReader(io.StringIO(archive.read(contacts["files"][1]["path"]).decode("utf-8-sig")))
    assert {row["name"] for row in table} == {"'=1+1"}


@pytest.mark.threat("T59")
def test_the_file_is_sealed_and_named_by_the_departure_alone(platform):
    departure = packed(platform)
    path = services.path_of(departure)
    assert path.name == f"departure-{departure.pk}.sealed"
    assert path.stat().st_mode & 0o777 == 0o600
    assert b"PK\x03\x04" not in path.read_bytes()[:200]
    entry = Entry.objects.get(verb="retention.departure_packed")
    assert entry.facts["package"] == departure.package_digest
    assert entry.facts["collections"] == len(RETURNED | CONSENTS)


def test_it_is_made_once_and_only_for_who_wants_its_data_back(platform):
    departure = packed(platform)
    assert list(services.waiting_for_package()) == []
    assert services.return_data(departure, now=LATER + timedelta(hours=1)) is None
    read_only(platform.globex, choice="delete")
    assert list(services.waiting_for_package()) == []
    assert Entry.objects.filter(verb="retention.departure_packed").count() == 1


def test_whoever_withdrew_meanwhile_gets_no_package(platform):
    departure = read_only(platform.acme)
    services.withdraw_departure(departure, by="command", now=NOW)
    assert services.return_data(departure, now=LATER) is None
    assert list(Path(settings.PACKAGE_DIR).iterdir()) == []


def test_a_store_that_is_down_leaves_nothing_behind_and_the_next_run_makes_it(platform, settings):
    departure, there = read_only(platform.acme), settings.STORES
    settings.STORES = {"platform": "postgres://nobody@127.0.0.1:1/none"}
    with pytest.raises(StoreUnavailable):
        services.return_data(departure, now=LATER)
    assert list(Path(settings.PACKAGE_DIR).iterdir()) == []
    settings.STORES = there
    assert services.return_data(departure, now=LATER).package


def test_rows_pass_through_without_ever_lying_in_memory(platform):
    """Ten thousand long messages pass through a few of their number's memory."""
    body = "x" * 2000
    platform.sql(
        "INSERT INTO platform.messages (region, created_at, account_id, direction, channel, body) "
        "SELECT 'EEA', (SELECT max(created_at) FROM platform.messages WHERE region = 'EEA'), 1001, 'outbound', 'sms', "
        f"'{body}' FROM generate_series(1, 10000)"
    )
    departure = read_only(platform.acme)
    tracemalloc.start()
    services.return_data(departure, now=LATER)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 14_000_000  # the rows alone are 20 million bytes, and a list of them several times that
    assert len(rows_in(opened(Departure.objects.get()), "platform:messages")) > 10_000


KILLED = """
import sys, django
django.setup()
from apps.core import crypto
from apps.retention import services
from apps.retention.models import Departure
from tests.retention.leaving import NOW
frames = crypto._frames
def stuck(chunks):
    for number, frame in enumerate(frames(chunks)):
        if number:
            print("writing", flush=True)
            sys.stdin.read()
        yield frame
crypto._frames = stuck
services.return_data(Departure.objects.get(), now=NOW)
"""


def test_who_is_killed_in_the_middle_leaves_no_package_and_no_orphan(platform, settings):
    platform.sql(  # more than a frame of what can't be packed smaller
        "INSERT INTO platform.messages (region, created_at, account_id, direction, channel, body) "
        "SELECT 'EEA', (SELECT max(created_at) FROM platform.messages WHERE region = 'EEA'), 1001, 'outbound', 'sms', "
        "(SELECT string_agg(md5(n::text || m::text), '') FROM generate_series(1, 30) m) "
        "FROM generate_series(1, 500) n"
    )
    read_only(platform.acme)
    places = {"DATABASE_URL": platform.clone.app_url, "PACKAGE_DIR": str(settings.PACKAGE_DIR)}
    environment = os.environ | places | {"DJANGO_SETTINGS_MODULE": "privacy_portal.settings_test"}
    worker = subprocess.Popen(
        [sys.executable, "-c", KILLED], env=environment, cwd=settings.BASE_DIR, stdout=subprocess.PIPE,
        stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert worker.stdout.readline() == "writing\n", worker.stderr.read()
    finally:
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
    (left,) = Path(settings.PACKAGE_DIR).iterdir()
    assert left.suffix == ".part"
    departure = Departure.objects.get()
    assert not departure.package
    at = NOW.fromtimestamp(time.time(), NOW.tzinfo)
    assert services.return_data(departure, now=at) is None  # it was written a moment ago: somebody may be at it
    assert services.return_data(departure, now=at + timedelta(minutes=11)).package
    assert services.purge_return_files(now=at + timedelta(hours=2)) == 1
    assert [file.suffix for file in Path(settings.PACKAGE_DIR).iterdir()] == [".sealed"]


def test_only_files_of_ours_without_a_departure_are_removed(platform):
    living = services.path_of(packed(platform))
    foreign = living.with_name("11111111-2222-3333-4444-555555555555.sealed")
    orphan = living.with_name("departure-11111111-2222-3333-4444-555555555555.sealed")
    for path in (foreign, orphan):
        path.write_bytes(b"")
        os.utime(path, (0, 0))
    os.utime(living, (0, 0))
    assert services.purge_return_files(now=LATER) == 1
    assert (living.exists(), foreign.exists(), orphan.exists()) == (True, True, False)


def test_taking_the_package_is_evidence_and_ends_when_erasing_begins(platform):
    owner, departure = owner_of(platform.acme), packed(platform)
    content = b"".join(services.open_package(departure, by=owner, now=LATER).chunks)
    assert hashlib.sha256(content).hexdigest() == departure.package_digest
    assert Entry.objects.get(verb="retention.departure_downloaded").actor == owner.key
    begun = services.begin_erasing(departure, now=NOW + timedelta(days=30))
    assert (begun.package, begun.package_digest) == ("", departure.package_digest)
    with pytest.raises(DomainError, match="gone"):
        services.open_package(begun, by=owner, now=NOW + timedelta(days=30))


def test_what_is_kept_for_the_contract_is_returned_whatever_the_rule_is_called(platform):
    Rule.objects.filter(key="number_rental").update(legal_basis="contract")
    archive = opened(packed(platform))
    assert "platform:numbers" in {one["collection"] for one in manifest_of(archive)["collections"]}


def test_an_account_without_rows_gets_an_empty_package(platform):
    nobody = announced().account
    archive = opened(services.return_data(services.start_read_only(Departure.objects.get(), now=NOW), now=LATER))
    assert manifest_of(archive)["account"] == nobody.platform_account_id
    assert manifest_of(archive)["counts"]["rows"] == 0
    assert rows_in(archive, "platform:messages") == []
