"""Countries by their two-letter code (ISO 3166-1), named in the active language."""

from functools import cache

from babel import Locale
from django.utils.translation import get_language

# What CLDR knows besides countries: groups, pseudo-locales, "unknown".
NO_COUNTRIES = frozenset({"EU", "EZ", "UN", "XA", "XB", "ZZ", "QO"})


def country_name(code: str) -> str:
    """The country's name in the active language; the code itself where there is none."""
    return dict(_names(get_language() or "en")).get(code, code)


def country_choices() -> list[tuple[str, str]]:
    """(code, name) of every country, by name."""
    return list(_names(get_language() or "en"))


def is_country(code: str) -> bool:
    """Whether the code names a country, in capitals as ISO 3166-1 writes it."""
    return code in dict(_names("en"))


@cache
def _names(language: str) -> tuple[tuple[str, str], ...]:
    territories = Locale.parse(language, sep="-").territories
    countries = {code: name for code, name in territories.items() if len(code) == 2 and code.isalpha()}
    return tuple(sorted(((c, n) for c, n in countries.items() if c not in NO_COUNTRIES), key=lambda pair: pair[1]))
