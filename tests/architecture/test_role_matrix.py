"""Every address stands in the role matrix, and every cell of it is executed."""

from collections.abc import Callable, Iterator
from copy import copy
from datetime import timedelta
from http.cookies import SimpleCookie

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction
from django.test import Client
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, path, reverse

from apps.accounts.models import Invitation
from apps.consent import links
from apps.consent.ids import event_id
from apps.consent.services import Decision, record_decision
from apps.consent.services.answers import current_text
from apps.core import clock, crypto
from apps.core.identities import Identity, IdentityType
from apps.subject_requests import services
from apps.subject_requests.models import Package, SubjectRequest
from apps.subject_requests.services import delivery
from apps.subject_requests.states import PackageKind, Right
from tests.accounts.factories import CustomerAccountFactory, MembershipFactory, TokenFactory, UserFactory
from tests.architecture.role_matrix import AREAS, EVERYBODY, MATRIX, NOBODY, OF_ACME, ROLES, STAFF, Row
from tests.cookies.factories import CookieFactory
from tests.processors.factories import EngagementFactory
from tests.retention.factories import RuleChangeFactory
from tests.retention.holds import hold
from tests.retention.leaving import announced, certified
from tests.retention.sweeping import SweepFactory
from tests.subject_requests.factories import filed

pytestmark = pytest.mark.threat("T1")
OUT = {401, 403, 404, 410}
SOMEBODY = Identity(IdentityType.EMAIL, "somebody@elsewhere.example")
SENT_ON = {302, 401}


def addresses(resolver: URLResolver, namespaces: tuple[str, ...] = ()) -> Iterator[str]:
    """Name of every address with its namespace; one without a name stands as its pattern."""
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from addresses(entry, (*namespaces, entry.namespace) if entry.namespace else namespaces)
        elif isinstance(entry, URLPattern):
            yield ":".join((*namespaces, entry.name or f"unnamed {entry.pattern}"))


class World:
    """One customer account with its people, one other, the staff, and the objects that addresses name."""

    def __init__(self) -> None:
        self.cookies: dict[str, SimpleCookie] = {"anonymous": SimpleCookie()}
        self.account = CustomerAccountFactory(name="Acme")
        self.people = {name: MembershipFactory(account=self.account, role=name).user for name in sorted(OF_ACME)}
        self.people |= {
            "stranger": MembershipFactory(account=CustomerAccountFactory(name="Globex"), role="privacy").user
        }
        self.people |= {name: UserFactory(**{name: True}) for name in sorted(STAFF)}

    def let_in(self, sign_in: Callable[..., object]) -> None:
        """Sign everybody in, with a fresh second factor and after allauth's own "is it still you?"."""
        for role, person in self.people.items():
            client = Client()
            sign_in(client, person, fresh_factor=True)
            session = client.session
            proofs = [record | {"reauthenticated": True} for record in session["account_authentication_methods"]]
            session["account_authentication_methods"] = proofs
            session.save()
            self.cookies[role] = client.cookies

    def visit(self, name: str, row: Row, role: str, method: str) -> int:
        """The status of one cell. What the visit changes is undone."""
        client = Client()
        client.cookies = copy(self.cookies[role])
        before = transaction.savepoint()
        try:
            response = getattr(client, method)(reverse(name, kwargs=self.arguments(row.needs)))
            asks_to_sign_in = response.status_code == 302 and response.url.startswith(reverse(settings.LOGIN_URL))
            return 401 if asks_to_sign_in else response.status_code
        finally:
            transaction.savepoint_rollback(before)

    def arguments(self, needs: str) -> dict[str, object]:
        return getattr(self, needs)() if needs else {}

    def team(self) -> dict[str, object]:
        return {"pk": self.account.pk}

    def member_of_team(self) -> dict[str, object]:
        return self.team() | {"member": self.people["member"].memberships.get().pk}

    def a_token(self) -> dict[str, object]:
        return self.team() | {"token": TokenFactory(account=self.account, created_by=self.people["owner"]).pk}

    def invitation_of_team(self) -> dict[str, object]:
        return self.team() | {"invitation": self._invited("somebody@elsewhere.example").pk}

    def invitation_to_member(self) -> dict[str, object]:
        return {"pk": self._invited(self.people["member"].email).pk}

    def _invited(self, email: str) -> Invitation:
        at = clock.now()
        times = {"invited_at": at, "expires_at": at + timedelta(days=7)}
        return Invitation.objects.create(account=self.account, email=email, role="member", **times)

    def a_request(self) -> dict[str, object]:
        return {"reference": self._filed().reference}

    def a_bulk_step(self) -> dict[str, object]:
        return {"slug": "assign"}

    def a_step(self) -> dict[str, object]:
        return self.a_request() | {"slug": "assign"}

    def first_question(self) -> dict[str, object]:
        return {"slug": "right"}

    def a_package(self) -> dict[str, object]:
        package = self._packed()
        return {"reference": package.request.reference, "kind": package.kind}

    def a_link(self) -> dict[str, object]:
        return {"token": delivery.mint_download_link(self._packed(), by=self.people["privacy"], now=clock.now())}

    def a_calendar(self) -> dict[str, object]:
        return {"token": services.make_calendar_feed(by=self.people["officer"], now=clock.now())}

    def _filed(self) -> SubjectRequest:
        return filed(Right.ACCESS, account=self.account, by=self.people["privacy"], at=clock.now())

    def _packed(self) -> Package:
        at, digest = clock.now(), "0" * 64
        times = {"created_at": at, "expires_at": at + timedelta(days=7), "first_opened_at": at}
        facts = {"size": 7, "sha256": digest, "manifest_sha256": digest}
        package = Package.objects.create(request=self._filed(), kind=PackageKind.ACCESS, **times, **facts)
        package.path.parent.mkdir(parents=True, exist_ok=True)
        crypto.seal_stream([b"package"], package.path)
        return package

    def an_engagement(self) -> dict[str, object]:
        return {"line": EngagementFactory().line}

    def a_site(self) -> dict[str, object]:
        return {"key": "main"}

    def a_cookie(self) -> dict[str, object]:
        return {"line": CookieFactory().line}

    def a_banner(self) -> dict[str, object]:
        return {"tag": "x"}

    def a_table(self) -> dict[str, object]:
        return {"site": "main", "number": 1, "language": "en"}

    def a_hold(self) -> dict[str, object]:
        return {"reference": hold(account="1001", owner=self.people["officer"]).reference}

    def a_sweep(self) -> dict[str, object]:
        return {"hash": SweepFactory(waiting=True).hash}

    def a_choice(self) -> dict[str, object]:
        return self.team() | {"rule": "communications_content"}

    def a_departure(self) -> dict[str, object]:
        announced(self.account, now=clock.now(), ends_on=clock.now().date())
        return self.team()

    def a_certificate(self) -> dict[str, object]:
        certified(self.account)
        return self.team()

    def a_rule(self) -> dict[str, object]:
        return {"key": "web_visits"}

    def a_change_of_a_rule(self) -> dict[str, object]:
        return {"pk": RuleChangeFactory().pk}

    def a_decision_on_a_rule(self) -> dict[str, object]:
        return self.a_change_of_a_rule() | {"verb": "decline"}

    def a_demo_page(self) -> dict[str, object]:
        return {"name": "shop"}

    def a_demo_tag(self) -> dict[str, object]:
        return {"name": "ads.js"}

    def a_payment_method(self) -> dict[str, object]:
        return self.team() | {"kind": "card"}

    def a_consent(self) -> dict[str, object]:
        owner, at = self.people["owner"], clock.now()
        facts = {
            "scope": "provider",
            "subject_key": f"account:{self.account.pk}",
            "user_id": owner.pk,
            "language": "en",
        }
        facts |= {"action": "given", "method": "switch", "text": "0" * 64, "choices": {"saved_payment_method": True}}
        decision = Decision(id=event_id(at), **facts)
        record_decision(decision, now=at)
        return {"event": decision.id}

    def a_subject(self) -> dict[str, object]:
        return {"key": self.people["member"].key}

    def a_history_file(self) -> dict[str, object]:
        return self.a_subject() | {"form": "json"}

    def a_purpose(self) -> dict[str, object]:
        return {"key": "newsletter"}

    def a_link_to_confirm(self) -> dict[str, object]:
        text = current_text("newsletter", "en").digest
        return {"token": links.confirm_token(SOMEBODY, text=text, now=clock.now())}

    def a_link_to_unsubscribe(self) -> dict[str, object]:
        return {"token": links.unsubscribe_token("newsletter", crypto.lookup(SOMEBODY))}

    def a_link_to_preferences(self) -> dict[str, object]:
        return {"token": links.preferences_token(SOMEBODY, now=clock.now())}

    def colleague(self) -> dict[str, object]:
        return {"pk": self.people["auditor"].pk}

    def key_of_member(self) -> dict[str, object]:
        key = {"name": "A key", "credential": {}, "passwordless": False}
        kind = Authenticator.Type.WEBAUTHN
        return {"pk": Authenticator.objects.create(user=self.people["member"], type=kind, data=key).pk}


@pytest.fixture
def world(db, sign_in):
    world = World()
    world.let_in(sign_in)
    return world


def is_right(row: Row, role: str, status: int) -> bool:
    """Whether a status is what the matrix says; a redirect to the sign-in page counts as 401."""
    if row.is_step:
        return status in SENT_ON
    return status not in {*OUT, 405, 500} if role in row.who else status in OUT


def test_every_address_stands_in_the_matrix():
    assert sorted(set(addresses(get_resolver())) ^ set(MATRIX)) == []


@pytest.mark.threat("T8")
def test_there_is_no_back_door_of_djangos_admin():
    assert "django.contrib.admin" not in settings.INSTALLED_APPS
    assert not [name for name in addresses(get_resolver()) if name.startswith("admin:")]


def test_an_address_that_nobody_listed_is_found_out():
    hidden = URLResolver(path("", lambda request: None).pattern, [path("hidden/", lambda request: None)])
    assert list(addresses(hidden)) == ["unnamed hidden/"]


@pytest.mark.parametrize("area", AREAS)
def test_each_role_gets_in_where_the_matrix_says_and_nowhere_else(area, world):
    wrong = [
        f"{name}: {method} as {role} answered {status}"
        for name, row in AREAS[area].items()
        for role in ROLES
        for method in row.methods
        if not is_right(row, role, status := world.visit(name, row, role, method))
    ]
    assert wrong == []


def test_a_door_left_open_or_shut_is_found_out(world):
    home = ("dashboard:home", Row(EVERYBODY))
    assert not is_right(Row(EVERYBODY), "anonymous", world.visit(*home, "anonymous", "get"))
    assert not is_right(Row(NOBODY), "member", world.visit(*home, "member", "get"))
    assert not is_right(Row(EVERYBODY), "member", world.visit(*home, "member", "post"))  # 405
    assert is_right(Row(EVERYBODY), "member", world.visit(*home, "member", "get"))
    with pytest.raises(NoReverseMatch):
        world.visit("dashboard:nowhere", Row(EVERYBODY), "member", "get")
