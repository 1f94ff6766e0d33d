"""Sample requests: what is asked of the desk, and the scripts by which each goes its way.

A script does one thing, waits, and does the next, through the services of requests. `requests.py` plays them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F

from apps.accounts.models import CustomerAccount, User
from apps.core.identities import Identity, IdentityType
from apps.notifications.models import OutgoingMessage
from apps.subject_requests import services
from apps.subject_requests.models import Package, SubjectRequest
from apps.subject_requests.states import About, Capacity, Right

Script = Iterator[timedelta | datetime]
Act = Callable[["Story"], Script]

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FORGOTTEN_AFTER = timedelta(days=7, minutes=1)

CUSTOMERS = PRIVACY, OWNER, MEMBER, OF_GLOBEX = (
    "privacy@acme.example",
    "owner@acme.example",
    "member@acme.example",
    "owner@globex.example",
)
STAFF = FIRST, SECOND, DPO = "officer1@portal.example", "officer2@portal.example", "dpo@portal.example"
ACCESS, ERASURE = Right.ACCESS, Right.ERASURE

QUESTIONS = (
    ("Two people share this number. Whose data do you mean?", "The newer one, since March."),
    ("Does this also cover the recordings of calls?", "Yes, please include them."),
    ("Is the second reference the same person?", "Yes. She married and changed her name."),
    ("Do you want the data of your old account too?", "No, the present one is enough."),
)
DOUBTS = (
    "The account got a new owner last week. Please tell us who asks now.",
    "The request came from a browser we had never seen. Please confirm it from your office.",
)
NOTES = (
    "Checked against the register of processors.",
    "Invoices stay: tax duty. The rest can go.",
    "Same person as in spring, other address.",
    "Recordings are few; nothing to mask.",
)
MESSAGES = (
    "We look into it and come back to you this week.",
    "Thank you. Your customer’s data is being collected.",
)
ADVICE = "Tell the person now, and say which systems take the time. The number of requests is no reason."
WHY_LATER = "The data lies in eleven systems, and four of them have to be searched by hand."
WHY_NOT = "The same data was handed out three weeks ago, and nothing has changed since."
INFRINGES = "The person is party to a case before the court of Amsterdam; erasing the data now would break the law."
OTHERS = "Nearly every line also shows another person, and masking would leave nothing that can be read."
UNKNOWN = (Identity(IdentityType.EMAIL, "nobody.we.know@example.net"),)
NOT_YET = "Two people share this number. Ask the customer whether both are meant."


@dataclass
class Cast:
    """The people of the sample world, and the end users that are asked about."""

    people: dict[str, User]
    accounts: dict[str, CustomerAccount]
    end_users: dict[str, list[tuple[Identity, ...]]]
    now: datetime
    rng: random.Random


@dataclass
class Story:
    """One request on its way. `now` is the instant of the step that is being done."""

    cast: Cast
    number: int
    by: str
    right: Right
    about: About
    officer: str
    now: datetime
    person: tuple[Identity, ...] = ()
    request: SubjectRequest = field(init=False)

    def days(self, least: float, most: float) -> timedelta:
        return self.cast.rng.uniform(least, most) * DAY

    def hours(self, least: float, most: float) -> timedelta:
        return self.cast.rng.uniform(least, most) * HOUR

    def one_of(self, choices: Sequence[Any]) -> Any:
        return self.cast.rng.choice(choices)

    def who(self, email: str) -> User:
        return self.cast.people[email]

    @property
    def second(self) -> str:
        return SECOND if self.officer == FIRST else FIRST

    def file(self) -> None:
        own = self.about is About.OWN
        asked_days = None if own or self.number % 3 else self.cast.rng.randrange(1, 6)
        self.request = services.open_request(
            right=self.right,
            about=self.about,
            account=self.cast.accounts[self.by],
            filed_by=self.who(self.by),
            form_key=f"sample-{self.number}",
            now=self.now,
            identities=() if own else self.person,
            authority_stated=not own,
            asked_customer_on=(self.now - asked_days * DAY).date() if asked_days else None,
        )

    def do(self, service: Callable[..., Any], *, by: str = "", **values: Any) -> None:
        """Call a service of requests, as the officer who has it unless somebody else is named."""
        done = service(self.request, **values, by=self.who(by or self.officer), now=self.now)
        if isinstance(done, SubjectRequest):
            self.request = done

    def assign(self) -> None:
        self.do(services.assign_request, to=self.who(self.officer))

    def part(self, capacity: Capacity) -> Any:
        return self.request.parts.select_related("request__filed_by").get(capacity=capacity)

    def refuse(self, capacity: Capacity, ground: str, words: str) -> None:
        self.request = services.refuse_part(
            self.part(capacity), ground=ground, words=words, by=self.who(self.officer), now=self.now
        )

    def extend(self) -> None:
        services.extend_deadline(
            self.part(Capacity.CONTROLLER),
            reason="complexity",
            words=WHY_LATER,
            by=self.who(self.officer),
            now=self.now,
        )

    def carry_out(self) -> None:
        """What the worker does of an approved request; it comes seconds after the approval."""
        while tasks := list(services.claimable(now=self.now).filter(request=self.request).values_list("pk", flat=True)):
            if not sum(services.run_task(pk, now=self.now) for pk in tasks):
                break
        self.request.refresh_from_db()

    def forget(self) -> None:
        """What the clock does a week after closing: the files go, and with the letters whom it was about."""
        OutgoingMessage.objects.about(self.request.key).update(delivered_at=F("created_at"))
        for package in Package.objects.expired(at=self.now).filter(request=self.request):
            services.purge_package(package, now=self.now)
        services.forget_identifiers(self.request, now=self.now)


# --- scripts ------------------------------------------------------------------------------------------


def untouched(story: Story) -> Script:
    """Nobody has looked at it yet."""
    yield from ()


def taken_up(story: Story) -> Script:
    yield story.hours(2, 20)
    story.assign()
    yield story.hours(1, 6)
    if story.number % 2:
        story.do(services.add_note, text=story.one_of(NOTES))
    else:
        story.do(services.send_message, text=story.one_of(MESSAGES))


def answered(story: Story) -> Script:
    """The straight way, with a question now and then."""
    yield from taken_up(story)
    if story.number % 5 == 0:
        question, answer = story.one_of(QUESTIONS)
        yield story.hours(2, 5)
        story.do(services.ask_requester, text=question)
        yield story.hours(5, 60)
        story.do(services.send_message, text=answer, by=story.by)
    yield story.days(0.5, 4)
    story.do(services.prepare_request)
    yield story.hours(0.5, 5)
    yield from _carried_out(story)


def _carried_out(story: Story) -> Script:
    story.do(services.approve_request, by=story.officer if story.right is ACCESS else story.second)
    story.now += timedelta(seconds=8)
    story.carry_out()
    yield from _closed(story)


def _closed(story: Story) -> Script:
    yield story.now + FORGOTTEN_AFTER
    story.forget()


def nothing_held(story: Story) -> Script:
    """About somebody whom the platform does not know (see `_stories`)."""
    yield from answered(story)


def declined_in_part(story: Story) -> Script:
    """We decline for what we hold ourselves; the customer's instruction is carried out."""
    yield from taken_up(story)
    yield story.days(1, 3)
    story.refuse(Capacity.CONTROLLER, "rights_of_others", OTHERS)
    yield story.hours(1, 5)
    story.do(services.prepare_request)
    yield story.hours(1, 5)
    yield from _carried_out(story)


def declined(story: Story) -> Script:
    yield from taken_up(story)
    yield story.days(1, 5)
    if story.about is About.OWN:
        story.refuse(Capacity.CONTROLLER, "excessive", WHY_NOT)
    else:
        story.refuse(Capacity.PROCESSOR, "infringes_law", INFRINGES)
        story.refuse(Capacity.CONTROLLER, "legal_claims", INFRINGES)
    yield from _closed(story)


def extended(story: Story) -> Script:
    yield from taken_up(story)
    yield story.now + story.days(15, 20)
    story.do(services.add_note, text=ADVICE, by=DPO)
    story.extend()


def extended_and_answered(story: Story) -> Script:
    yield from extended(story)
    yield story.now + story.days(20, 30)
    story.do(services.prepare_request)
    yield story.hours(1, 5)
    yield from _carried_out(story)


def withdrawn(story: Story) -> Script:
    yield story.hours(5, 90)
    story.do(services.withdraw_request, by=story.by)
    yield from _closed(story)


def asked(story: Story) -> Script:
    """A question, a reminder after 14 days, closed after 30: as long as nobody answers."""
    yield story.hours(2, 20)
    story.assign()
    yield story.hours(1, 8)
    story.do(services.ask_requester, text=story.one_of(QUESTIONS)[0])
    for days in (14, 16):
        yield story.now + timedelta(days=days, minutes=1)
        services.follow_up_silence(story.request, now=story.now)
    story.request.refresh_from_db()
    yield from _closed(story)


def doubted(story: Story) -> Script:
    yield story.hours(1, 6)
    story.assign()
    story.do(services.doubt_identity, doubt=story.one_of(DOUBTS))


def confirmed_and_withdrawn(story: Story) -> Script:
    yield from doubted(story)
    yield story.days(1, 4)
    story.do(services.send_message, text="It is me. My colleague can confirm it by phone.", by=story.by)
    yield story.hours(2, 20)
    story.do(services.confirm_identity)
    yield story.hours(2, 20)
    story.do(services.withdraw_request, by=story.by)
    yield from _closed(story)


def not_identified(story: Story) -> Script:
    yield from doubted(story)
    yield story.days(8, 14)
    story.do(services.close_unidentified)
    yield from _closed(story)


def spam(story: Story) -> Script:
    """The second look is another officer's."""
    yield story.hours(2, 20)
    story.assign()
    yield story.hours(1, 20)
    story.do(services.close_as_spam, by=story.second)
    yield from _closed(story)


def duplicate(story: Story) -> Script:
    """Asked again about the person of the request before, while that one waits for an answer."""
    yield story.hours(2, 20)
    earlier = SubjectRequest.objects.get(filed_by=story.who(story.by), form_key=f"sample-{story.number - 1}")
    story.do(services.close_as_duplicate, of=earlier)
    yield from _closed(story)


def prepared(story: Story) -> Script:
    """Planned this morning, so that the plan still holds when somebody looks at it."""
    yield from taken_up(story)
    yield story.cast.now - story.hours(1, 3)
    story.do(services.prepare_request)


def sent_back(story: Story) -> Script:
    yield from prepared(story)
    yield story.cast.now - 0.5 * HOUR
    story.do(services.send_back, words=NOT_YET, by=story.second)


def approved(story: Story) -> Script:
    """The worker finds it when it starts."""
    yield from prepared(story)
    yield story.cast.now - timedelta(minutes=3)
    story.do(services.approve_request, by=story.officer if story.right is ACCESS else story.second)


# --- which stories, and when they began: days ago, the requester, what is asked, the officer ------------

OWN, END_USER = About.OWN, About.END_USER
STORIES: tuple[tuple[float, Act, str, Right, About, str], ...] = (
    (155, answered, PRIVACY, ERASURE, END_USER, FIRST),
    (151, withdrawn, MEMBER, ACCESS, OWN, FIRST),
    (147, answered, OF_GLOBEX, ACCESS, END_USER, SECOND),
    (144, asked, PRIVACY, ACCESS, END_USER, SECOND),
    (138, declined, MEMBER, ACCESS, OWN, FIRST),
    (133, extended_and_answered, OWNER, ACCESS, OWN, FIRST),
    (129, withdrawn, PRIVACY, ACCESS, END_USER, SECOND),
    (126, not_identified, OF_GLOBEX, ACCESS, OWN, SECOND),
    (119, spam, MEMBER, ERASURE, OWN, SECOND),
    (115, answered, OWNER, ACCESS, END_USER, FIRST),
    (107, declined_in_part, PRIVACY, ACCESS, END_USER, SECOND),
    (103, confirmed_and_withdrawn, MEMBER, ACCESS, OWN, SECOND),
    (99, withdrawn, PRIVACY, ERASURE, END_USER, FIRST),
    (92, asked, OWNER, ACCESS, END_USER, FIRST),
    (91, duplicate, OWNER, ACCESS, END_USER, FIRST),
    (84, declined, OF_GLOBEX, ERASURE, END_USER, SECOND),
    (80, withdrawn, OF_GLOBEX, ERASURE, END_USER, SECOND),
    (69, nothing_held, OWNER, ACCESS, END_USER, FIRST),
    (66, not_identified, MEMBER, ERASURE, OWN, SECOND),
    (62, asked, PRIVACY, ERASURE, END_USER, SECOND),
    (61, duplicate, PRIVACY, ERASURE, END_USER, SECOND),
    (58, asked, PRIVACY, ACCESS, END_USER, SECOND),
    (51, extended, OF_GLOBEX, ACCESS, OWN, FIRST),
    (47, withdrawn, PRIVACY, ERASURE, END_USER, SECOND),
    (43, declined, PRIVACY, ACCESS, OWN, FIRST),
    (39, withdrawn, OWNER, ERASURE, OWN, FIRST),
    (36, answered, OF_GLOBEX, ACCESS, END_USER, FIRST),
    (33, extended, MEMBER, ACCESS, OWN, SECOND),
    (27, taken_up, OWNER, ACCESS, OWN, SECOND),
    (24, taken_up, PRIVACY, ERASURE, END_USER, FIRST),
    (20, asked, MEMBER, ACCESS, OWN, FIRST),
    (18, withdrawn, PRIVACY, ACCESS, END_USER, FIRST),
    (16, taken_up, OF_GLOBEX, ACCESS, END_USER, SECOND),
    (13, untouched, OWNER, ACCESS, END_USER, FIRST),
    (10, taken_up, PRIVACY, ACCESS, END_USER, FIRST),
    (10, untouched, OF_GLOBEX, ERASURE, END_USER, SECOND),
    (8, answered, PRIVACY, ERASURE, END_USER, FIRST),
    (7.5, answered, OF_GLOBEX, ACCESS, END_USER, SECOND),
    (7, taken_up, PRIVACY, ACCESS, END_USER, SECOND),
    (7, prepared, OF_GLOBEX, ERASURE, END_USER, FIRST),
    (6.5, answered, PRIVACY, ACCESS, END_USER, FIRST),
    (6, asked, PRIVACY, ERASURE, END_USER, FIRST),
    (5, prepared, PRIVACY, ERASURE, END_USER, SECOND),
    (4.5, sent_back, PRIVACY, ACCESS, END_USER, FIRST),
    (4, approved, OF_GLOBEX, ACCESS, END_USER, SECOND),
    (3.5, doubted, PRIVACY, ACCESS, OWN, FIRST),
    (3, approved, PRIVACY, ERASURE, END_USER, FIRST),
    (3, prepared, OWNER, ACCESS, OWN, FIRST),
    (2.5, asked, OF_GLOBEX, ACCESS, END_USER, SECOND),
    (2, doubted, OF_GLOBEX, ERASURE, END_USER, SECOND),
    (2, taken_up, OWNER, ERASURE, END_USER, SECOND),
    (1, untouched, MEMBER, ACCESS, OWN, FIRST),
    (0.8, untouched, PRIVACY, ERASURE, END_USER, SECOND),
    (0.2, untouched, PRIVACY, ACCESS, END_USER, FIRST),
)
