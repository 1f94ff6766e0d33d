"""The banner where things are otherwise: in another tab, in a frame, and in a browser that refuses part of itself."""

import pytest
from playwright.sync_api import Error, expect

from tests.cookies.site import BODY, HEAD, SITE, SNIPPET, Visit
from tests.cookies.test_script_pages import BANNER, sent, shop, until  # noqa: F401
from tests.journeys.conftest import browser_type_launch_args, pytest_collection_modifyitems, wait_for  # noqa: F401

pytestmark = [pytest.mark.browser, pytest.mark.django_db]


@pytest.fixture
def visit(browser, shop):  # noqa: F811
    return Visit(browser)


BACK = {"to the tab": "new Event('focus')", "from the cache": "new PageTransitionEvent('pageshow', {persisted: true})"}


@pytest.mark.req("CON-2", "COO-3")
@pytest.mark.parametrize("back", BACK)
def test_a_withdrawal_in_another_tab_is_obeyed_in_this_one_cookies_and_scripts_included(visit, back):
    visit.pages["/"] = visit.pages["/"].replace("<script src", "<script data-reload src")
    first = visit.open()
    first.click("portal-consent #accept")
    until(first, "document.cookie.includes('_ad=1')")
    one, two = visit.open(), visit.open()
    until(one, "log.includes('marketing')")
    one.evaluate("window.isThePage = true")
    one.evaluate("setInterval(() => document.cookie = '_ad=again; path=/; domain=shop.example', 50)")
    two.evaluate("portalConsent.set({performance: false, functional: false, marketing: false})")
    until(two, "window.portalConsent?.get()?.marketing === false")
    one.evaluate(f"dispatchEvent({BACK[back]})")
    wait_for(lambda: not is_the_page(one) or one.wait_for_timeout(50), seconds=5, what="the page to be loaded again")
    one.wait_for_timeout(500)
    assert one.evaluate("document.cookie.includes('_ad')") is False
    assert one.evaluate("log") == []


def is_the_page(page):
    try:
        return page.evaluate("window.isThePage === true")
    except Error:  # it is being replaced
        return True


@pytest.mark.req("CON-4")
def test_the_proof_is_sent_where_the_browser_gives_no_lock(visit):
    refuse = "navigator.locks.request = () => Promise.reject(new DOMException('no', 'SecurityError'))"
    visit.context.add_init_script(refuse)
    page = visit.open()
    page.click("portal-consent #accept")
    sent(page, visit)


@pytest.mark.req("CON-4")
def test_what_another_tab_has_sent_is_not_sent_again(visit):
    visit.is_down = True
    one = visit.open()
    one.click("portal-consent #accept")
    until(one, "portalConsent.get()")
    one.wait_for_timeout(300)
    visit.is_down = False
    two = visit.open()
    sent(two, visit)
    until(two, "!localStorage.length")
    one.evaluate("dispatchEvent(new Event('online'))")
    one.wait_for_timeout(500)
    assert len(visit.sent) == 1


@pytest.mark.threat("T42")
@pytest.mark.parametrize("fragment", ["", "#portal-consent=x"])
def test_in_a_frame_nobody_is_asked(visit, fragment):
    visit.policy = ""
    visit.pages["/around/"] = f'<iframe src="{SITE}/{fragment}" width="900" height="600"></iframe>'
    page = visit.open("/around/")
    frame = page.frame_locator("iframe")
    expect(frame.locator("h1")).to_be_visible()
    page.wait_for_timeout(700)
    expect(frame.locator("portal-consent")).to_have_count(0)
    assert visit.shown == []


def test_a_script_that_never_loads_does_not_keep_back_the_next(visit):
    kinds = '<script type="text/plain" data-consent="performance" nonce="n0nce" {}></script>'
    never = (kinds.format('src="/old.js" nomodule'), kinds.format('src="/aside.js" data-type="text/worker"'))
    after = '<script type="text/plain" data-consent="performance" nonce="n0nce">ran("after");</script>'
    visit.pages["/"] = HEAD + SNIPPET + "".join(never) + after + BODY
    page = visit.open()
    page.click("portal-consent #accept")
    until(page, "log.includes('after')")


@pytest.mark.threat("T42")
def test_a_fragment_is_taken_away_also_where_the_tab_keeps_nothing(visit):
    visit.context.add_init_script(
        "Object.defineProperty(window, 'sessionStorage', {get() { throw new DOMException('no') }})"
    )
    page = visit.open("/#portal-consent=1e10")
    expect(page.locator(BANNER)).to_be_visible()
    assert page.url == f"{SITE}/"
