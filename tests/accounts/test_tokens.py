"""API tokens: made and revoked by owners, shown once, kept as a digest."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts import services
from apps.accounts.models import ApiToken
from apps.accounts.services import tokens as remembered
from apps.accounts.states import MemberRole, TokenScope
from apps.core import clock
from apps.ledger.models import Entry
from tests.accounts.factories import MembershipFactory, TokenFactory, token_text

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(client, sign_in):
    membership = MembershipFactory(role=MemberRole.OWNER)
    sign_in(client, membership.user)
    return membership


@pytest.fixture(autouse=True)
def _nothing_remembered():
    remembered._remembered.clear()


def page(membership, name="account_tokens"):
    return reverse(name, args=[membership.account_id])


def make(client, owner, **form):
    said = {"name": "Campaigns", "scopes": ["consents:check"], "days": "90"} | form
    return client.post(page(owner, "account_token_new"), said)


@pytest.mark.req("ACC-3")
@pytest.mark.threat("T34")
def test_a_token_is_shown_once_and_only_its_digest_is_kept(client, owner):
    response = make(client, owner)
    [text] = re.findall(r"pp_[\w-]{43}", response.content.decode())
    assert "no-store" in response["Cache-Control"]
    token = ApiToken.objects.get()
    assert text.startswith(token.prefix)
    with connection.cursor() as cursor:
        cursor.execute("SELECT t::text FROM accounts_apitoken t")
        assert text[11:] not in cursor.fetchone()[0]
    assert text not in client.get(page(owner)).content.decode()
    assert text[11:] not in str(list(Entry.objects.values_list("facts", "body")))
    access = services.access_of(text, now=clock.now())
    assert (access.account, access.scopes) == (owner.account_id, {TokenScope.CHECK_CONSENTS})
    entry = Entry.objects.get(verb="token.created")
    assert (entry.actor, entry.facts["scopes"]) == (owner.user.key, ["consents:check"])


@pytest.mark.threat("T37")
def test_making_one_needs_a_fresh_factor_and_loses_nothing_typed(client, sign_in, owner):
    sign_in(client, owner.user, fresh_factor=False)
    assert make(client, owner).url.startswith(reverse("account_step_up"))
    assert not ApiToken.objects.exists()


@pytest.mark.threat("T34")
def test_a_revoked_token_opens_nothing_from_then_on(client, owner):
    text = token_text()
    token = TokenFactory(text=text, account=owner.account, created_by=owner.user)
    assert services.access_of(text, now=clock.now())
    url = reverse("account_token_revoke", args=[owner.account_id, token.pk])
    assert "Revoke this token?" in client.get(url).content.decode()
    assert services.access_of(text, now=clock.now())
    client.post(url)
    client.post(url)
    assert services.access_of(text, now=clock.now()) is None
    assert Entry.objects.filter(verb="token.revoked").count() == 1


@pytest.mark.threat("T34")
def test_what_another_process_revoked_opens_nothing_five_seconds_later(monkeypatch):
    text = token_text()
    token = TokenFactory(text=text)
    assert services.access_of(text, now=clock.now())
    ApiToken.objects.filter(pk=token.pk).update(revoked_at=clock.now())
    assert services.access_of(text, now=clock.now()), "this process still believes what it read"
    monkeypatch.setattr(remembered, "REMEMBERED_FOR", 0.0)
    assert services.access_of(text, now=clock.now()) is None


@pytest.mark.threat("T6")
@pytest.mark.parametrize("change", ["role", "left", "disabled", "account"])
def test_a_token_stops_with_the_role_of_whoever_made_it(change):
    text = token_text()
    owner = MembershipFactory(role=MemberRole.OWNER)
    TokenFactory(text=text, account=owner.account, created_by=owner.user)
    assert services.access_of(text, now=clock.now())
    remembered._remembered.clear()
    if change == "role":
        owner.role = MemberRole.PRIVACY
        owner.save()
    elif change == "left":
        owner.delete()
    elif change == "disabled":
        owner.user.is_active = False
        owner.user.save()
    else:
        owner.account.activated_at = None
        owner.account.save()
    assert services.access_of(text, now=clock.now()) is None


def test_a_token_ends_at_its_instant_even_while_remembered():
    text = token_text()
    token = TokenFactory(text=text)
    assert services.access_of(text, now=token.expires_at - timedelta(microseconds=1))
    assert services.access_of(text, now=token.expires_at) is None


def test_the_day_of_use_is_written_once_a_day():
    text = token_text()
    token = TokenFactory(text=text)
    noon = clock.now().replace(hour=12)
    services.access_of(text, now=noon)
    remembered._remembered.clear()
    with CaptureQueriesContext(connection) as queries:
        services.access_of(text, now=noon + timedelta(hours=1))
    assert not [each for each in queries if each["sql"].startswith("UPDATE")]
    token.refresh_from_db()
    assert token.last_used_on == noon.date()
    remembered._remembered.clear()
    services.access_of(text, now=noon + timedelta(days=1))
    token.refresh_from_db()
    assert token.last_used_on == noon.date() + timedelta(days=1)


@pytest.mark.parametrize("text", ["", "pp_", "pp_" + "x" * 42, "x" * 100_000, "pp_" + "é" * 43, "pp_" + "x" * 43])
def test_what_is_no_token_opens_nothing(text):
    assert services.access_of(text, now=clock.now()) is None


def test_an_account_has_twenty_live_tokens_at_most(client, owner):
    tokens = TokenFactory.create_batch(20, account=owner.account, created_by=owner.user)
    response = make(client, owner)
    assert response.context["form"].non_field_errors()
    services.revoke_token(tokens[0], actor=owner.user.key, now=clock.now())
    assert "pp_" in make(client, owner).content.decode()


@pytest.mark.threat("T33")
@pytest.mark.parametrize(
    ("field", "value"),
    [("name", ""), ("name", "x" * 61), ("name", "a\0b"), ("name", "\u202eabc"), ("scopes", []), ("scopes", ["admin"]),
     ("days", "0"), ("days", "99999"), ("days", "")],
)  # fmt: skip
def test_bad_input_is_refused_beside_its_field(client, owner, field, value):
    response = make(client, owner, **{field: value})
    assert response.status_code == 200
    assert field in response.context["form"].errors
    assert not ApiToken.objects.exists()


@pytest.mark.threat("T2")
def test_somebody_elses_tokens_do_not_exist(client, owner):
    theirs = TokenFactory()
    for name in ("account_tokens", "account_token_new"):
        assert client.get(reverse(name, args=[theirs.account_id])).status_code == 404
    for account in (theirs.account_id, owner.account_id):
        assert client.post(reverse("account_token_revoke", args=[account, theirs.pk])).status_code == 404


@pytest.mark.threat("T4")
@pytest.mark.parametrize("role", [MemberRole.MEMBER, MemberRole.PRIVACY])
def test_only_owners_manage_tokens(client, sign_in, role):
    membership = MembershipFactory(role=role)
    token = TokenFactory(account=membership.account)
    sign_in(client, membership.user)
    assert client.get(page(membership)).status_code == 403
    assert make(client, membership).status_code == 403
    assert client.post(reverse("account_token_revoke", args=[membership.account_id, token.pk])).status_code == 403


def test_the_list_takes_as_many_queries_for_thirty_tokens_as_for_one(client, owner):
    def count():
        with CaptureQueriesContext(connection) as queries:
            client.get(page(owner))
        return len(queries)

    TokenFactory(account=owner.account, created_by=owner.user)
    one = count()
    TokenFactory.create_batch(29, account=owner.account, created_by=owner.user)
    assert count() == one
    assert one <= 12


def test_a_name_is_text_and_an_ended_token_says_so(client, owner):
    TokenFactory(account=owner.account, created_by=owner.user, name="<b>x</b>", expires_at=clock.now())
    text = client.get(page(owner)).content.decode()
    assert "<b>x</b>" not in text
    assert "Ended" in text
    assert client.get(page(owner) + "?cursor=" + "x" * 500 + "&sort=-ends").status_code == 200
