"""Whether a dataset document has fideslang's form: its own model, and no key that it would silently drop."""

from collections.abc import Iterable
from typing import Any

from apps.datamap.dataset_files import Document
from apps.datamap.problems import Place, nearest

META = "fides_meta"
OLD_META = "fidesops_meta"


def check_form(document: Document) -> None:
    """fideslang's own model, and no key it would silently drop."""
    from fideslang import models as form  # heavy: only who reads files pays
    from pydantic import ValidationError

    _Keys(document, form).dataset(document.value)
    try:
        form.Dataset.model_validate(document.value)
    except ValidationError as error:
        for wrong in error.errors():
            message = wrong["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
            document.report(_existing(document, wrong["loc"]), message)


def _existing(document: Document, loc: Iterable[Any]) -> Place:
    """pydantic's location, without the steps it invents for unions."""
    place: list[str | int] = []
    value = document.value
    for step in loc:
        step = OLD_META if step == META and isinstance(value, dict) and META not in value else step
        inside = isinstance(value, dict) and step in value
        if inside or (isinstance(value, list) and isinstance(step, int) and step < len(value)):
            value = value[step]
            place.append(step)
    return tuple(place)


class _Keys:
    """Walks the document beside fideslang's models and reports keys that none of them knows."""

    def __init__(self, document: Document, form: Any) -> None:
        self.document, self.form = document, form

    def dataset(self, value: dict[str, Any]) -> None:
        self._known((), value, set(self.form.Dataset.model_fields))
        self._meta((), value, self.form.DatasetMetadata)
        for number, collection in enumerate(_list(value.get("collections"))):
            place = ("collections", number)
            if not isinstance(collection, dict):
                continue
            self._known(place, collection, set(self.form.DatasetCollection.model_fields))
            self._meta(place, collection, self.form.CollectionMeta)
            self._fields(place, collection)

    def _fields(self, place: Place, holder: dict[str, Any]) -> None:
        for number, one in enumerate(_list(holder.get("fields"))):
            if isinstance(one, dict):
                here = (*place, "fields", number)
                self._known(here, one, set(self.form.DatasetField.model_fields))
                self._meta(here, one, self.form.FidesMeta)
                self._fields(here, one)

    def _meta(self, place: Place, holder: dict[str, Any], model: Any) -> None:
        for key in (META, OLD_META):
            meta = holder.get(key)
            if not isinstance(meta, dict):
                continue
            self._known((*place, key), meta, set(model.model_fields), ())
            for number, reference in enumerate(_list(meta.get("references"))):
                if isinstance(reference, dict):
                    where = (*place, key, "references", number)
                    self._known(where, reference, set(self.form.FidesDatasetReference.model_fields), ())

    def _known(self, place: Place, value: dict[str, Any], names: set[str], extra: Iterable[str] = (OLD_META,)) -> None:
        for key in value.keys() - names - set(extra):
            self.document.report((*place, key), f"unknown key “{key}”", nearest(str(key), names))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
