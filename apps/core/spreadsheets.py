"""CSV that people open in spreadsheets: RFC 4180, and no cell that a spreadsheet would run (ASVS v5.0.0-1.2.10)."""

import csv
import io
import unicodedata
from collections.abc import Iterable

FORMULA = ("=", "+", "-", "@", "\t", "\r")
IGNORED = " \u00a0\n\v\f\u200b\ufeff"  # what spreadsheets skip in front of a formula
BYTE_ORDER_MARK = "\ufeff"  # without it spreadsheets take UTF-8 for something else


def as_csv(header: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """The table as text with CRLF line ends; None is an empty cell."""
    return BYTE_ORDER_MARK + csv_lines([header]) + csv_lines(rows)


def csv_lines(rows: Iterable[Iterable[object]]) -> str:
    """Lines of a table whose head was written before: a long one is made in pieces."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerows([neutralised("" if cell is None else str(cell)) for cell in row] for row in rows)
    return out.getvalue()


def neutralised(cell: str) -> str:
    """The cell, with an apostrophe in front where a spreadsheet would take it for a formula (full-width signs too)."""
    plain = unicodedata.normalize("NFKC", cell)
    return f"'{cell}" if plain.startswith(FORMULA) or plain.lstrip(IGNORED).startswith(FORMULA) else cell
