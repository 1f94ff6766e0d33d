"""Legal holds: placing one, lifting it, looking after it. A hold wins against whatever erases at that instant."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from dateutil.relativedelta import relativedelta
from django.db import connection, transaction
from django.utils import formats, translation
from django.utils.translation import gettext as _

from apps.accounts.models import CustomerAccount, User
from apps.accounts.states import Role
from apps.core import clock, crypto
from apps.core.errors import DomainError, InvalidInput
from apps.core.identities import Identity, IdentityType
from apps.datamap import guards
from apps.datamap import services as datamap
from apps.ledger.services import record
from apps.notifications.services import notify
from apps.retention import holding, policies
from apps.retention.models import Hold, SweepTask
from apps.retention.signals import hold_asked_about, hold_lifted
from apps.retention.states import HoldReason, LiftReason, RevealReason

REVIEW_WITHIN = relativedelta(months=12)
ALERT_STEPS = (14, 7, 1)
SHOWN_SWEEPS = 20


# One form only: stores that hold numbers would find account 1001 under +1001 too, the portal's own tables would not.
ACCOUNT = re.compile(r"0|[1-9][0-9]*|[A-Za-z_][A-Za-z0-9_.:-]*")


@dataclass(frozen=True)
class HoldScope:
    """What a hold is about; each part that is given narrows the rest. `account` is the platform's id."""

    identities: tuple[Identity, ...] = ()
    account: str = ""
    collections: tuple[str, ...] = ()
    from_on: date | None = None
    until_on: date | None = None

    @property
    def digest(self) -> str:
        """Keyed, so that nothing of a person can be read from it."""
        return crypto.fingerprint(repr(self))

    def __bool__(self) -> bool:
        return bool(self.identities or self.account or self.collections or self.from_on or self.until_on)


@dataclass(frozen=True)
class Skipped:
    """Rows of one collection that a sweep left alone because of a hold."""

    day: date
    collection: str
    count: int


@transaction.atomic
def place_hold(
    *, scope: HoldScope, reason: str, words: str, owner: User, review_on: date, by: User, now: datetime
) -> Hold:
    """Nothing in the scope is erased or swept from the instant this commits on.

    It waits for the erasure or the batch in flight (under the lock that those share), and every later one reads it:
    so either all of an erasure was done before, or nothing of it happens (T44). Raises `InvalidInput`.
    """
    written = _checked(scope, reason=reason, words=words, owner=owner, review_on=review_on, now=now)
    guards.take_hold_lock()
    hold = _draft(scope, words=written)
    hold.reference = _next_reference(now)
    hold.reason, hold.owner, hold.review_on = reason, owner, review_on
    hold.placed_by, hold.placed_at = by.key, now
    hold.save(force_insert=True)
    # The account stays out of the evidence: the number of a person who trades alone is that person's.
    record(actor=by.key, verb="hold.placed", target=hold, at=now, reference=hold.reference, reason=reason,
           identities=len(scope.identities), of_account=bool(scope.account), collections=len(scope.collections),
           from_on=scope.from_on, until_on=scope.until_on, owner=owner.key, review_on=review_on)  # fmt: skip
    return hold


@transaction.atomic
def lift_hold(hold: Hold, *, why: str, by: User, now: datetime) -> Hold:
    """What it stopped goes on: waiting erasures are due at once, and the next sweep takes the rows by itself.

    Raises `InvalidInput`, and `DomainError` when it was lifted before.
    """
    if why not in LiftReason.values:
        raise InvalidInput("why", _("Choose why the hold ends."))
    locked = _standing(hold)
    locked.lifted_by, locked.lifted_at = by.key, now
    locked.save(update_fields=["lifted_by", "lifted_at"])
    record(actor=by.key, verb="hold.lifted", target=locked, at=now, reference=locked.reference, why=why)
    hold_lifted.send(sender=Hold, hold=locked, now=now)
    return locked


@transaction.atomic
def extend_review(hold: Hold, *, review_on: date, by: User, now: datetime) -> Hold:
    """It was reviewed and still stands: look again on another day. Raises `InvalidInput`, `DomainError`."""
    _check_review(review_on, now=now)
    locked = _standing(hold)
    before, locked.review_on = locked.review_on, review_on
    locked.save(update_fields=["review_on"])
    record(actor=by.key, verb="hold.reviewed", target=locked, at=now, reference=locked.reference,
           before_on=before, review_on=review_on)  # fmt: skip
    return locked


@transaction.atomic
def reveal_hold(hold: Hold, *, reason: str, by: User, now: datetime) -> tuple[str, tuple[Identity, ...]]:
    """The reason in words and whom it is about, for a reason: its code goes to the ledger."""
    if reason not in RevealReason.values:
        raise InvalidInput("reason", _("Choose a reason."))
    record(actor=by.key, verb="hold.revealed", target=hold, at=now, reference=hold.reference, reason=reason)
    return hold.why, hold.people


def count_covered(scope: HoldScope) -> dict[str, int | None]:
    """How many rows of each collection a hold would cover now, by base key; None where a store can't be reached."""
    draft = _draft(scope, words="")
    return datamap.count_where(lambda store, collection: holding.covers(draft, store, collection))


def skipped_in_sweeps(hold: Hold) -> list[Skipped]:
    """What the last sweeps left alone because of this hold, the latest first."""
    tasks = SweepTask.objects.filter(kept__contains=[{"ground": hold.reference}]).select_related("sweep")
    return [
        Skipped(task.sweep.day, task.collection, line["count"])
        for task in tasks.order_by("-sweep__day", "place")[:SHOWN_SWEEPS]
        for line in task.kept
        if line.get("ground") == hold.reference
    ]


def stopped_elsewhere(hold: Hold) -> list[tuple[str, int]]:
    """What apps above say that this hold has stopped: `(words, count)`."""
    answers: list[tuple[Any, Any]] = hold_asked_about.send(sender=Hold, hold=hold)
    return [(str(words), int(count)) for _receiver, answer in answers for words, count in answer]


# --- reviews ------------------------------------------------------------------------------------------


def holds_to_alert(*, now: datetime) -> list[Hold]:
    """Standing holds within the longest step before their review, or past it."""
    horizon = clock.local_date(now) + timedelta(days=max(ALERT_STEPS))
    return list(Hold.objects.to_review(by=horizon).for_list().order_by("review_on", "pk"))


@transaction.atomic
def alert_hold_owner(hold: Hold, *, now: datetime) -> bool:
    """Tell the owner 14, 7 and 1 days before the review, and when it is overdue; each once. True when this call did.

    A step missed while the portal stood still is not caught up: the nearest one counts.
    """
    left = (hold.review_on - clock.local_date(now)).days
    step = "overdue" if left < 0 else next((str(days) for days in sorted(ALERT_STEPS) if left <= days), None)
    told = [_tell(person, hold, step, now=now) for person in _responsible(hold)] if step else []
    if not any(told):
        return False
    record(actor="system", verb="hold.alerted", target=hold, at=now, reference=hold.reference,
           step=step, review_on=hold.review_on)  # fmt: skip
    return True


def _responsible(hold: Hold) -> Iterable[User]:
    """The owner; every officer once the owner can't look after it any more."""
    if policies.can_place_hold(hold.owner):
        return [hold.owner]
    return User.objects.filter(is_active=True, staff_roles__role=Role.OFFICER).order_by("pk")


def _tell(person: User, hold: Hold, step: str, *, now: datetime) -> bool:
    with translation.override(person.language):
        day = formats.date_format(hold.review_on, "DATE_FORMAT")
    return notify(
        key=f"retention.hold_review:{hold.pk}:{person.pk}:{hold.review_on}:{step}",
        to=person.email,
        template="retention/hold_review",
        language=person.language,
        context={"reference": hold.reference, "review_on": day, "step": step},
        now=now,
    )


# --- parts ---------------------------------------------------------------------------------------------


def _checked(scope: HoldScope, *, reason: str, words: str, owner: User, review_on: date, now: datetime) -> str:
    """The reason's words, once everything else is right. Raises `InvalidInput`."""
    if reason not in HoldReason.values:
        raise InvalidInput("reason", _("Choose a reason."))
    written = words.strip()
    if not written:
        raise InvalidInput("words", _("Write why this must stay."))
    if not policies.can_place_hold(owner):
        raise InvalidInput("owner", _("Choose an officer who looks after this hold."))
    _check_review(review_on, now=now)
    check_scope(scope)
    return written


def _check_review(review_on: date, *, now: datetime) -> None:
    today = clock.local_date(now)
    if review_on <= today:
        raise InvalidInput("review_on", _("Choose a day that is still to come."))
    if review_on > today + REVIEW_WITHIN:
        raise InvalidInput("review_on", _("Review a hold within twelve months: choose an earlier day."))


def check_scope(scope: HoldScope) -> None:
    """It is about something, and about what exists. Raises `InvalidInput`: a mistyped part must not hold nothing."""
    if not scope:
        raise InvalidInput("scope", _("Say what must stay: a person, an account, kinds of data or a period."))
    known = {one.base_key for one in datamap.mapped_collections() if not one.skipped}
    if unknown := [key for key in scope.collections if key not in known]:
        raise InvalidInput("collections", _("There is no collection “%(key)s” on the map.") % {"key": unknown[0]})
    if scope.from_on and scope.until_on and scope.until_on < scope.from_on:
        raise InvalidInput("until_on", _("The last day is before the first."))
    if scope.account and not (ACCOUNT.fullmatch(scope.account) and _is_known(scope.account)):
        raise InvalidInput("account", _("No customer account has this number."))


def _is_known(account: str) -> bool:
    """A customer of the portal, or an account that some store knows by that number."""
    if CustomerAccount.objects.filter(platform_account_id=account).exists():
        return True
    identity = (Identity(IdentityType.ACCOUNT_ID, account),)
    return bool(datamap.count_where(lambda store, each: datamap.person_predicate(store, each, identity)))


def _draft(scope: HoldScope, *, words: str) -> Hold:
    hold = Hold(
        account=scope.account, collections=list(scope.collections), from_on=scope.from_on, until_on=scope.until_on
    )
    hold.seal(words=words, identities=scope.identities)
    return hold


def _standing(hold: Hold) -> Hold:
    locked = Hold.objects.select_for_update(of=("self",)).get(pk=hold.pk)
    if locked.lifted_at is not None:
        raise DomainError("hold_lifted", _("This hold was lifted already."))
    return locked


def _next_reference(now: datetime) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('retention_hold_reference')")
        (number,) = cursor.fetchone()
    return f"LH-{clock.local_date(now).year}-{number:06d}"
