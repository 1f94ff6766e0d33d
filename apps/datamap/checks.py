"""Is a dataset true? Its names against the map and the live schema, and what would make its queries slow or its
erasures impossible."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import sqlalchemy as sa
from django.db import connection
from sqlalchemy.dialects import postgresql as pg

from apps.core.identities import IdentityType
from apps.datamap import guards, mariadb
from apps.datamap.contract import StoreUnavailable
from apps.datamap.dataset_files import Document
from apps.datamap.fides_form import META, OLD_META
from apps.datamap.mapping import PORTAL, Collection, DataMap, Dataset, Field
from apps.datamap.mariadb import is_mariadb
from apps.datamap.problems import Place, Problem, nearest
from apps.datamap.receipts import create_statement, receipts_table
from apps.datamap.schema import LiveSchema, LiveTable, reflect
from apps.datamap.shards import MARK
from apps.datamap.stores import DIALECT, Snapshots, base_names, is_portal_database, shards_of

NAMES = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = COALESCE(:schema, current_schema()) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
"""
NAMES_MARIADB = "SELECT table_name FROM information_schema.tables WHERE table_schema = COALESCE(:schema, DATABASE())"


@dataclass(frozen=True)
class Advice:
    """Not wrong, but it will hurt: a missing index, a store without receipts, a collection nobody can reach."""

    subject: str
    message: str
    statement: str = ""

    def __str__(self) -> str:
        return f"{self.subject}: {self.message}" + (f" → {self.statement}" if self.statement else "")


@dataclass
class Report:
    problems: list[Problem] = field(default_factory=list)
    advice: list[Advice] = field(default_factory=list)


Pair = tuple[Document, Dataset]


def check(pairs: Sequence[Pair], others: Iterable[Dataset]) -> Report:
    """Check `pairs` (documents with what they declare) as part of the map that `others` make."""
    report = Report()
    replaced = {dataset.key for _, dataset in pairs}
    datamap = DataMap((*(one for one in others if one.key not in replaced), *(dataset for _, dataset in pairs)))
    with Snapshots() as snapshots:
        for document, dataset in pairs:
            schemas = _live(document, dataset, snapshots)
            for number, collection in enumerate(dataset.collections):
                checked = _Collection(document, dataset, collection, ("collections", number), datamap)
                checked.references()
                checked.rules()
                for shard, schema in schemas.items():
                    at = replace(collection, store=shard, shard=shard.partition(MARK)[2])
                    looked = _Collection(document, dataset, at, ("collections", number), datamap)
                    looked.live(schema)
                    report.advice += looked.advice
                report.advice += _unlike(collection, schemas)
        report.advice += _unreachable(datamap, replaced)
        report.advice += _without_receipts([dataset for _, dataset in pairs], snapshots)
    report.problems += [problem for document, _ in pairs for problem in document.problems]
    return report


def _live(document: Document, dataset: Dataset, snapshots: Snapshots) -> dict[str, LiveSchema]:
    """The dataset's tables in every shard of its store that can be reached; what can't be is a problem."""
    place: Place = ("meta", "portal", "store")
    known = base_names()
    if dataset.store not in known:
        document.report(place, f"unknown store “{dataset.store}”", nearest(dataset.store, known))
        return {}
    schemas = {}
    for shard in shards_of(dataset.store):
        try:
            schemas[shard] = reflect(snapshots.of(shard), _tables(dataset))
        except StoreUnavailable as error:
            document.report(place, error.message)
    return schemas


def _unlike(collection: Collection, schemas: Mapping[str, LiveSchema]) -> Iterator[Advice]:
    """Columns that are not the same in every shard: all are read, but what fits one may not fit the other."""
    tables = [(shard, one.tables[collection.table]) for shard, one in schemas.items() if collection.table in one.tables]
    for shard, table in tables[1:]:
        first, other = tables[0]
        for name in (top.column for top in collection.fields):
            if name not in other.columns or name not in table.columns:
                continue  # said already
            here, there = _kind(other, name), _kind(table, name)
            if here != there:
                yield Advice(collection.key, f"{name} is {here} in {first} and {there} in {shard}")


def _kind(live: LiveTable, name: str) -> str:
    return f"{live.table.c[name].type}" + (" NOT NULL" if name in live.not_null else "")


def _tables(dataset: Dataset) -> list[tuple[str | None, str]]:
    return [one.table for one in dataset.collections] + [(None, name) for name in dataset.impersonal]


class _Collection:
    """The checks of one collection; what is wrong goes to the document, what would hurt to `advice`."""

    def __init__(
        self, document: Document, dataset: Dataset, collection: Collection, place: Place, datamap: DataMap
    ) -> None:
        self.document, self.dataset, self.collection, self.place = document, dataset, collection, place
        self.datamap = datamap
        self.said: Place = ("meta", "portal", "collections", collection.name)
        self.advice: list[Advice] = []

    def references(self) -> None:
        """Every reference leads to a field of the map."""
        for one in self.collection.by_path.values():
            for number, reference in enumerate(one.references):
                wrong, known = self._wrong(reference.dataset, reference.collection, reference.path)
                if wrong:
                    full = ".".join((reference.collection, *reference.path))
                    message = f"the reference “{full}” leads nowhere: no {wrong}"
                    self.document.report(self._place_of_reference(one, number), message, known, self._words(one))

    def _place_of_reference(self, place: Field, number: int) -> Place:
        at = self.place_of(place)
        written = [(*at, meta, "references", number) for meta in (META, OLD_META)]
        return next((one for one in written if one in self.document.lines), at)

    def _words(self, place: Field) -> str:
        return f"{self.collection.name}.{place.dotted}"

    def _wrong(self, dataset: str, collection: str, path: tuple[str, ...]) -> tuple[str, str]:
        known = {one.key: one for one in self.datamap.datasets}
        if dataset not in known:
            return f"dataset “{dataset}”", nearest(dataset, known)
        collections = {one.name: one for one in known[dataset].collections}
        if collection not in collections:
            return f"collection “{collection}” in {dataset}", nearest(collection, collections)
        fields = {".".join(one) for one in collections[collection].by_path}
        if ".".join(path) not in fields:
            return f"field “{'.'.join(path)}” in {collection}", nearest(".".join(path), fields)
        return "", ""

    def rules(self) -> None:
        """What apps higher on the ladder know: whether a retention rule exists."""
        for flaw in guards.flaws(self.collection):
            self.document.report(
                (*self.said, flaw.field), flaw.message, nearest(flaw.value, flaw.known), self.collection.name
            )

    def live(self, schema: LiveSchema) -> None:
        live = schema.tables.get(self.collection.table)
        if live is None or not live.can_select:
            self._no_table(live)
            return
        if self._is_forbidden(live):
            return
        for top in self.collection.fields:
            self._column(top, live)
        for at, value in self._named_columns():
            if value not in live.columns:
                self._unknown_column((*self.said, *at), value, live)
        if not self.collection.skipped:
            self._key(live)
            self._indexes(live)

    def _named_columns(self) -> Iterator[tuple[Place, str]]:
        """Columns that the collection's entry names, with where they are named."""
        one = self.collection
        simple: list[tuple[Place, str | None]] = []
        simple += [((name,), getattr(one, name)) for name in ("tenant", "country", "clock", "goes_with")]
        simple += [(("clocks", event), column) for event, column in one.clocks]
        simple += [(("retention",), condition.column) for condition in one.conditions]
        simple += [(("fields", top.column, "clock"), top.clock) for top in one.fields]
        if one.statistics:
            simple += [(("statistics",), column) for column in (one.statistics.people, *one.statistics.by)]
        yield from ((at, column) for at, column in simple if column)

    def _no_table(self, live: LiveTable | None) -> None:
        name = ".".join(filter(None, self.collection.table))
        if live is not None:
            self._report(self.place, f"the table {name} may not be read")
            return
        self.document.report(
            (*self.place, "name"),
            f"there is no table {name} in the store {self.collection.store}",
            self._nearest_table(),
            self.collection.name,
        )

    def _nearest_table(self) -> str:
        with Snapshots() as snapshots:
            session = snapshots.of(self.collection.store)
            statement = sa.text(NAMES_MARIADB if session.dialect.name == mariadb.NAME else NAMES)
            bound = statement.bindparams(sa.bindparam("schema", self.collection.schema, type_=sa.Text))
            return nearest(self.collection.name, [row[0] for row in session.rows(bound)])

    def _is_forbidden(self, live: LiveTable) -> bool:
        """A file may not name the portal's own tables (accounts, evidence, tombstones): those are declared in code."""
        is_own = live.name in connection.introspection.table_names() if live.schema == "public" else False
        if self.document.lines and (
            self.dataset.store == PORTAL or (is_own and is_portal_database(self.collection.store))
        ):
            self.document.report(self.place, "the portal's own tables are declared in its code, not in files")
            return True
        return False

    def _column(self, top: Field, live: LiveTable) -> None:
        if top.column not in live.columns:
            self._unknown_column(self.place_of(top), top.column, live)
            return
        kind = live.table.c[top.column].type
        if top.fields and not isinstance(kind, sa.JSON):
            self._report(self.place_of(top), f"has fields, but the column is {kind}, not json")
        for inner in top.walk():
            self._type(inner, kind)

    def _type(self, place: Field, kind: object) -> None:
        """An identity can only be found where its values can stand."""
        if not place.identities or isinstance(kind, sa.JSON):
            return
        item = kind.item_type if isinstance(kind, pg.ARRAY) else kind
        numeric = isinstance(item, sa.Integer | sa.Numeric)
        if place.identities == (IdentityType.EMAIL,) and (numeric or not isinstance(item, sa.String | pg.CITEXT)):
            self._report(self.place_of(place), f"the identity email can't stand in a column of type {item}")
        elif isinstance(item, sa.DateTime | sa.Date | sa.Boolean | sa.LargeBinary) and not place.encrypted:
            self._report(self.place_of(place), f"an identity can't stand in a column of type {item}")
        elif place.encrypted and not place.lookup:
            self.document.report(
                self.place_of(place), "is encrypted: an identity can only be matched in a lookup column"
            )

    def _unknown_column(self, place: Place, name: str, live: LiveTable) -> None:
        where = f"{self.collection.name}.{name}"
        message = f"{live.schema}.{live.name} has no column “{name}”"
        self._report(place, message, nearest(name, live.columns), where)

    def _report(self, place: Place, message: str, suggestion: str = "", where: str = "") -> None:
        """Said of the shard it is true in, where there are several."""
        at = f" in {self.collection.store}" if self.collection.shard else ""
        self.document.report(place, message + at, suggestion, where)

    def _key(self, live: LiveTable) -> None:
        if not live.key_columns():
            self._report(self.place, f"{live.schema}.{live.name} has no primary key: rows can't be told apart")

    def place_of(self, wanted: Field) -> Place:
        """Where a field stands in the document."""
        place, holder = self.place, self.document.value["collections"][self.place[-1]]
        for name in wanted.path:
            number = next(i for i, one in enumerate(holder["fields"]) if str(one["name"]) == name)
            place, holder = (*place, "fields", number), holder["fields"][number]
        return place

    def _indexes(self, live: LiveTable) -> None:
        """Every column a search or a sweep asks by needs an index that begins with it (or with the tenant, then it)."""
        asked = {
            one.column: "identity" for one in self.collection.by_path.values() if one.identities and len(one.path) == 1
        }
        asked |= dict.fromkeys(self.collection.clock_columns, "clock")
        asked |= {self.collection.tenant: "tenant"} if self.collection.tenant else {}
        for name, role in sorted(asked.items()):
            leads = any(one[0] == name or one[:2] == (self.collection.tenant, name) for one in live.indexes)
            if name in live.columns and not leads and live.kind in "rp":
                create = sa.schema.CreateIndex(sa.Index(f"{live.name}_{name}_idx"[:63], live.table.c[name]))
                statement = str(create.compile(dialect=mariadb.Dialect() if is_mariadb(live.table) else DIALECT))
                self.advice.append(
                    Advice(self.collection.key, f"no index begins with the {role} column {name}", statement)
                )


def _unreachable(datamap: DataMap, keys: set[str]) -> Iterator[Advice]:
    allowed = {key for key, one in datamap.collections.items() if not one.skipped}
    for key in sorted(allowed - datamap.reachable(list(IdentityType), allowed)):
        if datamap.collections[key].dataset in keys:
            yield Advice(key, "no identity and no reference leads here: it can't be reached")


def _without_receipts(datasets: Sequence[Dataset], snapshots: Snapshots) -> Iterator[Advice]:
    known = set(base_names())
    for store in sorted({dataset.store for dataset in datasets} & known - {PORTAL}):
        schemas = sorted(
            {one.schema for dataset in datasets if dataset.store == store for one in dataset.collections}, key=str
        )
        for shard in shards_of(store):
            try:
                found = receipts_table(session := snapshots.of(shard), schemas)
            except StoreUnavailable:
                continue
            if found is None:
                message = "has no table portal_effects, so nothing can be erased in it"
                yield Advice(shard, message, create_statement(session, schemas[0] if schemas else None))


def missing_indexes(report: Report) -> list[Advice]:
    return [one for one in report.advice if one.statement.lstrip().startswith("CREATE INDEX")]
