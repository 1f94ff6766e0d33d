"""Every form of the public and of customers says what is wrong in one way, and keeps what was typed."""

import pytest
import time_machine
from django.urls import reverse

from tests.accounts.factories import CustomerAccountFactory, MembershipFactory, UserFactory
from tests.accounts.outbox import last_code
from tests.accounts.test_sign_in import password_step, with_app
from tests.accounts.test_sign_up import EMAIL, confirm_email, sign_up
from tests.core.form_page import Page
from tests.subject_requests.factories import NOW, filed

pytestmark = pytest.mark.django_db
NEW = "/requests/new/"
CONTROLS = ("input", "select", "textarea")


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(NOW, tick=True):
        yield


class Visitor:
    """Somebody on the way to a form: each method leads there and posts rubbish."""

    def __init__(self, client) -> None:
        self.client = client

    def post(self, name, data, *args):
        return self.client.post(reverse(name, args=args), data)

    def customer(self, role="owner"):
        self.account = CustomerAccountFactory(name="Acme")
        self.user = MembershipFactory(account=self.account, role=role).user
        password_step(self.client, self.user)
        self.post("account_reauthenticate", {"password": "correct horse battery staple"})

    def sign_in(self):
        return self.post("account_login", {"login": "not an address", "password": ""})

    def sign_in_wrong(self):
        return self.post("account_login", {"login": "who@acme.example", "password": "wrong horse battery"})

    def sign_up(self):
        return sign_up(self.client, full_name="", email="no address", phone="12", password1="short")

    def confirm_email(self):
        sign_up(self.client)
        return self.post("account_email_verification_sent", {"code": "", "action": "verify"})

    def confirm_phone(self):
        sign_up(self.client)
        confirm_email(self.client)
        return self.post("account_verify_phone", {"code": "", "action": "verify"})

    def confirm_other_number(self):
        self.confirm_phone()
        return self.post("account_verify_phone", {"phone": "12", "action": "change"})

    def reset(self):
        return self.post("account_reset_password", {"email": "no address"})

    def reset_code(self):
        UserFactory(email=EMAIL)
        self.post("account_reset_password", {"email": EMAIL})
        return self.post("account_confirm_password_reset_code", {"code": ""})

    def reset_password(self):
        UserFactory(email=EMAIL)
        self.post("account_reset_password", {"email": EMAIL})
        self.post("account_confirm_password_reset_code", {"code": last_code(EMAIL)})
        return self.post("account_complete_password_reset", {"password1": "short"})

    def second_factor(self):
        password_step(self.client, with_app(UserFactory()))
        return self.post("mfa_authenticate", {"code": "000"})

    def password_again(self):
        password_step(self.client, UserFactory())
        return self.post("account_reauthenticate", {"password": "wrong"})

    def app(self):
        self.customer()
        self.client.get(reverse("mfa_activate_totp"))
        return self.post("mfa_activate_totp", {"code": "12"})

    def details(self):
        self.customer()
        return self.post("account_settings", {"full_name": "", "language": "xx"})

    def email(self):
        self.customer()
        return self.post("account_email", {"email": "no address", "action_add": ""})

    def phone(self):
        self.customer()
        return self.post("account_change_phone", {"phone": "12"})

    def password(self):
        self.customer()
        return self.post("account_change_password", {"oldpassword": "wrong", "password1": "short"})

    def invite(self):
        self.customer()
        return self.post("account_team", {"email": "no address", "role": "king"}, self.account.pk)

    def step_up_channel(self):
        self.customer()
        return self.post("account_step_up", {"next": NEW, "channel": "pigeon"})

    def step_up_code(self):
        self.customer()
        self.post("account_step_up", {"next": NEW, "channel": "email"})
        return self.post("account_step_up", {"next": NEW, "code": "12"})

    def _question(self, slug, data):
        self.customer()
        self.client.post(f"{NEW}right/", {"right": "access"})
        self.client.post(f"{NEW}about/", {"about": "end_user"})
        return self.client.post(f"{NEW}{slug}/", data)

    def right(self):
        return self._question("right", {"right": "everything"})

    def about(self):
        return self._question("about", {"about": ""})

    def which_account(self):
        self.customer()
        MembershipFactory(account=CustomerAccountFactory(name="Globex"), user=self.user, role="privacy")
        self.client.post(f"{NEW}about/", {"about": "end_user"})
        return self.client.post(f"{NEW}account/", {"account": "nobody's"})

    def identifiers(self):
        return self._question("identifiers", {"lines": "+31612345678\n+12\nanna@"})

    def asked(self):
        return self._question("asked", {"asked_on": "yesterday"})

    def check(self):
        self._question("identifiers", {"lines": "+31612345678"})
        self.client.post(f"{NEW}asked/", {"asked_on": ""})
        return self.client.post(f"{NEW}check/", {})

    def message(self):
        self.customer()
        one = filed(account=self.account, by=self.user)
        return self.post("subject_requests:message", {"text": " "}, one.reference)


# The form, and what of the typed text stands in it again; passwords and codes never do.
FORMS = {
    "sign_in": ("not an address",),
    "sign_in_wrong": ("who@acme.example",),
    "sign_up": ("Initech", "no address", "12"),
    "confirm_email": (),
    "confirm_phone": (),
    "confirm_other_number": ("12",),
    "reset": ("no address",),
    "reset_code": (),
    "reset_password": (),
    "second_factor": (),
    "password_again": (),
    "app": (),
    "details": (),
    "email": ("no address",),
    "phone": ("12",),
    "password": (),
    "invite": ("no address",),
    "step_up_channel": (),
    "step_up_code": (),
    "right": (),
    "about": (),
    "which_account": (),
    "identifiers": ("+31612345678\n+12\nanna@",),
    "asked": ("yesterday",),
    "check": (),
    "message": (),
}
IN_A_FLOW = {"right", "about", "which_account", "identifiers", "asked", "check"}


@pytest.fixture(params=FORMS)
def refused(request, client):
    """The page after rubbish was sent, and the name of its form."""
    response = getattr(Visitor(client), request.param)()
    assert response.status_code == 200, request.param
    return request.param, Page(response)


def test_the_summary_comes_first_takes_the_focus_and_leads_to_each_field(refused):
    name, page = refused
    assert page.title.startswith("Error: "), page.title
    (summary,) = page.all(css="error-summary")
    assert summary.attrs["role"] == "alert"
    assert {"tabindex", "data-takes-focus"} <= set(summary.attrs)
    order = page.main.all()
    assert order.index(summary) < order.index(page.all("h1")[0]), "what went wrong stands above everything else"
    links = summary.all("a")
    assert links or name == "sign_in_wrong"  # neither address nor password is said to be the wrong one
    for link in links:
        (target,) = page.by_id(link.attrs["href"].removeprefix("#"))
        assert target.tag in CONTROLS, link.attrs


def test_beside_the_field_stand_the_same_words_and_the_field_knows_them(refused):
    _name, page = refused
    (summary,) = page.all(css="error-summary")
    for link in summary.all("a"):
        (control,) = page.by_id(link.attrs["href"].removeprefix("#"))
        (fieldset,) = [box for box in _around(control) if "field-error" in box.attrs.get("class", "").split()]
        (notes,) = fieldset.all(css="error-text")
        assert link.words in notes.words
        described = [each.attrs.get("aria-describedby", "") for each in (control, *_around(control))]
        assert notes.attrs["id"] in " ".join(described).split()
        assert control.attrs.get("aria-invalid") == "true"


def test_what_was_typed_is_kept_and_secrets_are_not(refused):
    name, page = refused
    shown = [each.attrs.get("value", "") for each in page.main.all("input")]
    shown += [each.text.strip("\n") for each in page.main.all("textarea")]
    for typed in FORMS[name]:
        assert typed in shown, typed
    passwords = [each for each in page.main.all("input") if each.attrs.get("type") == "password"]
    assert not [each for each in passwords if each.attrs.get("value")]


def test_no_button_is_disabled_and_a_flow_leads_back(refused):
    name, page = refused
    assert not [each for each in page.main.all("button") if "disabled" in each.attrs]
    assert len(page.all("h1")) == 1
    assert bool(page.all("a", css="back")) or name not in IN_A_FLOW
    assert [each for each in page.main.all("form") if "novalidate" in each.attrs], "the browser's own bubbles stay away"


def test_each_field_has_a_label_and_its_hint_is_read_with_it(refused):
    _name, page = refused
    labels = {each.attrs.get("for") for each in page.all("label")}
    for control in page.main.all():
        if control.tag not in CONTROLS or control.attrs.get("type") == "hidden":
            continue
        assert control.attrs["id"] in labels, control.attrs
    for hint in page.main.all(css="hint"):
        if "id" in hint.attrs:
            described = " ".join(each.attrs.get("aria-describedby", "") for each in page.main.all())
            assert hint.attrs["id"] in described.split(), hint.words


def _around(element):
    while element := element.within:
        yield element
