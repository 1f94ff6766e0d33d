"""What a customer's pages show."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.accounts.models import User
from apps.ledger.models import Entry
from apps.retention.services import current_rules, describe_ground
from apps.subject_requests import policies
from apps.subject_requests.models import Package, Part, SubjectRequest
from apps.subject_requests.presentation import timeline, words
from apps.subject_requests.presentation.progress import progress_of
from apps.subject_requests.services import clocks, planning
from apps.subject_requests.states import Outcome, PackageKind, RefusalGround, Right, Status

TIMELINE_LENGTH = 200
WAITING_LENGTH = 10
QUESTION_WORDS = {
    Status.WAITING_FOR_REQUESTER: gettext_lazy("We asked you something. The clock runs on until you answer."),
    Status.IDENTITY_PENDING: gettext_lazy("We have to be sure that this request is yours. Read what we ask."),
}
ASKED = tuple(QUESTION_WORDS)


def rows(subject_requests: Iterable[SubjectRequest], *, today: date) -> list[dict[str, Any]]:
    """A list's rows, from what `for_list()` loaded."""
    return [
        {
            "subject_request": subject_request,
            "url": _address(subject_request),
            "right": words.right_in_words(subject_request),
            "about": words.about_in_words(subject_request, for_requester=True),
            "tag": words.status_tag(subject_request),
            "deadline": words.next_countdown(subject_request, today=today),
        }
        for subject_request in subject_requests
    ]


def tabs(*, show_done: bool) -> list[dict[str, Any]]:
    """The two halves of a person's list."""
    url = reverse("subject_requests:list")
    return [
        {"text": _("Open"), "url": url, "is_current": not show_done},
        {"text": _("Done"), "url": f"{url}?show=done", "is_current": show_done},
    ]


def _address(subject_request: SubjectRequest) -> str:
    """Its page; where the tag says "see why", the place that says why."""
    is_partly_kept = words.status_tag(subject_request).code == Outcome.PARTLY_FULFILLED
    return subject_request.get_absolute_url() + ("#kept" if is_partly_kept else "")


def waiting_for(user: User, theirs: QuerySet[SubjectRequest], *, now: datetime) -> list[dict[str, Any]]:
    """What waits for the person: questions to answer, files to fetch."""
    waits = questions_for(theirs)
    for package in _ready(user, now=now):
        until = formats.date_format(timezone.localtime(package.expires_at), "DATETIME_FORMAT")
        name = _("Your copy of the data") if package.kind == PackageKind.ACCESS else _("Certificate of erasure")
        waits.append(_wait(package.request, _("%(name)s is ready until %(until)s.") % {"name": name, "until": until}))
    return waits


def questions_for(theirs: QuerySet[SubjectRequest]) -> list[dict[str, Any]]:
    """What we asked and nobody answered yet, the oldest first."""
    asked = theirs.filter(status__in=ASKED).order_by("received_at")
    return [_wait(it, str(QUESTION_WORDS[Status(it.status)])) for it in asked[:WAITING_LENGTH]]


def files_for(user: User, *, now: datetime) -> list[dict[str, Any]]:
    """Files to fetch, the one that goes first on top."""
    return [_file(package) | {"reference": package.request.reference} for package in _ready(user, now=now)]


def _ready(user: User, *, now: datetime) -> QuerySet[Package]:
    available = Package.objects.visible_to(user).available(at=now)
    return available.select_related("request").order_by("expires_at")[:WAITING_LENGTH]


def _wait(subject_request: SubjectRequest, text: str) -> dict[str, Any]:
    return {"subject_request": subject_request, "right": words.right_in_words(subject_request), "text": text}


def page(subject_request: SubjectRequest, *, user: User, now: datetime, today: date) -> dict[str, Any]:
    """Everything on the page of one request."""
    packages = list(
        Package.objects.visible_to(user).available(at=now).filter(request=subject_request).select_related("request")
    )
    entries = list(Entry.objects.visible_to(user).about(subject_request.key).order_by("-id")[:TIMELINE_LENGTH])
    can_write = policies.can_write_message(user, subject_request)
    return {
        "subject_request": subject_request,
        "right": words.right_in_words(subject_request),
        "eyebrow": words.eyebrow(subject_request, for_requester=True),
        "tag": replace(words.status_tag(subject_request, ready_until=_ready_until(packages)), code=""),
        "deadline": _deadline(subject_request, today=today),
        "facts": _facts(subject_request, user),
        "files": [_file(package) for package in packages],
        "parts": [_part(part, today=today) for part in subject_request.parts.all()],
        "kept": kept(subject_request) if subject_request.status == Status.CLOSED else [],
        "progress": progress_of(subject_request, address="subject_requests:progress"),
        "events": timeline.for_requester(subject_request, entries, user=user),
        "thread": timeline.thread(subject_request.messages.all(), user=user, for_staff=False),
        "can_write": can_write,
        "is_asked": can_write and subject_request.status in ASKED,
        "can_withdraw": policies.can_withdraw(user, subject_request),
    }


def next_steps(subject_request: SubjectRequest) -> list[dict[str, str]]:
    """What happens to a request that was just sent."""
    looked_at = (_("An officer reads it"), _("If something is not clear they ask you, on the page of the request."))
    erasing = (
        (
            _("Two officers decide"),
            _("One prepares what goes and what has to stay, the other checks it. Until then you can withdraw it."),
        ),
        (
            _("You get the answer"),
            _("It says what was erased, what stays, why and until when. We write to you by e-mail."),
        ),
    )
    copying = (
        (_("Your file is made"), _("We collect the data from our systems, as one snapshot.")),
        (_("You get the file"), _("We write to you by e-mail. You can download the file here for 7 days.")),
    )
    way = (looked_at, *(erasing if subject_request.right == Right.ERASURE else copying))
    return [{"title": title, "text": text} for title, text in way]


def kept(subject_request: SubjectRequest) -> list[dict[str, Any]]:
    """What the plan keeps, why and until when, in honest words."""
    plan = planning.plan_of(subject_request)
    return kept_lines(plan.lines if plan else [])


def kept_lines(lines: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    rules, names = current_rules(), words.collection_names()
    return [
        {
            "what": names.get(line["collection"], line["collection"]),
            "count": line["count"],
            "why": describe_ground(
                line["ground"], line["kind"], line["until"], until_latest=line.get("until_latest"), rules=rules
            ),
            "named": line.get("named", []),
        }
        for line in lines
        if line["action"] == "keep" and line["count"]
    ]


def _ready_until(packages: list[Package]) -> datetime | None:
    return next((package.expires_at for package in packages if package.kind == PackageKind.ACCESS), None)


def _deadline(subject_request: SubjectRequest, *, today: date) -> words.Countdown | None:
    open_parts = [part for part in subject_request.parts.all() if part.is_open]
    if not open_parts:
        return None
    first = min(open_parts, key=lambda part: part.due_on)
    return words.countdown_of(first, today=today, explanation=tuple(clocks.explain_deadline(first)))


def _facts(subject_request: SubjectRequest, user: User) -> list[dict[str, Any]]:
    facts = [
        (_("Reference"), [subject_request.reference]),
        (_("Received"), [formats.date_format(timezone.localtime(subject_request.received_at), "DATETIME_FORMAT")]),
        (_("Account"), [subject_request.account.name]),
    ]
    if subject_request.filed_by_id != user.pk:
        facts.append((_("Sent by"), [str(subject_request.filed_by.full_name or subject_request.filed_by.email)]))
    if subject_request.forgotten_at is None:
        facts.append((_("The person"), [row.identity.value for row in subject_request.identifiers.all()]))
    own = clocks.customer_deadline(subject_request)
    if own:
        facts.append((_("Your own deadline towards the person"), [formats.date_format(own.on, "DATE_FORMAT")]))
    return [{"label": label, "lines": lines} for label, lines in facts]


def _file(package: Package) -> dict[str, Any]:
    is_access = package.kind == PackageKind.ACCESS
    size = formats.number_format(max(1, round(package.size / 1024)))
    note = _("ZIP, %(size)s KB. Readable in any browser, with JSON and CSV for machines.") % {"size": size}
    proof = _("ZIP, %(size)s KB. What was erased and what stays, line by line, with its digests.") % {"size": size}
    return {
        "name": _("Your copy of the data") if is_access else _("Certificate of erasure"),
        "note": note if is_access else proof,
        "url": reverse("subject_requests:files", args=[package.request.reference, package.kind]),
        "action": _("Get the file"),
        "expires_at": package.expires_at,
    }


def _part(part: Part, *, today: date) -> dict[str, Any]:
    title, explanation = words.capacity_in_words(part)
    extension = {"reason": part.get_extension_reason_display(), "words": part.extension_reasons}
    return {
        "title": title,
        "explanation": explanation,
        "tag": words.part_tag(part),
        "deadline": words.countdown_of(part, today=today) if part.is_open else None,
        "counts": counts_in_words(part.counts),
        "extension": extension if part.extended_at else None,
        "refusal": refusal(part) if part.refusal_ground else None,
    }


def refusal(part: Part) -> dict[str, str]:
    return {"ground": str(RefusalGround(part.refusal_ground).label), "words": part.refusal_reasons}


def counts_in_words(counts: dict[str, int]) -> list[str]:
    """{"erased": 3, "kept": 1} -> ["3 records erased", "1 record kept"]; what is zero is not said."""
    names = {
        "found": lambda n: ngettext("%(n)s record found", "%(n)s records found", n),
        "erased": lambda n: ngettext("%(n)s record erased", "%(n)s records erased", n),
        "anonymised": lambda n: ngettext("%(n)s record made anonymous", "%(n)s records made anonymous", n),
        "kept": lambda n: ngettext("%(n)s record kept", "%(n)s records kept", n),
    }
    return [
        names[name](counts[name]) % {"n": formats.number_format(counts[name])} for name in names if counts.get(name)
    ]
