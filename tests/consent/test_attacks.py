"""What somebody hostile, careless or late could do to what people said, and what comes of it: nothing."""

import base64
import json
from datetime import timedelta

import pytest
from django.core import signing
from django.test import Client
from django.urls import reverse

from apps.consent import api, checking, links
from apps.consent.models import Event, Objection, PaymentMethod, Removal, State
from apps.consent.services import event_id, finance, publish_texts
from apps.consent.services.answers import Manner, current_text
from apps.consent.services.seeding import seed_purposes
from apps.consent.states import MARKETING, Method
from apps.cookies import handover, ingest
from apps.cookies.choice import Choice, new_visitor
from apps.core import clock
from apps.core.fast_path import Buckets
from apps.core.identities import Identity, IdentityType
from tests.accounts.factories import CustomerAccountFactory, MembershipFactory
from tests.consent.test_checks import JAN, System, key_of
from tests.consent.test_ingest import NO, said, send
from tests.cookies.factories import SiteFactory, publish

BEYOND = "ffffffff-ffff-7fff-bfff-ffffffffffff"  # the year 10889


@pytest.fixture(autouse=True)
def _nothing_remembered(monkeypatch):
    for each in (ingest.hosts, ingest.texts, ingest.registers, checking.purposes):
        each.forget()
    monkeypatch.setattr(ingest, "by_network", Buckets(a_second=2, burst=120))
    monkeypatch.setattr(ingest, "by_site", Buckets(a_second=200, burst=400))
    monkeypatch.setattr(api, "by_account", Buckets(a_second=500, burst=1000))


@pytest.fixture
def site(db):
    made = SiteFactory(hosts=["www.example.org", "shop.example.org"])
    made.version = publish(made)
    return made


@pytest.fixture
def system(db):
    return System()


def ago(minutes):
    return clock.now() - timedelta(minutes=minutes)


@pytest.mark.threat("T33")
def test_an_id_from_beyond_the_calendar_is_an_impossible_clock(site, system):
    for response in (send(said(site, id=BEYOND)), system.tell(system.report() | {"id": BEYOND})):
        assert (response.status_code, response.json()["code"]) == (422, "clock")


@pytest.mark.threat("T33")
def test_a_language_that_no_column_holds_is_refused_and_not_put_off(system):
    response = system.tell(system.report(language="nld-NL"))
    assert (response.status_code, response.json()["field"]) == (422, "decisions[0].language")
    assert system.tell(system.report(language="nl-BE")).status_code == 201


@pytest.mark.threat("T33")
def test_a_length_of_five_thousand_digits_is_too_long(site):
    response = Client().generic(
        "POST",
        "/api/v1/cookie-choices",
        b"{}",
        headers={"origin": "https://www.example.org"},
        CONTENT_LENGTH="9" * 5000,
    )
    assert response.status_code == 413


@pytest.mark.req("CON-2")
def test_a_withdrawal_is_not_lost_to_a_yes_from_a_clock_that_runs_ahead(system):
    system.tell(system.report(at=ago(-8)))
    assert system.ask(JAN)[0]["allowed"]
    assert system.tell(system.report(action="withdrawn", text="")).status_code == 201
    assert not system.ask(JAN)[0]["allowed"]


@pytest.mark.req("CON-2")
def test_an_objection_from_a_clock_that_runs_ahead_can_be_taken_back_at_once(system):
    system.tell(system.report(action="objected", text="", at=ago(-8)))
    assert system.ask(JAN)[0]["why"] == "objected"
    assert system.tell(system.report(at=ago(-9))).status_code == 201
    assert system.ask(JAN)[0]["allowed"]


@pytest.mark.threat("T46")
@pytest.mark.parametrize("change", [{"action": "objected"}, {"text": "b" * 64}, {"language": "en"}])
def test_an_id_that_comes_again_for_another_act_is_refused_and_not_taken_for_known(system, change):
    report = system.report(action="withdrawn")
    system.tell(report)
    assert system.tell(report).status_code == 200
    assert system.tell(report | change).status_code == 409
    assert not Objection.objects.exists()


@pytest.mark.threat("T42", "T46")
@pytest.mark.parametrize("change", [{"action": "withdrawn"}, {"method": "page"}, {"language": "en"}])
def test_a_choice_that_comes_again_with_another_meaning_is_refused(site, change):
    sent = said(site)
    send(sent)
    other = sent | change
    other["text"] = site.version.texts[other["language"]]
    assert (send(sent).status_code, send(other).status_code) == (200, 409)


@pytest.mark.req("CON-2", "CON-7")
def test_a_late_yes_does_not_lift_an_objection_that_was_repeated_after_it(system):
    objection = {"action": "objected", "text": "", "purposes": (MARKETING,)}
    system.tell(system.report(at=ago(30)))  # the newsletter is on
    system.tell(system.report(at=ago(20), **objection))
    system.tell(system.report(at=ago(10), **objection))
    system.tell(system.report(at=ago(15), purposes=(MARKETING,)))
    assert system.ask(JAN)[0]["why"] == "objected"
    system.tell(system.report(at=ago(5), purposes=(MARKETING,)))
    assert system.ask(JAN)[0]["allowed"]


@pytest.mark.req("CON-4")
def test_the_proof_of_a_yes_to_two_purposes_does_not_end_while_one_of_them_stands(system):
    both = system.report(at=ago(30), purposes=("news", "offers"))
    system.tell(both)
    system.tell(system.report(at=ago(20), action="withdrawn"))
    event = Event.objects.get(id=both["id"])
    assert event.ended_at is None
    system.tell(system.report(at=ago(10), action="withdrawn", purposes=("offers",)))
    event.refresh_from_db()
    assert event.ended_at == State.objects.get(purpose="offers").since


@pytest.mark.req("CON-4")
def test_a_yes_that_arrives_after_the_no_that_replaced_it_has_an_end(system):
    system.tell(system.report(at=ago(10), action="withdrawn"))
    late = system.report(at=ago(20))
    system.tell(late)
    state = State.objects.get(subject_key=key_of(JAN))
    assert not state.is_allowed
    assert Event.objects.get(id=late["id"]).ended_at == state.since


@pytest.mark.threat("T57")
@pytest.mark.parametrize(("path", "kept"), [
    ("/preferences/eyJhIjoiYWJjIn0:Qx7bJ0mN_k2v-7Zr1sT4uV5wX6yZ8aB9cD0/", "/preferences/…/"),
    ("/accounts/jan@example.org/mail", "/accounts/…/mail"),
    ("/accounts/jan%40example.org", "/accounts/…"),
    ("/orders/0199d7a2-4c1e-7c3a-9f00-8a1b2c3d4e5f/", "/orders/…/"),
    ("/call/%2B31612345678", "/call/…"),
    ("/docs/how-to-send-your-very-first-message-2026", "/docs/how-to-send-your-very-first-message-2026"),
])  # fmt: skip
def test_a_page_that_is_named_by_a_person_or_a_secret_is_kept_without_it(site, path, kept):
    assert send(said(site, page=f"https://www.example.org{path}")).status_code == 201
    assert Event.objects.get().page == f"www.example.org{kept}"


@pytest.mark.threat("T42")
def test_a_flood_of_unknown_origins_asks_the_database_once_a_second(site, django_assert_max_num_queries):
    with django_assert_max_num_queries(8):
        for number in range(40):
            assert send("{}", origin=f"https://x{number}.evil.example").status_code == 403


@pytest.mark.threat("T42")
def test_what_is_handed_over_names_no_visitor(site):
    choice = Choice(new_visitor(), 1, frozenset({"functional"}), clock.now(), event_id(clock.now()))
    token = handover.mint(site, choice, url="https://shop.example.org/x", state="s" * 22)
    event = base64.urlsafe_b64encode(choice.event.bytes).decode().rstrip("=")
    written = json.dumps(signing.loads(token, salt=handover.SALT))
    assert not [name for name in (choice.visitor, event, str(choice.event)) if name in written]
    _site, read = handover.read(token, origin="https://shop.example.org", state="s" * 22)
    assert (read.answers, read.decided_at) == (NO | {"functional": True}, choice.decided_at.replace(microsecond=0))


@pytest.mark.req("CON-3")
def test_what_one_owner_took_back_is_removed_although_another_saves_a_method_of_their_own(db):
    account = CustomerAccountFactory()
    jan, eva = (MembershipFactory(account=account, role="owner").user for _ in range(2))
    seed_purposes(now=clock.now())

    def save(by):
        text, manner = current_text(finance.METHOD, "en").digest, Manner(Method.SWITCH, user_id=by.pk)
        given = {"account": account, "kind": "paypal", "details": {"email": by.email}, "text": text}
        finance.save_payment_method(**given, manner=manner, by=by, now=clock.now())

    save(jan)
    manner = Manner(Method.SWITCH, user_id=jan.pk)
    finance.withdraw_payment_method(account=account, language="en", manner=manner, by=jan, now=clock.now())
    save(eva)
    assert Removal.objects.open().count() == 1
    save(jan)  # what each of them saved before goes all the same; what is saved now does not
    assert [one.purpose for one in Removal.objects.open()] == [finance.METHOD, finance.METHOD]
    saved = PaymentMethod.objects.get()
    assert all(one.saved_before <= saved.created_at for one in Removal.objects.open())


@pytest.mark.req("CON-1")
def test_who_confirms_reads_the_words_that_the_proof_names(client, db):
    seed_purposes(now=ago(60))
    old = current_text("newsletter", "en")
    token = links.confirm_token(Identity(IdentityType.EMAIL, "jan@example.org"), text=old.digest, now=clock.now())
    changed = {"en": old.body | {"summary": "Other words, and more of them."}}
    publish_texts(notice="newsletter", bodies=changed, is_material=True, actor="system", now=clock.now())
    page = client.get(reverse("consent:newsletter_confirm", args=[token])).content.decode()
    assert "Other words, and more of them." not in page
