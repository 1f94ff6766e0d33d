"""What a receipt says about each purpose: from the register of purposes, or from the app whose purposes they are."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from apps.consent.models import Event, Purpose, Text
from apps.consent.states import MARKETING, Basis
from apps.processors.models import Engagement

COOKIES = "site:"
DEVICE = ("user.device.cookie_id", "user.behavior")
CATEGORIES = ("performance", "functional", "marketing")  # of cookies, in the order of every page


@dataclass(frozen=True)
class Facts:
    """What a purpose means. `recipients`: names in the register of processors; `validity`: ISO 8601, "" until
    withdrawn."""

    basis: str = Basis.CONSENT
    data_categories: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    validity: str = ""
    is_marketing: bool = False


@dataclass(frozen=True)
class Recipient:
    """A company that gets the data, as the register says it on the day of the act."""

    name: str
    country: str
    capacity: str


# No purpose of the register: what an objection to all of them is about.
ALL_MARKETING = Facts(basis=Basis.INTEREST, is_marketing=True)

Source = Callable[[Event], Mapping[str, Facts]]
_sources: dict[str, Source] = {}


def tell_facts(prefix: str, source: Source) -> None:
    """Let an app higher on the ladder say what the purposes of its scopes mean (the cookie register its categories)."""
    _sources[prefix] = source


def facts_of(event: Event) -> dict[str, Facts]:
    """Each purpose of an event with its facts."""
    source = _sources.get(event.scope.partition(":")[0] + ":")
    told = dict(source(event)) if source else {}
    if event.scope.startswith(COOKIES):
        known = {key: Facts(data_categories=DEVICE, is_marketing=key == "marketing") for key in CATEGORIES}
    else:
        registered = Purpose.objects.filter(key__in=event.choices)
        known = {MARKETING: ALL_MARKETING, **{purpose.key: _from_register(purpose) for purpose in registered}}
    return {key: told.get(key) or known.get(key) or Facts() for key in ordered(event)}


def ordered(event: Event) -> list[str]:
    """The purposes of an event, always in the same order: the database keeps none."""
    return [*(key for key in CATEGORIES if key in event.choices), *sorted(event.choices.keys() - set(CATEGORIES))]


def bases_of(events: Iterable[Event]) -> dict[str, str]:
    """The legal basis of each purpose that these events are about: one query, however many they are."""
    keys = {key for event in events for key in event.choices}
    registered = Purpose.objects.filter(key__in=keys).values_list("key", "basis")
    return {MARKETING: ALL_MARKETING.basis, **dict(registered)}


def _from_register(purpose: Purpose) -> Facts:
    return Facts(
        basis=purpose.basis,
        data_categories=tuple(purpose.data_categories),
        recipients=tuple(purpose.recipients),
        validity=purpose.validity,
        is_marketing=purpose.is_marketing,
    )


def recipients_of(names: set[str], *, on: date) -> list[Recipient]:
    """These companies as they stood in the register on a day, or stand there now; unknown ones by their name alone."""
    then = Engagement.objects.in_force(on=on).filter(processor__name__in=names)
    now = Engagement.objects.published().filter(processor__name__in=names)
    found: dict[str, Recipient] = {}
    for engagement in [*then.select_related("processor"), *now.select_related("processor")]:
        name = engagement.processor.name
        found.setdefault(name, Recipient(name, engagement.country, engagement.capacity))
    return [found.get(name) or Recipient(name, "", "") for name in sorted(names)]


def words_for(text: Text | None, purpose: str) -> str:
    """How the words shown called a purpose; its key where they are not here."""
    body: dict[str, Any] = text.body if text else {}
    categories = body.get("categories")
    own = categories.get(purpose) if isinstance(categories, Mapping) else None
    own = own if own is not None else body.get(purpose)
    if own is None and text and text.notice == purpose:
        own = body
    if isinstance(own, Mapping):
        own = own.get("title") or own.get("name")
    return own if isinstance(own, str) and own else purpose
