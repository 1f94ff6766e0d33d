"""Which map holds now: the portal's own datasets, kept in code, and the current version of every loaded one."""

import json
from functools import cache, lru_cache
from importlib import import_module
from importlib.util import find_spec

from django.apps import apps
from django.conf import settings
from django.db.models import OuterRef, Subquery

from apps.datamap.dataset_files import Document
from apps.datamap.declarations import declare
from apps.datamap.mapping import PORTAL, DataMap, Dataset
from apps.datamap.models import DatasetVersion, Store
from apps.datamap.problems import DatasetErrors
from apps.datamap.shards import sharded


def own_documents() -> list[Document]:
    """`DATASET` of every app's `personal_data.py`, in the form of a loaded file."""
    documents = []
    for config in apps.get_app_configs():
        name = f"{config.name}.personal_data"
        if config.name.startswith("apps.") and find_spec(name):
            value = json.loads(json.dumps(import_module(name).DATASET))
            documents.append(Document(name.replace(".", "/") + ".py", value))
    return documents


@cache
def own_datasets() -> tuple[Dataset, ...]:
    return _declared(own_documents(), PORTAL)


def current_map() -> DataMap:
    """The portal's own datasets and the loaded ones: one statement, and the rest from memory while nothing changed."""
    registered = Subquery(Store.objects.filter(pk=OuterRef("store")).values("shards"))
    versions = DatasetVersion.objects.current().order_by("fides_key").annotate(shards=registered)
    found = versions.values_list("pk", "digest", "store", "shards")
    return _loaded(tuple((pk, digest, _count(store) or shards or 1) for pk, digest, store, shards in found))


def _count(store: str) -> int:
    """The addresses of a store that the settings name."""
    return len(settings.STORES.get(store, "").split())


@lru_cache(maxsize=8)
def _loaded(versions: tuple[tuple[int, str, int], ...]) -> DataMap:
    shards = {pk: count for pk, _, count in versions}
    rows = DatasetVersion.objects.filter(pk__in=list(shards)).order_by("fides_key")
    loaded = [
        sharded(_declared([Document(f"{row.fides_key} v{row.number}", row.document)], row.store)[0], shards[row.pk])
        for row in rows
    ]
    return DataMap((*own_datasets(), *loaded))


def _declared(documents: list[Document], store: str) -> tuple[Dataset, ...]:
    """They were checked when they were written or loaded: only what makes them unusable is looked at again."""
    datasets = [declare(document, store=store, is_checked=True) for document in documents]
    problems = [problem for document in documents for problem in document.problems]
    if problems:
        raise DatasetErrors(problems)
    return tuple(dataset for dataset in datasets if dataset)
