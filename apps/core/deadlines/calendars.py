"""Working days: all but Saturdays, Sundays and public holidays of the jurisdiction (Regulation 1182/71, 2(2))."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import holidays
from dateutil.easter import easter
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from holidays.constants import OPTIONAL, PUBLIC

from apps.core.deadlines.regimes import regime_of
from apps.core.errors import InvalidInput

DAY = timedelta(days=1)
YEARS = range(1995, 2101)  # what the tables of public holidays cover
ALSACE_MOSELLE = "alsace-moselle"
COUNTRIES = {"NL": "NL", "DE": "DE", "FR": "FR", "IE": "IE", "UK": "GB"}
GERMAN_STATES = (
    *("BB", "BE", "BW", "BY", "HB", "HE", "HH", "MV"),
    *("NI", "NW", "RP", "SH", "SL", "SN", "ST", "TH"),
)
REGIONS: dict[str, dict[str, str]] = {
    "DE": {state: state for state in GERMAN_STATES},
    "FR": {ALSACE_MOSELLE: "57"},  # Code du travail, L3134-13: Good Friday and 26 December besides
}
SUBSTITUTE = " (observed)"
ENDING_OF_THE_WAR = "{}th anniversary of the liberation from Nazism and the end of the Second World War in Europe"
# The name that the tables give -> the name that we say, which is also what is translated.
NAMES = {
    ENDING_OF_THE_WAR.format(75): gettext_noop("Liberation Day"),
    ENDING_OF_THE_WAR.format(80): gettext_noop("Liberation Day"),
    "75th anniversary of the East German uprising of 1953": gettext_noop("the day of the uprising of 1953"),
    "All Saints' Day": gettext_noop("All Saints’ Day"),
    "Armistice Day": gettext_noop("Armistice Day"),
    "Ascension Day": gettext_noop("Ascension Day"),
    "Assumption Day": gettext_noop("Assumption Day"),
    "August Bank Holiday": gettext_noop("the August bank holiday"),
    "Boxing Day": gettext_noop("Boxing Day"),
    "Christmas Day": gettext_noop("Christmas Day"),
    "Coronation of Charles III": gettext_noop("the coronation of Charles III"),
    "Corpus Christi": gettext_noop("Corpus Christi"),
    "Day of Remembrance and Recognition": gettext_noop("the Day of Remembrance and Recognition"),
    "Easter Monday": gettext_noop("Easter Monday"),
    "Easter Sunday": gettext_noop("Easter Sunday"),
    "Epiphany": gettext_noop("Epiphany"),
    "German Unity Day": gettext_noop("German Unity Day"),
    "Good Friday": gettext_noop("Good Friday"),
    "June Bank Holiday": gettext_noop("the June bank holiday"),
    "King's Day": gettext_noop("King’s Day"),
    "Labor Day": gettext_noop("Labour Day"),
    "Late Summer Bank Holiday": gettext_noop("the summer bank holiday"),
    "Liberation Day": gettext_noop("Liberation Day"),
    "May Bank Holiday": gettext_noop("the May bank holiday"),
    "May Day": gettext_noop("the early May bank holiday"),
    "National Day": gettext_noop("Bastille Day"),
    "New Year's Day": gettext_noop("New Year’s Day"),
    "October Bank Holiday": gettext_noop("the October bank holiday"),
    "Pentecost": gettext_noop("Whit Sunday"),
    "Pentecost Monday": gettext_noop("Whit Monday"),
    "Platinum Jubilee of Elizabeth II": gettext_noop("the Platinum Jubilee"),
    "Reformation Day": gettext_noop("Reformation Day"),
    "Repentance and Prayer Day": gettext_noop("the Day of Repentance and Prayer"),
    "Saint Brigid's Day": gettext_noop("Saint Brigid’s Day"),
    "Saint Patrick's Day": gettext_noop("Saint Patrick’s Day"),
    "Saint Stephen's Day": gettext_noop("Saint Stephen’s Day"),
    "Second Day of Christmas": gettext_noop("the second day of Christmas"),
    "Spring Bank Holiday": gettext_noop("the spring bank holiday"),
    "State Funeral of Queen Elizabeth II": gettext_noop("the state funeral of Elizabeth II"),
    "Victory Day": gettext_noop("Victory Day"),
    "Women's Day": gettext_noop("International Women’s Day"),
    "World Children's Day": gettext_noop("World Children’s Day"),
}  # fmt: skip


@dataclass(frozen=True)
class Holiday:
    name: str  # the English name, to be translated when shown
    is_substitute: bool = False


@dataclass(frozen=True)
class Calendar:
    """Which days are working days in a jurisdiction.

    `region`: a German state by its code, or "alsace-moselle" for FR. `good_friday`: count it for NL, where it is not
    settled whether Regulation 1182/71 takes it for a public holiday; not counting it gives the earlier, safe date.
    """

    jurisdiction: str
    region: str = ""
    good_friday: bool = False

    def __post_init__(self) -> None:
        regime_of(self.jurisdiction)
        if self.region and self.region not in REGIONS.get(self.jurisdiction, {}):
            names = ", ".join(REGIONS.get(self.jurisdiction, ())) or "-"
            message = _("%(jurisdiction)s has no region %(region)s with holidays of its own. Known: %(names)s.")
            told = {"jurisdiction": self.jurisdiction, "region": repr(self.region), "names": names}
            raise InvalidInput("region", message % told)

    def holiday(self, day: date) -> Holiday | None:
        """The public holiday on that day, if any. Raises `InvalidInput` for years without a table."""
        if day.year not in YEARS:
            raise InvalidInput("received_at", _("The year %(year)s is too far away.") % {"year": day.year})
        return _holidays_of(self.jurisdiction, self.region, self.good_friday, day.year).get(day)

    def is_working_day(self, day: date) -> bool:
        return self.holiday(day) is None and day.weekday() < 5

    def working_day_from(self, day: date) -> date:
        """That day, or the first working day after it."""
        while not self.is_working_day(day):
            day += DAY
        return day


@cache
def calendar_of(jurisdiction: str) -> Calendar:
    """The calendar without options. Raises `InvalidInput` for an unknown jurisdiction."""
    return Calendar(jurisdiction)


def working_days_after(day: date, days: int, where: str | Calendar) -> date:
    """The last day of a period of that many working days; the day it runs from does not count (1182/71, 3(1))."""
    calendar = calendar_of(where) if isinstance(where, str) else where
    for _nth in range(days):
        day = calendar.working_day_from(day + DAY)
    return day


def named_sunday(day: date) -> str:
    """Easter and Whit Sunday are no working days anyway; their names make an explanation readable."""
    sundays = {easter(day.year): "Easter Sunday", easter(day.year) + 49 * DAY: "Whit Sunday"}
    return sundays.get(day, "")


@cache
def _holidays_of(jurisdiction: str, region: str, good_friday: bool, year: int) -> dict[date, Holiday]:
    table = holidays.country_holidays(
        COUNTRIES[jurisdiction],
        subdiv="ENG" if jurisdiction == "UK" else REGIONS.get(jurisdiction, {}).get(region),
        years=year,
        language="en_US",
        # 5 May is a Dutch holiday every year (Algemene termijnenwet 3(1)); the package calls it optional in most.
        categories=(PUBLIC, OPTIONAL) if jurisdiction == "NL" else None,
    )
    found = {day: _holiday(names.split("; ")[0]) for day, names in table.items()}
    if jurisdiction == "NL" and not good_friday:
        found.pop(easter(year) - 2 * DAY)  # the package counts it; 3(1) does not
    return found


def _holiday(name: str) -> Holiday:
    plain = name.removesuffix(SUBSTITUTE)
    return Holiday(NAMES.get(plain, plain), plain != name)
