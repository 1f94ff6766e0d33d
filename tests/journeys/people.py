"""The sample people at their browsers: each signs in once and keeps their own window."""

import time

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from playwright.sync_api import Browser, Error, Page, expect

from apps.demo.sign_ins import PASSWORD, TOTP_SECRET
from tests.journeys.conftest import Portal, wait_for


def totp() -> str:
    """What the sample person's telephone shows now."""
    return format_hotp_value(hotp_value(TOTP_SECRET, int(time.time()) // 30))


def sign_in(browser: Browser, portal: Portal, email: str, **context: object) -> Page:
    """A window of their own, signed in with password and second factor."""
    page = browser.new_context(base_url=portal.url, **context).new_page()  # type: ignore[arg-type]
    page.set_default_timeout(15_000)
    page.goto("/account/login/")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    press(page, "Sign in")
    page.locator("input[name=code]").fill(totp())
    page.locator("main form button").first.click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    return page


def press(page: Page, name: str) -> None:
    """Press a button of the page itself (not of its head or foot)."""
    page.locator("main").get_by_role("button", name=name).first.click()


def reload_until(page: Page, text: str, *, seconds: float = 60) -> None:
    """As a person does who waits for news; the worker is at work meanwhile."""

    def is_there() -> bool:
        time.sleep(0.3)
        try:
            page.reload()
        except Error:  # the page was fetching itself anew at that instant
            return False
        return page.locator("main").get_by_text(text).count() > 0

    wait_for(is_there, seconds=seconds, what=f"“{text}” at {page.url}")
