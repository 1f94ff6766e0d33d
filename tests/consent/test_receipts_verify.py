"""Whoever holds a receipt can prove it, with our public keys or by asking us; whatever was changed in it shows."""

import base64
import json
import uuid
from datetime import timedelta

import jwt
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse
from django.utils import translation
from hypothesis import example, given, settings
from hypothesis import strategies as st

from apps.consent.receipts import signing
from apps.consent.services import receipts
from apps.consent.services.seeding import seed_purposes
from apps.consent.views import receipts as views
from apps.core.clock import now
from apps.core.errors import DomainError
from tests.consent.test_receipts import chosen, said

OLD, NEW = "old:" + "E" * 43 + "=", "new:" + "F" * 43 + "="
CONTENT = {"schema_version": "ISO-27560:2023", "text": "موافقة", "number": 1}


@pytest.fixture
def _fresh_limit(monkeypatch):
    monkeypatch.setattr(views, "buckets", views.Buckets(a_second=0, burst=30))


def ask(client, receipt, **headers):
    kind = headers.pop("content_type", "application/jose")
    return client.post(reverse("consent:receipt_verify"), receipt, content_type=kind, **headers)


def signed_by_us():
    return signing.sign(CONTENT, evidence="e" * 64, now=now())


@pytest.mark.django_db
@pytest.mark.usefixtures("_fresh_limit")
@pytest.mark.req("CON-1", "CON-4")
@pytest.mark.parametrize(("form", "standard"), [("iso", "ISO-27560:2023"), ("kantara", "KI-CR-v1.1.0")])
def test_what_we_gave_out_is_verified_by_anybody(client, form, standard):
    seed_purposes(now=now())
    event = said({"newsletter": True}, subject_key="user:1")
    receipt = receipts.issue_receipt(event, form=form, now=now())
    response = ask(client, receipt.signed + "\n")
    answer = response.json()
    assert response.status_code == 200
    assert (answer["valid"], answer["kid"], answer["standard"]) == (True, "test", standard)
    assert answer["event"] == {"known": True, "agrees": True, "words_agree": True}
    assert answer["record_id"] in (receipt.content.get("record_id"), receipt.content.get("consentReceiptID"))
    assert "user:1" not in response.content.decode()
    assert not response.cookies


@pytest.mark.django_db
def test_a_receipt_is_verified_with_nothing_but_the_public_keys(client):
    receipt = receipts.issue_receipt(said({"newsletter": True}), form="iso", now=now())
    response = client.get(reverse("consent:receipt_keys"))
    assert response["Content-Type"] == "application/jwk-set+json"
    found = jwt.PyJWKSet.from_json(response.content.decode())
    kid = jwt.get_unverified_header(receipt.signed)["kid"]
    payload = jwt.PyJWS().decode(receipt.signed, found[kid].key, algorithms=["EdDSA"])
    assert json.loads(payload) == receipt.content
    assert "d" not in response.json()["keys"][0]


@pytest.mark.django_db
@pytest.mark.usefixtures("_fresh_limit")
def test_a_receipt_of_an_event_that_is_gone_is_still_ours(client):
    event = said({"newsletter": True})
    event.id = uuid.UUID(int=event.id.int ^ 1)
    receipt = receipts.issue_receipt(event, form="iso", now=now())
    assert ask(client, receipt.signed).json()["event"] == {"known": False, "agrees": None, "words_agree": None}


@pytest.mark.django_db
@pytest.mark.usefixtures("_fresh_limit")
@pytest.mark.req("CON-4")
def test_a_record_that_somebody_changed_no_longer_agrees_with_its_receipt(client):
    seed_purposes(now=now())
    event = said({"newsletter": True})
    event.choices = {"newsletter": False}  # what we signed for, while our record says yes
    receipt = receipts.issue_receipt(event, form="iso", now=now())
    answer = ask(client, receipt.signed).json()
    assert answer["valid"]
    assert answer["event"] == {"known": True, "agrees": False, "words_agree": True}


@pytest.mark.django_db
@pytest.mark.usefixtures("_fresh_limit")
@pytest.mark.parametrize("name", ["choices", "text", "at", "subject_key", "user_id", "method"])
def test_every_fact_of_an_event_is_in_its_evidence(name):
    event = chosen(performance=True, functional=False, marketing=False)
    before = receipts.evidence_of(event)
    others = {"choices": {"performance": False}, "text": "1" * 64, "at": now() + timedelta(seconds=1)}
    others |= {"subject_key": "w" * 22, "user_id": event.id, "method": "page"}
    setattr(event, name, others[name])
    assert receipts.evidence_of(event) != before


@pytest.mark.req("CON-4")
@settings(max_examples=400, deadline=None)
@given(place=st.integers(min_value=0, max_value=10**6), other=st.integers(min_value=1, max_value=255))
@example(place=-1, other=1)
def test_each_byte_flip_fails(place, other):
    signed = signed_by_us().encode()
    place %= len(signed)
    flipped = signed[:place] + bytes([signed[place] ^ other]) + signed[place + 1 :]
    with pytest.raises(DomainError) as refused:
        signing.read(flipped.decode("utf-8", "replace").rstrip("\r\n"))
    assert refused.value.code in ("malformed", "unknown_key", "changed")


def test_the_last_character_can_be_written_in_one_way_only():
    signed = signed_by_us()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    same = [signed[:-1] + letter for letter in alphabet if letter != signed[-1]]
    decoded = {base64.urlsafe_b64decode(one.rpartition(".")[2] + "==") for one in [signed, *same]}
    assert len(decoded) < len(same)  # several of them are the same bytes
    for one in same:
        with pytest.raises(DomainError):
            signing.read(one)


def parts(header, payload=b"{}", signature=b"s" * 64):
    text = json.dumps(header).encode() if not isinstance(header, bytes) else header
    return ".".join(base64.urlsafe_b64encode(one).decode().rstrip("=") for one in (text, payload, signature))


GOOD = {"alg": "EdDSA", "typ": signing.TYPE, "kid": "test", "iat": 1, "evidence": "e"}


@pytest.mark.parametrize(
    "receipt",
    ["", ".", "..", "a.b", "a.b.c", "a.b.c.d", "ü.ü.ü", "{}", parts([]), parts(b"\xff"), parts(GOOD, b"[]"),
     parts(GOOD | {"alg": "none"}), parts(GOOD | {"alg": "HS256"}), parts(GOOD | {"crit": ["exp"]}),
     parts(GOOD | {"jwk": {}}), parts(GOOD | {"iat": "1"}), parts(GOOD | {"iat": True}), parts(GOOD | {"kid": None}),
     parts(GOOD, signature=b""), parts(b"[" * 100_000), parts(GOOD | {"typ": "JWT"})],
)  # fmt: skip
def test_what_is_no_receipt_is_refused_as_malformed(receipt):
    with pytest.raises(DomainError) as refused:
        signing.read(receipt)
    assert refused.value.code == "malformed"


@pytest.mark.parametrize("iat", [10**30, -(10**30)])
def test_an_instant_that_cannot_be_is_refused(iat):
    with pytest.raises(DomainError) as refused:
        signing.read(parts(GOOD | {"iat": iat}))
    assert refused.value.code == "changed"


def test_keys_are_rotated_the_first_signs_and_all_of_them_verify(settings):
    settings.RECEIPT_KEYS = OLD
    before = signed_by_us()
    settings.RECEIPT_KEYS = f"{NEW},{OLD}"
    after = signed_by_us()
    assert [signing.read(one).kid for one in (before, after)] == ["old", "new"]
    assert [key["kid"] for key in signing.key_set()["keys"]] == ["new", "old"]
    settings.RECEIPT_KEYS = NEW
    with pytest.raises(DomainError) as refused:
        signing.read(before)
    assert refused.value.code == "unknown_key"


def test_another_key_under_the_same_name_proves_nothing(settings):
    settings.RECEIPT_KEYS = OLD
    foreign = signed_by_us()
    settings.RECEIPT_KEYS = "old:" + "G" * 43 + "="
    with pytest.raises(DomainError) as refused:
        signing.read(foreign)
    assert refused.value.code == "changed"


@pytest.mark.parametrize("keys", ["", "a:", "a:AAAA", "a:%%%", "no colon"])
def test_keys_that_are_none_are_told_to_whoever_runs_the_portal(settings, keys):
    settings.RECEIPT_KEYS = keys
    with pytest.raises(ImproperlyConfigured, match="RECEIPT_KEYS"):
        signed_by_us()


@pytest.mark.django_db
@pytest.mark.usefixtures("_fresh_limit")
@pytest.mark.threat("T42")
@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [("nothing", 400, "malformed"), ("x" * 16_385, 413, "size"), (b"\xff\0", 400, "malformed"), ("", 400, "malformed")],
)  # fmt: skip
def test_why_not_is_told_as_a_problem(client, sent, status, code):
    response = ask(client, sent)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response["Content-Type"] == "application/problem+json"


@pytest.mark.django_db
@pytest.mark.usefixtures("_fresh_limit")
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/json"])
def test_a_changed_receipt_is_refused_however_it_is_sent(client, kind):
    signed = signed_by_us()
    head, payload, signature = signed.split(".")
    response = ask(
        client, f"{head}.{payload[:-2]}{'AA' if payload[-2:] != 'AA' else 'BA'}.{signature}", content_type=kind
    )
    assert response.status_code in (400, 422)
    assert response.json()["valid"] is False


@pytest.mark.django_db
@pytest.mark.usefixtures("_fresh_limit")
def test_why_not_speaks_english_whatever_page_the_thread_served_before(client):
    translation.activate("ar")
    assert "not a receipt" in ask(client, "x").json()["detail"]


@pytest.mark.django_db
def test_public_keys_may_be_kept_by_anybody_for_an_hour(client):
    response = client.get(reverse("consent:receipt_keys"))
    assert response["Cache-Control"] == "public, max-age=3600"
    assert response["Access-Control-Allow-Origin"] == "*"
    assert not response.cookies


@pytest.mark.django_db
@pytest.mark.threat("T42")
def test_one_network_cannot_ask_without_end(client, monkeypatch):
    monkeypatch.setattr(views, "buckets", views.Buckets(a_second=0, burst=3))
    statuses = [ask(client, "x").status_code for _again in range(5)]
    assert statuses == [400, 400, 400, 429, 429]
    assert ask(client, "x", REMOTE_ADDR="198.51.100.7").status_code == 400


@pytest.mark.django_db
@pytest.mark.usefixtures("_fresh_limit")
def test_verifying_knows_no_session(client, django_assert_num_queries):
    client.cookies["sessionid"] = "anything"
    with django_assert_num_queries(0):
        ask(client, "x")
    assert client.get(reverse("consent:receipt_verify")).status_code == 405
