"""The internal record of one act: what both forms of a receipt are written from."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils.translation import override

from apps.consent.models import Event, Text
from apps.consent.receipts.facts import COOKIES, Facts, Recipient, facts_of, ordered, recipients_of, words_for
from apps.consent.states import Action, Basis, Method
from apps.core.crypto import pseudonym

GIVEN = frozenset({"ConsentGiven", "RenewedConsentGiven"})
ENDED = frozenset({"Withdrawn", "MandateRevoked", "Objected"})
DENIED = frozenset({"Refused", "MandateRefused"})
YES = {Basis.CONSENT: "ConsentGiven", Basis.MANDATE: "MandateGiven", Basis.INTEREST: "NotObjected"}
NO = {Basis.CONSENT: "Refused", Basis.MANDATE: "MandateRefused", Basis.INTEREST: "Objected"}
TAKEN_BACK = {Basis.CONSENT: "Withdrawn", Basis.MANDATE: "MandateRevoked", Basis.INTEREST: "Objected"}


@dataclass(frozen=True)
class Step:
    """One thing that happened to a consent: `states` says for each purpose what holds since. `event`: None where it
    ended by itself."""

    at: datetime
    states: Mapping[str, str]
    event: Event | None


@dataclass(frozen=True)
class Record:
    """An act with what it followed from and what followed from it."""

    event: Event
    text: Text | None
    facts: Mapping[str, Facts]
    titles: Mapping[str, str]
    recipients: tuple[Recipient, ...]
    steps: tuple[Step, ...]
    provider: Mapping[str, object]
    base_url: str

    @property
    def id(self) -> uuid.UUID:
        """Of the record: that of the act it began with."""
        first = self.steps[0].event
        return as_uuid4(first.id if first else self.event.id)

    @property
    def receipt_id(self) -> uuid.UUID:
        return as_uuid4(self.event.id)

    @property
    def states(self) -> Mapping[str, str]:
        """What the act itself said, purpose by purpose."""
        return next(step.states for step in self.steps if step.event is self.event)

    @property
    def method(self) -> str:
        """By which control, in the language of the words shown."""
        with override(self.event.language):
            return str(Method(self.event.method).label)

    @property
    def principal(self) -> str:
        return principal_of(self.event.subject_key)

    @property
    def is_cookies(self) -> bool:
        return self.event.scope.startswith(COOKIES)

    @property
    def withdrawal_url(self) -> str:
        return f"{self.base_url}{'/cookies/' if self.is_cookies else '/preferences/'}"


def principal_of(subject_key: str) -> str:
    """A stand-in for the subject, the same in all of its receipts: a receipt that is shown around names nobody."""
    return f"sub_{pseudonym(subject_key, purpose='receipt')}"


def as_uuid4(event: uuid.UUID) -> uuid.UUID:
    """Both forms ask for a UUID of version 4. Only the digit of the version changes: `event_of` finds the way back."""
    return uuid.UUID(int=event.int & ~(0xF << 76) | 0x4 << 76)


def event_of(identifier: uuid.UUID) -> uuid.UUID:
    """The event that an id of a receipt stands for."""
    return uuid.UUID(int=identifier.int & ~(0xF << 76) | 0x7 << 76)


def record_of(event: Event, *, now: datetime) -> Record:
    """Everything a receipt of this act says."""
    facts = facts_of(event)
    text = Text.objects.filter(digest=event.text).first()
    names = {name for fact in facts.values() for name in fact.recipients}
    return Record(
        event=event,
        text=text,
        facts=facts,
        titles={key: words_for(text, key) for key in facts},
        recipients=tuple(recipients_of(names, on=event.at.date())) if names else (),
        steps=tuple(_steps(event, facts, now=now)),
        provider=settings.PROVIDER,
        base_url=settings.BASE_URL,
    )


def _steps(event: Event, facts: Mapping[str, Facts], *, now: datetime) -> list[Step]:
    """What the act took back, the act, and what ended it: another act, or the end of its validity."""
    same = Event.objects.about_same(event)
    before = same.filter(at__lt=event.at).order_by("-at", "-id").first()
    after = same.filter(at__gt=event.at).order_by("at", "id").first()
    own = Step(event.at, _states(event, facts, before), event)
    steps = [own]
    if before and ENDED & set(own.states.values()):
        steps.insert(0, Step(before.at, _states(before, facts, None), before))
    stands = any(state not in ENDED | DENIED for state in own.states.values())
    if not stands:
        return steps  # what is said later begins a record of its own
    if after:
        steps.append(Step(after.at, _states(after, facts, event), after))
    elif event.ended_at and event.at < event.ended_at <= now:
        given = {key: "Expired" for key, state in own.states.items() if state in GIVEN}
        steps += [Step(event.ended_at, given, None)] if given else []
    return steps


def alone(event: Event, bases: Mapping[str, str]) -> dict[str, str]:
    """What an act says by itself, whatever was said before; `bases`: purpose -> legal basis, consent where none is."""
    facts = {key: Facts(basis=bases.get(key, Basis.CONSENT)) for key in ordered(event)}
    return _states(event, facts, None)


def _states(event: Event, facts: Mapping[str, Facts], before: Event | None) -> dict[str, str]:
    """What an act says about each of these purposes, in the words of ISO/IEC TS 27560 where they are about consent."""
    found = {}
    for key in (key for key in facts if key in event.choices):
        basis = Basis(facts[key].basis)
        if event.choices[key]:
            is_renewal = event.action == Action.RENEWED and basis == Basis.CONSENT
            found[key] = "RenewedConsentGiven" if is_renewal else YES[basis]
        else:
            found[key] = TAKEN_BACK[basis] if _takes_back(event, key, before) else NO[basis]
    return found


def _takes_back(event: Event, key: str, before: Event | None) -> bool:
    """Whether a no ends a yes. Of several purposes withdrawn in one act, those that were never given were refused."""
    if before and before.choices.get(key):
        return True
    is_alone = before is None or key not in before.choices or len(event.choices) == 1
    return event.action == Action.WITHDRAWN and is_alone
