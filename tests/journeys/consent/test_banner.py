"""What the banner looks like and says: refusing is as easy as accepting, nothing is ticked or hidden (B2–B5, B12)."""

import itertools
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from apps.demo.site import DASHBOARD, MAIN
from tests.journeys.consent.measures import LAYOUT_SHIFT, measured
from tests.journeys.consent.visitor import NAMES

pytestmark = [pytest.mark.browser, pytest.mark.req("COO-2"), pytest.mark.xdist_group("consent")]
LANGUAGES = ("en", "nl", "ar")
LOOKS = tuple(itertools.product(("light", "dark"), (390, 1280)))


def looks(visitor):
    """Every colour scheme and width of the page that is open."""
    for scheme, width in LOOKS:
        visitor.page.emulate_media(color_scheme=scheme)
        visitor.page.set_viewport_size({"width": width, "height": 800})
        yield f"{scheme}, {width} pixels"


def is_as_easy(accept, reject):
    assert accept["tag"] == reject["tag"] == "BUTTON"
    assert accept["parent"] == reject["parent"], "in one container"
    assert min(accept["area"], reject["area"]) / max(accept["area"], reject["area"]) >= 0.9
    for same in ("fontSize", "fontWeight", "fontFamily", "opacity"):
        assert accept[same] == reject[same]
    assert accept["text"] >= 4.5
    assert reject["text"] >= 4.5
    assert 0.8 <= accept["background"] / reject["background"] <= 1.25


@pytest.mark.parametrize("language", LANGUAGES)
def test_wherever_one_can_accept_one_can_refuse_as_easily_in_both_layers(visit, language):
    visitor = visit()
    page = visitor.goes(lang=language)
    visitor.banner.wait_for()
    for look in looks(visitor):
        is_as_easy(**measured(page, "buttons"))
        assert measured(page, "faint") == [], look
    visitor.presses("choose")
    for look in looks(visitor):
        is_as_easy(**measured(page, "buttons"))
        assert measured(page, "faint") == [], look


@pytest.mark.parametrize("button", ["accept", "reject"])
def test_one_click_says_yes_or_no(visit, button):
    visitor = visit()
    visitor.goes()
    visitor.presses(button)
    visitor.until_decided()
    assert visitor.choice == (set(NAMES) if button == "accept" else set())
    visitor.page.reload()
    visitor.waits(0.4)
    assert not visitor.banner.is_visible()


def test_nothing_optional_is_ticked_and_what_is_necessary_can_not_be_operated(visit):
    visitor = visit()
    page = visitor.goes()
    expect(visitor.banner.locator("input")).to_have_count(0)
    visitor.presses("choose")
    boxes = visitor.preferences.locator("input, [role=switch], [role=checkbox]")
    expect(boxes).to_have_count(4)
    assert [box.get_attribute("id") for box in boxes.all()] == ["necessary", *NAMES]
    for name in NAMES:
        expect(page.locator(f"portal-consent #{name}")).not_to_be_checked()
    expect(page.locator("portal-consent #necessary")).to_be_checked()
    expect(page.locator("portal-consent #necessary")).to_be_disabled()


@pytest.mark.req("CON-1", "CON-2")
def test_the_first_layer_says_who_asks_what_for_that_it_can_be_withdrawn_and_leads_to_the_list(world, visit):
    visitor = visit()
    visitor.goes()
    words = visitor.banner.inner_text()
    for told in ("MessageBird B.V.", "performance", "functional", "marketing and analytics", "withdraw"):
        assert told in words
    link = visitor.banner.get_by_role("link")
    expect(link).to_have_attribute("href", re.compile("/cookies/"))
    assert visitor.page.request.get(link.get_attribute("href")).status == 200


@pytest.mark.req("COO-1")
def test_the_second_layer_lists_each_cookie_as_the_register_has_it(world, visit):
    visitor = visit()
    page = visitor.goes()
    visitor.presses("choose")
    expect(visitor.preferences.locator("details li").first).to_be_attached()
    for entry in world.register()["entries"]:
        part = page.locator("portal-consent section").filter(has=page.locator(f"#{entry['category']}"))
        (row,) = [
            text
            for text in part.locator("details li").all_text_contents()
            if text.startswith(entry["name"]) and entry["host"] in text and entry["purpose"]["en"] in text
        ]
        assert entry["refusing"]["en"] in row
        assert ("first-party" if entry["party"] == "first" else "third-party") in row
        assert entry["company"] in row
        assert re.search(r"\d+ (minute|day|month|week)" if entry["lifetime"] else "session|persistent", row)


def test_targets_are_large_enough_for_a_finger(visit):
    visitor = visit()
    page = visitor.goes()
    visitor.banner.wait_for()
    for look in looks(visitor):
        assert measured(page, "small") == [], look
    visitor.presses("choose")
    expect(visitor.preferences.locator("details li").first).to_be_attached()
    for look in looks(visitor):
        assert measured(page, "small") == [], look


def test_from_right_to_left_the_same_stands_in_the_same_order(visit):
    visitor = visit()
    page = visitor.goes(lang="en")
    visitor.banner.wait_for()
    english = measured(page, "order")
    visitor.goes(lang="ar")
    visitor.banner.wait_for()
    arabic = measured(page, "order")
    assert arabic["dir"] == "rtl"
    assert english["dir"] == "ltr"
    assert arabic["ids"] == english["ids"] == ["accept", "reject", "choose"]
    assert arabic["seen"] == english["seen"], "read from its own side, the eye meets them in the same order"
    assert not re.search(
        "[A-Za-z]{4,}", re.sub(r"[\w.-]+\.localhost|MessageBird B\.V\.", "", visitor.banner.inner_text())
    )


def test_time_decides_nothing(visit):
    """No countdown: an hour by the browser's clock changes neither the words nor the answer."""
    visitor = visit()
    visitor.page.clock.install()
    visitor.goes()
    visitor.banner.wait_for()
    words = visitor.banner.inner_text()
    visitor.page.clock.fast_forward("01:00:00")
    visitor.waits(0.1)
    assert visitor.banner.inner_text() == words
    assert visitor.cookie() == ""
    assert not re.search(r"\d+ ?(s|sec|seconds)\b", words)


def test_the_banner_takes_no_focus_and_is_first_for_the_keyboard(visit):
    visitor = visit()
    page = visitor.goes()
    visitor.banner.wait_for()
    assert page.evaluate("document.activeElement === document.body")
    reached = []
    for _ in range(4):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.shadowRoot?.activeElement?.id ?? ''"))
    assert reached[1:] == ["accept", "reject", "choose"], "after the link to the list"
    assert page.evaluate("getComputedStyle(document.activeElement.shadowRoot.activeElement).outlineStyle") != "none"


def test_escape_decides_nothing_and_the_focus_goes_back_where_it_was(visit):
    visitor = visit()
    page = visitor.goes(DASHBOARD)
    visitor.banner.wait_for()
    visitor.presses("choose")
    assert page.evaluate("document.activeElement.localName") == "portal-consent"
    page.keyboard.press("Escape")
    expect(visitor.preferences).to_have_count(0)
    expect(visitor.banner).to_be_visible()
    assert page.evaluate("document.activeElement.shadowRoot.activeElement.id") == "choose"
    page.keyboard.press("Escape")
    expect(visitor.banner).to_be_visible()
    assert visitor.cookie() == ""
    visitor.presses("reject")
    visitor.until_decided()
    visitor.opens_preferences()
    page.keyboard.press("Escape")
    expect(visitor.preferences).to_have_count(0)
    assert page.evaluate("document.activeElement.hasAttribute('data-consent-open')")
    assert visitor.choice == set()
    assert len(visitor.events) == 1


def test_nothing_of_the_page_moves_when_the_banner_comes_and_goes(visit):
    visitor = visit(viewport={"width": 390, "height": 800})
    visitor.page.add_init_script(LAYOUT_SHIFT)
    page = visitor.goes()
    visitor.banner.wait_for()
    visitor.presses("reject")
    visitor.until_decided()
    visitor.waits(0.7)
    assert page.evaluate("window.shifted") < 0.01


def test_a_return_visit_asks_for_nothing_but_the_snippet(visit):
    visitor = visit()
    visitor.goes()
    visitor.presses("reject")
    visitor.until_decided()
    visitor.forgets_requests()
    visitor.goes(page="shop")
    visitor.waits(0.7)
    of_ours = [path for path in visitor.paths() if "consent" in path]
    assert of_ours == ["/consent.js"], "kept by the browser; the banner itself is not asked for"


@pytest.mark.threat("T40")
@pytest.mark.parametrize("page", ["", "article", "shop"])
def test_under_a_policy_of_nonces_and_trusted_types_nothing_is_refused(visit, page):
    visitor = visit()
    visitor.goes(page=page)
    visitor.presses("choose")
    expect(visitor.preferences.locator("details li").first).to_be_attached()
    visitor.presses("accept")
    visitor.until_decided()
    visitor.until(lambda: "/demo-site/tags/stats.js" in visitor.paths())
    visitor.waits(0.5)
    visitor.opens_preferences()
    visitor.presses("reject")
    visitor.waits(1)
    assert [said for said in visitor.complaints if "ERR_ABORTED" not in said] == []


def violations(page):
    """What axe finds; the report of the package can't name places in a shadow root."""
    found = Axe().run(page).response["violations"]
    return [f"{each['id']} {each['nodes'][0]['html'][:120]}" for each in found]


def test_the_demo_site_is_accessible_with_the_banner_open_in_both_directions(visit):
    visitor = visit()
    for language in ("en", "ar"):
        page = visitor.goes(MAIN, lang=language)
        visitor.banner.wait_for()
        assert violations(page) == []
        visitor.presses("choose")
        assert violations(page) == []
