"""Consents other than cookies: one box a purpose, none ticked, apart from any terms (B15)."""

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.req("CON-1", "CON-2"), pytest.mark.xdist_group("consent")]


def test_a_newsletter_is_asked_for_by_itself_with_nothing_ticked(world, visit):
    visitor = visit()
    page = visitor.page
    page.goto(world.at("localhost", "/newsletter/"))
    for box in page.locator("main input[type=checkbox]").all():
        expect(box).not_to_be_checked()
    expect(page.get_by_role("main").get_by_role("textbox")).to_have_count(1)
    expect(page.get_by_role("main")).not_to_contain_text("terms")


@pytest.mark.req("CON-3")
def test_a_payment_method_has_one_unticked_box_of_its_own_apart_from_automatic_top_up(world, visit, office, sign_in):
    from django.test import Client

    with office():
        from tests.accounts.factories import CustomerAccountFactory, MembershipFactory

        account = CustomerAccountFactory()
        owner = MembershipFactory(account=account, role="owner").user
        client = Client()
        sign_in(client, owner)
        session = client.cookies["sessionid"].value
        finance = f"/account/finance/{account.pk}/"
    visitor = visit()
    visitor.context.add_cookies([{"name": "sessionid", "value": session, "url": world.at("localhost", "/")}])
    page = visitor.page
    page.goto(world.at("localhost", f"{finance}payment-method/card/"))
    box = page.get_by_role("main").get_by_role("checkbox")
    expect(box).to_have_count(1)
    expect(box).not_to_be_checked()
    page.goto(world.at("localhost", finance))
    expect(page.get_by_role("main").locator("section.panel")).to_have_count(2)
    expect(page.get_by_role("main").get_by_role("checkbox")).to_have_count(0)
