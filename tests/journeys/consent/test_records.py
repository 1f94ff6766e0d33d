"""Consents other than cookies: one box a purpose, none ticked, apart from any terms (B15)."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.journeys.consent.conftest import World

pytestmark = [pytest.mark.browser, pytest.mark.req("CON-1", "CON-2"), pytest.mark.xdist_group("consent")]


def test_a_newsletter_is_asked_for_by_itself_with_nothing_ticked(world, visit):
    visitor = visit()
    page = visitor.page
    page.goto(world.at("localhost", "/newsletter/"))
    for box in page.locator("main input[type=checkbox]").all():
        expect(box).not_to_be_checked()
    expect(page.get_by_role("main").get_by_role("textbox")).to_have_count(1)
    expect(page.get_by_role("main")).not_to_contain_text("terms")


@dataclass
class Owner:
    """The owner of a customer account, signed in, and how often she clicked."""

    world: World
    page: Page
    finance: str
    clicks: int = 0

    def goes(self, path: str) -> None:
        self.page.goto(self.world.at("localhost", path))

    def presses(self, control: Locator) -> None:
        self.clicks += 1
        control.click()

    def panel(self, key: str) -> Locator:
        """One switch among the finance settings."""
        return self.page.locator(f"section[aria-labelledby={key}]")

    def answers(self) -> list[tuple[str, dict[str, bool], str]]:
        """What the server holds of her account's payment method, the oldest first."""
        return self.world.rows(
            "SELECT action, choices, method FROM consent_event WHERE choices ? 'saved_payment_method' ORDER BY at, id"
        )


@pytest.fixture
def owner(world, visit, office, sign_in):
    from django.test import Client

    with office():
        from tests.accounts.factories import CustomerAccountFactory, MembershipFactory

        account = CustomerAccountFactory()
        client = Client()
        sign_in(client, MembershipFactory(account=account, role="owner").user)
        session = client.cookies["sessionid"].value
    visitor = visit()
    visitor.context.add_cookies([{"name": "sessionid", "value": session, "url": world.at("localhost", "/")}])
    return Owner(world, visitor.page, f"/account/finance/{account.pk}/")


@pytest.mark.req("CON-3")
def test_a_payment_method_has_one_unticked_box_of_its_own_apart_from_automatic_top_up(owner):
    owner.goes(f"{owner.finance}payment-method/card/")
    main = owner.page.get_by_role("main")
    expect(main.get_by_role("checkbox")).to_have_count(1)
    expect(main.get_by_role("checkbox")).not_to_be_checked()
    owner.goes(owner.finance)
    expect(main.locator("section.panel")).to_have_count(2)
    expect(main.get_by_role("checkbox")).to_have_count(0)


@pytest.mark.req("CON-3", "CON-4")
def test_a_saved_card_is_proved_by_a_receipt_and_withdrawn_in_fewer_steps_than_it_was_given(owner):
    page, before = owner.page, owner.answers()
    owner.goes(owner.finance)
    owner.presses(owner.panel("payment-method").get_by_role("link", name="Card"))
    page.get_by_label("Last four digits").fill("4242")
    page.get_by_label("Expiry date").fill("12/40")
    page.get_by_label("Name on the card").fill("A. Sample")
    save = page.get_by_role("main").locator("form button")
    owner.presses(save)
    expect(page.get_by_role("alert")).to_be_focused()
    assert owner.answers() == before, "without the tick there is no yes"
    expect(page.get_by_label("Last four digits")).to_have_value("4242")
    owner.presses(page.get_by_role("checkbox"))
    owner.presses(save)
    expect(owner.panel("payment-method")).to_contain_text("4242")
    given, owner.clicks = owner.clicks - 1, 0  # without the one that was refused

    owner.panel("payment-method").get_by_role("link", name="Receipt").click()
    with page.expect_download() as started:
        page.get_by_role("link", name="Signed receipt (ISO/IEC TS 27560)").click()
    signed = Path(started.value.path()).read_text()
    checked = page.request.post(owner.world.at("localhost", "/api/v1/receipts/verify"), data=signed)
    assert checked.json()["event"] == {"known": True, "agrees": True, "words_agree": True}

    owner.goes(owner.finance)
    owner.presses(owner.panel("payment-method").get_by_role("button", name="Switch off"))
    expect(owner.panel("payment-method")).not_to_contain_text("4242")
    assert owner.clicks == 1 < given
    assert [(action, choices["saved_payment_method"]) for action, choices, _ in owner.answers()[len(before) :]] == [
        ("given", True),
        ("withdrawn", False),
    ]


def test_the_newsletter_begins_with_a_letter_s_link_and_ends_in_one_click(world, visit, office):
    page = visit().page
    page.goto(world.at("localhost", "/newsletter/"))
    page.get_by_role("main").get_by_role("textbox").fill("jan@example.com")
    page.get_by_role("main").locator("form button").click()
    expect(page.get_by_role("main")).to_contain_text("link")
    with office():
        from tests.consent.mail import letters, link_in

        [letter] = letters()
    confirm = link_in(letter, "/newsletter/confirm/")
    page.goto(world.at("localhost", confirm))
    assert newsletter_answers(world) == [], "programs that look through mail open links, and confirm nothing"
    page.get_by_role("main").locator("form button").click()
    newsletter = page.locator("section[aria-labelledby=newsletter]")
    newsletter.get_by_role("button", name="Switch off").click()
    expect(newsletter.get_by_role("button", name="Switch on")).to_be_visible()
    assert newsletter_answers(world) == [("given", "link"), ("withdrawn", "preferences")]


def newsletter_answers(world):
    """What the server holds of answers about the newsletter, the oldest first."""
    return world.rows("SELECT action, method FROM consent_event WHERE choices ? 'newsletter' ORDER BY at, id")
