"""Purposes and texts, events and states, restrictions and objections."""

from apps.consent.models.events import PROVIDER, Event, Range, State
from apps.consent.models.limits import Objection, Restriction
from apps.consent.models.purposes import Purpose, Served, Text

__all__ = ["PROVIDER", "Event", "Objection", "Purpose", "Range", "Restriction", "Served", "State", "Text"]
