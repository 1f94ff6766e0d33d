"""What retention rules protect from an erasure: the guard that this app registers with the data map.

A duty and an interest keep a row until their period ends; a limit keeps nothing, so what has only limits goes at
once. Where a rule's start has not happened for a row (the service still runs), the row stays and no date is claimed.
"""

import hashlib
from collections.abc import Iterable
from datetime import UTC, date, datetime

from sqlalchemy import ColumnElement, Date, case, func, literal

from apps.datamap.guards import Declared, Flaw, Guarded, Keep, KeepKind
from apps.datamap.services import of_accounts
from apps.retention import expressions, predicates
from apps.retention.evaluation import Choices
from apps.retention.models import ChosenPeriod, Departure, Rule
from apps.retention.periods import DATED_BY_THE_ROW, WITH_THE_SERVICE


def keeps(store: str, collection: Guarded, now: datetime) -> list[Keep]:
    """The rows of one collection that a duty or an interest protects on the day of `now`, with the last day of each."""
    rules = naming(Rule.objects.current().protecting().order_by("key"), collection)
    choices = current_choices() if rules else Choices()
    found = (_keep(rule, collection, choices, now) for rule in rules)
    return [keep for keep in found if keep is not None]


def duties(rules: Iterable[Rule], collection: Guarded, choices: Choices, *, now: datetime) -> list[Keep]:
    """What the duties among these rules keep of a collection."""
    found = (_keep(rule, collection, choices, now) for rule in naming(rules, collection) if rule.is_duty)
    return [keep for keep in found if keep is not None]


def naming(rules: Iterable[Rule], collection: Guarded) -> list[Rule]:
    """The rules that reach into a collection as a whole: named on the map, naming it, or lengthening one that is."""
    whole = [rule for rule in rules if not rule.categories]
    named = {*collection.retention, *(rule.key for rule in whole if collection.base_key in rule.collections)}
    return [rule for rule in whole if rule.key in named or rule.extends in named]


def current_choices(*, made_by: datetime | None = None) -> Choices:
    """What customers chose: shorter periods, and the end of their service.

    `made_by`: only what stood at that instant already and still stands. A plan goes on with that: what was chosen since
    then comes with the next one, and what was taken back since then takes nothing.
    """
    chosen = ChosenPeriod.objects.current().order_by("account", "rule")
    leaving = Departure.objects.standing()
    if made_by is not None:
        chosen, leaving = chosen.filter(chosen_at__lte=made_by), leaving.filter(announced_at__lte=made_by)
    ends = leaving.values_list("platform_account_id", "service_ends_on")
    return Choices({(one.account, one.rule): one.calendar for one in chosen}, dict(ends))


def rules_version(rules: Iterable[Rule] | None = None) -> str:
    """One digest over all current rules (or over these): plans pin it, and any change of a rule changes it."""
    digests = "\n".join(sorted(rule.digest for rule in (Rule.objects.current() if rules is None else rules)))
    return hashlib.sha256(digests.encode()).hexdigest()


def flaws(collection: Declared) -> list[Flaw]:
    """What is wrong with the rule keys of one collection of the map."""
    rules = {rule.key: rule for rule in Rule.objects.current()}
    if collection.retention and not rules:
        return [Flaw("retention", key, "No retention rules are loaded: run `manage.py seed` first.", ())
                for key in collection.retention]  # fmt: skip
    unknown = [key for key in collection.retention if key not in rules]
    found = [Flaw("retention", key, f"There is no retention rule “{key}”.", tuple(sorted(rules))) for key in unknown]
    if collection.clock:
        return found
    # Without a clock column every row would be kept for ever, since no period could be seen to end.
    undated = [key for key in collection.retention if key in rules and rules[key].starts_at in DATED_BY_THE_ROW]
    return found + [
        Flaw("clock", key, f"The rule “{key}” runs from a date in the row, but no clock column is named.")
        for key in undated
    ]


def _keep(rule: Rule, collection: Guarded, choices: Choices, now: datetime) -> Keep | None:
    today = now.astimezone(UTC).date()
    kept = predicates.still_runs(rule, collection, choices, today=today, tenants=of_accounts)
    if kept is None:
        return None
    kind: KeepKind = "duty" if rule.is_duty else "interest"
    clock = predicates.clock_of(rule.starts_at, collection)
    until = None if clock is None else expressions.ends_on(rule.starts_at, clock, rule.calendar)
    left = _ends_after_departures(rule, collection, choices)
    if left is not None:
        until = left if until is None else func.coalesce(until, left)
    return Keep(kept, ground=rule.key, kind=kind, until=until, starts_at=rule.starts_at)


def _ends_after_departures(rule: Rule, collection: Guarded, choices: Choices) -> ColumnElement[date] | None:
    """The last day for the rows of customers that left, where the row itself knows of no start."""
    if rule.starts_at not in WITH_THE_SERVICE or collection.tenant is None or not choices.departures:
        return None
    left: dict[date, list[str]] = {}
    for account, ended_on in sorted(choices.departures.items()):
        left.setdefault(ended_on, []).append(account)
    last = {ended_on: literal(rule.calendar.after(ended_on), Date) for ended_on in left}
    return case(*((of_accounts(collection, accounts), last[ended_on]) for ended_on, accounts in left.items()))
