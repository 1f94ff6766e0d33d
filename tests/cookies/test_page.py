"""The page of cookies: what is kept, and a choice that needs no script."""

from datetime import timedelta

import pytest
import time_machine
from dateutil.relativedelta import relativedelta
from django.core import signing
from django.urls import reverse

from apps.consent.models import Event, Text
from apps.cookies import handover
from apps.cookies.choice import NAME, format_choice, parse
from apps.cookies.models import Cookie, RegisterVersion, Site
from apps.cookies.views import public
from apps.core.clock import now
from tests.accounts.factories import UserFactory
from tests.cookies.factories import CookieFactory, publish

pytestmark = pytest.mark.django_db
ADDRESS = "/cookies/"
SCOPE = "site:main"


@pytest.fixture(autouse=True)
def unhurried(monkeypatch):
    monkeypatch.setattr(public.by_network, "_level", {})


@pytest.fixture
def main():
    return Site.objects.get(key="main")


@pytest.fixture
def version():
    return RegisterVersion.objects.current().get(site="main")


def press(client, action, language="en", *, headers=None, **boxes):
    text = RegisterVersion.objects.current().get(site="main").texts[language]
    return client.post(ADDRESS, {"action": action, "text": text, **boxes}, headers=headers or {})


def kept(client):
    return parse(client.cookies[NAME].value)


def body(response):
    return " ".join(response.content.decode().split())


@pytest.mark.req("COO-1")
def test_anybody_reads_what_is_kept_where_how_long_what_for_and_what_refusing_means(client, main):
    CookieFactory(site=main, name="stats_*", host=".messagebird.com", optional=True, third=True,
                  processor__name="Counting B.V.", duration="persistent", lifetime="P13M")  # fmt: skip
    publish(main)
    page = body(client.get(ADDRESS))
    told = ("portal_consent", "8 hours", "52 weeks", "session, until you sign out")
    added = ("stats_*", ".messagebird.com", "third-party", "Counting B.V.", "13 months", "Counts visits.")
    for words in (*told, *added, "Nothing is counted."):
        assert words in page, words
    for name in ("Strictly necessary", "Performance", "Functional", "Marketing and analytics"):
        assert f'<h3 class="mb-0">{name}</h3>' in page


@pytest.mark.req("COO-2", "CON-1")
def test_nothing_is_ticked_before_the_first_choice_and_looking_sets_no_choice(client):
    response = client.get(ADDRESS)
    page = body(response)
    for name in ("performance", "functional", "marketing"):
        assert f'name="{name}" aria' in page  # neither checked nor disabled
    assert 'id="may-necessary" checked disabled' in page
    assert NAME not in client.cookies
    assert not Event.objects.filter(scope=SCOPE).exists()


@pytest.mark.req("COO-2")
def test_refusing_is_a_button_like_accepting_in_the_same_place(client):
    page = body(client.get(ADDRESS))
    bar = page.partition('<div class="actions">')[2].partition("</div>")[0]
    buttons = [part.partition("</button>")[0] for part in bar.split("<button ")[1:]]
    assert [button.rpartition(">")[2] for button in buttons] == ["Reject all", "Accept all", "Save my choice"]
    assert {button.partition(" name=")[0] for button in buttons} == {'class="btn btn-primary"'}


@pytest.mark.parametrize(("action", "boxes", "yes"), [
    ("accept", {}, {"performance", "functional", "marketing"}), ("reject", {}, set()),
    ("reject", {"marketing": "on"}, set()), ("choose", {"functional": "on"}, {"functional"}), ("choose", {}, set()),
])  # fmt: skip
@pytest.mark.req("COO-2", "COO-3", "CON-1")
def test_each_button_stores_exactly_its_set_in_the_browser_and_as_proof(client, version, action, boxes, yes):
    assert press(client, action, **boxes).url == ADDRESS
    choice = kept(client)
    assert choice.allowed == yes
    assert choice.material_number == version.material_number
    event = Event.objects.get(scope=SCOPE)
    assert (event.id, event.subject_key, event.method, event.action) == (choice.event, choice.visitor, "page", "chosen")
    assert event.choices == choice.answers
    assert (event.register_version, event.text, event.language) == (version.number, version.texts["en"], "en")
    assert (event.page, event.gpc, event.previous, event.user_id) == ("testserver/cookies/", False, None, None)
    assert abs(event.ended_at - choice.until(6)) < timedelta(seconds=1)
    assert Text.objects.get(digest=event.text).body["accept"] == "Accept all"


def test_the_cookie_of_the_choice_is_plain_small_and_for_this_site(client, settings):
    press(client, "accept")
    cookie = client.cookies[NAME]
    assert len(cookie.OutputString()) <= 400
    assert (cookie["path"], cookie["samesite"], cookie["domain"], cookie["secure"]) == ("/", "Lax", "", "")
    assert 180 * 86400 < cookie["max-age"] < 185 * 86400
    settings.HTTPS, settings.ALLOWED_HOSTS = True, ["dashboard.messagebird.com"]
    text = RegisterVersion.objects.current().get(site="main").texts["en"]
    response = client.post(ADDRESS, {"action": "reject", "text": text}, headers={"host": "dashboard.messagebird.com"})
    assert (response.cookies[NAME]["domain"], response.cookies[NAME]["secure"]) == ("messagebird.com", True)


@pytest.mark.req("COO-3", "CON-2")
def test_the_page_shows_the_choice_and_takes_it_back_in_one_click(client):
    press(client, "accept")
    first = kept(client)
    page = body(client.get(ADDRESS))
    assert "Your choice is saved." in page
    assert f'<bdi class="mono">{first.visitor}</bdi>' in page
    assert page.count(" checked aria-describedby") == 3
    assert 'value="withdraw">Withdraw my choice' in page
    press(client, "withdraw")
    page = body(client.get(ADDRESS))
    assert "Only what is strictly necessary" in page
    assert 'value="withdraw"' not in page
    chosen, withdrawn = Event.objects.of(SCOPE, first.visitor)
    assert (withdrawn.action, withdrawn.previous, set(withdrawn.choices.values())) == (
        "withdrawn",
        first.event,
        {False},
    )
    assert chosen.ended_at == withdrawn.at
    assert kept(client).visitor == first.visitor, "the number that proves it stays"


@pytest.mark.threat("T42")
def test_an_event_of_somebody_else_is_not_ended_by_naming_it(client):
    press(client, "accept")
    theirs = kept(client)
    client.cookies[NAME] = format_choice(theirs).replace(theirs.visitor, "A" * 22)
    press(client, "withdraw")
    assert Event.objects.get(id=theirs.event).ended_at > now() + timedelta(days=100)


@pytest.mark.req("COO-3")
def test_a_choice_counts_for_six_months_yes_and_no_alike(client):
    press(client, "reject")
    value, until = client.cookies[NAME].value, kept(client).until(6)
    assert until == kept(client).decided_at + relativedelta(months=6)
    for moment, is_there in ((until - timedelta(seconds=1), True), (until + timedelta(seconds=1), False)):
        with time_machine.travel(moment, tick=False):
            client.cookies[NAME] = value
            assert ("Proof number" in body(client.get(ADDRESS))) is is_there


@pytest.mark.req("COO-3")
def test_a_material_change_asks_again_and_an_editorial_one_does_not(client, main):
    press(client, "accept")
    CookieFactory(site=main, name="necessary_too")
    assert not publish(main).is_material
    assert "Proof number" in body(client.get(ADDRESS))
    CookieFactory(site=main, optional=True)
    assert publish(main).is_material
    page = body(client.get(ADDRESS))
    assert "You have not chosen yet, or your choice no longer counts." in page
    assert page.count(" checked aria-describedby") == 0


def test_with_the_signal_marketing_is_off_said_so_and_recorded(client):
    headers = {"sec-gpc": "1"}
    page = body(client.get(ADDRESS, headers=headers))
    assert "Your browser sends the Global Privacy Control signal." in page
    assert 'name="marketing" disabled' in page
    press(client, "accept", headers=headers)
    assert kept(client).allowed == {"performance", "functional"}
    assert kept(client).gpc
    event = Event.objects.get(scope=SCOPE)
    assert event.gpc
    assert event.choices["marketing"] is False


def test_a_signal_that_came_after_the_choice_is_obeyed_at_once(client):
    press(client, "accept")
    page = body(client.get(ADDRESS, headers={"sec-gpc": "1"}))
    assert page.count(" checked aria-describedby") == 2
    assert "Global Privacy Control" not in body(client.get(ADDRESS, headers={"sec-gpc": "0"}))


@pytest.mark.parametrize(("language", "word"), [("nl", "Alles weigeren"), ("ar", "رفض الكل")])
def test_the_page_speaks_the_language_and_the_proof_says_which(client, language, word):
    client.cookies["django_language"] = language
    page = body(client.get(ADDRESS))
    assert f'lang="{language}"' in page
    assert word in page
    press(client, "reject", language)
    event = Event.objects.get(scope=SCOPE)
    assert event.language == language
    assert Text.objects.get(digest=event.text).body["reject"] == word


@pytest.mark.threat("T33", "T42")
@pytest.mark.parametrize("sent", [
    {}, {"action": "accept"}, {"action": "accept", "text": "0" * 64}, {"action": "maybe", "text": "x"},
    {"action": "accept\0", "text": "\0"}, {"text": "x" * 5000},
])  # fmt: skip
def test_what_was_not_on_the_page_records_nothing(client, sent):
    response = client.post(ADDRESS, sent)
    assert response.status_code in (302, 400)
    assert NAME not in client.cookies
    assert not Event.objects.filter(scope=SCOPE).exists()


@pytest.mark.parametrize("value", ["garbage", "1.1.1.111.1.1.1", "%00", "é", '"quoted"', "1" * 4000])
def test_garbage_in_the_cookie_is_no_choice(client, value):
    client.cookies[NAME] = value
    assert "You have not chosen yet" in body(client.get(ADDRESS))
    press(client, "reject")
    assert Event.objects.get(scope=SCOPE).previous is None


@pytest.mark.req("CON-2")
def test_what_is_refused_is_deleted_for_the_host_and_for_the_domain(client, main, settings):
    settings.ALLOWED_HOSTS = ["dashboard.messagebird.com"]
    CookieFactory(site=main, name="stats_*", optional=True)
    publish(main)
    text = RegisterVersion.objects.current().get(site=main).texts["en"]
    sent = {"action": "reject", "text": text}
    cookies = 'stats_one=1; stats_two=2; theme=dark; other=3; stats_é=4; stats_"=5'
    response = client.post(ADDRESS, sent, headers={"host": "dashboard.messagebird.com", "cookie": cookies})
    gone = [(each.key, each["domain"]) for each in response.cookies.values() if each["max-age"] == 0]
    assert sorted(gone) == [
        ("stats_one", ""), ("stats_one", "messagebird.com"), ("stats_two", ""), ("stats_two", "messagebird.com"),
    ]  # fmt: skip


def test_who_is_signed_in_is_named_in_the_proof_by_id_alone(client, sign_in):
    person = sign_in(client, UserFactory())
    press(client, "reject")
    assert Event.objects.get(scope=SCOPE).user_id == (person or UserFactory._meta.model.objects.latest("pk")).pk


def test_the_choice_lies_in_no_session_and_in_no_cache(client):
    response = client.get(ADDRESS)
    assert "no-store" in response["Cache-Control"]
    press(client, "accept")
    assert "sessionid" not in client.cookies


@pytest.mark.threat("T42")
def test_one_network_cannot_write_without_end(client):
    answers = [press(client, "reject").status_code for _ in range(public.A_MINUTE + 1)]
    assert (answers.count(302), answers[-1]) == (public.A_MINUTE, 429)


def test_the_page_asks_as_much_for_one_entry_as_for_thirty(client, main, django_assert_num_queries):
    for count in (1, 30):
        CookieFactory.create_batch(count, site=main)
        publish(main)
        with django_assert_num_queries(2):
            client.get(ADDRESS)


def test_without_a_register_the_page_says_so(client):
    RegisterVersion.objects.current()  # facts stay: another site stands in for an empty one
    public_site, public.SITE = public.SITE, "nobody"
    try:
        assert "No list yet" in body(client.get(ADDRESS))
        assert client.post(ADDRESS).status_code == 200
        assert client.get("/cookies/continue/?to=https://messagebird.com/").status_code == 404
    finally:
        public.SITE = public_site


@pytest.mark.req("COO-3")
@pytest.mark.parametrize("path", ["/", "/processors/", "/account/login/", "/cookies/", "/no/such/page/"])
def test_cookie_settings_are_one_click_away_everywhere(client, path):
    assert f'href="{ADDRESS}">Cookie settings</a>' in body(client.get(path))


def test_the_support_of_the_signal_is_declared(client):
    response = client.get("/.well-known/gpc.json")
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")
    assert response.json() == {"gpc": True, "lastUpdate": "2026-11-28"}


TO = "https://dashboard.messagebird.com/start?page=2"
THEIRS = {"origin": "https://dashboard.messagebird.com", "state": "s" * 22}


def fragment_of(response):
    there, _sign, fragment = response.url.partition("#")
    name, _sign, said = fragment.partition("=")
    assert (there, name) == (TO, "portal-consent")
    return said


@pytest.mark.req("COO-4")
def test_a_choice_goes_on_to_another_domain_in_a_signed_fragment_for_the_tab_that_asks(client, version):
    for state in ({}, {"state": "s" * 22}):
        assert client.get("/cookies/continue/", {"to": TO} | state).url == TO, "nothing to hand over yet"
    press(client, "choose", functional="on")
    hint = fragment_of(client.get("/cookies/continue/", {"to": f"{TO}#old"}))
    assert hint == f"{kept(client).decided_at.timestamp():.0f}", "who did not ask learns that there is one, and when"
    token = fragment_of(client.get("/cookies/continue/", {"to": f"{TO}#old", "state": "s" * 22}))
    key, choice = handover.read(token, **THEIRS)
    assert (key, choice.allowed, choice.decided_at) == ("main", kept(client).allowed, kept(client).decided_at)
    assert (choice.visitor, choice.event) != (kept(client).visitor, kept(client).event)
    assert handover.read(f"{token}x", **THEIRS) is None
    assert handover.read(signing.dumps({"x": 1}), **THEIRS) is None
    with time_machine.travel(now() + timedelta(seconds=62)):
        assert handover.read(token, **THEIRS) is None


@pytest.mark.threat("T42")
@pytest.mark.parametrize("other", [{"origin": "https://messagebird.com"}, {"state": "t" * 22}, {"state": ""}])
def test_a_token_counts_nowhere_but_in_the_tab_that_asked_for_it(client, version, other):
    press(client, "accept")
    token = fragment_of(client.get("/cookies/continue/", {"to": TO, "state": "s" * 22}))
    assert handover.read(token, **THEIRS)
    assert handover.read(token, **THEIRS | other) is None
    assert handover.read(handover.hint(kept(client)), **THEIRS) is None


@pytest.mark.threat("T42")
@pytest.mark.parametrize("state", ["", "s" * 21, "s" * 23, "é" * 22, "s" * 22 + "\n", "#" * 22])
def test_no_token_is_made_for_a_state_that_no_page_makes(client, state):
    press(client, "accept")
    assert client.get("/cookies/continue/", {"to": TO, "state": state}).status_code == 404


@pytest.mark.threat("T42")
@pytest.mark.parametrize("to", [
    "", "https://evil.example/", "https://messagebird.com.evil.example/", "//messagebird.com/", "/home/",
    "javascript:alert(1)//messagebird.com", "https://messagebird.com@evil.example/", "https://x@messagebird.com/",
    "https://messagebird.com:99999/", "https://messagebird.com\\@evil.example/", "https://[::1", "https://messagebird.com/\t",
    "ftp://messagebird.com/", "https://evilmessagebird.com/",
])  # fmt: skip
def test_a_choice_goes_to_hosts_of_the_site_alone(client, to):
    press(client, "accept")
    assert client.get("/cookies/continue/", {"to": to}).status_code == 404


def test_on_a_portal_of_the_world_it_goes_over_https_alone(client, settings):
    press(client, "accept")
    settings.HTTPS = True
    for to in ("http://messagebird.com/", "https://messagebird.com:8443/"):
        assert client.get("/cookies/continue/", {"to": to}).status_code == 404
    assert client.get("/cookies/continue/", {"to": "https://messagebird.com/"}).status_code == 302


def test_what_is_drafted_is_on_no_public_page(client, main):
    CookieFactory(site=main, name="secret_draft")
    assert "secret_draft" not in body(client.get(ADDRESS))
    assert Cookie.objects.drafted().exists()
    assert reverse("cookies:page") == ADDRESS
