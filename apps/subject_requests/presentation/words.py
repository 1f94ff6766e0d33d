"""Words and colours: what a status, an outcome, a right, a part is called in front of people."""

from dataclasses import dataclass
from datetime import date, datetime

from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from apps.core.presentation import Countdown, countdown
from apps.datamap.services import collection_names as collections_in
from apps.subject_requests.models import Part, SubjectRequest
from apps.subject_requests.states import About, Capacity, Outcome, Right, Status

TONES = {
    Status.RECEIVED: "blue",
    Status.IDENTITY_PENDING: "yellow",
    Status.WAITING_FOR_REQUESTER: "yellow",
    Status.IN_PROGRESS: "sky",
    Status.AWAITING_APPROVAL: "purple",
    Status.EXECUTING: "sky",
    Status.CLOSED: "grey",
}
ENDINGS = {
    Outcome.PARTLY_FULFILLED: (gettext_lazy("Partly kept, see why"), "magenta"),
    Outcome.REFUSED: (gettext_lazy("Declined, see reasons"), "red"),
    Outcome.INSTRUCTION_DECLINED: (gettext_lazy("Instruction declined, see reasons"), "red"),
    Outcome.FULFILLED: (gettext_lazy("Completed"), "green"),
    Outcome.INSTRUCTION_EXECUTED: (gettext_lazy("Done as you instructed"), "green"),
    Outcome.RELAYED: (gettext_lazy("Sent to the company that wrote to you"), "sky"),
    Outcome.NOTHING_HELD: (gettext_lazy("Nothing found under this address"), "green"),
    Outcome.WITHDRAWN: (gettext_lazy("Withdrawn"), "grey"),
    Outcome.NO_ANSWER: (gettext_lazy("Closed, no answer"), "grey"),
    Outcome.NOT_IDENTIFIED: (gettext_lazy("Could not confirm identity"), "grey"),
    Outcome.DUPLICATE: (gettext_lazy("Joined to an earlier request"), "grey"),
    Outcome.SPAM: (gettext_lazy("Spam"), "grey"),
}
"""What the requester reads of an outcome. The order decides which one stands for a request whose parts ended apart."""
RIGHTS = {
    Right.ACCESS: gettext_lazy("A copy of the data"),
    Right.ERASURE: gettext_lazy("Erasing the data"),
    Right.RECTIFICATION: gettext_lazy("Correcting the data"),
    Right.RESTRICTION: gettext_lazy("Limiting the use of the data"),
    Right.PORTABILITY: gettext_lazy("Moving the data"),
    Right.OBJECTION: gettext_lazy("Stopping a use of the data"),
    Right.CONSENT_WITHDRAWAL: gettext_lazy("Withdrawing consent"),
}


@dataclass(frozen=True)
class Tag:
    text: str
    tone: str
    code: str = ""


def status_tag(subject_request: SubjectRequest, *, ready_until: datetime | None = None) -> Tag:
    """The one tag that says where a request stands; officers also show its code."""
    status = Status(subject_request.status)
    if status is Status.CLOSED:
        if ready_until:
            until = formats.date_format(timezone.localtime(ready_until), "DATETIME_FORMAT")
            return Tag(_("Ready (until %(until)s)") % {"until": until}, "turquoise", status.value)
        return ending_tag(subject_request)
    extended = next((part for part in subject_request.parts.all() if part.extended_at and part.is_open), None)
    if extended and status is Status.IN_PROGRESS:
        day = formats.date_format(extended.due_on, "DATE_FORMAT")
        return Tag(_("Extended to %(day)s") % {"day": day}, "orange", status.value)
    return Tag(status.words_for_requester, TONES[status], status.value)


def ending_tag(subject_request: SubjectRequest) -> Tag:
    outcomes = {part.outcome for part in subject_request.parts.all()}
    for outcome, (words, tone) in ENDINGS.items():
        if outcome.value in outcomes:
            return Tag(str(words), tone, outcome.value)
    return Tag(Status.CLOSED.words_for_requester, "grey", Status.CLOSED.value)


def part_tag(part: Part) -> Tag:
    if not part.outcome:
        return Tag(_("Open"), "sky")
    words, tone = ENDINGS[Outcome(part.outcome)]
    return Tag(str(words), tone, part.outcome)


def right_in_words(subject_request: SubjectRequest) -> str:
    return str(RIGHTS[Right(subject_request.right)])


def about_in_words(subject_request: SubjectRequest, *, for_requester: bool) -> str:
    if subject_request.about == About.END_USER:
        return _("About an end user")
    return _("About you") if for_requester else _("About the requester")


def eyebrow(subject_request: SubjectRequest, *, for_requester: bool) -> SafeString:
    """What stands above a request's title: about whom, under which account."""
    about = about_in_words(subject_request, for_requester=for_requester)
    return format_html("{} · <bdi>{}</bdi>", about, subject_request.account.name)


def capacity_in_a_word(capacity: str) -> str:
    return _("Processor") if capacity == Capacity.PROCESSOR else _("Controller")


def capacity_in_words(part: Part) -> tuple[str, str]:
    """Title and explanation of a part, for people who do not know the law's words."""
    if part.capacity == Capacity.PROCESSOR:
        return _("What we hold for your company"), _(
            "Your company decides about this data; we carry out what you instruct."
        )
    return _("What we hold for our own purposes"), _(
        "We decide about this data ourselves: accounts, billing, and keeping misuse out."
    )


def countdown_of(part: Part, *, today: date, explanation: tuple[str, ...] = ()) -> Countdown:
    return countdown(
        due_on=part.due_on,
        received_on=part.received_on,
        today=today,
        explanation=explanation,
        is_done=not part.is_open,
    )


def next_countdown(subject_request: SubjectRequest, *, today: date) -> Countdown | None:
    """The earliest open part's clock; None once every part has its answer."""
    open_parts = [part for part in subject_request.parts.all() if part.is_open]
    return countdown_of(min(open_parts, key=lambda part: part.due_on), today=today) if open_parts else None


def collection_names() -> dict[str, str]:
    """`platform:traffic_records` as people read it, in the language of the page."""
    return collections_in(get_language() or "en")


def local_day(at: datetime | None) -> date | None:
    """The day of an instant where the portal is read."""
    return timezone.localtime(at).date() if at else None
