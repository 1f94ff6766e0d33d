"""What happened to a request, told from the ledger: in plain words for the requester, in full for the desk."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.accounts.models import User
from apps.core.timeline import Event
from apps.ledger.models import Entry
from apps.ledger.services import sentence
from apps.subject_requests.models import SubjectRequest
from apps.subject_requests.presentation.words import capacity_in_a_word
from apps.subject_requests.states import Capacity, MessageKind, Outcome, Status

MOVES = {
    Status.IN_PROGRESS: gettext_lazy("An officer works on it"),
    Status.WAITING_FOR_REQUESTER: gettext_lazy("We asked you something"),
    Status.IDENTITY_PENDING: gettext_lazy("We asked you to confirm your identity"),
    Status.AWAITING_APPROVAL: gettext_lazy("The answer is being checked"),
    Status.EXECUTING: gettext_lazy("The answer was approved and is being carried out"),
    Status.CLOSED: gettext_lazy("The request was closed"),
}
TOLD = {
    "subject_request.opened": gettext_lazy("We received your request"),
    "subject_request.identity_confirmed": gettext_lazy("Your identity was confirmed"),
    "subject_request.packed": gettext_lazy("Your file was made"),
    "subject_request.certified": gettext_lazy("The certificate was issued"),
    "subject_request.downloaded": gettext_lazy("The file was downloaded"),
    "subject_request.package_purged": gettext_lazy("The file was removed: its time was up"),
    "subject_request.store_confirmed": gettext_lazy("A second search found nothing that should be gone"),
    "subject_request.pending_erased": gettext_lazy("A reason to keep data ended: what it kept was erased"),
}
CODES: dict[str, Any] = {
    "from": Status,
    "to": Status,
    "outcome": Outcome,
    "kind": MessageKind,
}


def for_requester(subject_request: SubjectRequest, entries: Sequence[Entry], *, user: User) -> list[Event]:
    """Newest first, with the due date ahead while it is open. Officers stay unnamed, colleagues do not."""
    names = actors(entries, of=subject_request.account_id) | {user.key: _("You")}
    told = [Event(entry.at, text, _who(entry, names)) for entry in entries if (text := _plain(entry))]
    once = [event for event, later in zip(told, [None, *told], strict=False) if not later or event.text != later.text]
    return [*_to_come(subject_request), *once]


def for_desk(subject_request: SubjectRequest, entries: Iterable[Entry], people: Mapping[str, str]) -> list[Event]:
    """Every entry as its sentence, with who did it."""
    told = [Event(entry.at, _in_full(entry), people.get(entry.actor, _("The system"))) for entry in entries]
    return [*_to_come(subject_request), *told]


def actors(entries: Iterable[Entry], *, of: UUID | None = None) -> dict[str, str]:
    """Names of the people in these entries, in one query: the ledger itself holds ids only. With `of`, a customer
    account's id, of its people alone (who works for the provider too stays unnamed)."""
    people = User.objects.acting(*(entry.actor for entry in entries))
    people = people.filter(memberships__account=of, staff_roles=None) if of else people
    return {user.key: user.full_name or user.email for user in people}


def _in_full(entry: Entry) -> str:
    """The ledger's sentence with codes and dates in words; the stored entry stays as it is."""
    readable = {name: _fact_in_words(name, value) for name, value in entry.facts.items()}
    return sentence(Entry(verb=entry.verb, facts=readable))


def _fact_in_words(name: str, value: Any) -> Any:
    if name.endswith("_on") and isinstance(value, str):
        return formats.date_format(date.fromisoformat(value), "DATE_FORMAT")
    if name == "capacity" and value in Capacity.values:
        return capacity_in_a_word(value)
    if name == "step":
        return _step_in_words(str(value))
    choices = CODES.get(name)
    return choices(value).label if choices and value in choices.values else value


def _step_in_words(step: str) -> str:
    """Of an alert: how many days were left, or that none was."""
    if step.isdigit():
        return ngettext("%(days)s day left", "%(days)s days left", int(step)) % {"days": step}
    return _("Overdue") if step == "overdue" else step


def _plain(entry: Entry) -> str:
    if entry.verb == "subject_request.moved":
        return str(MOVES.get(Status(entry.facts.get("to", "")), ""))
    if entry.verb == "subject_request.extended":
        day = formats.date_format(date.fromisoformat(entry.facts["due_on"]), "DATE_FORMAT")
        return _("We need more time: the answer is due on %(day)s") % {"day": day}
    return str(TOLD.get(entry.verb, ""))


def _who(entry: Entry, names: Mapping[str, str]) -> str:
    return names.get(entry.actor) or (_("Privacy officer") if entry.actor.startswith("user:") else "")


def _to_come(subject_request: SubjectRequest) -> list[Event]:
    due = [part.due_on for part in subject_request.parts.all() if part.is_open]
    return [Event(min(due), _("The answer is due"), is_to_come=True)] if due else []


def thread(messages: Iterable[Any], *, user: User, for_staff: bool) -> list[dict[str, Any]]:
    """Messages as the thread component shows them; the requester reads "Privacy officer", never a name."""
    return [
        {
            "at": message.sent_at,
            "text": message.text,
            "who": _author(message, user, for_staff),
            "is_mine": message.author_id == user.pk,
            "is_internal": message.kind == "note",
        }
        for message in messages
        if for_staff or message.kind != "note"
    ]


def _author(message: Any, user: User, for_staff: bool) -> str:
    if message.author_id == user.pk:
        return _("You")
    if message.from_requester or for_staff:
        return str(message.author.full_name or message.author.email)
    return _("Privacy officer")
