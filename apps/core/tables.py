"""Lists as pages show them: filters, sort, size and place live in the address; `components/table.html` draws them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import QueryDict, StreamingHttpResponse
from django.utils.http import urlencode
from django.utils.translation import get_language, override

from apps.core.pages import PAGE_SIZE, Page, keyset_page, turned
from apps.core.spreadsheets import as_csv, csv_lines

SIZES = (PAGE_SIZE, 100, 200)
EXPORT_CHUNK = 500


@dataclass(frozen=True)
class Column:
    """One column. `order`: the keyset it sorts by, ascending, the last field unique; without it it does not sort."""

    name: str
    label: Any
    order: tuple[str, ...] = ()
    is_number: bool = False
    is_hidden: bool = False  # the heading is for screen readers alone


@dataclass(frozen=True)
class Heading:
    """A column's head: the link that sorts by it, and how it is sorted now ("ascending", "descending" or "")."""

    column: Column
    url: str
    sorted: str


@dataclass(frozen=True)
class Selection:
    """Rows chosen for a step in bulk; kept in the session, so that it outlives paging and filters."""

    url: str
    count: int
    chosen: frozenset[str] = frozenset()
    shown: str = ""  # the keys of the rows on this page, a space between; short ones that are alike weigh little


@dataclass(frozen=True)
class Empty:
    """What stands where no row is, and what one can do there."""

    title: Any
    text: Any
    url: str = ""
    action: Any = ""


@dataclass(frozen=True)
class Table:
    """Everything that `components/table.html` needs. `rows_template` draws the rows' cells and gets `table`."""

    caption: Any
    headings: Sequence[Heading]
    page: Page
    rows: Sequence[Any]
    rows_template: str
    query: str  # filters, sort and size, without the place
    empty: Empty
    csv_url: str = ""
    sizes: Sequence[tuple[int, str, bool]] = ()
    selection: Selection | None = None
    labels: Mapping[str, str] = field(default_factory=dict)  # column name -> label, for narrow screens


class Listing:
    """What the address of a list says: which rows, in which order, how many, from where.

    A value that makes no sense is left out: a list never fails over its address.
    """

    def __init__(
        self, params: QueryDict, *, columns: Sequence[Column], sort: str, filters: Mapping[str, Any] | None = None
    ) -> None:
        self.columns, self.filters = columns, dict(filters or {})
        self.cursor = params.get("cursor")
        orders = {column.name: column.order for column in columns if column.order}
        wanted = params.get("sort", "")
        self.sort = wanted if wanted.removeprefix("-") in orders else sort
        self.default_sort = sort
        order = orders[self.sort.removeprefix("-")]
        self.order = turned(order) if self.sort.startswith("-") else order
        size = params.get("size", "")
        self.size = int(size) if size in map(str, SIZES) else PAGE_SIZE

    def page(self, queryset: QuerySet[Any]) -> Page:
        """The rows at this address."""
        return keyset_page(queryset, order=self.order, cursor=self.cursor, size=self.size)

    def query(self, **changes: Any) -> str:
        """The address's query without its place, with `changes`; "" leaves a value out."""
        said = {
            **self.filters,
            "sort": self.sort if self.sort != self.default_sort else "",
            "size": self.size if self.size != PAGE_SIZE else "",
            **changes,
        }
        return urlencode({name: value for name, value in said.items() if value})

    def table(
        self,
        page: Page,
        rows: Sequence[Any],
        *,
        caption: Any,
        rows_template: str,
        empty: Empty,
        csv_url: str | None = None,
        **more: Any,
    ) -> Table:
        """The page's rows with heads that sort, sizes to choose from and a download (none where `csv_url` is "")."""
        return Table(
            caption=caption,
            headings=[self._heading(column) for column in self.columns],
            page=page,
            rows=rows,
            rows_template=rows_template,
            query=self.query(),
            empty=empty,
            csv_url=f"?{self.query(format='csv')}" if csv_url is None else csv_url,
            sizes=[(size, f"?{self.query(size=size)}", size == self.size) for size in SIZES],
            labels={column.name: str(column.label) for column in self.columns},
            **more,
        )

    def _heading(self, column: Column) -> Heading:
        is_here = self.sort.removeprefix("-") == column.name
        is_descending = self.sort.startswith("-")
        turned = column.name if not is_here or is_descending else f"-{column.name}"
        url = f"?{self.query(sort=turned)}" if column.order else ""
        return Heading(column, url, ("descending" if is_descending else "ascending") if is_here else "")


def csv_response(
    name: str, header: Iterable[Any], queryset: QuerySet[Any], cells: Callable[[Any], Iterable[Any]]
) -> StreamingHttpResponse:
    """All rows of the list as a spreadsheet, read and sent in chunks: its size is the list's, not the memory's.

    It is made while it is sent, when the page's language is no longer the active one: so each line is told which.
    """
    language = get_language() or settings.LANGUAGE_CODE
    head = as_csv((str(label) for label in header), ())

    def line(row: Any) -> str:
        with override(language):
            return csv_lines([cells(row)])

    rows = queryset.iterator(chunk_size=EXPORT_CHUNK)
    response = StreamingHttpResponse(chain([head], map(line, rows)), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response
