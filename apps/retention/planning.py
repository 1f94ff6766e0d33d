"""From rules to orders, and from orders to a plan's lines: what would go on a day, what would stay, and why."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any, Literal

from sqlalchemy import ColumnElement, and_, false, not_, or_

from apps.datamap.guards import Keep
from apps.datamap.services import CollectionInfo, Counted, Kept, Order, Reading, Surveyed, of_accounts, reading
from apps.retention import predicates, protection
from apps.retention.evaluation import Choices
from apps.retention.models import Rule
from apps.retention.protection import current_choices, naming
from apps.retention.states import Action

Line = dict[str, Any]


def survey(
    rules: Sequence[Rule],
    *,
    day: date,
    keys: Iterable[str] = (),
    choices: Choices | None = None,
    by_account: bool = False,
    samples: bool = True,
) -> list[Line]:
    """What `rules` would do on `day`, as the lines of `Sweep.lines`; `keys`: only lines of these deciding rules.

    The rules need not be saved: so a change is previewed. With `by_account` a line has `accounts`, {account: rows}.
    Stores that can't be reached are left out (`survey_map` names them).
    """
    return survey_map(rules, day=day, keys=keys, choices=choices, by_account=by_account, samples=samples)[0]


def survey_map(
    rules: Sequence[Rule], *, day: date, keys: Iterable[str] = (), choices: Choices | None = None, **how: bool
) -> tuple[list[Line], list[str]]:
    """The lines, and the stores that can't be reached."""
    with reading() as read:
        orders = orders_of(rules, read, day=day, choices=choices or current_choices(), only=sorted(keys))
        lines = [
            _line(surveyed, counted, rules) for surveyed in read.survey(orders, **how) for counted in surveyed.counted
        ]
        return lines, sorted(read.down)


def orders_of(
    rules: Sequence[Rule], read: Reading, *, day: date, choices: Choices, only: Sequence[str] = ()
) -> list[Order]:
    """One order a collection for whole rows, and one for each column with a limit of its own; children first."""
    found: list[Order] = []
    for info in read.collections():
        limits = [rule for rule in naming(rules, info) if rule.is_limit]
        ways: list[tuple[str, tuple[str, ...], list[Rule]]] = [(action, (), limits) for action in _actions(limits)]
        ways += [(Action.ANONYMISE.value, columns, reaching) for columns, reaching in _column_limits(rules, info)]
        found += [
            order_for(info.key, action, columns, reaching, day=day, choices=choices, only=only)
            for action, columns, reaching in ways
        ]
    return found


def order_for(
    collection: str,
    action: str,
    columns: Sequence[str],
    rules: Sequence[Rule],
    *,
    day: date,
    choices: Choices,
    only: Sequence[str] = (),
    today: Sequence[Rule] | None = None,
) -> Order:
    """What goes from one collection on a day; `only`: rows that one of these limits decides.

    `today`: the rules as they are now, where `rules` are those that a plan pinned. Rows go that are past their limits
    by both, and the duties of both keep them: what became longer since then counts at once, what became shorter does
    not.
    """

    def past(info: CollectionInfo) -> predicates.Limits | None:
        limits = _limits(rules, info, columns, action, day=day, choices=choices)
        if limits is None:
            return None
        more: list[ColumnElement[bool]] = [limits.rule.in_(list(only))] if only else []
        if today is not None:
            now = _limits(today, info, columns, action, day=day, choices=choices)
            if now is None:
                return None  # no rule lets them go any more
            more.append(now.past)
        return replace(limits, past=and_(limits.past, *more)) if more else limits

    def kept(info: CollectionInfo) -> list[Keep]:
        return [] if columns else protection.duties(rules, info, choices, now=_midnight(day))

    what: Literal["delete", "anonymise"] = "delete" if action == Action.DELETE else "anonymise"
    return Order(collection, what, past, _midnight(day), tuple(columns), kept=kept)


def _limits(
    rules: Sequence[Rule], info: CollectionInfo, columns: Sequence[str], action: str, *, day: date, choices: Choices
) -> predicates.Limits | None:
    reaching = _reaching(rules, info, columns) if columns else naming(rules, info)
    seen = _column_info(info, columns[0]) if columns else info
    limits = predicates.limits_of(reaching, seen, choices, today=day, tenants=of_accounts)
    if limits is None or columns or len(_actions([rule for rule in reaching if rule.is_limit])) == 1:
        return limits
    deleted = [predicates.reaches(rule, info) for rule in reaching if rule.is_limit and rule.action == Action.DELETE]
    is_deleted = or_(false(), *(one for one in deleted if one is not None))
    return replace(limits, past=and_(limits.past, is_deleted if action == Action.DELETE else not_(is_deleted)))


def _actions(limits: Sequence[Rule]) -> list[str]:
    """What is done to a collection: where limits differ, what a deleting one reaches goes, the rest loses its names."""
    return sorted({str(Action(rule.action).value) for rule in limits}, reverse=True)


def _column_limits(rules: Sequence[Rule], info: CollectionInfo) -> list[tuple[tuple[str, ...], list[Rule]]]:
    """Columns with limits of their own: named on the map, or by a rule for their categories."""
    found: list[tuple[tuple[str, ...], list[Rule]]] = []
    for name in sorted({*info.column_limits, *(field.partition(".")[0] for field in info.fields)}):
        reaching = _reaching(rules, info, (name,))
        if reaching:
            found.append(((name,), reaching))
    return found


def _reaching(rules: Sequence[Rule], info: CollectionInfo, columns: Sequence[str]) -> list[Rule]:
    named = set(info.column_limits.get(columns[0], ((), None))[0])
    categories = {one for field, found in info.fields.items() if field.partition(".")[0] == columns[0] for one in found}
    return [
        rule
        for rule in rules
        if rule.is_limit
        and (
            (not rule.categories and (rule.key in named or rule.extends in named))
            or (
                any(one == wanted or one.startswith(f"{wanted}.") for one in categories for wanted in rule.categories)
                and (not rule.collections or info.base_key in rule.collections)
                and (info.clock is not None)
            )
        )
    ]


def _column_info(info: CollectionInfo, column: str) -> CollectionInfo:
    """The collection as the limit of one column sees it: with that column's clock."""
    clock = info.column_limits.get(column, ((), info.clock))[1]
    return replace(info, clock=clock, clocks={}, conditions={})


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _line(surveyed: Surveyed, counted: Counted, rules: Sequence[Rule]) -> Line:
    rule = next(rule for rule in rules if rule.key == counted.rule)
    line = {
        "store": surveyed.store,
        "collection": surveyed.order.collection,
        "action": surveyed.order.action,
        "columns": list(surveyed.order.columns),
        "place": surveyed.place,
        "rule": rule.key,
        "version": rule.version,
        "total": surveyed.total,
        "count": counted.count,
        "oldest": counted.oldest.isoformat() if counted.oldest else None,
        "kept": [kept(one) for one in counted.kept],
        "samples": [list(key) for key in counted.samples],
    }
    return line if counted.accounts is None else line | {"accounts": dict(counted.accounts)}


def kept(one: Kept) -> Line:
    """Rows past their limit that stay, JSON-able."""
    return {
        "ground": one.ground,
        "kind": one.kind,
        "count": one.count,
        "until": one.until.isoformat() if one.until else None,
        "until_latest": one.until_latest.isoformat() if one.until_latest else None,
    }
