"""Every page: no violation of WCAG 2.2 A and AA that a machine can find, and no complaint of the browser."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.journeys.walking import furnished

pytestmark = pytest.mark.browser
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    "resultTypes": ["violations"],
    "iframes": False,
}
WIDER_THAN_THE_SCREEN = "document.scrollingElement.scrollWidth - innerWidth"
SMALL_TARGETS = """() => [...document.querySelectorAll('a, button, input:not([type=hidden]), select, summary')]
  .filter(each => !each.closest('p, li, td, th, dd, h1, h2, h3, .choice, .skip'))
  .map(each => [each, each.getBoundingClientRect()])
  .filter(([, box]) => box.width && Math.min(box.height, box.width) < 24)
  .map(([each]) => each)
  .map(each => each.outerHTML.slice(0, 80))"""


@pytest.mark.threat("T40")
def test_every_page_can_be_used_by_everybody(live_portal, browser, sign_in):
    """In English every state of a request, in Arabic and Dutch every kind of page; light and dark between them."""
    walk = furnished(live_portal, browser, sign_in)
    found = _complaints(walk.visits("en", "light", 1280))
    walk.places = [place for place in walk.places if not place.is_variant]
    found += _complaints(walk.visits("ar", "dark", 390))
    found += _complaints(walk.visits("nl", "dark", 1280))
    assert "\n".join(found + walk.complaints) == ""


def _complaints(visits):
    """What axe finds, targets under 24 px, and pages wider than a screen of 320 px."""
    axe, found = Axe(), []
    for place, page in visits:
        violations = axe.run(page, options=RULES).response["violations"]
        found += [f"{place.name}: {each['id']} {each['nodes'][0]['html'][:120]}" for each in violations]
        found += [f"{place.name}: small target {target}" for target in page.evaluate(SMALL_TARGETS)]
        size = page.viewport_size
        page.set_viewport_size({"width": 320, "height": 640})
        found += [f"{place.name}: wider than 320 px"] if page.evaluate(WIDER_THAN_THE_SCREEN) > 0 else []
        page.set_viewport_size(size)
    return found


def test_a_request_is_filed_without_a_script(live_portal, browser, sign_in):
    from apps.subject_requests.models import SubjectRequest
    from tests.journeys.places import CUSTOMER

    walk = furnished(live_portal, browser, sign_in)
    before = SubjectRequest.objects.count()
    with walk.context(CUSTOMER, "en", java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{live_portal.url}/requests/new/check/")
        page.get_by_label("My company decides about this person’s data").check()
        page.get_by_role("button", name="Send the request").click()
        page.get_by_text("Your reference").wait_for()
        assert SubjectRequest.objects.count() == before + 1
