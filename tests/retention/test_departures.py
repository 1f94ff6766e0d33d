"""Leaving: the days, the moves, what ends with the service, and the certificate."""

from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.errors import DomainError, InvalidInput
from apps.datamap.services import belongings
from apps.ledger.models import Entry
from apps.notifications.models import OutgoingMessage
from apps.notifications.services import _render
from apps.retention import services, tasks
from apps.retention.models import ChosenPeriod, Departure, Hold
from apps.retention.services.departures import IllegalMove, _move
from apps.retention.states import DEPARTURE_TRANSITIONS, DepartureStatus
from tests.accounts.factories import MembershipFactory
from tests.retention.leaving import NOW, TODAY, announced, erasing, noon, owned_account, owner_of, read_only

CALENDAR = [
    (date(2027, 1, 31), date(2027, 3, 2)),
    (date(2027, 2, 1), date(2027, 3, 3)),
    (date(2028, 1, 30), date(2028, 2, 29)),
    (date(2028, 2, 29), date(2028, 3, 30)),
    (date(2027, 3, 1), date(2027, 3, 31)),
    (date(2026, 12, 2), date(2027, 1, 1)),
]


@pytest.mark.parametrize(("ends_on", "erase_on"), CALENDAR)
def test_thirty_days_are_counted_by_calendar_over_ends_of_months_and_leap_years(db, ends_on, erase_on):
    assert announced(ends_on=ends_on).erase_on == erase_on


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_there_are_thirty_whole_days_to_read_whatever_the_month(ends_on):
    assert (services.erase_day(ends_on) - ends_on).days == 30


def test_leaving_is_announced_for_today_or_a_later_day(db):
    assert announced(ends_on=TODAY).status == DepartureStatus.ANNOUNCED
    for day in (TODAY - timedelta(days=1), date(2126, 1, 1)):
        with pytest.raises(InvalidInput) as refused:
            announced(ends_on=day)
        assert refused.value.field == "service_ends_on"
    with pytest.raises(InvalidInput):
        announced(choice="keep")


def test_the_evidence_says_choice_and_days_and_nothing_of_the_account(db):
    account, owner = owned_account(name="Secret Trading")
    departure = services.announce_departure(
        account=account, choice="delete", service_ends_on=TODAY, by=owner.key, now=NOW, requested_on=None
    )
    entry = Entry.objects.get(verb="retention.departure_announced")
    assert (entry.actor, entry.target) == (owner.key, f"retention.departure:{departure.pk}")
    assert entry.facts == {
        "account": str(account.pk), "choice": "delete", "service_ends_on": "2026-11-23", "erase_on": "2026-12-23",
        "requested_on": None,
    }  # fmt: skip


def test_a_letter_is_entered_with_the_day_on_which_it_came(db):
    account, officer = owned_account()[0], owned_account()[1]
    facts = {"account": account, "choice": "return", "service_ends_on": TODAY, "by": officer.key, "now": NOW}
    with pytest.raises(InvalidInput) as refused:
        services.announce_departure(**facts, requested_on=TODAY + timedelta(days=1))
    assert refused.value.field == "requested_on"
    assert services.announce_departure(**facts, requested_on=date(2026, 11, 2)).requested_on == date(2026, 11, 2)
    assert Entry.objects.get(verb="retention.departure_announced").facts["requested_on"] == "2026-11-02"


def test_an_account_leaves_once_and_may_come_again_after_it_withdrew(db):
    departure = announced()
    with pytest.raises(DomainError, match="leaving already"):
        announced(departure.account)
    services.withdraw_departure(departure, by="command", now=NOW)
    assert announced(departure.account).pk != departure.pk


def in_state(status):
    departure = announced()
    Departure.objects.filter(pk=departure.pk).update(status=status)
    return departure


@pytest.mark.parametrize(("origin", "to"), product(DepartureStatus, DepartureStatus))
def test_every_pair_of_states(db, origin, to):
    departure = in_state(origin)
    if to in DEPARTURE_TRANSITIONS[origin]:
        assert _move(departure, to, actor="system", at=NOW).status == to
        facts = Entry.objects.get(verb="retention.departure_moved").facts
        assert (facts["from"], facts["to"]) == (origin.value, to.value)
    else:
        with pytest.raises(IllegalMove):
            _move(departure, to, actor="system", at=NOW)
        departure.refresh_from_db()
        assert departure.status == origin
        assert not Entry.objects.filter(verb="retention.departure_moved").exists()


@pytest.mark.parametrize("status", [DepartureStatus.ERASING, DepartureStatus.ERASED, DepartureStatus.WITHDRAWN])
def test_nobody_withdraws_after_erasing_began(db, status):
    with pytest.raises(IllegalMove):
        services.withdraw_departure(in_state(status), by="command", now=NOW)


def test_an_account_is_read_only_from_the_day_on_which_its_service_ends(db):
    departure = announced(ends_on=date(2027, 3, 1))
    account, other = departure.account, owned_account()[0]
    assert not services.is_read_only(account, datetime(2027, 2, 28, 23, 59, tzinfo=UTC))
    assert services.is_read_only(account, datetime(2027, 3, 1, 0, 0, tzinfo=UTC))
    assert not services.is_read_only(other, noon(date(2027, 3, 1)))
    services.withdraw_departure(departure, by="command", now=NOW)
    assert not services.is_read_only(account, noon(date(2027, 3, 1)))


def test_the_service_of_who_left_has_ended_for_the_rules(db):
    here, there, back = announced(), announced(ends_on=date(2027, 1, 5)), announced()
    services.withdraw_departure(back, by="command", now=NOW)
    assert services.departures_ending(TODAY) == {here.platform_account_id: TODAY}
    assert services.departures_ending(date(2027, 1, 5)) == {
        here.platform_account_id: TODAY, there.platform_account_id: date(2027, 1, 5),
    }  # fmt: skip
    assert services.departures_ending(TODAY - timedelta(days=1)) == {}


def test_each_step_is_due_on_its_day_and_never_before(db):
    departure = announced(ends_on=date(2027, 1, 31), choice="delete")
    assert not services.ended_services(now=datetime(2027, 1, 30, 23, 59, tzinfo=UTC))
    assert [one.pk for one in services.ended_services(now=datetime(2027, 1, 31, tzinfo=UTC))] == [departure.pk]
    services.start_read_only(departure, now=noon(date(2027, 1, 31)))
    assert not services.due_to_erase(now=datetime(2027, 3, 1, 23, 59, tzinfo=UTC))
    assert [one.pk for one in services.due_to_erase(now=datetime(2027, 3, 2, tzinfo=UTC))] == [departure.pk]


def test_what_is_to_be_returned_is_not_erased_before_the_package_was_made(db):
    departure = read_only()
    late = noon(departure.erase_on) + timedelta(days=9)
    assert not services.due_to_erase(now=late)
    Departure.objects.update(returned_at=late)
    assert services.due_to_erase(now=late)


@pytest.mark.parametrize("language", ["en", "nl", "ar"])
def test_every_owner_is_told_each_step_once_in_their_language_and_nobody_else(db, language):
    departure = announced()
    account = departure.account
    for user in (owner_of(account), owner_of(account)):
        user.language = language
        user.save()
    MembershipFactory(account=account, role="privacy")
    owned_account()
    services.start_read_only(departure, now=NOW)
    sent = OutgoingMessage.objects.filter(template="retention/departure_read_only")
    assert [one.language for one in sent] == [language, language, "en"][:3] or sent.count() == 3
    assert OutgoingMessage.objects.filter(template="retention/departure_announced").count() == 1  # before they joined


def test_the_letters_name_the_days_and_lead_to_the_page(db):
    context = {"account": "a-b", "service_ends_on": "23 November 2026", "erase_on": "23 December 2026", "returns": True}
    for step in ("announced", "read_only", "erased", "withdrawn"):
        message = OutgoingMessage(template=f"retention/departure_{step}", language="en", channel="email")
        parts = _render(message, dict(context))
        assert "/account/retention/a-b/" in parts["txt"]
        assert "/account/retention/a-b/" in parts["html"]
        assert parts["subject.txt"]
        assert "{" not in parts["txt"]


def test_a_withdrawal_leaves_every_row_and_takes_the_package_away(platform):
    before = {account: platform.dump(account) for account in ("1001", "1002")}
    departure = services.return_data(read_only(platform.acme), now=NOW)
    path = services.path_of(departure)
    stays = services.withdraw_departure(departure, by="command", now=NOW)
    assert stays.status == DepartureStatus.WITHDRAWN
    assert not path.exists()
    assert {account: platform.dump(account) for account in ("1001", "1002")} == before
    assert not ChosenPeriod.objects.exists()
    assert services.departures_ending(TODAY) == {}


def gone(platform, account="1001", but=("invoices", "invoice_lines")):
    """What sweeps do once the periods are over, for tests that look at the search that follows."""
    tables = platform.rows(
        "SELECT DISTINCT table_name FROM information_schema.columns c JOIN pg_class r ON r.relname = c.table_name "
        "AND r.relnamespace = 'platform'::regnamespace AND NOT r.relispartition AND r.relkind IN ('r', 'p') "
        "WHERE table_schema = 'platform' AND column_name = 'account_id'"
    )
    left = {table for (table,) in tables} - set(but)
    order = ("enrichment_profiles", "payment_methods", "support_recordings", "web_visits", "leads")
    for table in [*order, *sorted(left - set(order))]:
        platform.sql(f"DELETE FROM platform.{table} WHERE account_id = %s", int(account))


def test_it_is_finished_only_when_nothing_is_left_but_what_must_stay(platform):
    departure = erasing(platform.acme)
    at = noon(departure.erase_on) + timedelta(days=2)
    assert services.finish_departure(departure, now=at) is None
    gone(platform, but=("invoices", "invoice_lines", "contacts"))
    assert services.finish_departure(departure, now=at) is None
    gone(platform)
    assert services.finish_departure(departure, now=at).status == DepartureStatus.ERASED
    with pytest.raises(IllegalMove):
        services.finish_departure(departure, now=at)


@pytest.mark.req("RET-3")
def test_the_certificate_names_what_was_erased_and_the_invoices_that_tax_law_keeps(platform):
    departure = erasing(platform.acme)
    held = departure.certificate["held"]
    gone(platform)
    done = services.finish_departure(departure, now=noon(departure.erase_on) + timedelta(days=2))
    certificate = done.certificate
    ((count, first, last),) = platform.rows(
        "SELECT count(*), min(extract(year FROM invoiced_on)), max(extract(year FROM invoiced_on)) "
        "FROM platform.invoices WHERE account_id = 1001"
    )
    assert certificate["collections"]["platform:invoices"] == {
        "erased": 0,
        "kept": [{
            "count": count, "ground": "tax", "kind": "duty",
            "until": f"{int(first) + 10}-12-31", "until_latest": f"{int(last) + 10}-12-31",
        }],
    }  # fmt: skip
    assert certificate["collections"]["platform:messages"] == {"erased": held["platform:messages"], "kept": []}
    assert certificate["collections"]["platform:accounts"]["kept"][0]["kind"] == "cannot_go"
    assert certificate["counts"]["kept"] == sum(
        kept["count"] for each in certificate["collections"].values() for kept in each["kept"]
    )
    assert certificate["out_of_scope"][0]["what"] == "backups"
    assert certificate["out_of_scope"][0]["until"] == str((noon(done.erase_on) + timedelta(days=37)).date())
    entry = Entry.objects.get(verb="retention.departure_certified")
    assert entry.facts["certificate"] == services.digest_of(certificate)
    assert OutgoingMessage.objects.filter(template="retention/departure_erased").count() == 0  # nobody owns it here


@pytest.mark.threat("T5")
def test_nothing_of_another_account_is_touched_counted_or_certified(platform):
    before = platform.dump("1002")
    departure = erasing(platform.acme)
    gone(platform)
    done = services.finish_departure(departure, now=noon(departure.erase_on) + timedelta(days=2))
    assert platform.dump("1002") == before
    assert done.certificate["account"] == "1001"
    assert services.is_read_only(platform.globex, noon(departure.erase_on)) is False


@pytest.mark.threat("T44")
def test_what_a_hold_keeps_does_not_stop_the_certificate_and_is_told_to_nobody_as_a_hold(platform):
    services.place_hold(
        **{
            "reason": "litigation", "words": "A claim.", "scope": services.HoldScope(account="1001"),
            "review_on": date(2027, 6, 1), "owner": platform.officers[0], "by": platform.officers[0], "now": NOW,
        }
    )  # fmt: skip
    departure = erasing(platform.acme)
    done = services.finish_departure(departure, now=noon(departure.erase_on) + timedelta(days=2))
    messages = done.certificate["collections"]["platform:messages"]["kept"]
    assert [(one["kind"], one["ground"], one["until"]) for one in messages] == [("cannot_go", "cannot_go", None)]
    assert "'hold'" not in str(done.certificate)
    assert Hold.objects.get().reference not in str(done.certificate)


def test_a_package_is_erased_and_its_digest_stays_on_the_certificate(platform):
    departure = erasing(platform.acme)
    gone(platform)
    done = services.finish_departure(departure, now=noon(departure.erase_on) + timedelta(days=2))
    assert services.path_of(done) is None
    assert len(done.certificate["package"]) == 64


def test_the_hourly_task_takes_a_customer_from_announced_to_erasing_however_often_it_runs(platform, time_machine):
    announced(platform.acme)
    time_machine.move_to(NOW)
    assert [tasks.move_departures() for _ in range(3)] == [2, 0, 0]  # read-only, and the package
    time_machine.move_to(NOW + timedelta(days=29))
    assert tasks.move_departures() == 0
    time_machine.move_to(NOW + timedelta(days=30))
    assert [tasks.move_departures() for _ in range(2)] == [1, 0]
    assert Departure.objects.get().status == DepartureStatus.ERASING
    gone(platform)
    time_machine.move_to(NOW + timedelta(days=32))
    assert [tasks.move_departures() for _ in range(2)] == [1, 0]
    assert Departure.objects.get().status == DepartureStatus.ERASED


def test_a_store_that_is_down_delays_one_customer_and_not_the_next(platform, settings, time_machine):
    first, second = announced(platform.acme), announced(platform.globex, choice="delete")
    settings.STORES = {"platform": "postgres://nobody@127.0.0.1:1/none"}
    time_machine.move_to(NOW)
    assert tasks.move_departures() == 2
    time_machine.move_to(NOW + timedelta(days=30))
    assert tasks.move_departures() == 0
    assert {one.status for one in (first, second) if not one.refresh_from_db()} == {DepartureStatus.READ_ONLY}


def test_with_the_service_end_the_rental_of_numbers_and_the_consent_to_keep_a_card_for_it(platform):
    """Rows that know of no such day themselves: the departure gives it to them, and so the periods begin."""
    platform.sql("UPDATE platform.numbers SET released_on = NULL WHERE account_id IN (1001, 1002)")
    announced(platform.acme)

    def numbers(account):
        (found,) = [one for one in belongings(account, now=NOW) if one.collection == "platform:numbers"]
        return [(one.ground, one.until, one.until_latest) for one in found.protected]

    assert numbers("1001") == [("number_rental", date(2027, 5, 23), date(2027, 5, 23))]
    assert numbers("1002") == [("number_rental", None, None)]
