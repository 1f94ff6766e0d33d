"""What the platform's customers send and receive, and the provider's own record of it.

Each message, call and e-mail leaves one row in `traffic_records`. Rows come out roughly in the order of time, so that
each lands in the partition that the row before it lay in.
"""

from __future__ import annotations

from collections.abc import Iterator

from apps.demo.content import TRANSCRIPTS, Conversation, make_conversations, make_subjects
from apps.demo.copying import NULL, Block
from apps.demo.meetings import NOBODY, TRAFFIC, Traffic, chance_meetings, meetings, standing_meetings
from apps.demo.world import DAY, World

MESSAGES = (
    "region, created_at, id, account_id, contact_id, country, direction, channel, sender, recipient, body, "
    "attachments, customer_reference, segments, status"
)
CALLS = (
    "region, created_at, id, account_id, contact_id, country, direction, sender, recipient, duration_seconds, status"
)
CALL_RECORDINGS = "region, created_at, id, account_id, call_id, country, storage_key, transcript, duration_seconds"
EMAILS = (
    "region, created_at, id, account_id, contact_id, country, direction, sender, recipient, subject, body, "
    "attachments, status"
)


def communication_blocks(world: World) -> Iterator[Block]:
    """Messages, calls with their recordings, and e-mails, each with its traffic records. Fills the accounts' bills."""
    traffic = Traffic(world)
    yield from _message_blocks(traffic)
    yield from _call_blocks(traffic)
    yield from _email_blocks(traffic)


def _message_blocks(traffic: Traffic) -> Iterator[Block]:
    """Conversations back and forth, until there are exactly as many messages as the scale says."""
    world, text, last = traffic.world, traffic.clock.text, traffic.clock.end - 1
    wanted = world.scale.messages
    scripts = make_conversations(world.rng("conversations"), 64 if wanted > 10_000 else 8)
    messages, records = (traffic.rows_of("messages", MESSAGES), traffic.rows_of("traffic_records", TRAFFIC))
    number = 0
    for instant, account, (contact, person, reference), luck in meetings(
        world, "messages", _count_meetings(world, scripts)
    ):
        choice = scripts[person.language]
        mine = account.numbers[int(luck * 997) % len(account.numbers)]
        theirs, region = person.phone, person.region
        channel = "sms" if int(luck * 31) % 4 else "whatsapp"
        head = f"{account.id}\t{contact or NULL}\t{person.country}\t"
        answer = f"\t{_picture(luck) if channel == 'whatsapp' else NULL}\t{NULL}\t1\treceived\n"
        sent = f"\t{NULL}\t{NULL if int(luck * 71) % 8 else reference}\t1\tdelivered\n"
        places = traffic.places[person.country]
        place = f"{NOBODY}\t{places[int(luck * 89) % len(places)]}"
        for is_outbound, delay, body in choice[int(luck * len(choice))]:
            if number == wanted:
                break
            number += 1
            instant = min(instant + delay, last)
            at = f"{region}\t{text(instant)}\t{number}\t"
            if is_outbound:
                messages.append(f"{at}{head}outbound\t{channel}\t{mine}\t{theirs}\t{body}{sent}")
                records.append(f"{at}{account.id}\t{channel}\t{mine}\t{theirs}\t{place}")
                account.billed.setdefault(traffic.months[instant // DAY], [0, 0, 0])[0] += 1
            else:
                messages.append(f"{at}{head}inbound\t{channel}\t{theirs}\t{mine}\t{body}{answer}")
                records.append(f"{at}{account.id}\t{channel}\t{theirs}\t{mine}\t{place}")
        if len(messages) >= traffic.block_size:
            yield from traffic.flush()
    traffic.records = number
    yield from traffic.flush()


def _count_meetings(world: World, scripts: dict[str, list[Conversation]]) -> int:
    """How many meetings by chance it takes until the scale's number of messages is reached.

    They are walked through twice rather than kept: ten million messages would not fit into a small machine.
    """
    lengths = {language: [len(script) for script in choice] for language, choice in scripts.items()}
    messages = sum(
        lengths[contact.person.language][int(luck * len(lengths[contact.person.language]))]
        for _, _, contact, luck in standing_meetings(world)
    )
    wanted = world.scale.messages
    for count, (_, contact, luck) in enumerate(chance_meetings(world, "messages")):
        if messages >= wanted:
            return count
        length = lengths[contact.person.language]
        messages += length[int(luck * len(length))]
    raise AssertionError("chance meetings never end")


def _picture(luck: float) -> str:
    if int(luck * 53) % 9:
        return NULL
    return f'[{{"name": "photo-{int(luck * 1e6)}.jpg", "size": {40_000 + int(luck * 1e5)}, "type": "image/jpeg"}}]'


def _call_blocks(traffic: Traffic) -> Iterator[Block]:
    """Calls both ways; three in ten of the answered ones are recorded and transcribed."""
    world, text = traffic.world, traffic.clock.text
    calls, records = (traffic.rows_of("calls", CALLS), traffic.rows_of("traffic_records", TRAFFIC))
    recordings = traffic.rows_of("call_recordings", CALL_RECORDINGS)
    recorded = 0
    for number, (instant, account, (contact, person, _), luck) in enumerate(
        meetings(world, "calls", world.scale.messages // 10), 1
    ):
        is_outbound, is_answered = int(luck * 8) % 3 > 0, int(luck * 40) % 6 > 0
        mine = account.numbers[int(luck * 997) % len(account.numbers)]
        parties = f"{mine}\t{person.phone}" if is_outbound else f"{person.phone}\t{mine}"
        seconds = 20 + int(luck * 7_919) % 900 if is_answered else 0
        at = f"{person.region}\t{text(instant)}\t"
        calls.append(
            f"{at}{number}\t{account.id}\t{contact or NULL}\t{person.country}\t"
            f"{'outbound' if is_outbound else 'inbound'}\t{parties}\t"
            f"{seconds}\t{'completed' if is_answered else 'no-answer'}\n"
        )
        places = traffic.places[person.country]
        traffic.records += 1
        place = places[int(luck * 89) % len(places)]
        records.append(f"{at}{traffic.records}\t{account.id}\tcall\t{parties}\t{NOBODY}\t{place}")
        if is_outbound:
            account.billed.setdefault(traffic.months[instant // DAY], [0, 0, 0])[1] += -(-seconds // 60)
        if is_answered and int(luck * 80) % 10 < 3:
            recorded += 1
            after = f"{person.region}\t{text(min(instant + seconds, traffic.clock.end - 1))}\t"
            words = TRANSCRIPTS[number % len(TRANSCRIPTS)]
            recordings.append(
                f"{after}{recorded}\t{account.id}\t{number}\t{person.country}\trecordings/{account.id}/{number}.ogg\t"
                f"{words}\t{seconds}\n"
            )
        if len(calls) >= traffic.block_size:
            yield from traffic.flush()
    yield from traffic.flush()


def _email_blocks(traffic: Traffic) -> Iterator[Block]:
    """Mail to people's own addresses; one in four is an answer."""
    world, text = traffic.world, traffic.clock.text
    rng = world.rng("mail")
    subjects = make_subjects(rng, 32)
    bodies = {
        language: ["\\n\\n".join(turn.body for turn in script) for script in scripts]
        for language, scripts in make_conversations(rng, 32).items()
    }
    emails, records = (traffic.rows_of("emails", EMAILS), traffic.rows_of("traffic_records", TRAFFIC))
    for number, (instant, account, (contact, person, _), luck) in enumerate(
        meetings(world, "emails", world.scale.messages // 8), 1
    ):
        is_outbound = int(luck * 8) % 4 != 3
        box = f"hello@{account.slug}.example"
        parties = f"{box}\t{person.email}" if is_outbound else f"{person.email}\t{box}"
        subject = subjects[person.language][int(luck * len(subjects[person.language]))]
        body = bodies[person.language][int(luck * len(bodies[person.language]))]
        at = f"{person.region}\t{text(instant)}\t"
        emails.append(
            f"{at}{number}\t{account.id}\t{contact or NULL}\t{person.country}\t"
            f"{'outbound' if is_outbound else 'inbound'}\t{parties}\t"
            f"{'' if is_outbound else 'Re: '}{subject}\t{body}\t{_picture(luck)}\t"
            f"{'delivered' if is_outbound else 'received'}\n"
        )
        places = traffic.places[person.country]
        traffic.records += 1
        place = places[int(luck * 89) % len(places)]
        records.append(f"{at}{traffic.records}\t{account.id}\temail\t{NOBODY}\t{parties}\t{place}")
        if is_outbound:
            account.billed.setdefault(traffic.months[instant // DAY], [0, 0, 0])[2] += 1
        if len(emails) >= traffic.block_size:
            yield from traffic.flush()
    yield from traffic.flush()
