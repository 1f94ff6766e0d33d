"""The guard of legal holds: which rows of real tables each part of a scope keeps, and that a search finds the same."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa

from apps.core.identities import parse_identity
from apps.datamap import guards
from apps.datamap.registry import current_map
from apps.datamap.search import Live, Search
from apps.datamap.services import PlanStale, Scope
from apps.datamap.stores import Snapshots
from apps.retention import holding
from tests.datamap.conftest import HERE, NOW
from tests.datamap.people import carry_out, make_plan
from tests.retention.holds import hold

pytestmark = pytest.mark.req("RET-4")

MAIL, PHONE = parse_identity("email", "ann@example.org"), parse_identity("phone_number", "+31612345678")
ORDERS = "orders: {tenant: account_id, clock: placed_at, retention: [communications_content]}"
ITEMS = "order_items: {tenant: account_id, goes_with: order_id}"
WITHOUT_ACCOUNT = ("catalogue", "products")
HERS_BY_A_CYCLE = {"nodes"}  # a statement can't go round: there the guard keeps more than a search finds


@pytest.fixture(autouse=True)
def _a_shop(shop):
    return shop


def kept(dataset="shop"):
    """collection -> keys of the rows that standing holds keep, asked the way a sweep asks: what does not go?"""
    found = {}
    with Snapshots() as snapshots:
        live = Live(current_map(), snapshots)
        for one in live.datamap.collections.values():
            if one.dataset == dataset:
                info = live.info(one)
                keeps = [keep.predicate for keep in holding.keeps(one.store, info, NOW)]
                names = [sa.cast(info.table.c[name], sa.Text) for name in info.key_names]
                asked = sa.select(*names).where(sa.not_(sa.or_(sa.false(), *keeps)))
                going = {tuple(row) for row in snapshots.of(one.store).rows(asked)}
                stay = {tuple(row) for row in snapshots.of(one.store).rows(sa.select(*names))} - going
                if stay:
                    found[one.name] = {key[-1] if len(key) == 3 else "/".join(key) for key in stay}
    return found


def searched(*identities, account=None):
    with Snapshots() as snapshots:
        search = Search(Live(current_map(), snapshots), Scope(tuple(identities), account)).run()
    return {
        hits.collection.name: {key[-1] if len(key) == 3 else "/".join(key) for key in hits.rows}
        for hits in search.hits.values()
        if hits.rows and hits.collection.dataset == "shop"
    }


@pytest.mark.parametrize("account", ["", "1001", "1002"])
@pytest.mark.parametrize("identities", [(MAIL,), (PHONE,), (MAIL, PHONE)])
def test_a_hold_on_a_person_keeps_what_a_search_finds_through_columns_documents_arrays_and_references(
    identities, account
):
    hold(*identities, account=account)
    mine, found = kept(), searched(*identities, account=account or None)
    assert found["people"]
    for name in (mine.keys() | found.keys()) - HERS_BY_A_CYCLE:
        # A table that does not say whose its rows are is not searched for one account, and still held.
        assert mine.get(name, set()) == found.get(name, set()) or (account and name in WITHOUT_ACCOUNT), name
    assert mine.get("nodes", set()) >= found.get("nodes", set())


def test_a_hold_reaches_over_references_to_rows_that_do_not_name_the_person():
    hold(PHONE, account="1001")
    found = kept()
    assert found["people"] == {"10"}
    assert found["orders"] == {"a1", "a2"}
    assert found["order_items"] == {"a1/1", "a1/2", "a2/1"}
    assert found["invoices"] == {"1"}
    assert found["messages"] == {"1", "2", "3"}
    assert found["attachments"] == {"1"}
    assert found["profiles"] == {str(UUID(int=1))}
    assert "logins" not in found  # an e-mail address alone leads there


def references(field):
    return f"references: [{{dataset: shop, field: {field}, direction: from}}]"


THROUGH_EVERYTHING = {  # what stands in shop.yml -> a way that leads from or into a list, a document, another type
    'fides_meta: {identity: email, data_type: "string[]", return_all_elements: true}': (
        f'fides_meta: {{data_type: "string[]", {references("people.email")}}}'
    ),
    "- {name: mail, data_categories: [user.contact.email], fides_meta: {identity: email}}": (
        f"- {{name: mail, data_categories: [user.contact.email], fides_meta: {{{references('people.email')}}}}}"
    ),
    "- {name: owner_email, data_categories: [user.contact.email], fides_meta: {identity: email}}": (
        "- {name: owner_email, data_categories: [user.contact.email], "
        f"fides_meta: {{{references('profiles.mails')}}}}}"
    ),
    "- {name: secret, data_categories: [user.content.private]}": (
        "- {name: secret, data_categories: [user.content.private], "
        f"fides_meta: {{{references('profiles.data.cards.mail')}}}}}"
    ),
    "references: [{dataset: shop, field: messages.id, direction: from}]": references("profiles.person_id"),
    "references: [{dataset: shop, field: nodes.id, direction: to}]": "length: 9",
}


@pytest.mark.parametrize("account", ["", "1001", "1002"])
def test_references_are_followed_from_and_into_lists_documents_and_other_types(shop, account):
    text = (HERE / "shop.yml").read_text()
    for old, new in THROUGH_EVERYTHING.items():
        assert old in text
        text = text.replace(old, new)
    shop.load(text)
    shop.sql("UPDATE shop.islands SET secret = 'z@x.org'")
    shop.sql("UPDATE shop.attachments SET message_id = 10 WHERE id = 2")
    shop.sql("UPDATE shop.profiles SET person_id = '+0010' WHERE mails IS NOT NULL")
    shop.sql("UPDATE shop.profiles SET person_id = 'nobody' WHERE note = 'n' AND account_id = 1002")
    hold(PHONE, account=account)
    mine, found = kept(), searched(PHONE, account=account or None)
    for name in mine.keys() | found.keys():
        assert mine.get(name, set()) == found.get(name, set()) or (account and name in WITHOUT_ACCOUNT), name
    if account != "1002":
        assert len(mine["profiles"]) >= 3
        assert {name: mine[name] for name in ("nodes", "islands", "attachments")} == {
            "nodes": {"1"}, "islands": {"1"}, "attachments": {"2"},
        }  # fmt: skip


def test_a_hold_on_an_account_keeps_its_rows_and_those_that_name_no_account(shop):
    shop.sql(
        "ALTER TABLE shop.nodes ALTER account_id DROP NOT NULL; UPDATE shop.nodes SET account_id = NULL WHERE id = 4"
    )
    hold(account="1002")
    found = kept()
    assert found["people"] == {"20"}
    assert found["invoices"] == {"3"}
    assert found["nodes"] == {"4", "5"}
    assert found["catalogue"] == {"1"}  # it has no column that says whose it is
    assert found["products"] == {"2"}  # what an order of the account names
    assert "logins" not in found


def test_a_hold_on_collections_keeps_those_and_no_others():
    hold(collections=["shop:invoices", "shop:islands"])
    assert kept() == {"invoices": {"1", "2", "3"}, "islands": {"1"}}


def test_a_hold_on_a_period_keeps_whole_days_in_utc_and_rows_without_a_date(shop):
    shop.sql("ALTER TABLE shop.invoices ALTER issued_on DROP NOT NULL")
    shop.sql("UPDATE shop.invoices SET issued_on = NULL WHERE id = 2")
    shop.sql("UPDATE shop.invoices SET issued_on = '2026-02-02' WHERE id = 3")
    day = date(2026, 2, 1)
    hold(collections=["shop:invoices", "shop:messages", "shop:islands"], from_on=day, until_on=day)
    assert kept() == {"invoices": {"1", "2"}, "messages": {"1", "4"}, "islands": {"1"}}


@pytest.mark.parametrize(
    ("at", "is_kept"),
    [("2026-01-31 23:59:59.999999+00", False), ("2026-02-01 00:00+00", True), ("2026-02-01 23:59:59.999999+00", True),
     ("2026-02-02 00:00+00", False), ("2026-02-02 00:30+01", True)],
)  # fmt: skip
def test_the_first_and_the_last_microsecond_of_a_held_period_are_inside(shop, at, is_kept):
    shop.sql("UPDATE shop.people SET created_at = %s WHERE id = 10", at)
    hold(collections=["shop:people"], from_on=date(2026, 2, 1), until_on=date(2026, 2, 1))
    assert ("10" in kept().get("people", set())) is is_kept


def test_the_parts_of_a_scope_narrow_one_another():
    hold(PHONE, account="1001", collections=["shop:messages"], from_on=date(2026, 8, 1))
    assert kept() == {"messages": {"2", "3"}}


def test_a_lifted_hold_keeps_nothing():
    hold(account="1001", lifted_at=datetime(2026, 11, 22, tzinfo=UTC))
    assert kept() == {}


def test_a_hold_of_somebody_whom_no_column_can_name_keeps_nothing():
    hold(parse_identity("customer_reference", "K-1"))
    assert kept() == {}


def test_what_could_not_be_a_value_of_a_column_does_not_fail_the_statement(shop):
    shop.sql("UPDATE shop.profiles SET person_id = 'not a number' WHERE account_id = 1002")
    hold(MAIL)
    assert kept()["people"] == {"10", "20"}


def test_in_the_portals_own_tables_an_account_goes_by_its_own_id(shop):
    from tests.accounts.factories import CustomerAccountFactory, MembershipFactory

    mine = MembershipFactory(account=CustomerAccountFactory(platform_account_id="1001"))
    other = MembershipFactory(account=CustomerAccountFactory(platform_account_id="1002"))
    hold(account="1001")
    found = kept("portal_accounts")
    assert str(mine.user.pk) in found["accounts_user"]
    assert str(other.user.pk) not in found["accounts_user"]
    assert found["accounts_membership"] == {str(mine.pk)}
    assert len(found["account_emailaddress"]) == 1


def test_a_hold_is_told_by_its_reference_and_without_an_end():
    placed = hold(PHONE, account="1001")
    with Snapshots() as snapshots:
        live = Live(current_map(), snapshots)
        [keep] = holding.keeps("platform", live.info(live.datamap.collections["shop:people"]), NOW)
    assert (keep.ground, keep.kind, keep.until) == (placed.reference, "hold", None)


@pytest.mark.threat("T44")
def test_placing_a_hold_makes_a_plan_stale_by_the_fate_it_changes_and_by_nothing_else(shop):
    shop.sql("UPDATE shop.people SET referred_by = NULL")
    before = guards.version()
    plan = make_plan(datasets=("shop",))
    hold(account="1002")
    assert guards.version() == before
    hold(PHONE, account="1001", collections=["shop:attachments"])
    with pytest.raises(PlanStale) as refused:
        carry_out(plan)
    assert refused.value.code == "plan_fate_changed"
    assert shop.rows("SELECT count(*) FROM shop.attachments WHERE id = 1") == [(1,)]


def test_an_erasure_elsewhere_goes_on_while_a_hold_stands(shop):
    shop.sql("UPDATE shop.people SET referred_by = NULL")
    plan = make_plan(datasets=("shop",))
    hold(account="1002")
    assert carry_out(plan).counts["shop:messages"]["erased"] == 3


@pytest.mark.parametrize("count", [1, 30])
def test_standing_holds_are_read_once_however_many_there_are(count, django_assert_num_queries):
    for _ in range(count):
        hold(collections=["shop:people"])
    with Snapshots() as snapshots:
        live = Live(current_map(), snapshots)
        info = live.info(live.datamap.collections["shop:people"])
    with django_assert_num_queries(1):
        assert len(holding.keeps("platform", info, NOW)) == count


@pytest.mark.threat("T44")
def test_what_would_go_along_with_a_row_keeps_that_row_while_it_is_held(shop):
    """A line of an order goes with the order: a hold on the lines alone must not be gone round."""
    from apps.retention import services
    from apps.retention.models import Rule

    text = (HERE / "shop.yml").read_text()
    text = text.replace("orders: {tenant: account_id}", ORDERS).replace("order_items: {tenant: account_id}", ITEMS)
    shop.load(text)
    Rule.objects.update(in_force_at=NOW - timedelta(days=300))
    held = hold(account="1001", collections=["shop:order_items"], placed_at=NOW)
    plan = services.make_plan(day=NOW.date(), now=NOW, actor="command")
    services.run_sweep(services.start_sweep(plan.hash, actor="command", now=NOW), tick=lambda: NOW)
    assert shop.rows("SELECT id FROM shop.orders ORDER BY 1") == [("a1",), ("a2",), ("b1",)]
    assert len(shop.rows("SELECT FROM shop.order_items")) == 4
    assert {(one.collection, one.count) for one in services.skipped_in_sweeps(held)} == {("shop:orders", 3)}
