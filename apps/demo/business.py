"""The provider's own books: accounts and their people, address books, prospects, visits, invoices."""

from __future__ import annotations

import calendar
import hashlib
import random
import uuid
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from apps.demo import people
from apps.demo.copying import NULL, Block, blocks, line
from apps.demo.world import HISTORY_DAYS, MAKERS, STANDING, TRADES, Account, Holder, World

Rows = Callable[[World], Iterator[str]]
INVOICED_MONTHS = 30
CENT = Decimal("0.01")
PRICES = (("Messages", Decimal("0.0650")), ("Call minutes", Decimal("0.0210")), ("E-mails", Decimal("0.0009")))
VAT_PERCENT = Decimal("21.0")
EMPLOYEES = ("1-10", "11-50", "51-200", "201-1000", "1000+")
BROWSERS = (("Firefox 145", "desktop"), ("Chrome 142", "mobile"), ("Safari 26", "mobile"), ("Edge 142", "desktop"))
PAGES = ("/", "/pricing", "/docs/sms", "/docs/voice", "/contact", "/sign-up", "/blog/deliverability")


def book_blocks(world: World) -> Iterator[Block]:
    """Everything but communications and invoices, parents before children."""
    for table, columns, rows in TABLES:
        yield from blocks(table, columns, rows(world))


def invoice_blocks(world: World) -> Iterator[Block]:
    """One invoice a month for each account, over what `communication_blocks` counted; lines add up to it."""
    invoices, lines, number = [], [], 0
    rng = world.rng("invoices")
    for months_back in range(INVOICED_MONTHS, 0, -1):
        issued_on = _months_before(world.at, months_back - 1)
        for account in world.accounts:
            number += 1
            mine = _invoice_lines(account, number, issued_on, rng)
            subtotal = sum((amount for *_, amount in mine), Decimal(0))
            invoices.append(_invoice(world, account, number, issued_on, subtotal, rng))
            lines += [line(number * 5 + place, number, account.id, issued_on, *each) for place, each in enumerate(mine)]
    yield from blocks("invoices", INVOICES, iter(invoices))
    yield from blocks("invoice_lines", INVOICE_LINES, iter(lines))


INVOICES = (
    "id, account_id, holder_id, invoice_number, invoiced_on, due_on, paid_on, billing_name, billing_email, "
    "billing_position, billing_address, billing_iban, currency, subtotal, vat_percent, vat_amount, total"
)
INVOICE_LINES = "id, invoice_id, account_id, invoiced_on, description, quantity, unit_price, amount"


def _invoice(
    world: World, account: Account, number: int, issued_on: date, subtotal: Decimal, rng: random.Random
) -> str:
    # Every person of the account gets an invoice now and then: the tax duty is seen whoever asks.
    holder = account.holders[number // len(world.accounts) % len(account.holders)]
    vat = (subtotal * VAT_PERCENT / 100).quantize(CENT, ROUND_HALF_UP)
    due_on = issued_on + timedelta(days=30)
    paid_on = issued_on + timedelta(days=rng.randrange(3, 29))
    return line(
        number, account.id, holder.id, f"INV-{issued_on.year}-{number:06d}", issued_on, due_on,
        paid_on if paid_on < world.at else None, f"{account.name}, {holder.name}", holder.email, holder.job_title,
        f"{account.id % 90 + 1} Sample Street, {account.city}, {account.country}", make_iban(account.id),
        "EUR", subtotal, VAT_PERCENT, vat, subtotal + vat,
    )  # fmt: skip


def _invoice_lines(
    account: Account, number: int, issued_on: date, rng: random.Random
) -> list[tuple[str, int, Decimal, Decimal]]:
    before = issued_on - timedelta(days=1)
    used = account.billed.get((before.year, before.month)) or [rng.randrange(50, 400), rng.randrange(90), 75]
    lines = [
        (f"{what} in {before:%Y-%m}", quantity, price, (quantity * price).quantize(CENT, ROUND_HALF_UP))
        for (what, price), quantity in zip(PRICES, used, strict=True)
        if quantity
    ]
    rent = Decimal("4.5000")
    count = len(account.numbers)
    return [*lines, ("Rent of numbers", count, rent, (count * rent).quantize(CENT))]


def make_iban(number: int) -> str:
    """A well-formed Dutch IBAN of a bank that does not exist."""
    basic = f"EXMP{number:010d}"
    digits = "".join(str(int(sign, 36)) for sign in f"{basic}NL00")
    return f"NL{98 - int(digits) % 97:02d}{basic}"


def _months_before(day: date, months: int) -> date:
    """The first of the month that lies so many months before `day`'s."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, 1)


def _digest(*parts: object) -> str:
    return hashlib.sha256(":".join(map(str, parts)).encode()).hexdigest()


def _past(world: World, rng: random.Random, days: int = HISTORY_DAYS, since: int = 1) -> str:
    """A day and an hour, at least `since` and less than `days` days ago."""
    day = world.at - timedelta(days=since + int(rng.random() * (days - since)))
    minute = int(rng.random() * 840)
    return f"{day} {7 + minute // 60:02d}:{minute % 60:02d}:{day.day:02d}+00"


def _ip(rng: random.Random) -> str:
    """From the three networks kept for documentation (RFC 5737)."""
    return f"{rng.choice(('192.0.2', '198.51.100', '203.0.113'))}.{rng.randrange(1, 255)}"


def _holders(world: World) -> Iterator[tuple[Account, Holder]]:
    return ((account, holder) for account in world.accounts for holder in account.holders)


def _accounts(world: World) -> Iterator[str]:
    rng = world.rng("accounts")
    for account in world.accounts:
        yield line(
            account.id, account.name, account.country, f"{account.country}{account.id:09d}X01",
            f"https://{account.slug}.example", f"{account.id % 90 + 1} Sample Street", account.city,
            f"{account.id} XA", f"billing@{account.slug}.example", "Delivery notices to customers who ordered",
            "Your parcel arrives today. Reply STOP to end.", {"default_route": f"direct-{account.country.lower()}-1"},
            _past(world, rng, 2_500, 2_000), None,
        )  # fmt: skip


def _account_holders(world: World) -> Iterator[str]:
    rng = world.rng("holders")
    for account, holder in _holders(world):
        handle = holder.email.partition("@")[0]
        yield line(
            holder.id, account.id, holder.name, holder.email, holder.phone,
            rng.choice(("female", "male", "other", None)), holder.job_title,
            f"https://www.linkedin.example/in/{handle}-{holder.id}", f"{holder.id % 120 + 1} Invented Lane",
            account.city, f"{holder.id} XB", account.country, f"{handle}.{holder.id}",
            f"scrypt$sample${_digest(world.seed, 'password', holder.id)}", _digest(world.seed, "token", holder.id),
            f"Kind regards, {holder.name}", _ip(rng), holder.language,
            {"sign_ins": rng.randrange(400), "last_pages": rng.sample(PAGES, 2)},
            _past(world, rng, 2_000, 1_000), None,
        )  # fmt: skip


def _numbers(world: World) -> Iterator[str]:
    rng = world.rng("numbers")
    number = 0
    for account in world.accounts:
        for place, rented in enumerate(account.numbers):
            number += 1
            holder = account.holders[place % len(account.holders)]
            rented_on = world.at - timedelta(days=rng.randrange(300, 900))
            yield line(number, account.id, holder.id, rented, account.name, rented_on, None)
        for days in (30, 220):  # handed back: inside and outside the half year after rental end
            number += 1
            spare = f"+31970100{account.id - people.ACME:03d}{20 + days % 7:02d}"
            released_on = world.at - timedelta(days=days)
            yield line(
                number, account.id, account.holders[0].id, spare, account.name,
                released_on - timedelta(days=400), released_on,
            )  # fmt: skip


def _contacts(world: World) -> Iterator[str]:
    """The largest of these tables: rows are put together from parts that were written once."""
    rng = world.rng("contacts")
    details = {country: [_details(country, rng) for _ in range(64)] for country in people.CITIES}
    instants = [_past(world, rng) for _ in range(1_024)]
    for account in world.accounts:
        earlier: list[int] = []
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
                f"{instants[int(luck * 1_024)]}\t{NULL}\n"
            )
            if person not in standing:
                earlier.append(contact.id)


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
        yield line(
            number, account.id, holder.id, kind, *card, *ideal, paypal, rng.random() < 0.3,
            _past(world, rng, 700), withdrawn_at,
        )  # fmt: skip


def _leads(world: World) -> Iterator[str]:
    rng = world.rng("leads")
    number = 0
    for account, holder in _holders(world):
        number += 1
        yield line(
            number, account.id, holder.name, holder.email, holder.phone, holder.job_title, account.name,
            f"https://www.linkedin.example/in/{holder.email.partition('@')[0]}-{holder.id}", "web form",
            "Became a customer", _past(world, rng, 2_500, 2_000), _past(world, rng, 200),
        )  # fmt: skip
    for index, person in enumerate(people.make_people(rng, max(10, world.scale.visitors // 4))):
        number += 1
        company, title = f"{rng.choice(MAKERS)} {rng.choice(TRADES)}", rng.choice(("Founder", "Buyer"))
        yield line(
            number, None, person.name, f"prospect{index}.{person.email}", person.phone, title,
            company, None, rng.choice(("fair", "web form", "referral")), None, _past(world, rng, 900, 500),
            _past(world, rng, 500),
        )  # fmt: skip


def _enrichment_profiles(world: World) -> Iterator[str]:
    rng = world.rng("enrichment")
    for number, (account, holder) in enumerate(_holders(world), 1):
        industry = rng.choice(TRADES)
        created = _past(world, rng, 90)
        yield line(
            number, account.id, number, holder.id, holder.name, holder.phone, holder.job_title,
            rng.choice(("operations", "finance", "engineering")), rng.choice(("junior", "senior", "director")),
            account.name, f"{account.name} works in {industry.lower()}", f"https://{account.slug}.example", industry,
            f"EUR {rng.randrange(1, 90)}M", rng.choice(EMPLOYEES), created[:10] if number % 2 else None, created,
        )  # fmt: skip


def _support_recordings(world: World) -> Iterator[str]:
    rng = world.rng("support")
    for number, (account, holder) in enumerate(_holders(world), 1):
        created = _past(world, rng, 120)
        history = ({"at": created[:10], "note": "Opened"}, {"at": created[:10], "note": "Solved by phone"})
        yield line(
            number, account.id, holder.id, holder.phone, "How do I rent a second number?", history,
            f"support/{account.id}/{number}.ogg", rng.randrange(60, 1_200), created,
        )  # fmt: skip


def _web_visits(world: World) -> Iterator[str]:
    rng = world.rng("visits")
    known = list(_holders(world))
    number = 0
    for visitor in range(world.scale.visitors + len(known)):
        account, holder = known[visitor] if visitor < len(known) else (None, None)
        visitor_id = uuid.UUID(int=rng.getrandbits(128), version=4)
        country = rng.choice(list(people.CITIES))
        city, ip, (browser, device) = (rng.choice(people.CITIES[country]), _ip(rng), rng.choice(BROWSERS))
        created, is_returning = _past(world, rng, 500), rng.random() < 0.4
        choices = {"analytics": rng.random() < 0.5, "marketing": rng.random() < 0.3, "necessary": True}
        for order, page in enumerate(rng.sample(PAGES, rng.randrange(1, 5)), 1):
            number += 1
            yield line(
                number, account and account.id, holder and holder.id, visitor_id, ip, country, city, page, order,
                browser, device, is_returning, choices, created,
            )  # fmt: skip


TABLES: tuple[tuple[str, str, Rows], ...] = (
    ("accounts", "id, name, country, vat_number, website, billing_street, billing_city, billing_postal_code, "
     "billing_email, campaign_purpose, sample_message, routing, created_at, service_ended_on", _accounts),
    ("account_holders", "id, account_id, full_name, email, phone_number, gender, job_title, linkedin_url, street, "
     "city, postal_code, country, username, password_hash, api_token_digest, signature, last_ip_address, language, "
     "usage, created_at, service_ended_on", _account_holders),
    ("numbers", "id, account_id, holder_id, number, renter_name, rented_on, released_on", _numbers),
    ("contacts", "id, account_id, introduced_by_id, name, email, phone_number, customer_reference, language, notes, "
     "tags, attributes, created_at, service_ended_on", _contacts),
    ("payment_methods", "id, account_id, holder_id, kind, card_last_four, card_expires_on, card_holder, iban, bic, "
     "bank_account_name, paypal_email, is_automatic_top_up, created_at, withdrawn_at", _payment_methods),
    ("leads", "id, account_id, full_name, email, phone_number, job_title, company_name, linkedin_url, source, notes, "
     "created_at, last_contact_at", _leads),
    ("enrichment_profiles", "id, account_id, lead_id, holder_id, full_name, phone_number, role, job_function, "
     "seniority, company_name, company_description, company_website, company_industry, company_revenue, "
     "company_employees, informed_on, created_at", _enrichment_profiles),
    ("support_recordings", "id, account_id, holder_id, caller_phone_number, enquiry, history, storage_key, "
     "duration_seconds, created_at", _support_recordings),
    ("web_visits", "id, account_id, holder_id, visitor_id, ip_address, country, city, page, page_order, browser, "
     "device, is_returning, cookie_preferences, created_at", _web_visits),
)  # fmt: skip
