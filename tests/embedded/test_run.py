"""`make run`'s supervisor: started, killed, crowded out of its port, stopped; without sample data, to be quick."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import processes_of, sockets_below

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.xdist_group("supervisor")
OURS = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "SECRET_KEY", "MAKELEVEL")


class Run:
    """One `python -m privacy_portal.embedded run` and what it says."""

    def __init__(self, state: Path, port: int, **environ: str) -> None:
        inherited = {name: value for name, value in os.environ.items() if name not in OURS}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "privacy_portal.embedded", "run"],
            cwd=ROOT,
            env=inherited | {"PORTAL_STATE_DIR": str(state), "PORTAL_PORT": str(port), "DEMO": "0"} | environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.said = ""

    def until(self, words: str) -> str:
        for line in self.process.stdout:
            self.said += line
            if words in line:
                return line
        raise AssertionError(f"never said {words!r}:\n{self.said}")

    def ready(self) -> str:
        """Its address."""
        return re.search(r"http\S+", self.until("Ready in"))[0]

    def stop(self, how: signal.Signals = signal.SIGINT) -> int:
        os.killpg(self.process.pid, how)
        self.said += self.process.stdout.read()
        return self.process.wait(30)


def fetch(address: str, path: str) -> str:
    with urllib.request.urlopen(address.rstrip("/") + path, timeout=10) as answer:
        return answer.read().decode()


@pytest.fixture(scope="module")
def state() -> Iterator[Path]:
    """One state folder for all: the first start takes the longest."""
    path = Path(tempfile.mkdtemp(prefix="pe-", dir="/tmp"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def nothing_is_left(state: Path) -> bool:
    """Wait a little: after a kill -9 the kernel stops our children, and they take a moment."""
    end = time.monotonic() + 15
    while processes_of(state) and time.monotonic() < end:
        time.sleep(0.1)
    return processes_of(state) == []


def test_the_portal_comes_up_and_ctrl_c_leaves_no_process_and_no_socket(state, port):
    run = Run(state, port)
    address = run.ready()
    assert address == f"http://localhost:{port}/"
    assert fetch(address, "/healthz") == "ok"
    assert '"database": "ok"' in fetch(address, "/readyz")
    assert (state / "keys.env").stat().st_mode & 0o777 == 0o600
    keys = (state / "keys.env").read_bytes()
    assert run.stop() == 0
    assert processes_of(state) == []
    assert sockets_below(state) == []
    assert not (state / "servers.env").exists()
    assert (state / "keys.env").read_bytes() == keys


def test_a_kill_of_the_supervisor_is_survived_and_a_taken_port_is_passed_by(state, port):
    run = Run(state, port)
    run.ready()
    run.process.kill()
    run.process.wait()
    assert nothing_is_left(state)
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stranger.bind(("127.0.0.1", port))
        stranger.listen()
        again = Run(state, port)
        address = again.ready()
        assert f"Port {port} is taken by another program" in again.said
        assert address != f"http://localhost:{port}/"
        assert fetch(address, "/healthz") == "ok"
        assert "migrations" not in again.said  # nothing changed: straight to the web
        assert again.stop(signal.SIGTERM) == 0
    assert processes_of(state) == []
    assert sockets_below(state) == []


def test_a_fallen_worker_and_broker_are_started_again_and_a_fallen_database_ends_the_run(state, port):
    run = Run(state, port)
    address = run.ready()
    for name, file in (("worker", state / "worker.pid"), ("valkey", state / "servers/valkey.pid")):
        wait_for(file)
        os.kill(int(file.read_text().split()[0]), signal.SIGKILL)
        run.until(f"{name} fell")
    assert '"broker": "ok"' in wait_for_answer(address, '"broker": "ok"')
    second = Run(state, port)
    assert second.process.wait(30) == 1
    assert "It runs already" in second.process.stdout.read()
    os.kill(int((state / "servers/postgresql.pid").read_text().split()[0]), signal.SIGKILL)
    run.until("PostgreSQL fell")
    assert run.process.wait(30) == 1
    run.process.stdout.close()
    assert processes_of(state) == []
    assert sockets_below(state) == []


def wait_for(file: Path) -> None:
    end = time.monotonic() + 10
    while not file.exists() and time.monotonic() < end:
        time.sleep(0.05)


def wait_for_answer(address: str, words: str) -> str:
    end = time.monotonic() + 10
    answer = ""
    while words not in answer and time.monotonic() < end:
        try:
            answer = fetch(address, "/readyz")
        except OSError as error:
            answer = str(error)
        time.sleep(0.1)
    return answer


def test_clean_removes_everything(state):
    (state / "mail").mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "privacy_portal.embedded", "clean"],
        cwd=ROOT,
        env=os.environ | {"PORTAL_STATE_DIR": str(state)},
        timeout=30,
    )
    assert done.returncode == 0
    assert not state.exists()


def test_a_wrong_word_is_a_usage_error():
    done = subprocess.run([sys.executable, "-m", "privacy_portal.embedded", "runn"], cwd=ROOT, capture_output=True)
    assert done.returncode == 2
