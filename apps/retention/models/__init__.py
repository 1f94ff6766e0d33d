"""Rules, what stops them, the sweeps that carry them out, and what is measured of all that."""

from apps.retention.models.accounts import ChosenPeriod, Departure, DepartureQuerySet
from apps.retention.models.holds import Hold, HoldQuerySet
from apps.retention.models.measurements import ClockReading, Measurement, Statistic
from apps.retention.models.rules import Rule, RuleChange, RuleQuerySet
from apps.retention.models.sweeps import Sweep, SweepBatch, SweepPause, SweepQuerySet, SweepTask

__all__ = [
    "ChosenPeriod",
    "ClockReading",
    "Departure",
    "DepartureQuerySet",
    "Hold",
    "HoldQuerySet",
    "Measurement",
    "Rule",
    "RuleChange",
    "RuleQuerySet",
    "Statistic",
    "Sweep",
    "SweepBatch",
    "SweepPause",
    "SweepQuerySet",
    "SweepTask",
]
