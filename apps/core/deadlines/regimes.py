"""The jurisdictions: their zone, their law, the pauses it knows, and the article behind each rule."""

import difflib
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.core.errors import InvalidInput

REGULATION = "Regulation 1182/71, Article"
EDPB = "EDPB Guidelines 01/2022, paragraph"
ICO = "ICO guidance on time limits"


@dataclass(frozen=True)
class Regime:
    """One jurisdiction. `pauses` maps each kind of pause that its law knows to the article that grants it."""

    zone: str
    place: str  # whose local time decides; translatable
    period: str  # article: one month
    extension: str  # article: two months more, counted from the start
    start: str  # article: the day of the event does not count
    short_month: str  # article: no such date, so the last day of the month
    roll: str  # article: a weekend or holiday moves the end
    day_end: str  # article: the period ends with the last hour of its last day
    public_holidays: str  # act that names them
    pauses: dict[str, str]

    @property
    def tz(self) -> ZoneInfo:
        return ZoneInfo(self.zone)


def _union(zone: str, place: str, public_holidays: str) -> Regime:
    """A member state: GDPR 12(3), its period computed by Regulation 1182/71 (EDPB 01/2022, paragraph 160)."""
    return Regime(
        zone=zone,
        place=place,
        period="GDPR, Article 12(3)",
        extension="GDPR, Article 12(3)",
        start=f"{REGULATION} 3(1)",
        short_month=f"{REGULATION} 3(2)(c)",
        roll=f"{REGULATION} 3(4)",
        day_end=f"{REGULATION} 3(2)(c)",
        public_holidays=public_holidays,
        pauses={
            "identity_eu": f"GDPR, Article 12(6); {EDPB} 159",
            "clarification_eu": f"GDPR, Recital 63; {EDPB} 159",
        },
    )


REGIMES = {
    # 3(1) only: Good Friday is equated with a holiday by 3(2) for that Act alone, so it is a switch of the calendar.
    "NL": _union("Europe/Amsterdam", gettext_noop("Amsterdam"), "Algemene termijnenwet, Article 3(1)"),
    # The nine days that every state shares; the only federal one is in the Unification Treaty.
    "DE": _union(
        "Europe/Berlin", gettext_noop("Berlin"), "Feiertagsgesetze der Länder; Einigungsvertrag, Article 2(2)"
    ),
    "FR": _union("Europe/Paris", gettext_noop("Paris"), "Code du travail, Article L3133-1"),
    "IE": _union("Europe/Dublin", gettext_noop("Dublin"), "Organisation of Working Time Act 1997, Second Schedule"),
    "UK": Regime(
        zone="Europe/London",
        place=gettext_noop("London"),
        period="UK GDPR, Article 12A",
        extension="UK GDPR, Article 12A",
        start=ICO,
        short_month=ICO,
        roll=ICO,
        day_end=ICO,
        public_holidays="Banking and Financial Dealings Act 1971, Schedule 1",
        pauses={
            "identity_uk": "UK GDPR, Article 12A",
            "clarification_uk": "UK GDPR, Article 12A; Data Protection Act 2018, section 54(3C)",
        },
    ),
}
JURISDICTIONS = tuple(REGIMES)
OTHER_NAMES = {
    "GB": "UK", "GBR": "UK", "ENGLAND": "UK", "UNITED KINGDOM": "UK", "IRL": "IE", "IRELAND": "IE", "ROI": "IE",
    "NLD": "NL", "NETHERLANDS": "NL", "DEU": "DE", "GERMANY": "DE", "FRA": "FR", "FRANCE": "FR",
}  # fmt: skip


def regime_of(jurisdiction: str) -> Regime:
    """The regime of a jurisdiction. Raises `InvalidInput` naming the nearest right one."""
    if regime := REGIMES.get(jurisdiction):
        return regime
    known = {name: name for name in REGIMES} | OTHER_NAMES
    meant = difflib.get_close_matches(str(jurisdiction).strip().upper(), known, n=1)
    message = _("Unknown jurisdiction %(name)s.") % {"name": repr(jurisdiction)}
    if meant:
        raise InvalidInput("jurisdiction", message + " " + _("Did you mean %(name)s?") % {"name": known[meant[0]]})
    raise InvalidInput("jurisdiction", message + " " + _("Choose one of %(names)s.") % {"names": ", ".join(REGIMES)})


def local_date(instant: datetime, jurisdiction: str) -> date:
    """The calendar date of an instant where the jurisdiction is. Raises `InvalidInput` for a naive datetime."""
    if instant.utcoffset() is None:
        raise InvalidInput("received_at", _("The time of receipt needs a time zone: 2026-03-05T10:00:00+01:00."))
    return instant.astimezone(regime_of(jurisdiction).tz).date()
