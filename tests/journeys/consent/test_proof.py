"""A choice is obeyed at once and arrives exactly once, whatever the network does; and it needs no script (B8, B9)."""

import pytest
from playwright.sync_api import expect

from apps.demo.site import DASHBOARD, DOMAIN, STATISTICS
from tests.journeys.consent.visitor import NAMES

pytestmark = [pytest.mark.browser, pytest.mark.req("COO-3", "CON-4"), pytest.mark.xdist_group("consent")]
INGEST = "**/api/v1/cookie-choices"
WAITING = "localStorage.getItem('portal-consent-queue')"


def is_obeyed(visitor):
    visitor.until(lambda: visitor.cookie() != "")
    assert visitor.choice == {"performance"}
    visitor.until(lambda: STATISTICS in visitor.strangers(), what="the statistics that were allowed")
    assert visitor.page.evaluate("document.documentElement.dataset.consent") == "performance"


def chooses_performance(visitor):
    visitor.presses("choose")
    visitor.page.locator("portal-consent #performance").check()
    visitor.presses("save")


def arrives_once_on_the_next_page(visitor):
    assert visitor.events == []
    assert visitor.page.evaluate(WAITING)
    visitor.context.unroute_all()
    visitor.goes(DASHBOARD)  # another host: its storage holds nothing; the first one sends when it is visited again
    visitor.goes()
    visitor.until_proved()
    visitor.page.reload()
    visitor.waits(0.3)
    (event,) = visitor.events
    assert event["choices"] == {name: name == "performance" for name in NAMES}


@pytest.mark.parametrize("failing", ["no connection", "an error", "too many"])
def test_where_the_proof_can_not_be_sent_the_choice_is_obeyed_and_arrives_once_later(visit, failing):
    answers = {
        "no connection": lambda route: route.abort("internetdisconnected"),
        "an error": lambda route: route.fulfill(status=500),
        "too many": lambda route: route.fulfill(status=429),
    }
    visitor = visit()
    visitor.goes()
    visitor.banner.wait_for()
    visitor.context.route(INGEST, answers[failing])
    chooses_performance(visitor)
    is_obeyed(visitor)
    arrives_once_on_the_next_page(visitor)


def test_where_the_server_answers_slowly_nobody_waits(visit):
    visitor = visit()
    visitor.goes()
    visitor.banner.wait_for()
    held = []
    visitor.context.route(INGEST, lambda route: held.append(route))  # noqa: PLW0108 - playwright marks functions
    chooses_performance(visitor)
    is_obeyed(visitor)
    visitor.page.wait_for_function("() => !document.querySelector('portal-consent').shadowRoot.firstElementChild")
    assert visitor.events == []
    assert held
    for route in held:
        route.continue_()
    visitor.until_proved()
    assert len(visitor.events) == 1


def test_an_answer_that_is_lost_makes_no_second_row(visit):
    """The server wrote it, but the browser never learned so: it sends the same again under the same id."""
    visitor = visit()
    visitor.goes()
    visitor.banner.wait_for()

    def written_but_lost(route):
        route.fetch()
        route.abort("connectionreset")

    visitor.context.route("**/api/v1/cookie-choices", written_but_lost)
    visitor.presses("reject")
    visitor.until(lambda: len(visitor.events) == 1 if visitor.cookie() else False)
    assert visitor.page.evaluate(WAITING)
    visitor.context.unroute_all(behavior="wait")
    visitor.page.reload()
    visitor.until_proved()
    assert len(visitor.events) == 1


def test_offline_the_choice_is_kept_and_sent_when_the_network_is_back(visit):
    visitor = visit()
    visitor.goes()
    visitor.banner.wait_for()
    visitor.waits(0.3)
    visitor.context.set_offline(True)
    visitor.presses("reject")
    visitor.until(lambda: visitor.cookie() != "")
    visitor.waits(0.5)
    assert visitor.events == []
    visitor.context.set_offline(False)
    visitor.until_proved()
    assert len(visitor.events) == 1


def test_a_double_click_decides_once(visit):
    visitor = visit()
    page = visitor.goes()
    page.locator("portal-consent #accept").dblclick()
    visitor.until_decided()
    visitor.waits(0.3)
    assert visitor.choice == set(NAMES)
    assert len(visitor.events) == 1


def test_two_tabs_make_one_row_for_each_decision_and_both_obey_the_last(visit):
    visitor = visit()
    first = visitor.goes(DASHBOARD)
    visitor.banner.wait_for()
    second = visitor.context.new_page()
    second.goto(first.url)
    expect(second.locator("portal-consent #banner")).to_be_visible()
    second.locator("portal-consent #accept").click()
    visitor.until(lambda: visitor.cookie() != "" and visitor.choice == set(NAMES))
    first.bring_to_front()
    first.evaluate("dispatchEvent(new Event('focus'))")  # a headless window has no focus to give
    expect(first.locator("portal-consent #banner")).to_have_count(0)
    visitor.until_proved()
    assert first.evaluate("document.documentElement.dataset.consent") == " ".join(NAMES)
    assert len(visitor.events) == 1
    visitor.opens_preferences()
    visitor.presses("reject")
    visitor.until_decided()
    second.bring_to_front()
    second.evaluate("dispatchEvent(new Event('focus'))")
    second.wait_for_function("() => document.documentElement.dataset.consent == ''")
    accepted, refused = visitor.events
    assert accepted["choices"] == dict.fromkeys(NAMES, True)
    assert refused["choices"] == dict.fromkeys(NAMES, False)
    assert refused["previous"] == accepted["id"]


def test_the_words_that_were_shown_are_counted(world, visit):
    def count():
        return dict(world.rows("SELECT scope, sum(count) FROM consent_served GROUP BY 1")).get("site:demo", 0)

    before = count()
    visitor = visit()
    visitor.goes()
    visitor.banner.wait_for()
    visitor.until(lambda: count() == before + 1, what="the notice that was shown")
    visitor.presses("reject")
    visitor.until_decided()
    visitor.page.reload()
    visitor.waits(0.4)
    assert count() == before + 1, "nothing was shown, nothing is counted"


@pytest.mark.req("COO-2", "CON-2")
def test_without_a_script_nothing_optional_is_loaded_and_the_choice_is_made_on_a_page(world, visit):
    visitor = visit(java_script_enabled=False)
    page = visitor.goes()
    assert visitor.strangers() == set()
    page.get_by_role("link", name="Cookie settings").click()
    expect(page.get_by_role("main")).to_contain_text("ads_profile")
    page.get_by_role("main").get_by_role("button", name="Reject all").first.click()
    expect(page.get_by_role("status").first).to_contain_text("saved")
    assert visitor.choice == set()
    assert ("portal_consent", f".{DOMAIN}") in visitor.cookies(), "it holds on all hosts of this site"
    (event,) = visitor.events
    assert event["method"] == "page"
    with_script = visit()
    with_script.keeps(visitor.cookie())
    with_script.goes(DASHBOARD)
    with_script.waits(0.4)
    assert not with_script.banner.is_visible()
    assert visitor.strangers() == set()
