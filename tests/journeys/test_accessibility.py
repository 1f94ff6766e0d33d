"""Every page, in every language and theme: no violation of WCAG 2.2 A and AA that a machine can find, no English left
over, identifiers kept apart from the text around them, and no complaint of the browser."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings

from tests.journeys.languages import english_left_over, loose_identifiers
from tests.journeys.walking import furnished

pytestmark = pytest.mark.browser
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    "resultTypes": ["violations"],
    "iframes": False,
}
LOOKS = {"en": ("light", 1280), "nl": ("light", 1280), "ar": ("dark", 390)}
WIDER_THAN_THE_SCREEN = """() => document.scrollingElement.scrollWidth <= innerWidth ? [] : ['the page',
  ...[...document.body.querySelectorAll('*')].filter(each => {
    const {left, right} = each.getBoundingClientRect();
    return (right > innerWidth + 1 || left < -1) && !each.closest('.table-wrap');
  }).slice(-1).map(each => each.outerHTML.slice(0, 120))]"""
SMALL_TARGETS = """() => [...document.querySelectorAll('a, button, input:not([type=hidden]), select, summary')]
  .filter(each => !each.closest('p, li, td, th, dd, h1, h2, h3, .choice, .skip'))
  .map(each => [each, each.getBoundingClientRect()])
  .filter(([, box]) => box.width && Math.min(box.height, box.width) < 24)
  .map(([each]) => each)
  .map(each => each.outerHTML.slice(0, 80))"""


@pytest.mark.threat("T40")
@pytest.mark.parametrize("language", [code for code, _name in settings.LANGUAGES])
def test_every_page_can_be_used_by_everybody(live_portal, browser, sign_in, language):
    """English light on a desk, requests in every state; Arabic dark on a telephone; and Dutch, which is laid out as
    English is, so that its words are read, and axe has seen its markup. Every page is narrowed as well."""
    walk = furnished(live_portal, browser, sign_in)
    found, (theme, width) = [], LOOKS[language]
    for place, page in walk.visits(language, theme, width, variants=language == "en"):
        said = [*complaints(page, language), *(violations(page) if language != "nl" else ())]
        found += [f"{place.name} ({language}, {theme}): {each}" for each in said]
    if found + walk.complaints:
        pytest.fail("\n".join(found + walk.complaints), pytrace=False)


def violations(page):
    """What axe finds."""
    found = Axe().run(page, options=RULES).response["violations"]
    yield from (f"{each['id']} {each['nodes'][0]['html'][:120]}" for each in found)


def complaints(page, language):
    """Targets under 24 px, pages wider than a screen of 320 px, and words in the wrong language."""
    yield from (f"small target {target}" for target in page.evaluate(SMALL_TARGETS))
    yield from (f"speaks English: “{text}”" for text in english_left_over(page, language))
    yield from (f"stands loose: {text}" for text in loose_identifiers(page, language))
    root = page.locator("html")
    if (root.get_attribute("lang"), root.get_attribute("dir")) != (language, "rtl" if language == "ar" else "ltr"):
        yield "says another language or direction"
    size = page.viewport_size
    page.set_viewport_size({"width": 320, "height": 640})
    yield from (f"wider than 320 px: {each}" for each in page.evaluate(WIDER_THAN_THE_SCREEN))
    page.set_viewport_size(size)
