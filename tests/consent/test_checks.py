"""May we, for this person and purpose? Asked by a customer's systems with a token, for its own account alone."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client

from apps.accounts.services import tokens
from apps.consent import api, checking
from apps.consent.models import Event, Objection, Purpose, State
from apps.consent.services import event_id, limits
from apps.consent.states import MARKETING, Basis, Ground
from apps.core import clock, crypto
from apps.core.fast_path import Buckets
from apps.core.identities import parse_identity
from apps.ledger.models import Entry
from tests.accounts.factories import LONG_AGO, TokenFactory, token_text

CHECK, RESTRICTIONS, WRITE = "/api/v1/consents/check", "/api/v1/restrictions/check", "/api/v1/consents"
JAN = {"email": "Jan@Example.org "}
TEXT = "a" * 64


@pytest.fixture(autouse=True)
def _nothing_remembered(monkeypatch):
    tokens._remembered.clear()
    checking.purposes.forget()
    monkeypatch.setattr(api, "by_account", Buckets(a_second=500, burst=1000))
    monkeypatch.setattr(api, "by_stranger", Buckets(a_second=1, burst=60))


class System:
    """A customer's system with its token."""

    def __init__(self, **token):
        self.text = token_text()
        self.token = TokenFactory(text=self.text, **token)
        self.scope = f"account:{self.token.account_id}"
        self.client = Client(headers={"authorization": f"Bearer {self.text}"})

    def get(self, url=CHECK, **asked):
        return self.client.get(url, asked)

    def post(self, url, body):
        raw = body if isinstance(body, str) else json.dumps(body)
        return self.client.post(url, raw, content_type="application/json")

    def ask(self, *subjects, purpose="news"):
        response = self.post(CHECK, {"purpose": purpose, "subjects": list(subjects)})
        assert response.status_code == 200, response.content
        return response.json()["answers"]

    def report(self, subject=None, *, action="given", purposes=("news",), at=None, **more):
        return {
            "id": str(event_id(at or clock.now())),
            "subject": subject or JAN,
            "action": action,
            "purposes": list(purposes),
            "text": TEXT,
            "language": "nl",
        } | more

    def tell(self, *reports):
        return self.post(WRITE, {"decisions": list(reports)})


@pytest.fixture
def system(db):
    return System()


def purpose(key, basis=Basis.INTEREST, **more):
    return Purpose.objects.create(key=key, basis=basis, created_at=LONG_AGO, **more)


def key_of(subject):
    [(kind, value)] = subject.items()
    return crypto.lookup(parse_identity(kind, value))


@pytest.mark.req("CON-1")
def test_what_was_reported_is_what_is_answered(system):
    response = system.tell(system.report(until="2030-01-01T00:00:00+01:00"))
    assert (response.status_code, response.json()) == (201, {"recorded": 1, "known": 0})
    [answer] = system.ask({"email": "jan@example.ORG"})
    assert (answer["allowed"], answer["ground"], answer["why"]) == (True, "consent", "given")
    assert answer["until"] == "2029-12-31T23:00:00+00:00"
    event = Event.objects.get()
    assert (event.scope, event.subject_key, event.method, event.text) == (system.scope, key_of(JAN), "api", TEXT)
    assert answer["since"] == event.at.isoformat()
    assert "example.org" not in str(vars(event)).lower()


@pytest.mark.req("CON-2")
def test_a_withdrawal_is_obeyed_from_the_next_question_on(system):
    system.tell(system.report(at=clock.now() - timedelta(days=3)))
    system.tell(system.report(action="withdrawn"))
    [answer] = system.ask(JAN)
    assert (answer["allowed"], answer["ground"], answer["why"]) == (False, "none", "refused")
    assert Event.objects.count() == 2


def test_without_a_word_consent_is_no_and_an_interest_is_yes(system):
    purpose("product_news")
    purpose("top_up", Basis.MANDATE)
    assert system.ask(JAN)[0]["why"] == "never_given"
    assert not system.ask(JAN, purpose="top_up")[0]["allowed"]
    [answer] = system.ask(JAN, purpose="product_news")
    assert (answer["allowed"], answer["ground"], answer["why"]) == (True, "legitimate_interest", "not_objected")


def test_a_consent_that_ran_out_and_a_purpose_that_ended_are_no(system):
    key = {"scope": system.scope, "subject_key": key_of(JAN), "is_allowed": True, "event": event_id(clock.now())}
    past = clock.now() - timedelta(seconds=1)
    State.objects.create(**key, purpose="news", since=LONG_AGO, until=past)
    assert system.ask(JAN)[0]["why"] == "expired"
    purpose("old", Basis.CONSENT, ended_at=past)
    State.objects.create(**key, purpose="old", since=LONG_AGO)
    assert system.ask(JAN, purpose="old")[0]["why"] == "purpose_ended"


@pytest.mark.req("CON-5")
@pytest.mark.parametrize(
    ("objected_to", "asked", "is_marketing", "allowed"),
    [
        ("product_news", "product_news", True, False),
        (MARKETING, "product_news", True, False),
        (MARKETING, "product_news", False, True),
        ("other", "product_news", True, True),
    ],
)
def test_an_objection_ends_its_purpose_and_one_to_marketing_all_of_it(
    system, objected_to, asked, is_marketing, allowed
):
    purpose("product_news", is_marketing=is_marketing)
    said = {"scope": system.scope, "subject_key": key_of(JAN), "actor": "system", "now": clock.now()}
    limits.object_to_purpose(**said, purpose=objected_to)
    [answer] = system.ask(JAN, purpose=asked)
    assert answer["allowed"] is allowed
    if not allowed:
        assert (answer["why"], answer["objection"]["purpose"]) == ("objected", objected_to)


@pytest.mark.req("CON-5")
def test_an_objection_that_is_reported_stands_at_once_until_the_person_agrees_again(system):
    system.tell(system.report(at=clock.now() - timedelta(days=1)))
    system.tell(system.report(action="objected", purposes=[MARKETING], text="", at=clock.now() - timedelta(hours=1)))
    assert system.ask(JAN)[0]["why"] == "objected"
    assert Entry.objects.filter(verb="consent.objected").count() == 1
    system.tell(system.report(at=clock.now() - timedelta(hours=2)))
    assert system.ask(JAN)[0]["why"] == "objected", "a yes from before it lifts nothing"
    system.tell(system.report(purposes=["news", MARKETING]))
    assert system.ask(JAN)[0]["allowed"]
    system.tell(system.report(action="objected", purposes=["news"], at=clock.now() - timedelta(minutes=30)))
    assert system.ask(JAN)[0]["allowed"], "a no from before the yes arrived late"


def test_a_restriction_goes_before_everything(system):
    purpose("product_news")
    system.tell(system.report())
    said = {"scope": system.scope, "subject_key": key_of(JAN), "actor": "system", "now": clock.now()}
    restriction, _ = limits.restrict_subject(**said, ground=Ground.ACCURACY)
    limits.object_to_purpose(**said, purpose="news")
    for asked in ("news", "product_news"):
        [answer] = system.ask(JAN, purpose=asked)
        assert (answer["allowed"], answer["why"], answer["restriction"]["ground"]) == (False, "restricted", "accuracy")
    [flag] = system.post(RESTRICTIONS, {"subjects": [JAN]}).json()["answers"]
    assert (flag["restricted"], flag["ground"]) == (True, "accuracy")
    limits.lift_restriction(restriction, notice="message:1", actor="system", now=clock.now())
    assert system.post(RESTRICTIONS, {"subjects": [JAN]}).json() == {
        "answers": [{"restricted": False, "ground": None, "since": None}]
    }


@pytest.mark.threat("T2")
def test_each_account_sees_its_own_end_users_alone(system):
    other = System()
    other.tell(other.report())
    limits.restrict_subject(
        scope="provider", subject_key=key_of(JAN), ground=Ground.CHILD, actor="system", now=clock.now()
    )
    assert system.ask(JAN)[0] == {
        "allowed": False, "ground": "none", "since": None, "until": None, "why": "never_given",
        "restriction": None, "objection": None,
    }  # fmt: skip
    assert other.ask(JAN)[0]["allowed"]


def test_a_thousand_are_answered_in_their_order_by_one_statement(system, monkeypatch):
    subjects = [{"customer_reference": f"c-{number}"} for number in range(1000)]
    for number in (7, 500):
        system.tell(system.report(subjects[number]))
    sent = []
    monkeypatch.setattr(
        checking._states, "_send", lambda *given, send=checking._states._send: sent.append(1) or send(*given)
    )
    answers = system.ask(*subjects)
    assert [place for place, answer in enumerate(answers) if answer["allowed"]] == [7, 500]
    assert (len(answers), len(sent)) == (1000, 1)
    too_many = system.post(CHECK, {"purpose": "news", "subjects": [*subjects, subjects[0]]})
    assert (too_many.status_code, too_many.json()["field"]) == (422, "subjects")


def test_whoever_is_asked_about_is_looked_up_alone_however_many_people_there_are(system):
    system.ask(JAN)
    said = {"scope": system.scope, "purpose": "news", "is_allowed": True, "event": event_id(clock.now())}
    State.objects.bulk_create(State(**said, subject_key=f"x{number}", since=clock.now()) for number in range(5000))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE consent_state")
        cursor.execute(f"EXPLAIN EXECUTE consent_check('{{a,b}}', '{system.scope}', 'news', '{{news}}')")
        plan = [line for (line,) in cursor.fetchall()]
    assert any("Index Cond" in line and "asked.key" in line for line in plan), "\n".join(plan)


def test_one_is_asked_by_get_with_a_reference(system):
    system.tell(system.report({"customer_reference": "c-1"}))
    assert system.get(purpose="news", customer_reference="c-1").json()["allowed"]
    assert not system.get(purpose="news", customer_reference="c-2").json()["allowed"]
    assert system.get(RESTRICTIONS, customer_reference="c-1").json()["restricted"] is False


@pytest.mark.threat("T57")
@pytest.mark.parametrize("kind", ["email", "phone_number"])
def test_an_address_never_travels_in_a_url(system, kind, caplog):
    for response in (
        system.get(purpose="news", **{kind: "jan@example.org"}),
        system.client.post(f"{CHECK}?{kind}=jan@example.org", "{}", content_type="application/json"),
    ):
        assert (response.status_code, response.json()["code"]) == (400, "address_in_url")
        assert "jan@" not in response.content.decode()
    assert "jan@" not in caplog.text


@pytest.mark.threat("T34")
@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer pp_" + "x" * 43, "Basic abc", "Bearer é", "bearer  "])
@pytest.mark.parametrize("url", [CHECK, RESTRICTIONS, WRITE])
def test_without_a_live_token_nothing_is_answered(db, header, url):
    headers = {} if header is None else {"HTTP_AUTHORIZATION": header}
    response = Client().post(url, "{}", content_type="application/json", **headers)
    assert (response.status_code, response["WWW-Authenticate"]) == (401, 'Bearer realm="api"')
    assert response["Content-Type"] == "application/problem+json"


@pytest.mark.threat("T1", "T34")
def test_a_token_does_what_its_scopes_say_and_nothing_else(db):
    bodies = {
        CHECK: {"purpose": "news", "subjects": [JAN]},
        RESTRICTIONS: {"subjects": [JAN]},
        WRITE: {"decisions": []},
    }
    scopes = {CHECK: "consents:check", RESTRICTIONS: "restrictions:check", WRITE: "consents:write"}
    for has in scopes.values():
        system = System(scopes=[has])
        for url, needs in scopes.items():
            assert (system.post(url, bodies[url]).status_code == 403) is (needs != has)


@pytest.mark.threat("T41")
def test_a_session_opens_nothing_here(db, client, sign_in):
    token = TokenFactory()
    sign_in(client, token.created_by)
    assert client.get(CHECK, {"purpose": "news", "customer_reference": "c"}).status_code == 401


@pytest.mark.threat("T38")
def test_guessing_and_asking_have_limits(system, monkeypatch):
    monkeypatch.setattr(api, "by_stranger", Buckets(a_second=0, burst=2))
    assert [Client().get(CHECK).status_code for _ in range(4)] == [401, 401, 429, 429]
    monkeypatch.setattr(api, "by_account", Buckets(a_second=0, burst=1))
    asked = {"purpose": "news", "customer_reference": "c"}
    assert [system.get(**asked).status_code for _ in range(2)] == [200, 429]
    assert System().get(**asked).status_code == 200


@pytest.mark.threat("T33")
@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ("", 400, None), ("[]", 400, None), ('{"purpose": "news", "purpose": "x"}', 400, None),
        ({"purpose": "news"}, 422, "subjects"), ({"purpose": "news", "subjects": []}, 422, "subjects"),
        ({"purpose": "news", "subjects": {}}, 422, "subjects"), ({"purpose": "No!", "subjects": [JAN]}, 422, "purpose"),
        ({"purpose": None, "subjects": [JAN]}, 422, "purpose"), ({"purpose": "a\0", "subjects": [JAN]}, 422, "purpose"),
        ({"purpose": "n", "subjects": [JAN, "x"]}, 422, "subjects[1]"),
        ({"purpose": "n", "subjects": [{}]}, 422, "subjects[0]"),
        ({"purpose": "n", "subjects": [{"email": "no"}]}, 422, "subjects[0].email"),
        ({"purpose": "n", "subjects": [{"email": 1}]}, 422, "subjects[0].email"),
        ({"purpose": "n", "subjects": [{"email": "a\0@b.example"}]}, 422, "subjects[0].email"),
        ({"purpose": "n", "subjects": [{"customer_reference": "\ud800"}]}, 422, "subjects[0].customer_reference"),
        ({"purpose": "n", "subjects": [{"customer_reference": "x" * 300}]}, 422, "subjects[0].customer_reference"),
        ({"purpose": "n", "subjects": [{"phone_number": "12"}]}, 422, "subjects[0].phone_number"),
        ({"purpose": "n", "subjects": [{"account_id": "1"}]}, 422, "subjects[0]"),
        ({"purpose": "n", "subjects": [JAN | {"phone_number": "+31612345678"}]}, 422, "subjects[0]"),
        ({"purpose": "n", "subjects": [JAN], "account": "x"}, 422, "account"),
    ],
    ids=str,
)  # fmt: skip
def test_a_bad_question_names_the_field(system, body, status, field):
    response = system.post(CHECK, body)
    assert (response.status_code, response.json().get("field")) == (status, field)


@pytest.mark.threat("T33")
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": "x"}, "id"), ({"id": "0190b2f0-0000-4000-8000-000000000000"}, "id"), ({"subject": "jan"}, "subject"),
        ({"action": "chosen"}, "action"), ({"action": ["given"]}, "action"), ({"purposes": []}, "purposes"),
        ({"purposes": ["x"] * 21}, "purposes"), ({"purposes": [1]}, "purposes"), ({"text": ""}, "text"),
        ({"text": "x"}, "text"), ({"language": "klingon"}, "language"), ({"until": "2020-01-01T00:00:00Z"}, "until"),
        ({"until": "2030-01-01"}, "until"), ({"until": 5}, "until"), ({"until": "9999-12-31T23:59:59-12:00"}, "until"),
        ({"scope": "provider"}, "scope"),
    ],
    ids=str,
)  # fmt: skip
def test_a_bad_report_names_the_field_and_writes_nothing(system, change, field):
    response = system.tell(system.report(), system.report() | change)
    assert (response.status_code, response.json()["field"]) == (422, f"decisions[1].{field}")
    assert not Event.objects.exists()


@pytest.mark.threat("T46")
def test_a_report_sent_twice_is_written_once_and_a_taken_id_changes_nothing(system):
    report = system.report()
    assert system.tell(report).json() == {"recorded": 1, "known": 0}
    assert system.tell(report, system.report()).json() == {"recorded": 1, "known": 1}
    assert system.tell(report).status_code == 200
    other = System()
    for asker, changed in ((other, report), (system, report | {"purposes": ["else"]})):
        response = asker.tell(asker.report({"email": "x@example.org"}), changed)
        assert (response.status_code, response.json()["code"]) == (409, "id")
    assert Event.objects.count() == 2


def test_the_statement_gives_up_and_says_later(system):
    """The check's own statement runs under a timeout, whatever the connection's is."""
    system.ask(JAN)
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("2s",)


def test_objections_are_read_anew_each_time(system):
    purpose("product_news", is_marketing=True)
    assert system.ask(JAN, purpose="product_news")[0]["allowed"]
    Objection.objects.create(scope=system.scope, subject_key=key_of(JAN), purpose=MARKETING, since=clock.now())
    assert not system.ask(JAN, purpose="product_news")[0]["allowed"]
