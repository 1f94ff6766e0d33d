"""The officers' page of retention: the rules with what they are about to do, exceptions, and what was measured."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.utils.translation import get_language, get_language_bidi, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from apps.datamap.services import collection_names, rule_keys
from apps.retention import policies, reasons
from apps.retention.models import Hold, Rule, Sweep, SweepPause
from apps.retention.presentation import amounts, schedule, storage

SHARD = "#"
PARTS = (
    ("rules", gettext_lazy("Rules")),
    ("over-kept-head", gettext_lazy("Over-kept rows")),
    ("storage", gettext_lazy("Storage")),
    ("sweeps", gettext_lazy("Sweeps")),
)


@dataclass(frozen=True)
class Next:
    """What the next run would do by one rule; `stays`: reason in words -> rows past their limit that stay."""

    goes: int = 0
    stays: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """A rule as officers see it; the first half is what everybody sees."""

    shown: schedule.Row
    goes: str  # a dash: no plan is open
    stays: Sequence[str]
    reaches: int  # collections


@dataclass(frozen=True)
class Family:
    name: str
    rows: Sequence[Row]
    in_words: str  # how many rules, and what the next run does by them


def page(user: Any, *, today: date) -> dict[str, Any]:
    """Everything above the list of sweeps."""
    rtl = get_language_bidi()
    named = rule_keys()
    shown = schedule.rows(named)
    rules = {rule.key: rule for row in shown for rule in (row.rule, *row.longer)}
    plan = Sweep.objects.visible_to(user).open().order_by("-made_at").first()
    coming = by_rule(plan, rules, sees_holds=policies.can_see_holds(user)) if plan else None
    measured = storage.gather(rules.values(), named, names(named))
    return {
        "parts": [{"text": text, "url": f"#{anchor}"} for anchor, text in PARTS],
        "families": [_family(family, coming, named) for family in schedule.families(shown)],
        "plan": plan,
        "is_paused": SweepPause.objects.standing().exists(),
        "goes": amounts.number(plan.planned) if plan else "",
        "stays": amounts.number(sum(sum(one.stays.values()) for one in coming.values())) if coming is not None else "",
        "holds": Hold.objects.visible_to(user).standing().count() if policies.can_see_holds(user) else None,
        "measured_on": measured.days[-1] if measured.days else None,
        "over_kept": storage.over_kept(measured),
        "trends": storage.trends(measured),
        "over_kept_chart": storage.over_kept_chart(measured, rtl=rtl),
        "storage_charts": storage.storage_charts(measured, rtl=rtl),
        "freed_chart": storage.freed_chart(measured, today=today, rtl=rtl),
    }


def names(keys: Iterable[str]) -> Mapping[str, str]:
    """What pages call each collection; one in a shard says which."""
    found = collection_names(get_language() or "en")
    split = {key: key.partition(SHARD) for key in keys}
    return {key: f"{found.get(base, base)} {shard}".strip() for key, (base, _mark, shard) in split.items()}


def by_rule(plan: Sweep, rules: Mapping[str, Rule], *, sees_holds: bool) -> dict[str, Next]:
    """The plan's lines put together by the rule that decides them; a rule that lengthens another counts with it."""
    goes: dict[str, int] = {}
    stays: dict[str, dict[str, int]] = {}
    for line in plan.lines:
        key = _shown_with(line["rule"] or "", rules)
        goes[key] = goes.get(key, 0) + line["count"]
        for kept in reasons.kept_of(line["kept"], sees_holds=sees_holds):
            text = reasons.in_a_line(kept, rules)
            stays.setdefault(key, {})
            stays[key][text] = stays[key].get(text, 0) + kept.count
    return {key: Next(count, stays.get(key, {})) for key, count in goes.items()}


def _shown_with(key: str, rules: Mapping[str, Rule]) -> str:
    extended = rules[key].extends if key in rules else ""
    return extended if extended in rules else key


def _family(family: schedule.Family, coming: Mapping[str, Next] | None, named: Mapping[str, Sequence[str]]) -> Family:
    rules = len(family.rows)
    told = [ngettext("%(count)s rule", "%(count)s rules", rules) % {"count": amounts.number(rules)}]
    if coming is not None:
        found = [coming.get(row.rule.key, Next()) for row in family.rows]
        goes, stays = sum(one.goes for one in found), sum(sum(one.stays.values()) for one in found)
        told.append(_("next run: %(goes)s") % {"goes": amounts.number(goes)})
        told += [_("kept: %(stays)s") % {"stays": amounts.number(stays)}] if stays else []
    return Family(family.name, [_row(row, coming, named) for row in family.rows], " · ".join(told))


def _row(row: schedule.Row, coming: Mapping[str, Next] | None, named: Mapping[str, Sequence[str]]) -> Row:
    reaches = sum(row.rule.key in keys for keys in named.values()) + len(row.rule.collections)
    if coming is None:
        return Row(row, amounts.number(None), (), reaches)
    of_rule = coming.get(row.rule.key, Next())
    stays = [f"{amounts.number(count)} – {text}" for text, count in of_rule.stays.items()]
    return Row(row, amounts.number(of_rule.goes), stays, reaches)
