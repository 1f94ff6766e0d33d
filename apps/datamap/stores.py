"""Ways into the stores: Django's own connection for the portal's tables, an engine for every other database.

Reading happens in one REPEATABLE READ READ ONLY snapshot a store. The portal's tables are read on Django's connection:
in a snapshot of their own when no transaction is open, and in the caller's transaction, seeing what it sees, when one
is. Writing to the portal never opens a second connection: it would wait for ever on a row that Django holds.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any, Protocol, Self

import environ
import psycopg2
import sqlalchemy as sa
from django.conf import settings
from django.db import connection, transaction
from sqlalchemy.dialects.postgresql import psycopg2 as driver
from sqlalchemy.sql import ClauseElement

from apps.core import crypto
from apps.datamap import mariadb
from apps.datamap.contract import StoreFailed, StoreUnavailable
from apps.datamap.mapping import PORTAL
from apps.datamap.shards import base_of, names_of

DIALECT = driver.dialect()
# Text forms of dates must not depend on who connects: row keys are compared as text.
SESSION_OPTIONS = "-c timezone=UTC -c datestyle=ISO,YMD -c intervalstyle=postgres -c bytea_output=hex -c jit=off"


class Session(Protocol):
    """One open transaction in one store."""

    store: str

    @property
    def dialect(self) -> sa.Dialect: ...

    def rows(self, statement: ClauseElement) -> Sequence[Sequence[Any]]: ...

    def chunks(self, statement: ClauseElement, size: int) -> Iterator[Sequence[Sequence[Any]]]: ...

    def run(self, statement: ClauseElement) -> int: ...


def compiled(statement: ClauseElement) -> tuple[str, dict[str, Any]]:
    """Statement and parameters as psycopg2 takes them."""
    text = statement.compile(dialect=DIALECT, compile_kwargs={"render_postcompile": True})
    parameters = dict(text.params)
    for name, bind in text.binds.items():  # type: ignore[attr-defined]
        value = parameters.get(name)
        if value is None or isinstance(value, str | int | list):
            continue  # psycopg2 takes them as they are
        process = bind.type.dialect_impl(DIALECT).bind_processor(DIALECT)
        if process:
            parameters[name] = process(value)
    return str(text), parameters


class PortalSession:
    """The portal's own tables, on Django's connection and in its transaction."""

    store = PORTAL
    dialect: sa.Dialect = DIALECT

    def rows(self, statement: ClauseElement) -> Sequence[Sequence[Any]]:
        with connection.cursor() as cursor:
            cursor.execute(*compiled(statement))
            found: list[tuple[Any, ...]] = cursor.fetchall()
            return found

    def chunks(self, statement: ClauseElement, size: int) -> Iterator[Sequence[Sequence[Any]]]:
        with connection.chunked_cursor() as cursor:
            cursor.execute(*compiled(statement))
            while rows := cursor.fetchmany(size):
                yield rows

    def run(self, statement: ClauseElement) -> int:
        with connection.cursor() as cursor:
            cursor.execute(*compiled(statement))
            return int(cursor.rowcount)


class EngineSession:
    """Another database, on a connection of the data map's own pool."""

    def __init__(self, store: str, opened: sa.Connection) -> None:
        self.store, self.opened = store, opened

    @property
    def dialect(self) -> sa.Dialect:
        return self.opened.dialect

    def rows(self, statement: ClauseElement) -> Sequence[Sequence[Any]]:
        return self._execute(statement).fetchall()

    def chunks(self, statement: ClauseElement, size: int) -> Iterator[Sequence[Sequence[Any]]]:
        """The rows from a cursor on the server: no more than a chunk of them is here at a time."""
        with self._execute(statement, stream_results=True, max_row_buffer=size) as result:
            yield from result.partitions(size)

    def run(self, statement: ClauseElement) -> int:
        return int(self._execute(statement).rowcount)

    def _execute(self, statement: ClauseElement, **options: Any) -> sa.CursorResult[Any]:
        if self.dialect.name != DIALECT.name:
            return self.opened.execute(statement, execution_options=options)  # type: ignore[call-overload, no-any-return]
        return self.opened.exec_driver_sql(*compiled(statement), execution_options=options)

    def raw_cursor(self) -> Any:
        """The driver's own cursor, for what is sent thousands of times."""
        return self.opened.connection.cursor()

    def literally(self, statement: ClauseElement) -> str:
        """The statement with its values written in by the driver."""
        cursor = self.raw_cursor()
        try:
            return str(cursor.mogrify(*compiled(statement)).decode())
        finally:
            cursor.close()


class Snapshots:
    """Reading sessions, opened store by store when first asked for, closed together."""

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.__exit__(kind, error, trace)

    def of(self, store: str) -> Session:
        if store not in self._sessions:
            self._sessions[store] = self._stack.enter_context(_snapshot(store))
        return self._sessions[store]

    def use(self, session: Session) -> Self:
        """Work in a session that is open already (an erasure reads in the transaction it writes in)."""
        self._sessions[session.store] = session
        return self


@contextmanager
def _snapshot(store: str) -> Iterator[Session]:
    if store != PORTAL:
        with _connected(store, readonly=True) as session:
            yield session
    elif connection.in_atomic_block:
        yield PortalSession()
    else:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield PortalSession()


@contextmanager
def writing(store: str) -> Iterator[EngineSession]:
    """One REPEATABLE READ transaction of a store other than the portal; committed when the block ends well."""
    with _connected(store, readonly=False) as session:
        yield session


@contextmanager
def _connected(store: str, *, readonly: bool) -> Iterator[EngineSession]:
    try:
        with engine(store).connect() as opened:
            opened.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=readonly)
            with opened.begin():
                if opened.dialect.name == mariadb.NAME:
                    opened.exec_driver_sql(mariadb.BEGIN[readonly])
                yield EngineSession(store, opened)
    except sa.exc.DBAPIError as error:
        raise StoreFailed(store, sqlstate_of(error)) from None


def sqlstate_of(error: sa.exc.DBAPIError) -> str | None:
    """Why a store refused, as PostgreSQL's SQLSTATE where it has one for it; None: there was no answer."""
    state = getattr(error.orig, "pgcode", None)
    number = error.orig.args[0] if error.orig is not None and error.orig.args else None
    return mariadb.STATES.get(number, f"MariaDB {number}") if isinstance(number, int) else state


# --- addresses and engines ---------------------------------------------------------------------------

_engines: dict[str, sa.Engine] = {}


def engine(store: str) -> sa.Engine:
    """The engine of a store, one a process and address."""
    address = url_of(store)
    if address not in _engines:
        _engines[address] = _make_engine(address)
    return _engines[address]


def dispose_engines() -> None:
    """Close every pooled connection of the data map."""
    for one in _engines.values():
        one.dispose()
    _engines.clear()


def _forget_after_fork() -> None:
    """A child must not talk on its parent's sockets, nor close them."""
    for one in _engines.values():
        one.dispose(close=False)
    _engines.clear()


os.register_at_fork(after_in_child=_forget_after_fork)


def url_of(store: str) -> str:
    """The address of one database, "platform" or "platform#2". Raises `StoreUnavailable`."""
    base = base_of(store)
    known = dict(zip(names_of(base, len(addresses := _addresses(base))), addresses, strict=True))
    if store not in known:
        raise StoreUnavailable("store_unknown", f"No store is called {store}; there are {', '.join(known)}.")
    return known[store]


def _addresses(base: str) -> list[str]:
    """The addresses of a store, one a shard: from the settings, else as they were registered."""
    from apps.datamap.models import Store

    if base in settings.STORES:
        return str(settings.STORES[base]).split()
    row = Store.objects.filter(pk=base).first()
    if row is None:
        raise StoreUnavailable("store_unknown", f"No store is called {base}: load it with --store {base}=URL.")
    return crypto.unseal(bytes(row.url), bound_to=f"datamap.store:{base}").split()


def base_names() -> list[str]:
    """Every store that has an address, as files call it; the portal included."""
    from apps.datamap.models import Store

    return sorted({PORTAL, *settings.STORES, *Store.objects.values_list("name", flat=True)})


def shards_of(base: str) -> list[str]:
    """The databases of a store: itself, or "platform#1", "platform#2", … where it has several addresses."""
    return [PORTAL] if base == PORTAL else names_of(base, len(_addresses(base)))


def names() -> list[str]:
    """Every database that has an address, shard by shard; the portal included."""
    return [shard for base in base_names() for shard in shards_of(base)]


def _make_engine(address: str) -> sa.Engine:
    parts = environ.Env.db_url_config(address)
    if parts.get("ENGINE") == "django.db.backends.mysql":
        return mariadb.make_engine(parts)
    if parts.get("ENGINE") not in ("django.db.backends.postgresql", "django.db.backends.postgresql_psycopg2"):
        message = "Stores are reached in PostgreSQL (postgres://…) and in MariaDB (mysql://…)."
        raise StoreUnavailable("store_unsupported", message)
    arguments = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    given = {name: parts[key] for name, key in arguments.items() if parts.get(key)}

    def connect() -> Any:
        return psycopg2.connect(**given, options=SESSION_OPTIONS, connect_timeout=10, application_name="datamap")

    return sa.create_engine(
        "postgresql+psycopg2://",
        creator=connect,
        pool_size=2,
        max_overflow=4,
        pool_pre_ping=True,
        pool_recycle=600,
        hide_parameters=True,
    )


def is_portal_database(store: str) -> bool:
    """Whether a store lives in the very database that holds the portal's own tables."""
    if store == PORTAL:
        return True
    here, there = connection.settings_dict, environ.Env.db_url_config(url_of(store))
    is_postgresql = "postgresql" in str(there.get("ENGINE"))
    return is_postgresql and all(
        str(here.get(key) or "") == str(there.get(key) or "") for key in ("NAME", "HOST", "PORT")
    )
