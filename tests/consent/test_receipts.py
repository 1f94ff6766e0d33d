"""A receipt says what was decided, in two forms that other programs read, and its signature proves it."""

import json
from datetime import timedelta
from pathlib import Path

import jsonschema
import pytest

from apps.consent.ids import event_id
from apps.consent.models import Event, Purpose
from apps.consent.services import Decision, publish_texts, receipts, record_decision
from apps.consent.services.seeding import seed_purposes
from apps.core.clock import now
from apps.core.errors import DomainError

SCHEMAS = Path(receipts.__file__).parents[1] / "receipts" / "schemas"


def validator(name):
    schema = json.loads((SCHEMAS / f"{name}.json").read_text())
    kind = jsonschema.validators.validator_for(schema)
    assert kind is jsonschema.Draft202012Validator
    kind.check_schema(schema)
    return kind(schema, format_checker=kind.FORMAT_CHECKER)


ISO, KANTARA = validator("iso27560"), validator("kantara")


def said(choices, *, action="given", at=None, language="en", notice=None, **facts):
    """What somebody said, with the words of a notice."""
    at, notice = at or now(), notice or next(iter(choices))
    bodies = {language: {"title": f"About {notice}", "effect": "…"}}
    text = publish_texts(notice=notice, bodies=bodies, is_material=True, actor="command", now=at)[language]
    values = {"scope": "provider", "subject_key": "user:1", "method": "switch", "language": language, "text": text}
    decision = Decision(id=event_id(at), action=action, choices=choices, **(values | facts))
    record_decision(decision, now=at)
    return Event.objects.identified(decision.id).get()


def chosen(at=None, action="chosen", visitor="v" * 22, **choices):
    values = {"scope": "site:main", "subject_key": visitor, "method": "banner", "is_projected": False}
    return said(choices, action=action, at=at, notice="cookies:main", register_version=7, gpc=False, **values)


def written(event, form="iso", at=None):
    receipt = receipts.issue_receipt(event, form=form, now=at or now())
    {"iso": ISO, "kantara": KANTARA}[form].validate(receipt.content)
    return receipt


def states(content):
    return [(entry["event_state"], entry["purposes"]) for entry in content["event"]]


@pytest.fixture(autouse=True)
def _purposes(db):
    seed_purposes(now=now())


@pytest.mark.req("CON-1")
def test_a_consent_is_told_with_its_words_and_who_gets_the_data():
    event = said({"newsletter": True}, subject_key="user:7")
    content = written(event).content
    notice = content["pii_processing"][0]["privacy_notice"]
    (purpose,) = content["pii_processing"][0]["purposes"]
    assert (notice["id"], notice["version"], notice["sha256"]) == ("newsletter", 2, event.text)
    assert (purpose["purpose_name"], purpose["lawful_basis"]) == ("About newsletter", "eu-gdpr:A6-1-a")
    parties = {party["party_id"]: party for party in content["party_identification"]}
    getting = [parties[key] for key in purpose["recipient_third_parties"]]
    assert [(one["party_name"], one["party_address"]) for one in getting] == [("MailChimp", "US"), ("SparkPost", "US")]
    assert parties[purpose["authority_party"]]["party_name"] == "Autoriteit Persoonsgegevens"
    assert "eu-gdpr:A7-3" in purpose["privacy_rights"]["rights"]
    assert states(content) == [("ConsentGiven", ["newsletter"])]


def test_a_company_that_the_register_does_not_know_is_named_all_the_same():
    Purpose.objects.filter(key="saved_payment_method").update(recipients=["Nobody Knows BV", "MailChimp"])
    parties = written(said({"saved_payment_method": True})).content["party_identification"]
    assert ("Nobody Knows BV", "not stated") in {(one.get("party_name"), one.get("party_address")) for one in parties}


@pytest.mark.req("CON-2", "CON-4")
def test_a_receipt_tells_of_the_withdrawal_that_came_later():
    began = now() - timedelta(days=2)
    given = said({"newsletter": True}, at=began)
    withdrawn = said({"newsletter": False}, action="withdrawn", at=began + timedelta(days=1), method="one_click")
    chain = [("ConsentGiven", ["newsletter"]), ("Withdrawn", ["newsletter"])]
    first, second = written(given).content, written(withdrawn).content
    assert states(first) == states(second) == chain
    assert first["record_id"] == second["record_id"]
    assert first["receipt_id"] != second["receipt_id"]
    assert [entry["event_id"] for entry in first["event"]] == [str(given.id), str(withdrawn.id)]


def test_what_is_said_after_a_withdrawal_begins_a_record_of_its_own():
    began = now() - timedelta(days=3)
    said({"newsletter": True}, at=began)
    withdrawn = said({"newsletter": False}, action="withdrawn", at=began + timedelta(days=1))
    again = said({"newsletter": True}, at=began + timedelta(days=2))
    assert [state for state, _keys in states(written(withdrawn).content)] == ["ConsentGiven", "Withdrawn"]
    assert states(written(again).content) == [("ConsentGiven", ["newsletter"])]


def test_what_was_refused_is_not_called_withdrawn():
    assert states(written(said({"newsletter": False}, action="refused")).content) == [("Refused", ["newsletter"])]


@pytest.mark.req("CON-1")
def test_each_cookie_category_has_its_own_answer():
    began = now() - timedelta(days=2)
    first = chosen(began, performance=True, functional=True, marketing=False)
    again = chosen(began + timedelta(days=1), performance=False, functional=True, marketing=False)
    answers = [("ConsentGiven", ["performance", "functional"]), ("Refused", ["marketing"])]
    assert states(written(first).content)[:2] == answers
    said_then = [entry for entry in written(again).content["event"] if entry.get("event_id") == str(again.id)]
    assert {entry["event_state"]: entry["purposes"] for entry in said_then} == {
        "Withdrawn": ["performance"], "ConsentGiven": ["functional"], "Refused": ["marketing"],
    }  # fmt: skip
    assert written(first).content["pii_processing"][0]["privacy_notice"]["register_version"] == 7


def test_a_consent_whose_time_is_up_is_told_as_expired():
    at = now() - timedelta(days=10)
    event = said({"newsletter": True}, at=at, until=at + timedelta(days=5))
    assert states(written(event, at=at + timedelta(days=1)).content) == [("ConsentGiven", ["newsletter"])]
    assert states(written(event).content)[-1] == ("Expired", ["newsletter"])


def test_another_subject_and_another_purpose_are_no_part_of_a_record():
    event = said({"newsletter": True}, at=now() - timedelta(days=1))
    said({"newsletter": False}, action="withdrawn", subject_key="user:2")
    said({"saved_payment_method": True})
    assert states(written(event).content) == [("ConsentGiven", ["newsletter"])]


@pytest.mark.req("CON-1")
def test_a_kantara_receipt_tells_what_was_agreed_to():
    event = chosen(performance=True, functional=False, marketing=True)
    content = written(event, "kantara").content
    assert [one["purpose"] for one in content["services"][0]["purposes"]] == ["performance", "marketing"]
    assert content["consentTimestamp"] == int(event.at.timestamp())


def test_special_categories_are_told_as_sensitive():
    Purpose.objects.filter(key="saved_payment_method").update(data_categories=["user.health_and_medical.genetic"])
    content = written(said({"saved_payment_method": True}), "kantara").content
    assert (content["sensitive"], content["spiCat"]) == (True, ["user.health_and_medical.genetic"])


@pytest.mark.req("CON-1")
@pytest.mark.parametrize(
    ("choices", "action", "basis", "state"),
    [
        ({"automatic_top_up": True}, "given", "eu-gdpr:A6-1-b", "MandateGiven"),
        ({"automatic_top_up": False}, "withdrawn", "eu-gdpr:A6-1-b", "MandateRevoked"),
        ({"enrichment": False}, "objected", "eu-gdpr:A6-1-f", "Objected"),
    ],
)
def test_what_is_no_consent_is_recorded_as_what_it_is_and_gets_no_consent_receipt(choices, action, basis, state):
    event = said(choices, action=action)
    content = written(event).content
    assert [one["lawful_basis"] for one in content["pii_processing"][0]["purposes"]] == [basis]
    assert [entry["event_state"] for entry in content["event"]] == [state]
    with pytest.raises(DomainError, match="another legal basis") as refused:
        receipts.issue_receipt(event, form="kantara", now=now())
    assert refused.value.code == "not_consent"


@pytest.mark.parametrize("action", ["refused", "withdrawn"])
def test_a_no_gets_no_consent_receipt(action):
    with pytest.raises(DomainError, match="nothing was agreed to") as refused:
        receipts.issue_receipt(said({"newsletter": False}, action=action), form="kantara", now=now())
    assert refused.value.code == "nothing_given"


@pytest.mark.parametrize("language", ["en", "nl", "ar"])
@pytest.mark.parametrize("form", ["iso", "kantara"])
def test_receipts_in_every_language_are_small_enough_to_be_verified(language, form):
    everything = {"performance": True, "functional": True, "marketing": True}
    event = said(everything, language=language, notice="cookies:main", scope="site:main", subject_key="v" * 22)
    assert len(written(event, form).signed) < 16_000


def test_a_receipt_names_nobody():
    event = said({"newsletter": True}, subject_key="user:1234", user_id="01234567-89ab-4def-8123-456789abcdef")
    content = json.dumps(written(event).content)
    assert "user:1234" not in content
    assert "01234567-89ab" not in content


@pytest.mark.parametrize("name", ["event", "pii_processing", "authority"])
def test_a_receipt_without_what_is_mandatory_is_found_out(name):
    content = json.loads(json.dumps(written(said({"newsletter": True})).content))
    if name == "authority":
        del content["pii_processing"][0]["purposes"][0]["authority_party"]
    else:
        content[name] = []
    with pytest.raises(jsonschema.ValidationError):
        ISO.validate(content)
