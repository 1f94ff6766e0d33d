"""Keys are made once; an installation from before a kind of key existed gets that kind, and loses nothing."""

from privacy_portal.embedded.keys import write_keys


def test_keys_are_made_once(tmp_path):
    before = write_keys(tmp_path).read_bytes()
    assert write_keys(tmp_path).read_bytes() == before
    assert (tmp_path / "keys.env").stat().st_mode & 0o777 == 0o600
    assert b"RECEIPT_KEYS=" in before


def test_a_kind_of_key_that_is_new_is_added_and_no_line_changes(tmp_path):
    old = "# mine\nSECRET_KEY=a=b\nFIELD_KEYS=1:x,0:y\nPACKAGE_KEYS=1:x\nINDEX_KEY=i\nTOMBSTONE_KEY=t\n"
    (tmp_path / "keys.env").write_text(old)
    new = write_keys(tmp_path).read_text()
    assert new.startswith(old)
    assert new.removeprefix(old).startswith("RECEIPT_KEYS=")
    assert new.count("\n") == old.count("\n") + 1
