"""With JavaScript off everything works: the public pages, a customer's request, and an officer's day."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.people import press, sign_in
from tests.journeys.test_request_journey import file_request

pytestmark = pytest.mark.browser


def open_fold(page, title):
    page.locator("summary").filter(has_text=title).click()


def write(page, label, text):
    page.get_by_role("textbox", name=label).fill(text)  # the one in an open fold


def test_visitors_read_and_choose_language_and_theme(live_portal, browser):
    page = browser.new_context(base_url=live_portal.url, java_script_enabled=False).new_page()
    page.goto("/")
    page.get_by_role("contentinfo").get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.goto("/processors/")
    expect(page.locator("main tbody tr").first).to_be_visible()
    page.locator("button[value=ar]").click()
    expect(page).to_have_url(re.compile("/processors/"))
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    page.get_by_role("button", name="Nederlands").click()
    expect(page.locator("html")).to_have_attribute("lang", "nl")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")


def test_a_customer_asks_writes_and_withdraws(live_portal, browser):
    page = sign_in(browser, live_portal, "privacy@acme.example", java_script_enabled=False)
    reference = file_request(page, "Give a copy of the data")
    page.goto(f"/requests/{reference}/")
    expect(page.locator("main")).to_contain_text("Received")
    press(page, "Send the message")
    expect(page).to_have_title(re.compile("^Error"))
    write(page, "Your message", "It is about the last year.")
    press(page, "Send the message")
    expect(page.get_by_role("status").first).to_contain_text("Your message was sent.")
    expect(page.locator("main")).to_contain_text("It is about the last year.")
    page.get_by_role("link", name="Withdraw this request").click()
    press(page, "Withdraw the request")
    expect(page.get_by_role("status").first).to_contain_text("The request was withdrawn.")


def test_officers_find_take_ask_note_prepare_and_approve(live_portal, browser):
    people = ("privacy@acme.example", "officer1@portal.example", "officer2@portal.example")
    customer, first, second = (sign_in(browser, live_portal, who, java_script_enabled=False) for who in people)
    reference = file_request(customer, "Erase the data")
    first.goto("/desk/")
    first.get_by_label("Right").select_option("erasure")
    press(first, "Show")
    first.locator("main").get_by_role("link", name=reference).click()
    press(first, "Assign")
    open_fold(first, "Ask the requester")
    write(first, "Your message", "Which of the two numbers do you mean?")
    press(first, "Send the question")
    customer.goto(f"/requests/{reference}/")
    write(customer, "Your message", "Both of them.")
    press(customer, "Send the message")
    first.reload()
    open_fold(first, "Write a note")
    write(first, "Your note", "Both numbers, then.")
    press(first, "Keep the note")
    expect(first.locator("main")).to_contain_text("Both numbers, then.")
    press(first, "Prepare the answer")
    second.goto(f"/desk/{reference}/")
    live_portal.kill("worker")
    press(second, "Approve and carry out")
    expect(second.get_by_role("progressbar")).to_be_visible()
    live_portal.start_worker()
    expect(second.locator("main")).to_contain_text(re.compile(r"0 of \d"))
    second.get_by_role("link", name="Reload").click()
    expect(second.get_by_role("heading", level=1)).to_be_visible()
