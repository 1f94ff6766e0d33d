"""What the finance settings show: two switches, each with its own words, state and effect."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from apps.accounts.models import CustomerAccount
from apps.consent.models import PROVIDER, PaymentMethod, State, Text, TopUp
from apps.consent.presentation.answers import receipt_url, words
from apps.consent.services.finance import METHOD, TOP_UP, is_served, subject_of
from apps.consent.states import PaymentKind
from apps.core.identities import Identity, IdentityType, mask


@dataclass(frozen=True)
class Fact:
    """For `components/summary_list.html`."""

    label: Any
    lines: list[str]


@dataclass(frozen=True)
class Stays:
    """A withdrawn method that is still here: for what, and until when (None: until automatic top-up is off)."""

    need: str
    until: date | None
    withdrawn_at: datetime | None
    facts: list[Fact]


@dataclass(frozen=True)
class Switch:
    """One purpose: its words, whether it is on, since when."""

    text: Text
    is_on: bool
    since: datetime | None
    receipt_url: str
    facts: list[Fact]


def page(account: CustomerAccount, *, now: datetime) -> dict[str, Any]:
    method = PaymentMethod.objects.of(account).standing().first()
    top_up = TopUp.objects.of(account).standing().first()
    said = {state.purpose: state for state in State.objects.of(PROVIDER, subject_of(account))}
    kinds = [(kind.label, reverse("consent:payment_method", args=[account.pk, kind])) for kind in PaymentKind]
    has_ended = top_up is not None and not is_served(account, now=now)
    uses = None if has_ended else top_up  # which an ended service never charges
    return {
        "account": account,
        "method": _switch(METHOD, said.get(METHOD), _method_facts(method) if method else []),
        "top_up": _switch(TOP_UP, said.get(TOP_UP), _top_up_facts(top_up) if top_up else []),
        "kinds": kinds,
        "has_ended": has_ended,
        "stays": [_stays(one, uses, has_other=method is not None) for one in _withdrawn(account)],
    }


def _switch(purpose: str, state: State | None, facts: list[Fact]) -> Switch:
    since, event = (state.since, state.event) if state else (None, None)
    return Switch(words(purpose), bool(facts), since, receipt_url(event), facts)


def _withdrawn(account: CustomerAccount) -> list[PaymentMethod]:
    return list(PaymentMethod.objects.of(account).exclude(withdrawn_at=None).order_by("withdrawn_at"))


def _stays(method: PaymentMethod, top_up: TopUp | None, *, has_other: bool) -> Stays:
    is_charged = top_up is not None and not has_other
    need = method.get_needed_for_display()
    until = None if is_charged else method.needed_until
    return Stays(need, until, method.withdrawn_at, _method_facts(method))


def _method_facts(method: PaymentMethod) -> list[Fact]:
    """What is saved, masked: enough to tell which one it is."""
    kind, saved = Fact(_("Kind"), [method.get_kind_display()]), method.read()
    if method.kind == PaymentKind.CARD:
        year, month = saved["expires"].split("-")
        return [
            kind,
            Fact(_("Number"), [f"•••• {saved['last_four']}"]),
            Fact(_("Expiry date"), [f"{month}/{year}"]),
            Fact(_("Name on the card"), [_masked_name(saved["holder"])]),
        ]
    if method.kind == PaymentKind.IDEAL:
        return [
            kind,
            Fact(_("IBAN"), [f"{saved['iban'][:2]}•• •••• {saved['iban'][-4:]}"]),
            Fact(_("BIC"), [f"{saved['bic'][:4]}••••"]),
            Fact(_("Name of the account"), [_masked_name(saved["name"])]),
        ]
    return [kind, Fact(_("E-mail address at PayPal"), [mask(Identity(IdentityType.EMAIL, saved["email"]))])]


def _masked_name(name: str) -> str:
    return " ".join(f"{part[:1]}•••" for part in name.split())


def _top_up_facts(top_up: TopUp) -> list[Fact]:
    return [
        Fact(_("When the balance falls below"), [money(top_up.threshold)]),
        Fact(_("We charge"), [money(top_up.amount)]),
        Fact(_("At most in a calendar month"), [money(top_up.monthly_cap)]),
    ]


def money(cents: int) -> str:
    return f"€ {number_format(Decimal(cents) / 100, 2, use_l10n=True, force_grouping=True)}"
