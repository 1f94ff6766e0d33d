"""One PostgreSQL and one Valkey in a folder, on sockets only."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from privacy_portal.embedded import binaries
from privacy_portal.embedded.folders import PG_SOCKET, VALKEY_SOCKET, private_folder, remove_sockets, socket_folder
from privacy_portal.embedded.processes import (
    Child,
    EmbeddedError,
    last_words,
    mark,
    marked,
    start,
    stop_leftover,
    wait_until,
)

OWNER, APP, DATABASE = "portal", "portal_app", "portal"
QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off", "max_wal_size=4GB")
# Dropping a schema of many months locks each of their tables and indexes at once.
LOCKS = "max_locks_per_transaction=256"
MARK = "owner.pid"


@dataclass
class Servers:
    """Running servers and their addresses. Stop them with `stop()` or leave the `with` block."""

    home: Path
    sockets: Path
    logs: Path
    database_url: str = ""
    database_owner_url: str = ""
    redis_url: str = ""
    children: list[Child] = field(default_factory=list)
    thrown_away: bool = False

    @property
    def environ(self) -> dict[str, str]:
        """The variables that point the portal at the servers that were started."""
        addresses = {
            "DATABASE_URL": self.database_url,
            "DATABASE_OWNER_URL": self.database_owner_url,
            "REDIS_URL": self.redis_url,
        }
        return {name: address for name, address in addresses.items() if address}

    def stop(self) -> None:
        """Broker first, database last; no process and no socket stays."""
        while self.children:
            self.children.pop().stop()
        remove_sockets(self.sockets)
        if self.thrown_away:
            shutil.rmtree(self.home, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def throw_away(folder: Path | None = None, *, durable: bool = False) -> Servers:
    """PostgreSQL and Valkey for one test run, in `folder` (made if missing) or in a short temporary one.

    They die with the process that called this (the kernel sees to it on Linux); folders of dead runs are removed by the
    next call. `durable=True` keeps fsync on, as a benchmark wants it. URLs have the forms that django-environ and
    Celery read: `postgres://portal_app@//folder/portal`, `redis+socket:///folder/valkey.sock?virtual_host=0`.
    """
    sweep_dead_runs()
    if folder is None:
        folder = Path(tempfile.mkdtemp(prefix="portal-test-"))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).write_text(mark(os.getpid()))
    try:
        servers = start_servers(folder, settings=() if durable else QUICK)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    servers.thrown_away = True
    return servers


def sweep_dead_runs() -> None:
    """Test runs that were killed leave a folder and, without the kernel's help, servers."""
    for owner in Path(tempfile.gettempdir()).glob(f"portal-test-*/{MARK}"):
        try:
            if owner.stat().st_uid != os.geteuid() or marked(owner) is not None:
                continue
        except OSError:
            continue
        stop_leftovers(owner.parent)
        shutil.rmtree(owner.parent, ignore_errors=True)


def stop_leftovers(folder: Path) -> list[str]:
    """Stop servers that an earlier run left behind in this folder; the names of those found."""
    found = [
        name
        for name, how in (("valkey", signal.SIGTERM), ("postgresql", signal.SIGINT))
        if stop_leftover(folder / f"{name}.pid", how)
    ]
    if (folder / "sockets").exists():  # it names the folder of the sockets
        remove_sockets(Path((folder / "sockets").read_text().strip()))
    return found


def start_servers(
    folder: Path,
    *,
    logs: Path | None = None,
    settings: tuple[str, ...] = (),
    database: bool = True,
    broker: bool = True,
    say: Callable[[str], None] = lambda words: None,
) -> Servers:
    """Start both, or one, in `folder`: data below it; sockets too, or where its path is too long in a short folder."""
    user = binaries.server_user()
    if not binaries.can_enter(folder, user):
        folder.chmod(0o711)
        if not binaries.can_enter(folder, user):
            raise EmbeddedError(f"The user {user.pw_name if user else ''} that servers run as cannot enter {folder}.")
    stop_leftovers(folder)
    sockets = socket_folder(folder, user)
    (folder / "sockets").write_text(f"{sockets}\n")
    servers = Servers(home=folder, sockets=sockets, logs=logs or folder)
    try:
        if database:
            say("PostgreSQL")
            servers.children.append(_start_postgresql(servers, user, settings))
            _make_database(servers)
        if broker:
            say("Valkey")
            servers.children.append(start_valkey(servers))
    except BaseException:
        servers.stop()
        raise
    return servers


def _start_postgresql(servers: Servers, user: pwd.struct_passwd | None, settings: tuple[str, ...]) -> Child:
    programs = binaries.postgresql(servers.home, user)
    data, log = servers.home / "postgresql", servers.logs / "postgresql.log"
    if not (data / "PG_VERSION").exists() or (servers.home / "initdb.unfinished").exists():
        _initdb(programs / "initdb", data, user, log)
    options = [
        "listen_addresses=",
        f"unix_socket_directories={servers.sockets}",
        "unix_socket_permissions=0700",
        "port=5432",
        "timezone=UTC",
        "log_timezone=UTC",
        LOCKS,
        *settings,
    ]
    command: list[str | Path] = [
        programs / "postgres",
        "-D",
        data,
        *(part for option in options for part in ("-c", option)),
    ]
    child = start(
        "PostgreSQL",
        command,
        pid_file=servers.home / "postgresql.pid",
        log=log,
        user=user,
        env=_environment(),
        stop_signal=signal.SIGINT,  # fast: sessions are ended, data is kept
    )
    wait_or_stop(lambda: _postgresql_answers(servers), child, log)
    servers.database_url = f"postgres://{APP}@/{servers.sockets}/{DATABASE}"
    servers.database_owner_url = f"postgres://{OWNER}@/{servers.sockets}/{DATABASE}"
    return child


def wait_or_stop(ready: Callable[[], bool], child: Child, log: Path) -> None:
    """Wait until it serves; take it away again if it does not."""
    try:
        wait_until(ready, child, log=log)
    except BaseException:
        child.stop()
        raise


def _initdb(initdb: Path, data: Path, user: pwd.struct_passwd | None, log: Path) -> None:
    """Make the cluster. A marker tells an unfinished one, which is thrown away and made again."""
    unfinished = data.with_name("initdb.unfinished")
    unfinished.touch()
    shutil.rmtree(data, ignore_errors=True)
    private_folder(data, user)
    drop = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    flags = ["--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"]
    with log.open("ab") as output:
        done = subprocess.run(
            [str(initdb), "-D", str(data), "-U", OWNER, *flags],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=_environment(),
            check=False,
            **drop,  # type: ignore[call-overload]
        )
    if done.returncode:
        raise EmbeddedError(f"initdb failed:\n{last_words(log)}")
    unfinished.unlink()


def _environment() -> dict[str, str]:
    """Servers get nothing of ours: a PGDATA, a PGPORT or a secret in the environment is not theirs."""
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def connect(servers: Servers, database: str):  # type: ignore[no-untyped-def]
    """An autocommit connection as the owner."""
    import psycopg2

    connection = psycopg2.connect(host=str(servers.sockets), port=5432, user=OWNER, dbname=database, connect_timeout=5)
    connection.autocommit = True
    return connection


def _postgresql_answers(servers: Servers) -> bool:
    import psycopg2

    if not (servers.sockets / PG_SOCKET).exists():
        return False
    try:
        connect(servers, "postgres").close()
    except psycopg2.OperationalError:
        return False
    return True


def _make_database(servers: Servers) -> None:
    """Two roles: the owner migrates, `portal_app` works and can do no more than it was granted."""
    connection = connect(servers, "postgres")
    cursor = connection.cursor()
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [APP])
    if cursor.fetchone() is None:
        cursor.execute(f"CREATE ROLE {APP} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS")
    cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
    if cursor.fetchone() is None:
        cursor.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")
    connection.close()


def start_valkey(servers: Servers) -> Child:
    """The broker; also started again by the supervisor when it fell."""
    user = binaries.server_user()
    program = binaries.valkey(servers.home, user)
    data, log = servers.home / "valkey", servers.logs / "valkey.log"
    private_folder(data, user)
    address = servers.sockets / VALKEY_SOCKET
    address.unlink(missing_ok=True)
    options: list[str | Path] = [
        "--port",
        "0",
        "--unixsocket",
        address,
        "--unixsocketperm",
        "700",
        "--dir",
        data,
        "--appendonly",
        "yes",
    ]
    child = start(
        "Valkey",
        [program, *options],
        pid_file=servers.home / "valkey.pid",
        log=log,
        user=user,
        env=_environment(),
    )
    wait_or_stop(lambda: _valkey_answers(address), child, log)
    servers.redis_url = f"redis+socket://{address}?virtual_host=0"
    return child


def _valkey_answers(address: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        try:
            client.connect(os.fsencode(address))
            client.sendall(b"PING\r\n")
            return client.recv(64).startswith(b"+PONG")
        except OSError:
            return False
