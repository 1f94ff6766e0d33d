"""What is measured in the browser: sizes, fonts and contrasts as they are drawn (measures.js), and what moves."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

SCRIPT = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
SCRIPT = SCRIPT[SCRIPT.index("(() =>") :].strip()
LAYOUT_SHIFT = """window.shifted = 0;
new PerformanceObserver(list => list.getEntries().forEach(each => window.shifted += each.value))
  .observe({ type: 'layout-shift', buffered: true });"""


def measured(page: Page, what: str) -> Any:
    """Of the banner's open layer: `buttons`, `faint` words, `small` targets, the `order` of the buttons."""
    return page.evaluate(f"{SCRIPT}.{what}()")
