"""Deadlines of the law and of the contract: pure functions of dates, each result explaining itself step by step.

Sources: GDPR 12(3); Regulation (EEC, Euratom) 1182/71; EDPB Guidelines 01/2022; UK GDPR 12A; and the conventions that
the articles beside each rule leave open. Nothing here reads the clock, the database or the active language, except
`explain`, which puts steps into words.
"""

from apps.core.deadlines.calendars import Calendar, calendar_of, working_days_after
from apps.core.deadlines.regimes import JURISDICTIONS, local_date
from apps.core.deadlines.rules import (
    CONTRACT_DAYS,
    DOUBT_WORKING_DAYS,
    RELAY_WORKING_DAYS,
    Deadline,
    Pause,
    Step,
    contract_due,
    due,
)
from apps.core.deadlines.words import explain

__all__ = [
    "CONTRACT_DAYS",
    "DOUBT_WORKING_DAYS",
    "JURISDICTIONS",
    "RELAY_WORKING_DAYS",
    "Calendar",
    "Deadline",
    "Pause",
    "Step",
    "calendar_of",
    "contract_due",
    "due",
    "explain",
    "local_date",
    "working_days_after",
]
