"""The provider's own books: accounts and their people, address books, prospects, visits.

Of everything that has a period, some rows lie past their limit, some at it and some before it.
"""

from __future__ import annotations

import calendar
import hashlib
import random
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta

from dateutil.relativedelta import relativedelta

from apps.demo import people
from apps.demo.copying import NULL, Block, blocks, line
from apps.demo.invoices import make_iban
from apps.demo.world import HISTORY_DAYS, MAKERS, STANDING, TRADES, VISIT_DAYS, Account, Holder, World

Rows = Callable[[World], Iterator[str]]
EMPLOYEES = ("1-10", "11-50", "51-200", "201-1000", "1000+")
BROWSERS = (("Firefox 145", "desktop"), ("Chrome 142", "mobile"), ("Safari 26", "mobile"), ("Edge 142", "desktop"))
PAGES = ("/", "/pricing", "/docs/sms", "/docs/voice", "/contact", "/sign-up", "/blog/deliverability")


def book_blocks(world: World) -> Iterator[Block]:
    """Everything but communications and invoices, parents before children."""
    for table, columns, rows in TABLES:
        yield from blocks(table, columns, rows(world))


def _digest(*parts: object) -> str:
    return hashlib.sha256(":".join(map(str, parts)).encode()).hexdigest()


def _past(world: World, rng: random.Random, days: int = HISTORY_DAYS, since: int = 1, until: date | None = None) -> str:
    """A day and an hour, at least `since` and less than `days` days before `until` (default: the world's date)."""
    day = (until or world.at) - timedelta(days=since + int(rng.random() * (days - since)))
    minute = int(rng.random() * 840)
    return f"{day} {7 + minute // 60:02d}:{minute % 60:02d}:{day.day:02d}+00"


def _around(world: World, *, months: int = 0, days: int = 0) -> Iterator[date]:
    """Days on which a period of this length began that ran out yesterday, ends today, and runs on tomorrow."""
    limit = world.at - relativedelta(months=months, days=days)
    return iter((limit - timedelta(days=1), limit, limit + timedelta(days=1)))


def _at_noon(day: date) -> str:
    return f"{day} 12:00:00+00"


def _while_it_lasted(world: World, account: Account, rng: random.Random, days: int, since: int = 1) -> str:
    """As `_past`, counted from the day the account's service ended where it has."""
    return _past(world, rng, days, since, until=account.ended_on)


def _ip(rng: random.Random) -> str:
    """From the three networks kept for documentation (RFC 5737)."""
    return f"{rng.choice(('192.0.2', '198.51.100', '203.0.113'))}.{rng.randrange(1, 255)}"


def _holders(world: World) -> Iterator[tuple[Account, Holder]]:
    return ((account, holder) for account in world.everybody for holder in account.holders)


def _others(world: World) -> Sequence[Account]:
    """The accounts without sample sign-ins and without the people who stand in every world."""
    return [account for account in world.everybody if account.id not in STANDING]


def _accounts(world: World) -> Iterator[str]:
    rng = world.rng("accounts")
    closed = dict(zip((account.id for account in _others(world)), _around(world, months=12), strict=False))
    for account in world.everybody:
        yield line(
            account.id, account.name, account.country, f"{account.country}{account.id:09d}X01",
            f"https://{account.slug}.example", f"{account.id % 90 + 1} Sample Street", account.city,
            f"{account.id} XA", f"billing@{account.slug}.example", "Delivery notices to customers who ordered",
            "Your parcel arrives today. Reply STOP to end.", closed.get(account.id, account.ended_on),
            {"default_route": f"direct-{account.country.lower()}-1"},
            _while_it_lasted(world, account, rng, 2_500, 2_000), account.ended_on,
        )  # fmt: skip


def _account_holders(world: World) -> Iterator[str]:
    rng = world.rng("holders")
    signed_in = _around(world, months=6)
    for account, holder in _holders(world):
        edge = None if account.id in STANDING else next(signed_in, None)
        handle = holder.email.partition("@")[0]
        yield line(
            holder.id, account.id, holder.name, holder.email, holder.phone,
            rng.choice(("female", "male", "other", None)), holder.job_title,
            f"https://www.linkedin.example/in/{handle}-{holder.id}", f"{holder.id % 120 + 1} Invented Lane",
            account.city, f"{holder.id} XB", account.country, f"{handle}.{holder.id}",
            f"scrypt$sample${_digest(world.seed, 'password', holder.id)}", _digest(world.seed, "token", holder.id),
            f"Kind regards, {holder.name}", _ip(rng),
            _at_noon(edge) if edge else _while_it_lasted(world, account, rng, 60), holder.language,
            {"sign_ins": rng.randrange(400), "last_pages": rng.sample(PAGES, 2)},
            _while_it_lasted(world, account, rng, 2_000, 1_000), account.ended_on,
        )  # fmt: skip


def _numbers(world: World) -> Iterator[str]:
    rng = world.rng("numbers")
    number = 0
    edges = {account.id: _around(world, months=6) for account in _others(world)[:1]}
    for account in world.everybody:
        rented = [(each, account.ended_on, rng.randrange(300, 900)) for each in account.numbers]
        # Handed back: inside and outside the half year after rental end.
        days = (world.at - timedelta(days=30), world.at - timedelta(days=220), *edges.get(account.id, ()))
        spare = f"+31970100{account.id - people.ACME:03d}"
        rented += [(f"{spare}{20 + place:02d}", day, 400) for place, day in enumerate(days) if not account.ended_on]
        for place, (each, released_on, length) in enumerate(rented):
            number += 1
            holder = account.holders[place % len(account.holders)]
            rented_on = (released_on or world.at) - timedelta(days=length)
            yield line(number, account.id, holder.id, each, account.name, rented_on, released_on)


def _contacts(world: World) -> Iterator[str]:
    """The largest of these tables: rows are put together from parts that were written once."""
    rng = world.rng("contacts")
    details = {country: [_details(country, rng) for _ in range(64)] for country in people.CITIES}
    instants = [_past(world, rng) for _ in range(1_024)]
    for account in world.everybody:
        earlier: list[int] = []
        ended = account.ended_on or NULL
        standing = STANDING.get(account.id, ())
        for contact in account.contacts:
            if contact.id is None:
                continue
            luck, person = rng.random(), contact.person
            introduced_by = earlier[int(luck * 20 * len(earlier))] if earlier and luck < 0.05 else None
            if account.id == people.ACME and contact.id == len(standing) + 1:
                introduced_by = len(standing)  # the referenced contact is the last of those who stand in every world
            yield (
                f"{contact.id}\t{account.id}\t{introduced_by or NULL}\t{person.name}\t{person.email}\t{person.phone}\t"
                f"{contact.reference}\t{person.language}\t{details[person.country][int(luck * 640) % 64]}\t"
                f"{_made(account, instants[int(luck * 1_024)])}\t{ended}\n"
            )
            if person not in standing:
                earlier.append(contact.id)


def _made(account: Account, instant: str) -> str:
    """An instant of the present, or of a year before the service ended."""
    return f"{account.ended_on - timedelta(days=365)} 09:00:00+00" if account.ended_on else instant


def _details(country: str, rng: random.Random) -> str:
    """Notes, tags (an array) and attributes (nested) of a contact."""
    attributes = {
        "address": {"city": rng.choice(people.CITIES[country]), "country": country},
        "birthday": f"{rng.randrange(1950, 2006)}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}",
        "loyalty": {"level": rng.choice(("silver", "gold")), "points": rng.randrange(5_000)},
    }
    tags = rng.sample(("newsletter", "vip", "delivery", "pilot", "returns"), rng.randrange(3))
    return line(rng.choice(("Prefers e-mail", "Call after five", None, None)), tags, attributes).rstrip("\n")


def _payment_methods(world: World) -> Iterator[str]:
    rng = world.rng("payment methods")
    for number, (account, holder) in enumerate(_holders(world), 1):
        card: list[object] = [None] * 3
        ideal: list[object] = [None] * 3
        paypal = None
        kind = ("card", "ideal", "paypal")[number % 3]
        if kind == "card":
            year = world.at.year + rng.randrange(1, 5)
            month = rng.randrange(1, 13)
            expires_on = date(year, month, calendar.monthrange(year, month)[1])
            card = [f"{rng.randrange(10_000):04d}", expires_on, holder.name]
        elif kind == "ideal":
            ideal = [make_iban(900_000 + number), "EXMPNL2A", holder.name]
        else:
            paypal = holder.email
        withdrawn_at = _past(world, rng, 60) if number % 7 == 0 else None
        if account.ended_on:  # the consent ends with the service; today's is still there today
            withdrawn_at = f"{account.ended_on} 00:00:00+00"
        yield line(
            number, account.id, holder.id, kind, *card, *ideal, paypal, rng.random() < 0.3,
            _while_it_lasted(world, account, rng, 700, 61), withdrawn_at,
        )  # fmt: skip


def _leads(world: World) -> Iterator[str]:
    rng = world.rng("leads")
    for number, (account, holder) in enumerate(_holders(world), 1):
        yield line(
            number, account.id, holder.name, holder.email, holder.phone, holder.job_title, account.name,
            f"https://www.linkedin.example/in/{holder.email.partition('@')[0]}-{holder.id}", "web form",
            "Became a customer", _while_it_lasted(world, account, rng, 2_500, 2_000),
            _while_it_lasted(world, account, rng, 200), account.ended_on,
        )  # fmt: skip
    contacted = _around(world, months=12)
    for number, person, company, title in _prospects(world):
        edge = next(contacted, None)
        yield line(
            number, None, person.name, person.email, person.phone, title, company, None,
            rng.choice(("fair", "web form", "referral")), None, _past(world, rng, 900, 500),
            _at_noon(edge) if edge else _past(world, rng, 500), None,
        )  # fmt: skip


def _prospects(world: World) -> Iterator[tuple[int, people.Person, str, str]]:
    """Who is no customer yet: the number of the lead, the person, the company and the title."""
    rng = world.rng("prospects")
    crowd = people.make_people(rng, max(10, world.scale.visitors // 4))
    first = sum(len(account.holders) for account in world.everybody) + 1
    for index, person in enumerate(crowd):
        company, title = f"{rng.choice(MAKERS)} {rng.choice(TRADES)}", rng.choice(("Founder", "Buyer"))
        yield first + index, person._replace(email=f"prospect{index}.{person.email}"), company, title


def _enrichment_profiles(world: World) -> Iterator[str]:
    """Of every account holder, and of one prospect in two."""
    rng = world.rng("enrichment")
    number = 0
    for number, (account, holder) in enumerate(_holders(world), 1):
        created = _while_it_lasted(world, account, rng, 90)
        company = (account.name, f"https://{account.slug}.example")
        known = (holder.name, holder.phone, holder.job_title)
        yield _profile(number, account, holder, number, known, company, created, rng)
    recorded = _around(world, days=30)
    for lead, person, name, title in _prospects(world):
        if lead % 2:
            number += 1
            edge = next(recorded, None)
            created = _at_noon(edge) if edge else _past(world, rng, 90)
            yield _profile(number, None, None, lead, (person.name, person.phone, title), (name, None), created, rng)


def _profile(
    number: int,
    account: Account | None,
    holder: Holder | None,
    lead: int,
    person: tuple[str, str, str],
    company: tuple[str, str | None],
    created: str,
    rng: random.Random,
) -> str:
    industry = rng.choice(TRADES)
    return line(
        number, account and account.id, lead, holder and holder.id, *person,
        rng.choice(("operations", "finance", "engineering")), rng.choice(("junior", "senior", "director")),
        company[0], f"{company[0]} works in {industry.lower()}", company[1], industry,
        f"EUR {rng.randrange(1, 90)}M", rng.choice(EMPLOYEES), created[:10] if number % 2 else None, created,
        account and account.ended_on,
    )  # fmt: skip


def _support_recordings(world: World) -> Iterator[str]:
    rng = world.rng("support")
    called = [
        (account, holder, _while_it_lasted(world, account, rng, 120))
        for account, holder in _holders(world)
        if account.is_billed
    ]
    account = _others(world)[0]
    called += [(account, account.holders[0], _at_noon(day)) for day in _around(world, days=90)]
    for number, (account, holder, created) in enumerate(called, 1):
        history = ({"at": created[:10], "note": "Opened"}, {"at": created[:10], "note": "Solved by phone"})
        yield line(
            number, account.id, holder.id, holder.phone, "How do I rent a second number?", history,
            f"support/{account.id}/{number}.ogg", rng.randrange(60, 1_200), created,
        )  # fmt: skip


def _web_visits(world: World) -> Iterator[str]:
    rng = world.rng("visits")
    known = [(account, holder) for account, holder in _holders(world) if not account.ended_on]
    edges = _around(world, months=13)
    number = 0
    for visitor in range(world.scale.visitors + len(known)):
        account, holder = known[visitor] if visitor < len(known) else (None, None)
        visitor_id = uuid.UUID(int=rng.getrandbits(128), version=4)
        country = rng.choice(list(people.CITIES))
        city, ip, (browser, device) = (rng.choice(people.CITIES[country]), _ip(rng), rng.choice(BROWSERS))
        created, is_returning = _past(world, rng, VISIT_DAYS), rng.random() < 0.4
        if not account and (edge := next(edges, None)):
            created = _at_noon(edge)
        choices = {"analytics": rng.random() < 0.5, "marketing": rng.random() < 0.3, "necessary": True}
        for order, page in enumerate(rng.sample(PAGES, rng.randrange(1, 5)), 1):
            number += 1
            yield line(
                created, number, account and account.id, holder and holder.id, visitor_id, ip, country, city, page,
                order, browser, device, is_returning, choices,
            )  # fmt: skip


TABLES: tuple[tuple[str, str, Rows], ...] = (
    ("accounts", "id, name, country, vat_number, website, billing_street, billing_city, billing_postal_code, "
     "billing_email, campaign_purpose, sample_message, registration_closed_on, routing, created_at, service_ended_on",
     _accounts),
    ("account_holders", "id, account_id, full_name, email, phone_number, gender, job_title, linkedin_url, street, "
     "city, postal_code, country, username, password_hash, api_token_digest, signature, last_ip_address, "
     "last_signed_in_at, language, usage, created_at, service_ended_on", _account_holders),
    ("numbers", "id, account_id, holder_id, number, renter_name, rented_on, released_on", _numbers),
    ("contacts", "id, account_id, introduced_by_id, name, email, phone_number, customer_reference, language, notes, "
     "tags, attributes, created_at, service_ended_on", _contacts),
    ("payment_methods", "id, account_id, holder_id, kind, card_last_four, card_expires_on, card_holder, iban, bic, "
     "bank_account_name, paypal_email, is_automatic_top_up, created_at, withdrawn_at", _payment_methods),
    ("leads", "id, account_id, full_name, email, phone_number, job_title, company_name, linkedin_url, source, notes, "
     "created_at, last_contact_at, service_ended_on", _leads),
    ("enrichment_profiles", "id, account_id, lead_id, holder_id, full_name, phone_number, role, job_function, "
     "seniority, company_name, company_description, company_website, company_industry, company_revenue, "
     "company_employees, informed_on, created_at, service_ended_on", _enrichment_profiles),
    ("support_recordings", "id, account_id, holder_id, caller_phone_number, enquiry, history, storage_key, "
     "duration_seconds, created_at", _support_recordings),
    ("web_visits", "created_at, id, account_id, holder_id, visitor_id, ip_address, country, city, page, page_order, "
     "browser, device, is_returning, cookie_preferences", _web_visits),
)  # fmt: skip
