"""Transfer mechanisms in time, as data: since when and until when each one carries a transfer, and to where."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from apps.processors.states import Mechanism

# The European Union, Iceland, Liechtenstein, Norway.
EEA = frozenset(
    {
        *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU"),
        *("LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK", "IS", "LI", "NO"),
    }
)


@dataclass(frozen=True)
class Validity:
    """Both days are the first and the last on which it holds; None: open. `countries` None: to anywhere."""

    since: date | None
    until: date | None
    source: str
    countries: frozenset[str] | None = None


US = frozenset({"US"})
VALIDITY = {
    Mechanism.PRIVACY_SHIELD: Validity(
        date(2016, 7, 12), date(2020, 7, 16), "Decision (EU) 2016/1250; CJEU C-311/18 Schrems II", US
    ),
    Mechanism.SCC_2010: Validity(
        date(2010, 5, 15), date(2022, 12, 27), "Decision 2010/87/EU; Decision (EU) 2021/914, Article 4(4)"
    ),
    Mechanism.SCC_2021: Validity(date(2021, 6, 27), None, "Decision (EU) 2021/914"),
    Mechanism.BCR: Validity(None, None, "GDPR, Article 47"),
    Mechanism.DPF: Validity(date(2023, 7, 10), None, "Decision (EU) 2023/1795", US),  # while the company is listed
}


@dataclass(frozen=True)
class Adequacy:
    since: date
    until: date | None = None
    scope: str = ""  # "" is the whole country


ADEQUATE = {
    "AD": Adequacy(date(2010, 10, 19)),
    "AR": Adequacy(date(2003, 6, 30)),
    "CA": Adequacy(date(2001, 12, 20), scope="commercial organisations under PIPEDA"),
    "CH": Adequacy(date(2000, 7, 26)),
    "FO": Adequacy(date(2010, 3, 5)),
    "GB": Adequacy(date(2021, 6, 28), date(2031, 12, 27)),
    "GG": Adequacy(date(2003, 11, 21)),
    "IL": Adequacy(date(2011, 1, 31)),
    "IM": Adequacy(date(2004, 4, 28)),
    "JE": Adequacy(date(2008, 5, 8)),
    "JP": Adequacy(date(2019, 1, 23)),
    "KR": Adequacy(date(2021, 12, 17)),
    "NZ": Adequacy(date(2012, 12, 19)),
    "UY": Adequacy(date(2012, 8, 21)),
}


@dataclass(frozen=True)
class Standing:
    """`code`: "not_needed", "missing", "valid", "lapsed" (`on`: its last day), "not_yet" (`on`: its first day),
    "wrong_country", "not_listed" (Data Privacy Framework)."""

    code: str
    on: date | None = None
    source: str = ""

    @property
    def carries(self) -> bool:
        """Whether data may go there on this ground."""
        return self.code in ("not_needed", "valid")


def outside_eea(countries: Iterable[str]) -> list[str]:
    """Those of the countries that need a mechanism; access from outside is a transfer too."""
    return [country for country in countries if country and country not in EEA]


def standing(mechanism: str, countries: Iterable[str], *, on: date, is_listed: bool = False) -> Standing:
    """Whether the mechanism carries a transfer to all these countries on that day, and if not, why."""
    abroad = outside_eea(countries)
    if not abroad:
        return Standing("not_needed")
    if not mechanism:
        return Standing("missing")
    validities = [_validity(Mechanism(mechanism), country) for country in abroad]
    found = [validity for validity in validities if validity is not None]
    if len(found) < len(validities):
        return Standing("wrong_country")
    ends = [validity.until for validity in found if validity.until]
    begins = [validity.since for validity in found if validity.since]
    source = "; ".join(sorted({validity.source for validity in found}))
    if ends and min(ends) < on:
        return Standing("lapsed", min(ends), source)
    if begins and max(begins) > on:
        return Standing("not_yet", max(begins), source)
    if mechanism == Mechanism.DPF and not is_listed:
        return Standing("not_listed", None, source)
    return Standing("valid", None, source)


def _validity(mechanism: Mechanism, country: str) -> Validity | None:
    """None: this mechanism does not lead to that country."""
    if mechanism == Mechanism.ADEQUACY:
        if (decision := ADEQUATE.get(country)) is None:
            return None
        return Validity(decision.since, decision.until, f"GDPR, Article 45: {country}")
    validity = VALIDITY[mechanism]
    return None if validity.countries and country not in validity.countries else validity
