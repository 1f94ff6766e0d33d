"""Officers go through their work by keyboard, and nobody who types is surprised; a dialog asks where a script runs."""

import pytest
from playwright.sync_api import Browser, Page, expect

from apps.accounts.models import CustomerAccount, User
from apps.core import clock
from apps.core.identities import Identity, IdentityType
from apps.subject_requests import services
from apps.subject_requests.models import SubjectRequest
from apps.subject_requests.states import Right
from tests.journeys.conftest import Portal
from tests.journeys.people import press, sign_in
from tests.journeys.places import CUSTOMER, OFFICER

pytestmark = pytest.mark.browser


@pytest.fixture
def requests(live_portal: Portal) -> list[SubjectRequest]:
    """Three that nobody has yet, as the queue lists them."""
    by = User.objects.get(email=CUSTOMER)
    number = Identity(IdentityType.PHONE_NUMBER, "+31612345678")
    return [
        services.open_request(
            right=Right.ACCESS,
            about="end_user",
            account=CustomerAccount.objects.get(memberships__user=by),
            filed_by=by,
            form_key=f"keys-{line}",
            now=clock.now(),
            identities=[number],
            authority_stated=True,
        )
        for line in range(3)
    ]


def complaints_of(page: Page) -> list[str]:
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: heard.append(str(error)))
    return heard


def focused(page: Page) -> str:
    return page.evaluate("document.activeElement.getAttribute('href') || document.activeElement.id") or ""


def type_keys(page: Page, keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_an_officer_works_by_keys(live_portal: Portal, browser: Browser, requests: list[SubjectRequest]):
    page = sign_in(browser, live_portal, OFFICER)
    heard = complaints_of(page)
    desks = [f"/desk/{each.reference}/" for each in requests]
    _through_the_queue(page, desks)
    _on_the_queue_one_takes_a_request_and_is_back(page, requests[1])
    _on_a_request(page, desks[0])
    _while_typing_nothing_happens(page)
    _the_help_and_the_switch(page)
    assert heard == []


def _through_the_queue(page: Page, desks: list[str]) -> None:
    page.goto("/desk/?status=received")
    here = page.locator(".is-here")
    type_keys(page, "j")
    assert focused(page) == desks[0]
    type_keys(page, "jj")
    assert focused(page) == desks[2]
    type_keys(page, "jk")  # at the end it stays
    assert focused(page) == desks[1]
    expect(here).to_have_count(1)
    expect(here).to_contain_text(desks[1].split("/")[2])
    page.keyboard.press("Control+j")
    assert focused(page) == desks[1]
    type_keys(page, "/")
    expect(page.locator("form.filters :focus")).to_have_count(1)


def _on_the_queue_one_takes_a_request_and_is_back(page: Page, subject_request: SubjectRequest) -> None:
    page.goto("/desk/?status=received")
    # an Arabic keyboard: the same keys, other letters
    for _ in range(2):
        page.evaluate("document.dispatchEvent(new KeyboardEvent('keydown', {key: 'ت', code: 'KeyJ', bubbles: true}))")
    type_keys(page, "a")
    expect(page.locator(".banner-success")).to_contain_text("Assigned.")
    assert page.url.endswith("/desk/?status=received")
    subject_request.refresh_from_db()
    assert subject_request.assigned_to is not None
    assert subject_request.assigned_to.email == OFFICER
    expect(page.locator("[data-row]")).to_have_count(2)


def _on_a_request(page: Page, desk: str) -> None:
    type_keys(page, "je")
    page.wait_for_url(f"**{desk}?step=extend*")
    expect(page.locator("[data-step=extend]")).to_have_attribute("open", "")
    assert focused(page).startswith("extend_reason")
    page.goto("/desk/?status=received")
    type_keys(page, "jo")
    page.wait_for_url(f"**{desk}")
    type_keys(page, "a")
    expect(page.locator(".banner-success")).to_contain_text("Assigned.")
    type_keys(page, "n")
    expect(page.locator("[data-step=note]")).to_have_attribute("open", "")
    assert focused(page) == "note_text"


def _while_typing_nothing_happens(page: Page) -> None:
    before = page.url
    type_keys(page, "jokean?/")
    assert page.input_value("#note_text") == "jokean?/"
    assert page.url == before
    expect(page.locator("dialog[open]")).to_have_count(0)


def _the_help_and_the_switch(page: Page) -> None:
    page.goto("/desk/?status=received")
    type_keys(page, "j?")
    dialog = page.locator("dialog#keys")
    expect(dialog).to_be_visible()
    type_keys(page, "j")  # what lies under a dialog rests
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    type_keys(page, "?")
    dialog.get_by_role("button", name="Switch the keys off").click()
    expect(page.locator("[data-keys]")).to_have_count(0)
    type_keys(page, "j?")
    expect(page.locator(".is-here")).to_have_count(0)
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.get_by_role("link", name="Keyboard", exact=True).click()  # the help is still there, with its switch
    dialog.get_by_role("button", name="Switch the keys on").click()
    expect(page.locator("[data-keys]")).to_have_count(1)


def test_a_dialog_asks_before_a_request_is_withdrawn(
    live_portal: Portal, browser: Browser, requests: list[SubjectRequest]
):
    page = sign_in(browser, live_portal, CUSTOMER)
    heard = complaints_of(page)
    page.goto(f"/requests/{requests[0].reference}/")
    opener, dialog = page.get_by_role("link", name="Withdraw this request"), page.locator("dialog#withdraw")
    for close in (
        lambda: page.keyboard.press("Escape"),
        lambda: dialog.get_by_role("button", name="Keep it").click(),
    ):
        opener.click()
        expect(dialog).to_be_visible()
        close()
        expect(dialog).to_be_hidden()
        expect(opener).to_be_focused()
    opener.click()  # straight after "Keep it": the guard against a double click does not hold it back
    dialog.get_by_role("button", name="Withdraw the request").click()
    expect(page.locator(".banner-success")).to_contain_text("The request was withdrawn.")
    assert heard == []

    state = page.context.storage_state()
    plain = browser.new_context(base_url=live_portal.url, storage_state=state, java_script_enabled=False).new_page()
    plain.goto(f"/requests/{requests[1].reference}/")
    plain.get_by_role("link", name="Withdraw this request").click()
    press(plain, "Withdraw the request")
    expect(plain.locator(".banner-success")).to_contain_text("The request was withdrawn.")


def test_what_is_ticked_stays_ticked_and_a_card_is_dragged_to_another_lane(
    live_portal: Portal, browser: Browser, requests: list[SubjectRequest]
):
    page = sign_in(browser, live_portal, OFFICER, viewport={"width": 1700, "height": 1500})  # the whole board in sight
    heard = complaints_of(page)
    page.goto("/desk/")
    with page.expect_response("**/desk/choose/"):
        page.get_by_label(f"Choose {requests[1].reference}").check()
    expect(page.locator("[data-chosen]")).to_have_text("1 chosen")
    page.locator("thead a", has_text="Account").click()  # a link that sorts, no button that keeps the choice
    expect(page.get_by_label(f"Choose {requests[1].reference}")).to_be_checked()
    page.goto("/desk/?as=board")
    card = page.locator("[data-card]", has_text=requests[2].reference)
    card.drag_to(page.locator('[data-lane="in_progress"]'))
    page.wait_for_url("**/desk/?as=board")
    expect(page.locator('[data-lane="in_progress"]')).to_contain_text(requests[2].reference)
    assert SubjectRequest.objects.get(pk=requests[2].pk).assigned_to.email == OFFICER
    assert heard == []
