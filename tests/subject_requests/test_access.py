"""An access request from the form to the package, on the sample platform."""

import csv
import hashlib
import io
import json
import os
import re
import zipfile
from datetime import timedelta
from uuid import uuid4

import pytest

from apps.core import crypto
from apps.core.identities import Identity, IdentityType
from apps.datamap import services as datamap
from apps.ledger.models import Entry
from apps.notifications.models import OutgoingMessage
from apps.subject_requests import services, tasks
from apps.subject_requests.services.access import pack_answer
from apps.subject_requests.states import About, Outcome, Right, Status
from tests.subject_requests.factories import NOW, filed, member


def answered(platform, **values):
    officer = platform.officers[0]
    given = {"account": platform.acme, "by": platform.requester, "identities": [platform.identity]}
    one = filed(Right.ACCESS, **given | values)
    one = services.assign_request(one, to=officer, by=officer, now=NOW)
    one = services.prepare_request(one, by=officer, now=NOW)
    one = services.approve_request(one, by=officer, now=NOW)  # access needs one officer
    tasks.execute_requests()
    one.refresh_from_db()
    assert one.status == Status.CLOSED, list(one.store_tasks.values("status", "error_code"))
    return one


def archive_of(subject_request):
    content = b"".join(crypto.unseal_stream(subject_request.packages.get().path))
    return zipfile.ZipFile(io.BytesIO(content))


def rows_in(archive, collection):
    manifest = json.loads(archive.read("manifest.json"))
    [entry] = [each for each in manifest["collections"] if each["collection"] == collection]
    return json.loads(archive.read(entry["files"][0]))


@pytest.mark.req("DSR-1")
@pytest.mark.threat("T26")
def test_the_package_holds_what_the_data_map_finds_and_its_manifest_proves_every_file(platform):
    one = answered(platform)
    archive = archive_of(one)
    manifest = json.loads(archive.read("manifest.json"))
    assert {entry["path"] for entry in manifest["files"]} | {"manifest.json"} == set(archive.namelist())
    for entry in manifest["files"]:
        content = archive.read(entry["path"])
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (entry["sha256"], entry["bytes"])
    found = datamap.find(services.scope_of(filed(Right.ACCESS, account=platform.acme, by=platform.requester,
                                                 identities=[platform.identity])), now=NOW).rows  # fmt: skip
    counts = {entry["collection"]: entry["rows"] for entry in manifest["collections"]}
    assert counts == {key: len(rows) for key, rows in found.items() if not key.startswith("portal_subject_requests:")}
    assert counts["platform:messages"] > 0
    package = one.packages.get()
    assert package.counts["rows"] == sum(counts.values()) == manifest["counts"]["rows"]
    assert package.manifest_sha256 == hashlib.sha256(archive.read("manifest.json")).hexdigest()
    assert Entry.objects.get(verb="subject_request.packed").facts["manifest"] == package.manifest_sha256


def test_each_part_ends_with_what_was_found_in_its_capacity(platform):
    one = answered(platform)
    parts = {part.capacity: part for part in one.parts.all()}
    assert parts["processor"].outcome == Outcome.INSTRUCTION_EXECUTED
    assert parts["controller"].outcome == Outcome.FULFILLED
    assert sum(part.counts["found"] for part in parts.values()) == one.packages.get().counts["rows"]
    assert OutgoingMessage.objects.filter(template="subject_requests/answered").count() == 1


def test_nothing_held_is_an_answer_too(platform):
    one = answered(platform, identities=[Identity(IdentityType.EMAIL, "nobody@nowhere.example")])
    assert {part.outcome for part in one.parts.all()} == {Outcome.NOTHING_HELD}
    assert "Nothing found under this address." in archive_of(one).read("index.html").decode()


@pytest.mark.threat("T20")
def test_rows_of_another_tenant_are_never_in_it(platform):
    archive = archive_of(answered(platform))
    manifest = json.loads(archive.read("manifest.json"))
    for entry in manifest["collections"]:
        for row in rows_in(archive, entry["collection"]):
            assert str(row.get("account_id", "1001")) == "1001", entry["collection"]


@pytest.mark.threat("T25")
def test_the_other_party_of_a_message_is_masked(platform):
    archive = archive_of(answered(platform))
    rows = rows_in(archive, "platform:messages")
    parties = {value for row in rows for value in (row["sender"], row["recipient"])}
    assert platform.phone in parties
    assert all("•" in value for value in parties - {platform.phone})
    others = platform.rows("SELECT sender, recipient FROM messages WHERE %s IN (sender, recipient)", platform.phone)
    for value in {value for row in others for value in row} - {platform.phone}:
        assert value.encode() not in b"".join(archive.read(name) for name in archive.namelist())
    [contact] = rows_in(archive, "platform:contacts")
    assert contact["phone_number"] == platform.phone
    assert "•" not in contact["email"]  # their own address, in their own record


@pytest.mark.req("DSR-9")
@pytest.mark.req("ROLE-4")
def test_the_page_reads_without_script_and_says_what_article_15_asks(platform):
    page = archive_of(answered(platform)).read("index.html").decode()
    assert '<html lang="en" dir="ltr">' in page
    assert "<script" not in page.lower()
    assert not re.search(r"\son\w+=|https?://(?!autoriteit)", page)
    for words in ("Purpose", "Legal basis", "Retention period", "Categories of data", "Who receives it",
                  "Where it came from", "Rights", "You can complain to", "legitimate interest",
                  "6 months"):  # fmt: skip
        assert words in page, words


def test_the_page_is_in_the_requesters_language_and_direction(platform):
    platform.requester.language = "ar"
    platform.requester.save()
    assert '<html lang="ar" dir="rtl">' in archive_of(answered(platform)).read("index.html").decode()


def test_about_oneself_no_customers_data_is_handed_out(platform):
    email = platform.rows("SELECT email FROM account_holders WHERE account_id = 1001 ORDER BY id LIMIT 1")[0][0]
    by = member(platform.acme, "member", email=email, phone_number="", phone_verified_at=None)
    one = answered(platform, about=About.OWN, by=by)
    archive = archive_of(one)
    manifest = json.loads(archive.read("manifest.json"))
    assert {entry["capacity"] for entry in manifest["collections"]} == {"controller"}
    [holder] = rows_in(archive, "platform:account_holders")
    assert holder["email"] == email
    assert holder["password_hash"] == "•••"
    assert rows_in(archive, "portal_accounts:accounts_user")[0]["email"] == email


@pytest.mark.threat("T47", "T48")
def test_a_worker_that_slept_over_its_lease_leaves_the_answer_alone(platform):
    one = answered(platform)
    before = one.packages.get().path.read_bytes()
    late = one.store_tasks.get()
    assert pack_answer(late, now=NOW + timedelta(hours=1)) is False
    assert one.packages.get().path.read_bytes() == before
    assert not list(one.packages.get().path.parent.glob(f"{late.pk}.*.part"))


@pytest.mark.threat("T22")
def test_the_package_is_sealed_on_disk_and_gone_when_its_time_is_up(platform):
    one = answered(platform)
    package = one.packages.get()
    on_disk = package.path.read_bytes()
    assert on_disk[:2] != b"PK"
    assert platform.phone.encode() not in on_disk
    assert package.path.stat().st_mode & 0o777 == 0o600
    assert services.purge_package(package, now=package.expires_at - timedelta(seconds=1)) is False
    assert services.purge_package(package, now=package.expires_at) is True
    assert services.purge_package(package, now=package.expires_at) is False
    assert not package.path.exists()
    package.refresh_from_db()
    assert package.purged_at == package.expires_at


def test_a_package_half_made_by_a_killed_worker_leaves_no_orphan(platform, settings):
    one = answered(platform)
    living = one.packages.get().path
    orphan = living.with_name(f"{uuid4()}.4711.part")
    of_others = living.with_name("somebody-elses.txt")
    for file in (orphan, of_others):
        file.write_bytes(b"x")
        os.utime(file, None)
    now = one.closed_at + timedelta(hours=2)
    assert services.purge_orphans(now=one.closed_at) == 0  # perhaps still being written
    for file in (orphan, of_others, living):
        os.utime(file, (1, 1))
    assert services.purge_orphans(now=now) == 1
    assert {file.name for file in living.parent.iterdir()} == {living.name, of_others.name}


def test_csv_and_json_say_the_same(platform):
    archive = archive_of(answered(platform))
    manifest = json.loads(archive.read("manifest.json"))
    for entry in manifest["collections"]:
        as_json, as_csv = (archive.read(name) for name in entry["files"])
        rows = list(csv.reader(io.StringIO(as_csv.decode("utf-8-sig"), newline="")))
        assert len(rows) - 1 == entry["rows"] == len(json.loads(as_json))
