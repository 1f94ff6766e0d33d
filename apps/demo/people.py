"""Invented people: names in several scripts, telephone numbers and e-mail addresses that nobody has.

Numbers come from the ranges that regulators keep for fiction (Ofcom, NANPA, ACMA, ARCEP, Bundesnetzagentur, PTS),
and, as these are few, from the Dutch range for machines (097 010); all are valid E.164 to `phonenumbers`.
Addresses end in `example.com`, `.net`, `.org` or `.example` (RFC 2606).
"""

from __future__ import annotations

import random
from typing import NamedTuple

EEA = "EEA"
OTHER = "other"

ACME = 1001
GLOBEX = 1002

# The same person stands with the same number and address in both accounts: what one customer erases,
# the other must keep.
SHARED_NAME = "Noor Haddad"
SHARED_NAME_IN_GLOBEX = "نور حداد"
SHARED_PHONE = "+491713920012"
SHARED_EMAIL = "noor.haddad@example.com"
SHARED_REFERENCE = "ACME-C-000017"

# A contact of Acme that another contact's row points at.
REFERENCED_NAME = "Ελένη Παππά"
REFERENCED_PHONE = "+491713920034"
REFERENCED_EMAIL = "eleni.pappa@example.org"


class Person(NamedTuple):
    name: str
    email: str
    phone: str
    country: str
    region: str
    language: str


class SampleHolder(NamedTuple):
    """An account holder of the platform who also signs in to the portal."""

    account: int
    email: str
    name: str
    phone: str
    job_title: str
    language: str


SAMPLE_HOLDERS = (
    SampleHolder(ACME, "owner@acme.example", "Anneke de Wit", "+3197010100001", "Managing director", "nl"),
    SampleHolder(ACME, "privacy@acme.example", "Yusuf Nasser", "+3197010100002", "Privacy lead", "en"),
    SampleHolder(ACME, "member@acme.example", "Irene Vermeer", "+3197010100003", "Campaign planner", "nl"),
    SampleHolder(GLOBEX, "owner@globex.example", "Margaret Oduya", "+442079460201", "Chief operating officer", "en"),
)

# given names and family names, each with the Latin form its e-mail address takes
NAMES: dict[str, tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]] = {
    "en": (
        (
            ("Olivia", "olivia"),
            ("George", "george"),
            ("Amelia", "amelia"),
            ("Harry", "harry"),
            ("Chidi", "chidi"),
            ("Grace", "grace"),
            ("Priya", "priya"),
            ("Owen", "owen"),
        ),
        (
            ("Ashdown", "ashdown"),
            ("Bellweather", "bellweather"),
            ("Okafor", "okafor"),
            ("Hargrave", "hargrave"),
            ("Patel", "patel"),
            ("Whitcombe", "whitcombe"),
            ("O'Dowd", "odowd"),
        ),
    ),
    "nl": (
        (
            ("Daan", "daan"),
            ("Sanne", "sanne"),
            ("Jeroen", "jeroen"),
            ("Fenna", "fenna"),
            ("Thijs", "thijs"),
            ("Maaike", "maaike"),
        ),
        (
            ("van Ommen", "vanommen"),
            ("de Bruin", "debruin"),
            ("Kuipers", "kuipers"),
            ("Hoekstra", "hoekstra"),
            ("Zijlstra", "zijlstra"),
        ),
    ),
    "de": (
        (("Jürgen", "juergen"), ("Käthe", "kaethe"), ("Lukas", "lukas"), ("Björn", "bjoern"), ("Annika", "annika")),
        (("Großmann", "grossmann"), ("Müller-Lüdke", "mueller-luedke"), ("Weiß", "weiss"), ("Schäfer", "schaefer")),
    ),
    "fr": (
        (("Zoé", "zoe"), ("Aurélien", "aurelien"), ("Chloé", "chloe"), ("François", "francois"), ("Inès", "ines")),
        (("Lefèvre", "lefevre"), ("Béranger", "beranger"), ("Dubois", "dubois"), ("Marchand", "marchand")),
    ),
    "ar": (
        (
            ("ليلى", "layla"),
            ("عمر", "omar"),
            ("فاطمة", "fatima"),
            ("خالد", "khaled"),
            ("مريم", "maryam"),
            ("يوسف", "yusuf"),
        ),
        (
            ("الخطيب", "alkhatib"),
            ("منصور", "mansour"),
            ("بن صالح", "bensaleh"),
            ("حداد", "haddad"),
            ("الشامي", "alshami"),
        ),
    ),
    "zh": (
        (("伟", "wei"), ("芳", "fang"), ("秀英", "xiuying"), ("磊", "lei"), ("雨桐", "yutong")),
        (("王", "wang"), ("李", "li"), ("张", "zhang"), ("陈", "chen"), ("欧阳", "ouyang")),
    ),
    "el": (
        (("Νίκος", "nikos"), ("Μαρία", "maria"), ("Γιώργος", "giorgos"), ("Κατερίνα", "katerina")),
        (("Παππάς", "pappas"), ("Ιωάννου", "ioannou"), ("Οικονόμου", "oikonomou"), ("Δημητρίου", "dimitriou")),
    ),
    "uk": (
        (("Оксана", "oksana"), ("Тарас", "taras"), ("Марія", "mariia"), ("Андрій", "andrii"), ("Ївга", "yivha")),
        (("Шевчук", "shevchuk"), ("Коваленко", "kovalenko"), ("Бондар", "bondar"), ("Мельник", "melnyk")),
    ),
}
LANGUAGES = tuple(NAMES)

# prefix, digits that follow, first and one past the last of them, country, share of people
RANGES = (
    ("+3197010", 6, 200_000, 1_000_000, "NL", 34),
    ("+3319900", 4, 0, 10_000, "FR", 8),
    ("+3326191", 4, 0, 10_000, "FR", 5),
    ("+3353649", 4, 0, 10_000, "FR", 5),
    ("+493023125", 3, 0, 1_000, "DE", 4),
    ("+467017406", 2, 5, 100, "SE", 2),
    ("+442079460", 3, 300, 1_000, "GB", 6),
    ("+441134960", 3, 0, 1_000, "GB", 4),
    ("+441614960", 3, 0, 1_000, "GB", 4),
    ("+441314960", 3, 0, 1_000, "GB", 3),
    ("+121255501", 2, 0, 100, "US", 3),
    ("+131055501", 2, 0, 100, "US", 3),
    ("+141555501", 2, 0, 100, "US", 3),
    ("+161255501", 2, 0, 100, "US", 3),
    ("+61255501", 3, 0, 1_000, "AU", 4),
    ("+61370101", 3, 0, 1_000, "AU", 4),
)
EEA_COUNTRIES = frozenset({"NL", "FR", "DE", "SE"})
MAIL_DOMAINS = ("example.com", "example.net", "example.org")
CITIES = {
    "NL": ("Amsterdam", "Utrecht", "Groningen"),
    "FR": ("Lyon", "Nantes", "Paris"),
    "DE": ("Berlin", "Leipzig", "Köln"),
    "SE": ("Malmö", "Uppsala"),
    "GB": ("London", "Leeds", "Edinburgh"),
    "US": ("Chicago", "Portland", "Austin"),
    "AU": ("Sydney", "Hobart"),
    "IE": ("Dublin", "Cork"),
}


def region_of(country: str) -> str:
    """The partition a row of this country lies in."""
    return EEA if country in EEA_COUNTRIES else OTHER


def make_numbers(rng: random.Random, count: int) -> list[tuple[str, str]]:
    """`count` different E.164 numbers, each with its country; a range that is used up gives way to the Dutch one."""
    shares = [entry[5] for entry in RANGES]
    taken = [0] * len(RANGES)
    starts = [rng.randrange(max(1, last - first)) for _, _, first, last, _, _ in RANGES]
    numbers = []
    for chosen in rng.choices(range(len(RANGES)), weights=shares, k=count):
        if taken[chosen] >= RANGES[chosen][3] - RANGES[chosen][2]:
            chosen = 0
        prefix, digits, first, last, country, _ = RANGES[chosen]
        # 7 919 is prime and divides no range's size: it steps through every number of a range before the first returns
        step = (starts[chosen] + taken[chosen] * 7_919) % (last - first)
        taken[chosen] += 1
        numbers.append((f"{prefix}{first + step:0{digits}d}", country))
    return numbers


def make_people(rng: random.Random, count: int) -> list[Person]:
    """`count` people with different numbers and different addresses."""
    languages = rng.choices(LANGUAGES, weights=(20, 18, 12, 12, 14, 10, 7, 7), k=count)
    people = []
    for index, (language, (phone, country)) in enumerate(zip(languages, make_numbers(rng, count), strict=True)):
        given, family = (rng.choice(part) for part in NAMES[language])
        name = family[0] + given[0] if language == "zh" else f"{given[0]} {family[0]}"
        email = f"{given[1]}.{family[1]}{index}@{MAIL_DOMAINS[index % 3]}"
        people.append(Person(name, email, phone, country, region_of(country), language))
    return people
