"""Rules, what stops them, the sweeps that carry them out, and what is measured of all that."""

from apps.retention.models.accounts import ChosenPeriod, Departure
from apps.retention.models.holds import Hold, HoldQuerySet
from apps.retention.models.measurements import ClockReading, Measurement, Statistic
from apps.retention.models.rules import Rule, RuleChange, RuleQuerySet
from apps.retention.models.sweeps import Sweep, SweepBatch, SweepQuerySet, SweepTask

__all__ = [
    "ChosenPeriod",
    "ClockReading",
    "Departure",
    "Hold",
    "HoldQuerySet",
    "Measurement",
    "Rule",
    "RuleChange",
    "RuleQuerySet",
    "Statistic",
    "Sweep",
    "SweepBatch",
    "SweepQuerySet",
    "SweepTask",
]
