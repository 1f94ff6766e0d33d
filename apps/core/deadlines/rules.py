"""When an answer is due, and why: the date, the instant at which it ends, and the steps that lead there."""

import calendar as months
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.utils.translation import gettext as _

from apps.core.deadlines.calendars import DAY, Calendar, calendar_of, named_sunday, working_days_after
from apps.core.deadlines.regimes import Regime, local_date, regime_of
from apps.core.errors import InvalidInput

PERIOD_MONTHS = 1
EXTENDED_MONTHS = 3  # from receipt, never the first deadline and two months more
DOUBT_WORKING_DAYS = 3
"""A doubt about identity stops the clock only if asked without undue delay (EDPB 01/2022, 159): in so many days."""
RELAY_WORKING_DAYS = 2
"""An end user's request is sent to the customers concerned within so many working days."""
CONTRACT_DAYS = 10
"""A customer's instruction is carried out within so many calendar days, unless its contract says otherwise."""
CONTRACT_ARTICLE = "GDPR, Article 28(3)"


@dataclass(frozen=True)
class Pause:
    """The clock stood still: an officer asked on one day, the answer came on another. Local dates.

    Kinds: `identity_eu`, `clarification_eu` (access to much data only), `identity_uk`, `clarification_uk`. A routine
    code and silence are no pauses. For one that lasts, pass today as `received_on`: the date is then provisional.
    """

    kind: str
    asked_on: date
    received_on: date


@dataclass(frozen=True)
class Step:
    """One step of the explanation. `facts` are strings (dates as ISO), numbers and booleans, so JSON can hold it."""

    code: str
    facts: dict[str, Any]
    article: str


@dataclass(frozen=True)
class Deadline:
    """`on` is the last day, `unrolled_on` the one before weekends and holidays moved it, `ends_at` the first instant
    (UTC) that is too late. `runs_from` differs from `received_on` where the clock began anew (UK, identity)."""

    received_on: date
    runs_from: date
    unrolled_on: date
    on: date
    ends_at: datetime
    steps: tuple[Step, ...]


def due(
    received_at: datetime,
    jurisdiction: str,
    *,
    pauses: Sequence[Pause] = (),
    extended: bool = False,
    calendar: Calendar | None = None,
) -> Deadline:
    """The deadline of the law for a request received at that instant. Raises `InvalidInput` for what can't be.

    A pause that the law does not grant (asked too late, or after the period ended) moves nothing, and a step says so.
    """
    regime = regime_of(jurisdiction)
    calendar = _calendar(jurisdiction, calendar)
    received_on = local_date(received_at, jurisdiction)
    pauses = _checked(pauses, jurisdiction, regime, received_on)
    length = EXTENDED_MONTHS if extended else PERIOD_MONTHS
    steps = [Step("received", {"on": received_on.isoformat(), "place": regime.place}, regime.start)]
    runs_from = _restart(received_on, pauses, length, calendar, regime, steps)
    ends_on = _months_after(runs_from, length, regime, steps)
    ends_on = _paused(ends_on, received_on, runs_from, pauses, calendar, regime, steps)
    on = _rolled(ends_on, calendar, regime, steps)
    return _ended(received_on, runs_from, ends_on, on, regime, steps)


def contract_due(received_at: datetime, jurisdiction: str, days: int = CONTRACT_DAYS) -> Deadline:
    """The contract's clock for a customer's instruction: calendar days, never paused, extended or moved."""
    regime = regime_of(jurisdiction)
    received_on = local_date(received_at, jurisdiction)
    on = received_on + days * DAY
    steps = [
        Step("received", {"on": received_on.isoformat(), "place": regime.place}, regime.start),
        Step("contract_days", {"days": days, "from": received_on.isoformat(), "on": on.isoformat()}, CONTRACT_ARTICLE),
    ]
    return _ended(received_on, received_on, on, on, regime, steps, article=CONTRACT_ARTICLE)


def _calendar(jurisdiction: str, calendar: Calendar | None) -> Calendar:
    if calendar is None:
        return calendar_of(jurisdiction)
    if calendar.jurisdiction != jurisdiction:
        raise InvalidInput("calendar", _("The calendar is that of another jurisdiction."))
    return calendar


def _checked(pauses: Iterable[Pause], jurisdiction: str, regime: Regime, received_on: date) -> list[Pause]:
    """The pauses in the order in which they began. Raises `InvalidInput` for one that can't be."""
    pauses = sorted(pauses, key=lambda pause: (pause.asked_on, pause.received_on))
    for pause in pauses:
        if pause.kind not in regime.pauses:
            told = {"jurisdiction": jurisdiction, "kind": repr(pause.kind), "kinds": ", ".join(regime.pauses)}
            message = _("%(jurisdiction)s has no pause %(kind)s. Choose one of %(kinds)s.")
            raise InvalidInput("pauses", message % told)
        if pause.received_on < pause.asked_on:
            raise InvalidInput("pauses", _("A pause can’t end before it begins."))
        if pause.asked_on < received_on:
            raise InvalidInput("pauses", _("A pause can’t begin before the request was received."))
    return pauses


def _restart(
    received_on: date, pauses: list[Pause], length: int, calendar: Calendar, regime: Regime, steps: list[Step]
) -> date:
    """UK: the month runs from the day on which the requested proof of identity came, if that is later (12A)."""
    runs_from = received_on
    for pause in pauses:
        if pause.kind != "identity_uk":
            continue
        if pause.asked_on > calendar.working_day_from(add_months(runs_from, length)):
            steps.append(_not_counted(pause, "after_end", regime))
            continue
        runs_from = max(runs_from, pause.received_on)
        facts = {"asked_on": pause.asked_on.isoformat(), "on": runs_from.isoformat()}
        steps.append(Step("restarted", facts, regime.pauses[pause.kind]))
    return runs_from


def _months_after(day: date, length: int, regime: Regime, steps: list[Step]) -> date:
    """The same date so many months later; where there is none, the last day of that month."""
    ends_on = add_months(day, length)
    facts = {"months": length, "from": day.isoformat(), "on": ends_on.isoformat()}
    steps.append(Step("period", facts, regime.extension if length > PERIOD_MONTHS else regime.period))
    if ends_on.day != day.day:
        steps.append(Step("short_month", {"day": day.day, "on": ends_on.isoformat()}, regime.short_month))
    return ends_on


def add_months(day: date, length: int) -> date:
    """`day` so many months later, its day of the month cut to the length of that month."""
    index = day.year * 12 + day.month - 1 + length
    year, month = divmod(index, 12)
    if year > date.max.year:
        raise InvalidInput("received_at", _("The year %(year)s is too far away.") % {"year": year})
    return date(year, month + 1, min(day.day, months.monthrange(year, month + 1)[1]))


def _paused(
    ends_on: date,
    received_on: date,
    runs_from: date,
    pauses: list[Pause],
    calendar: Calendar,
    regime: Regime,
    steps: list[Step],
) -> date:
    """The end moved by the days that do not count; a day in two pauses is left out once."""
    counted_until = runs_from  # days before it are left out already, or were never in the period
    for pause in pauses:
        if pause.kind == "identity_uk":
            continue
        # In the Union the days from asking to receiving; in the United Kingdom both of these days are out (54(3C)).
        until = pause.received_on + DAY if pause.kind == "clarification_uk" else pause.received_on
        start = max(pause.asked_on, counted_until)
        if pause.asked_on > calendar.working_day_from(ends_on):
            steps.append(_not_counted(pause, "after_end", regime))
        elif pause.kind == "identity_eu" and pause.asked_on > _last_day_to_doubt(received_on, calendar):
            steps.append(_not_counted(pause, "late_doubt", regime))
        elif until < start or until == start > pause.asked_on:
            steps.append(_not_counted(pause, "counted_already", regime))
        else:
            days = (until - start).days
            ends_on = _later(ends_on, days)
            counted_until = until
            facts = {
                "kind": pause.kind,
                "asked_on": pause.asked_on.isoformat(),
                "received_on": pause.received_on.isoformat(),
                "days": days,
                "on": ends_on.isoformat(),
            }
            steps.append(Step("paused", facts, regime.pauses[pause.kind]))
    return ends_on


def _last_day_to_doubt(received_on: date, calendar: Calendar) -> date:
    return working_days_after(received_on, DOUBT_WORKING_DAYS, calendar)


def _later(day: date, days: int) -> date:
    try:
        return day + timedelta(days=days)
    except OverflowError as error:
        raise InvalidInput("pauses", _("The pause is too long.")) from error


def _not_counted(pause: Pause, reason: str, regime: Regime) -> Step:
    facts = {"kind": pause.kind, "asked_on": pause.asked_on.isoformat(), "reason": reason}
    return Step("pause_not_counted", facts, regime.pauses[pause.kind])


def _rolled(day: date, calendar: Calendar, regime: Regime, steps: list[Step]) -> date:
    """A last day that is a Saturday, Sunday or public holiday moves the end to the next working day."""
    while (holiday := calendar.holiday(day)) or day.weekday() >= 5:
        facts: dict[str, Any] = {"on": day.isoformat(), "weekday": day.isoweekday()}
        article = regime.roll
        if name := holiday.name if holiday else named_sunday(day):
            facts |= {"holiday": name, "is_substitute": holiday is not None and holiday.is_substitute}
        if holiday and day.weekday() < 5:
            article = f"{regime.roll}; {regime.public_holidays}"
        steps.append(Step("not_a_working_day", facts, article))
        day += DAY
    return day


def _ended(
    received_on: date,
    runs_from: date,
    unrolled_on: date,
    on: date,
    regime: Regime,
    steps: list[Step],
    article: str = "",
) -> Deadline:
    """The day ends with its last hour, local time: compare instants with the start of the next local day."""
    ends_at = datetime.combine(on + DAY, time.min, tzinfo=regime.tz).astimezone(UTC)
    facts = {"on": on.isoformat(), "weekday": on.isoweekday(), "place": regime.place, "ends_at": ends_at.isoformat()}
    steps.append(Step("ends", facts, article or regime.day_end))
    return Deadline(received_on, runs_from, unrolled_on, on, ends_at, tuple(steps))
