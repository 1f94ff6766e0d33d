"""The register of rules: its list, a rule with its versions and what changed between them, in the active language."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

from django.db.models import Q
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from apps.core.differences import Rewording, compare
from apps.core.tables import Column, Listing
from apps.core.timeline import Event
from apps.datamap import services as datamap
from apps.datamap.guards import Guarded
from apps.ledger.models import Entry
from apps.ledger.services import sentence
from apps.retention import protection, words
from apps.retention import schedule_words as schedule
from apps.retention.forms.rules import KIND_FIELDS, RuleFilterForm
from apps.retention.models import Rule, RuleChange, RuleQuerySet
from apps.retention.periods import Period
from apps.retention.states import ChangeStatus, Kind

COLUMNS = (
    Column("rule", gettext_lazy("Rule"), ("key",)),
    Column("family", gettext_lazy("Family"), ("data_family", "key")),
    Column("place", gettext_lazy("Region"), ("region", "key")),
    Column("period", gettext_lazy("Retention period")),
    Column("starts", gettext_lazy("Starts"), ("starts_at", "key")),
    Column("kind", gettext_lazy("Kind")),
    Column("version", gettext_lazy("Version"), ("version", "key"), is_number=True),
)
TABLE: dict[str, Any] = {"caption": gettext_lazy("Rules in force"), "rows_template": "retention/rule_rows.html"}
KINDS: Mapping[str, Any] = {
    Kind.LIMIT: gettext_lazy("Limit"),
    Kind.DUTY: gettext_lazy("Duty"),
    Kind.INTEREST: gettext_lazy("Interest"),
}
TONES: Mapping[str, str] = {
    ChangeStatus.PROPOSED: "orange",
    ChangeStatus.PUBLISHED: "green",
    ChangeStatus.DECLINED: "red",
    ChangeStatus.WITHDRAWN: "grey",
}
LABELS: Mapping[str, Any] = {
    "description": gettext_lazy("What data"),
    "data_family": gettext_lazy("Family of data"),
    "kind": gettext_lazy("Kind"),
    "region": gettext_lazy("Region"),
    "extends": gettext_lazy("Lengthens the rule"),
    "period": gettext_lazy("Retention period"),
    "max_period": gettext_lazy("Longest period"),
    "starts_at": gettext_lazy("The period starts"),
    "action": gettext_lazy("Afterwards the data is"),
    "legal_basis": gettext_lazy("Legal basis"),
    "citation": gettext_lazy("Act and article"),
    "why": gettext_lazy("Why that long"),
    "capacity": gettext_lazy("We act as"),
    "source": gettext_lazy("Source"),
    "reviewed_on": gettext_lazy("Reviewed by counsel on"),
    "collections": gettext_lazy("Collections"),
    "categories": gettext_lazy("Categories"),
}


class RuleListing(Listing):
    """Rules in force as the address asks for them."""

    def __init__(self, request: HttpRequest) -> None:
        self.form = RuleFilterForm(request.GET)
        self.chosen = self.form.chosen()
        self.clear_url = request.path if self.chosen else ""
        super().__init__(request.GET, columns=COLUMNS, sort="rule", filters=self.chosen)

    def searched(self, rules: RuleQuerySet) -> RuleQuerySet:
        """Those that fit the filters."""
        said = self.chosen.get("q", "")
        found = rules.filter(Q(key__icontains=said) | Q(description__icontains=said)) if said else rules
        kind = self.chosen.get("kind")
        return found.filter(**{name: True for name, each in KIND_FIELDS.items() if each == kind})


@dataclass(frozen=True)
class Row:
    """A rule as the list shows it."""

    rule: Rule
    title: str
    family: str
    place: str
    period: str
    starts: str
    kinds: str


def row(rule: Rule) -> Row:
    return Row(
        rule=rule,
        title=schedule.title(rule),
        family=schedule.family(rule.data_family),
        place=schedule.place(rule.region),
        period=words.period_in_words(rule.calendar),
        starts=str(rule.get_starts_at_display()),
        kinds=kinds(rule),
    )


def kinds(rule: Rule) -> str:
    return _(", ").join(str(KINDS[kind]) for kind in Kind if kind in rule.kinds)


def header() -> list[str]:
    """What a file of the list holds: codes, so that it can be read by machine, and the reason."""
    return [*(str(LABELS[name]) if name in LABELS else name for name in CELLS), _("In force since")]


CELLS = ("key", "version", *LABELS)


def cells(rule: Rule) -> Iterator[Any]:
    for name in CELLS:
        value = "+".join(sorted(rule.kinds)) if name == "kind" else getattr(rule, name)
        yield " ".join(value) if isinstance(value, list) else value
    yield rule.in_force_at.isoformat()


# --- one rule ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fact:
    """For `components/summary_list.html`."""

    label: Any
    lines: list[str]


@dataclass(frozen=True)
class Version:
    rule: Rule
    changes: list[Rewording]


def facts(rule: Rule) -> list[Fact]:
    """What a rule says, without what it leaves open."""
    return [Fact(label, shown(rule, name)) for name, label in LABELS.items() if shown(rule, name)]


def shown(rule: Rule, name: str) -> list[str]:
    """One thing that a rule says, in words, as lines."""
    value = getattr(rule, name, None)
    match name:
        case "kind":
            return [kinds(rule)]
        case "region":
            return [schedule.place(rule.region)]
        case "data_family":
            return [schedule.family(rule.data_family)]
        case "period" | "max_period":
            return [f"{words.period_in_words(Period.parse(str(value)))} ({value})"]
        case "starts_at" | "action" | "legal_basis" | "capacity":
            return [str(getattr(rule, f"get_{name}_display")())]
        case "reviewed_on":
            return [date_format(rule.reviewed_on)] if rule.reviewed_on else []
        case "collections" | "categories":
            return list(value or [])
    return [str(value)] if value else []


def versions(found: Iterable[Rule]) -> list[Version]:
    """The versions of a rule, the newest first, each with what it changed."""
    ordered = list(found)
    changed = [Version(new, differences(old, new)) for new, old in pairwise(ordered)]
    return [*changed, *(Version(rule, []) for rule in ordered[-1:])]


def differences(old: Rule | None, new: Rule | None) -> list[Rewording]:
    """What one says and the other does not, word by word; None: there is no such rule."""
    said = [{name: " ".join(shown(rule, name)) if rule else "" for name in LABELS} for rule in (old, new)]
    return [
        Rewording(label, compare(said[0][name], said[1][name]))
        for name, label in LABELS.items()
        if said[0][name] != said[1][name]
    ]


def reached(rule: Rule) -> list[str]:
    """The collections of the map whose rows, or some of whose columns, are under the rule, by their names."""
    names = datamap.collection_names(get_language() or "en")
    found = {
        names[one.base_key]
        for one in datamap.mapped_collections()
        if protection.naming([rule], cast(Guarded, one)) or any(rule.key in top.retention for top in one.fields)
    }
    return sorted(found)


def history(entries: Iterable[Entry], names: Mapping[str, str]) -> list[Event]:
    """What the ledger says of a rule, the newest first."""
    ordered = sorted(entries, key=lambda entry: entry.id, reverse=True)
    return [Event(entry.at, sentence(entry), names.get(entry.actor, entry.actor)) for entry in ordered]


def tag(change: RuleChange) -> dict[str, str]:
    """For `components/tag.html`."""
    return {"text": str(change.get_status_display()), "tone": TONES[change.status]}


def summary(change: RuleChange) -> str:
    """What an open change is about, in a line."""
    if not change.content:
        return _("%(key)s: the rule ends") % {"key": change.key}
    if not change.base_version:
        return _("%(key)s: a new rule") % {"key": change.key}
    return _("%(key)s: after version %(version)s") % {"key": change.key, "version": change.base_version}


def told_of_file(changes: Iterable[RuleChange]) -> str:
    """What became of a file of rules."""
    waiting = sum(change.status == ChangeStatus.PROPOSED for change in changes)
    done = sum(change.status == ChangeStatus.PUBLISHED for change in changes)
    if not waiting and not done:
        return _("The file says what is in force already.")
    parts = [
        ngettext("%(n)d rule is in force", "%(n)d rules are in force", done) % {"n": done} if done else "",
        ngettext("%(n)d waits for a second person", "%(n)d wait for a second person", waiting) % {"n": waiting}
        if waiting
        else "",
    ]
    return _(", ").join(part for part in parts if part) + "."
