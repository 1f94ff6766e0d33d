"""Checking and loading datasets: everything in the files is right, or nothing of them is loaded."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from django.db import transaction

from apps.core import crypto
from apps.core.errors import InvalidInput
from apps.datamap.checks import Pair, Report, check
from apps.datamap.contract import StoreFailed
from apps.datamap.dataset_files import Document, read_file
from apps.datamap.declarations import declare
from apps.datamap.mapping import PORTAL, DataMap, Dataset
from apps.datamap.models import DatasetVersion, Store
from apps.datamap.problems import DatasetErrors, Problem
from apps.datamap.receipts import create_statement, receipts_table
from apps.datamap.registry import current_map, own_documents
from apps.datamap.stores import Snapshots, dispose_engines, shards_of, writing
from apps.ledger import services as ledger


def check_files(paths: Sequence[str], *, store: str | None = None) -> Report:
    """What is wrong with these files, as part of the map that holds now."""
    pairs, problems = _read(paths, store)
    report = check(pairs, current_map().datasets)
    report.problems = sorted({*report.problems, *problems})
    return report


def check_everything() -> Report:
    """What is wrong with the map that holds now: the portal's own datasets and every loaded one."""
    documents = [(document, PORTAL) for document in own_documents()]
    rows = DatasetVersion.objects.current().order_by("fides_key")
    documents += [(Document(f"{row.fides_key} v{row.number}", row.document), row.store) for row in rows]
    pairs = [(document, dataset) for document, store in documents if (dataset := declare(document, store=store))]
    report = check(pairs, ())
    report.problems = sorted({problem for document, _ in documents for problem in document.problems})
    return report


@transaction.atomic
def load_files(
    paths: Sequence[str], *, stores: Mapping[str, str], actor: str, now: datetime
) -> tuple[list[DatasetVersion], Report]:
    """Load dataset files as new versions, all or none. Raises `DatasetErrors`.

    `stores` are addresses to register on the way, name -> URL, or several URLs with spaces between them: its shards.
    When there is exactly one, it is the home of files that name no store.
    """
    for name, url in stores.items():
        _register(name, url, actor=actor, now=now)
    report = check_files(paths, store=next(iter(stores)) if len(stores) == 1 else None)
    if report.problems:
        raise DatasetErrors(report.problems)
    pairs, _ = _read(paths, next(iter(stores)) if len(stores) == 1 else None)
    versions = [_load(document, dataset, actor=actor, now=now) for document, dataset in pairs]
    loaded = {dataset.store for _, dataset in pairs} - {PORTAL}
    _make_receipts(current_map(), {shard for store in loaded for shard in shards_of(store)})
    return versions, report


def _read(paths: Sequence[str], store: str | None) -> tuple[list[Pair], list[Problem]]:
    documents = [document for path in paths for document in read_file(path)]
    pairs = [(document, dataset) for document in documents if (dataset := declare(document, store=store))]
    seen: dict[str, str] = {document.value["fides_key"]: document.file for document in own_documents()}
    for document, dataset in pairs:
        if dataset.key in seen:
            document.report(("fides_key",), f"a dataset “{dataset.key}” stands in {seen[dataset.key]} already")
        seen[dataset.key] = document.file
    return pairs, [problem for document in documents for problem in document.problems]


def _load(document: Document, dataset: Dataset, *, actor: str, now: datetime) -> DatasetVersion:
    current = DatasetVersion.objects.current().select_for_update().filter(fides_key=dataset.key).first()
    if current and current.digest == dataset.digest:
        return current
    DatasetVersion.objects.current().filter(fides_key=dataset.key).update(is_current=False)
    version = DatasetVersion.objects.create(
        fides_key=dataset.key,
        number=current.number + 1 if current else 1,
        digest=dataset.digest,
        store=dataset.store,
        document=document.value,
        loaded_at=now,
    )
    facts = {"dataset": dataset.key, "number": version.number, "digest": version.digest, "store": dataset.store}
    ledger.record(actor=actor, verb="dataset.loaded", target=version, at=now, **facts)
    return version


def _register(name: str, url: str, *, actor: str, now: datetime) -> None:
    if name == PORTAL or not name.isidentifier():
        raise InvalidInput("store", f"A store can't be called “{name}”.")
    sealed = crypto.seal(url, bound_to=f"datamap.store:{name}")
    shards = len(url.split())
    Store.objects.update_or_create(name=name, defaults={"url": sealed, "shards": shards, "changed_at": now})
    ledger.record(actor=actor, verb="store.changed", target=f"datamap.store:{name}", at=now, shards=shards)
    dispose_engines()


def _make_receipts(datamap: DataMap, stores: set[str]) -> None:
    """Give a store the table its receipts go to, where it has none and lets us; `check` names it where it does not."""
    for store in sorted(stores):
        schemas = schemas_of(datamap, store)
        with Snapshots() as snapshots:
            found = receipts_table(snapshots.of(store), schemas)
        if found is None:
            try:
                with writing(store) as session:
                    session.run(sa.text(create_statement(session, schemas[0])))
            except StoreFailed:
                continue  # not allowed: said by `check`, and again when an erasure is planned


def schemas_of(datamap: DataMap, store: str) -> list[str | None]:
    """Where a store's receipts are looked for, in this order."""
    return sorted({one.schema for one in datamap.collections.values() if one.store == store}, key=lambda one: one or "")
