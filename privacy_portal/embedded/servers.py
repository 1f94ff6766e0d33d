"""One PostgreSQL and one Valkey in a folder, on sockets only."""

import hashlib
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from privacy_portal.embedded import binaries
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
PG_SOCKET, VALKEY_SOCKET = ".s.PGSQL.5432", "valkey.sock"
SOCKET_PATH_LIMIT = 107  # bytes of sun_path on Linux, without the closing NUL
SHORT_TMP = Path("/tmp")  # noqa: S108 - TMPDIR may be as deep as the state folder
QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off", "max_wal_size=4GB")
MARK = "owner.pid"


@dataclass
class Servers:
    """Running servers and their addresses. Stop them with `stop()` or leave the `with` block."""

    database_url: str
    database_owner_url: str
    redis_url: str
    home: Path
    sockets: Path
    children: list[Child] = field(default_factory=list)
    thrown_away: bool = False

    @property
    def environ(self) -> dict[str, str]:
        """The three variables that point the portal at these servers."""
        return {
            "DATABASE_URL": self.database_url,
            "DATABASE_OWNER_URL": self.database_owner_url,
            "REDIS_URL": self.redis_url,
        }

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


def start_servers(folder: Path, *, logs: Path | None = None, settings: tuple[str, ...] = ()) -> Servers:
    """Start both in `folder`: data below it; sockets too, or where its path is too long in a private short folder."""
    user = binaries.server_user()
    if not binaries.can_enter(folder, user):
        folder.chmod(0o711)
        if not binaries.can_enter(folder, user):
            raise EmbeddedError(f"The user {user.pw_name if user else ''} that servers run as cannot enter {folder}.")
    stop_leftovers(folder)
    sockets = socket_folder(folder, user)
    (folder / "sockets").write_text(f"{sockets}\n")
    servers = Servers(
        database_url=f"postgres://{APP}@/{sockets}/{DATABASE}",
        database_owner_url=f"postgres://{OWNER}@/{sockets}/{DATABASE}",
        redis_url=f"redis+socket://{sockets}/{VALKEY_SOCKET}?virtual_host=0",
        home=folder,
        sockets=sockets,
    )
    try:
        servers.children.append(_start_postgresql(servers, user, logs or folder, settings))
        servers.children.append(_start_valkey(servers, user, logs or folder))
        _make_database(servers)
    except BaseException:
        servers.stop()
        raise
    return servers


def socket_folder(folder: Path, user: pwd.struct_passwd | None) -> Path:
    """`folder/s` if a socket's path fits into the kernel's limit; else a folder under /tmp named after a digest of it.

    Private either way: only we and the servers' user may enter, and one that somebody else made is refused.
    """
    chosen = folder.resolve() / "s"
    if len(os.fsencode(chosen / PG_SOCKET)) + len(".lock") > SOCKET_PATH_LIMIT:
        digest = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]
        chosen = SHORT_TMP / f"portal-{digest}"
    private_folder(chosen, user)
    return chosen


def private_folder(path: Path, user: pwd.struct_passwd | None) -> None:
    """Make the folder, or make sure that the one that is there is ours; only the servers' user may enter."""
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        found = path.lstat()
        ours = {os.geteuid(), user.pw_uid if user else os.geteuid()}
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in ours:
            raise EmbeddedError(f"{path} is in the way and belongs to somebody else: remove it.") from None
    if user:
        os.chown(path, user.pw_uid, user.pw_gid)
    path.chmod(0o700)


def remove_sockets(sockets: Path) -> None:
    """After the servers are gone: whatever socket they left, and the folder if it is ours alone."""
    for name in (PG_SOCKET, f"{PG_SOCKET}.lock", VALKEY_SOCKET):
        (sockets / name).unlink(missing_ok=True)
    try:
        sockets.rmdir()
    except OSError:
        pass


def _start_postgresql(servers: Servers, user: pwd.struct_passwd | None, logs: Path, settings: tuple[str, ...]) -> Child:
    programs = binaries.postgresql(servers.home, user)
    data, log = servers.home / "postgresql", logs / "postgresql.log"
    if not (data / "PG_VERSION").exists() or (servers.home / "initdb.unfinished").exists():
        _initdb(programs / "initdb", data, user, log)
    options = [
        "listen_addresses=",
        f"unix_socket_directories={servers.sockets}",
        "unix_socket_permissions=0700",
        "port=5432",
        "timezone=UTC",
        "log_timezone=UTC",
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


def _start_valkey(servers: Servers, user: pwd.struct_passwd | None, logs: Path) -> Child:
    program = binaries.valkey(servers.home, user)
    data, log = servers.home / "valkey", logs / "valkey.log"
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
