"""What browsers send of visitors' choices: let in by their origin, written once, refused with the field's name."""

import json
import uuid
from datetime import timedelta

import psycopg2
import pytest
from dateutil.relativedelta import relativedelta
from django.test import Client
from django.urls import reverse

from apps.consent.models import Event, Served
from apps.consent.services import event_id, publish_texts
from apps.cookies import handover, ingest
from apps.cookies.choice import Choice
from apps.cookies.notices import bodies
from apps.core import clock
from apps.core.fast_path import Buckets
from tests.cookies.factories import SiteFactory, publish

URL = "/api/v1/cookie-choices"
VISITOR = "abcdefghijklmnopqrstu-"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
NO = {"performance": False, "functional": False, "marketing": False}


@pytest.fixture
def site(db):
    made = SiteFactory(hosts=["www.example.org", "shop.example.org"])
    made.version = publish(made)
    return made


@pytest.fixture(autouse=True)
def _nothing_remembered(monkeypatch):
    for each in (ingest.hosts, ingest.texts, ingest.registers):
        each.forget()
    monkeypatch.setattr(ingest, "by_network", Buckets(a_second=2, burst=120))
    monkeypatch.setattr(ingest, "by_site", Buckets(a_second=200, burst=400))


def said(site, **changes):
    return {
        "id": str(event_id(clock.now())),
        "visitor": VISITOR,
        "site": site.key,
        "choices": NO | {"performance": True},
        "method": "banner",
        "action": "chosen",
        "text": site.version.texts["nl"],
        "language": "nl",
        "register": site.version.number,
        "gpc": False,
        "page": "https://www.example.org/a/b?email=jan@example.org#c",
        "previous": None,
        "at": "2026-11-28T02:00:00.000Z",
    } | changes


def send(body, *, origin="https://www.example.org", url=URL, **headers):
    headers = {"user-agent": FIREFOX} | ({"origin": origin} if origin is not None else {}) | headers
    raw = body if isinstance(body, str | bytes) else json.dumps(body)
    return Client().post(url, raw, content_type="text/plain;charset=UTF-8", headers=headers)


@pytest.mark.req("CON-1")
def test_a_choice_is_written_with_what_was_shown(site):
    sent = said(site)
    response = send(sent)
    assert (response.status_code, response.json()) == (201, {"id": sent["id"]})
    event = Event.objects.get()
    assert (event.scope, event.subject_key, event.choices) == (site.scope, VISITOR, sent["choices"])
    assert (event.text, event.language, event.register_version) == (sent["text"], "nl", 1)
    assert (event.page, event.agent, event.user_id) == ("www.example.org/a/b", "Firefox, Linux", None)
    assert event.ended_at - event.at > timedelta(days=180)


@pytest.mark.req("CON-1")
def test_what_is_sent_twice_is_written_once(site):
    sent = said(site)
    assert [send(sent).status_code for _ in range(3)] == [201, 200, 200]
    assert Event.objects.count() == 1


@pytest.mark.threat("T42")
@pytest.mark.parametrize("change", [{"choices": NO}, {"visitor": "x" * 22}])
def test_an_id_that_somebody_guessed_opens_and_changes_nothing(site, change):
    sent = said(site)
    send(sent)
    response = send(sent | change)
    assert response.status_code == 409
    assert VISITOR not in response.content.decode()
    assert Event.objects.get().choices == sent["choices"]
    assert Client().get(URL, headers={"origin": "https://www.example.org"}).status_code == 405


@pytest.mark.req("CON-2")
def test_a_withdrawal_is_a_row_of_its_own(site):
    first = said(site)
    send(first)
    send(said(site, action="withdrawn", choices=NO, previous=first["id"], method="preferences"))
    given, withdrawn = Event.objects.order_by("at", "id")
    assert (withdrawn.action, withdrawn.previous) == ("withdrawn", given.id)
    assert withdrawn.ended_at == withdrawn.at


def test_taking_back_a_part_leaves_the_rest_in_force(site):
    send(said(site, action="withdrawn"))
    event = Event.objects.get()
    assert event.ended_at > event.at


@pytest.mark.threat("T42")
@pytest.mark.parametrize(
    "origin",
    [
        None,
        "",
        "null",
        "https://example.org",
        "https://www.example.org.evil.example",
        "https://evil-www.example.org",
        "https://evil.example/https://www.example.org",
        "https://www.example.org@evil.example",
        "https://www.example.org, https://evil.example",
        "https://www.example.org/",
        "https://WWW.example.org",
        "https://www.example.org.",
        "https://www.example.org:443443",
        "file://www.example.org",
        "www.example.org",
        "https://www_example.org",
        "https://wwwxexample.org",
        "*",
    ],
)
def test_an_origin_that_is_no_host_of_the_site_is_refused(site, origin, settings):
    settings.HTTPS, settings.BASE_URL = True, "https://portal.example"
    response = send(said(site), origin=origin)
    assert response.status_code == 403
    assert "Access-Control-Allow-Origin" not in response
    assert not Event.objects.exists()


@pytest.mark.threat("T42")
def test_a_host_of_one_site_writes_for_no_other(site):
    other = SiteFactory()
    response = send(said(site), origin=f"https://{other.hosts[0]}")
    assert (response.status_code, response.json()["code"]) == (403, "site")
    assert not Event.objects.exists()


@pytest.mark.threat("T42")
@pytest.mark.parametrize(("origin", "status"), [("http://www.example.org", 403), ("https://www.example.org:8443", 403)])
def test_behind_https_no_other_door_is_let_in(site, settings, origin, status):
    settings.HTTPS, settings.BASE_URL = True, "https://portal.example"
    assert send(said(site), origin=origin).status_code == status
    settings.HTTPS, settings.BASE_URL = False, "http://localhost:8000"
    assert send(said(site, page=origin + "/"), origin=origin).status_code == 201


@pytest.mark.threat("T42")
def test_browsers_may_read_the_answer_without_credentials(site):
    for response in (send(said(site)), send("{"), send(said(site, text="x")), Client().options(URL, headers=ORIGIN)):
        assert response["Access-Control-Allow-Origin"] == "https://www.example.org"
        assert "Origin" in response["Vary"]
        assert "Access-Control-Allow-Credentials" not in response
    assert response.status_code == 204
    assert response["Access-Control-Allow-Methods"] == "POST"


ORIGIN = {"origin": "https://www.example.org"}


@pytest.mark.threat("T42")
def test_no_session_or_cookie_is_read_or_set_and_headers_hold(site, client, django_assert_num_queries):
    send(said(site))  # from now on site, text and register are remembered
    client.cookies["sessionid"] = "x" * 32
    with django_assert_num_queries(0):  # the one INSERT goes past Django's counting
        response = client.post(URL, json.dumps(said(site)), content_type="text/plain", headers=ORIGIN)
    assert response.status_code == 201
    assert not response.cookies
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert response["Cache-Control"] == "no-store"


@pytest.mark.threat("T33")
@pytest.mark.parametrize(
    ("raw", "status"),
    [
        ("", 400), ("[]", 400), ("null", 400), ("{", 400), ('{"site": NaN}', 400), ('{"site": "a", "site": "b"}', 400),
        ('{"a":' * 300 + "1" + "}" * 300, 403), ("[" * 2000, 400), ('{"site": "\\ud800"}', 403), (b"\xff\xfe", 400),
        ('{"site": ' + "9" * 1500 + "}", 403), ("{" + " " * 2048 + "}", 413), ('{"site": 1}', 403),
    ],
    ids=lambda value: None if isinstance(value, int) else f"{len(value)}",
)  # fmt: skip
def test_what_is_no_json_object_is_refused(site, raw, status):
    response = send(raw)
    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"


@pytest.mark.threat("T33")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "x"), ("id", 5), ("id", str(uuid.UUID(int=5, version=4))), ("id", None), ("visitor", "short"),
        ("visitor", "é" * 22),
        ("visitor", "x" * 22 + "\n"), ("choices", {}), ("choices", NO | {"more": True}),
        ("choices", NO | {"marketing": 1}), ("choices", NO | {"marketing": None}),
        ("choices", [True]), ("method", "api"), ("method", ["banner"]),
        ("action", "given"), ("action", None), ("text", "0" * 64), ("text", "A" * 64), ("text", 1), ("register", 0),
        ("register", 2), ("register", True), ("register", 10**30), ("register", "1"), ("gpc", "no"), ("gpc", None),
        ("page", "https://other.example/"), ("page", "javascript:alert(1)"), ("page", "https://www.example.org/\0"),
        ("page", "https://user@www.example.org/"), ("page", 1), ("previous", "x"), ("previous", 1), ("at", "yesterday"),
        ("at", 1e308), ("language", "en"), ("language", ["nl"]), ("extra", 1),
    ],
)  # fmt: skip
def test_a_field_that_is_wrong_is_named(site, field, value):
    response = send(said(site, **{field: value}))
    assert response.status_code == 422
    assert response.json()["field"] in {field, "text"}
    assert not Event.objects.exists()


def test_words_of_another_site_were_not_shown_here(site):
    other = SiteFactory()
    theirs = publish_texts(
        notice=other.notice, bodies=bodies(other), is_material=True, actor="command", now=clock.now()
    )
    assert send(said(site, text=theirs["nl"])).json()["code"] == "text"


@pytest.mark.parametrize("days", [-40, 1])
def test_a_clock_that_is_wrong_is_told_the_right_time(site, days):
    response = send(said(site, id=str(event_id(clock.now() + timedelta(days=days)))))
    told = response.json()
    assert (response.status_code, told["code"], told["field"]) == (422, "clock", "id")
    assert told["now"].startswith(f"{clock.now():%Y-%m-%dT%H}")


@pytest.mark.parametrize(("header", "gpc"), [("1", True), ("0", False), ("true", False)])
def test_global_privacy_control_is_recorded(site, header, gpc):
    send(said(site), **{"sec-gpc": header})
    assert Event.objects.get().gpc is gpc


@pytest.mark.req("CON-1")
def test_notices_shown_are_counted(site):
    for _ in range(5):
        assert send({"shown": site.version.texts["ar"], "site": site.key}).status_code == 204
    rows = Served.objects.filter(text=site.version.texts["ar"])
    assert (sum(row.count for row in rows), {row.scope for row in rows}) == (5, {site.scope})
    assert send({"shown": "0" * 64, "site": site.key}).status_code == 422


@pytest.mark.threat("T42")
def test_a_flood_of_one_network_is_slowed_and_other_networks_are_not(site, monkeypatch):
    monkeypatch.setattr(ingest, "by_network", Buckets(a_second=0, burst=3))
    flood = [Client(REMOTE_ADDR=f"198.51.100.{n}") for n in range(5)]
    said_once = json.dumps(said(site))
    statuses = [each.post(URL, said_once, content_type="text/plain", headers=ORIGIN).status_code for each in flood]
    assert statuses == [201, 200, 200, 429, 429]
    other = Client(REMOTE_ADDR="203.0.113.1").post(URL, said_once, content_type="text/plain", headers=ORIGIN)
    assert other.status_code == 200


@pytest.mark.threat("T42")
def test_a_flood_of_one_origin_reaches_no_database_and_leaves_the_portal_alone(site, monkeypatch, client):
    send(said(site))
    monkeypatch.setattr(ingest, "by_site", Buckets(a_second=0, burst=2))
    monkeypatch.setattr(ingest, "by_network", Buckets(a_second=0, burst=1000))
    statuses = [send(said(site)).status_code for _ in range(6)]
    assert statuses == [201, 201, 429, 429, 429, 429]
    monkeypatch.setattr(ingest.write, "count", lambda row: pytest.fail("the database was asked"))
    assert send(said(site)).status_code == 429
    assert client.get(reverse("dashboard:centre")).status_code == 200


@pytest.mark.threat("T57")
def test_no_log_holds_an_address_a_page_or_a_visitor(site, caplog):
    for body in (said(site), said(site, text="x"), "{"):
        send(body)
    send(said(site), origin="https://evil.example")
    for secret in (VISITOR, "jan@example.org", "127.0.0.1", "Firefox", "/a/b"):
        assert secret not in caplog.text


def test_a_month_without_a_partition_is_a_matter_of_time(site, monkeypatch):
    def missing(row):
        raise psycopg2.errors.CheckViolation("no partition of relation found for row")

    monkeypatch.setattr(ingest.write, "count", missing)
    response = send(said(site))
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert response["Access-Control-Allow-Origin"] == "https://www.example.org"


@pytest.mark.req("CON-4", "COO-4")
def test_what_was_handed_over_ends_when_it_ends_where_it_was_said(site):
    ago = clock.now() - timedelta(days=100)
    for method, at, counts_from in (
        ("handover", ago, ago), ("banner", ago, None), ("handover", clock.now() + timedelta(days=9), None),
    ):  # fmt: skip
        event = event_id(clock.now())
        assert send(said(site, id=str(event), method=method, at=at.isoformat())).status_code == 201
        row = Event.objects.get(id=event)
        assert row.ended_at == (counts_from or row.at) + relativedelta(months=site.validity_months)
    long_ago = said(site, method="handover", at="2001-01-01T00:00:00Z")
    send(long_ago)
    row = Event.objects.get(id=long_ago["id"])
    assert row.ended_at == row.at, "never before it was recorded: its proof stays five years from then"


@pytest.mark.threat("T33")
@pytest.mark.parametrize("at", ["2026-11-28T02:00:00", "9999999999", "0001-01-01T00:00:00+23:59", "2026-13-01T00:00Z"])
def test_an_instant_that_is_none_is_refused_or_changes_nothing(site, at):
    response = send(said(site, method="handover", at=at))
    assert response.status_code == 201 if at.startswith("0001") else response.json()["field"] == "at"


@pytest.mark.threat("T42")
def test_a_choice_is_handed_over_to_the_origin_it_was_made_for(site):
    choice = Choice(VISITOR, 1, frozenset({"functional"}), clock.now(), event_id(clock.now()))
    token = handover.mint(site, choice, url="https://shop.example.org/x", state="s" * 22)
    body, url = {"token": token, "state": "s" * 22, "site": site.key}, f"{URL}/handover"
    response = send(body, url=url, origin="https://shop.example.org")
    said = response.json()
    assert said.pop("at") == choice.decided_at.replace(microsecond=0).isoformat()
    assert said == {"choices": NO | {"functional": True}, "gpc": False}
    assert send(body, url=url).status_code == 422, "made for another origin"
    assert send(body | {"token": token + "x"}, url=url, origin="https://shop.example.org").status_code == 422
    for wrong in ({"token": 1}, {"state": "t" * 22}, {"state": None}, {"state": ""}):
        assert send(body | wrong, url=url, origin="https://shop.example.org").status_code == 422, wrong
    assert send(body, url=url, origin="https://evil.example").status_code == 403
    assert not Event.objects.exists(), "the browser that takes it over records it"
