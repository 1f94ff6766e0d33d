"""`make screenshots`: every page in each language and theme, 390 and 1280 px wide, to be looked at by people."""

import itertools
import os
from pathlib import Path

import pytest

from tests.journeys.walking import furnished

pytestmark = [
    pytest.mark.screenshots,
    pytest.mark.skipif("PORTAL_SCREENSHOTS" not in os.environ, reason="`make screenshots` takes the pictures."),
]


def test_take_a_picture_of_every_page(live_portal, browser, sign_in):
    folder = Path(os.environ["PORTAL_SCREENSHOTS"])
    walk = furnished(live_portal, browser, sign_in)
    for language, theme, width in itertools.product(("en", "nl", "ar"), ("light", "dark"), (390, 1280)):
        for place, page in walk.visits(language, theme, width):
            target = folder / f"{width}" / f"{place.name}.{language}.{theme}.png"
            target.parent.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=target, full_page=True)
    print(f"{len(walk.places) * 12} pictures in {folder}")
