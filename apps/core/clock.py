"""The one clock. Views, tasks and commands read it and pass the instant down; models and services never do."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC)


def local_date(instant: datetime, zone: str = "Europe/Amsterdam") -> date:
    """The calendar date that `instant` falls on in `zone`."""
    return instant.astimezone(ZoneInfo(zone)).date()
