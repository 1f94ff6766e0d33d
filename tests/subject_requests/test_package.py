"""What a package is made of: masked people, harmless cells, names of our own."""

import csv
import io
import zipfile
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import MetaData, Table

from apps.core.identities import Identity, IdentityType
from apps.core.spreadsheets import as_csv, neutralised
from apps.datamap.services import CollectionInfo, Findings
from apps.subject_requests.services.masking import counterparty_fields, mask_rows, own_identities
from apps.subject_requests.services.package import Archive, sections_of

OWN = frozenset({Identity(IdentityType.PHONE_NUMBER, "+31612345678")})
PARTY = ("user.communication.traffic.party",)
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.threat("T25")
@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("+31612345678", "+31612345678"),
        ("+31 6 12345678", "+31 6 12345678"),  # matching is on the canonical form
        ("+4915112345678", "+49•••78"),
        ("ann@acme.example", "a•••@a•••.example"),
        ("ACME", "•••"),  # a name as sender is somebody too
        (None, None),
        ("", ""),
        (["+31612345678", "+4915112345678"], ["+31612345678", "+49•••78"]),
    ],
)
def test_a_party_that_is_not_the_person_is_masked(value, shown):
    rows, masked = mask_rows([{"recipient": value, "body": "hello"}], {"recipient": PARTY, "body": ()}, OWN)
    assert rows == [{"recipient": shown, "body": "hello"}]
    assert masked == (value != shown)


def test_parties_in_nested_documents_are_masked_too():
    fields = {"meta": (), "meta.to": PARTY}
    rows, masked = mask_rows([{"meta": {"to": "+4915112345678", "n": 1}}, {"meta": None}, {}], fields, OWN)
    assert rows == [{"meta": {"to": "+49•••78", "n": 1}}, {"meta": None}, {}]
    assert masked == 1


def test_a_record_with_one_address_is_the_persons_own_and_with_two_is_not():
    one = {"email": ("user.contact.email",), "phone": ("user.contact.phone_number",)}
    two = {"from": ("user.contact.email",), "to": ("user.contact.email.work",)}
    assert counterparty_fields(one) == set()
    assert counterparty_fields(two) == {"from", "to"}


def test_a_second_number_in_their_own_record_is_theirs_everywhere():
    contacts = ([{"phone": "+31687654321"}], {"phone": ("user.contact.phone_number",)})
    messages = ([{"sender": "+4915112345678"}], {"sender": PARTY})
    own = own_identities(OWN, [contacts, messages])
    assert Identity(IdentityType.PHONE_NUMBER, "+31687654321") in own
    assert Identity(IdentityType.PHONE_NUMBER, "+4915112345678") not in own


def test_passwords_and_tokens_are_withheld():
    rows, masked = mask_rows([{"hash": "scrypt$…"}], {"hash": ("user.authorization.password",)}, OWN)
    assert (rows, masked) == ([{"hash": "•••"}], 1)


@pytest.mark.threat("T23")
@pytest.mark.parametrize(
    "cell",
    ["=1+1", "+31612345678", "-2", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1", "＋1", "－1", "＠x", "\u3000=1", "\n=1"],
)
def test_a_cell_that_a_spreadsheet_takes_for_a_formula_is_neutralised(cell):
    assert neutralised(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "hello", "1-2", "a=b", "مرحبا", "'=1"])
def test_other_cells_stay_as_they_are(cell):
    assert neutralised(cell) == cell


@pytest.mark.threat("T23")
@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=2), max_size=5))
def test_csv_reads_back_as_it_was_written(rows):
    text = as_csv(["a", "b"], rows).removeprefix("\ufeff")
    read = list(csv.reader(io.StringIO(text, newline="")))
    assert read == [["a", "b"], *[[neutralised(cell) for cell in row] for row in rows]]


@pytest.mark.threat("T24")
def test_entries_have_names_of_our_own():
    keys = ["../../etc:passwd", "C:\\:x", "a\u202eb:c", "shop:orders", "shop:Orders"]
    table = Table("t", MetaData())
    infos = {
        key: CollectionInfo(key, key.split(":")[0], key.split(":")[1], "s", "controller", (), (), table) for key in keys
    }
    sections = sections_of(Findings(rows={key: [] for key in keys}, collections=infos, not_entered=[]), OWN)
    stems = [section.stem for section in sections]
    assert len(set(stems)) == len(keys)
    assert all(stem.isascii() and not set(stem) & set("./\\:") for stem in stems)


@pytest.mark.threat("T24")
def test_an_entry_is_a_plain_private_file():
    archive = Archive(NOW)
    archive.add("data/1.json", b"[]")
    [entry] = zipfile.ZipFile(io.BytesIO(archive.buffer.getvalue())).infolist()
    assert (entry.external_attr >> 16) & 0o777 == 0o600
    assert not entry.is_dir()
    assert entry.date_time == (2026, 11, 23, 12, 0, 0)
