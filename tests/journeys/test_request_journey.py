"""The whole way, as people walk it: filed by a customer, decided by officers, done by the worker, proved to all."""

import hashlib
import json
import zipfile
from pathlib import Path

import pytest
from django.db import connection
from playwright.sync_api import Browser, Page, expect

from apps.demo.people import ACME, GLOBEX, SHARED_EMAIL, SHARED_PHONE
from tests.journeys.conftest import Portal
from tests.journeys.people import press, reload_until, sign_in

# Whole rows of one account; the columns that hold the person.
PARTIES = "%(person)s && ARRAY[sender, recipient]"
TABLES = {
    "messages": PARTIES,
    "calls": PARTIES,
    "emails": PARTIES,
    "contacts": "%(person)s && ARRAY[phone_number, email]",
    "traffic_records": "%(person)s && ARRAY[sender, recipient, sender_email, recipient_email]",
}


def rows_of_person(account: int, table: str, extra: str = "true") -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM platform.{table} WHERE account_id = %(account)s AND ({TABLES[table]}) AND {extra}",
            {"account": account, "person": [SHARED_PHONE, SHARED_EMAIL]},
        )
        return int(cursor.fetchone()[0])


def fingerprint_of_account(account: int) -> str:
    """One digest over every byte of every row that the account has on the platform."""
    digest = hashlib.sha256()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.table_name FROM information_schema.columns c"
            " JOIN pg_class p ON p.oid = ('platform.' || c.table_name)::regclass"
            " WHERE table_schema = 'platform' AND column_name = 'account_id' AND NOT p.relispartition ORDER BY 1"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(
                f"SELECT count(*), coalesce(md5(string_agg(r::text, E'\\n' ORDER BY r::text)), '')"
                f" FROM platform.{table} r WHERE account_id = %s",
                [account],
            )
            digest.update(f"{table}:{cursor.fetchone()}".encode())
    return digest.hexdigest()


def file_request(page: Page, right: str) -> str:
    """One question a page, then the check page; gives the reference back."""
    page.goto("/requests/new/")
    page.get_by_label(right).check()
    press(page, "Continue")
    page.get_by_label("An end user’s").check()
    press(page, "Continue")
    page.get_by_label("How do we find this person?").fill(f"{SHARED_PHONE}\n{SHARED_EMAIL}")
    press(page, "Continue")
    expect(page.locator("h1")).to_have_text("When did the person ask you?")
    press(page, "Continue")
    expect(page.locator("main")).to_contain_text(SHARED_EMAIL)
    for box in page.locator("main input[type=checkbox]").all():
        box.check()
    press(page, "Send the request")
    expect(page.locator("h1")).to_have_text("Request sent")
    return page.url.split("/requests/")[1].split("/")[0]


def download(page: Page, reference: str, folder: Path) -> Path:
    page.goto(f"/requests/{reference}/")
    press(page, "Get the file")
    with page.expect_download() as waiting:
        press(page, "Download now")
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path


@pytest.mark.browser
@pytest.mark.req("DSR-1")
@pytest.mark.req("DSR-5")
@pytest.mark.req("DSR-6")
@pytest.mark.req("DSR-10")
@pytest.mark.threat("T20")
def test_access_and_erasure_of_a_recipient_from_filing_to_proof(live_portal: Portal, browser: Browser, tmp_path: Path):
    globex_before = fingerprint_of_account(GLOBEX)
    acme_before = {table: rows_of_person(ACME, table) for table in TABLES}
    assert all(acme_before.values()), "the sample platform knows the shared person everywhere"
    young = "created_at > now() - interval '6 months'"
    young_traffic = rows_of_person(ACME, "traffic_records", young)
    assert 0 < young_traffic < acme_before["traffic_records"]

    customer = sign_in(browser, live_portal, "privacy@acme.example")
    first = sign_in(browser, live_portal, "officer1@portal.example")
    second = sign_in(browser, live_portal, "officer2@portal.example")

    access = file_request(customer, "Give a copy of the data")
    first.goto(f"/desk/{access}/")
    press(first, "Assign")
    press(first, "Prepare the answer")
    press(first, "Approve and carry out")
    customer.goto(f"/requests/{access}/")
    reload_until(customer, "Your copy of the data")
    check_package(download(customer, access, tmp_path), acme_before)

    erasure = file_request(customer, "Erase the data")
    first.goto(f"/desk/{erasure}/")
    press(first, "Assign")
    press(first, "Prepare the answer")
    expect(first.locator("main")).to_contain_text("kept in our own interest")
    expect(first.locator("main").get_by_role("button", name="Approve and carry out")).to_have_count(0)
    second.goto(f"/desk/{erasure}/")
    press(second, "Approve and carry out")
    reload_until(second, "Nothing is left to do")

    after = {table: rows_of_person(ACME, table) for table in TABLES}
    assert after == {"messages": 0, "calls": 0, "emails": 0, "contacts": 0, "traffic_records": young_traffic}
    assert rows_of_person(ACME, "traffic_records", young) == young_traffic
    assert fingerprint_of_account(GLOBEX) == globex_before

    customer.goto(f"/requests/{erasure}/")
    answer = customer.locator("main")
    expect(answer).to_contain_text("Partly kept, see why")
    expect(answer).to_contain_text("Not required by law")
    check_certificate(download(customer, erasure, tmp_path))
    assert "entries verified" in live_portal.manage("verify_ledger")


def check_package(path: Path, counts: dict[str, int]) -> None:
    with zipfile.ZipFile(path) as package:
        manifest = json.loads(package.read("manifest.json"))
        files = {entry["path"]: entry for entry in manifest["files"]}
        assert set(files) == set(package.namelist()) - {"manifest.json"}
        for name, entry in files.items():
            assert hashlib.sha256(package.read(name)).hexdigest() == entry["sha256"]
        rows = {each["collection"]: each["rows"] for each in manifest["collections"]}
        assert {name: rows[f"platform:{name}"] for name in counts} == counts
        (messages,) = [name for name in files if name.endswith("platform-messages.json")]
        assert len(json.loads(package.read(messages))) == counts["messages"]
        assert "<script" not in package.read("index.html").decode().lower()


def check_certificate(path: Path) -> None:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as package:
            text = "\n".join(package.read(name).decode() for name in package.namelist())
    else:
        text = path.read_text()
    assert SHARED_PHONE in text  # the plain list stands in the requester's own download only
    assert "erased" in text.lower()
