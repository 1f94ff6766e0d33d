"""The banner in a real browser, on pages made for it: what waits, what runs, what is kept, what is sent."""

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from apps.consent.ids import event_id
from apps.cookies.choice import Choice, format_choice, new_visitor, parse
from apps.core import clock
from tests.cookies.factories import CookieFactory, SiteFactory, publish
from tests.cookies.site import BODY, HEAD, PORTAL, SISTER, SITE, SNIPPET, STRANGER, Visit
from tests.journeys.conftest import browser_type_launch_args, pytest_collection_modifyitems, wait_for  # noqa: F401

pytestmark = [pytest.mark.browser, pytest.mark.django_db]
BANNER, PREFERENCES = "portal-consent #banner", "portal-consent #preferences"
NAMES = ("performance", "functional", "marketing")


def until(page, expression):
    """Playwright's own waiting needs `eval`, which the page's policy forbids."""
    wait_for(lambda: page.evaluate(expression) or page.wait_for_timeout(20), seconds=5, what=expression)


def sent(page, visit, count=1):
    """What reached the server, once that many did."""
    wait_for(lambda: len(visit.sent) >= count or page.wait_for_timeout(20), seconds=5, what="the proof")
    assert len(visit.sent) == count
    return visit.sent


@pytest.fixture
def shop():
    site = SiteFactory(key="shop", hosts=["www.shop.example", "my.shop.example"], cookie_domain="shop.example")
    for name, category in (("_stats*", "performance"), ("chat", "functional"), ("_ad", "marketing")):
        CookieFactory(site=site, name=name, host=".shop.example", category=category)
    CookieFactory(site=site, name="seen", kind="local_storage", host="www.shop.example", category="performance")
    publish(site)
    return site


@pytest.fixture
def visit(browser, shop):
    return Visit(browser)


@pytest.mark.req("COO-1")
def test_nothing_runs_before_a_choice_and_scrolling_or_escape_is_none(visit):
    page = visit.open()
    expect(page.locator(BANNER)).to_be_visible()
    page.keyboard.press("Escape")
    page.mouse.wheel(0, 2000)
    page.wait_for_timeout(500)
    expect(page.locator(BANNER)).to_be_visible()
    assert (visit.cookies(), dict(visit.hits), page.evaluate("log"), visit.troubles) == ([], {}, [], [])
    assert page.evaluate("document.documentElement.dataset.consent") == ""
    assert len(visit.shown) == 1


def test_all_that_was_accepted_runs_in_its_order_once_and_only_with_the_nonce(visit):
    page = visit.open()
    page.click("portal-consent #accept")
    expect(page.locator("portal-consent #accept")).to_have_count(0)
    until(page, "log.length == 3")
    page.wait_for_timeout(300)
    assert page.evaluate("log") == ["external", "inline after stats", "marketing"]
    assert dict(visit.hits) == {"/stats.js": 1, "/film": 1, "/pixel.gif": 1}
    choice = parse(visit.cookie())
    assert choice is not None
    assert choice.allowed == {"performance", "functional", "marketing"}
    (event,) = sent(page, visit)
    assert (event["id"], event["visitor"]) == (str(choice.event), choice.visitor)
    assert (event["method"], event["action"], event["text"]) == ("banner", "chosen", visit.shown[0])
    assert page.evaluate("localStorage.length") == 0
    assert not visit.troubles


def test_the_cookie_is_on_the_parent_domain_and_a_sister_asks_and_loads_nothing_more(visit):
    page = visit.open()
    page.click("portal-consent #reject")
    until(page, "portalConsent.get()")
    (cookie,) = visit.cookies()
    assert (cookie["domain"], cookie["sameSite"], cookie["secure"]) == (".shop.example", "Lax", True)
    assert len(f"{cookie['name']}={cookie['value']}") <= 400
    visit.pages["/"] = HEAD + SNIPPET + BODY
    visit.asked.clear()
    other = visit.open(on=SISTER)
    other.wait_for_timeout(500)
    assert [url for url in visit.asked if url.startswith(PORTAL)] == [f"{PORTAL}/consent.js?site=shop"]
    expect(other.locator("portal-consent")).to_have_count(0)


def test_a_host_outside_the_domain_keeps_its_own_cookie(visit):
    page = visit.open(on="https://elsewhere.example")
    page.click("portal-consent #reject")
    until(page, "portalConsent.get()")
    assert [row["domain"] for row in visit.context.cookies("https://elsewhere.example")] == ["elsewhere.example"]


def test_preferences_store_exactly_what_is_ticked_and_give_the_focus_back(visit):
    page = visit.open()
    page.click("portal-consent #choose")
    dialog = page.locator(PREFERENCES)
    expect(dialog.locator("input:checked")).to_have_count(1)  # what is strictly necessary, and not operable
    expect(dialog.locator("#necessary")).to_be_disabled()
    expect(dialog.locator("li bdi", has_text="_stats*")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator("portal-consent #choose")).to_be_focused()
    assert not visit.cookies()
    page.click("[data-consent-open]")
    dialog.locator("#functional").check()
    dialog.locator("#save").click()
    expect(dialog).to_have_count(0)
    expect(page.locator("[data-consent-open]")).to_be_focused()
    assert page.evaluate("document.documentElement.dataset.consent") == "functional"
    (event,) = sent(page, visit)
    assert event["choices"] == {"performance": False, "functional": True, "marketing": False}
    assert event["method"] == "preferences"
    assert page.frame_locator("iframe").locator("p").inner_text() == "Film"


def test_withdrawal_takes_cookies_frames_and_signals_back_and_keeps_the_page(visit):
    page = visit.open()
    page.click("portal-consent #accept")
    until(page, "log.length == 3")
    page.evaluate("document.cookie = '_stats_1=x; path=/'; localStorage.seen = 1; localStorage.mine = 1")
    page.evaluate("void portalConsent.onChange(said => ran('told ' + said.marketing))")
    page.click("[data-consent-open]")
    page.click("portal-consent #reject")
    expect(page.locator("portal-consent-placeholder #once")).to_be_visible()
    assert [row["name"] for row in visit.cookies()] == ["portal_consent"]
    assert page.evaluate("Object.keys(localStorage)") == ["mine"]
    assert "told false" in page.evaluate("log")
    update = page.evaluate("Array.from(dataLayer.at(-1))")
    assert update[:2] == ["consent", "update"]
    assert {name for name, value in update[2].items() if value == "granted"} == {"security_storage"}
    first, second = sent(page, visit, 2)
    assert (second["action"], second["previous"], second["visitor"]) == ("withdrawn", first["id"], first["visitor"])


def test_a_placeholder_shows_once_without_a_choice_or_always_with_one(visit):
    page = visit.open()
    page.locator("portal-consent-placeholder #once").click(force=True)
    page.wait_for_timeout(200)
    assert visit.hits["/film"] == 1
    assert not visit.cookies()
    again = visit.open()
    again.locator("portal-consent-placeholder #always").click(force=True)
    until(again, "portalConsent.get()")
    (event,) = sent(again, visit)
    assert event["method"] == "placeholder"
    assert event["choices"] == {"performance": False, "functional": True, "marketing": False}


@pytest.mark.parametrize("value", ["1.x", "%00", "1." + "a" * 22 + ".1.111.zzzzzzzzz." + "a" * 22 + ".0", "x" * 3000])
def test_garbage_in_the_cookie_asks_again_and_runs_nothing(visit, value):
    visit.context.add_cookies([{"name": "portal_consent", "value": value, "url": SITE}])
    page = visit.open()
    expect(page.locator(BANNER)).to_be_visible()
    assert not visit.hits
    page.click("portal-consent #reject")
    until(page, "portalConsent.get()")
    page.reload()
    page.wait_for_timeout(300)
    expect(page.locator(BANNER)).to_have_count(0)


def test_a_choice_waits_for_the_server_and_arrives_once(visit):
    visit.is_down = True
    page = visit.open()
    page.locator("portal-consent #accept").dblclick()
    until(page, "localStorage.getItem('portal-consent-queue')")
    until(page, "log.length == 3")
    visit.is_down = False
    visit.answers = [(503, {})]
    page.reload()
    page.wait_for_timeout(500)
    page.reload()
    until(page, "!localStorage.getItem('portal-consent-queue')")
    assert len({event["id"] for event in sent(page, visit, 2)}) == 1


def test_a_wrong_clock_is_put_right_with_the_same_random_part(visit):
    visit.answers = [(422, {"code": "clock", "now": "2027-01-02T03:04:05+00:00"})]
    page = visit.open()
    page.click("portal-consent #reject")
    until(page, "portalConsent.get() && !localStorage.getItem('portal-consent-queue')")
    first, second = (event["id"] for event in sent(page, visit, 2))
    assert second[:8] != first[:8]
    assert second[15:] == first[15:]
    assert second[:13].replace("-", "") == f"{1798859045000:012x}"


def test_the_cookie_names_the_event_under_the_id_it_got_and_so_does_the_next_one(visit):
    visit.is_down = True
    page = visit.open()
    page.click("portal-consent #reject")
    until(page, "localStorage.getItem('portal-consent-queue')")
    page.evaluate("portalConsent.set({performance: true})")
    until(page, "portalConsent.get().performance")
    visit.is_down = False
    clock_is_wrong = (422, {"code": "clock", "now": "2027-01-02T03:04:05+00:00"})
    visit.answers = [clock_is_wrong, (201, {}), clock_is_wrong]
    page.evaluate("dispatchEvent(new Event('online'))")
    until(page, "!localStorage.getItem('portal-consent-queue')")
    refused, written, _allowed, last = sent(page, visit, 4)
    assert refused["id"] != written["id"] == last["previous"]
    choice = parse(visit.cookie())
    assert (str(choice.event), choice.visitor, choice.allowed) == (last["id"], last["visitor"], {"performance"})
    assert page.evaluate("portalConsent.get().id") in visit.cookie()
    page.evaluate("portalConsent.set({})")
    assert sent(page, visit, 5)[-1]["previous"] == last["id"]


def test_a_cookie_of_another_choice_is_left_alone_when_a_clock_is_put_right(visit):
    visit.is_down = True
    page = visit.open()
    page.click("portal-consent #reject")
    until(page, "localStorage.getItem('portal-consent-queue')")
    now = clock.now() + timedelta(minutes=1)
    newer = format_choice(Choice(new_visitor(), 1, frozenset(NAMES), now, event_id(now)))
    visit.context.add_cookies([{"name": "portal_consent", "value": newer, "domain": ".shop.example", "path": "/"}])
    visit.is_down, visit.answers = False, [(422, {"code": "clock", "now": "2027-01-02T03:04:05+00:00"})]
    page.evaluate("dispatchEvent(new Event('online'))")
    until(page, "!localStorage.getItem('portal-consent-queue')")
    assert visit.cookie() == newer


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_cookies_in_the_jar_the_newest_counts_and_goes_on(visit, order):
    old, new = (
        Choice(new_visitor(), 1, allowed, at, event_id(at))
        for allowed, at in ((frozenset(NAMES), clock.now() - timedelta(days=9)), (frozenset(), clock.now()))
    )
    for choice, path in zip(
        (old, new), ("/", "/shop/")[::order], strict=True
    ):  # the longer path comes first in the jar
        cookie = {"name": "portal_consent", "value": format_choice(choice), "domain": "www.shop.example", "path": path}
        visit.context.add_cookies([cookie])
    visit.pages["/shop/"] = visit.pages["/"]
    page = visit.open("/shop/")
    page.wait_for_timeout(300)
    assert page.evaluate("document.cookie.split('portal_consent=').length") == 3
    assert page.evaluate("document.documentElement.dataset.consent") == ""
    page.evaluate("portalConsent.set({performance: true})")
    (event,) = sent(page, visit)
    assert (event["visitor"], event["previous"]) == (new.visitor, str(new.event))


def test_the_signal_keeps_marketing_off_and_is_told(browser, shop):
    visit = Visit(browser, gpc=True)
    page = visit.open()
    expect(page.locator("portal-consent .signal")).to_be_visible()
    page.click("portal-consent #accept")
    until(page, "log.length == 2")
    (event,) = sent(page, visit)
    assert event["gpc"] is True
    assert event["choices"] == {"performance": True, "functional": True, "marketing": False}
    assert visit.cookie().endswith(".1")
    page.click("[data-consent-open]")
    expect(page.locator("portal-consent #marketing")).to_be_disabled()


def test_a_yes_from_before_the_signal_does_not_count_for_marketing(browser, shop):
    visit, now = Visit(browser, gpc=True), clock.now()
    before = Choice(new_visitor(), 1, frozenset(NAMES), now, event_id(now))
    visit.context.add_cookies([{"name": "portal_consent", "value": format_choice(before), "url": SITE}])
    page = visit.open()
    until(page, "log.length == 2")
    assert page.evaluate("document.documentElement.dataset.consent") == "performance functional"
    assert page.evaluate("dataLayer[1][2].ad_storage") == "denied"
    expect(page.locator(BANNER)).to_have_count(0)


def test_the_default_of_consent_mode_is_first_and_a_choice_updates_before_any_tag(visit):
    page = visit.open()
    assert page.evaluate("Array.from(dataLayer[0])")[:2] == ["consent", "default"]
    assert page.evaluate("Object.values(dataLayer[0][2]).filter(each => each == 'granted').length") == 1
    page.click("portal-consent #accept")
    until(page, "portalConsent.get()")
    visit.pages["/"] = SNIPPET + '<script nonce="n0nce">window.seen = dataLayer.length</script>'
    again = visit.open()
    assert again.evaluate("[seen, dataLayer[1][1], dataLayer[1][2].ad_storage]") == [2, "update", "granted"]


def test_without_its_policy_no_waiting_script_runs_and_all_else_works(visit):
    visit.policy = visit.policy.replace("trusted-types portal-consent", "trusted-types 'none'")
    page = visit.open()
    page.click("portal-consent #accept")
    until(page, "portalConsent.get()")
    page.wait_for_timeout(500)
    assert page.evaluate("log") == []
    assert dict(visit.hits) == {"/film": 1, "/pixel.gif": 1}


def test_another_tab_learns_of_the_choice_when_it_is_looked_at(visit):
    one, two = visit.open(), visit.open()
    one.click("portal-consent #accept")
    until(one, "portalConsent.get()")
    two.evaluate("dispatchEvent(new Event('focus'))")
    expect(two.locator(BANNER)).to_have_count(0)
    until(two, "log.length == 3")
    sent(one, visit)


def test_what_is_added_later_waits_too(visit):
    page = visit.open()
    add = (
        "src => { const image = document.createElement('img'); image.dataset.consent = 'marketing';"
        " image.dataset.src = src; document.body.append(image); }"
    )
    page.evaluate(add, f"{STRANGER}/late.gif")
    page.wait_for_timeout(200)
    assert not visit.hits
    page.click("portal-consent #accept")
    until(page, "log.length == 3")
    page.evaluate(add, f"{STRANGER}/later.gif")
    page.wait_for_timeout(200)
    assert (visit.hits["/late.gif"], visit.hits["/later.gif"]) == (1, 1)


def test_a_choice_is_taken_over_from_another_domain_unless_a_newer_one_is_here(visit):
    visit.handover = {"choices": {"performance": True, "functional": False, "marketing": False}, "gpc": False}
    decided = clock.now().replace(microsecond=0) - timedelta(days=100)
    visit.handover["at"] = decided.isoformat()
    page = visit.open(f"/?a=b#portal-consent={decided.timestamp():.0f}")
    (event,) = sent(page, visit)
    assert page.evaluate("portalConsent.get().performance")
    assert event["method"] == "handover"
    assert page.url == f"{SITE}/?a=b"
    assert (len(visit.states), page.evaluate("sessionStorage.length")) == (1, 0)
    expect(page.locator("portal-consent #banner")).to_have_count(0)
    assert parse(visit.cookie()).decided_at == decided, "what was said counts no longer than where it was said"
    (cookie,) = visit.cookies()
    assert cookie["expires"] < (clock.now() + timedelta(days=90)).timestamp()
    visit.handover["choices"] = dict.fromkeys(NAMES, True)
    for hint, asked in ((f"{decided.timestamp():.0f}", 1), ("1e10", 2)):
        again = visit.open(f"/#portal-consent={hint}")
        wait_for(lambda count=asked: len(visit.tokens) >= count or page.wait_for_timeout(20), seconds=9, what="a token")
        again.wait_for_timeout(500)
        assert again.evaluate("portalConsent.get().marketing") is False
        assert len(visit.states) == asked, "only for what may be newer the portal is asked"


@pytest.mark.parametrize("fragment", ["spent", "to:ken", "%", "null"])
def test_what_does_not_count_asks_as_ever(visit, fragment):
    visit.handover = {"choices": dict.fromkeys(NAMES, True), "gpc": False, "at": clock.now().isoformat()}
    page = visit.open(f"/#portal-consent={fragment}")
    expect(page.locator(BANNER)).to_be_visible()
    assert page.url == f"{SITE}/"
    assert not visit.sent


def test_a_choice_whose_time_is_up_is_not_taken_over(visit):
    visit.handover = {"choices": dict.fromkeys(NAMES, True), "gpc": False, "at": "2026-01-01T00:00:00+00:00"}
    page = visit.open("/#portal-consent=1767225600")
    expect(page.locator(BANNER)).to_be_visible()
    assert visit.states
    assert not visit.sent


def test_what_another_host_kept_goes_when_it_is_visited_after_a_refusal(visit):
    page = visit.open()
    page.click("portal-consent #reject")
    until(page, "portalConsent.get()")
    visit.context.add_cookies([{"name": "_stats_2", "value": "1", "url": SISTER}])
    visit.context.add_cookies([{"name": "mine", "value": "1", "url": SISTER}])
    visit.open(on=SISTER).wait_for_timeout(400)
    assert sorted(row["name"] for row in visit.cookies()) == ["mine", "portal_consent"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_layers_can_be_used_by_everybody(browser, shop, scheme):
    visit = Visit(browser, color_scheme=scheme, reduced_motion="reduce")
    visit.policy = ""  # axe needs to be let in
    page = visit.open()
    expect(page.locator(BANNER)).to_be_visible()
    page.keyboard.press("Tab")
    inside = page.evaluate("document.querySelector('portal-consent').shadowRoot.activeElement?.localName")
    assert inside == "a", "the banner comes first"
    assert not _violations(page)
    page.click("portal-consent #choose")
    expect(page.locator("portal-consent li").first).to_be_attached()
    for fold in page.locator("portal-consent summary").all():
        fold.click()
    assert not _violations(page)


def _violations(page):
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]}).response["violations"]
    nodes = [(each["id"], node["html"]) for each in found for node in each["nodes"] if len(node["target"][0]) > 1]
    return [(name, html) for name, html in nodes if "<iframe" not in html]


def test_nothing_moves_when_the_banner_comes(browser, shop):
    visit = Visit(browser, viewport={"width": 390, "height": 844})
    visit.context.add_init_script(
        "window.moved = 0; new PerformanceObserver(list => list.getEntries().forEach(each => moved += each.value))"
        ".observe({type: 'layout-shift', buffered: true})"
    )
    page = visit.open()
    page.wait_for_timeout(600)
    page.click("portal-consent #reject")
    page.wait_for_timeout(600)
    assert page.evaluate("moved") < 0.01


@pytest.mark.parametrize("language", ["en", "nl", "ar"])
def test_first_layer_gives_each_answer_the_same_weight(browser, shop, language):
    visit = Visit(browser, viewport={"width": 390, "height": 844}, reduced_motion="reduce")
    visit.language = language
    page = visit.open()
    boxes = [page.locator(f"portal-consent #{name}").bounding_box() for name in ("accept", "reject", "choose")]
    assert max(box["width"] for box in boxes) - min(box["width"] for box in boxes) < 1
    assert len({(round(box["height"]), round(box["y"])) for box in boxes}) == 1
    assert page.locator("portal-consent .words").bounding_box()["height"] <= 200
    starts = [box["x"] for box in boxes]
    assert starts == sorted(starts, reverse=language == "ar")
