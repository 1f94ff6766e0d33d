"""The one upward door of the data map: what says which rows must stay.

The data map knows where data is, not how long it must stay: that is known higher on the ladder (retention rules,
open requests, legal holds). Those apps register a guard in their `AppConfig.ready()`; every plan and every erase,
whoever calls it, asks all of them through `keeps()`. With no guard registered erasing is refused: silence must never
be read as "nothing needs to stay".

The same door lets them look at the map while it is being checked (`register_check`), so that a collection which names
a retention rule that does not exist is an error of `datamap check` and not a surprise during an erasure.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, Protocol

from django.db import connection
from sqlalchemy import ColumnElement, Table

from apps.core.errors import DomainError

HOLD = 0x686F6C64
"""Key of the advisory lock on the portal's database: an erase or a sweep batch takes it shared, placing a legal hold
takes it exclusively. So a hold waits for at most the batch in flight and no later batch misses it."""

KeepKind = Literal["duty", "interest", "hold", "open_request"]


@dataclass(frozen=True)
class Keep:
    """Rows of one collection that must stay, why, and until when.

    `predicate` selects them over the collection's table. `until` is the last day they are kept, as one date or as an
    expression that gives it per row (NULL where it is not known yet); None means no date is known for any of them,
    and `starts_at` then names the event that has not happened ("service_end").
    """

    predicate: ColumnElement[bool]
    ground: str
    kind: KeepKind
    until: date | ColumnElement[Any] | None = None
    starts_at: str = ""


class Guarded(Protocol):
    """What a guard may ask of a collection: its reflected table and what the map says of it."""

    @property
    def key(self) -> str: ...  # "dataset:collection"
    @property
    def dataset(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def table(self) -> Table: ...
    @property
    def retention(self) -> Sequence[str]: ...  # rule keys
    @property
    def clock(self) -> ColumnElement[Any] | str | None: ...  # the column a period runs from
    @property
    def clocks(self) -> Mapping[str, ColumnElement[Any] | None]: ...  # event -> column, where it is not `clock`
    @property
    def conditions(self) -> Mapping[str, tuple[ColumnElement[Any], bool]]: ...  # rule -> column, must it be filled
    @property
    def tenant(self) -> ColumnElement[Any] | None: ...
    @property
    def country(self) -> ColumnElement[Any] | None: ...
    @property
    def base_key(self) -> str: ...  # "dataset:collection", whichever shard
    @property
    def capacity(self) -> str: ...
    @property
    def region(self) -> ColumnElement[Any] | str | None: ...  # a column of the table, or a constant
    @property
    def key_names(self) -> tuple[str, ...]: ...  # the columns of a row's key, in the order of `Scope.rows`


class Declared(Protocol):
    """What a check may ask of a collection of the map before any table is reflected."""

    @property
    def key(self) -> str: ...
    @property
    def retention(self) -> Sequence[str]: ...
    @property
    def clock(self) -> str | None: ...
    @property
    def clocks(self) -> Sequence[tuple[str, str | None]]: ...  # (event, column) where it is not `clock`


@dataclass(frozen=True)
class Flaw:
    """Something wrong with a collection's declaration: the entry in its `meta.portal` it stands in, in words, and
    the names that would have been right (the caller prints the nearest)."""

    field: str
    value: str
    message: str
    known: tuple[str, ...] = ()


Guard = Callable[[str, Guarded, datetime], list[Keep]]
Check = Callable[[Declared], list[Flaw]]


class NoGuards(DomainError):
    """Nobody could say what must stay, so nothing may go."""

    def __init__(self) -> None:
        super().__init__("no_guards", "Nothing can be erased: no guard says what must be kept.")


@dataclass(frozen=True)
class _Registered:
    guard: Guard
    version: Callable[[], str]


_guards: dict[str, _Registered] = {}
_checks: dict[str, Check] = {}


def register(name: str, guard: Guard, *, version: Callable[[], str]) -> None:
    """Ask `guard` before anything is erased. `version` names the state of its rules: a plan pins it."""
    _guards[name] = _Registered(guard, version)


def register_check(name: str, check: Check) -> None:
    """Ask `check` about every collection when dataset files are checked or loaded."""
    _checks[name] = check


def keeps(store: str, collection: Guarded, *, now: datetime) -> list[Keep]:
    """What every guard wants kept of this collection. Raises `NoGuards` when nobody is registered."""
    if not _guards:
        raise NoGuards
    return [keep for name in sorted(_guards) for keep in _guards[name].guard(store, collection, now)]


def version() -> str:
    """One digest over the versions of all guards: it changes when any of their rules does."""
    if not _guards:
        raise NoGuards
    versions = "\n".join(f"{name}={_guards[name].version()}" for name in sorted(_guards))
    return hashlib.sha256(versions.encode()).hexdigest()


def share_hold_lock() -> None:
    """In the caller's transaction on the portal's database: no legal hold is placed until it ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [HOLD])


def take_hold_lock() -> None:
    """In the transaction that places a legal hold: waits for erasures in flight, and lets none begin."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [HOLD])


def flaws(collection: Declared) -> list[Flaw]:
    """What the registered checks find wrong with one collection of the map."""
    return [flaw for name in sorted(_checks) for flaw in _checks[name](collection)]


@contextmanager
def only(**guards: Guard) -> Iterator[None]:
    """For tests: exactly these guards stand while the block runs (none: erasing is refused)."""
    before = dict(_guards)
    _guards.clear()
    _guards.update({name: _Registered(guard, lambda: "test") for name, guard in guards.items()})
    try:
        yield
    finally:
        _guards.clear()
        _guards.update(before)
