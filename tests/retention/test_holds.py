"""Legal holds as people work with them: placing, reviewing, lifting, and what the owner is told."""

from datetime import date, timedelta

import pytest
from django.db import connection

from apps.core.errors import DomainError, InvalidInput
from apps.core.identities import parse_identity
from apps.datamap import guards
from apps.ledger.models import Entry
from apps.notifications.models import OutgoingMessage
from apps.retention import services, tasks
from apps.retention.models import Hold, Sweep, SweepTask
from apps.retention.services import HoldScope
from tests.accounts.factories import CustomerAccountFactory, UserFactory
from tests.retention.holds import NOW, hold

pytestmark = [pytest.mark.django_db, pytest.mark.req("RET-4")]

TODAY = NOW.date()
ANN = parse_identity("email", "ann@example.org")
SCOPE = HoldScope(identities=(ANN,), collections=("portal_accounts:accounts_user",))


@pytest.fixture
def officer(db):
    return UserFactory(officer=True)


def placed(officer, *, scope=SCOPE, **changed):
    values = {"reason": "litigation", "words": "  Ann sues over a lost parcel. ", "owner": officer,
              "review_on": TODAY + timedelta(days=60), "by": officer, "now": NOW}  # fmt: skip
    return services.place_hold(scope=scope, **values | changed)


def test_a_hold_seals_whom_it_is_about_and_why(officer):
    one = placed(officer)
    assert one.reference.startswith("LH-2026-")
    stored = Hold.objects.get()
    assert (stored.why, stored.people) == ("Ann sues over a lost parcel.", (ANN,))
    row = b"".join(bytes(value) for value in (stored.words, stored.identities))
    assert b"Ann" not in row
    assert b"ann@" not in row


def test_evidence_of_a_hold_names_nobody(officer):
    CustomerAccountFactory(platform_account_id="1001")
    one = placed(officer, scope=HoldScope((ANN,), "1001", from_on=date(2026, 1, 1)))
    [entry] = Entry.objects.filter(verb="hold.placed")
    assert (entry.target, entry.actor) == (one.target, officer.key)
    assert entry.facts == {
        "reference": one.reference, "reason": "litigation", "identities": 1, "of_account": True, "collections": 0,
        "from_on": "2026-01-01", "until_on": None, "owner": officer.key, "review_on": "2027-01-22",
    }  # fmt: skip


def test_references_count_on(officer):
    first, second = placed(officer), placed(officer)
    assert int(second.reference[-6:]) == int(first.reference[-6:]) + 1


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"review_on": TODAY}, "review_on"),
        ({"review_on": date(2027, 11, 24)}, "review_on"),
        ({"words": " \n "}, "words"),
        ({"reason": "because"}, "reason"),
        ({"scope": HoldScope()}, "scope"),
        ({"scope": HoldScope(collections=("platform:messagess",))}, "collections"),
        ({"scope": HoldScope(account="no-such")}, "account"),
        ({"scope": HoldScope(from_on=date(2026, 2, 2), until_on=date(2026, 2, 1))}, "until_on"),
    ],
)
def test_a_hold_that_could_not_be_kept_is_refused_beside_what_is_wrong(officer, changed, field):
    with pytest.raises(InvalidInput) as refused:
        placed(officer, **changed)
    assert refused.value.field == field
    assert not Hold.objects.exists()


def test_a_hold_can_be_reviewed_twelve_months_from_now_at_the_latest(officer):
    assert placed(officer, review_on=date(2027, 11, 23)).review_on == date(2027, 11, 23)


@pytest.mark.threat("T5")
def test_who_is_no_officer_cannot_look_after_a_hold(officer):
    with pytest.raises(InvalidInput) as refused:
        placed(officer, owner=UserFactory(admin=True))
    assert refused.value.field == "owner"


def test_a_review_puts_the_next_one_off_and_says_so(officer):
    one = placed(officer)
    services.extend_review(one, review_on=date(2027, 6, 1), by=officer, now=NOW)
    assert Hold.objects.get().review_on == date(2027, 6, 1)
    facts = Entry.objects.get(verb="hold.reviewed").facts
    assert (facts["before_on"], facts["review_on"]) == ("2027-01-22", "2027-06-01")
    with pytest.raises(InvalidInput):
        services.extend_review(one, review_on=date(2028, 6, 1), by=officer, now=NOW)


def test_a_lifted_hold_stands_no_more_and_cannot_be_lifted_or_reviewed_again(officer):
    one = placed(officer)
    with pytest.raises(InvalidInput):
        services.lift_hold(one, why="whatever", by=officer, now=NOW)
    services.lift_hold(one, why="settled", by=officer, now=NOW)
    assert not Hold.objects.standing().exists()
    assert Entry.objects.get(verb="hold.lifted").facts == {"reference": one.reference, "why": "settled"}
    with pytest.raises(DomainError, match="lifted already"):
        services.lift_hold(one, why="settled", by=officer, now=NOW)
    with pytest.raises(DomainError, match="lifted already"):
        services.extend_review(one, review_on=TODAY + timedelta(days=9), by=officer, now=NOW)
    assert Entry.objects.filter(verb__startswith="hold.").count() == 2


def test_reading_the_reason_is_on_record(officer):
    one = placed(officer)
    assert services.reveal_hold(one, reason="review", by=officer, now=NOW) == ("Ann sues over a lost parcel.", (ANN,))
    assert Entry.objects.get(verb="hold.revealed").facts == {"reference": one.reference, "reason": "review"}
    with pytest.raises(InvalidInput):
        services.reveal_hold(one, reason="curious", by=officer, now=NOW)


def test_before_a_hold_is_placed_one_sees_how_many_rows_it_would_cover(officer):
    UserFactory(email="ann@example.org")
    counts = services.count_covered(HoldScope(identities=(ANN,)))
    assert counts == {"portal_accounts:accounts_user": 1, "portal_accounts:account_emailaddress": 1}
    assert not Hold.objects.exists()


def test_what_sweeps_left_alone_because_of_a_hold_is_told(officer):
    one, other = hold(account="1"), hold(account="2")
    sweep = Sweep.objects.create(hash="a" * 64, day=TODAY, rules_version="r", map_version="m", lines=[],
                                 made_by="system", made_at=NOW)  # fmt: skip
    kept = [{"ground": one.reference, "kind": "hold", "count": 3}, {"ground": "tax", "kind": "duty", "count": 9}]
    task = {"sweep": sweep, "store": "platform", "action": "delete", "planned": 12}
    SweepTask.objects.create(place=1, collection="platform:messages", kept=kept, **task)
    SweepTask.objects.create(place=2, collection="platform:calls", kept=[], **task)
    assert services.skipped_in_sweeps(one) == [services.holds.Skipped(TODAY, "platform:messages", 3)]
    assert services.skipped_in_sweeps(other) == []


# --- alerts -------------------------------------------------------------------------------------------


def alerts():
    return [entry.facts["step"] for entry in Entry.objects.filter(verb="hold.alerted").order_by("id")]


def test_the_owner_is_told_before_the_review_and_when_it_is_overdue_each_once(time_machine, officer):
    one = hold(account="1", owner=officer, review_on=date(2027, 1, 22))
    for day in range(30, -10, -1):
        time_machine.move_to(NOW.replace(year=2027, month=1, day=22) - timedelta(days=day))
        assert [tasks.alert_hold_owners() for _ in range(3)][1:] == [0, 0]
    assert alerts() == ["14", "7", "1", "overdue"]
    assert OutgoingMessage.objects.filter(template="retention/hold_review").count() == 4
    one.refresh_from_db()
    assert one.lifted_at is None


def test_a_new_day_of_review_has_alerts_of_its_own(time_machine, officer):
    one = hold(account="1", owner=officer, review_on=TODAY + timedelta(days=5))
    time_machine.move_to(NOW)
    assert tasks.alert_hold_owners() == 1
    services.extend_review(one, review_on=TODAY + timedelta(days=7), by=officer, now=NOW)
    assert tasks.alert_hold_owners() == 1
    assert alerts() == ["7", "7"]


def test_nobody_is_told_of_a_review_that_is_far_off_or_of_a_lifted_hold(time_machine, officer):
    hold(account="1", owner=officer, review_on=TODAY + timedelta(days=15))
    hold(account="1", owner=officer, review_on=TODAY, lifted_at=NOW)
    time_machine.move_to(NOW)
    assert tasks.alert_hold_owners() == 0
    assert not OutgoingMessage.objects.exists()


def test_when_the_owner_is_no_officer_any_more_every_officer_is_told(time_machine, officer):
    gone = UserFactory()
    hold(account="1", owner=gone, review_on=TODAY + timedelta(days=1))
    UserFactory(officer=True)
    time_machine.move_to(NOW)
    assert tasks.alert_hold_owners() == 1
    assert OutgoingMessage.objects.count() == 2


def test_the_letter_tells_the_reference_and_the_day_and_nothing_of_the_case(time_machine, officer, mailoutbox):
    one = hold(ANN, owner=officer, review_on=TODAY + timedelta(days=7))
    time_machine.move_to(NOW)
    tasks.alert_hold_owners()
    from apps.notifications.tasks import deliver_messages

    deliver_messages()
    [letter] = mailoutbox
    assert letter.subject == f"Review {one.reference} by 30 November 2026"
    assert len(letter.subject) <= 78
    assert f"/desk/holds/{one.reference}/" in letter.body
    assert "ann@" not in letter.body
    assert "lost" not in letter.body


# --- the lock -----------------------------------------------------------------------------------------


@pytest.mark.threat("T44")
def test_placing_a_hold_takes_the_lock_that_erasures_and_batches_share(officer):
    placed(officer)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT mode FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND pid = pg_backend_pid()",
            [guards.HOLD],
        )
        assert cursor.fetchall() == [("ExclusiveLock",)]
