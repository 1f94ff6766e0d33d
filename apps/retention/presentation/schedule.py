"""The rules in force as anybody may read them, and when each was last carried out."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from django.utils import formats
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from apps.core.spreadsheets import as_csv
from apps.datamap.services import rule_keys
from apps.retention import schedule_words as words
from apps.retention.models import Rule, Sweep
from apps.retention.periods import Event, Period
from apps.retention.states import SweepStatus
from apps.retention.words import period_in_words

SWEEPS_LOOKED_AT = 60  # every night sweeps by all rules: among these is one for each


@dataclass(frozen=True)
class Row:
    """One rule in the reader's words. `ran`: when the last sweep that covered it as it stands had finished."""

    rule: Rule
    title: str
    example: str
    period: str
    starts: str
    purpose: str
    ground: str
    note: str
    differences: Sequence[str]  # empty: the same everywhere
    after: str
    ran: datetime | None
    longer: Sequence[Rule] = ()  # rules of single countries that lengthen this one


@dataclass(frozen=True)
class Family:
    name: str
    rows: Sequence[Row]


def rows(named: Mapping[str, Sequence[str]] | None = None) -> list[Row]:
    """Every rule in force; one that lengthens another in a country stands with that other.

    `named`: which rules each collection of the map names, where the caller has asked that already.
    """
    rules = list(Rule.objects.current())
    by_key = {rule.key: rule for rule in rules}
    longer: dict[str, list[Rule]] = {}
    for rule in rules:
        if rule.extends in by_key:
            longer.setdefault(rule.extends, []).append(rule)
    ran = last_runs(rules, reached(rules, (rule_keys() if named is None else named).values()))
    shown = sorted((rule for rule in rules if rule.extends not in by_key), key=_order)
    return [_row(rule, longer.get(rule.key, []), ran.get(rule.key)) for rule in shown]


def families(found: Iterable[Row]) -> list[Family]:
    """The rows under the heads they stand below."""
    return [Family(words.family(code), list(rows)) for code, rows in groupby(found, lambda r: r.rule.data_family)]


def answer(found: Sequence[Row]) -> str:
    """The one sentence somebody came for; every number in it is a rule's."""
    said = []
    content = next((row for row in found if row.rule.key == "communications_content"), None)
    if content:
        said.append(_("What people say to each other over our platform goes after %(period)s at the latest.")
                    % {"period": content.period})  # fmt: skip
    if found:
        longest = max(found, key=lambda row: (row.rule.calendar.months, row.rule.calendar.days))
        told = {"period": longest.period, "what": longest.title}
        text = (
            _("The longest period is %(period)s (%(what)s), because the law demands it.")
            if longest.rule.is_duty
            else _("The longest period is %(period)s (%(what)s).")
        )
        said.append(text % told)
    return " ".join(said)


def reached(rules: Iterable[Rule], named: Iterable[Sequence[str]]) -> set[str]:
    """Keys of the rules that some data on the map is under; `named`: what each collection names."""
    on_the_map = {key for keys in named for key in keys}
    return {rule.key for rule in rules
            if {rule.key, rule.extends} & on_the_map or rule.collections or rule.categories}  # fmt: skip


def last_runs(rules: Iterable[Rule], among: set[str]) -> dict[str, datetime]:
    """When the last finished sweep ended that was planned with the current version of each rule."""
    done = Sweep.objects.filter(status=SweepStatus.DONE, finished_at__isnull=False).order_by("-finished_at")
    sweeps = list(done.values_list("rules", "made_at", "finished_at")[:SWEEPS_LOOKED_AT])
    found = {}
    for rule in rules:
        covers = (end for keys, made, end in sweeps if made >= rule.in_force_at and (not keys or rule.key in keys))
        ends = [end for end in covers if end]
        if ends and rule.key in among:
            found[rule.key] = ends[0]
    return found


def _order(rule: Rule) -> tuple[Any, ...]:
    length = (rule.calendar.months, rule.calendar.days)
    return (*words.family_place(rule.data_family), tuple(-each for each in length), rule.key)


def _row(rule: Rule, longer: Sequence[Rule], ran: datetime | None) -> Row:
    return Row(
        rule=rule,
        title=words.title(rule),
        example=words.example(rule),
        period=period(rule),
        starts=str(Event(rule.starts_at).label),
        purpose=words.purpose(rule),
        ground=words.ground(rule),
        note=_("Our own interest, not a duty: the person it is about can object.") if rule.is_interest else "",
        differences=list(_differences(rule, longer)),
        after=capfirst(rule.get_action_display()),
        ran=ran,
        longer=longer,
    )


def period(rule: Rule) -> str:
    """How long, as people say it: nothing lasts zero days."""
    return _("at once") if rule.calendar == Period(0, 0) else period_in_words(rule.calendar)


def _differences(rule: Rule, longer: Sequence[Rule]) -> Iterator[str]:
    if rule.region != Rule.ANY_REGION:
        yield _("Only %(place)s.") % {"place": words.place(rule.region)}
    for one in sorted(longer, key=lambda each: words.place(each.region)):
        told = {"place": words.place(one.region), "period": period(one), "citation": one.citation}
        yield _("%(place)s: %(period)s (%(citation)s).") % told if one.citation else _("%(place)s: %(period)s.") % told
        if one.reviewed_on:
            day = formats.date_format(one.reviewed_on, "DATE_FORMAT")
            yield _("Counsel looked at it on %(day)s.") % {"day": day}
    if rule.max_period != rule.period:
        told = {"period": period_in_words(Period.parse(rule.max_period))}
        yield _("Outside the European Economic Area longer only by a law of that country, at most %(period)s.") % told


# --- files -------------------------------------------------------------------------------------------


def as_spreadsheet(found: Sequence[Row]) -> str:
    """The rules as CSV: words in the page's language, periods as in ISO 8601."""
    header = [
        _("Key"),
        _("Version"),
        _("Family"),
        _("What"),
        _("Example"),
        _("Period (ISO 8601)"),
        _("Retention period"),
    ]
    header += [_("Longest period (ISO 8601)"), _("Starts"), _("Purpose"), _("Legal basis"), _("Act and article")]
    header += [_("Capacity"), _("Differences by region"), _("Afterwards"), _("Last carried out")]
    return as_csv(header, map(_cells, found))


def _cells(row: Row) -> tuple[object, ...]:
    rule = row.rule
    what = (rule.key, rule.version, words.family(rule.data_family), row.title, row.example)
    long = (rule.period, row.period, rule.max_period, row.starts)
    everywhere = _("the same everywhere")
    why = (row.purpose, row.ground, rule.citation, rule.get_capacity_display(), " ".join(row.differences) or everywhere)
    return (*what, *long, *why, row.after, row.ran.isoformat() if row.ran else _("not yet"))


def as_json(found: Sequence[Row], *, now: datetime) -> str:
    """The rules for programs: codes beside words, periods as in ISO 8601."""
    return json.dumps({"as_of": now.isoformat(), "rules": [_facts(row) for row in found]}, ensure_ascii=False, indent=2)


def _facts(row: Row) -> Mapping[str, Any]:
    rule = row.rule
    codes = ("key", "version", "data_family", "region", "period", "max_period", "starts_at", "action", "legal_basis",
             "capacity", "citation")  # fmt: skip
    return {name: getattr(rule, name) for name in codes} | {
        "kinds": sorted(rule.kinds),
        "title": row.title,
        "example": row.example,
        "purpose": row.purpose,
        "ground": row.ground,
        "differences_by_region": list(row.differences),
        "last_carried_out": row.ran.isoformat() if row.ran else None,
    }
