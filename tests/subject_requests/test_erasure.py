"""An erasure from the form to the certificate, on the sample platform."""

import io
import json
import zipfile
from datetime import date, timedelta

import pytest

from apps.core import crypto
from apps.core.identities import Identity, IdentityType
from apps.ledger.models import Entry
from apps.notifications.models import OutgoingMessage
from apps.subject_requests import policies, services, tasks
from apps.subject_requests.models import PendingErasure, Tombstone
from apps.subject_requests.services.certificates import salted
from apps.subject_requests.states import About, Outcome, PendingStatus, Right, Status
from tests.subject_requests.factories import filed, member
from tests.subject_requests.today import NOW

pytestmark = pytest.mark.threat("T45")


def approved(platform, right=Right.ERASURE, at=NOW, **values):
    first, second = platform.officers
    given = {"account": platform.acme, "by": platform.requester, "identities": [platform.identity], "at": at}
    one = filed(right, **given | values)
    one = services.assign_request(one, to=first, by=first, now=at)
    one = services.prepare_request(one, by=first, now=at)
    return services.approve_request(one, by=second, now=at)


def done(subject_request):
    tasks.execute_requests()
    subject_request.refresh_from_db()
    assert subject_request.status == Status.CLOSED, list(subject_request.store_tasks.values("status", "error_code"))
    return subject_request


def outcomes(subject_request):
    return {part.capacity: part.outcome for part in subject_request.parts.all()}


def package_of(subject_request):
    [package] = subject_request.packages.all()
    content = b"".join(crypto.unseal_stream(package.path))
    return zipfile.ZipFile(io.BytesIO(content))


@pytest.mark.req("DSR-5")
@pytest.mark.req("DSR-6")
def test_an_erasure_takes_what_the_customer_holds_and_keeps_what_an_interest_protects(platform):
    globex = platform.dump("1002")
    messages = platform.count("messages", platform.phone, "1001")
    traffic = platform.count("traffic_records", platform.phone, "1001")
    assert messages > 0
    assert traffic > 0
    one = done(approved(platform))
    assert platform.count("messages", platform.phone, "1001") == 0
    assert platform.rows("SELECT 1 FROM contacts WHERE account_id = 1001 AND phone_number = %s", platform.phone) == []
    assert platform.dump("1002") == globex  # the same number stands in Globex too
    [pending] = one.pending_erasures.all()
    assert (pending.collection, pending.ground, pending.kind) == (
        "platform:traffic_records",
        "abuse_traffic",
        "interest",
    )
    assert platform.count("traffic_records", platform.phone, "1001") == pending.count
    assert outcomes(one) == {"processor": Outcome.INSTRUCTION_EXECUTED, "controller": Outcome.PARTLY_FULFILLED}
    controller = one.parts.get(capacity="controller")
    assert controller.counts == {"erased": traffic - pending.count, "anonymised": 0, "kept": pending.count}
    executed = Entry.objects.filter(verb="subject_request.store_executed")
    assert {entry.facts["store"] for entry in executed} == {"platform", "portal"}
    assert OutgoingMessage.objects.filter(template="subject_requests/erased").count() == 1


def test_the_portals_own_store_comes_last(platform):
    one = approved(platform)
    assert [(task.store, task.rank) for task in one.store_tasks.all()] == [("platform", 0), ("portal", 1)]
    first = services.claimable(now=NOW).values_list("store", flat=True)
    assert list(first) == ["platform"]


def test_nothing_held_is_said_as_such(platform):
    nobody = Identity(IdentityType.PHONE_NUMBER, "+31699999999")
    one = done(approved(platform, identities=[nobody]))
    assert set(outcomes(one).values()) == {Outcome.NOTHING_HELD}
    assert not one.pending_erasures.exists()


@pytest.mark.threat("T56")
@pytest.mark.threat("T59")
def test_what_remains_of_the_person_is_a_keyed_tombstone(platform):
    one = done(approved(platform))
    [stone] = Tombstone.objects.all()
    assert stone.digest == crypto.tombstone(platform.identity, account="1001")
    assert (stone.account, stone.request_id) == ("1001", one.pk)
    assert stone.expires_at > stone.erased_at + timedelta(days=30)


@pytest.mark.req("DSR-6")
def test_the_certificate_proves_without_naming(platform):
    one = done(approved(platform))
    certificate = one.certificate
    stored = json.dumps(certificate.document)
    assert platform.phone not in stored
    [line] = certificate.document["lines"]
    assert (line["line"], line["type"]) == (1, "phone_number")
    platform_store = next(store for store in certificate.document["stores"] if store["store"] == "platform")
    assert platform_store["confirmed_absent_at"]
    results = platform_store["collections"]
    assert results["platform:messages"]["erased"] > 0
    assert results["platform:calls"]["not_found"] or results["platform:calls"]["erased"]
    [kept] = results["platform:traffic_records"]["kept"]
    assert kept["ground"] == "abuse_traffic"
    assert date.fromisoformat(kept["until"]) > NOW.date()
    assert [item["what"] for item in certificate.document["out_of_scope"]] == ["backups", "carriers"]


@pytest.mark.req("DSR-6")
def test_salt_and_plain_list_are_in_the_requesters_download_alone(platform):
    one = done(approved(platform))
    archive = package_of(one)
    names = {"index.html", "style.css", "certificate.json", "identifiers.json", "manifest.json"}
    assert set(archive.namelist()) == names
    key = json.loads(archive.read("identifiers.json"))
    assert key["lines"] == [{"line": 1, "type": "phone_number", "value": platform.phone}]
    digest = one.certificate.document["lines"][0]["digest"]
    assert salted(key["salt"], "phone_number", platform.phone) == digest
    assert key["salt"] not in json.dumps(one.certificate.document)
    page = archive.read("index.html").decode()
    assert platform.phone in page
    assert "Required by law" not in page  # an interest is told as an interest
    assert "Not required by law: kept in our own interest" in page
    assert "Article 77" in page or "You can complain to" in page
    assert one.packages.get().expires_at - one.closed_at == timedelta(days=7)


@pytest.mark.req("DSR-5")
def test_what_was_kept_is_erased_when_its_ground_ends_without_anyone_asking(platform, settings):
    one = done(approved(platform))
    [pending] = one.pending_erasures.all()
    early = pending.until_latest.strftime("%Y-%m-%d")
    after = NOW.replace(year=2027, month=8, day=1)
    assert early < str(after.date())
    # a later message of the same person was never part of what was approved
    platform.sql(
        "INSERT INTO platform.traffic_records SELECT (jsonb_populate_record(t, jsonb_build_object("
        "'id', (SELECT max(id) + 1 FROM platform.traffic_records), 'created_at', '2026-11-30T10:00:00+00'))).* "
        "FROM platform.traffic_records t WHERE account_id = 1001 AND %s IN (sender, recipient) LIMIT 1",
        platform.phone,
    )
    before = platform.count("traffic_records", platform.phone, "1001")
    assert services.erase_pending(pending.pk, now=NOW) is False  # not its time yet
    assert services.erase_pending(pending.pk, now=after) is True
    pending.refresh_from_db()
    assert (pending.status, pending.erased_count) == (PendingStatus.ERASED, pending.count)
    assert platform.count("traffic_records", platform.phone, "1001") == before - pending.count == 1
    assert bytes(pending.scope) == b""
    assert services.erase_pending(pending.pk, now=after) is False
    [entry] = Entry.objects.filter(verb="subject_request.pending_erased")
    assert entry.facts["ground"] == "abuse_traffic"


@pytest.mark.req("DSR-5")
def test_what_was_kept_before_its_period_began_is_erased_when_that_has_ended(platform):
    [(number,)] = platform.rows(
        "SELECT number FROM numbers WHERE account_id = 1001 AND released_on IS NULL ORDER BY id LIMIT 1"
    )
    by = member(platform.acme, "member", phone_number=number, phone_verified_at=NOW)
    one = done(approved(platform, about=About.OWN, by=by))
    pending = one.pending_erasures.get(collection="platform:numbers")
    assert (pending.ground, pending.until) == ("number_rental", None)
    platform.sql("UPDATE numbers SET released_on = '2026-12-15' WHERE account_id = 1001 AND number = %s", number)
    assert services.erase_pending(pending.pk, now=NOW.replace(year=2027, month=8)) is True
    pending.refresh_from_db()
    assert (pending.status, pending.erased_count) == (PendingStatus.ERASED, 1)
    assert platform.rows("SELECT 1 FROM numbers WHERE account_id = 1001 AND number = %s", number) == []


def test_the_requests_own_identifiers_go_seven_days_after_it_closed(platform):
    one = done(approved(platform))
    assert one.identifiers.exists()
    assert services.to_forget(now=one.closed_at + timedelta(days=6)) == []
    [due] = services.to_forget(now=one.closed_at + timedelta(days=7))
    assert services.forget_identifiers(due, now=one.closed_at + timedelta(days=7)) is True
    assert services.forget_identifiers(due, now=one.closed_at + timedelta(days=7)) is False
    assert not one.identifiers.exists()
    one.refresh_from_db()
    assert one.forgotten_at
    assert one.certificate  # the proof stays (DSR-6)
    assert PendingErasure.objects.filter(request=one).exists()


def test_a_member_erases_their_own_data_where_the_provider_is_controller(platform):
    email = platform.rows("SELECT email FROM account_holders WHERE account_id = 1001 ORDER BY id LIMIT 1")[0][0]
    by = member(platform.acme, "member", email=email, phone_number="", phone_verified_at=None)
    messages = platform.rows("SELECT count(*) FROM messages")
    one = done(approved(platform, about=About.OWN, by=by))
    assert outcomes(one).keys() == {"controller"}
    assert outcomes(one)["controller"] == Outcome.PARTLY_FULFILLED  # invoices stay for tax
    pending = {row.collection: row for row in one.pending_erasures.all()}
    assert {row.ground for row in pending.values()} >= {"tax", "open_request"}
    # whoever waits for the answer can still sign in and fetch it; seven days after closing that goes too
    assert policies.can_download(by, one.packages.get())
    membership = pending["portal_accounts:accounts_membership"]
    week = one.closed_at + timedelta(days=7)
    assert not services.erase_pending(membership.pk, now=week)
    assert services.erase_pending(membership.pk, now=week + timedelta(days=1, hours=1))
    assert not by.memberships.exists()
    assert platform.rows("SELECT count(*) FROM messages") == messages  # the customer's own, on its instruction only


@pytest.mark.threat("T58")
def test_tombstones_are_exported_and_come_back(platform, tmp_path):
    from django.core.management import CommandError, call_command

    done(approved(platform))
    file = tmp_path / "tombstones.jsonl"
    call_command("tombstones", "export", str(file), verbosity=0)
    assert file.stat().st_mode & 0o777 == 0o600
    assert platform.phone not in file.read_text()
    kept = list(Tombstone.objects.values_list("digest", flat=True))
    Tombstone.objects.all().delete()
    call_command("tombstones", "apply", str(file), verbosity=0)
    assert list(Tombstone.objects.values_list("digest", flat=True)) == kept
    file.write_text("nonsense\n")
    with pytest.raises(CommandError, match="Line 1"):
        call_command("tombstones", "apply", str(file))


@pytest.mark.req("DSR-10")
@pytest.mark.threat("T20")
def test_an_end_users_request_never_touches_the_customers_own_people(platform):
    """Whoever files for end users and types a colleague's address gets nothing of the colleague's account data."""
    colleague = Identity(IdentityType.EMAIL, "owner@acme.example")
    invoices = platform.rows("SELECT i::text FROM invoices i WHERE account_id = 1001 ORDER BY 1")
    holders = platform.rows("SELECT h::text FROM account_holders h WHERE account_id = 1001 ORDER BY 1")
    assert any("owner@acme.example" in row[0] for row in holders)
    one = approved(platform, identities=[colleague])
    plan = services.plan_of(one)
    assert not {"platform:account_holders", "platform:invoices"} & {line["collection"] for line in plan.lines}
    done(one)
    assert platform.rows("SELECT h::text FROM account_holders h WHERE account_id = 1001 ORDER BY 1") == holders
    assert platform.rows("SELECT i::text FROM invoices i WHERE account_id = 1001 ORDER BY 1") == invoices
