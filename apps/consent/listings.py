"""The register of purposes: its list, and a purpose with its versions and what changed between them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from django.db.models import CharField, F, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from apps.consent.forms.purposes import NAMES, PLACES
from apps.consent.models import Purpose, Text
from apps.consent.states import Basis
from apps.core.differences import Rewording, compare
from apps.core.tables import Column, Listing
from apps.core.timeline import Event
from apps.ledger.models import Entry
from apps.ledger.services import sentence

COLUMNS = (
    Column("title", gettext_lazy("Purpose"), ("title", "key")),
    Column("basis", gettext_lazy("Legal basis"), ("basis", "key")),
    Column("validity", gettext_lazy("Asked again after")),
    Column("recipients", gettext_lazy("Recipients")),
    Column("version", gettext_lazy("Version of the text"), ("version", "key"), is_number=True),
    Column("standing", gettext_lazy("Standing")),
)
CHANGED = {
    "validity": gettext_lazy("Asked again after"),
    "data_categories": gettext_lazy("Data categories"),
    "recipients": gettext_lazy("Recipients"),
    "is_marketing": gettext_lazy("Direct marketing"),
}
TABLE = {"caption": gettext_lazy("Purposes"), "rows_template": "consent/purpose_rows.html"}


class PurposeListing(Listing):
    """Purposes as the address asks for them."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request.GET, columns=COLUMNS, sort="title")

    @staticmethod
    def titled(purposes: QuerySet[Purpose]) -> QuerySet[Purpose]:
        """Each with its title in the page's language and the version of its words."""
        texts = Text.objects.filter(notice=OuterRef("key")).order_by("-version")
        here = texts.filter(language=get_language() or "en").annotate(words=KT("body__title"))
        title = Subquery(here.values("words")[:1], output_field=CharField())
        version = Subquery(texts.values("version")[:1], output_field=IntegerField())
        return purposes.annotate(title=Coalesce(title, F("key"), output_field=CharField()),
                                 version=Coalesce(version, 0))  # fmt: skip


@dataclass(frozen=True)
class Row:
    purpose: Any
    title: str
    basis: str
    validity: str
    recipients: str
    version: int
    standing: str
    tone: str


def row(purpose: Any) -> Row:
    """A titled purpose as the list shows it."""
    return Row(
        purpose=purpose,
        title=purpose.title,
        basis=str(purpose.get_basis_display()),
        validity=validity_in_words(purpose.validity),
        recipients=", ".join(purpose.recipients) or "–",
        version=purpose.version,
        standing=_("Ended") if purpose.ended_at else _("In use"),
        tone="grey" if purpose.ended_at else "green",
    )


def validity_in_words(period: str) -> str:
    """How long an answer holds: never how long its proof is kept."""
    return period or _("Until it is withdrawn")


def header() -> list[str]:
    return [_("Key"), *(str(column.label) for column in COLUMNS), _("Data categories"), _("Direct marketing")]


def cells(purpose: Any) -> Iterator[Any]:
    one = row(purpose)
    yield from (purpose.key, one.title, one.basis, one.validity, one.recipients, one.version, one.standing)
    yield from (", ".join(purpose.data_categories), _("Yes") if purpose.is_marketing else _("No"))


# --- one purpose ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Version:
    """What was published as one version: in which languages it says something else, word by word."""

    number: int
    published_at: datetime
    is_material: bool
    changes: list[Rewording]


def facts(purpose: Purpose) -> list[dict[str, Any]]:
    """For `components/summary_list.html`."""
    return [
        {"label": _("Legal basis"), "lines": [str(purpose.get_basis_display())]},
        {"label": _("Asked again after"), "lines": [validity_in_words(purpose.validity)]},
        {"label": _("Data categories"), "lines": list(purpose.data_categories) or ["–"]},
        {"label": _("Recipients"), "lines": list(purpose.recipients) or ["–"]},
        {"label": _("Direct marketing"), "lines": [_("Yes") if purpose.is_marketing else _("No")]},
    ]


def texts_of(key: str) -> list[Text]:
    """Every text of a purpose in every language, the oldest first: one query."""
    return list(Text.objects.filter(notice=key).order_by("version", "language"))


def current_texts(texts: Iterable[Text]) -> list[Text]:
    """Those in force, in the order of the languages."""
    newest = {text.language: text for text in texts}  # the last one of a language wins
    return sorted(newest.values(), key=lambda text: [*NAMES, text.language].index(text.language))


def current_bodies(texts: Iterable[Text]) -> dict[str, Mapping[str, str]]:
    """The words in force, by language."""
    return {text.language: text.body for text in current_texts(texts)}


def versions(texts: Iterable[Text]) -> list[Version]:
    """The versions, the newest first."""
    known = list(texts)
    changes: dict[int, list[Rewording]] = {text.version: [] for text in known}
    for language, name in NAMES.items():
        for old, new in pairwise(text for text in known if text.language == language):
            changes[new.version] += _changes(old.body, new.body, str(name))
    firsts = {text.version: text for text in reversed(known)}
    return [
        Version(number, firsts[number].published_at, firsts[number].is_material, found)
        for number, found in sorted(changes.items(), reverse=True)
    ]


def _changes(old: Mapping[str, str], new: Mapping[str, str], language: str) -> Iterator[Rewording]:
    for place in dict.fromkeys((*PLACES, *old, *new)):
        before, after = old.get(place, ""), new.get(place, "")
        if before != after:
            said = {"place": str(PLACES.get(place, place)), "language": language}
            yield Rewording(_("%(place)s (%(language)s)") % said, compare(before, after))


def events(entries: Iterable[Entry], names: Mapping[str, str]) -> list[Event]:
    """What the ledger tells of it, the newest first. `names`: actor -> who to show."""
    told = sorted(entries, key=lambda entry: entry.id, reverse=True)
    return [Event(entry.at, _in_words(entry), names.get(entry.actor, entry.actor)) for entry in told]


def _in_words(entry: Entry) -> str:
    """The ledger's sentence with codes and fields in words."""
    facts = dict(entry.facts)
    if "basis" in facts:
        facts["basis"] = Basis(facts["basis"]).label
    if "changed" in facts:
        facts["changed"] = [str(CHANGED.get(name, name)) for name in facts["changed"]]
    return sentence(Entry(verb=entry.verb, facts=facts))
