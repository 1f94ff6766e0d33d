"""Who is in touch with whom, and when: what messages, calls and e-mails of the sample platform are made from."""

from __future__ import annotations

from collections.abc import Iterator

from apps.demo.copying import NULL, Block, Clock
from apps.demo.people import CITIES
from apps.demo.world import DAY, HISTORY_DAYS, STANDING, Account, Contact, World

# When the people who stand in every world were in touch: days before the world's date. The first lie past the half
# year that the provider keeps its traffic records against abuse, the others inside it.
STANDING_DAYS = (251, 214, 190, 121, 63, 40, 12, 2)
STANDING_CONTACTS = {number: len(standing) for number, standing in STANDING.items()}

TRAFFIC = (
    "region, created_at, id, account_id, channel, sender, recipient, sender_email, recipient_email, route, country, "
    "location"
)
NOBODY = f"{NULL}\t{NULL}"

# An account, whom it is in touch with, and the luck, in [0, 1), that decides the rest.
Meeting = tuple[Account, Contact, float]


class Traffic:
    """Collects rows of several tables and hands them out block by block; numbers the provider's traffic records."""

    block_size = 20_000

    def __init__(self, world: World) -> None:
        self.world = world
        self.clock = Clock(world.begins_on, HISTORY_DAYS)
        self.months = [(day.year, day.month) for day in self.clock.days]
        self.records = 0
        self._lines: dict[tuple[str, str], list[str]] = {}
        self.places = {
            country: [f"direct-{country.lower()}-{hop}\t{country}\t{city}\n" for city in cities for hop in (1, 2, 3)]
            for country, cities in CITIES.items()
        }

    def rows_of(self, table: str, columns: str) -> list[str]:
        """The list to append complete lines of this table to."""
        return self._lines.setdefault((table, columns), [])

    def flush(self) -> Iterator[Block]:
        """The collected rows of every table."""
        for (table, columns), rows in self._lines.items():
            if rows:
                yield Block(table, columns, len(rows), "".join(rows))
                rows.clear()


def standing_meetings(world: World) -> Iterator[tuple[int, Account, Contact, float]]:
    """Those of the people who stand in every world, each with its instant."""
    for account in world.accounts:
        for contact in account.contacts[: STANDING_CONTACTS.get(account.id, 0)]:
            for place, days in enumerate(STANDING_DAYS):
                # `place` spreads the luck over [0, 1), so that every kind of row is among them
                yield (
                    (HISTORY_DAYS - days) * DAY + 30_000 + place * 3_137 + account.id,
                    account,
                    contact,
                    place / len(STANDING_DAYS),
                )


def chance_meetings(world: World, part: str) -> Iterator[Meeting]:
    """Meetings by chance, without end. The people who stand in every world are never among them."""
    rng = world.rng(part)
    random, accounts = rng.random, world.accounts
    weights = [1 / (place + 2) for place in range(len(accounts))]  # a few customers make most of the traffic
    first = [STANDING_CONTACTS.get(account.id, 0) for account in accounts]
    free = [len(account.contacts) - skipped for account, skipped in zip(accounts, first, strict=True)]
    while True:
        for place in rng.choices(range(len(accounts)), weights, k=4_096):
            account = accounts[place]
            yield (account, account.contacts[first[place] + int(random() * free[place])], random())


def meetings(world: World, part: str, count: int) -> Iterator[tuple[int, Account, Contact, float]]:
    """The standing meetings, then `count` meetings by chance in the order of time, each with its instant."""
    yield from standing_meetings(world)
    pace = HISTORY_DAYS * DAY / max(1, count)
    for index, (account, contact, luck) in zip(range(count), chance_meetings(world, part), strict=False):
        instant = int((index + luck) * pace)
        # Between six in the morning and eleven at night, UTC.
        yield instant + 21_600 - instant % DAY * 7 // 24, account, contact, luck
