"""The sample sign-ins. Password and secret are printed for everybody to see, so they exist only where DEMO=1."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from allauth.mfa.totp.internal.auth import TOTP
from django.db import transaction

from apps.accounts import services as accounts
from apps.accounts.models import CustomerAccount, User
from apps.accounts.states import MemberRole, Role
from apps.demo.people import ACME, GLOBEX, SAMPLE_HOLDERS

PASSWORD = "sample-data-only-1234"
TOTP_SECRET = "SAMPLEDATAONLYSAMPLEDATAONLY2345"  # base32, 20 bytes


class SignIn(NamedTuple):
    email: str
    name: str
    phone: str
    language: str
    role: str
    account: int | None = None


ACCOUNTS = {ACME: "Acme Parcel B.V.", GLOBEX: "Globex Markets Ltd"}
STAFF = (
    SignIn("officer1@portal.example", "Femke Aalders", "+442079460211", "en", Role.OFFICER),
    SignIn("officer2@portal.example", "Samir Bennani", "+442079460212", "en", Role.OFFICER),
    SignIn("admin@portal.example", "Ruth Lindqvist", "+442079460213", "en", Role.ADMIN),
    SignIn("auditor@portal.example", "Piotr Zawada", "+442079460214", "en", Role.AUDITOR),
    SignIn("dpo@portal.example", "Leila Farahani", "+442079460215", "en", Role.DPO),
)
CUSTOMERS = tuple(
    SignIn(each.email, each.name, each.phone, each.language, MemberRole(each.email.partition("@")[0]), each.account)
    for each in SAMPLE_HOLDERS
)


@transaction.atomic
def create_sign_ins(*, now: datetime) -> int:
    """The people, accounts and roles that are missing; says how many people were made."""
    made = 0
    for each in (*CUSTOMERS, *STAFF):
        if User.objects.filter(email=each.email).exists():
            continue
        user = _create_person(each, now=now)
        if each.account is None:
            accounts.grant_role(user=user, role=each.role, actor="command", now=now)
        else:
            account = _open_account(each.account, now=now)
            accounts.add_member(account=account, user=user, role=each.role, actor="command", now=now)
        made += 1
    return made


def describe() -> str:
    """What `make run` prints."""
    rows = [f"  {each.email:28}{each.role}" for each in (*CUSTOMERS, *STAFF)]
    return "\n".join(
        [
            "Sample sign-ins:",
            *rows,
            f"  password for all: {PASSWORD}",
            f"  second factor (TOTP secret for all): {TOTP_SECRET}",
        ]
    )


def _create_person(sign_in: SignIn, *, now: datetime) -> User:
    user = accounts.create_user(
        email=sign_in.email,
        full_name=sign_in.name,
        phone_number=sign_in.phone,
        language=sign_in.language,
        password=PASSWORD,
        actor="command",
        now=now,
    )
    TOTP.activate(user, TOTP_SECRET)
    return user


def _open_account(number: int, *, now: datetime) -> CustomerAccount:
    account = CustomerAccount.objects.filter(platform_account_id=str(number)).first()
    return account or accounts.open_account(
        name=ACCOUNTS[number], actor="command", now=now, platform_account_id=str(number)
    )
