"""From a dataset document to the map: fideslang's form plus `meta.portal`, strictly.

fideslang ignores keys it does not know and takes any category; here both are errors. What `meta.portal` may hold:

    meta:
      portal:
        store: platform            # default platform
        schema: platform           # default: fides_meta.namespace.schema, else the store's own
        capacity: controller       # controller | processor | conduit; the default for the collections
        read_only: false           # nothing of this dataset is ever written
        collections:
          <name>:
            tenant: account_id     # column that holds the customer account
            region: region         # column, or a constant
            country: country       # column with the ISO code that rules of one country ask for
            clock: created_at      # column that retention periods run from
            clocks: {service_end: service_ended_on}   # where a period starts with another event: its column,
                                   # or null where no row says it and only a customer's departure does
            retention: [tax]       # rule keys; {rule: tax, with: account_id} reaches only rows in which that column
                                   # holds a value, `without` only those in which it holds none
            goes_with: request_id  # no period of its own: it goes with the row that this column leads to, by its
                                   # reference; {column: request_id, of: requests} where no search may follow it
            statistics: {people: visitor_id, by: [country, device]}   # counted before rows are made anonymous
            capacity: processor
            capacity_of_tenants: processor   # of the rows in which `tenant` holds an account, where those without one
                                   # are of `capacity`: a person's own data is then searched without the former
            label: {en: Messages, nl: Berichten}   # how pages call it, by language
            end_users: true        # about people the customer writes to; default: unless the capacity is controller
            strategy: delete       # delete (default) | null: what an erasure does to the rows
            read_only: false
            append_only: false     # rows are evidence: never changed, never deleted
            fields:
              <field or path.to.nested>:
                retention: [security_logs]   # a limit on this column alone
                clock: last_seen_at          # and what it runs from; default the collection's clock
                lookup: hmac       # the column holds core.crypto.lookup of the identity; without `identity` of any type
                encrypted: true    # the column holds core.crypto.seal; opened in answers
                bound_to: id       # column whose text the sealed value is bound to; default the primary key
                strategy: null | {constant: VALUE} | pseudonym | keep   # instead of deleting the row
        impersonal: {<table>: "*" | [column, …]}   # the portal's own tables: columns that say nothing about a person
        goes_with: {<table>: column}   # and impersonal tables whose rows go with the row that this column leads to

A field with a strategy of its own turns the erasure of its collection into an update: fields with a strategy get it,
the other personal fields (category below `user`) become null, the rest stays. Fides' `masking_strategy_override` is
understood too: `delete` on a collection; `null_rewrite`, `string_rewrite`, `hash`, `hmac`, `random_string_rewrite`
on a field.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from apps.core.identities import IdentityType
from apps.datamap.dataset_files import Document
from apps.datamap.fides_form import META, OLD_META, check_form
from apps.datamap.mapping import (
    CAPACITIES,
    Collection,
    Condition,
    Dataset,
    Field,
    Masking,
    Path,
    Reference,
    Statistics,
    digest_of,
)
from apps.datamap.problems import Place, nearest
from apps.datamap.taxonomy import known, matches

PORTAL_KEYS = {"store", "schema", "capacity", "read_only", "collections", "impersonal", "goes_with"}
COLLECTION_KEYS = {
    "tenant", "region", "country", "clock", "clocks", "retention", "goes_with", "statistics", "capacity",
    "capacity_of_tenants", "end_users", "label", "strategy", "read_only", "append_only", "fields",
}  # fmt: skip
FIELD_KEYS = {"retention", "clock", "lookup", "encrypted", "bound_to", "strategy"}
IDENTITY_TYPES = [kind.value for kind in IdentityType]
FIDES_MASKING = {
    "null_rewrite": "null",
    "string_rewrite": "constant",
    "hash": "pseudonym",
    "hmac": "pseudonym",
    "random_string_rewrite": "random",
}


def declare(document: Document, *, store: str | None = None, is_checked: bool = False) -> Dataset | None:
    """The dataset a document describes, or None; what is wrong stands in `document.problems`.

    `store` is where a file that names none lives (default "platform"). A document that `is_checked` is not compared
    with fideslang's form and taxonomy again, which spares web and worker the import of both.
    """
    if document.value is None:
        return None
    if not isinstance(document.value, dict):
        document.report((), "a dataset is a mapping of keys to values")
        return None
    before = len(document.problems)
    if not is_checked:
        check_form(document)
    if len(document.problems) > before:
        return None
    return _Declaration(document, store, frozenset() if is_checked else known()).dataset()


class _Declaration:
    """Builds the frozen map from a document of the right form; reports what the form alone can't show."""

    def __init__(self, document: Document, store: str | None, taxonomy: frozenset[str]) -> None:
        self.document, self.taxonomy = document, taxonomy
        self.value: dict[str, Any] = document.value
        portal = self.value.get("meta", {}).get("portal") if isinstance(self.value.get("meta"), dict) else None
        self.portal: dict[str, Any] = self._mapping(("meta", "portal"), portal)
        self._keys(("meta", "portal"), self.portal, PORTAL_KEYS)
        namespace = _meta(self.value).get("namespace") or {}
        self.store = str(self.portal.get("store") or store or "platform")
        self.schema = self.portal.get("schema") or namespace.get("schema")
        self.per_collection = self._mapping(("meta", "portal", "collections"), self.portal.get("collections"))
        names = [str(one["name"]) for one in self.value["collections"]]
        for name in self.per_collection.keys() - set(names):
            place = ("meta", "portal", "collections", name)
            self.document.report(place, f"no collection is called “{name}”", nearest(name, names))

    def dataset(self) -> Dataset:
        collections = tuple(
            self._collection(("collections", number), one) for number, one in enumerate(self.value["collections"])
        )
        impersonal = self._mapping(("meta", "portal", "impersonal"), self.portal.get("impersonal"))
        return Dataset(
            key=str(self.value["fides_key"]),
            name=str(self.value.get("name") or self.value["fides_key"]),
            store=self.store,
            digest=digest_of({"document": self.value, "store": self.store}),
            collections=collections,
            impersonal={table: one if one == "*" else tuple(_list(one)) for table, one in impersonal.items()},
            goes_with=self._impersonal_going_with(impersonal),
        )

    def _impersonal_going_with(self, impersonal: Mapping[str, Any]) -> dict[str, str]:
        """A collection says so itself; here stand the tables that belong in nobody's package."""
        at = ("meta", "portal", "goes_with")
        found = self._mapping(at, self.portal.get("goes_with"))
        for table in found.keys() - impersonal.keys():
            self.document.report((*at, table), f"the table “{table}” is not impersonal", nearest(table, impersonal))
        return {str(table): str(column) for table, column in found.items()}

    def _collection(self, place: Place, value: dict[str, Any]) -> Collection:
        name = str(value["name"])
        at = ("meta", "portal", "collections", name)
        said = self._mapping(at, self.per_collection.get(name))
        self._keys(at, said, COLLECTION_KEYS)
        meta = _meta(value)
        outer = self._categories((), self.value) + self._categories(place, value)
        per_field = self._mapping((*at, "fields"), said.get("fields"))
        reader = _Fields(self, per_field, (*at, "fields"))
        fields = reader.read(place, value, (), outer)
        reader.finish()
        override = (meta.get("masking_strategy_override") or {}).get("strategy")
        capacity, of_tenants = self._capacity(at, said), self._capacity_of_tenants(at, said)
        goes_with, goes_with_of = self._going_with((*at, "goes_with"), said.get("goes_with"))
        return Collection(
            dataset=str(self.value["fides_key"]),
            name=name,
            store=self.store,
            schema=self.schema,
            capacity=capacity,
            fields=fields,
            tenant=said.get("tenant"),
            region=said.get("region"),
            clock=said.get("clock"),
            label=tuple(sorted(self._mapping((*at, "label"), said.get("label")).items())),
            country=said.get("country"),
            clocks=tuple(sorted(self._mapping((*at, "clocks"), said.get("clocks")).items())),
            retention=tuple(str(_rule_of(one)) for one in _list(said.get("retention"))),
            conditions=self._conditions((*at, "retention"), said),
            goes_with=goes_with,
            goes_with_of=goes_with_of,
            statistics=self._statistics((*at, "statistics"), said.get("statistics")),
            strategy=self._strategy(at, said, override),
            read_only=bool(said.get("read_only") or said.get("append_only") or self.portal.get("read_only")),
            skipped=bool(meta.get("skip_processing")),
            capacity_of_tenants=of_tenants,
            end_users=bool(said.get("end_users", capacity != "controller" or of_tenants)),
        )

    def _going_with(self, at: Place, value: Any) -> tuple[str | None, str | None]:
        """The column, and the collection of the row it leads to where that is said here."""
        if not isinstance(value, dict):
            return value, None
        if value.keys() != {"column", "of"}:
            self.document.report(at, "expected a column, or {column: COLUMN, of: COLLECTION}")
            return None, None
        return str(value["column"]), f"{self.value['fides_key']}:{value['of']}"

    def _conditions(self, at: Place, said: Mapping[str, Any]) -> tuple[Condition, ...]:
        found = []
        for number, one in enumerate(_list(said.get("retention"))):
            if not isinstance(one, dict):
                continue
            if "rule" not in one or len(one.keys() & {"with", "without"}) != 1 or len(one) != 2:
                self.document.report((*at, number), "expected {rule: KEY, with: COLUMN} (or `without`)")
                continue
            found.append(Condition(str(one["rule"]), str(one.get("with") or one.get("without")), "with" in one))
        return tuple(found)

    def _statistics(self, at: Place, value: Any) -> Statistics | None:
        if value is None:
            return None
        if not isinstance(value, dict) or value.keys() != {"people", "by"}:
            self.document.report(at, "expected {people: COLUMN, by: [COLUMN, …]}")
            return None
        return Statistics(str(value["people"]), tuple(str(one) for one in _list(value["by"])))

    def _capacity(self, at: Place, said: Mapping[str, Any]) -> str:
        default = self.portal.get("capacity", "controller")
        capacity = said.get("capacity", default)
        if capacity not in CAPACITIES:
            place = (*at, "capacity") if "capacity" in said else ("meta", "portal", "capacity")
            self.document.report(place, f"unknown capacity “{capacity}”", nearest(str(capacity), CAPACITIES))
        return str(capacity)

    def _capacity_of_tenants(self, at: Place, said: Mapping[str, Any]) -> str | None:
        capacity = said.get("capacity_of_tenants")
        if capacity is None:
            return None
        if capacity not in CAPACITIES:
            place = (*at, "capacity_of_tenants")
            self.document.report(place, f"unknown capacity “{capacity}”", nearest(str(capacity), CAPACITIES))
        elif not said.get("tenant"):
            self.document.report((*at, "capacity_of_tenants"), "rows name no account here: `tenant` is missing")
        return str(capacity)

    def _strategy(self, at: Place, said: Mapping[str, Any], override: Any) -> Any:
        strategy = ("null" if said["strategy"] is None else said["strategy"]) if "strategy" in said else override
        if strategy not in (None, "delete", "null"):
            self.document.report(
                (*at, "strategy"), f"unknown strategy “{strategy}”", nearest(str(strategy), ["delete", "null"])
            )
            return None
        return strategy

    def _categories(self, place: Place, value: Mapping[str, Any]) -> tuple[str, ...]:
        given = tuple(str(one) for one in value.get("data_categories") or ())
        for number, category in enumerate(given):
            if self.taxonomy and category not in self.taxonomy:
                here = (*place, "data_categories", number)
                where = self.document.words(place) or str(self.value["fides_key"])
                self.document.report(here, f"unknown category “{category}”", nearest(category, self.taxonomy), where)
        return given

    def _mapping(self, place: Place, value: Any) -> dict[str, Any]:
        if value is None or isinstance(value, dict):
            return value or {}
        self.document.report(place, "expected a mapping of keys to values")
        return {}

    def _keys(self, place: Place, value: Mapping[str, Any], names: set[str]) -> None:
        for key in value.keys() - names:
            self.document.report((*place, key), f"unknown key “{key}”", nearest(str(key), names))


class _Fields:
    """The fields of one collection, nested ones included, each with what `meta.portal` says of it."""

    def __init__(self, outer: _Declaration, said: dict[str, Any], at: Place) -> None:
        self.outer, self.document, self.said, self.at = outer, outer.document, said, at
        self.seen: set[str] = set()

    def read(
        self, place: Place, holder: Mapping[str, Any], path: Path, categories: tuple[str, ...]
    ) -> tuple[Field, ...]:
        return tuple(
            self._field((*place, "fields", number), one, (*path, str(one["name"])), categories)
            for number, one in enumerate(holder.get("fields") or ())
        )

    def finish(self) -> None:
        for name in self.said.keys() - self.seen:
            self.document.report((*self.at, name), f"no field is called “{name}”", nearest(name, self.seen))

    def _field(self, place: Place, value: dict[str, Any], path: Path, outer: tuple[str, ...]) -> Field:
        dotted = ".".join(path)
        self.seen.add(dotted)
        said = self.outer._mapping((*self.at, dotted), self.said.get(dotted))
        self.outer._keys((*self.at, dotted), said, FIELD_KEYS)
        if said.get("lookup") not in (None, "hmac"):
            self.document.report((*self.at, dotted, "lookup"), f"unknown lookup “{said['lookup']}”", "hmac")
        meta = _meta(value)
        categories = tuple(dict.fromkeys((*outer, *self.outer._categories(place, value))))
        return Field(
            path=path,
            categories=categories,
            identities=self._identities(place, meta, bool(said.get("lookup"))),
            primary_key=bool(meta.get("primary_key")),
            data_type=meta.get("data_type"),
            length=meta.get("length"),
            return_all_elements=bool(meta.get("return_all_elements")),
            read_only=bool(meta.get("read_only")),
            references=self._references(place, meta),
            lookup=bool(said.get("lookup")),
            encrypted=bool(said.get("encrypted")),
            bound_to=said.get("bound_to"),
            masking=self._masking((*self.at, dotted, "strategy"), said, meta, path),
            retention=tuple(str(rule) for rule in _list(said.get("retention"))),
            clock=said.get("clock"),
            fields=self.read(place, value, path, categories),
        )

    def _identities(self, place: Place, meta: Mapping[str, Any], is_lookup: bool) -> tuple[IdentityType, ...]:
        kind = meta.get("identity")
        if kind is None:
            return tuple(IdentityType) if is_lookup else ()
        if kind not in IDENTITY_TYPES:
            here = (*place, META, "identity")
            self.document.report(
                here, f"unknown identity type “{kind}”", nearest(str(kind), IDENTITY_TYPES), self.document.words(place)
            )
            return ()
        return (IdentityType(kind),)

    def _references(self, place: Place, meta: Mapping[str, Any]) -> tuple[Reference, ...]:
        found = []
        for one in meta.get("references") or ():
            parts = str(one["field"]).split(".")
            if len(parts) < 2:
                self.document.report(place, f"the reference “{one['field']}” must read collection.field")
                continue
            found.append(Reference(str(one["dataset"]), parts[0], tuple(parts[1:]), one.get("direction")))
        return tuple(found)

    def _masking(self, at: Place, said: Mapping[str, Any], meta: Mapping[str, Any], path: Path) -> Masking | None:
        if len(path) > 1 and ("strategy" in said or meta.get("masking_strategy_override")):
            self.document.report(at, f"a strategy stands on the whole column: write it on “{path[0]}”")
            return None
        if "strategy" in said:
            return self._own_masking(at, said["strategy"])
        override = meta.get("masking_strategy_override")
        if not override:
            return None
        kind = FIDES_MASKING.get(override["strategy"])
        if kind is None:
            self.document.report(
                at, f"unknown strategy “{override['strategy']}”", nearest(override["strategy"], FIDES_MASKING)
            )
            return None
        return Masking(kind, (override.get("configuration") or {}).get("rewrite_value", ""))  # type: ignore[arg-type]

    def _own_masking(self, at: Place, strategy: Any) -> Masking | None:
        if strategy is None or strategy in ("null", "pseudonym", "keep"):
            return Masking(strategy or "null")
        if isinstance(strategy, dict) and strategy.keys() == {"constant"}:
            return Masking("constant", strategy["constant"])
        self.document.report(
            at, f"unknown strategy “{strategy}”", nearest(str(strategy), ["null", "pseudonym", "keep", "constant"])
        )
        return None


def is_personal(categories: Iterable[str]) -> bool:
    """Whether data of these categories says something about a person (fideslang: everything below `user`)."""
    return any(matches(category, "user") for category in categories)


def _meta(value: Mapping[str, Any]) -> Mapping[str, Any]:
    return value.get(META) or value.get(OLD_META) or {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _rule_of(one: Any) -> Any:
    return one.get("rule", "") if isinstance(one, dict) else one
