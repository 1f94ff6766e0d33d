"""By keyboard alone, at twice the size, with wider text and with nothing that moves: every page."""

import pytest
from playwright.sync_api import expect

from tests.journeys.people import press
from tests.journeys.places import CUSTOMER
from tests.journeys.walking import furnished

pytestmark = pytest.mark.browser
# What Tab should reach: all that is seen, with every fold opened; of a group of radio buttons one.
OPEN_AND_MARK = """() => {
  document.querySelectorAll('details').forEach(fold => { fold.open = true; });
  const look = each => {
    const {boxShadow, borderColor, backgroundColor, textDecoration} = getComputedStyle(each);
    return [boxShadow, borderColor, backgroundColor, textDecoration].join('|');
  };
  const focusable = 'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]';
  const groups = new Set();
  window.stops = [...document.querySelectorAll(focusable)].filter(each => {
    if (each.disabled || !each.checkVisibility({visibilityProperty: true})) return false;
    if (each.type !== 'radio') return true;
    const group = `${each.form?.action} ${each.name}`;
    const chosen = document.querySelector(`input[name="${each.name}"]:checked`);
    if (groups.has(group) || (chosen && chosen !== each && chosen.form === each.form)) return false;
    return groups.add(group);
  });
  window.looks = new Map(stops.map(each => [each, look(each)]));
  window.look = look;
  window.reached = new Set();
  return stops.length;
}"""
# What is wrong with where the focus is, looked at as each Tab is let go of: "" when all is well, null when it has been
# everywhere. A date takes several Tabs (day, month, year); of a table taller than the screen the part that is seen
# counts.
LISTEN = """() => {
  window.wrong = [];
  window.isRound = false;
  const where = () => {
    const here = document.activeElement;
    if (here === window.last) return '';
    if (!here || here === document.body || reached.has(here)) return null;
    reached.add(window.last = here);
    const name = here.outerHTML.slice(0, 100), {outlineStyle, outlineWidth} = getComputedStyle(here);
    const hasOutline = outlineStyle !== 'none' && parseFloat(outlineWidth) > 0;
    if (!hasOutline && (!looks.has(here) || looks.get(here) === look(here))) return `no visible focus: ${name}`;
    const box = [...here.getClientRects()].find(each => each.width && each.height);
    if (!box) return `focus without a box: ${name}`;
    const middle = (from, to, end) => (Math.max(from, 0) + Math.min(to, end)) / 2;
    const x = middle(box.left, box.right, innerWidth), y = middle(box.top, box.bottom, innerHeight);
    if (x < box.left || y < box.top || x > box.right || y > box.bottom) return `focus off the screen: ${name}`;
    const seen = document.elementFromPoint(x, y);
    if (here.contains(seen) || here.labels?.[0]?.contains(seen)) return '';
    return `focus hidden by ${seen?.outerHTML.slice(0, 60)}: ${name}`;
  };
  addEventListener('keyup', event => {
    if (event.key !== 'Tab' || isRound) return;
    const found = where();
    isRound = found === null;
    if (found) wrong.push(found);
  });
}"""
UNREACHED = "() => stops.filter(each => !reached.has(each)).map(each => each.outerHTML.slice(0, 100))"
# WCAG 1.4.12, as a style sheet that the content policy does not ask about.
WIDER_TEXT = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important }
    p { margin-block-end: 2em !important }`);
  document.adoptedStyleSheets.push(sheet);
}"""
CUT_OFF = """() => [...document.body.querySelectorAll('*')].filter(each => {
    const {overflowX, overflowY} = getComputedStyle(each), hides = value => ['hidden', 'clip'].includes(value);
    if (each.closest('svg') || each.clientWidth <= 1 || !each.checkVisibility()) return false;
    if (each.matches('input')) return false; // what is typed there scrolls
    return (hides(overflowX) && each.scrollWidth > each.clientWidth + 1) ||
      (hides(overflowY) && each.scrollHeight > each.clientHeight + 1);
  }).map(each => each.outerHTML.slice(0, 100))"""
TWO_WAYS = "document.scrollingElement.scrollWidth > innerWidth"
MOVES = """() => [...document.querySelectorAll('*')].filter(each => {
    const {transitionDuration, animationName, scrollBehavior} = getComputedStyle(each);
    return transitionDuration.split(', ').some(parseFloat) || animationName !== 'none' || scrollBehavior === 'smooth';
  }).map(each => each.outerHTML.slice(0, 80)).concat(document.getAnimations().map(each => `${each.animationName}`))"""


def test_every_page_is_worked_by_keyboard_and_read_at_twice_the_size(live_portal, browser, sign_in):
    walk, found = furnished(live_portal, browser, sign_in), []
    for place, page in walk.visits("en", "light", 1280, variants=False):
        for check in (by_keyboard, without_motion, enlarged):
            found += [f"{place.name}: {each}" for each in check(page)]
    for place, page in walk.visits("en", "light", 640, variants=False):  # a desk's screen at 200 %: lists are folded
        found += [f"{place.name} at 200 %: {each}" for each in by_keyboard(page)]
    if found + walk.complaints:
        pytest.fail("\n".join(found + walk.complaints), pytrace=False)


def by_keyboard(page):
    """WCAG 2.1.1, 2.4.7, 2.4.11: Tab reaches everything, the focus shows, and nothing lies over it."""
    count = page.evaluate(OPEN_AND_MARK)
    page.evaluate(LISTEN)
    for pressed in range(count + 30):
        page.keyboard.press("Tab")
        if pressed >= count and page.evaluate("isRound"):
            break
    yield from page.evaluate("wrong")
    yield from (f"Tab does not reach {each}" for each in page.evaluate(UNREACHED))


def without_motion(page):
    """Whoever asks for less motion gets none."""
    yield from (f"moves: {each}" for each in page.evaluate(MOVES))


def enlarged(page):
    """WCAG 1.4.4, 1.4.10, 1.4.12: at 200 % and with wider text nothing is cut off or scrolls two ways."""
    page.set_viewport_size({"width": 640, "height": 450})
    for how in ("at 200 %", "with wider text"):
        if page.evaluate(TWO_WAYS):
            yield f"scrolls two ways {how}"
        yield from (f"cut off {how}: {each}" for each in page.evaluate(CUT_OFF))
        page.evaluate(WIDER_TEXT)
    page.set_viewport_size({"width": 1280, "height": 900})


def test_what_was_done_and_what_went_wrong_is_announced(live_portal, browser, sign_in):
    """WCAG 4.1.3: as a status, or as an alert that takes the focus."""
    walk = furnished(live_portal, browser, sign_in)
    waiting = next(place.path for place in walk.places if place.name == "request-waiting")
    with walk.context(CUSTOMER, "en") as context:
        page = context.new_page()
        page.goto(live_portal.url + waiting)
        press(page, "Send the message")
        expect(page.get_by_role("alert")).to_be_focused()
        page.locator("textarea").fill("I mean the second one.")
        press(page, "Send the message")
        expect(page.get_by_role("status").filter(has_text="Your message was sent.")).to_be_visible()
    assert walk.complaints == []
