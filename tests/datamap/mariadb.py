"""A throw-away MariaDB: one server a test run, reached by its socket alone, one database a test."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

INSTALL, SERVER = (
    shutil.which("mariadb-install-db"),
    shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin"),
)
MISSING = "MariaDB is not installed (Debian: apt-get install --no-install-recommends mariadb-server)"
USER = "nobody"  # the server refuses to run as root


def require_mariadb() -> None:
    """Skip with a reason where there is no server; with PORTAL_REQUIRE_MARIADB=1 that is a failure."""
    if INSTALL and SERVER:
        return
    if os.environ.get("PORTAL_REQUIRE_MARIADB") == "1":
        pytest.fail(MISSING)
    pytest.skip(MISSING)


@contextmanager
def running_server() -> Iterator[str]:
    """The path of its socket."""
    require_mariadb()
    folder = Path(tempfile.mkdtemp(prefix="portal-mariadb-"))
    is_root = os.getuid() == 0
    if is_root:
        os.chown(folder, pwd.getpwnam(USER).pw_uid, -1)
    user = [f"--user={USER}"] if is_root else []
    data, socket, scratch = folder / "data", str(folder / "s"), folder / "tmp"
    scratch.mkdir()
    scratch.chmod(0o777)
    install = [INSTALL, *user, f"--datadir={data}", "--auth-root-authentication-method=normal", "--skip-test-db"]
    subprocess.run(install, check=True, capture_output=True)  # type: ignore[arg-type]
    command = [
        SERVER, "--no-defaults", *user, f"--datadir={data}", f"--socket={socket}", "--skip-networking",
        f"--tmpdir={scratch}",  # a server that starts removes all temporary tables it finds there, others' too
        "--innodb-buffer-pool-size=64M", "--innodb-log-file-size=32M", f"--log-error={folder / 'log'}",
    ]  # fmt: skip
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # type: ignore[arg-type]
    try:
        _wait(socket, server)
        yield socket
    finally:
        server.terminate()
        server.wait(timeout=30)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(socket: str, server: "subprocess.Popen[bytes]") -> None:
    for _ in range(300):
        assert server.poll() is None, "mariadbd ended at once"
        try:
            connect(socket).close()
            return
        except Exception:
            time.sleep(0.1)
    raise AssertionError("mariadbd did not answer within 30 seconds")


def connect(socket: str, database: str | None = None) -> Any:
    """As root, every statement committed."""
    import pymysql

    return pymysql.connect(
        unix_socket=socket, user="root", database=database, autocommit=True, charset="utf8mb4",
        client_flag=pymysql.constants.CLIENT.MULTI_STATEMENTS,
    )  # fmt: skip


class Database:
    """One database, with a role of its own that may work in it."""

    def __init__(self, socket: str, name: str) -> None:
        self.socket, self.name = socket, name
        root = connect(socket)
        with root.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
            while cursor.nextset():
                pass
            cursor.execute(f"CREATE USER IF NOT EXISTS {name}@localhost IDENTIFIED BY 'p w#1'")
            cursor.execute(f"GRANT ALL ON {name}.* TO {name}@localhost")
        root.close()
        self.owner = connect(socket, name)

    @property
    def url(self) -> str:
        return f"mysql://{self.name}:p%20w%231@localhost/{self.name}?unix_socket={self.socket}"

    def sql(self, statements: str, *values: Any) -> None:
        with self.owner.cursor() as cursor:
            cursor.execute(statements, values or None)
            while cursor.nextset():
                pass

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.owner.cursor() as cursor:
            cursor.execute(query, values or None)
            return list(cursor.fetchall())

    def drop(self) -> None:
        import pymysql

        for (number,) in self.rows(
            "SELECT id FROM information_schema.processlist WHERE db = %s AND id <> CONNECTION_ID()", self.name
        ):
            with suppress(pymysql.err.OperationalError):  # gone by itself meanwhile
                self.sql(f"KILL {number}")
        self.sql(f"DROP DATABASE {self.name}")
        self.sql(f"DROP USER {self.name}@localhost")
        self.owner.close()
