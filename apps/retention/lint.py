"""What is wrong with a set of retention rules beside the data map: gaps, overlaps, rules without ground.

Pure: rules, collections and categories go in, findings come out. `services.lint_rules()` asks it about what holds now.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Literal, cast

from django.utils.translation import gettext as _

from apps.core.countries import is_country
from apps.datamap.guards import Guarded
from apps.datamap.services import Collection
from apps.processors.models import EEA
from apps.retention import evaluation, protection
from apps.retention.comparing import is_longer
from apps.retention.models import Rule
from apps.retention.periods import Period
from apps.retention.states import Action, Basis

CATEGORIES = Path(__file__).parent / "data" / "data_categories.csv"
LONGEST_ABROAD = Period.parse("P24M")
ACT_AND_ARTICLE = re.compile(r"[^\W\d_].*\d", re.S)
Severity = Literal["error", "warning"]


@dataclass(frozen=True, order=True)
class Finding:
    """`subject` is the rule's key, the collection's, or the category; `code` is stable."""

    subject: str
    code: str
    message: str
    severity: Severity = "error"

    def __str__(self) -> str:
        return f"{self.severity}: {self.subject}: {self.message} ({self.code})"


@dataclass(frozen=True)
class Category:
    """A kind of data that the statement says we hold."""

    family: str
    field: str


def stated_categories() -> list[Category]:
    """The categories of the statement."""
    with CATEGORIES.open(encoding="utf-8", newline="") as file:
        return [Category(row["family"], row["field"]) for row in csv.DictReader(file)]


def lint(
    rules: Iterable[Rule],
    collections: Iterable[Collection],
    *,
    taxonomy: frozenset[str],
    stated: Iterable[Category],
) -> list[Finding]:
    """Everything that is wrong, errors first. `taxonomy`: the categories the data map knows."""
    scene = _Scene(tuple(rules), tuple(collections), taxonomy, tuple(stated))
    found = {finding for check in CHECKS for finding in check(scene)}
    return sorted(found, key=lambda one: (one.severity, one))


def cites_an_article(citation: str) -> bool:
    """Whether a citation names an act and, by number, an article of it."""
    return bool(ACT_AND_ARTICLE.search(citation))


@dataclass(frozen=True)
class _Scene:
    rules: tuple[Rule, ...]
    every: tuple[Collection, ...]
    taxonomy: frozenset[str]
    stated: tuple[Category, ...]

    @cached_property
    def by_key(self) -> dict[str, Rule]:
        return {rule.key: rule for rule in self.rules}

    @cached_property
    def collections(self) -> dict[str, Collection]:
        """One of each, however many shards it is in."""
        return {one.base_key: one for one in self.every if not one.skipped}

    @cached_property
    def reaching(self) -> dict[str, list[Rule]]:
        """Collection -> the rules of whole rows, as a sweep finds them."""
        return {key: protection.naming(self.rules, cast(Guarded, one)) for key, one in self.collections.items()}

    def on_column(self, collection: Collection, column: str) -> list[Rule]:
        """The limits that a column has for itself: named on the map, or for the categories it holds."""
        top = next(one for one in collection.fields if one.column == column)
        held = {category for place in top.walk() for category in place.categories}
        named = set(top.retention)
        return [
            rule
            for rule in self.rules
            if (not rule.categories and (rule.key in named or rule.extends in named))
            or (_aims_at(rule, collection) and any(_within(one, wanted) for one in held for wanted in rule.categories))
        ]


def _within(category: str, wanted: str) -> bool:
    return category == wanted or category.startswith(f"{wanted}.")


def _aims_at(rule: Rule, collection: Collection) -> bool:
    return not rule.collections or collection.base_key in rule.collections


def _personal(categories: Iterable[str]) -> bool:
    return any(_within(one, "user") for one in categories)


# --- gaps -------------------------------------------------------------------------------------------------------------


def _categories_without_a_limit(scene: _Scene) -> Iterator[Finding]:
    limited = {rule.data_family for rule in scene.rules if rule.is_limit and rule.region == Rule.ANY_REGION}
    for one in scene.stated:
        if one.family not in limited:
            message = _("No limit covers data of the family “%(family)s”.")
            yield Finding(f"{one.family}: {one.field}", "category_without_limit", message % {"family": one.family})


def _collections_without_a_rule(scene: _Scene) -> Iterator[Finding]:
    for key, one in scene.collections.items():
        if not _personal(one.categories()):
            continue
        if one.goes_with:
            if not _leads_somewhere(scene, one):
                yield Finding(
                    key, "goes_with_nothing", _("It goes with a row of another collection that has no limit.")
                )
        elif not scene.reaching[key] and not _by_columns(scene, one):
            yield Finding(key, "collection_without_rule", _("No rule reaches this collection: its rows stay for ever."))
        elif not _limits(scene.reaching[key]) and not _by_columns(scene, one):
            yield Finding(key, "collection_without_limit", _("Its rules only keep: none says when its rows go."))


def _leads_somewhere(scene: _Scene, collection: Collection) -> bool:
    """Whether the row that this one goes with has a limit, or goes with one that has."""
    seen: set[str | None] = {collection.base_key}
    here: Collection | None = collection
    while here is not None and here.goes_with:
        key = here.follows if here.follows not in seen else None
        seen.add(key)
        here = scene.collections.get(key or "")
    return here is not None and bool(_limits(scene.reaching[here.base_key]))


def _by_columns(scene: _Scene, collection: Collection) -> bool:
    """Whether each personal column has a limit of its own: the row that is left then says nothing about anybody."""
    columns = [
        top.column
        for top in collection.fields
        if _personal(category for place in top.walk() for category in place.categories)
    ]
    return all(_limits(scene.on_column(collection, column)) for column in columns)


def _limits(rules: Iterable[Rule]) -> list[Rule]:
    return [rule for rule in rules if rule.is_limit]


# --- overlaps ---------------------------------------------------------------------------------------------------------


def _overlaps(scene: _Scene) -> Iterator[Finding]:
    for key, one in scene.collections.items():
        conditional = {each.rule for each in one.conditions}
        yield from _twice(key, [rule for rule in scene.reaching[key] if rule.key not in conditional])
        for top in one.fields:
            yield from _twice(f"{key}.{top.column}", scene.on_column(one, top.column))


def _twice(subject: str, rules: Sequence[Rule]) -> Iterator[Finding]:
    for first, second in combinations(_limits(rules), 2):
        if (first.region, first.action, first.starts_at) == (second.region, second.action, second.starts_at):
            message = _("Two limits say when the same rows go: “%(first)s” and “%(second)s”. The longer one decides.")
            yield Finding(subject, "overlap", message % {"first": first.key, "second": second.key})


def _mixed_actions(scene: _Scene) -> Iterator[Finding]:
    for key, one in scene.collections.items():
        conditional = {each.rule for each in one.conditions}
        limits = _limits(rule for rule in scene.reaching[key] if rule.key not in conditional)
        for first, second in combinations(limits, 2):
            if first.action != second.action and _meet(first, second):
                message = _(
                    "“%(deletes)s” deletes its rows, “%(masks)s” makes them anonymous: where both reach a row, it is "
                    "deleted once both have run out, and never made anonymous."
                )
                deletes, masks = (first, second) if first.action == Action.DELETE else (second, first)
                told = {"deletes": deletes.key, "masks": masks.key}
                yield Finding(key, "mixed_actions", message % told, "warning")


def _meet(first: Rule, second: Rule) -> bool:
    """Whether some row can be in the place of both."""
    places = {first.region.casefold(), second.region.casefold()}
    return len(places) == 1 or evaluation.ANY_REGION in places


# --- grounds ----------------------------------------------------------------------------------------------------------


def _grounds(scene: _Scene) -> Iterator[Finding]:
    for rule in scene.rules:
        if rule.legal_basis not in Basis.values:
            yield Finding(rule.key, "no_ground", _("The rule rests on no ground of GDPR Article 6(1)."))
        if rule.is_duty and not cites_an_article(rule.citation):
            yield Finding(rule.key, "duty_uncited", _("A duty cites its act and article."))
        if rule.is_interest and not rule.why.strip():
            yield Finding(rule.key, "interest_unbalanced", _("An interest has a balancing note."))
        if not (rule.why.strip() or rule.citation.strip()):
            yield Finding(rule.key, "unexplained", _("Nothing says why it stays that long."), "warning")


# --- names ------------------------------------------------------------------------------------------------------------


def _names(scene: _Scene) -> Iterator[Finding]:
    for rule in scene.rules:
        for name in rule.categories:
            if name not in scene.taxonomy:
                message = _("The taxonomy has no category “%(name)s”.") % {"name": name}
                yield Finding(rule.key, "unknown_category", message + _nearest(name, scene.taxonomy))
        for name in rule.collections:
            if name not in scene.collections:
                message = _("The data map has no collection “%(name)s”.") % {"name": name}
                yield Finding(rule.key, "unknown_collection", message + _nearest(name, scene.collections))
    for key, one in scene.collections.items():
        named = {*one.retention, *(rule for top in one.fields for rule in top.retention)}
        for name in sorted(named - scene.by_key.keys()):
            message = _("It names a rule that does not exist: “%(name)s”.") % {"name": name}
            yield Finding(key, "unknown_rule", message + _nearest(name, scene.by_key))


def _nearest(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, sorted(known), n=1)
    return " " + _("Did you mean “%(name)s”?") % {"name": close[0]} if close else ""


def _idle(scene: _Scene) -> Iterator[Finding]:
    busy = {rule.key for rules in scene.reaching.values() for rule in rules}
    busy |= {
        rule.key
        for one in scene.collections.values()
        for top in one.fields
        for rule in scene.on_column(one, top.column)
    }
    for rule in scene.rules:
        if rule.key not in busy:
            yield Finding(
                rule.key, "rule_reaches_nothing", _("No collection of the map is under this rule."), "warning"
            )


# --- rules of one country ---------------------------------------------------------------------------------------------


def _regions(scene: _Scene) -> Iterator[Finding]:
    for rule in scene.rules:
        region = rule.region.casefold()
        is_group = region in (evaluation.ANY_REGION, evaluation.EEA)
        if not is_group and not is_country(rule.region.upper()):
            message = _("“%(region)s” is no country: write its two letters, or “eea”, or “any”.")
            yield Finding(rule.key, "unknown_region", message % {"region": rule.region})
        elif rule.extends or (not is_group and rule.is_limit):
            yield from (Finding(rule.key, code, told) for code, told in _country(rule, scene.by_key))


def _country(rule: Rule, by_key: dict[str, Rule]) -> Iterator[tuple[str, str]]:
    """A longer period is a country's own, outside the EEA, with act, article and counsel's date, at most 24 months."""
    if rule.region.upper() in {*EEA, evaluation.EEA.upper()}:
        yield "country_in_the_eea", _("Inside the EEA nothing is kept longer by a rule of one country.")
    elif not evaluation.is_country(rule.region):
        yield "country_without_country", _("A rule that lengthens another one is of one country.")
    if not cites_an_article(rule.citation):
        yield "country_uncited", _("A rule of one country cites act and article.")
    if rule.reviewed_on is None:
        yield "country_unreviewed", _("A rule of one country says when counsel last reviewed it.")
    if is_longer(rule.calendar, LONGEST_ABROAD):
        yield "country_too_long", _("A rule of one country lasts 24 months at most.")
    base = by_key.get(rule.extends)
    if base is None or base.extends:
        yield "country_without_base", _("A rule of one country says which rule for everybody it lengthens.")
        return
    if is_longer(rule.calendar, Period.parse(base.max_period)):
        message = _("It lasts longer than “%(base)s” allows: %(longest)s.")
        yield "country_beyond_base", message % {"base": base.key, "longest": base.max_period}
    if (rule.starts_at, rule.action) != (base.starts_at, base.action):
        yield "country_differs", _("It starts with another event, or does something else, than the rule it lengthens.")


CHECKS: tuple[Callable[[_Scene], Iterator[Finding]], ...] = (
    _categories_without_a_limit,
    _collections_without_a_rule,
    _overlaps,
    _mixed_actions,
    _grounds,
    _names,
    _idle,
    _regions,
)
