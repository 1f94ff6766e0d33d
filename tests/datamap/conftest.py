"""A committed database with the small shop of shop.sql in it, mapped by shop.yml."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.template import connect

HERE = Path(__file__).parent
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Shop:
    """The shop's database, and its map."""

    def __init__(self, clone: Any, folder: Path) -> None:
        self.clone, self.folder = clone, folder
        self.owner = connect(clone.owner_url)
        self.sql((HERE / "shop.sql").read_text())
        self.sql("RESET ROLE; RESET search_path")

    def sql(self, statement: str, *values: Any) -> None:
        self.owner.cursor().execute(statement, values or None)

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        cursor = self.owner.cursor()
        cursor.execute(query, values or None)
        return list(cursor.fetchall())

    def dump(self, account: int) -> list[tuple[str, str]]:
        """Every row of a tenant, byte for byte."""
        found = []
        tables = "SELECT table_name FROM information_schema.columns WHERE column_name = 'account_id' "
        for (table,) in self.rows(tables + "AND table_schema = 'shop' ORDER BY 1"):
            found += [
                (table, row[0])
                for row in self.rows(f"SELECT t::text FROM shop.{table} t WHERE account_id = {account} ORDER BY 1")
            ]
        return found

    def file(self, text: str, name: str = "dataset.yml") -> str:
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def load(self, text: str | None = None) -> None:
        from apps.datamap.loading import load_files

        path = self.file(text) if text else str(HERE / "shop.yml")
        load_files([path], stores={}, actor="command", now=NOW)


@pytest.fixture
def shop(committed_db: Any, tmp_path: Path) -> Iterator[Shop]:
    one = Shop(committed_db, tmp_path)
    one.load()
    yield one
    one.owner.close()
