"""What sample people said yes and no to in the past months, so that rates over time, what was shown against what was
chosen, and a search for one person show something.

Visitors chose on the sample site, in its banner and elsewhere; readers subscribed to the newsletter; the sample
accounts switched their payments on and off. The rows are written at once, as the services would have left them: the
hourly ranges that the worker closes are their evidence.
"""

from __future__ import annotations

import base64
import random
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from dateutil.relativedelta import relativedelta
from django.db import connection, transaction

from apps.accounts.models import CustomerAccount, User
from apps.consent.models import PROVIDER, Event, Range, Served, State, Subscription, Text
from apps.consent.services.finance import METHOD, TOP_UP, subject_of
from apps.consent.services.limits import object_to_purpose
from apps.consent.services.subscriptions import NEWSLETTER, PRODUCTS
from apps.consent.states import Action, Method
from apps.cookies.models import RegisterVersion, Site
from apps.cookies.services import preview, publish_register
from apps.core import crypto
from apps.core.identities import Identity, IdentityType
from apps.demo.people import ACME, GLOBEX, SAMPLE_HOLDERS, make_people
from apps.demo.site import DOMAIN, KEY, MAIN

DAYS = 180
ASKED_AGAIN = 80  # days ago the sample site's register had its second version, and everybody was asked again
HELP = f"help.{DOMAIN}"  # the host that came with it
READERS, OBJECTORS = 110, 14
LANGUAGES, SHARES = ("en", "nl", "ar"), (50, 35, 15)
WAYS: dict[Method, int] = {Method.BANNER: 78, Method.PREFERENCES: 10, Method.PAGE: 6, Method.PLACEHOLDER: 6}
WAYS_BACK = (Method.PREFERENCES, Method.PAGE, Method.PREFERENCES, Method.SIGNAL, Method.PREFERENCES)
BROWSERS = ("Firefox, Linux", "Chrome, Windows", "Safari, iOS", "Chrome, Android", "Edge, Windows", "Safari, macOS")
PAGES = ("/demo-site/", "/demo-site/article/", "/demo-site/shop/")
# of a hundred who chose: with the first words, with the second, and how many more of them for each month that passed
WILLING = {"performance": (46, 55, 2), "functional": (58, 63, 1), "marketing": (24, 19, -1)}


@dataclass
class Story:
    """The acts of everybody, and what they leave behind."""

    rng: random.Random
    now: datetime
    events: list[Event] = field(default_factory=list)
    states: dict[tuple[str, str], State] = field(default_factory=dict)
    served: dict[tuple[date, str], int] = field(default_factory=dict)

    def act(self, at: datetime, before: Event | None = None, **said: Any) -> Event:
        """One more act; the one before it by the same subject ends with it."""
        event = Event(id=_uuid7(at, self.rng), at=at, received_at=at, previous=before.id if before else None, **said)
        if before is not None and (before.ended_at is None or before.ended_at > at):
            before.ended_at = at
        self.events.append(event)
        return event

    def say(self, at: datetime, before: Event | None = None, **said: Any) -> Event:
        """The same to us, where what holds from then on is a state of its own."""
        event = self.act(at, before, scope=PROVIDER, **said)
        ends = event.action in (Action.WITHDRAWN, Action.OBJECTED)
        event.ended_at = at if ends else None
        for purpose, is_yes in event.choices.items():
            state = State(subject_key=event.subject_key, purpose=purpose, is_allowed=is_yes, since=at, event=event.id)
            state.scope = PROVIDER
            self.states[event.subject_key, purpose] = state
        return event

    def moment(self, days_ago: int) -> datetime:
        """An instant of that day, all of one day within an hour: the fewer ranges tell of them."""
        day = (self.now - timedelta(days=days_ago)).astimezone(UTC).date()
        hour = 7 + day.toordinal() * 5 % 13
        seconds = hour * 3600 + self.rng.randrange(3_300_000) / 1000
        return datetime.combine(day, time(), UTC) + timedelta(milliseconds=round(seconds * 1000))

    def language(self) -> str:
        return self.rng.choices(LANGUAGES, SHARES)[0]


@transaction.atomic
def make_sample_consents(*, seed: int, now: datetime) -> int:
    """Write it all; says how many acts there are.

    Nothing is done where the sample site has acts, nor where a range of acts was closed: what came into it afterwards
    would look as if somebody had added to the proof.
    """
    site = Site.objects.filter(key=KEY, is_sample=True).first()
    if site is None or Range.objects.exists() or Event.objects.filter(scope=site.scope).exists():
        return 0
    story = Story(random.Random(f"{seed}:consents"), now)
    _visitors(story, site, _versions(site, now=now))
    readers = _readers(story)
    _payers(story)
    objections = _objectors(story)
    _write(story, readers)
    for event in objections:  # they stand in a table of their own, each with its line in the ledger
        about = {"scope": PROVIDER, "subject_key": event.subject_key, "source": event.target}
        object_to_purpose(purpose=PRODUCTS, actor="system", since=event.at, now=now, **about)
    return len(story.events)


def _versions(site: Site, *, now: datetime) -> tuple[RegisterVersion, RegisterVersion]:
    """The first register of the sample site, and one more with a host that it got later."""
    if HELP not in site.hosts:
        site.hosts = [*site.hosts, HELP]
        site.save(update_fields=["hosts"])
        seen = preview(site)
        publish_register(site.key, asks_again=True, seen_digest=seen.digest, actor="command", now=now)
    versions = list(RegisterVersion.objects.of_site(site.key))
    return versions[-1], versions[0]


# --- visitors of the sample site --------------------------------------------------------------------------------------


def _visitors(story: Story, site: Site, versions: Sequence[RegisterVersion]) -> None:
    rng, known = story.rng, list[Event]()
    for days_ago in range(DAYS, 0, -1):
        version = versions[days_ago <= ASKED_AGAIN]
        new = rng.randrange(2, 6) if days_ago % 7 not in (1, 2) else rng.randrange(1, 3)
        for _number in range(new):
            known.append(_choose(story, site, version, days_ago))
        if version is versions[1] and rng.random() < 0.5:  # somebody who comes back is asked again
            before = rng.choice(known)
            if before.register_version == versions[0].number and before.action == Action.CHOSEN:
                known[known.index(before)] = _choose(story, site, version, days_ago, before)
        if rng.random() < 0.35:
            before = rng.choice(known)
            if any(before.choices.values()) and before.register_version == version.number:
                known[known.index(before)] = _withdraw(story, site, version, days_ago, before)
        _show(story, version, days_ago, answered=new)


def _choose(story: Story, site: Site, version: RegisterVersion, days_ago: int, before: Event | None = None) -> Event:
    rng, is_later = story.rng, version.number > 1
    way = rng.choices(list(WAYS), list(WAYS.values()))[0]
    gpc = rng.random() < 0.07
    months = (DAYS - days_ago) / 30
    likely = {each: (row[is_later] + row[2] * months) / 100 for each, row in WILLING.items()}
    if way is Method.BANNER and rng.random() < 0.7:  # both buttons of the first layer say the same of all
        is_yes = rng.random() < likely["performance"]
        choices = dict.fromkeys(WILLING, is_yes)
    else:
        choices = {each: rng.random() < share for each, share in likely.items()}
    if way is Method.PLACEHOLDER:
        choices["functional"] = True
    if gpc:
        choices["marketing"] = False
    return _visit(story, site, version, days_ago, before, method=way, choices=choices, gpc=gpc, action=Action.CHOSEN)


def _withdraw(story: Story, site: Site, version: RegisterVersion, days_ago: int, before: Event) -> Event:
    way = WAYS_BACK[days_ago % len(WAYS_BACK)]
    said = {"method": way, "choices": dict.fromkeys(WILLING, False), "gpc": way is Method.SIGNAL}
    event = _visit(story, site, version, days_ago, before, action=Action.WITHDRAWN, **said)
    event.ended_at = event.at
    return event


def _visit(
    story: Story, site: Site, version: RegisterVersion, days_ago: int, before: Event | None, **said: Any
) -> Event:
    rng = story.rng
    at = story.moment(days_ago)
    if before is not None:
        at = max(at, before.at + timedelta(minutes=1))
    language = before.language if before else story.language()
    event = story.act(
        at,
        before,
        scope=site.scope,
        subject_key=before.subject_key if before else base64.urlsafe_b64encode(rng.randbytes(16))[:22].decode(),
        text=version.texts[language],
        language=language,
        register_version=version.number,
        page=MAIN + rng.choice(PAGES),
        agent=before.agent if before else rng.choice(BROWSERS),
        **said,
    )
    event.ended_at = at + relativedelta(months=version.validity_months)
    return event


def _show(story: Story, version: RegisterVersion, days_ago: int, *, answered: int) -> None:
    """Most who see the banner answer it; some go away."""
    day = story.moment(days_ago).date()
    for _number in range(round(answered * story.rng.uniform(0.3, 0.8)) + 1):
        text = version.texts[story.language()]
        story.served[day, text] = story.served.get((day, text), 0) + 1
    for event in reversed(story.events):
        if event.at.date() != day:
            break
        story.served[day, event.text] = story.served.get((day, event.text), 0) + 1


# --- people who told us something -------------------------------------------------------------------------------------


def _words(notice: str) -> dict[str, str]:
    """Language -> digest of the words in force."""
    return dict(Text.objects.current().filter(notice=notice).values_list("language", "digest"))


def _readers(story: Story) -> list[Subscription]:
    """The newsletter: confirmed by the link in a mail, and ended again by about a third."""
    rng, words, reading = story.rng, _words(NEWSLETTER), []
    addresses = [person.email for person in make_people(random.Random(f"{rng.random()}"), READERS)]
    people = {holder.email: User.objects.filter(email=holder.email).first() for holder in SAMPLE_HOLDERS}
    for address in (*people, *addresses):
        began, language, user = rng.randrange(2, DAYS), story.language(), people.get(address)
        who = Identity(IdentityType.EMAIL, address)
        said: dict[str, Any] = {"subject_key": crypto.lookup(who), "text": words[language], "language": language}
        said |= {"user_id": user.pk} if user else {}
        page = f"{MAIN}/newsletter/confirm/<str:token>/"
        at = story.moment(began)
        given = story.say(at, action=Action.GIVEN, method=Method.LINK, choices={NEWSLETTER: True}, page=page, **said)
        if rng.random() < 0.35:
            way = rng.choices((Method.ONE_CLICK, Method.LINK, Method.PREFERENCES), (55, 25, 20))[0]
            later = max(story.moment(rng.randrange(1, began)), given.at + timedelta(minutes=1))
            story.say(later, given, action=Action.WITHDRAWN, method=way, choices={NEWSLETTER: False}, **said)
            continue
        row = Subscription(
            lookup=said["subject_key"], language=language, event=given.id, confirmed_at=at, last_contact_at=at
        )
        row.id = uuid.UUID(int=rng.getrandbits(128), version=4)
        row.address = crypto.seal(who.value, bound_to=row.binding)
        reading.append(row)
    return reading


PAYMENTS = (  # account, purpose, days ago it was said, how, yes or no
    (ACME, METHOD, 150, Action.GIVEN, True),
    (ACME, TOP_UP, 149, Action.GIVEN, True),
    (GLOBEX, METHOD, 95, Action.GIVEN, True),
    (GLOBEX, TOP_UP, 90, Action.GIVEN, True),
    (ACME, METHOD, 61, Action.RENEWED, True),
    (GLOBEX, TOP_UP, 40, Action.WITHDRAWN, False),
    (GLOBEX, METHOD, 39, Action.WITHDRAWN, False),
    (ACME, TOP_UP, 21, Action.WITHDRAWN, False),
    (ACME, METHOD, 20, Action.WITHDRAWN, False),
)


def _payers(story: Story) -> None:
    """What the sample accounts' owners switched: all of it off again, so that nothing is saved or charged."""
    said: dict[tuple[int, str], Event] = {}
    for number, purpose, days_ago, action, is_yes in PAYMENTS:
        account = CustomerAccount.objects.filter(platform_account_id=str(number)).first()
        owner = User.objects.filter(memberships__account=account, memberships__role="owner").first()
        if account is None or owner is None:
            continue
        words = _words(purpose)
        language = owner.language if owner.language in words else LANGUAGES[0]
        said[number, purpose] = story.say(
            story.moment(days_ago),
            said.get((number, purpose)),
            subject_key=subject_of(account),
            user_id=owner.pk,
            action=action,
            method=Method.SWITCH,
            choices={purpose: is_yes},
            text=words[language],
            language=language,
            page="/account/finance/<uuid:pk>/",
        )


def _objectors(story: Story) -> list[Event]:
    """People who want no news of products."""
    words, said = _words(PRODUCTS), list[Event]()
    for person in make_people(random.Random(f"{story.rng.random()}"), OBJECTORS):
        language, who = story.language(), Identity(IdentityType.EMAIL, f"no.{person.email}")
        no: dict[str, Any] = {
            "action": Action.OBJECTED,
            "choices": {PRODUCTS: False},
            "text": words[language],
            "language": language,
        }
        way = story.rng.choice((Method.ONE_CLICK, Method.PREFERENCES))
        at = story.moment(story.rng.randrange(1, DAYS))
        said.append(story.say(at, subject_key=crypto.lookup(who), method=way, **no))
    return said


# --- writing ----------------------------------------------------------------------------------------------------------


def _write(story: Story, readers: Sequence[Subscription]) -> None:
    with connection.cursor() as cursor:
        for month in sorted({event.at.date().replace(day=1) for event in story.events}):
            cursor.execute("SELECT consent_make_month(%s)", [month])
    Event.objects.bulk_create(story.events)
    State.objects.bulk_create(story.states.values())
    Subscription.objects.bulk_create(readers)
    Served.objects.bulk_create(_served(story))


def _served(story: Story) -> Iterator[Served]:
    for (day, text), count in story.served.items():
        yield Served(day=day, text=text, slot=0, scope=f"site:{KEY}", count=count)


def _uuid7(at: datetime, rng: random.Random) -> uuid.UUID:
    """An id that carries its instant, as the services make it; the rest of it comes from the seed."""
    value = int(at.timestamp() * 1000) << 80 | rng.getrandbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    return uuid.UUID(int=value & ~(0x3 << 62) | 0x2 << 62)
