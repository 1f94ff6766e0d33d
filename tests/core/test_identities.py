"""One canonical form; a look-alike is somebody else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.errors import InvalidInput
from apps.core.identities import IdentityType, mask, parse_identity


@pytest.mark.parametrize(
    ("kind", "raw", "canonical"),
    [
        ("email", "  Jan.Jansen+news@Example.COM ", "jan.jansen+news@example.com"),
        ("email", "jan@bücher.example", "jan@xn--bcher-kva.example"),
        ("email", "jan@example.com.", "jan@example.com"),
        ("email", "ｊａｎ@example.com", "jan@example.com"),
        ("phone_number", "+31 6 1234 5678", "+31612345678"),
        ("phone_number", "0031612345678", None),
        ("customer_reference", " AB-1 ", "AB-1"),
    ],
)
def test_what_was_typed_gets_its_canonical_form(kind, raw, canonical):
    if canonical is None:
        with pytest.raises(InvalidInput):
            parse_identity(kind, raw)
    else:
        assert parse_identity(kind, raw).value == canonical


def test_a_national_number_needs_a_region():
    assert parse_identity("phone_number", "06 12345678", region="NL").value == "+31612345678"


@pytest.mark.threat("T9")
@pytest.mark.parametrize(
    "look_alike", ["vıctim@example.com", "victim+x@example.com", "vic.tim@example.com", "victim@examp1e.com"]
)
def test_a_look_alike_is_somebody_else(look_alike):
    assert parse_identity("email", look_alike).value != parse_identity("email", "victim@example.com").value


@pytest.mark.threat("T33")
@pytest.mark.parametrize(
    "raw",
    [
        "",
        " ",
        "a\0b@example.com",
        "no-at-sign",
        "a@b",
        "@example.com",
        "a b@example.com",
        "a@-.com",
        "x" * 300 + "@e.com",
        "a@\ud800.com",
        "a\r\nBcc: b@example.com",
        "١٢٣",
        "+1",
        "+" * 50,
        "a@" + "b." * 200 + "c",
    ],
)
@pytest.mark.parametrize("kind", ["email", "phone_number"])
def test_what_is_no_identity_is_refused_in_words(kind, raw):
    with pytest.raises(InvalidInput) as refusal:
        parse_identity(kind, raw, field="line_3")
    assert refusal.value.field == "line_3"
    assert str(refusal.value)


@given(kind=st.sampled_from(IdentityType), raw=st.text())
def test_any_text_is_either_refused_or_canonical_for_ever(kind, raw):
    try:
        identity = parse_identity(kind, raw)
    except InvalidInput:
        return
    assert parse_identity(kind, identity.value) == identity


def test_an_unknown_kind_is_refused():
    with pytest.raises(InvalidInput):
        parse_identity("passport", "x")


@pytest.mark.threat("T13")
def test_a_mask_shows_little():
    assert mask(parse_identity("email", "jansen@example.com")) == "j•••@e•••.com"
    assert mask(parse_identity("phone_number", "+31612345678")) == "+31•••78"
