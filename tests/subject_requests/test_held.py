"""An erasure while a legal hold stands: it leaves what is held, tells nobody, and goes on when it is lifted."""

import re
from datetime import timedelta

import pytest

from apps.core import clock
from apps.ledger.models import Entry
from apps.retention.models import Hold
from apps.retention.services import lift_hold, stopped_elsewhere
from apps.subject_requests import services, tasks
from apps.subject_requests.models import PendingErasure
from apps.subject_requests.states import PendingStatus, Status
from tests.retention.holds import hold
from tests.subject_requests.test_erasure import approved, done, package_of

pytestmark = [pytest.mark.req("RET-4")]


@pytest.fixture
def held(platform):
    """The person's messages at Acme are held."""
    return hold(platform.identity, account="1001", collections=["platform:messages"], owner=platform.officers[0])


def kept_messages(platform):
    return platform.count("messages", platform.phone, "1001")


@pytest.mark.threat("T44")
def test_what_a_hold_keeps_is_queued_and_erased_once_it_is_lifted_without_anyone_asking(platform, held):
    before = kept_messages(platform)
    one = done(approved(platform))
    assert kept_messages(platform) == before > 0
    assert platform.count("calls", platform.phone, "1001") == 0
    pending = one.pending_erasures.get(ground=held.reference, collection="platform:messages")
    assert (pending.collection, pending.kind, pending.count) == ("platform:messages", "hold", before)
    assert tasks.erase_pending_rows() == 0
    [(words, count)] = stopped_elsewhere(held)
    assert count == 1
    assert "waits for it" in words
    lift_hold(held, why="settled", by=platform.officers[0], now=clock.now())
    tasks.erase_pending_rows()
    pending.refresh_from_db()
    assert pending.status == PendingStatus.ERASED
    assert kept_messages(platform) == 0
    assert stopped_elsewhere(held) == []


def test_another_hold_that_still_stands_keeps_what_a_lifted_one_lets_go(platform, held):
    before = kept_messages(platform)
    one = done(approved(platform))
    hold(account="1001", owner=platform.officers[0])
    lift_hold(held, why="replaced", by=platform.officers[0], now=clock.now())
    tasks.erase_pending_rows()
    assert kept_messages(platform) == before
    assert (
        one.pending_erasures.get(ground=held.reference, collection="platform:messages").status == PendingStatus.WAITING
    )


def test_a_hold_placed_after_the_erasure_stops_what_waited_and_lifting_it_lets_that_go(platform):
    one = done(approved(platform))
    pending = one.pending_erasures.get(collection="platform:traffic_records")
    late = hold(account="1001", owner=platform.officers[0])
    after = clock.now() + timedelta(days=200)
    services.erase_pending(pending.pk, now=after)
    pending.refresh_from_db()
    assert pending.status == PendingStatus.WAITING
    assert pending.check_on <= clock.local_date(after) + timedelta(days=7)
    lift_hold(late, why="not_needed", by=platform.officers[0], now=after)
    assert PendingErasure.objects.due(on=clock.local_date(after), at=after).filter(pk=pending.pk).exists()
    services.erase_pending(pending.pk, now=after)
    pending.refresh_from_db()
    assert pending.status == PendingStatus.ERASED


@pytest.mark.threat("T44")
def test_a_hold_placed_between_approval_and_execution_sends_the_erasure_back_and_loses_nothing(platform):
    before = kept_messages(platform)
    one = approved(platform)
    hold(platform.identity, account="1001", owner=platform.officers[0])
    tasks.execute_requests()
    one.refresh_from_db()
    assert kept_messages(platform) == before
    assert one.status in (Status.AWAITING_APPROVAL, Status.IN_PROGRESS, Status.CLOSED)


@pytest.mark.threat("T63")
def test_the_customer_is_told_that_something_stays_and_nothing_of_a_hold(platform, held, client, sign_in):
    one = done(approved(platform))
    package = package_of(one)
    said = " ".join(package.read(name).decode() for name in package.namelist())
    sign_in(client, platform.requester)
    for url in (f"/requests/{one.reference}/", "/requests/", "/requests/home/"):
        said += client.get(url).content.decode()
    assert "cannot be erased yet" in said
    assert held.reference not in said
    assert not re.search(r"\bhold\b|\bheld\b", said.replace("we hold", ""))


@pytest.mark.threat("T63")
def test_evidence_of_what_was_erased_later_does_not_name_the_hold(platform, held):
    done(approved(platform))
    lift_hold(held, why="settled", by=platform.officers[0], now=clock.now())
    tasks.erase_pending_rows()
    entry = Entry.objects.get(verb="subject_request.pending_erased", facts__collection="platform:messages")
    assert entry.facts["ground"] == "other"
    about_it = Entry.objects.exclude(verb__startswith="hold.")
    assert not any(held.reference in str(each.facts) for each in about_it)
    assert Hold.objects.get().lifted_at is not None
