"""A choice goes along to another domain of the same site, and nobody can bring a visitor somebody else's (COO-4, T42).

The other domain is a made-up page under a name of its own; the portal's site and its own page of cookies are real.
"""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import expect

from tests.journeys.consent.visitor import NAMES

pytestmark = [pytest.mark.browser, pytest.mark.req("COO-4"), pytest.mark.xdist_group("consent")]
ELSEWHERE = "shop.elsewhere.localhost"


@pytest.fixture(scope="module")
def elsewhere(world):
    """The address of a page on the other domain."""
    snippet = f'<script src="{world.at("localhost", "/consent.js?site=main")}"></script>'
    page = f'<!doctype html><html lang="en"><title>Shop</title>{snippet}<h1>Shop</h1>'.encode()

    class Shop(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://{ELSEWHERE}:{server.server_port}/bicycles?colour=red"
    server.shutdown()


@pytest.fixture(autouse=True)
def _registered(office):
    """The portal's own site holds something optional, on the other domain as well."""
    with office():
        from apps.cookies.models import Site
        from tests.cookies.factories import CookieFactory, publish

        main = Site.objects.get(key="main")
        if ELSEWHERE not in main.hosts:
            main.hosts.append(ELSEWHERE)
            main.save()
            CookieFactory(site=main, name="elsewhere", category="performance", host=ELSEWHERE)
            publish(main)


def chooses_at_the_portal(world, visitor, button):
    page = visitor.page
    page.goto(world.at("localhost", "/cookies/"))
    page.get_by_role("main").get_by_role("button", name=button).first.click()
    expect(page.get_by_role("status").first).to_contain_text("saved")


def token_of(world, attacker, elsewhere):
    """The address that the portal makes for an attacker's own choice and a state that the attacker thought of."""
    url = world.at("localhost", f"/cookies/continue/?state={'s' * 22}&to={elsewhere}")
    link = attacker.page.request.get(url, max_redirects=0).headers["location"]
    assert link.startswith(f"{elsewhere}#portal-consent=")
    return link


def cookie_there(visitor):
    return [each["value"] for each in visitor.context.cookies() if each["domain"] == ELSEWHERE]


@pytest.mark.parametrize(
    ("button", "allowed"), [("Accept all", "performance functional marketing"), ("Reject all", "")]
)
def test_what_was_chosen_at_the_portal_counts_on_the_other_domain_and_ends_with_it(
    world, visit, elsewhere, button, allowed
):
    visitor = visit()
    chooses_at_the_portal(world, visitor, button)
    said = visitor.cookie()
    visitor.page.goto(world.at("localhost", f"/cookies/continue/?to={elsewhere}"))
    visitor.page.wait_for_function("() => window.portalConsent?.get()")
    visitor.until_proved()
    assert visitor.page.url == elsewhere
    assert visitor.page.evaluate("document.documentElement.dataset.consent") == allowed
    assert not visitor.banner.is_visible()
    (kept,) = cookie_there(visitor)
    assert kept.split(".")[3:5] == said.split(".")[3:5], "the same answer, of the same second"
    assert kept.split(".")[1] != said.split(".")[1], "under another number"
    rows = world.rows(
        "SELECT subject_key, ended_at FROM consent_event WHERE scope = 'site:main' AND subject_key IN (%s, %s)",
        *(value.split(".")[1] for value in (said, kept)),
    )
    (first, second) = (end for _key, end in rows)
    assert abs(first - second).total_seconds() < 1, "its proof ends with it too"


@pytest.mark.threat("T42")
@pytest.mark.parametrize("before", ["silence", "a no"])
def test_a_link_with_somebody_else_s_token_gives_nobody_a_yes(world, visit, elsewhere, before):
    attacker, victim = visit(), visit()
    if before == "a no":
        victim.page.goto(elsewhere)
        victim.presses("reject")
        victim.until_decided()
        victim.page.goto("about:blank")
        victim.waits(1.1)  # the attacker's choice is the newer one
    kept = cookie_there(victim)
    chooses_at_the_portal(world, attacker, "Accept all")
    link = token_of(world, attacker, elsewhere)
    victim.page.goto(link)
    victim.waits(0.7)
    victim.page.goto("about:blank")
    victim.page.goto(elsewhere)
    victim.waits(0.4)
    assert cookie_there(victim) == kept
    assert victim.page.evaluate("document.documentElement.dataset.consent") == ""
    assert victim.banner.is_visible() is (before == "silence")


@pytest.mark.threat("T42")
def test_a_token_that_another_tab_asked_for_counts_in_no_other(world, visit, elsewhere):
    """Also where this tab has a state of its own: it is not the token's."""
    attacker, victim = visit(), visit()
    chooses_at_the_portal(world, attacker, "Accept all")
    link = token_of(world, attacker, elsewhere)
    victim.page.goto(elsewhere)
    victim.banner.wait_for()
    victim.page.evaluate("sessionStorage.setItem('portal-consent-state', 'v'.repeat(22))")
    victim.page.goto("about:blank")
    victim.page.goto(link)
    victim.waits(0.7)
    assert cookie_there(victim) == []
    assert victim.banner.is_visible()


def test_who_said_nothing_at_the_portal_is_asked_on_the_other_domain(world, visit, elsewhere):
    visitor = visit()
    visitor.page.goto(world.at("localhost", f"/cookies/continue/?to={elsewhere}"))
    visitor.banner.wait_for()
    assert visitor.page.url == elsewhere
    assert NAMES[0] not in visitor.page.evaluate("document.documentElement.dataset.consent")
