"""A payment method goes from the other stores of the data map as it goes here, and no other one does (CON-2, CON-3)."""

from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from apps.accounts.models import User
from apps.consent import tasks
from apps.consent.models import PaymentMethod, Removal
from apps.consent.services import finance, removals
from apps.consent.services.answers import Manner, current_text
from apps.consent.states import Method, Need
from apps.core.errors import DomainError
from apps.datamap.loading import load_files
from apps.demo.services import DATASET_FILE
from tests.accounts.factories import CustomerAccountFactory, MembershipFactory
from tests.subject_requests.sample import sample_platform
from tests.template import connect

MANNER = Manner(Method.SWITCH, "testserver/account/finance/")
HOLDERS = (
    "SELECT h.id, h.email, h.account_id FROM platform.account_holders h JOIN platform.enrichment_profiles p "
    "ON p.holder_id = h.id JOIN platform.payment_methods m ON m.holder_id = h.id ORDER BY h.id LIMIT 1"
)
pytestmark = pytest.mark.req("CON-2", "CON-3")


@pytest.fixture
def platform(committed_db):
    with sample_platform(committed_db) as one:
        one.holder, address, number = one.rows(HOLDERS)[0]
        account = CustomerAccountFactory(platform_account_id=f"{number}-x")
        type(account).objects.filter(platform_account_id=str(number)).exclude(pk=account.pk).delete()
        type(account).objects.filter(pk=account.pk).update(platform_account_id=str(number))
        account.refresh_from_db()
        one.account, one.number = account, number
        known = User.objects.filter(email=address).first()
        one.user = known or MembershipFactory(account=account, user__email=address).user
        yield one


def saved(platform, last_four, **changes):
    card = {"last_four": last_four, "expires": "2029-05", "holder": "Jan"}
    words = current_text(finance.METHOD, "en").digest
    given = {"account": platform.account, "manner": MANNER, "by": platform.user, "now": datetime.now(UTC)}
    return given | {"kind": "card", "details": card, "text": words} | changes


def save(platform, last_four="4242", **changes):
    """The person saves a card here; billing then keeps it in a store of its own."""
    given = saved(platform, last_four, **changes)
    finance.save_payment_method(**given)
    platform.sql(
        "INSERT INTO platform.payment_methods (account_id, holder_id, kind, card_last_four, created_at) "
        "VALUES (%s, %s, 'card', %s, %s)",
        *(platform.number, platform.holder, last_four, given["now"] + timedelta(milliseconds=1)),
    )


def save_undated(platform, last_four):
    """Billing keeps a card and does not say since when."""
    platform.sql("ALTER TABLE platform.payment_methods ALTER created_at DROP NOT NULL")
    platform.sql(
        "INSERT INTO platform.payment_methods (account_id, holder_id, kind, card_last_four, created_at) "
        "VALUES (%s, %s, 'card', %s, NULL)",
        *(platform.number, platform.holder, last_four),
    )


def withdraw(platform):
    given = {"account": platform.account, "manner": MANNER, "by": platform.user, "now": datetime.now(UTC)}
    finance.withdraw_payment_method(language="en", **given)


def need(platform, *, days):
    now = datetime.now(UTC)
    until = (now + timedelta(days=days)).date()
    assert finance.need_payment_method(account=platform.account, need=Need.REFUND, until=until, now=now)


def there(platform):
    """The cards of the person that billing keeps."""
    query = "SELECT card_last_four FROM platform.payment_methods WHERE holder_id = %s AND kind = 'card' ORDER BY 1"
    return [number for (number,) in platform.rows(query, platform.holder)]


def here():
    return sorted(one.read()["last_four"] for one in PaymentMethod.objects.all())


def test_a_withdrawn_payment_method_goes_from_the_other_stores_too(platform):
    save(platform)
    others = platform.rows("SELECT count(*) FROM platform.payment_methods WHERE holder_id <> %s", platform.holder)
    enriched = "SELECT count(*) FROM platform.enrichment_profiles"
    before = platform.rows(enriched)
    withdraw(platform)
    assert not PaymentMethod.objects.exists()
    assert tasks.remove_what_ended() == 1
    assert platform.rows("SELECT 1 FROM platform.payment_methods WHERE holder_id = %s", platform.holder) == []
    kept = platform.rows("SELECT count(*) FROM platform.payment_methods WHERE holder_id <> %s", platform.holder)
    assert kept == others
    assert platform.rows(enriched) == before


def test_a_replaced_method_goes_everywhere_and_the_one_in_its_place_stays(platform):
    save(platform, "1111")
    save(platform, "2222")
    assert tasks.remove_what_ended() == 1
    assert (there(platform), here()) == (["2222"], ["2222"])
    assert Removal.objects.get().done_at is not None


def test_a_replaced_method_that_a_refund_needs_stays_until_then_and_takes_no_other_one_along(platform):
    save(platform, "1111")
    need(platform, days=5)
    save(platform, "2222")
    assert tasks.remove_what_ended() == 0
    assert "1111" in there(platform)
    later = datetime.now(UTC) + timedelta(days=6)
    assert finance.release_payment_methods(now=later) == 1
    assert removals.work_on_removal(Removal.objects.get().pk, now=later)
    assert (there(platform), here()) == (["2222"], ["2222"])


def test_a_withdrawal_leaves_an_earlier_method_that_a_refund_needs(platform):
    save(platform, "1111")
    need(platform, days=5)
    save(platform, "2222")
    withdraw(platform)
    assert tasks.remove_what_ended() == 1
    assert "1111" in there(platform)
    assert "2222" not in there(platform)
    assert here() == ["1111"]


def test_who_withdraws_and_saves_another_one_loses_the_first_and_keeps_the_second(platform):
    save(platform, "1111")
    withdraw(platform)
    save(platform, "2222")
    assert tasks.remove_what_ended() == 1
    assert (there(platform), here()) == (["2222"], ["2222"])


@pytest.mark.threat("T47")
@pytest.mark.parametrize("moment", ["before the plan", "before a store"])
def test_a_method_saved_while_the_one_before_it_is_being_removed_stays(platform, monkeypatch, moment):
    save(platform, "1111")
    withdraw(platform)
    step = {"before the plan": "_plan", "before a store": "_erase"}
    original = getattr(removals, step[moment])

    def interrupted(*given, **named):
        monkeypatch.setattr(removals, step[moment], original)
        save(platform, "2222")
        return original(*given, **named)

    monkeypatch.setattr(removals, step[moment], interrupted)
    assert not removals.work_on_removal(Removal.objects.get().pk, now=datetime.now(UTC))
    assert "2222" in there(platform)
    assert here() == ["2222"]
    assert removals.work_on_removal(Removal.objects.get().pk, now=datetime.now(UTC) + timedelta(minutes=1))
    assert (there(platform), here()) == (["2222"], ["2222"])


@pytest.mark.req("CON-4")
@pytest.mark.threat("T47")
def test_what_went_before_a_removal_began_anew_is_counted(platform, monkeypatch):
    save(platform, "1111")
    save(platform, "1112")
    withdraw(platform)
    PaymentMethod.objects.all().delete()
    erase, stores = removals._erase, []

    def interrupted(removal, plan, store, *, now):
        if stores.append(store) or len(stores) == 2:
            save(platform, "2222")
        return erase(removal, plan, store, now=now)

    monkeypatch.setattr(removals, "_erase", interrupted)
    withdrawn = Removal.objects.open().order_by("-asked_at").first()
    assert not removals.work_on_removal(withdrawn.pk, now=datetime.now(UTC))
    assert removals.work_on_removal(withdrawn.pk, now=datetime.now(UTC) + timedelta(minutes=1))
    withdrawn.refresh_from_db()
    assert withdrawn.counts["erased"] >= 1


@pytest.mark.threat("T47")
def test_who_saves_a_method_waits_while_the_one_before_it_is_removed_here(platform, committed_db, monkeypatch):
    save(platform, "1111")
    withdraw(platform)
    execute, waits = removals.datamap.execute, []

    def watched(plan, *, store, **how):
        with closing(connect(committed_db.owner_url)) as other, other.cursor() as cursor:
            cursor.execute("SELECT 1 FROM consent_removal FOR UPDATE SKIP LOCKED")
            waits.append((store, cursor.rowcount == 0))
        return execute(plan, store=store, **how)

    monkeypatch.setattr(removals.datamap, "execute", watched)
    assert tasks.remove_what_ended() == 1
    assert ("portal", True) in waits


def test_a_lone_method_goes_whole_whatever_a_store_says_of_when_it_was_saved(platform):
    save(platform)
    save_undated(platform, "4242")
    ahead = "UPDATE platform.payment_methods SET created_at = now() + interval '1 minute' WHERE created_at IS NOT NULL"
    platform.sql(f"{ahead} AND holder_id = %s", platform.holder)
    withdraw(platform)
    assert tasks.remove_what_ended() == 1
    assert there(platform) == []


def test_a_method_without_a_time_is_not_said_to_be_gone_while_another_one_stays(platform):
    save(platform, "1111")
    save_undated(platform, "3333")
    save(platform, "2222")
    assert tasks.remove_what_ended() == 0
    removal = Removal.objects.get()
    assert (removal.done_at, removal.error_code) == (None, "undated")
    assert there(platform) == ["2222", "3333"]


def test_two_who_save_at_once_are_one_after_the_other(platform):
    now = datetime.now(UTC)
    save(platform, "1111", now=now)
    finance.save_payment_method(**saved(platform, "2222", now=now - timedelta(seconds=1)))
    removal = Removal.objects.get()
    assert removal.saved_before == PaymentMethod.objects.get().created_at == now + timedelta(microseconds=1)


def test_a_store_that_can_t_tell_a_replaced_method_from_the_new_one_is_not_let_onto_the_map(platform, tmp_path):
    told = DATASET_FILE.read_text(encoding="utf-8")
    untold = told.replace(
        "        clocks: {created: created_at}\n        retention: [payment_methods]",
        "        retention: [payment_methods]",
    )
    assert untold != told
    file = tmp_path / "platform.yml"
    file.write_text(untold, encoding="utf-8")
    with pytest.raises(DomainError) as error:
        load_files([str(file)], stores={}, actor="command", now=datetime.now(UTC))
    assert "tells when a row was saved" in str(error.value.problems[0])
