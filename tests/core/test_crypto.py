"""What is sealed opens only where it was sealed, whole, and with the right key."""

import os

import pytest

from apps.core import crypto
from apps.core.identities import Identity, IdentityType

PHONE = Identity(IdentityType.PHONE_NUMBER, "+31612345678")


def test_a_sealed_value_opens_on_its_own_row_only():
    sealed = crypto.seal("jan@example.com", bound_to="row:1")
    assert crypto.unseal(sealed, bound_to="row:1") == "jan@example.com"
    assert b"example" not in sealed
    with pytest.raises(crypto.Unreadable):
        crypto.unseal(sealed, bound_to="row:2")


def test_keys_rotate_the_first_seals_and_all_open(settings):
    old, new = "old:" + "A" * 43 + "=", "new:" + "B" * 43 + "="
    settings.FIELD_KEYS = old
    sealed = crypto.seal("text", bound_to="r")
    settings.FIELD_KEYS = f"{new},{old}"
    assert crypto.unseal(sealed, bound_to="r") == "text"
    assert crypto.seal("text", bound_to="r").startswith(b"new:")
    settings.FIELD_KEYS = new
    with pytest.raises(crypto.Unreadable):
        crypto.unseal(sealed, bound_to="r")


@pytest.mark.threat("T59")
def test_index_and_tombstone_are_keyed_apart(settings):
    index, tombstone = crypto.lookup(PHONE), crypto.tombstone(PHONE, account="1001")
    assert index != tombstone
    assert tombstone != crypto.tombstone(PHONE, account="1002")
    settings.INDEX_KEY = "D" * 43 + "="
    assert crypto.lookup(PHONE) != index
    assert crypto.tombstone(PHONE, account="1001") == tombstone


def test_type_and_value_can_not_be_shifted_into_each_other():
    assert crypto.lookup(Identity(IdentityType.ACCOUNT_ID, "x")) != crypto.lookup(
        Identity(IdentityType.CUSTOMER_REFERENCE, "x")
    )


@pytest.mark.threat("T22")
@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 300_000])
def test_a_sealed_file_gives_back_its_bytes_and_hides_them(tmp_path, size):
    content = os.urandom(size)
    crypto.seal_stream([content[:1000], content[1000:]], tmp_path / "file")
    assert b"".join(crypto.unseal_stream(tmp_path / "file")) == content
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600


@pytest.mark.threat("T22")
def test_a_sealed_file_that_was_cut_or_changed_does_not_open(tmp_path):
    path = tmp_path / "file"
    crypto.seal_stream([os.urandom(200_000)], path)
    whole = path.read_bytes()
    for broken in (whole[:-70_000], whole[:100] + bytes([whole[100] ^ 1]) + whole[101:], whole[:65_574]):
        path.write_bytes(broken)
        with pytest.raises(crypto.Unreadable):
            list(crypto.unseal_stream(path))
