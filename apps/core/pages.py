"""Keyset pages: page 18,000 costs what page 1 costs, and no row is skipped or shown twice while others are added."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet

PAGE_SIZE = 30


@dataclass(frozen=True)
class Page:
    """One page of a list. A cursor is None where there is nothing further that way."""

    rows: list[Any]
    next_cursor: str | None
    previous_cursor: str | None


def keyset_page(
    queryset: QuerySet[Any], *, order: Sequence[str], cursor: str | None = None, size: int = PAGE_SIZE
) -> Page:
    """The rows after (or before) `cursor`, in `order`: field names, "-" first for descending, the last one unique.

    No field of the order may be null. A cursor that was tampered with shows the first page.
    """
    direction, values = _decode(cursor, len(order))
    backwards = direction == "p"
    names = list(turned(order)) if backwards else list(order)
    queryset = queryset.order_by(*names)
    if values is not None:
        try:
            rows = list(queryset.filter(_beyond(names, values))[: size + 1])
        except (ValidationError, ValueError, TypeError):
            return keyset_page(queryset, order=order, size=size)
    else:
        rows = list(queryset[: size + 1])
    more, rows = len(rows) > size, rows[:size]
    if backwards:
        rows.reverse()
    return Page(
        rows=rows,
        next_cursor=_encode("n", rows[-1], order) if rows and (more or backwards) else None,
        previous_cursor=_encode("p", rows[0], order) if rows and (more if backwards else values is not None) else None,
    )


def turned(order: Sequence[str]) -> tuple[str, ...]:
    """The same fields from the other end."""
    return tuple(name[1:] if name.startswith("-") else f"-{name}" for name in order)


def _beyond(names: list[str], values: list[Any]) -> Q:
    """Row-value comparison, spelled out because directions may differ: a > x, or a = x and b > y, …"""
    condition, equal = Q(), Q()
    for name, value in zip(names, values, strict=True):
        field = name.lstrip("-")
        condition |= equal & Q(**{f"{field}__{'lt' if name.startswith('-') else 'gt'}": value})
        equal &= Q(**{field: value})
    return condition


def _encode(direction: str, row: Model, order: Sequence[str]) -> str:
    values = []
    for name in order:
        value: Any = row
        for part in name.lstrip("-").split("__"):
            value = getattr(value, part)
        values.append(value if isinstance(value, int) else str(value))
    return base64.urlsafe_b64encode(json.dumps([direction, *values]).encode()).decode().rstrip("=")


def _decode(cursor: str | None, length: int) -> tuple[str, list[Any] | None]:
    if not cursor:
        return "n", None
    try:
        direction, *values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error, TypeError):
        return "n", None
    usable = direction in ("n", "p") and len(values) == length
    usable = usable and all(isinstance(value, int | str) and "\0" not in str(value) for value in values)
    return (direction, values) if usable else ("n", None)
