"""The sample sign-ins that `make run` prints."""

from datetime import UTC, datetime
from io import StringIO

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.core.management import call_command

from apps.accounts.models import Membership, StaffRole, User
from apps.demo import sign_ins

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)


@pytest.fixture
def made(db):
    return sign_ins.create_sign_ins(now=NOW)


def test_they_are_made_once(made):
    assert made == 9
    assert sign_ins.create_sign_ins(now=NOW) == 0


def test_each_has_the_role_that_the_documents_promise(made):
    members = {
        (row.user.email, row.account.platform_account_id, row.role)
        for row in Membership.objects.select_related("user", "account")
    }
    assert members == {
        ("owner@acme.example", "1001", "owner"),
        ("privacy@acme.example", "1001", "privacy"),
        ("member@acme.example", "1001", "member"),
        ("owner@globex.example", "1002", "owner"),
    }
    staff = {(row.user.email.partition("@")[0], row.role) for row in StaffRole.objects.select_related("user")}
    assert staff == {
        ("officer1", "officer"), ("officer2", "officer"), ("admin", "admin"), ("auditor", "auditor"), ("dpo", "dpo"),
    }  # fmt: skip


def test_each_can_sign_in_with_the_printed_password_and_secret(made):
    user = User.objects.get(email="officer1@portal.example")
    assert user.check_password(sign_ins.PASSWORD)
    factor = Authenticator.objects.get(user=user, type=Authenticator.Type.TOTP).wrap()
    code = format_hotp_value(hotp_value(sign_ins.TOTP_SECRET, next(iter(yield_hotp_counters_from_time()))))
    assert factor.validate_code(code)


def test_their_contact_points_are_confirmed(made):
    assert not User.objects.filter(email_verified_at=None).exists()
    assert not User.objects.filter(phone_verified_at=None).exists()
    assert EmailAddress.objects.filter(verified=True, primary=True).count() == made


def test_the_command_prints_them_all(settings):
    settings.DEMO = True
    printed = StringIO()
    call_command("demo", "--print-sign-ins", stdout=printed)
    for each in (*sign_ins.CUSTOMERS, *sign_ins.STAFF):
        assert each.email in printed.getvalue()
    assert sign_ins.PASSWORD in printed.getvalue()
    assert sign_ins.TOTP_SECRET in printed.getvalue()
