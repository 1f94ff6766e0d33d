"""What a sweep must leave of the sample platform, decided row by row in Python by the specification (`verdict`).

Nothing here knows the generated SQL: rows are read whole, judged by the map's names of columns, and what must be there
afterwards is written down row by row.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any

from apps.datamap.mapping import Collection
from apps.datamap.registry import current_map
from apps.retention.evaluation import Choices, Row, Shape, Verdict, verdict
from apps.retention.models import Rule
from apps.retention.services import HoldScope

Values = dict[str, Any]
Rows = dict[int, Values]
# What an anonymous visit looks like: its time and its number alone are left as they were.
ANONYMOUS: Values = dict.fromkeys(
    ("account_id", "holder_id", "visitor_id", "ip_address", "country", "city", "browser", "device")
) | {"page": "[erased]", "page_order": 0, "is_returning": False, "cookie_preferences": {}}
REFERENCES = """
SELECT c.relname, a.attname, a.attnotnull, p.relname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_class p ON p.oid = k.confrelid JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]
JOIN pg_namespace n ON n.oid = c.relnamespace WHERE k.contype = 'f' AND n.nspname = 'platform' ORDER BY 1, 2
"""


@dataclass(frozen=True)
class Held:
    """A legal hold as its scope says it: each part narrows the rest, and who can't be told to be outside is inside."""

    scope: HoldScope

    def keeps(self, collection: Collection, values: Values, person: dict[str, set[int]]) -> bool:
        scope = self.scope
        if scope.collections and collection.base_key not in scope.collections:
            return False
        tenant = values[collection.tenant or ""]
        if scope.account and tenant is not None and str(tenant) != scope.account:
            return False
        if scope.identities and values["id"] not in person[collection.name]:
            return False
        return self._in_period(values[collection.clock or ""])

    def _in_period(self, clock: Any) -> bool:
        if clock is None:
            return True
        day = clock.astimezone(UTC).date() if isinstance(clock, datetime) else clock
        return (self.scope.from_on or date.min) <= day <= (self.scope.until_on or date.max)

    def person(self, world: "World") -> dict[str, set[int]]:
        """Rows that name the person, and rows that lead to them by the map's references, until no more are found."""
        wanted = {(one.type, one.value) for one in self.scope.identities}
        found: dict[str, set[int]] = {collection.name: set() for collection in world.collections}
        for collection in world.collections:
            for place in collection.fields:
                for number, values in world.rows[collection.name].items():
                    if any((kind, values[place.column]) in wanted for kind in place.identities):
                        found[collection.name].add(number)
        while True:
            before = sum(map(len, found.values()))
            for collection, place, to in world.leads:
                reached = {world.rows[to.collection][number][to.path[0]] for number in found[to.collection]}
                for number, values in world.rows[collection.name].items():
                    if values[place.column] in reached - {None}:
                        found[collection.name].add(number)
            if sum(map(len, found.values())) == before:
                return found


@dataclass
class World:
    """Every row of every collection of the sample platform at one instant."""

    platform: Any
    rows: dict[str, Rows] = field(init=False)

    def __post_init__(self) -> None:
        self.rows = {collection.name: self._read(collection.name) for collection in self.collections}

    def _read(self, name: str) -> Rows:
        cursor = self.platform.owner.cursor()
        cursor.execute(f"SELECT * FROM platform.{name}")
        names = [column.name for column in cursor.description]
        found = {values["id"]: values for values in (dict(zip(names, row, strict=True)) for row in cursor)}
        assert len(found) == cursor.rowcount  # `id` alone names a row
        return found

    @cached_property
    def collections(self) -> list[Collection]:
        return [one for one in current_map().collections.values() if one.dataset == "platform"]

    @cached_property
    def leads(self) -> list[tuple[Collection, Any, Any]]:
        return [(one, place, to) for one in self.collections for place in one.fields for to in place.references]

    @cached_property
    def keys(self) -> list[tuple[str, str, bool, str]]:
        """(table, column, must it hold a value, table it points at)"""
        return self.platform.rows(REFERENCES)  # type: ignore[no-any-return]

    def after(self, day: date, rules: Iterable[Rule], choices: Choices, holds: Iterable[Held]) -> dict[str, Rows]:
        """What must be there once the sweep of `day` is done."""
        judge = Judge(self, day, list(rules), choices, list(holds))
        gone = self._unblocked(judge)
        left: dict[str, Rows] = {}
        for collection in self.collections:
            rows = {number: dict(values) for number, values in self.rows[collection.name].items()}
            for number in gone.get(collection.name, set()):
                del rows[number]
            for number, values in rows.items():
                values.update(judge.changes(collection, number))
            left[collection.name] = rows
        for table, column, _, parent in self.keys:
            for values in left[table].values():
                if values[column] in gone.get(parent, set()):
                    values[column] = None
        return left

    def _unblocked(self, judge: "Judge") -> dict[str, set[int]]:
        """A row stays as long as a row that stays must point at it, or is held: that one changes in nothing."""
        gone = {name: set(numbers) for name, numbers in judge.gone.items()}
        known = {collection.name: collection for collection in self.collections}
        while True:
            blocked = {
                (parent, values[column])
                for table, column, must, parent in self.keys
                for number, values in self.rows[table].items()
                if number not in gone.get(table, set()) and values[column] in gone.get(parent, set())
                if must or judge.is_held(known[table], values)
            }
            if not blocked:
                return gone
            for parent, number in blocked:
                gone[parent].discard(number)


@dataclass
class Judge:
    """The specification, asked about every row."""

    world: World
    day: date
    rules: list[Rule]
    choices: Choices
    holds: list[Held]

    @cached_property
    def gone(self) -> dict[str, set[int]]:
        return {
            one.name: {number for number, fate in self.fates(one) if fate.goes}
            for one in self.world.collections
            if one.name != "web_visits"
        }

    def fates(self, collection: Collection) -> Iterator[tuple[int, Verdict]]:
        naming = [
            rule for rule in self.rules
            if {rule.key, rule.extends} & set(collection.retention) or collection.base_key in rule.collections
        ]  # fmt: skip
        shape = Shape(bool(collection.region), bool(collection.country),
                      {one.rule: (one.column, one.filled) for one in collection.conditions})  # fmt: skip
        clocks = dict(collection.clocks)
        for number, values in self.world.rows[collection.name].items():
            tenant = values[collection.tenant or ""]
            row = Row(
                values[collection.clock or ""], {event: values[column] for event, column in clocks.items()},
                values.get(collection.region or ""), values.get(collection.country or ""),
                None if tenant is None else str(tenant),
                frozenset(name for name, value in values.items() if value is not None),
                self.is_held(collection, values),
            )  # fmt: skip
            yield number, verdict(row, shape, naming, self.choices, today=self.day)

    def is_held(self, collection: Collection, values: Values) -> bool:
        return any(hold.keeps(collection, values, person) for hold, person in self.people)

    @cached_property
    def people(self) -> list[tuple[Held, dict[str, set[int]]]]:
        return [(hold, hold.person(self.world)) for hold in self.holds]

    def changes(self, collection: Collection, number: int) -> Values:
        """What a row that stays loses: because it becomes anonymous, or to a limit on one of its columns."""
        if collection.name == "web_visits":
            return ANONYMOUS if number in self.anonymous else {}
        return dict.fromkeys(self._emptied(collection, number))

    def _emptied(self, collection: Collection, number: int) -> Iterator[str]:
        values = self.world.rows[collection.name][number]
        for place in collection.fields:
            limits = [rule for rule in self.rules if rule.key in place.retention and rule.is_limit]
            row = Row(values[place.clock or collection.clock or ""], is_held=self.is_held(collection, values))
            if limits and verdict(row, Shape(), limits, Choices(), today=self.day).goes:
                yield place.column

    @cached_property
    def anonymous(self) -> set[int]:
        [visits] = [one for one in self.world.collections if one.name == "web_visits"]
        return {number for number, fate in self.fates(visits) if fate.goes}
