"""Purposes and texts, events and states, restrictions and objections, and what rests on them."""

from apps.consent.models.events import PROVIDER, Event, Range, State
from apps.consent.models.finance import PaymentMethod, TopUp
from apps.consent.models.limits import Objection, Restriction
from apps.consent.models.purposes import Purpose, Served, Text
from apps.consent.models.subscriptions import Removal, Subscription

__all__ = [
    "PROVIDER",
    "Event",
    "Objection",
    "PaymentMethod",
    "Purpose",
    "Range",
    "Removal",
    "Restriction",
    "Served",
    "State",
    "Subscription",
    "Text",
    "TopUp",
]
