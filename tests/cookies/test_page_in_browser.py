"""The page of cookies in a real browser that runs no script: the choice is made, kept, shown and taken back."""

import pytest

from apps.consent.models import Event
from apps.cookies.choice import NAME, parse
from tests.journeys.conftest import (  # noqa: F401
    browser_type_launch_args,
    demo_template,
    live_portal,
    pytest_collection_modifyitems,
    shared_folder,
    static_root,
)

pytestmark = pytest.mark.browser
LOOK = """each => [each.tagName, ...["fontSize", "fontWeight", "color", "backgroundColor"].map(
    name => getComputedStyle(each)[name])].join()"""


def kept(context):
    found = [cookie for cookie in context.cookies() if cookie["name"] == NAME]
    assert len(found) == 1
    assert not found[0]["httpOnly"]
    return parse(found[0]["value"])


@pytest.mark.req("COO-2", "COO-3", "CON-2")
def test_a_visitor_without_scripts_refuses_accepts_and_withdraws(browser, live_portal):  # noqa: F811
    context = browser.new_context(java_script_enabled=False, base_url=live_portal.url, locale="en")
    page = context.new_page()
    page.goto("/")
    page.click("footer >> text=Cookie settings")
    assert page.locator("fieldset input:not([disabled]):checked").count() == 0
    buttons = {name: page.locator(f"button[value={name}]") for name in ("reject", "accept", "choose")}
    assert len({button.evaluate(LOOK) for button in buttons.values()}) == 1
    sizes = {name: button.bounding_box() for name, button in buttons.items()}
    areas = {name: box["width"] * box["height"] for name, box in sizes.items()}
    assert areas["reject"] / areas["accept"] >= 0.9
    assert min(box["height"] for box in sizes.values()) >= 24
    assert not [cookie for cookie in context.cookies() if cookie["name"] == NAME]

    buttons["reject"].click()
    page.get_by_text("Your choice is saved.").wait_for()
    assert kept(context).allowed == frozenset()
    page.click("button[value=accept]")
    page.get_by_text("Your choice is saved.").wait_for()
    assert len(kept(context).allowed) == 3
    visitor = kept(context).visitor
    assert page.get_by_text(visitor).is_visible()
    page.click("button:has-text('Nederlands')")
    page.get_by_role("button", name="Alles weigeren").wait_for()
    assert page.get_by_text(visitor).is_visible(), "another language keeps the choice"
    page.click("button[value=withdraw]")
    page.get_by_text("Uw keuze is opgeslagen.").wait_for()
    assert kept(context).allowed == frozenset()
    events = Event.objects.of("site:main", visitor)
    assert [(event.action, event.language) for event in events] == [
        ("chosen", "en"),
        ("chosen", "en"),
        ("withdrawn", "nl"),
    ]
    assert [event.previous for event in events] == [None, events[0].id, events[1].id]
    context.close()
