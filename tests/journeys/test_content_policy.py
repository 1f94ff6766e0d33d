"""The content policy in a real browser: what it stops, and that htmx lives under it."""

import json

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import expect

from apps.accounts.models import User
from apps.demo.sign_ins import PASSWORD
from tests.journeys.people import press, sign_in
from tests.journeys.places import CUSTOMER
from tests.journeys.test_request_journey import file_request

pytestmark = [pytest.mark.browser, pytest.mark.threat("T40")]
REFUSED = (
    "<script>attack()</script>",
    "<img src=x onerror=attack()>",
    "<template><img src=x onerror=attack()></template>",
    "<div><template shadowrootmode=open><img src=x onerror=attack()></template></div>",
    "<a href='java&#10;script:attack()'>look</a>",
    "<form onsubmit=attack()><input name=attributes><input name=getAttributeNames></form>",
    "<svg><animate attributeName=href values='javascript:attack()'></svg>",
    "<iframe srcdoc='&lt;script&gt;attack()&lt;/script&gt;'></iframe>",
    "<noscript><p title='</noscript><img src=x onerror=attack()>'></noscript>",
)
PARSE = "markup => Document.parseHTMLUnsafe(markup).body.innerHTML"
SINKS = (
    "document.body.innerHTML = '<b>x</b>'",
    "document.body.insertAdjacentHTML('beforeend', '<b>x</b>')",
    "document.createRange().createContextualFragment('<b>x</b>')",
    "document.createElement('script').src = '/static/portal.js'",
    "document.createElement('script').text = '1'",
    "eval('1')",
    "new Function('return 1')()",
)


def test_public_pages_can_make_no_markup_and_no_policy(live_portal, browser):
    page = browser.new_page()
    for path in ("/", "/processors/", "/account/login/"):
        page.goto(live_portal.url + path)
        for sink in (*SINKS, "new DOMParser().parseFromString('<b>x</b>', 'text/html')"):
            assert _refuses(page, sink), sink
        assert _refuses(page, "trustedTypes.createPolicy('default', {createHTML: markup => markup})")


def test_a_request_is_followed_live_and_only_plain_markup_gets_in(live_portal, browser):
    customer, officer = (sign_in(browser, live_portal, f"{who}.example") for who in ("privacy@acme", "officer1@portal"))
    reference = file_request(customer, "Give a copy of the data")
    officer.goto(f"/desk/{reference}/")
    press(officer, "Assign")
    press(officer, "Prepare the answer")
    live_portal.kill("worker")
    press(officer, "Approve and carry out")
    customer.goto(f"/requests/{reference}/")
    said = []
    customer.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    for page in (customer, officer):
        expect(page.get_by_role("progressbar")).to_be_visible()
        expect(page.locator("main")).to_contain_text("0 of 1")
    live_portal.start_worker()
    for page in (customer, officer):
        expect(page.get_by_role("status").filter(has_text="has ended")).to_be_visible(timeout=60_000)
        expect(page.locator("main")).to_contain_text("1 of 1")
    assert said == []
    check_the_one_policy(customer)


def test_a_security_key_is_added_and_used_under_it(live_portal, browser, signed_in_again):
    address = live_portal.url.replace("127.0.0.1", "localhost")  # browsers give no keys to bare addresses
    context = browser.new_context(base_url=address)
    context.add_cookies([{"name": "sessionid", "value": signed_in_again(CUSTOMER), "url": address}])
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    key = {"protocol": "ctap2", "transport": "usb", "automaticPresenceSimulation": True}
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": key})
    page.goto(reverse("mfa_add_webauthn"))
    page.get_by_label("Name").fill("Blue key")
    press(page, "Add the key")
    expect(page.locator("main")).to_contain_text("only now")
    page.goto(reverse("mfa_list_webauthn"))
    expect(page.locator("main")).to_contain_text("Blue key")
    context.clear_cookies()
    page.goto(reverse("account_login"))
    page.get_by_label("E-mail address").fill(CUSTOMER)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    press(page, "Sign in")
    press(page, "Use a security key")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


@pytest.fixture
def signed_in_again(sign_in):
    """A session that gave its second factor just now and once more."""

    def session_of(email):
        client = Client()
        sign_in(client, User.objects.get(email=email))
        session = client.session
        proofs = [record | {"reauthenticated": True} for record in session["account_authentication_methods"]]
        session["account_authentication_methods"] = proofs
        session.save()
        return session.session_key

    return session_of


def check_the_one_policy(page):
    for sink in SINKS:
        assert _refuses(page, sink), sink
    assert page.evaluate(PARSE, "<p class='a'>1 <b>of</b> 3</p>") == '<p class="a">1 <b>of</b> 3</p>'
    for markup in REFUSED:
        assert _refuses(page, f"Document.parseHTMLUnsafe({json.dumps(markup)})"), markup
    assert _refuses(page, "trustedTypes.createPolicy('other', {createHTML: markup => markup})")


def _refuses(page, script):
    """Whether the browser throws, run as the page itself would: what a debugger evaluates may evaluate more."""
    return page.evaluate(
        f"""() => new Promise(done => setTimeout(() => {{
          try {{ {script}; done(false); }} catch (error) {{ done(/Trusted|policy/i.test(error.message)); }}
        }}))"""
    )
