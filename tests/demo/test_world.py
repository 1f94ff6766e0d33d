"""The sample data as it is made, before any database sees it."""

import hashlib
import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import phonenumbers
import pytest

from apps.demo import people
from apps.demo.business import TABLES
from apps.demo.invoices import INVOICES, make_iban
from apps.demo.services import all_blocks
from apps.demo.world import SCALES, make_world

AT = date(2026, 3, 29)
ADDRESS = re.compile(r"[^\s\"@]+@([^\s\"@,}]+)")


def blocks_of(scale="tiny", seed=1, at=AT):
    return all_blocks(make_world(scale=scale, seed=seed, at=at))


def digest(**world):
    together = hashlib.sha256()
    for block in blocks_of(**world):
        together.update(f"{block.table} ({block.columns})\n{block.text}".encode())
    return together.hexdigest()


def rows_of(blocks):
    """Every row as a dict of texts, by table."""
    found = defaultdict(list)
    for block in blocks:
        columns = block.columns.split(", ")
        for line in block.text.splitlines():
            values = line.split("\t")
            assert len(values) == len(columns), (block.table, line)
            found[block.table].append(dict(zip(columns, values, strict=True)))
    return found


@pytest.fixture(scope="module")
def rows():
    return rows_of(blocks_of("small"))


def test_the_same_seed_scale_and_date_give_the_same_bytes():
    assert digest() == digest()


@pytest.mark.parametrize("other", [{"seed": 2}, {"scale": "small"}, {"at": date(2026, 3, 30)}])
def test_another_seed_scale_or_date_gives_other_bytes(other):
    assert digest(**other) != digest()


def test_the_bytes_do_not_depend_on_the_process_that_makes_them():
    program = "from tests.demo.test_world import digest; print(digest())"
    other = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONHASHSEED": "4711", "TZ": "Pacific/Auckland", "PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=True,
    )
    assert other.stdout.strip() == digest()


def test_there_are_exactly_as_many_messages_as_the_scale_says(rows):
    assert len(rows["messages"]) == SCALES["small"].messages


def test_every_message_call_and_mail_belongs_to_an_account_that_exists(rows):
    accounts = {row["id"] for row in rows["accounts"]}
    for table in ("messages", "calls", "emails", "call_recordings", "traffic_records", "contacts", "invoices"):
        assert {row["account_id"] for row in rows[table]} <= accounts, table


def test_who_is_referred_to_exists_in_the_same_account(rows):
    contacts = {(row["account_id"], row["id"]) for row in rows["contacts"]} | {
        (row["account_id"], "\\N") for row in rows["contacts"]
    }
    holders = {(row["account_id"], row["id"]) for row in rows["account_holders"]}
    calls = {(row["account_id"], row["id"]) for row in rows["calls"]}
    for table in ("messages", "calls", "emails"):
        assert {(row["account_id"], row["contact_id"]) for row in rows[table]} <= contacts, table
    assert {(row["account_id"], row["introduced_by_id"]) for row in rows["contacts"]} <= contacts
    assert {(row["account_id"], row["call_id"]) for row in rows["call_recordings"]} <= calls
    for table in ("invoices", "payment_methods", "support_recordings", "numbers"):
        assert {(row["account_id"], row["holder_id"]) for row in rows[table]} <= holders, table


def test_every_message_call_and_mail_left_one_traffic_record(rows):
    def keys(row, channel):
        return row["created_at"], row["account_id"], channel, row["sender"], row["recipient"]

    sent = Counter(keys(row, row["channel"]) for row in rows["messages"])
    sent += Counter(keys(row, "call") for row in rows["calls"]) + Counter(keys(row, "email") for row in rows["emails"])
    for row in rows["traffic_records"]:
        if row["channel"] == "email":
            row = row | {"sender": row["sender_email"], "recipient": row["recipient_email"]}
        sent[keys(row, row["channel"])] -= 1
    assert set(sent.values()) == {0}


def test_conversations_go_back_and_forth_in_the_order_of_time(rows):
    conversations = defaultdict(list)
    for row in rows["messages"]:
        conversations[row["account_id"], *sorted((row["sender"], row["recipient"]))].append(row)
    assert any(
        [row["direction"] for row in conversation[:3]] == ["outbound", "inbound", "outbound"]
        and [row["created_at"] for row in conversation[:3]] == sorted(row["created_at"] for row in conversation[:3])
        for conversation in conversations.values()
    )


def test_invoices_add_up_from_their_lines_and_bill_what_was_sent(rows):
    lines = defaultdict(list)
    for row in rows["invoice_lines"]:
        exact = int(row["quantity"]) * Decimal(row["unit_price"])
        assert Decimal(row["amount"]) == exact.quantize(Decimal("0.01"), ROUND_HALF_UP)
        lines[row["invoice_id"]].append(row)
    sent = Counter(
        (row["account_id"], row["created_at"][:7]) for row in rows["messages"] if row["direction"] == "outbound"
    )
    billed = 0
    for invoice in rows["invoices"]:
        assert Decimal(invoice["subtotal"]) == sum(Decimal(row["amount"]) for row in lines[invoice["id"]])
        assert Decimal(invoice["total"]) == Decimal(invoice["subtotal"]) + Decimal(invoice["vat_amount"])
        for line in lines[invoice["id"]]:
            what, _, month = line["description"].partition(" in ")
            if what == "Messages" and sent[invoice["account_id"], month]:
                assert int(line["quantity"]) == sent[invoice["account_id"], month]
                billed += 1
    assert billed > 20


def test_every_number_is_valid_and_every_address_is_nobodys(rows):
    numbers = set()
    for table, columns in {
        "messages": ("sender", "recipient"), "calls": ("sender", "recipient"), "contacts": ("phone_number",),
        "account_holders": ("phone_number",), "numbers": ("number",), "leads": ("phone_number",),
        "support_recordings": ("caller_phone_number",),
    }.items():  # fmt: skip
        numbers |= {row[column] for row in rows[table] for column in columns}
    invalid = [number for number in numbers if not phonenumbers.is_valid_number(phonenumbers.parse(number))]
    assert invalid == []
    domains = {
        domain
        for table in rows.values()
        for row in table
        for value in row.values()
        for domain in ADDRESS.findall(value)
    }
    assert all(re.fullmatch(r"example\.(com|net|org)|[a-z0-9-]+\.example", domain) for domain in domains), domains


def test_ranges_hold_only_valid_numbers_of_their_country():
    for prefix, digits, first, last, country, _share in people.RANGES:
        for number in {first, (first + last) // 2, last - 1}:
            parsed = phonenumbers.parse(f"{prefix}{number:0{digits}d}")
            assert phonenumbers.is_valid_number(parsed)
            assert phonenumbers.region_code_for_number(parsed) == country


def test_names_come_in_several_scripts(rows):
    names = "".join(row["name"] for row in rows["contacts"])
    for letters in (r"[a-z]", r"[\u0600-\u06ff]", r"[\u4e00-\u9fff]", r"[\u0370-\u03ff]", r"[\u0400-\u04ff]"):
        assert re.search(letters, names)


def test_the_same_number_and_address_stand_in_two_accounts(rows):
    for account in (people.ACME, people.GLOBEX):
        of_account = [
            [row for row in rows[table] if row["account_id"] == str(account)]
            for table in ("contacts", "messages", "calls", "emails", "traffic_records")
        ]
        for table in of_account:
            values = {value for row in table for value in row.values()}
            assert {people.SHARED_PHONE, people.SHARED_EMAIL} & values


def test_some_traffic_of_the_shared_person_is_older_than_half_a_year_and_some_is_not(rows):
    for account in (people.ACME, people.GLOBEX):
        days = {
            row["created_at"][:10]
            for row in rows["traffic_records"]
            if row["account_id"] == str(account) and people.SHARED_PHONE in (row["sender"], row["recipient"])
        }
        assert min(days) < "2025-09-29" < max(days)


def test_a_contact_of_acme_is_referenced_by_another_contact(rows):
    [referenced] = [row for row in rows["contacts"] if row["email"] == people.REFERENCED_EMAIL]
    introduced = [row for row in rows["contacts"] if row["introduced_by_id"] == referenced["id"]]
    assert introduced
    assert {row["account_id"] for row in introduced} == {referenced["account_id"]} == {str(people.ACME)}


def test_people_who_sign_in_to_the_portal_are_account_holders_with_invoices(rows):
    holders = {row["email"]: row for row in rows["account_holders"]}
    for each in people.SAMPLE_HOLDERS:
        row = holders[each.email]
        assert row["account_id"] == str(each.account)
        assert row["id"] in {invoice["holder_id"] for invoice in rows["invoices"]}


def test_no_row_lies_on_or_after_the_date(rows):
    for table in ("messages", "calls", "emails", "traffic_records", "call_recordings", "web_visits"):
        assert max(row["created_at"] for row in rows[table]) < str(AT), table


def test_ibans_have_the_right_check_digits():
    iban = make_iban(1001)
    assert iban[4:8] == "EXMP"
    assert int("".join(str(int(sign, 36)) for sign in iban[4:] + iban[:4])) % 97 == 1


def test_columns_are_named_once():
    for table, columns, _rows in (*TABLES, ("invoices", INVOICES, None)):
        names = columns.split(", ")
        assert len(names) == len(set(names)), table
