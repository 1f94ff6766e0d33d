"""How the register reads: rows of the list, and the history of an entry, in the active language."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from apps.core.countries import country_name
from apps.core.differences import Difference, compare
from apps.core.timeline import Event
from apps.ledger.models import Entry
from apps.ledger.services import sentence
from apps.processors.models import Engagement


@dataclass(frozen=True)
class Row:
    """One engagement as a page or a file shows it."""

    engagement: Engagement
    name: str
    location: str
    mechanism: str
    mechanism_note: str
    service: str
    role: str
    standing: str
    tone: str
    url: str = ""  # of the entry, for those who read the register


def describe(engagement: Engagement, *, today: date, url: str = "") -> Row:
    """A row of the list; `engagement.processor` should be fetched."""
    note, lapsed = _mechanism_note(engagement, today)
    return Row(
        engagement=engagement,
        name=engagement.processor.name,
        location=_location(engagement),
        mechanism=engagement.get_mechanism_display() if engagement.mechanism else _no_mechanism(engagement),
        mechanism_note=note,
        service=engagement.service,
        role=str(engagement.get_capacity_display()),
        standing=_standing(engagement, lapsed),
        tone="grey" if not engagement.is_verified else "red" if lapsed else "green",
        url=url,
    )


def _location(engagement: Engagement) -> str:
    place = country_name(engagement.country)
    if not engagement.remote_country:
        return place
    told = {"country": place, "remote": country_name(engagement.remote_country)}
    return _("%(country)s; accessed from %(remote)s") % told


def _no_mechanism(engagement: Engagement) -> str:
    return _("None") if engagement.countries_abroad else _("Not needed: inside the EEA")


def _mechanism_note(engagement: Engagement, today: date) -> tuple[str, bool]:
    """What to say of the mechanism today, and whether it does not carry. That one carries is said of no row."""
    standing = engagement.standing(on=today)
    if standing.carries:
        return "", False
    if standing.code == "lapsed":
        return _("lapsed: valid until %(day)s") % {"day": _day(standing.on)}, True
    if standing.code == "not_yet":
        return _("valid from %(day)s") % {"day": _day(standing.on)}, True
    return _("does not carry this transfer"), True


def _standing(engagement: Engagement, lapsed: bool) -> str:
    if engagement.is_draft:
        return _("Draft")
    if not engagement.is_verified:
        return _("Stated in %(year)s, not verified since") % {"year": engagement.stated_in}
    if lapsed:
        return _("Transfer mechanism lapsed")
    return _("Approved on %(day)s") % {"day": _day(engagement.approved_at)}


def _day(day: date | datetime | None) -> str:
    return date_format(day, "j F Y") if day else ""


def history(versions: Iterable[Engagement], entries: Iterable[Entry], names: Mapping[str, str]) -> list[Event]:
    """What the ledger says of an entry, newest first, with what each version changed. `names`: actor -> who to show."""
    stored = {version.version: version for version in versions}
    return [
        Event(
            at=entry.at,
            text=sentence(entry),
            who=names.get(entry.actor, entry.actor),
            note="; ".join(_changes(stored, entry)),
        )
        for entry in sorted(entries, key=lambda entry: entry.id, reverse=True)
    ]


@dataclass(frozen=True)
class Rewording:
    """A text that a version changed, word by word."""

    version: int
    label: str
    difference: Difference


def rewordings(versions: Iterable[Engagement]) -> list[Rewording]:
    """Of each version but the first the texts that it changed, the newest first."""
    ordered = sorted(versions, key=lambda version: version.version)
    found = [
        Rewording(new.version, _label(name), compare(getattr(old, name), getattr(new, name)))
        for old, new in pairwise(ordered)
        for name in ("service", "note")
        if getattr(old, name) != getattr(new, name)
    ]
    return sorted(found, key=lambda each: each.version, reverse=True)


def _changes(stored: Mapping[int, Engagement], entry: Entry) -> Iterator[str]:
    version = stored.get(entry.facts.get("version", 0))
    if entry.verb != "processors.drafted" or version is None:
        return
    before = stored.get(version.version - 1)
    for label, value, old in _facts(version, before):
        if old is None:
            yield f"{label}: {value}"
        elif old != value:
            yield _("%(label)s: %(old)s → %(new)s") % {"label": label, "old": old or "–", "new": value or "–"}


def _facts(version: Engagement, before: Engagement | None) -> Iterator[tuple[Any, str, str | None]]:
    yield _("Company"), version.processor.name, before.processor.name if before else None
    for name in Engagement.CONTENT:
        yield _label(name), _shown(version, name), _shown(before, name) if before else None


def _label(name: str) -> str:
    return str(getattr(Engagement, name).field.verbose_name).capitalize()


def _shown(engagement: Engagement, name: str) -> str:
    value = getattr(engagement, name)
    if name.endswith("country"):
        return country_name(value) if value else ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    display = getattr(engagement, f"get_{name}_display", None)
    return str(display()) if display else value
