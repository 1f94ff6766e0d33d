"""What happened at the desk in the past months: sample requests, each taken through the services as it went then.

All stories (`stories.py`) run together on one clock, so evidence lies in the order in which it would have come; at the
present instant they stop where they are.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import cycle
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import F

from apps.accounts.models import CustomerAccount, User
from apps.core.identities import Identity, IdentityType
from apps.demo import stories
from apps.demo.people import ACME, GLOBEX, REFERENCED_PHONE, SHARED_PHONE
from apps.demo.stories import DAY, HOUR, Act, Cast, Script, Story
from apps.notifications.models import OutgoingMessage
from apps.subject_requests.models import SubjectRequest
from apps.subject_requests.states import About

HISTORY = timedelta(days=200)
"""The sample people have used the portal for this long."""
PLACE = ZoneInfo("Europe/Amsterdam")


def file_sample_requests(cursor: Any, *, seed: int, now: datetime) -> int:
    """Play all stories up to `now`; says how many requests there are. `cursor` reads the sample platform.

    Nothing is done where requests are already: sample people never mix with the requests of real ones.
    """
    if SubjectRequest.objects.exists():
        return 0
    with connection.cursor() as own:
        own.execute("SET synchronous_commit = off")  # hundreds of short transactions need not wait for the disk
        _play(_stories(_cast(cursor, seed=seed, now=now)), now=now)
        own.execute("RESET synchronous_commit")
    # Letters of the past went out in the past; those of today the worker delivers.
    OutgoingMessage.objects.filter(delivered_at=None, created_at__lt=now - DAY).update(delivered_at=F("created_at"))
    return len(stories.STORIES)


def _cast(cursor: Any, *, seed: int, now: datetime) -> Cast:
    everybody = (*stories.CUSTOMERS, *stories.STAFF)
    people = {user.email: user for user in User.objects.filter(email__in=everybody)}
    accounts = {email: CustomerAccount.objects.get(memberships__user=people[email]) for email in stories.CUSTOMERS}
    known = {ACME: _end_users(cursor, ACME), GLOBEX: _end_users(cursor, GLOBEX)}
    end_users = {email: known[int(account.platform_account_id or 0)] for email, account in accounts.items()}
    return Cast(people, accounts, end_users, now, random.Random(f"{seed}:requests"))


def _end_users(cursor: Any, account: int) -> list[tuple[Identity, ...]]:
    """People of an account's address book, each as a customer would name them. Whom the tour asks about is left out."""
    cursor.execute(
        "SELECT phone_number, email, customer_reference FROM platform.contacts"
        " WHERE account_id = %s AND phone_number NOT IN (%s, %s) ORDER BY id LIMIT 60",
        [account, SHARED_PHONE, REFERENCED_PHONE],
    )
    found: list[tuple[Identity, ...]] = []
    for place, (phone, email, reference) in enumerate(cursor.fetchall()):
        named = (
            Identity(IdentityType.PHONE_NUMBER, phone),
            Identity(IdentityType.EMAIL, email),
            Identity(IdentityType.CUSTOMER_REFERENCE, reference),
        )
        found.append((named[:1], named[:2], named[1:2], named)[place % 4])
    return found


def _stories(cast: Cast) -> Iterator[tuple[Story, Act]]:
    unused = {id(people): cycle(people) for people in cast.end_users.values()}
    person: tuple[Identity, ...] = ()
    for number, (days_ago, act, by, right, about, officer) in enumerate(stories.STORIES, 1):
        if act is stories.nothing_held:
            person = stories.UNKNOWN
        elif about is About.END_USER and act is not stories.duplicate:
            person = next(unused[id(cast.end_users[by])])
        yield Story(cast, number, by, right, about, officer, _began(cast, days_ago), person), act


def _began(cast: Cast, days_ago: float) -> datetime:
    """Some time on that day: what is due today is due today whenever one looks."""
    latest = cast.now - days_ago * DAY
    midnight = latest.astimezone(PLACE).replace(hour=0, minute=0, second=0, microsecond=0)
    return max(latest - cast.rng.uniform(0, 3) * HOUR, midnight).astimezone(latest.tzinfo)


def _play(told: Iterator[tuple[Story, Act]], *, now: datetime) -> None:
    """One clock for all: the earliest step first, and none that is still to come."""
    queue = [(story.now, story.number, story, _from_the_start(story, act)) for story, act in told]
    heapq.heapify(queue)
    while queue:
        at, number, story, script = heapq.heappop(queue)
        story.now = at
        wait = next(script, None)
        if wait is None:
            continue
        then = max(at, wait) if isinstance(wait, datetime) else _at_work(at + wait, unless_after=now - 8 * DAY)
        if then <= now:
            heapq.heappush(queue, (then, number, story, script))


def _from_the_start(story: Story, act: Act) -> Script:
    story.file()
    yield from act(story)


def _at_work(at: datetime, *, unless_after: datetime) -> datetime:
    """The next instant from then on at which an office works; in the last days somebody always does, so that the desk
    looks the same on a Monday as on a Friday."""
    local = at.astimezone(PLACE)
    if local.hour >= 18:
        local = local.replace(hour=8) + DAY
    elif local.hour < 8:
        local = local.replace(hour=8)
    while local.weekday() >= 5:
        local += DAY
    return at if at > unless_after else local.astimezone(at.tzinfo)
