"""Finance consents of a customer account: a saved payment method (consent) and automatic top-up (mandate)."""

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from apps.accounts.models import CustomerAccount, Membership, User
from apps.consent.models import PaymentMethod, TopUp
from apps.consent.services.answers import Manner, current_text, say, shown_text
from apps.consent.services.removals import bound_removals, order_removal
from apps.consent.states import Action, Need, PaymentKind
from apps.core import crypto
from apps.core.clock import local_date
from apps.core.errors import DomainError, InvalidInput
from apps.core.identities import Identity, IdentityType
from apps.ledger.services import record
from apps.notifications.services import notify

METHOD, TOP_UP = "saved_payment_method", "automatic_top_up"
RULES = ("payment_methods",)
SAVED = {  # and no more (CON-3)
    PaymentKind.CARD: ("last_four", "expires", "holder"),
    PaymentKind.IDEAL: ("iban", "bic", "name"),
    PaymentKind.PAYPAL: ("email",),
}


def subject_of(account: CustomerAccount) -> str:
    """How an account stands in consent events."""
    return f"account:{account.pk}"


@transaction.atomic
def save_payment_method(
    *,
    account: CustomerAccount,
    kind: str,
    details: Mapping[str, str],
    text: str,
    manner: Manner,
    by: User,
    now: datetime,
) -> PaymentMethod:
    """Save how an account pays, with consent to the words `text` (their digest); what was saved before goes.

    Raises `InvalidInput` on `text` where other words are in force by now.
    """
    _lock(account)
    now = _after_the_last(account, now=now)
    words = shown_text(METHOD, text)
    action = Action.RENEWED if PaymentMethod.objects.of(account).standing().exists() else Action.GIVEN
    event = say(action, {METHOD: True}, subject_key=subject_of(account), text=words, manner=manner, now=now)
    _replace(account, event=event, now=now)
    method = PaymentMethod(account=account, kind=kind, saved_by=by.pk, event=event, created_at=now)
    only = {name: details[name] for name in SAVED[PaymentKind(kind)]}
    method.details = crypto.seal(json.dumps(only), bound_to=method.binding)
    method.save(force_insert=True)
    facts = {"event": event, "kind": str(kind)}
    record(actor=by.key, verb="consent.payment_method_saved", target=_target(account), at=now, **facts)
    return method


def _replace(account: CustomerAccount, *, event: uuid.UUID, now: datetime) -> None:
    """A new method takes the place of the earlier ones, for automatic top-up too: they go as withdrawn ones do. A
    refund or a chargeback still needs the one that was paid with."""
    # first: while a removal is at work here we wait, and hold nothing that it wants
    bound_removals(purpose=METHOD, account=account.platform_account_id, saved_before=now)
    PaymentMethod.objects.of(account).standing().update(withdrawn_at=now, event=event)
    for method in PaymentMethod.objects.of(account).select_for_update():
        if method.needed_until is None or method.needed_until < local_date(now):
            _delete(method, now=now, replaced_at=now)
        else:
            _keep(method, method.needed_for, method.needed_until)


def _after_the_last(account: CustomerAccount, *, now: datetime) -> datetime:
    """The instant of saving, read before the lock: whoever waited for it comes after the one who held it."""
    newest = PaymentMethod.objects.of(account).aggregate(newest=Max("created_at"))["newest"]
    return max(now, newest + timedelta(microseconds=1)) if newest else now


@transaction.atomic
def withdraw_payment_method(
    *, account: CustomerAccount, language: str, manner: Manner, by: User, now: datetime
) -> date | None:
    """Withdraw the consent: the method goes at once, or on the day returned, where something still needs it.

    Raises `DomainError` when none is saved. None where it is gone, or stays for as long as automatic top-up is on.
    """
    _lock(account)
    method = PaymentMethod.objects.of(account).standing().select_for_update().first()
    if method is None:
        raise DomainError("no_method", _("No payment method is saved."))
    words = current_text(METHOD, language)  # whatever was changed meanwhile: a no is never refused
    event = say(Action.WITHDRAWN, {METHOD: False}, subject_key=subject_of(account), text=words, manner=manner, now=now)
    method.withdrawn_at, method.event = now, event
    kept_until = _end(method, now=now)
    facts = {"event": event, "kept_until": kept_until, "needed_for": method.needed_for or None}
    record(actor=by.key, verb="consent.payment_method_withdrawn", target=_target(account), at=now, **facts)
    return kept_until


def _end(method: PaymentMethod, *, now: datetime) -> date | None:
    """Delete a withdrawn method, or let it stay for what needs it; the last day on which it stays, where one is known.

    Automatic top-up outlasts a dated need, and its end has no date; with the service it needs nothing any more.
    """
    if method.needed_until and method.needed_until < local_date(now):
        method.needed_until, method.needed_for = None, ""
    others = PaymentMethod.objects.of(method.account).standing().exclude(pk=method.pk)
    is_charged = may_charge(method.account, now=now) is not None
    if is_charged and not others.exists():
        _keep(method, method.needed_for or Need.TOP_UP, method.needed_until, has_end=False)
        return None
    if method.needed_until is None:
        _delete(method, now=now)
        return None
    _keep(method, method.needed_for, method.needed_until)
    return method.needed_until


def _keep(method: PaymentMethod, need: str, until: date | None, *, has_end: bool = True) -> None:
    method.needed_for, method.needed_until = need, until
    method.ended_at = datetime.combine(until, time(), tzinfo=UTC) if until and has_end else None
    method.save(update_fields=["withdrawn_at", "event", "needed_for", "needed_until", "ended_at"])


def _delete(method: PaymentMethod, *, now: datetime, replaced_at: datetime | None = None) -> None:
    """Here at once; in the other stores of the data map by the clock, each with its proof. Methods saved before and
    after it, which are still here, stay there too, as does the one that takes its place."""
    saver = User.objects.filter(pk=method.saved_by).first()
    if saver is not None:
        whom, account = [Identity(IdentityType.EMAIL, saver.email)], method.account.platform_account_id
        order = {"purpose": METHOD, "rules": RULES, "identities": whom, "event": method.event, "account": account}
        order_removal(**order, **_time_of(method, replaced_at), now=now)  # type: ignore[arg-type]
    method.delete()


def _time_of(method: PaymentMethod, replaced_at: datetime | None) -> dict[str, datetime | None]:
    """While it was the one that is saved: what other stores hold from then is this one, or is left of earlier ones.
    Without another one here all of it goes, whenever a store says that it was saved; one that is saved before it is
    gone sets the end."""
    others = PaymentMethod.objects.of(method.account).exclude(pk=method.pk).order_by("created_at")
    later = others.filter(created_at__gt=method.created_at).first()
    has_earlier = others.filter(created_at__lte=method.created_at).exists()
    return {
        "saved_from": method.created_at if has_earlier else None,
        "saved_before": later.created_at if later else replaced_at,
    }


@transaction.atomic
def need_payment_method(*, account: CustomerAccount, need: Need, until: date, now: datetime) -> bool:
    """Say that a refund or a chargeback needs the account's payment method until a day, for whoever bills.

    A method withdrawn before and gone can't be brought back: False. The longest need counts.
    """
    _lock(account)
    method = PaymentMethod.objects.of(account).order_by("-created_at").select_for_update().first()
    if method is None or until < local_date(now):
        return False
    if method.needed_until is None or until > method.needed_until:
        method.needed_for, method.needed_until = need, until
        method.save(update_fields=["needed_for", "needed_until"])
    if method.withdrawn_at:
        _end(method, now=now)
    facts = {"need": str(need), "until": until}
    record(actor="system", verb="consent.payment_method_needed", target=_target(account), at=now, **facts)
    return True


@transaction.atomic
def release_payment_methods(*, now: datetime) -> int:
    """Delete what was withdrawn, once nothing needs it any more; how many went."""
    free = PaymentMethod.objects.needed_no_more(today=local_date(now)).select_related("account")
    gone = 0
    for method in free.select_for_update(of=("self",), skip_locked=True):
        _end(method, now=now)
        if PaymentMethod.objects.filter(pk=method.pk).exists():
            continue
        facts = {"event": method.event}
        record(actor="system", verb="consent.payment_method_deleted", target=_target(method.account), at=now, **facts)
        gone += 1
    return gone


@transaction.atomic
def switch_top_up_on(
    *, account: CustomerAccount, amounts: Mapping[str, int], text: str, manner: Manner, by: User, now: datetime
) -> TopUp:
    """Take the mandate to charge the saved method by itself; other amounts are a mandate in place of the earlier one.

    `amounts`: amount, threshold and monthly_cap in whole cents. Raises `DomainError` without a saved method.
    """
    _lock(account)
    if not is_served(account, now=now):
        raise DomainError("not_served", _("The service has ended: nothing is charged by itself any more."))
    if not PaymentMethod.objects.of(account).standing().exists():
        raise DomainError("no_method", _("Save a payment method first: automatic top-up charges it."))
    if not 0 < amounts["amount"] <= amounts["monthly_cap"] or amounts["threshold"] <= 0:
        raise InvalidInput("monthly_cap", _("The monthly cap can’t be lower than one top-up."))
    words = shown_text(TOP_UP, text)
    ended = TopUp.objects.of(account).standing().update(ended_at=now)
    action = Action.RENEWED if ended else Action.GIVEN
    event = say(action, {TOP_UP: True}, subject_key=subject_of(account), text=words, manner=manner, now=now)
    top_up = TopUp.objects.create(account=account, event=event, created_at=now, **amounts)
    record(actor=by.key, verb="consent.mandate_given", target=_target(account), at=now, event=event, **amounts)
    return top_up


@transaction.atomic
def switch_top_up_off(*, account: CustomerAccount, language: str, manner: Manner, by: User, now: datetime) -> None:
    """Take the mandate back: nothing more is charged from this instant. A method that stayed for it alone goes."""
    _lock(account)
    if not TopUp.objects.of(account).standing().update(ended_at=now):
        raise DomainError("no_top_up", _("Automatic top-up is off."))
    words = current_text(TOP_UP, language)
    event = say(Action.WITHDRAWN, {TOP_UP: False}, subject_key=subject_of(account), text=words, manner=manner, now=now)
    for method in PaymentMethod.objects.of(account).exclude(withdrawn_at=None).select_for_update():
        _end(method, now=now)
    record(actor=by.key, verb="consent.mandate_revoked", target=_target(account), at=now, event=event)


def may_charge(account: CustomerAccount, *, now: datetime) -> TopUp | None:
    """The mandate under which billing may charge by itself; None once it was taken back, or the service has ended."""
    return TopUp.objects.of(account).standing().first() if is_served(account, now=now) else None


def is_served(account: CustomerAccount, *, now: datetime) -> bool:
    """Whether the account is in use: activated, and its service has not ended. From the first day of leaving on nothing
    is charged, whether or not the clock has looked at the departure."""
    if not CustomerAccount.objects.activated().filter(pk=account.pk).exists():
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT consent_service_ended(%s, %s)", [account.pk, now.astimezone(UTC).date()])
        return not cursor.fetchone()[0]


def has_method(account: CustomerAccount) -> bool:
    """Whether a payment method is saved with consent that stands."""
    return PaymentMethod.objects.of(account).standing().exists()


def keeps_for_top_up(account: CustomerAccount) -> bool:
    """Whether a withdrawn method is here for automatic top-up alone."""
    is_charged = TopUp.objects.of(account).standing().exists()
    return is_charged and not has_method(account) and PaymentMethod.objects.of(account).exists()


@transaction.atomic
def ask_for_authentication(*, account: CustomerAccount, reference: str, url: str, now: datetime) -> int:
    """The bank or the payment provider wants the customer to confirm a payment: whoever saved the method gets a mail
    with the provider's page, the account's owners where that person is gone. How many mails; the same `reference` asks
    once."""
    if not url.startswith("https://"):
        raise InvalidInput("url", "The page of the payment provider must be an https address.")
    method = PaymentMethod.objects.of(account).order_by("-created_at").first()
    if method is None:
        raise DomainError("no_method", _("No payment method is saved."))
    asked = [_ask(person, account, reference=reference, url=url, now=now) for person in _payers(method)]
    facts = {"reference": crypto.fingerprint(reference), "messages": sum(asked)}
    record(actor="system", verb="consent.authentication_asked", target=_target(account), at=now, **facts)
    return sum(asked)


def _payers(method: PaymentMethod) -> list[User]:
    members = Membership.objects.filter(account=method.account, user__is_active=True).select_related("user")
    saver = [one.user for one in members if one.user_id == method.saved_by]
    return saver or [one.user for one in members.owners()]


def _ask(person: User, account: CustomerAccount, **said: Any) -> bool:
    return notify(
        key=f"consent.authentication:{person.pk}:{crypto.fingerprint(said['reference'])[:32]}",
        to=person.email,
        template="consent/authentication",
        language=person.language,
        context={"url": said["url"], "account": account.name},
        now=said["now"],
        about=_target(account),
    )


def _lock(account: CustomerAccount) -> None:
    """Two owners, or one who clicks twice: one after the other."""
    CustomerAccount.objects.select_for_update().get(pk=account.pk)


def _target(account: CustomerAccount) -> str:
    return f"consent.account:{account.pk}"
