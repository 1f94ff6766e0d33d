"""Restrictions and objections: what no consent gets round, from the instant they are noted until they are lifted."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from apps.consent.models import PROVIDER, Objection, Restriction
from apps.consent.states import ENRICHMENT, Ground
from apps.core.errors import DomainError, InvalidInput
from apps.ledger.services import record


@transaction.atomic
def restrict_subject(
    *, scope: str, subject_key: str, ground: str, actor: str, now: datetime, source: str = ""
) -> tuple[Restriction, bool]:
    """From now on data of this subject is stored and nothing else (GDPR 18). False beside it when it stood already.

    `source`: what it came from, as the ledger names it.
    """
    if ground not in Ground.values:
        raise InvalidInput("ground", _("Choose a ground."))
    restriction, is_new = Restriction.objects.get_or_create(
        scope=scope, subject_key=subject_key, ground=ground, lifted_at=None, defaults={"since": now, "source": source}
    )
    if is_new:
        record(
            actor=actor,
            verb="consent.restricted",
            target=restriction,
            at=now,
            ground=str(ground),
            source=source or None,
        )
    return restriction, is_new


@transaction.atomic
def lift_restriction(restriction: Restriction, *, notice: str, actor: str, now: datetime) -> bool:
    """The data may be used again; the person was told before that (GDPR 18(3)): `notice` names the message, as the
    ledger does. False when it was lifted already."""
    if not notice:
        raise DomainError("restriction.untold", _("Tell the person first: a restriction is lifted only with notice."))
    if not Restriction.objects.open().filter(pk=restriction.pk).update(lifted_at=now):
        return False
    record(actor=actor, verb="consent.restriction_lifted", target=restriction, at=now, notice=notice)
    return True


@transaction.atomic
def object_to_purpose(
    *,
    scope: str,
    subject_key: str,
    purpose: str,
    actor: str,
    now: datetime,
    source: str = "",
    since: datetime | None = None,
) -> tuple[Objection, bool]:
    """The subject objects to a purpose, or to all direct marketing (`states.MARKETING`), which ends at this instant and
    is weighed against nothing (GDPR 21(3)). False beside it when it stood already. `since`: said earlier elsewhere.

    An objection to data from other sources ends the keeping too (CON-7), which a keyed hash can't bring about: it goes
    through `enrichment.object_to_enrichment`. Raises `ValueError` for any other way.
    """
    if (scope, purpose) == (PROVIDER, ENRICHMENT):
        raise ValueError("An objection to enrichment without its removal would end the contact only.")
    said = {"scope": scope, "subject_key": subject_key, "purpose": purpose, "source": source}
    return note_objection(**said, since=since or now, actor=actor, now=now)


def note_objection(
    *, scope: str, subject_key: str, purpose: str, source: str, since: datetime, actor: str, now: datetime
) -> tuple[Objection, bool]:
    """Write an objection down, with its ledger line; in the transaction of what follows from it."""
    objection, is_new = Objection.objects.get_or_create(
        scope=scope,
        subject_key=subject_key,
        purpose=purpose,
        lifted_at=None,
        defaults={"since": since, "source": source},
    )
    if not is_new and objection.except_for:  # said again, it is to all of it once more
        objection.except_for = []
        objection.save(update_fields=["except_for"])
        is_new = True
    if is_new:
        record(actor=actor, verb="consent.objected", target=objection, at=now, purpose=purpose, source=source or None)
    return objection, is_new


@transaction.atomic
def except_from_objection(objection: Objection, *, purpose: str, actor: str, now: datetime) -> None:
    """Who objected to all direct marketing asks for one purpose of it: that one goes on, and the objection stands for
    every other, those that are added later too (GDPR 21(3))."""
    objection.except_for = sorted({*objection.except_for, purpose})
    objection.save(update_fields=["except_for"])
    record(actor=actor, verb="consent.objection_narrowed", target=objection, at=now, purpose=purpose)


@transaction.atomic
def lift_objection(objection: Objection, *, actor: str, now: datetime) -> bool:
    """The subject takes it back, or it was weighed and did not prevail. False when it was lifted already."""
    if not Objection.objects.open().filter(pk=objection.pk).update(lifted_at=now):
        return False
    record(actor=actor, verb="consent.objection_lifted", target=objection, at=now, purpose=objection.purpose)
    return True


def take_back(standing: Iterable[Objection], *, to_allow: str, actor: str, now: datetime) -> None:
    """Who objected to all direct marketing and asks for one purpose gets it, and nothing else (GDPR 21(3))."""
    for one in standing:
        if one.purpose == to_allow:
            lift_objection(one, actor=actor, now=now)
        else:
            except_from_objection(one, purpose=to_allow, actor=actor, now=now)
