"""From found rows to what a person reads: JSON values, sealed fields opened, only the fields that were asked for."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from apps.core import crypto
from apps.datamap.contract import Scope
from apps.datamap.mapping import Field, Path
from apps.datamap.matching import Key, values_at
from apps.datamap.search import Hits
from apps.datamap.taxonomy import matches


def rows_of(hits: Hits, scope: Scope, asked: Mapping[Path, set[str]]) -> list[dict[str, Any]]:
    """The rows of one collection, ordered by key: every declared column, or the fields of the wanted categories."""
    wanted = [top for top in hits.collection.fields if _is_wanted(top, scope.categories)]
    return [_row(hits, key, wanted, scope.categories, asked) for key in sorted(hits.rows)]


def _is_wanted(place: Field, categories: Sequence[str]) -> bool:
    return not categories or any(
        matches(category, one) for inner in place.walk() for category in inner.categories for one in categories
    )


def _row(
    hits: Hits, key: Key, wanted: Sequence[Field], categories: Sequence[str], asked: Mapping[Path, set[str]]
) -> dict[str, Any]:
    values = {top.column: _parse(hits.value(key, f"v{number}")) for number, top in enumerate(hits.collection.fields)}
    row = {}
    for top in wanted:
        value = _only_asked(top, values[top.column], asked)
        if top.encrypted:
            value = _opened(top, value, values, key)
        row[top.column] = _only_wanted(top, value, categories)
    return row


def _parse(text: str | None) -> Any:
    return None if text is None else json.loads(text, parse_float=_number)


def _number(text: str) -> float | str:
    """A number of JSON where that is exact, else its digits: amounts are never rounded."""
    number = float(text)
    return number if Decimal(repr(number)) == Decimal(text) else text


def _opened(place: Field, value: Any, values: Mapping[str, Any], key: Key) -> Any:
    """The plain text of a sealed column (bytea as hex, or base64 text); None when it can't be opened any more."""
    if value is None:
        return None
    bound_to = place.bound_to or "{}"
    if "{" in bound_to:
        bound_to = bound_to.format(":".join(key), **values)
    else:
        bound_to = str(values.get(bound_to, ""))
    try:
        return crypto.unseal(bytes.fromhex(str(value).removeprefix("\\x")), bound_to=bound_to)
    except (crypto.Unreadable, ValueError):
        return None


def _only_wanted(place: Field, value: Any, categories: Sequence[str]) -> Any:
    """Inside a document only the declared fields of the wanted categories; without any, all of it."""
    if not categories or not place.fields or any(matches(c, one) for c in place.categories for one in categories):
        return value
    if isinstance(value, list):
        return [_only_wanted(place, item, categories) for item in value]
    if not isinstance(value, dict):
        return None
    return {
        inner.path[-1]: _only_wanted(inner, value[inner.path[-1]], categories)
        for inner in place.fields
        if inner.path[-1] in value and _is_wanted(inner, categories)
    }


def _only_asked(place: Field, value: Any, asked: Mapping[Path, set[str]]) -> Any:
    """Of an array that the search came in by, only the elements that matched, unless the map says all of them."""
    for inner in place.walk():
        if inner.path in asked and not _returns_all(place, inner):
            value = _filtered(value, inner.path[1:], asked[inner.path])
    return value


def _returns_all(top: Field, inner: Field) -> bool:
    return any(one.return_all_elements for one in top.walk() if one.path == inner.path[: len(one.path)])


def _filtered(value: Any, path: Path, wanted: set[str]) -> Any:
    if isinstance(value, list):
        kept = [item for item in value if wanted & set(values_at(item, path))]
        return kept or value  # the row was found by another way
    if path and isinstance(value, dict) and path[0] in value:
        return value | {path[0]: _filtered(value[path[0]], path[1:], wanted)}
    return value
