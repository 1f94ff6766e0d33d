"""A committed database with the small shop of shop.sql in it, mapped by shop.yml."""

import os
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


@pytest.fixture(scope="session")
def shop_template(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A database with the shop in it and on the map, made once; each test gets a copy."""
    from django.conf import settings

    from tests import conftest as databases

    urls = settings.DATABASE_URL, settings.DATABASE_OWNER_URL
    before = databases.Clone(settings.DATABASES["default"]["NAME"], *urls)
    clone = databases._clone(f"portal_test_shop_{os.getpid()}")
    databases._point_at(clone)
    with django_db_blocker.unblock():
        one = Shop(clone, tmp_path_factory.mktemp("shop"))
        one.sql((HERE / "shop.sql").read_text())
        one.load()
        one.owner.close()
        databases._close_connections()
    databases._point_at(before)
    yield clone.name
    databases._drop(clone)


@pytest.fixture
def shop(
    shop_template: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Shop]:
    monkeypatch.setenv("PORTAL_TEST_TEMPLATE", shop_template)
    one = Shop(request.getfixturevalue("committed_db"), tmp_path)
    yield one
    one.owner.close()


@pytest.fixture(scope="session")
def mariadb_socket() -> Iterator[str]:
    from tests.datamap.mariadb import running_server

    with running_server() as socket:
        yield socket


@pytest.fixture
def market(mariadb_socket: str, committed_db: Any, tmp_path: Path) -> Iterator["Any"]:
    """The shop in MariaDB: a store “market” with a dataset of the same name, beside an empty portal."""
    from apps.datamap.loading import load_files
    from apps.datamap.stores import dispose_engines
    from tests.datamap.mariadb import Database

    database = Database(mariadb_socket, f"market_{os.getpid()}")
    try:
        database.sql((HERE / "shop_mariadb.sql").read_text())
        text = (
            (HERE / "shop.yml").read_text().replace("store: platform", "store: market").replace("schema: shop\n", "\n")
        )
        text = text.replace("fides_key: shop", "fides_key: market").replace("dataset: shop", "dataset: market")
        file = tmp_path / "market.yml"
        file.write_text(text)
        load_files([str(file)], stores={"market": database.url}, actor="command", now=NOW)
        database.text = text
        yield database
    finally:
        dispose_engines()
        database.drop()
