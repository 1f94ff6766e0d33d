"""What a change of a rule would do: to the rows of today, and what it would have done to the last 24 months.

Nothing here writes. The rows of today come from the same survey that a sweep's plan is made of; months are counted in
the stores, one grouped statement a collection.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, time
from itertools import chain
from typing import Any

import sqlalchemy as sa
from dateutil.relativedelta import relativedelta
from django.db.models import Sum
from django.db.models.functions import TruncMonth

from apps.datamap import services as datamap
from apps.datamap.services import CollectionInfo
from apps.retention import holding, planning, predicates, protection
from apps.retention.models import Rule, Sweep, SweepBatch, SweepTask
from apps.retention.periods import ends_on, started_on

MONTHS = 24
MOST_ACCOUNTS = 50  # the hardest hit; the others together


@dataclass(frozen=True)
class Month:
    """`swept` rows went in this month under the rule and `live` ones are there whose period began in it; `…_days`: how
    much longer (shorter below 0) each would have been kept. None: not to be said, for a date is missing or no limit."""

    month: date
    swept: int
    swept_days: int | None
    live: int
    live_days: int | None


def simulate(
    before: Rule | None, after: Rule | None, *, swept: Mapping[date, int], live: Mapping[date, int], today: date
) -> list[Month]:
    """The last 24 months, this one the last. `swept` and `live`: rows by the first day of a month."""
    months = [today.replace(day=1) - relativedelta(months=back) for back in reversed(range(MONTHS))]
    return [
        Month(month, swept.get(month, 0), _days_swept(before, after, month), live.get(month, 0),
              _days_live(before, after, month))
        for month in months
    ]  # fmt: skip


def _days_live(before: Rule | None, after: Rule | None, month: date) -> int | None:
    if before is None or after is None or not _comparable(before, after):
        return None
    ends = [ends_on(rule.starts_at, month, rule.calendar) or month for rule in (before, after)]
    return (ends[1] - ends[0]).days


def _days_swept(before: Rule | None, after: Rule | None, month: date) -> int | None:
    if before is None or after is None or not _comparable(before, after):
        return None
    started = before.calendar.latest_start(ended_before=month)
    if started == date.min:
        return None
    started = started_on(before.starts_at, started) or started
    return (after.calendar.after(started) - before.calendar.after(started)).days


def _comparable(before: Rule, after: Rule) -> bool:
    """Both are limits that run from the same event."""
    return before.is_limit and after.is_limit and before.starts_at == after.starts_at


# --- what is counted --------------------------------------------------------------------------------------------------


def preview(before: Sequence[Rule], after: Sequence[Rule], key: str, *, now: datetime) -> dict[str, Any]:
    """What it would do if the rules were `after` instead of `before`, which differ in the rule `key`.

    `{"day", "down": [store], "collections": [{"store", "collection", "action", "columns", "total", "before", "after",
    "oldest", "bytes"}], "accounts": [{"account", "more", "fewer"}], "others": {…}, "months": [Month as a dict],
    "older"}`: rows that the next sweep would take before and after, the oldest of these, the bytes that the difference
    frees (below 0: takes), and the stores that could not be asked.
    """
    today = now.astimezone(UTC).date()
    with holding.unseen():  # an account that were missing here would tell whoever edits rules that a hold stands
        surveys = [planning.survey_map(rules, day=today, by_account=True, samples=False) for rules in (before, after)]
    down = sorted({store for _, unreachable in surveys for store in unreachable})
    old, new = _by_place(surveys[0][0]), _by_place(surveys[1][0])
    accounts = _accounts(old, new)
    was, becomes = _named(before, key), _named(after, key)
    live = _live_by_month(was, becomes, [store for store in datamap.mapped_stores() if store not in down])
    months = simulate(was, becomes, swept=_swept_by_month(key, today), live=live, today=today)
    return {
        "day": today.isoformat(),
        "down": down,
        "collections": _with_bytes(_collections(old, new)),
        "accounts": accounts[:MOST_ACCOUNTS],
        "others": {word: sum(one[word] for one in accounts[MOST_ACCOUNTS:]) for word in ("more", "fewer")},
        "months": [asdict(one) | {"month": one.month.isoformat()} for one in months],
        "older": sum(count for month, count in live.items() if month < months[0].month),
    }


def rows_more(told: Mapping[str, Any]) -> int:
    """How many more rows the next sweep would take, in the collections where it takes more."""
    return sum(max(one["after"] - one["before"], 0) for one in told["collections"])


def _named(rules: Iterable[Rule], key: str) -> Rule | None:
    return next((rule for rule in rules if rule.key == key), None)


@dataclass
class _Going:
    """What a plan takes of one collection by one action, whichever rule decides."""

    count: int = 0
    total: int = 0
    oldest: str | None = None
    accounts: Counter[str] = field(default_factory=Counter)


Place = tuple[str, str, str, tuple[str, ...]]
"""Store, collection, action, columns."""


def _by_place(lines: Iterable[Mapping[str, Any]]) -> dict[Place, _Going]:
    """A plan's lines without the rules: a row that goes under another rule than before goes all the same."""
    found: dict[Place, _Going] = defaultdict(_Going)
    for line in lines:
        here = found[_place(line)]
        here.count += line["count"]
        here.total = max(here.total, line["total"])
        here.oldest = _earlier(here.oldest, line["oldest"])
        here.accounts.update(line["accounts"])
    return dict(found)


def _place(line: Mapping[str, Any]) -> Place:
    return line["store"], line["collection"], line["action"], tuple(line["columns"])


def _earlier(*days: str | None) -> str | None:
    return min(filter(None, days), default=None)


def _collections(before: Mapping[Place, _Going], after: Mapping[Place, _Going]) -> list[dict[str, Any]]:
    """One line a collection and action of which the two plans take another number of rows."""
    found = []
    for place in sorted(before.keys() | after.keys()):
        old, new = before.get(place, _Going()), after.get(place, _Going())
        if old.count != new.count:
            found.append({**dict(zip(("store", "collection", "action"), place, strict=False)), "columns": [*place[3]],
                          "total": max(old.total, new.total), "before": old.count, "after": new.count,
                          "oldest": _earlier(old.oldest, new.oldest)})  # fmt: skip
    return found


def _with_bytes(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The share of the table's size; rows that are only made anonymous free nothing that could be counted."""
    sizes = {store: datamap.sizes(store) for store in sorted({line["store"] for line in lines})}
    for line in lines:
        size = sizes[line["store"]].get(line["collection"])
        is_whole = line["action"] == "delete" and not line["columns"]
        each = size.bytes / size.rows if size and size.rows and is_whole else 0
        line["bytes"] = round(each * (line["after"] - line["before"]))
    return lines


def _accounts(before: Mapping[Place, _Going], after: Mapping[Place, _Going]) -> list[dict[str, Any]]:
    """Accounts of which other rows go than before, the hardest hit first."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for place in before.keys() | after.keys():
        old, new = before.get(place, _Going()).accounts, after.get(place, _Going()).accounts
        for account in old.keys() | new.keys():
            found[account]["more"] += max(new[account] - old[account], 0)
            found[account]["fewer"] += max(old[account] - new[account], 0)
    told = [
        {"account": account, "more": n["more"], "fewer": n["fewer"]} for account, n in found.items() if any(n.values())
    ]
    return sorted(told, key=lambda one: (-one["more"], -one["fewer"], one["account"]))


def _live_by_month(before: Rule | None, after: Rule | None, stores: Iterable[str]) -> Counter[date]:
    """Rows of the collections under the rule, as it was or will be, by the month that their clock lies in (UTC)."""
    changed = [rule for rule in (after, before) if rule]

    def columns(info: CollectionInfo) -> Sequence[sa.ColumnElement[Any]]:
        is_touched = bool(protection.naming(changed, info))
        clock = predicates.clock_of(changed[0].starts_at, info) if is_touched else None
        return () if clock is None else [sa.extract("year", clock), sa.extract("month", clock)]

    found: Counter[date] = Counter()
    for store in stores:
        for year, month, count in chain.from_iterable(datamap.count_by(store, columns).values()):
            if year is not None:
                found[date(int(year), int(month), 1)] += count
    return found


def _swept_by_month(key: str, today: date) -> Counter[date]:
    """Rows that sweeps took under the rule, by the month they went in: a task's rows by the shares of its plan."""
    first = datetime.combine(today.replace(day=1) - relativedelta(months=MONTHS - 1), time(), UTC)
    lately = SweepBatch.objects.filter(at__gte=first).values("task__sweep")
    sweeps = Sweep.objects.filter(pk__in=lately, lines__contains=[{"rule": key}]).values_list("pk", "lines")
    shares = {pk: _shares(lines, key) for pk, lines in sweeps.iterator(chunk_size=100)}
    steps = (
        SweepTask.objects.filter(sweep__in=shares, steps__at__gte=first)
        .annotate(month=TruncMonth("steps__at", tzinfo=UTC))
        .order_by()
        .values_list("sweep_id", "month", "store", "collection", "action", "columns")
        .annotate(rows=Sum("steps__rows"))
    )
    found: Counter[date] = Counter()
    for sweep, month, *place, columns, rows in steps:
        found[month.date()] += round(rows * shares[sweep].get((*place, tuple(columns)), 0))
    return found


def _shares(lines: Iterable[Mapping[str, Any]], key: str) -> dict[Place, float]:
    """Of each collection and action: which part of its rows the rule decided."""
    planned: Counter[Place] = Counter()
    under: Counter[Place] = Counter()
    for line in lines:
        place = _place(line)
        planned[place] += line["count"]
        under[place] += line["count"] if line["rule"] == key else 0
    return {place: under[place] / count for place, count in planned.items() if count}
