"""One subject's history as officers read it, and under which keys an identity may have one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from apps.accounts.models import CustomerAccount, User
from apps.consent.models import PROVIDER, Event, Objection, Restriction, State
from apps.consent.presentation.rates import titles_of
from apps.consent.receipts.shown import show_all
from apps.consent.services import with_texts
from apps.consent.states import MARKETING
from apps.core import crypto
from apps.core.identities import Identity, IdentityType
from apps.core.pages import keyset_page

NEWEST = ("-at", "-id")


@dataclass(frozen=True)
class Candidate:
    """A key under which something may be kept, whose it is in words, and how many acts are."""

    key: str
    what: str
    count: int


def candidates(said: dict[str, Any]) -> list[Candidate]:
    """The keys that what an officer typed may stand for: one query for all of them."""
    identity = said.get("identity")
    named = _keys_of(identity) if identity else {said["value"]: _("The key itself")}
    counted = (
        Event.objects.ours().filter(subject_key__in=named).order_by().values_list("subject_key").annotate(Count("id"))
    )
    counts = dict(counted)
    return [Candidate(key, what, counts.get(key, 0)) for key, what in named.items()]


def _keys_of(identity: Identity) -> dict[str, str]:
    found = {crypto.lookup(identity): _("Whoever has this identifier")}
    if identity.type in (IdentityType.EMAIL, IdentityType.PHONE_NUMBER):
        column = "email" if identity.type is IdentityType.EMAIL else "phone_number"
        people = User.objects.filter(**{f"{column}__iexact": identity.value})
        found |= {person.key: _("Somebody who signs in with it") for person in people}
    if identity.type is IdentityType.ACCOUNT_ID:
        accounts = CustomerAccount.objects.filter(platform_account_id=identity.value)
        found |= {f"account:{account.pk}": _("The customer account itself") for account in accounts}
    return found


def page(key: str, *, cursor: str | None, now: datetime) -> dict[str, Any]:
    """What holds now, what no consent gets round, and the acts, the newest first."""
    rows = keyset_page(Event.objects.ours().filter(subject_key=key), order=NEWEST, cursor=cursor)
    acts = show_all(with_texts(rows.rows), now=now)
    states = list(State.objects.ours().filter(subject_key=key).order_by("scope", "purpose"))
    objections = list(Objection.objects.ours().filter(subject_key=key).order_by("-since"))
    purposes = {state.purpose for state in states} | {objection.purpose for objection in objections}
    purposes.update(*(objection.except_for for objection in objections))
    names = titles_of(purposes) | {MARKETING: _("Direct marketing")}
    return {
        "key": key,
        "page": rows,
        "acts": [(act, scope_in_words(act.event.scope), _ends(act.event, now=now)) for act in acts],
        "states": [(names[state.purpose], state) for state in states],
        "restrictions": list(Restriction.objects.ours().filter(subject_key=key).order_by("-since")),
        "objections": [(names[one.purpose], [names[key] for key in one.except_for], one) for one in objections],
    }


def _ends(event: Event, *, now: datetime) -> str:
    """Whether it holds, told to somebody else than whose it is."""
    if event.ended_at is None:
        return _("Holds")
    if event.ended_at == event.at:
        return ""  # nothing goes on under a no
    day = date_format(event.ended_at, "DATE_FORMAT")
    return (
        _("Holds until %(day)s") % {"day": day} if event.is_in_force(at=now) else _("Held until %(day)s") % {"day": day}
    )


def scope_in_words(scope: str) -> str:
    if scope == PROVIDER:
        return _("To us")
    return _("Cookies of the site “%(site)s”") % {"site": scope.partition(":")[2]}
