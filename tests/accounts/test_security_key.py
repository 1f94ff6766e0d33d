"""Security keys (WebAuthn), with a key made of software: enrolling, signing in, stepping up, removing."""

import json
import secrets

import pytest
from allauth.mfa.models import Authenticator
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.urls import reverse
from fido2.cose import ES256
from fido2.utils import sha256, websafe_encode
from fido2.webauthn import Aaguid, AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData

from apps.accounts import policies
from tests.accounts.factories import PASSWORD, UserFactory
from tests.accounts.outbox import messages_to
from tests.accounts.test_sign_in import is_signed_in, password_step

pytestmark = [pytest.mark.django_db, pytest.mark.req("ACC-2")]
HOST = "testserver"


class SoftwareKey:
    def __init__(self):
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.id = secrets.token_bytes(32)
        self.count = 0

    def create(self, options):
        data = AttestedCredentialData.create(
            Aaguid.NONE, self.id, ES256.from_cryptography_key(self.private.public_key())
        )
        flags = AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.UV | AuthenticatorData.FLAG.AT
        seen = AuthenticatorData.create(sha256(HOST.encode()), flags, 0, data)
        client = self._client(CollectedClientData.TYPE.CREATE, options)
        attestation = AttestationObject.create("none", seen, {})
        return self._answer({"clientDataJSON": client, "attestationObject": bytes(attestation)})

    def get(self, options):
        self.count += 1
        flags = AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.UV
        seen = AuthenticatorData.create(sha256(HOST.encode()), flags, self.count)
        client = self._client(CollectedClientData.TYPE.GET, options)
        signature = self.private.sign(bytes(seen) + client.hash, ec.ECDSA(hashes.SHA256()))
        return self._answer({"clientDataJSON": client, "authenticatorData": bytes(seen), "signature": signature})

    @staticmethod
    def _client(kind, options):
        return CollectedClientData.create(kind, options["publicKey"]["challenge"], f"https://{HOST}")

    def _answer(self, response):
        encoded = {name: websafe_encode(bytes(value)) for name, value in response.items()}
        credential = {"id": websafe_encode(self.id), "rawId": websafe_encode(self.id), "type": "public-key"}
        return json.dumps(credential | {"response": encoded, "clientExtensionResults": {}})


def options(page, name):
    return json.loads(json.dumps(page.context["js_data"][name], default=dict))


@pytest.fixture
def enrolled(client):
    user, key = UserFactory(), SoftwareKey()
    password_step(client, user)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    page = client.get(reverse("mfa_add_webauthn"))
    before = client.session.session_key
    answer = key.create(options(page, "creation_options"))
    assert client.post(reverse("mfa_add_webauthn"), {"name": "Blue key", "credential": answer}).status_code == 302
    assert client.session.session_key != before
    return user, key


@pytest.mark.threat("T36")
def test_a_key_is_enrolled_and_told_by_mail(client, enrolled):
    user, _key = enrolled
    assert policies.has_factor(user)
    assert "factor_added" in [template for template, _ in messages_to(user.email)]
    assert "Blue key" in client.get(reverse("mfa_list_webauthn")).content.decode()


@pytest.mark.threat("T36")
def test_the_key_is_asked_when_signing_in(client, client_factory, enrolled):
    user, key = enrolled
    other = client_factory()
    assert password_step(other, user).url == reverse("mfa_authenticate")
    page = other.get(reverse("mfa_authenticate"))
    stranger = SoftwareKey()
    other.post(reverse("mfa_authenticate"), {"credential": stranger.get(options(page, "request_options"))})
    assert not is_signed_in(other)
    stranger.id = key.id
    page = other.get(reverse("mfa_authenticate"))
    forged = other.post(reverse("mfa_authenticate"), {"credential": stranger.get(options(page, "request_options"))})
    assert forged.status_code == 200
    assert not is_signed_in(other)
    page = other.get(reverse("mfa_authenticate"))
    answer = key.get(options(page, "request_options"))
    other.post(reverse("mfa_authenticate"), {"credential": answer})
    assert is_signed_in(other)
    third = client_factory()
    password_step(third, user)
    third.get(reverse("mfa_authenticate"))
    third.post(reverse("mfa_authenticate"), {"credential": answer})
    assert not is_signed_in(third), "an answer works for its own challenge alone"


def test_whoever_has_no_key_is_not_asked_for_one(client, client_factory, enrolled):
    from tests.accounts.test_sign_in import with_app

    user, _key = enrolled
    keyless, with_key = client_factory(), client_factory()
    password_step(keyless, with_app(UserFactory())), password_step(with_key, user)
    pages = [browser.get(reverse("mfa_authenticate")).content.decode() for browser in (keyless, with_key)]
    assert ["use-key" in page for page in pages] == [False, True]


@pytest.mark.threat("T37")
def test_the_key_steps_up(client, sign_in, enrolled):
    user, key = enrolled
    sign_in(client, user, fresh_factor=False)
    page = client.get(reverse("account_step_up") + "?next=/account/")
    answer = key.get(options(page, "request_options"))
    assert client.post(reverse("account_step_up"), {"next": "/account/", "credential": answer}).url == "/account/"
    from apps.core.http import PROOFS

    assert client.session["account_authentication_methods"][-1]["method"] in PROOFS


@pytest.mark.threat("T36")
def test_a_key_is_renamed_and_removed_after_proving_it_once_more(client, enrolled):
    user, _key = enrolled
    row = Authenticator.objects.get(user=user, type=Authenticator.Type.WEBAUTHN)
    client.post(reverse("mfa_edit_webauthn", args=[row.pk]), {"name": "Old key"})
    row.refresh_from_db()
    assert row.wrap().name == "Old key"
    client.post(reverse("mfa_remove_webauthn", args=[row.pk]))
    assert not policies.has_factor(user)
    assert "factor_removed" in [template for template, _ in messages_to(user.email)]


@pytest.mark.threat("T33")
@pytest.mark.parametrize(
    "typed",
    ["", "null", "[]", "{}", '{"id": 1}', '{"id": "é", "response": {}}', "x" * 100_000],
    ids=lambda typed: typed[:16],
)
def test_a_broken_answer_is_refused(client, client_factory, sign_in, enrolled, typed):
    user, _key = enrolled
    other = client_factory()
    password_step(other, user)
    other.get(reverse("mfa_authenticate"))
    assert other.post(reverse("mfa_authenticate"), {"credential": typed}).status_code == 200
    sign_in(client, user, fresh_factor=False)
    assert client.post(reverse("account_step_up"), {"next": "/", "credential": typed}).status_code == 200
    assert not is_signed_in(other)


@pytest.mark.threat("T33")
@pytest.mark.parametrize("typed", ["", "null", "[]", "{}", '{"id": 1}', '{"id": "AA", "rawId": "AA", "response": {}}'])
def test_a_broken_key_is_not_enrolled(client, typed):
    user = UserFactory()
    password_step(client, user)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    client.get(reverse("mfa_add_webauthn"))
    assert client.post(reverse("mfa_add_webauthn"), {"name": "x", "credential": typed}).status_code == 200
    assert not policies.has_factor(user)
