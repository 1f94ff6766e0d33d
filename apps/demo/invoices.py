"""Invoices of the sample platform: one a month for each account, and old ones that the tax office asks for no more."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from apps.demo.copying import Block, blocks, line
from apps.demo.world import Account, World

INVOICED_MONTHS = 30
OLD_YEARS = (12, 11, 10)  # ten book years keep the last of them until the end of this one
CENT = Decimal("0.01")
PRICES = (("Messages", Decimal("0.0650")), ("Call minutes", Decimal("0.0210")), ("E-mails", Decimal("0.0009")))
VAT_PERCENT = Decimal("21.0")


def invoice_blocks(world: World) -> Iterator[Block]:
    """Each invoice is over what `communication_blocks` counted; lines add up to it."""
    invoices, lines = [], []
    rng = world.rng("invoices")
    for number, (account, issued_on) in enumerate(_issued(world), 1):
        mine = _invoice_lines(account, issued_on, rng)
        subtotal = sum((amount for *_, amount in mine), Decimal(0))
        invoices.append(_invoice(world, account, number, issued_on, subtotal, rng))
        lines += [line(number * 5 + place, number, account.id, issued_on, *each) for place, each in enumerate(mine)]
    yield from blocks("invoices", INVOICES, iter(invoices))
    yield from blocks("invoice_lines", INVOICE_LINES, iter(lines))


def _issued(world: World) -> Iterator[tuple[Account, date]]:
    for months_back in range(INVOICED_MONTHS, 0, -1):
        issued_on = _months_before(world.at, months_back - 1)
        for account in world.everybody:
            if account.is_billed and (account.ended_on is None or issued_on <= account.ended_on):
                yield account, issued_on
    for account in world.former:
        for years in OLD_YEARS:
            issued_on = date(world.at.year - years, 3, 1)
            if account.ended_on and account.ended_on.year in (issued_on.year, issued_on.year + 1):
                yield account, issued_on


INVOICES = (
    "id, account_id, holder_id, invoice_number, invoiced_on, due_on, paid_on, billing_name, billing_email, "
    "billing_position, billing_address, billing_iban, currency, subtotal, vat_percent, vat_amount, total"
)
INVOICE_LINES = "id, invoice_id, account_id, invoiced_on, description, quantity, unit_price, amount"


def _invoice(
    world: World, account: Account, number: int, issued_on: date, subtotal: Decimal, rng: random.Random
) -> str:
    # Every person of the account gets an invoice now and then: the tax duty is seen whoever asks.
    holder = account.holders[(issued_on.year * 12 + issued_on.month) % len(account.holders)]
    vat = (subtotal * VAT_PERCENT / 100).quantize(CENT, ROUND_HALF_UP)
    due_on = issued_on + timedelta(days=30)
    paid_on = issued_on + timedelta(days=rng.randrange(3, 29))
    return line(
        number, account.id, holder.id, f"INV-{issued_on.year}-{number:06d}", issued_on, due_on,
        paid_on if paid_on < world.at else None, f"{account.name}, {holder.name}", holder.email, holder.job_title,
        f"{account.id % 90 + 1} Sample Street, {account.city}, {account.country}", make_iban(account.id),
        "EUR", subtotal, VAT_PERCENT, vat, subtotal + vat,
    )  # fmt: skip


def _invoice_lines(account: Account, issued_on: date, rng: random.Random) -> list[tuple[str, int, Decimal, Decimal]]:
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
