"""Which map holds now: the portal's own datasets, kept in code, and the current version of every loaded one."""

import json
from functools import cache, lru_cache
from importlib import import_module
from importlib.util import find_spec

from django.apps import apps

from apps.datamap.dataset_files import Document
from apps.datamap.declarations import declare
from apps.datamap.mapping import PORTAL, DataMap, Dataset
from apps.datamap.models import DatasetVersion
from apps.datamap.problems import DatasetErrors


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
    versions = DatasetVersion.objects.current().order_by("fides_key")
    return _loaded(tuple(versions.values_list("pk", "digest")))


@lru_cache(maxsize=8)
def _loaded(versions: tuple[tuple[int, str], ...]) -> DataMap:
    rows = DatasetVersion.objects.filter(pk__in=[pk for pk, _ in versions]).order_by("fides_key")
    loaded = [_declared([Document(f"{row.fides_key} v{row.number}", row.document)], row.store)[0] for row in rows]
    return DataMap((*own_datasets(), *loaded))


def _declared(documents: list[Document], store: str) -> tuple[Dataset, ...]:
    """They were checked when they were written or loaded: only what makes them unusable is looked at again."""
    datasets = [declare(document, store=store, is_checked=True) for document in documents]
    problems = [problem for document in documents for problem in document.problems]
    if problems:
        raise DatasetErrors(problems)
    return tuple(dataset for dataset in datasets if dataset)
