"""Legal holds as the desk shows them: the list, what one is about, and what happened to it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import formats
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.core.identities import Identity, mask
from apps.core.tables import Column, Empty, Listing
from apps.core.timeline import Event
from apps.datamap.services import COUNTED_AT_MOST, collection_names
from apps.ledger.models import Entry
from apps.ledger.services import sentence
from apps.retention.forms.holds import HoldFilterForm
from apps.retention.models import Hold, HoldQuerySet
from apps.retention.presentation import amounts
from apps.retention.services import HoldScope, Skipped, skipped_in_sweeps, stopped_elsewhere
from apps.retention.states import HoldReason, LiftReason, RevealReason

COLUMNS = (
    Column("reference", gettext_lazy("Hold"), ("placed_at", "pk")),
    Column("scope", gettext_lazy("What is held")),
    Column("owner", gettext_lazy("Looked after by"), ("owner__full_name", "pk")),
    Column("review", gettext_lazy("Review"), ("review_on", "pk")),
    Column("state", gettext_lazy("State")),
)
TABLE: dict[str, Any] = {
    "caption": gettext_lazy("Legal holds"),
    "rows_template": "retention/hold_rows.html",
}
CODES: dict[str, Any] = {"why": LiftReason, "reason": HoldReason}


@dataclass(frozen=True)
class Row:
    """One hold in the list. Nobody is named: that a hold is about a person is enough to know here."""

    reference: str
    url: str
    reason: str
    scope: Sequence[str]
    owner: str
    review: date
    state: str
    tone: str


class HoldListing(Listing):
    """Holds as the address asks for them."""

    def __init__(self, request: HttpRequest) -> None:
        self.form = HoldFilterForm(request.GET)
        self.chosen = self.form.chosen()
        self.clear_url = request.path if self.chosen else ""
        super().__init__(request.GET, columns=COLUMNS, sort="review", filters=self.chosen)

    def searched(self, holds: HoldQuerySet, *, today: date) -> HoldQuerySet:
        """Those that fit the filters."""
        shown = self.chosen.get("show", "")
        if shown == "lifted":
            holds = holds.filter(lifted_at__isnull=False)
        elif shown != "all":
            holds = holds.standing()
        if shown == "overdue":
            holds = holds.filter(review_on__lt=today)
        if "reason" in self.chosen:
            holds = holds.filter(reason=self.chosen["reason"])
        if "q" in self.chosen:
            holds = holds.filter(reference__icontains=self.chosen["q"].strip())
        return holds.for_list()

    def empty(self) -> Empty:
        if self.chosen:
            return Empty(_("Nothing here"), _("No hold fits these filters."), self.clear_url, _("Show what stands"))
        return Empty(_("No hold stands"), _("Nothing is kept from being erased by a legal hold."))


def rows(holds: Iterable[Hold], *, today: date) -> list[Row]:
    """The list's rows, from what `for_list()` loaded."""
    names = collection_names(get_language() or "en")
    return [_row(each, names, today=today) for each in holds]


def _row(hold: Hold, names: Mapping[str, str], *, today: date) -> Row:
    state, tone = standing(hold, today=today)
    return Row(
        reference=hold.reference,
        url=reverse("retention:hold", args=[hold.reference]),
        reason=str(HoldReason(hold.reason).label),
        scope=[line for part in scope_of(hold, names, people=None) for line in part["lines"]],
        owner=hold.owner.get_full_name(),
        review=hold.review_on,
        state=state,
        tone=tone,
    )


def header() -> list[str]:
    return [_("Reference"), _("Reason"), _("What is held"), _("Looked after by"), _("Review"), _("Placed"), _("Lifted")]


def cells(hold: Hold) -> Iterator[Any]:
    """A hold for a spreadsheet."""
    parts = scope_of(hold, collection_names(get_language() or "en"), people=None)
    scope = "; ".join(line for part in parts for line in part["lines"])
    yield from (hold.reference, HoldReason(hold.reason).label, scope, hold.owner.get_full_name())
    yield from (hold.review_on.isoformat(), hold.placed_at.date().isoformat())
    yield hold.lifted_at.date().isoformat() if hold.lifted_at else ""


def standing(hold: Hold, *, today: date) -> tuple[str, str]:
    """The words and the tone of a hold's state."""
    if hold.lifted_at:
        return _("Lifted"), "grey"
    if hold.review_on < today:
        return _("Review overdue"), "red"
    return _("Stands"), "blue"


def scope_of(
    hold: Hold | HoldScope, names: Mapping[str, str], *, people: Sequence[Identity] | None
) -> list[dict[str, Any]]:
    """What a hold is about, a fact each; `people`: shown masked, or (None) only that there is somebody."""
    parts: list[tuple[str, list[str]]] = []
    if hold.identities:
        told = [_("One person")] if people is None else [f"{one.type.label}: {mask(one)}" for one in people]
        parts.append((_("Person"), told))
    if hold.account:
        parts.append((_("Customer account"), [_("Account %(account)s") % {"account": hold.account}]))
    if hold.collections:
        parts.append((_("Kinds of data"), sorted(names.get(key, key) for key in hold.collections)))
    if hold.from_on or hold.until_on:
        parts.append((_("Period"), [_period(hold.from_on, hold.until_on)]))
    return [{"label": label, "lines": lines} for label, lines in parts]


def _period(first: date | None, last: date | None) -> str:
    days = {"first": formats.date_format(first, "DATE_FORMAT") if first else "",
            "last": formats.date_format(last, "DATE_FORMAT") if last else ""}  # fmt: skip
    if first and last:
        return _("From %(first)s until %(last)s") % days
    return _("From %(first)s on") % days if first else _("Until %(last)s") % days


def page(hold: Hold, entries: Iterable[Entry], *, today: date) -> dict[str, Any]:
    """Everything that a hold's page tells but its steps."""
    state, tone = standing(hold, today=today)
    return {
        "hold": hold,
        "tag": {"text": state, "tone": tone},
        "facts": facts(hold),
        "skipped": skipped(skipped_in_sweeps(hold)),
        "waiting": stopped_elsewhere(hold),
        "events": history(hold, entries),
    }


def facts(hold: Hold) -> list[dict[str, Any]]:
    """The hold's page: what it is about, who looks after it, when it is reviewed."""
    day = formats.date_format(hold.review_on, "DATE_FORMAT")
    return [
        {"label": _("Reason"), "lines": [HoldReason(hold.reason).label]},
        *scope_of(hold, collection_names(get_language() or "en"), people=hold.people),
        {"label": _("Looked after by"), "lines": [hold.owner.get_full_name()]},
        {"label": _("Review"), "lines": [day]},
    ]


def covered(counts: Mapping[str, int | None]) -> list[dict[str, Any]]:
    """How many rows a hold would cover, by kind of data, the most first."""
    names = collection_names(get_language() or "en")
    order = sorted(counts.items(), key=lambda one: (-(one[1] or 0), one[0]))
    return [{"label": names.get(key, key), "lines": [_covered(count)]} for key, count in order]


def _covered(count: int | None) -> str:
    if count is None:
        return _("This system can’t be reached at the moment. The hold covers it all the same.")
    if count > COUNTED_AT_MOST:  # nobody counted any further
        return _("more than %(count)s rows") % {"count": amounts.number(COUNTED_AT_MOST)}
    return _rows(count)


def _rows(count: int) -> str:
    return ngettext("%(count)s row", "%(count)s rows", count) % {"count": amounts.number(count)}


def skipped(found: Sequence[Skipped]) -> list[dict[str, Any]]:
    """What sweeps left alone, a line each."""
    names = collection_names(get_language() or "en")
    return [
        {
            "label": formats.date_format(one.day, "DATE_FORMAT"),
            "lines": [f"{names.get(one.collection.partition('#')[0], one.collection)}: {_rows(one.count)}"],
        }
        for one in found
    ]


def history(hold: Hold, entries: Iterable[Entry]) -> list[Event]:
    """What the ledger says of a hold, newest first, with the review ahead while it stands."""
    told = sorted(entries, key=lambda entry: entry.id, reverse=True)
    actors = User.objects.acting(*(entry.actor for entry in told))
    people = {person.key: person.full_name for person in actors}
    ahead = [] if hold.lifted_at else [Event(hold.review_on, _("The hold is reviewed"), is_to_come=True)]
    return ahead + [Event(entry.at, _in_words(entry), people.get(entry.actor, _("The portal"))) for entry in told]


def _in_words(entry: Entry) -> str:
    """The ledger's sentence with codes and dates in words."""
    readable = {name: _fact(entry.verb, name, value) for name, value in entry.facts.items()}
    return sentence(Entry(verb=entry.verb, facts=readable))


def _fact(verb: str, name: str, value: Any) -> Any:
    if name.endswith("_on") and isinstance(value, str):
        return formats.date_format(date.fromisoformat(value), "DATE_FORMAT")
    if name == "step":
        if value == "overdue":
            return _("overdue")
        return ngettext("%(days)s day left", "%(days)s days left", int(value)) % {"days": value}
    choices = RevealReason if (verb, name) == ("hold.revealed", "reason") else CODES.get(name)
    return choices(value).label if choices and value in choices.values else value
