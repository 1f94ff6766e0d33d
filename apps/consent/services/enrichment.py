"""Data from other sources about a person: an objection ends the keeping, not only the contact (CON-7)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from apps.consent.models import PROVIDER, Objection, Removal
from apps.consent.services.answers import Manner, current_text, say
from apps.consent.services.limits import note_objection, take_back
from apps.consent.services.removals import call_off_removals, order_removal
from apps.consent.services.subscriptions import _actor, _lock, stop_marketing
from apps.consent.states import ENRICHMENT, MARKETING, Action
from apps.core.crypto import lookup
from apps.core.identities import Identity

RULES = ("enrichment_prospect", "enrichment_customer")


@dataclass(frozen=True)
class Enrichment:
    """Where somebody stands: since when they object, and since when what was kept is gone (None: not yet)."""

    objected_at: datetime | None
    removed_at: datetime | None


def enrichment_of(identity: Identity) -> Enrichment:
    key = lookup(identity)
    objection = Objection.objects.of(PROVIDER, key).open().filter(purpose=ENRICHMENT).first()
    if objection is None:
        return Enrichment(None, None)
    removal = Removal.objects.about(key, ENRICHMENT).first()
    return Enrichment(objection.since, removal.done_at if removal else None)


@transaction.atomic
def object_to_enrichment(*, identities: Sequence[Identity], language: str, manner: Manner, now: datetime) -> bool:
    """Note the objection, which stands for good, and have what is kept removed from every store. False when it stood
    for all of them, and what was kept is gone or going.

    `identities`: what the person proved to hold, the e-mail address first.
    """
    key = lookup(identities[0])
    _lock(key)
    if _is_carried_through(identities):
        return False
    words = current_text(ENRICHMENT, language)
    event = say(Action.OBJECTED, {ENRICHMENT: False}, subject_key=key, text=words, manner=manner, now=now)
    said = {"scope": PROVIDER, "purpose": ENRICHMENT, "source": f"consent.event:{event}", "since": now}
    for one in identities:
        note_objection(subject_key=lookup(one), **said, actor=_actor(manner), now=now)  # type: ignore[arg-type]
    order_removal(purpose=ENRICHMENT, rules=RULES, identities=identities, event=event, now=now)
    return True


@transaction.atomic
def stop_all_marketing(*, identities: Sequence[Identity], language: str, manner: Manner, now: datetime) -> None:
    """Object to direct marketing in every form: data from other sources serves it, and is profiling for it, so its
    keeping ends as well (GDPR 21(2) and (3)). What stood already changes nothing.

    `identities`: what the person proved to hold, the e-mail address first.
    """
    said = {"language": language, "manner": manner, "now": now}
    stop_marketing(subject_key=lookup(identities[0]), purpose=MARKETING, **said)  # type: ignore[arg-type]
    object_to_enrichment(identities=identities, **said)  # type: ignore[arg-type]


def _is_carried_through(identities: Sequence[Identity]) -> bool:
    """Each of them is objected for, and a removal was ordered with the newest of these objections, or later."""
    keys = {lookup(one) for one in identities}
    standing = Objection.objects.of_any(PROVIDER, keys).open().filter(purpose=ENRICHMENT)
    since = {one.subject_key: one.since for one in standing}
    if keys - since.keys():
        return False
    ordered = Removal.objects.about(lookup(identities[0]), ENRICHMENT).exclude(error_code="called_off")
    return ordered.filter(asked_at__gte=max(since.values())).exists()


@transaction.atomic
def allow_enrichment(*, identities: Sequence[Identity], language: str, manner: Manner, now: datetime) -> bool:
    """Take the objection back, and for this purpose the one to all direct marketing, where it stands. What was removed
    does not come back. False when none stood."""
    keys = [lookup(one) for one in identities]
    _lock(keys[0])
    standing = [one for one in Objection.objects.of_any(PROVIDER, keys).open() if one.reaches(ENRICHMENT)]
    if not any(one.purpose == ENRICHMENT for one in standing):
        return False
    take_back(standing, to_allow=ENRICHMENT, actor=_actor(manner), now=now)
    call_off_removals(purpose=ENRICHMENT, lookup=keys[0], now=now)
    words = current_text(ENRICHMENT, language)
    say(Action.GIVEN, {ENRICHMENT: True}, subject_key=keys[0], text=words, manner=manner, now=now)
    return True
