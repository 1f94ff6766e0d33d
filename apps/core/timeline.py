"""What happened when, as `components/timeline.html` shows it."""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True)
class Event:
    at: datetime | date
    text: str
    who: str = ""
    note: str = ""
    is_to_come: bool = False
