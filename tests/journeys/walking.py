"""Going to every furnished page in a real browser, signed in as whoever belongs there."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import connection
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page

from apps.accounts.models import User
from apps.core import clock
from apps.subject_requests.models import SubjectRequest
from apps.subject_requests.states import Status
from tests.journeys.conftest import Portal, wait_for
from tests.journeys.places import CUSTOMER, Place, furnish

ACME = "1001"
ANSWERS = {
    "right": {"right": "erasure"},
    "about": {"about": "end_user"},
    "identifiers": {"lines": "+31612345678\nanna@example.com"},
    "asked": {"asked_on": ""},
}


@dataclass
class Walk:
    """A furnished portal and the browser to walk it with. `complaints` holds what the browser's console said."""

    portal: Portal
    browser: Browser
    sign_in: Callable[..., User]
    places: list[Place]
    complaints: list[str] = field(default_factory=list)
    sessions: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def context(self, who: str, language: str, **options: Any) -> Iterator[BrowserContext]:
        """A browser of its own, in this language, signed in as `who`."""
        context = self.browser.new_context(**options)
        self._cookie(context, settings.LANGUAGE_COOKIE_NAME, language)
        if who:
            User.objects.filter(email=who).update(language=language)
            self._cookie(context, settings.SESSION_COOKIE_NAME, self._session(who))
        yield context
        context.close()

    def visits(self, language: str, theme: str, width: int) -> Iterator[tuple[Place, Page]]:
        """Every page, in one language, theme and width."""
        for who in dict.fromkeys(place.who for place in self.places):
            size = {"width": width, "height": 900}
            with self.context(who, language, viewport=size, color_scheme=theme, reduced_motion="reduce") as context:
                page = context.new_page()
                for place in (place for place in self.places if place.who == who):
                    page.goto(self.portal.url + place.path)
                    self._listen(page, place)
                    yield place, page

    def _session(self, who: str) -> str:
        """Fresh for every use: pages behind the second factor stay open for five minutes only."""
        client = Client()
        self.sign_in(client, User.objects.get(email=who))
        if who == CUSTOMER:
            for slug, data in ANSWERS.items():
                client.post(f"/requests/new/{slug}/", data)
        return client.cookies[settings.SESSION_COOKIE_NAME].value

    def _cookie(self, context: BrowserContext, name: str, value: str) -> None:
        context.add_cookies([{"name": name, "value": value, "url": self.portal.url}])

    def _listen(self, page: Page, place: Place) -> None:
        """A refused style, a blocked script, an exception: all of them are complaints (a 404's own line is not)."""
        page.remove_listener("console", page.heard) if hasattr(page, "heard") else None

        def heard(message: Any) -> None:
            if message.type == "error" and "404" not in message.text:
                self.complaints.append(f"{place.name}: {message.text}")

        page.heard = heard  # type: ignore[attr-defined]
        page.on("console", heard)


def furnished(portal: Portal, browser: Browser, sign_in: Callable[..., User]) -> Walk:
    """The whole portal with a request in every state, the answers made by the real worker."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT recipient FROM platform.messages WHERE account_id = %s GROUP BY 1 ORDER BY count(*) DESC LIMIT 1",
            [ACME],
        )
        ((number,),) = cursor.fetchall()

    def settle() -> None:
        executing = SubjectRequest.objects.filter(status=Status.EXECUTING)
        wait_for(lambda: not executing.exists(), seconds=90, what="the worker's answers")

    return Walk(portal, browser, sign_in, furnish(now=clock.now(), number=number, settle=settle))
