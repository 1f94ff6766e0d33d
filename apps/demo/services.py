"""Filling the sample platform, and keeping its months ahead of the calendar."""

from __future__ import annotations

import io
import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

from psycopg2 import sql

from apps.core.errors import DomainError
from apps.demo import schema
from apps.demo.business import book_blocks
from apps.demo.communications import communication_blocks
from apps.demo.copying import Block
from apps.demo.invoices import invoice_blocks
from apps.demo.world import World, make_world

DATASET_FILE = Path(__file__).parent / "datasets" / "platform.yml"

Progress = Callable[[str, int], None]


class AlreadyFilled(DomainError):
    """The platform holds data; it is not touched."""

    def __init__(self) -> None:
        super().__init__("already_filled", "The schema `platform` is filled already; nothing was done.")


def all_blocks(world: World) -> Iterator[Block]:
    """Every row of the world in the order in which it can be loaded. The same world gives the same bytes."""
    yield from book_blocks(world)
    yield from communication_blocks(world)
    yield from invoice_blocks(world)


def fill(
    cursor: Any, *, scale: str, seed: int, at: date, replace: bool = False, progress: Progress | None = None
) -> Counter[str]:
    """Makes the tables and loads a world of this scale into them; rows per table.

    `cursor` belongs to the role that owns the schema (`schema.create_schema`); the caller commits. Raises
    `AlreadyFilled` where tables are, unless they may be replaced. `tiny` is for tests.
    """
    schema.lock(cursor)
    if schema.exists(cursor):
        if not replace:
            raise AlreadyFilled
        schema.drop_tables(cursor)
    world = make_world(scale=scale, seed=seed, at=at)
    last = schema.month_after(at, schema.MONTHS_AHEAD)
    schema.create_tables(cursor, first=world.begins_on, visits_from=world.visits_from, last=last)
    counts: Counter[str] = Counter()
    for block in _ahead(all_blocks(world)):
        counts[block.table] += _copy(cursor, block)
        if progress:
            progress(block.table, counts[block.table])
    if progress:
        progress("indexes", 0)
    schema.create_indexes(cursor)
    _set_sequences(cursor, counts)
    cursor.execute("SET LOCAL default_statistics_target = 10")  # sample data is even: a small sample tells as much
    cursor.execute(sql.SQL("ANALYZE {}").format(sql.SQL(", ").join(map(_named, sorted(counts)))))
    return counts


def make_months_ahead(cursor: Any, *, today: date) -> int:
    """The months from the present one on that do not exist yet; says how many partitions were made."""
    if not schema.exists(cursor):
        return 0
    cursor.execute("SET LOCAL lock_timeout = '2s'")  # traffic goes first; the next run tries again
    return schema.make_months(cursor, first=today, last=schema.month_after(today, schema.MONTHS_AHEAD))


def _copy(cursor: Any, block: Block) -> int:
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(_named(block.table), sql.SQL(block.columns))
    cursor.copy_expert(statement, io.BytesIO(block.text.encode()), size=1 << 23)
    return block.rows


def _set_sequences(cursor: Any, counts: Counter[str]) -> None:
    """The next row that anybody inserts gets the next number."""
    for table in counts:
        if table != "accounts":
            cursor.execute(
                sql.SQL("SELECT setval({}, (SELECT max(id) FROM {}))").format(
                    sql.Literal(f"{schema.SCHEMA}.{table}_id_seq"), _named(table)
                )
            )


def _ahead(blocks: Iterator[Block]) -> Iterator[Block]:
    """The same blocks, made in a thread of their own while PostgreSQL takes in the ones before."""
    ready: queue.Queue[Block | BaseException | None] = queue.Queue(maxsize=8)
    is_stopped = threading.Event()

    def make() -> None:
        try:
            for block in blocks:
                if is_stopped.is_set():
                    return
                ready.put(block)
            ready.put(None)
        except BaseException as error:
            ready.put(error)

    threading.Thread(target=make, daemon=True).start()
    try:
        while (block := ready.get()) is not None:
            if isinstance(block, BaseException):
                raise block
            yield block
    finally:
        is_stopped.set()
        while not ready.empty():
            ready.get_nowait()


def _named(table: str) -> sql.Identifier:
    return sql.Identifier(schema.SCHEMA, table)
