"""Rows in the text form that PostgreSQL's COPY reads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

NULL = "\\N"
_as_json = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


class Block(NamedTuple):
    """Some rows of one table, complete lines of text."""

    table: str
    columns: str
    rows: int
    text: str


def escape(text: str) -> str:
    return text if text.isprintable() and "\\" not in text else text.translate(_ESCAPES)


def line(*values: object) -> str:
    """One row. None is NULL, a list is an array of text, a dict or a tuple is JSON."""
    return "\t".join([_field(value) for value in values]) + "\n"


def _field(value: object) -> str:
    if value is None:
        return NULL
    if isinstance(value, str):
        return escape(value)
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, (dict, tuple)):
        return escape(_as_json(value))
    if isinstance(value, list):
        return escape("{" + ",".join(f'"{item}"' for item in value) + "}")
    return str(value)


def blocks(table: str, columns: str, rows: Iterator[str], size: int = 20_000) -> Iterator[Block]:
    """The rows of one table, `size` lines at a time."""
    lines: list[str] = []
    for row in rows:
        lines.append(row)
        if len(lines) == size:
            yield Block(table, columns, len(lines), "".join(lines))
            lines = []
    if lines:
        yield Block(table, columns, len(lines), "".join(lines))


class Clock:
    """Instants as text, looked up and not computed: this is asked for millions of times.

    An instant is a number of seconds after the first midnight (UTC) of the world.
    """

    def __init__(self, first_day: date, days: int) -> None:
        first = first_day.toordinal()
        self.days = [date.fromordinal(first + day) for day in range(days + 1)]
        self._dates = [f"{day} " for day in self.days]
        self._times = [f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}+00" for second in range(86_400)]
        self.end = days * 86_400

    def text(self, instant: int) -> str:
        return self._dates[instant // 86_400] + self._times[instant % 86_400]
