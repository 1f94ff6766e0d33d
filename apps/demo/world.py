"""The cast of the sample platform: customer accounts, their people, their numbers and whom they write to.

Everything here follows from a seed, a scale and a date, and from nothing else: the same three give the same bytes.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

from apps.demo import people
from apps.demo.people import ACME, GLOBEX, Person

HISTORY_DAYS = 270  # nine months: three of them past the half year that content and traffic are kept
VISIT_DAYS = 500  # three months past the thirteen that visits of the website are kept
DAY = 86_400


class Scale(NamedTuple):
    messages: int
    accounts: int
    people: int
    visitors: int


SCALES = {
    "tiny": Scale(messages=400, accounts=3, people=90, visitors=20),  # the template of the tests
    "small": Scale(messages=5_000, accounts=6, people=900, visitors=300),
    "medium": Scale(messages=1_000_000, accounts=40, people=60_000, visitors=10_000),
    "large": Scale(messages=10_000_000, accounts=120, people=240_000, visitors=60_000),
}


class Holder(NamedTuple):
    id: int
    name: str
    email: str
    phone: str
    country: str
    job_title: str
    language: str


class Contact(NamedTuple):
    """Somebody an account writes to; `id` is None when the person is not in its address book."""

    id: int | None
    person: Person
    reference: str


@dataclass
class Account:
    id: int
    name: str
    slug: str
    country: str
    city: str
    numbers: list[str] = field(default_factory=list)
    holders: list[Holder] = field(default_factory=list)
    contacts: list[Contact] = field(default_factory=list)
    ended_on: date | None = None  # when its service ended
    is_billed: bool = True
    billed: dict[tuple[int, int], list[int]] = field(default_factory=dict)  # (year, month): messages, minutes, e-mails


@dataclass
class World:
    seed: int
    scale: Scale
    at: date
    accounts: list[Account]  # those that send and receive
    former: list[Account] = field(default_factory=list)

    @property
    def everybody(self) -> list[Account]:
        return [*self.accounts, *self.former]

    @property
    def begins_on(self) -> date:
        return self.at - timedelta(days=HISTORY_DAYS)

    @property
    def visits_from(self) -> date:
        return self.at - timedelta(days=VISIT_DAYS)

    def rng(self, part: str) -> random.Random:
        """A generator for one part, so that a change in one part leaves the bytes of the others alone."""
        return random.Random(f"{self.seed}:{part}")


SHARED_IN_ACME = Person(people.SHARED_NAME, people.SHARED_EMAIL, people.SHARED_PHONE, "DE", people.EEA, "en")
SHARED_IN_GLOBEX = SHARED_IN_ACME._replace(name=people.SHARED_NAME_IN_GLOBEX, language="ar")
REFERENCED = Person(people.REFERENCED_NAME, people.REFERENCED_EMAIL, people.REFERENCED_PHONE, "DE", people.EEA, "el")
# Who stands in every world, whatever the seed: they come first in their account's address book.
STANDING = {ACME: (SHARED_IN_ACME, REFERENCED), GLOBEX: (SHARED_IN_GLOBEX,)}

JOB_TITLES = ("Finance lead", "Developer", "Head of support", "Campaign planner", "Operations manager", "Founder")
TRADES = ("Logistics", "Clinics", "Travel", "Energy", "Parcel", "Markets", "Bank", "Academy", "Mobility", "Studios")
MAKERS = ("Initech", "Umbra", "Hooli", "Vandelay", "Stark", "Wayfarer", "Zephyr", "Ceres", "Tyrell", "Lumen", "Oscorp")


class Former(NamedTuple):
    """A customer that left: so many days ago, or in June so many years ago. A trial rented and paid nothing."""

    name: str
    days: int = 0
    years: int = 0
    is_trial: bool = False


# Around the 30 days in which a customer's data can still be returned, and around the ten book years of its invoices.
FORMER = (
    Former("Lantern Tours", days=61, is_trial=True),
    Former("Harbour Crafts", days=31, is_trial=True),
    Former("Meadow Dental", days=30, is_trial=True),
    Former("Quarry Foods", days=29),
    Former("Pinnacle Rentals", days=0),
    Former("Cobalt Couriers", days=400),
    Former("Orchard Telecom", years=10),
    Former("Beacon Post", years=11),
)
FIRST_FORMER = ACME + 900


def make_world(*, scale: str, seed: int, at: date) -> World:
    world = World(seed, SCALES[scale], at, [])
    rng = world.rng("world")
    crowd = people.make_people(rng, world.scale.people)
    world.accounts = [_make_account(ACME + index, rng) for index in range(world.scale.accounts)]
    holder_ids = iter(range(1, 100_000))
    contact_ids = iter(range(1, 10_000_000))
    reach = min(len(crowd), 3 * len(crowd) // (2 * len(world.accounts)))
    for account in world.accounts:
        account.holders = _make_holders(account, rng, holder_ids)
        account.contacts = _make_contacts(account, rng.sample(crowd, reach), rng, contact_ids)
    rng = world.rng("former")
    for place, former in enumerate(FORMER):
        account = _make_former(former, FIRST_FORMER + place, world)
        account.holders = _make_holders(account, rng, holder_ids)
        account.contacts = _make_contacts(account, rng.sample(crowd, 12), rng, contact_ids)
        world.former.append(account)
    return world


def _make_account(number: int, rng: random.Random) -> Account:
    index = number - ACME
    if number == ACME:
        name, slug, country = "Acme Parcel B.V.", "acme", "NL"
    elif number == GLOBEX:
        name, slug, country = "Globex Markets Ltd", "globex", "GB"
    else:
        name = f"{MAKERS[index % len(MAKERS)]} {TRADES[index % len(TRADES)]} {index}"
        slug, country = (name.lower().replace(" ", "-"), rng.choice(("NL", "DE", "FR", "GB", "US", "SE")))
    # The 97 010 0 block is kept for what the platform rents out; people have numbers above it.
    numbers = [f"+31970100{index:03d}{line:02d}" for line in range(10, 14)]
    return Account(number, name, slug, country, rng.choice(people.CITIES[country]), numbers)


def _make_former(former: Former, number: int, world: World) -> Account:
    country = "NL"
    ended_on = world.at - timedelta(days=former.days)
    if former.years:
        ended_on = date(world.at.year - former.years, 6, 30)
    numbers = [] if former.is_trial else [f"+31970100{number - ACME:03d}10"]
    slug = former.name.lower().replace(" ", "-")
    city = people.CITIES[country][number % 3]
    return Account(number, former.name, slug, country, city, numbers, ended_on=ended_on, is_billed=not former.is_trial)


def _make_holders(account: Account, rng: random.Random, ids: Iterator[int]) -> list[Holder]:
    sample = [
        Holder(next(ids), each.name, each.email, each.phone, account.country, each.job_title, each.language)
        for each in people.SAMPLE_HOLDERS
        if each.account == account.id
    ]
    others = []
    for place in range(rng.randrange(2, 5)):
        language = rng.choice(people.LANGUAGES)
        given, family = (rng.choice(part) for part in people.NAMES[language])
        name = family[0] + given[0] if language == "zh" else f"{given[0]} {family[0]}"
        phone = f"+31970101{account.id - ACME:03d}{50 + place}"
        email = f"{given[1]}.{family[1]}{place}@{account.slug}.example"
        title = rng.choice(JOB_TITLES)
        others.append(Holder(next(ids), name, email, phone, account.country, title, language))
    return sample + others


def _make_contacts(account: Account, crowd: list[Person], rng: random.Random, ids: Iterator[int]) -> list[Contact]:
    standing = STANDING.get(account.id, ())
    contacts = []
    for place, person in enumerate((*standing, *crowd)):
        is_kept = place < len(standing) or rng.random() < 0.75
        reference = f"{account.slug.upper()}-C-{place + 17:06d}"
        contacts.append(Contact(next(ids) if is_kept else None, person, reference))
    return contacts
