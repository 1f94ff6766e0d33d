"""What pages show of acts: each answer in words, the text as it was shown, and whether it still holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.timezone import localtime
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from apps.consent.models import Event, Text
from apps.consent.receipts.facts import COOKIES, bases_of, words_for
from apps.consent.receipts.record import Record, alone
from apps.consent.receipts.words import Words, words_of
from apps.consent.states import MARKETING, Action

STATES = {
    "ConsentGiven": (gettext_lazy("agreed"), "green"),
    "RenewedConsentGiven": (gettext_lazy("agreed again"), "green"),
    "Refused": (gettext_lazy("refused"), "grey"),
    "Withdrawn": (gettext_lazy("withdrawn"), "yellow"),
    "Expired": (gettext_lazy("expired"), "grey"),
    "MandateGiven": (gettext_lazy("ordered"), "green"),
    "MandateRefused": (gettext_lazy("not ordered"), "grey"),
    "MandateRevoked": (gettext_lazy("order taken back"), "yellow"),
    "Objected": (gettext_lazy("objected"), "yellow"),
    "NotObjected": (gettext_lazy("no objection"), "grey"),
}


# One act that ends all direct marketing shows the words of one purpose.
BESIDE = {MARKETING: gettext_lazy("Direct marketing"), "newsletter": gettext_lazy("Newsletter")}
COOKIE_PAGE = "/cookies/"  # of an app above this one
FINANCE = frozenset({"saved_payment_method", "automatic_top_up"})


@dataclass(frozen=True)
class Answer:
    """One purpose, named in the language of the words shown, and what was said about it."""

    name: str
    language: str
    text: str
    tone: str


@dataclass(frozen=True)
class Shown:
    """One act in a list. `ends`: whether it holds, in words; `is_standing`: there is a yes that can be taken back."""

    event: Event
    at: datetime
    answers: Sequence[Answer]
    how: str
    ends: str
    is_standing: bool
    change_url: str
    words: Words | None


@dataclass(frozen=True)
class ReceiptPage:
    """One act with what it followed from and what followed: for `consent/receipt_body.html`."""

    act: Shown
    facts: Sequence[Mapping[str, Any]]
    steps: Sequence[Mapping[str, Any]]
    why_no_kantara: str


def show(event: Event, text: Text | None, *, states: Mapping[str, str], now: datetime) -> Shown:
    """An act as a page shows it."""
    in_force = event.is_in_force(at=now) and event.action != Action.WITHDRAWN
    return Shown(
        event=event,
        at=event.at,
        answers=_answers(event, text, states),
        how=capfirst(str(event.get_method_display())),
        ends=_ends(event, in_force=in_force),
        is_standing=in_force and any(event.choices.values()),
        change_url=change_url(event),
        words=words_of(text) if text else None,
    )


def _answers(event: Event, text: Text | None, states: Mapping[str, str]) -> list[Answer]:
    told = ((*_named(event, text, key), *STATES[state]) for key, state in states.items())
    return [Answer(name, language, str(said), tone) for name, language, said, tone in told]


def _named(event: Event, text: Text | None, key: str) -> tuple[str, str]:
    """(name, its language): as the words shown called it; what they do not speak of in the language of the page."""
    name = words_for(text, key)
    return (str(BESIDE[key]), get_language() or "en") if name == key and key in BESIDE else (name, event.language)


def change_url(event: Event) -> str:
    """The page where it is changed or taken back, in as many steps as it took to say it."""
    if event.scope.startswith(COOKIES):
        return COOKIE_PAGE
    kind, _colon, subject = event.subject_key.partition(":")
    if kind == "account" and FINANCE & event.choices.keys():
        return reverse("consent:finance", args=[subject])
    return reverse("consent:own_enrichment" if "enrichment" in event.choices else "consent:own_preferences")


def _ends(event: Event, *, in_force: bool) -> str:
    if event.action == Action.WITHDRAWN:
        return ""
    if event.ended_at is None:
        return _("Holds until you change it")
    day = date_format(localtime(event.ended_at), "DATE_FORMAT")
    return _("Holds until %(day)s") % {"day": day} if in_force else _("Held until %(day)s") % {"day": day}


def _facts(record: Record) -> list[Mapping[str, Any]]:
    """For `components/summary_list.html`."""
    event, text = record.event, record.text
    how = capfirst(str(event.get_method_display()))
    rows = [(_("When"), date_format(localtime(event.at), "DATETIME_FORMAT")), (_("How"), how)]
    rows += [(_("Page"), event.page)] if event.page else []
    if text:
        version = _("%(notice)s, version %(version)s") % {"notice": text.notice, "version": text.version}
        rows.append((_("Text"), version))
    rows.append((_("Digest of the text (SHA-256)"), event.text))
    rows.append((_("Id of the receipt"), str(record.receipt_id)))
    rows += [(_("Recipients"), ", ".join(each.name for each in record.recipients))] if record.recipients else []
    return [{"label": label, "lines": [value]} for label, value in rows]


def _steps(record: Record) -> list[Mapping[str, Any]]:
    """When and what, the newest first."""
    event, text = record.event, record.text
    return [{"at": step.at, "answers": _answers(event, text, step.states)} for step in reversed(record.steps)]


def show_all(acts: Sequence[Any], *, now: datetime) -> list[Shown]:
    """Acts (each: event, text) as a list shows them: each answer is told by its act alone, in one query for all."""
    bases = bases_of(act.event for act in acts)
    return [show(act.event, act.text, states=alone(act.event, bases), now=now) for act in acts]


def show_receipt(record: Record, *, why_no_kantara: str, now: datetime) -> ReceiptPage:
    """One act as its own page shows it, with all that belongs to it."""
    act = show(record.event, record.text, states=record.states, now=now)
    return ReceiptPage(act, _facts(record), _steps(record), why_no_kantara)
