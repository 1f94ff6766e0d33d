"""Nothing before a yes, everything it names after it, and nothing again once it is withdrawn (B1, B7, B8)."""

import pytest
from playwright.sync_api import expect

from apps.demo.site import ADS, CART, CHAT, DASHBOARD, DOMAIN, MAIN, STATISTICS
from tests.journeys.consent.visitor import OWN, STRANGERS

pytestmark = [pytest.mark.browser, pytest.mark.req("COO-2", "COO-5"), pytest.mark.xdist_group("consent")]
NECESSARY = {(CART, f".{DOMAIN}")}


def nothing_optional(visitor):
    """Of what the browser keeps and asks, only what the register calls strictly necessary."""
    assert visitor.strangers() == set()
    assert visitor.hosts() <= {*OWN, "localhost"}
    assert {each for each in visitor.cookies() if each[0] != "portal_consent"} <= NECESSARY
    assert visitor.storage() == []


@pytest.mark.req("COO-1")
def test_before_a_choice_three_pages_keep_and_ask_nothing_but_what_is_necessary(world, visit):
    """Five seconds pass on each page by the browser's clock: timers and idle callbacks come due, nobody waits."""
    visitor = visit()
    visitor.page.clock.install()
    before = world.hits()
    for page in ("", "article", "shop"):
        visitor.goes(page=page)
        visitor.banner.wait_for()
        visitor.page.mouse.wheel(0, 2000)
        visitor.page.keyboard.press("Escape")
        visitor.page.clock.run_for(5_000)
        visitor.waits(0.2)
        nothing_optional(visitor)
        assert visitor.banner.is_visible(), "scrolling, going on and Escape are no answer"
    assert visitor.cookie() == ""
    assert world.hits() == before, "the third parties' own count agrees"


def test_after_a_refusal_nothing_more_comes_than_before(world, visit):
    visitor = visit()
    before = world.hits()
    visitor.goes()
    visitor.presses("reject")
    visitor.until_decided()
    for page in ("", "article", "shop"):
        visitor.goes(page=page)
        visitor.waits(0.8)
        nothing_optional(visitor)
        assert not visitor.banner.is_visible()
    assert world.hits() == before


def test_after_a_yes_to_all_tags_of_each_kind_run_also_those_that_the_page_adds_later(visit):
    visitor = visit()
    page = visitor.goes()
    visitor.presses("accept")
    page.wait_for_function("() => document.documentElement.dataset.later == 'ran'")
    visitor.until(
        lambda: {"/demo-site/tags/stats.js", "/demo-site/tags/ads.js", "/demo-site/tags/chat"} <= set(visitor.paths())
    )
    visitor.until(lambda: visitor.strangers() == set(STRANGERS))
    visitor.until(lambda: any(request.url.endswith("pixel.gif?later") for request in visitor.asked))
    assert page.evaluate("document.documentElement.dataset.visit") == "counted"
    visitor.until(lambda: "ads_interests" in visitor.storage())
    assert {("ads_click", MAIN), ("ads_click", f".{DOMAIN}"), ("stats_id", f".{DOMAIN}")} <= visitor.cookies()


@pytest.mark.parametrize(
    ("category", "hosts"),
    [("performance", {STATISTICS}), ("functional", {CHAT}), ("marketing", {ADS})],
)
def test_a_yes_to_one_category_lets_only_that_one_run(visit, category, hosts):
    visitor = visit()
    page = visitor.goes()
    visitor.decides(category)
    visitor.until(lambda: visitor.strangers() == hosts)
    visitor.waits(0.7)
    assert visitor.strangers() == hosts
    assert visitor.choice == {category}
    assert page.evaluate("document.documentElement.dataset.consent") == category


@pytest.mark.req("CON-2", "COO-3")
def test_withdrawal_takes_effect_within_two_seconds_and_after_a_reload(world, visit):
    visitor = visit()
    page = visitor.goes()
    visitor.presses("accept")
    visitor.until(lambda: {("ads_click", MAIN), ("ads_click", f".{DOMAIN}")} <= visitor.cookies())
    visitor.until(lambda: visitor.strangers() == set(STRANGERS) and "ads_interests" in visitor.storage())
    address = page.url
    visitor.opens_preferences()
    visitor.presses("reject")
    visitor.waits(2)
    first_party = {each for each in visitor.cookies() if each[1].endswith(DOMAIN)}
    assert {name for name, _host in first_party} <= {"portal_consent", CART}
    visitor.forgets_requests()
    before = world.hits()
    visitor.waits(1.2)
    assert visitor.strangers() == set(), "what ran before does not go on"
    page.reload()
    visitor.waits(1)
    assert page.url == address
    nothing_optional(visitor)
    assert world.hits() == before


def test_a_tag_that_listens_stops_without_the_page_being_loaded_again(visit):
    visitor = visit()
    page = visitor.goes(DASHBOARD)
    page.evaluate("window.isSamePage = true")
    visitor.presses("accept")
    visitor.until(lambda: "/demo-site/tags/beat.gif" in visitor.paths())
    visitor.opens_preferences()
    visitor.presses("reject")
    visitor.until_decided()
    visitor.waits(0.5)
    visitor.forgets_requests()
    visitor.waits(1.2)
    assert visitor.strangers() == set()
    assert page.evaluate("window.isSamePage") is True
    assert page.locator("portal-consent-placeholder").count() == 1, "the chat gives way to its placeholder"


def test_pages_are_the_same_and_usable_with_the_banner_open_and_after_a_refusal(visit):
    visitor = visit()
    page = visitor.goes()
    visitor.banner.wait_for()
    assert page.evaluate("document.querySelector('portal-consent').shadowRoot.querySelector(':modal')") is None
    with_banner = page.locator("main").inner_text()
    page.get_by_role("link", name="For developers").click()
    page.wait_for_url("**/developers.example.localhost*/**")
    visitor.goes()
    visitor.presses("reject")
    visitor.until_decided()
    page.reload()
    assert page.locator("main").inner_text().strip() == with_banner.strip()
    assert page.evaluate("getComputedStyle(document.body).overflow") == "visible"


TALL = {"width": 1280, "height": 1200}
"""Nothing needs to be scrolled to: a click in the same frame as the scrolling would still meet a stranger's frame where
it was drawn before, as the browser finds frames of other processes by the last picture."""


def article(visitor):
    """The page with two frames that wait for `functional`, after a refusal."""
    page = visitor.goes(page="article")
    visitor.presses("reject")
    visitor.until_decided()
    places = page.locator("portal-consent-placeholder")
    expect(places).to_have_count(2)
    return page, places


def test_a_placeholder_shows_its_element_once_or_always(visit):
    visitor = visit(viewport=TALL)
    _page, places = article(visitor)
    places.first.locator("#once").click()
    visitor.until(lambda: "/demo-site/tags/film" in visitor.paths())
    assert "/demo-site/tags/chat" not in visitor.paths()
    assert visitor.choice == set()
    places.last.locator("#always").click()
    visitor.until(lambda: "/demo-site/tags/chat" in visitor.paths())
    visitor.until(lambda: visitor.choice == {"functional"})
    visitor.until_proved()
    assert [event["method"] for event in visitor.events] == ["banner", "placeholder"]


def test_what_was_shown_once_stays_whatever_else_is_decided_until_everything_is_refused(visit):
    visitor = visit(viewport=TALL)
    page, places = article(visitor)
    places.first.locator("#once").click()
    film = page.frame_locator("iframe[title^=Film]").locator("p")
    expect(film).to_be_visible()
    film.evaluate("each => each.dataset.same = 'yes'")
    for yes in ({"performance"}, {"performance", "marketing"}):  # no withdrawal: that loads this page again
        visitor.decides(*yes)
        visitor.waits(0.3)
        assert film.get_attribute("data-same", timeout=500) == "yes", "it goes on, and is not even loaded again"
    assert [event["choices"]["functional"] for event in visitor.events] == [False] * 3, "a look is no yes"
    visitor.opens_preferences()
    visitor.presses("reject")
    visitor.until_decided()
    expect(places).to_have_count(2)


def test_what_was_shown_once_goes_with_the_withdrawal_of_its_category(visit):
    visitor = visit(viewport=TALL)
    page, places = article(visitor)
    places.first.locator("#once").click()
    expect(page.frame_locator("iframe[title^=Film]").locator("p")).to_be_visible()
    visitor.decides("performance", "functional")
    expect(places).to_have_count(0)
    visitor.decides("performance")
    expect(places).to_have_count(2)
