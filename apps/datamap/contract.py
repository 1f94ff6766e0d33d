"""What goes into the data map's verbs and what comes out: frozen values, no behaviour, no database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Table

from apps.core.errors import DomainError
from apps.core.identities import Identity

Rows = tuple[tuple[str, tuple[tuple[str, ...], ...]], ...]
"""`(("dataset:collection", (key, …)), …)`, each key the text of the primary key's columns."""

Counts = dict[str, dict[str, int]]
"""`{"dataset:collection": {"erased": n, "anonymised": n, "kept": n, "newer": n}}`; `newer` are rows that came after the
plan was made and went with it: they are counted in `erased` or `anonymised` too."""


@dataclass(frozen=True)
class Scope:
    """About whom, and within which limits.

    `account` is the customer's account id on the platform: with it the tenant predicate stands in the query of every
    hop, and collections without a tenant are not entered but named. `own` says that the identities are the requester's
    own, proved by session and second factor: then the provider's own collections (capacity controller) are entered
    without a tenant too, and rows that belong to no tenant are found in those that have one;
    where the provider holds a tenant's rows for that tenant (`capacity_of_tenants`), these are then left out, as they
    are without an account: whoever wants a tenant's rows names it.
    `end_users` says that a customer asks about somebody its company wrote to: the provider's own data about the
    customer's people (account holders, invoices, …) is then neither handed out nor touched, whatever address is typed.
    `datasets`, `categories` and `capacities` limit what is reported and acted on; the search may pass through others.
    `rows` are rows known from an earlier plan, by primary key (`services.rows_kept`): what a duty kept may no longer be
    reachable from the identities when the duty ends, for the rows that led to it are gone.
    """

    identities: tuple[Identity, ...]
    account: str | None
    own: bool = False
    datasets: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    capacities: tuple[str, ...] = ()
    end_users: bool = False
    rows: Rows = ()


@dataclass(frozen=True)
class CollectionInfo:
    """One collection of the map together with its live table. This is what a guard is given.

    `clock`, `tenant` and `region` are columns of `table`; `region` may be a constant instead, as text.
    `column_limits`: column -> the rules that limit it alone, and the clock those run from.
    """

    key: str  # "dataset:collection"
    dataset: str
    name: str
    store: str
    capacity: str  # controller | processor | conduit
    categories: tuple[str, ...]
    retention: tuple[str, ...]  # rule keys
    table: Table
    clock: ColumnElement[Any] | None = None
    tenant: ColumnElement[Any] | None = None
    region: ColumnElement[Any] | str | None = None
    country: ColumnElement[Any] | None = None
    # event -> column, where it is not `clock`; None where no row says when it happened
    clocks: Mapping[str, ColumnElement[Any] | None] = field(default_factory=dict)
    conditions: Mapping[str, tuple[ColumnElement[Any], bool]] = field(default_factory=dict)  # rule -> column, filled
    column_limits: Mapping[str, tuple[tuple[str, ...], ColumnElement[Any] | None]] = field(default_factory=dict)
    base_key: str = ""  # "dataset:collection", whichever shard
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # dotted field path -> its categories
    key_names: tuple[str, ...] = ()  # the columns of a row's key, in the order of `Scope.rows`


@dataclass(frozen=True)
class NotEntered:
    """A collection that was not searched, and why: `no_tenant`, `unreachable`, `skipped` or `no_identity`; or of which
    rows were left out that the provider holds for its customers: `rows_of_tenants`."""

    collection: str
    reason: str


@dataclass(frozen=True)
class Findings:
    """`rows` holds JSON-able values: `{"dataset:collection": [row, …]}`, an empty list where nothing was found."""

    rows: dict[str, list[dict[str, Any]]]
    collections: dict[str, CollectionInfo]
    not_entered: list[NotEntered]


@dataclass(frozen=True)
class Receipt:
    """What one store did for one effect key. `replayed`: an earlier run had done it, and this is its receipt."""

    effect_key: str
    store: str
    counts: Counts
    at: datetime
    replayed: bool


@dataclass(frozen=True)
class Remaining:
    """Rows that the second search still found. With `ground` None nothing explains them: absence is not confirmed."""

    collection: str
    count: int
    ground: str | None
    kind: str | None  # duty | interest | hold | open_request | shared | read_only | referenced
    until: date | None


class PlanStale(DomainError):
    """The plan no longer says what would happen. `code` tells why: `plan_expired`, `plan_map_changed`,
    `plan_rules_changed`, `plan_schema_changed`, `plan_fate_changed`, `plan_grew`, `plan_altered`."""


class StoreUnavailable(DomainError):
    """A store can't be reached, or lacks what an effect needs."""


class StoreFailed(StoreUnavailable):
    """A store refused a statement. Only its SQLSTATE is told: the driver's own words may hold people's data."""

    def __init__(self, store: str, sqlstate: str | None) -> None:
        self.sqlstate = sqlstate
        super().__init__("store_failed", f"The store {store} refused or broke off ({sqlstate or 'no connection'}).")
