"""`make run`: one supervisor for database, broker, web, worker and beat."""

import fcntl
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TextIO

from privacy_portal.embedded import binaries, commands
from privacy_portal.embedded.folders import remove_state, server_home
from privacy_portal.embedded.keys import write_keys
from privacy_portal.embedded.prepare import DONE, ROOT, fingerprint
from privacy_portal.embedded.processes import (
    Child,
    EmbeddedError,
    die_with_parent,
    kill_strays,
    last_words,
    start,
    stop_leftover,
    wait_until,
)
from privacy_portal.embedded.progress import say, step
from privacy_portal.embedded.servers import Servers, start_servers, start_valkey, stop_leftovers

MEMBERS = ("web", "worker", "beat")
TAG = "PORTAL_SUPERVISED_BY"  # in the environment of our children, to find what a killed master left behind
RESTARTS, WITHIN = 3, 60.0  # a child that falls more often than this is broken, and we say so and stop


class Stop(BaseException):
    """A signal asked us to stop."""


@dataclass
class Supervisor:
    """Owns every child; nothing it started outlives `stop()`."""

    state: Path
    host: str
    port: int
    environ: dict[str, str] = field(default_factory=lambda: dict(os.environ))
    servers: Servers | None = None
    children: dict[str, Child] = field(default_factory=dict)
    falls: dict[str, list[float]] = field(default_factory=dict)

    @property
    def logs(self) -> Path:
        """Where every child writes."""
        return self.state / "log"

    def start(self) -> None:
        """Servers, database, web, worker, beat; returns when pages are answered."""
        self.stop_what_was_left()
        write_keys(self.state)
        home = self.start_servers()
        self.children.clear()
        self.prepare(home / DONE)
        with step("web"):
            self.children["web"] = self.start_child("web")
            log = self.logs / "web.log"
            wait_until(lambda: answers(self.host, self.port, "/readyz"), self.children["web"], log=log, seconds=60)
        for name in ("worker", "beat"):  # they pick up what waits in the database a second later
            self.children[name] = self.start_child(name)

    def stop_what_was_left(self) -> None:
        """Processes of a run that was killed: they hold sockets, ports and half-done work."""
        found = [name for name in MEMBERS if stop_leftover(self.pid_file(name), signal.SIGTERM)]
        kill_strays(TAG, str(self.state))
        home = self.state / "servers"
        found += stop_leftovers(home.resolve()) if home.exists() else []
        if found:
            say(f"  stopped what an earlier run left behind: {', '.join(found)}")

    def start_servers(self) -> Path:
        """Those whose addresses are not in the environment; the folder of their data."""
        home = server_home(self.state, binaries.server_user())
        if not home.is_relative_to(self.state):
            say(f"  the servers' user cannot enter {self.state}: their data lies in {home}")
        database, broker = "DATABASE_URL" not in self.environ, "REDIS_URL" not in self.environ
        wanted = [name for name, wish in (("PostgreSQL", database), ("Valkey", broker)) if wish]
        if wanted:
            with step(" and ".join(wanted)):
                self.servers = start_servers(home, logs=self.logs, database=database, broker=broker)
            self.environ |= self.servers.environ
        self.environ |= {
            "PORTAL_STATE_DIR": str(self.state),
            TAG: str(self.state),
            "BASE_URL": self.environ.get("BASE_URL", f"http://localhost:{self.port}"),
            "DEMO": self.environ.get("DEMO", "0" if self.environ.get("PRODUCTION", "0") not in ("", "0") else "1"),
        }
        self.write_addresses()
        return home

    def write_addresses(self) -> None:
        """So that `manage.py` in another terminal meets the running servers."""
        names = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "BASE_URL", "DEMO")
        ours = {name: self.environ[name] for name in names if name in self.environ and name not in os.environ}
        path = self.state / "servers.env"
        path.touch(mode=0o600)
        path.write_text("".join(f"{name}={value}\n" for name, value in ours.items()))

    def prepare(self, marker: Path) -> None:
        """Only when a source changed since the last time, or the database is not ours to remember."""
        os.environ["DEMO"] = self.environ["DEMO"]
        embedded = self.servers is not None and bool(self.servers.database_url)
        if embedded and marker.exists() and marker.read_text() == fingerprint():
            return
        command = [sys.executable, "-m", "privacy_portal.embedded.prepare", str(marker)]
        process = subprocess.Popen(command, cwd=ROOT, env=self.environ, start_new_session=True)
        try:
            if process.wait():
                raise EmbeddedError("Preparing the database failed; the reason stands above.")
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def start_child(self, name: str) -> Child:
        """Web, worker or beat."""
        command = {
            "web": commands.web(host=self.host, port=self.port),
            "worker": commands.worker(),
            "beat": commands.beat(schedule=self.state / "beat-schedule"),
        }[name]
        log = self.logs / f"{name}.log"
        return start(name, command, pid_file=self.pid_file(name), log=log, cwd=ROOT, env=self.environ)

    def pid_file(self, name: str) -> Path:
        """In the state folder, so that the next run finds it."""
        return self.state / f"{name}.pid"

    def watch(self) -> None:
        """Until a signal; a child that falls is started again, and one that keeps falling ends the run."""
        while True:
            time.sleep(0.25)
            for name, child in list(self.children.items()):
                if child.process.poll() is not None:
                    self.restart(name, lambda name=name: self.start_child(name))  # type: ignore[misc]
            for child in list(self.servers.children) if self.servers else []:
                if child.process.poll() is not None:
                    self.restart_server(child)

    def restart(self, name: str, again: Callable[[], Child]) -> None:
        """Say which fell, and start it again unless it fell too often."""
        now = time.monotonic()
        self.falls[name] = [at for at in self.falls.get(name, []) if now - at < WITHIN] + [now]
        code = self.children[name].process.returncode
        words = last_words(self.logs / f"{name}.log")
        if len(self.falls[name]) > RESTARTS:
            raise EmbeddedError(f"{name} fell {len(self.falls[name])} times in {WITHIN:.0f} s (exit {code}):\n{words}")
        say(f"  {name} fell (exit {code}), starting it again; see {self.logs / name}.log")
        self.children[name].stop()  # what is left of its process group
        self.children[name] = again()

    def restart_server(self, child: Child) -> None:
        """The broker may fall: the database is the queue. Without the database there is nothing to serve."""
        assert self.servers is not None  # noqa: S101 - only they have children
        if child.name != "Valkey":
            raise EmbeddedError(f"{child.name} fell:\n{last_words(self.logs / 'postgresql.log')}")
        self.servers.children.remove(child)
        self.children["valkey"] = child
        self.restart("valkey", lambda: start_valkey(self.servers))  # type: ignore[arg-type]
        self.servers.children.append(self.children.pop("valkey"))

    def stop(self) -> None:
        """Web, worker and beat together first; broker and database last."""
        for child in self.children.values():
            child.ask()
        for child in self.children.values():
            child.stop()
        self.children.clear()
        if self.servers:
            self.servers.stop()
        (self.state / "servers.env").unlink(missing_ok=True)


def answers(host: str, port: int, path: str) -> bool:
    """Does our web process say 200?"""
    connection = http.client.HTTPConnection("127.0.0.1" if host == "0.0.0.0" else host, port, timeout=5)  # noqa: S104
    try:
        connection.request("GET", path, headers={"Host": "localhost"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def free_port(host: str, wanted: int) -> int:
    """`wanted`, or the next one that nobody listens on."""
    for port in range(wanted, min(wanted + 100, 65536)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                if port == wanted and error.errno in (13, 99):  # not allowed, not our address
                    raise EmbeddedError(f"Cannot listen on {host}:{port}: {error.strerror}.") from None
                continue
            return port
    raise EmbeddedError(f"No free port from {wanted} on.")


def only_one(state: Path, *, patience: float = 3) -> TextIO:
    """A lock that dies with us, also when we are killed. One that is just stopping is waited for."""
    lock = (state / "supervisor.lock").open("a+")
    end = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip()
            if time.monotonic() > end + (20 if "stopping" in holder else 0):
                raise EmbeddedError(f"It runs already ({holder or 'starting'}). Stop that one first.") from None
            time.sleep(0.1)
    lock.truncate(0)
    tell(lock, f"process {os.getpid()}")
    return lock


def tell(lock: TextIO, words: str) -> None:
    """What another `make run` says about us."""
    lock.write(f" {words}")
    lock.flush()


def state_folder() -> Path:
    """`.portal` beside the code, unless PORTAL_STATE_DIR says otherwise."""
    return Path(os.environ.get("PORTAL_STATE_DIR") or ROOT / ".portal").absolute()


def run() -> int:
    """Start, say where, watch; 0 after a clean stop, 1 when something is broken."""
    state = state_folder()
    for folder in (state, state / "log"):
        folder.mkdir(parents=True, exist_ok=True)
    (state / "log").chmod(0o700)
    lock = only_one(state)
    if "MAKELEVEL" in os.environ:
        die_with_parent(signal.SIGTERM)  # a killed `make` takes us along, cleanly
    host, wanted = os.environ.get("PORTAL_HOST", "127.0.0.1"), int(os.environ.get("PORTAL_PORT", "8000"))
    trim_logs(state / "log")
    supervisor: Supervisor | None = None
    code = 0
    _on_signals(_raise_stop)
    try:
        supervisor = Supervisor(state, host, wanted)
        say("Privacy portal")
        began = time.monotonic()
        supervisor.stop_what_was_left()
        supervisor.port = free_port(host, wanted)
        if supervisor.port != wanted:
            say(f"  Port {wanted} is taken by another program: using {supervisor.port} instead.")
        supervisor.start()
        tell(lock, f"at {supervisor.environ['BASE_URL']}")
        welcome(supervisor, time.monotonic() - began)
        supervisor.watch()
    except Stop:
        pass
    except EmbeddedError as error:
        print(f"\n{error}", file=sys.stderr, flush=True)
        code = 1
    finally:
        _on_signals(signal.SIG_IGN)  # a second Ctrl-C does not leave half of it behind
        if supervisor:
            tell(lock, "stopping")
            say("\nStopping …")
            supervisor.stop()
            say("Stopped: no process and no socket is left.")
    return code


def welcome(supervisor: Supervisor, seconds: float) -> None:
    """Where it is, and with what to sign in."""
    say(f"\nReady in {seconds:.1f} s: {supervisor.environ['BASE_URL']}/")
    sign_ins = supervisor.state / "sign-ins.txt"
    if supervisor.environ["DEMO"] == "1" and sign_ins.exists():
        say("\n" + sign_ins.read_text().rstrip())
    say(f"\nLogs: {supervisor.logs}   Mail and SMS: {supervisor.state / 'mail'}   Ctrl-C stops all of it.")


def trim_logs(logs: Path, limit: int = 10_000_000) -> None:
    """Keep one older file of each log."""
    for log in logs.glob("*.log"):
        if log.stat().st_size > limit:
            log.replace(log.with_suffix(".log.1"))


def _raise_stop(number: int, frame: FrameType | None) -> None:
    _on_signals(signal.SIG_IGN)
    raise Stop


def _on_signals(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handler)


def clean() -> int:
    """Remove all state, after stopping what a killed run left; refused while it runs."""
    state = state_folder()
    if not state.exists():
        return 0
    try:
        only_one(state)
        Supervisor(state, "", 0).stop_what_was_left()
    except EmbeddedError as error:
        print(error, file=sys.stderr)
        return 1
    remove_state(state)
    return 0
