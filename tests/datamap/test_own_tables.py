"""The portal obeys itself: its own tables are the first store on the map."""

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import CustomerAccount, Membership, StaffRole, User
from apps.core.identities import parse_identity
from apps.datamap import guards, services
from apps.datamap.registry import own_datasets
from apps.datamap.services import Scope
from apps.ledger.models import Entry
from tests.datamap.conftest import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> tuple[User, User]:
    acme = CustomerAccount.objects.create(name="Acme", platform_account_id="1001", created_at=NOW)
    made = []
    for name in ("ann", "bob"):
        email = f"{name}@example.org"
        user = User.objects.create(email=email, full_name=name.title(), created_at=NOW)
        EmailAddress.objects.create(user=user, email=email, primary=True, verified=True)
        Membership.objects.create(user=user, account=acme, role="member", **_since())
        made.append(user)
    return made[0], made[1]


def _since() -> dict[str, Any]:
    return {"since": NOW} if any(field.name == "since" for field in Membership._meta.fields) else {}


def scope() -> Scope:
    return Scope((parse_identity("email", "ann@example.org"),), "1001", own=True, datasets=("portal_accounts",))


@pytest.mark.req("DSR-1")
def test_a_person_who_signs_in_finds_what_the_portal_itself_holds(people: tuple[User, User]) -> None:
    with CaptureQueriesContext(connection) as queries:
        found = services.find(scope(), now=NOW).rows
    assert [row["email"] for row in found["portal_accounts:accounts_user"]] == ["ann@example.org"]
    assert [row["user_id"] for row in found["portal_accounts:account_emailaddress"]] == [str(people[0].pk)]
    assert [row["user_id"] for row in found["portal_accounts:accounts_membership"]] == [str(people[0].pk)]
    assert len(queries) <= 40


@pytest.mark.threat("T10", "T18")
def test_a_number_that_two_people_gave_opens_neither_ones_sign_in_to_the_other(people: tuple[User, User]) -> None:
    User.objects.update(phone_number="+31612345678", phone_verified_at=NOW)
    theirs = (parse_identity("email", "ann@example.org"), parse_identity("phone_number", "+31612345678"))
    found = services.find(Scope(theirs, "1001", own=True, datasets=("portal_accounts",)), now=NOW).rows
    assert [row["email"] for row in found["portal_accounts:accounts_user"]] == ["ann@example.org"]
    assert {row["user_id"] for row in found["portal_accounts:accounts_membership"]} == {str(people[0].pk)}


@pytest.mark.req("DSR-1", "DSR-6")
def test_the_portals_own_rows_go_in_the_transaction_of_the_ledger_line(people: tuple[User, User]) -> None:
    bob = people[1]
    with guards.only(none=lambda *about: []):
        plan = services.plan_erasure(scope(), actor="command", now=NOW)
        assert plan.stores == ["portal"]
        assert {line["action"] for line in plan.lines if line["count"]} == {"erase"}
        with transaction.atomic():
            receipt = services.execute(plan, store="portal", effect_key="own", actor="command", now=NOW)
            assert services.note_execution(plan, receipt, actor="command", now=NOW)
        again = services.execute(plan, store="portal", effect_key="own", actor="command", now=NOW)
        assert again.replayed
        assert not services.note_execution(plan, again, actor="command", now=NOW)
        assert services.search_again(plan, store="portal", now=NOW) == []
    assert receipt.counts["portal_accounts:accounts_user"]["erased"] == 1
    assert list(User.objects.values_list("pk", flat=True)) == [bob.pk]
    assert Membership.objects.count() == EmailAddress.objects.count() == 1
    assert Entry.objects.filter(verb="erasure.executed").count() == 1
    connection.check_constraints()


def test_evidence_and_status_are_never_touched(people: tuple[User, User]) -> None:
    StaffRole.objects.filter(user=people[0]).delete()
    with guards.only(none=lambda *about: []):
        plan = services.plan_erasure(scope(), actor="command", now=NOW)
        before = list(Entry.objects.order_by("pk").values_list("pk", "leaf"))
        with CaptureQueriesContext(connection) as queries:
            services.execute(plan, store="portal", effect_key="own", actor="command", now=NOW)
    writes = [one["sql"] for one in queries.captured_queries if one["sql"].startswith(("UPDATE", "DELETE", "INSERT"))]
    assert writes
    assert not any("ledger_entry" in sql or "SET status" in sql for sql in writes)
    assert list(Entry.objects.order_by("pk").values_list("pk", "leaf")) == before


@pytest.mark.req("ROLE-1")
def test_every_field_of_every_model_is_declared_or_said_to_be_impersonal() -> None:
    declared: dict[str, set[str]] = {}
    impersonal: dict[str, Any] = {}
    for dataset in own_datasets():
        for one in dataset.collections:
            declared[one.name] = {place.column for place in one.fields}
        impersonal |= dataset.impersonal
    missing = []
    for model in apps.get_models():
        table = model._meta.db_table
        if impersonal.get(table) == "*":
            continue
        known = declared.get(table, set()) | set(impersonal.get(table, ()))
        missing += [f"{table}.{f.column}" for f in model._meta.concrete_fields if f.column not in known]
    assert missing == []
