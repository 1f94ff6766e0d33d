"""The portal obeys itself: its own rows go when their periods are over, and take along what hangs on them."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.apps import apps
from django.db import connection

from apps.accounts.models import StepUpCode, User
from apps.core import crypto
from apps.core.identities import Identity, IdentityType
from apps.notifications.models import OutgoingMessage
from apps.retention import planning, services
from apps.retention.models import Rule
from apps.retention.states import SweepStatus
from apps.subject_requests import models as requests
from apps.subject_requests.services import send_message, withdraw_request
from apps.subject_requests.states import PackageKind, PauseKind, PendingStatus, RevealReason, TaskKind
from tests.subject_requests.factories import NOW, PersonFactory, filed

pytestmark = pytest.mark.req("RET-1")

LAST_DAY = date(2031, 11, 23)  # five years after NOW, on which the request closes
REQUESTS = "portal_subject_requests:subject_requests_subjectrequest"
ALONG = ("Part", "Pause", "SubjectIdentifier", "Message", "Reveal", "Alert", "StoreTask", "Package", "DownloadLink",
         "Certificate", "PendingErasure")  # fmt: skip


def closed_with_everything(at, number, pending=PendingStatus.ERASED):
    """A closed request, and a row of everything that can hang on one."""
    one = filed(at=at, identities=[Identity(IdentityType.PHONE_NUMBER, f"+3161234000{number}")])
    officer, sealed = PersonFactory(officer=True), crypto.seal("words", bound_to="x")
    send_message(one, text="When?", by=one.filed_by, now=at)
    withdraw_request(one, by=one.filed_by, now=at)
    part, day = one.parts.first(), at.date()
    requests.Pause.objects.create(
        part=part, kind=PauseKind.values[0], asked_on=day, received_on=day, doubt=sealed, by=officer
    )
    requests.Alert.objects.create(part=part, due_on=day, step="14", at=at)
    requests.Reveal.objects.create(request=one, identifier=one.identifiers.first(), by=officer, at=at,
                                   reason=RevealReason.values[0], words=sealed)  # fmt: skip
    requests.StoreTask.objects.create(request=one, kind=TaskKind.values[0], store="platform",
                                      effect_key=f"e{number}", next_attempt_at=at)  # fmt: skip
    package = requests.Package.objects.create(request=one, kind=PackageKind.values[0], created_at=at, size=1,
                                              expires_at=at + timedelta(days=7), purged_at=at)  # fmt: skip
    requests.DownloadLink.objects.create(package=package, token_hash=f"h{number}", minted_by=officer, minted_at=at,
                                         expires_at=at)  # fmt: skip
    requests.Certificate.objects.create(request=one, issued_at=at, document={}, sha256="s")
    requests.PendingErasure.objects.create(
        request=one, store="platform", collection="platform:invoices", capacity="controller", count=1, ground="tax",
        kind="duty", check_on=day, queued_at=at, scope=sealed, status=pending,
        erased_at=at if pending == PendingStatus.ERASED else None,
    )  # fmt: skip
    return one


def counts():
    return {name: apps.get_model("subject_requests", name).objects.count() for name in ALONG}


def going(day, *keys):
    lines = planning.survey(list(Rule.objects.current()), day=day, keys=keys)
    return {line["collection"].partition(":")[2]: line["count"] for line in lines if line["count"]}


def sweep(day, *keys):
    now = datetime(day.year, day.month, day.day, 3, tzinfo=UTC)
    plan = services.make_plan(day=day, now=now, actor="command", keys=keys)
    started = services.start_sweep(plan.hash, actor="command", now=now)
    return services.run_sweep(started, tick=lambda: now)


def test_a_request_goes_five_years_after_it_closed_with_everything_that_hangs_on_it(committed_db):
    closed_with_everything(NOW, 1)
    before = counts()
    assert min(before.values()) >= 1
    young = closed_with_everything(NOW + timedelta(days=1), 2)
    people = User.objects.count()
    assert going(LAST_DAY, "dsr_confirmation") == {}
    assert going(LAST_DAY + timedelta(days=1), "dsr_confirmation") == {"subject_requests_subjectrequest": 1}
    assert sweep(LAST_DAY + timedelta(days=1), "dsr_confirmation").status == SweepStatus.DONE
    assert list(requests.SubjectRequest.objects.all()) == [young]
    assert counts() == before
    assert User.objects.count() == people
    connection.check_constraints()


def test_a_request_that_still_has_to_erase_something_stays(committed_db):
    closed_with_everything(NOW, 1, pending=PendingStatus.WAITING)
    [line] = [line for line in planning.survey(list(Rule.objects.current()), day=LAST_DAY + timedelta(days=1))
              if line["collection"] == REQUESTS]  # fmt: skip
    assert line["count"] == 0
    assert [(kept["kind"], kept["count"]) for kept in line["kept"]] == [("open_request", 1)]


def test_codes_and_letters_go_after_half_a_year(committed_db):
    user = PersonFactory()
    later = NOW + timedelta(minutes=10)
    StepUpCode.objects.create(user=user, purpose="p", channel="sms", digest="d", sent_at=NOW, expires_at=later)
    OutgoingMessage.objects.create(key="k", channel="email", address=b"", context=b"", template="t", language="en",
                                   about="accounts.user:1", created_at=NOW, next_attempt_at=NOW)  # fmt: skip
    last_day = date(2027, 5, 23)
    assert going(last_day, "security_logs", "outbox") == {}
    assert going(last_day + timedelta(days=1), "security_logs", "outbox") == {
        "accounts_stepupcode": 1, "notifications_outgoingmessage": 1,
    }  # fmt: skip
    assert sweep(last_day + timedelta(days=1), "security_logs", "outbox").status == SweepStatus.DONE
    assert not StepUpCode.objects.exists()
    assert not OutgoingMessage.objects.exists()
    assert User.objects.filter(pk=user.pk).exists()
