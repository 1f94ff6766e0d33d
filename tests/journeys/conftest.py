"""A whole portal as people meet it: web, worker and beat in processes of their own, on a database that commits."""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.conftest import _clone

os.environ.setdefault(
    "DJANGO_ALLOW_ASYNC_UNSAFE", "true"
)  # playwright's loop runs in this thread; Django only looks on
ROOT = Path(__file__).resolve().parent.parent.parent
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without Chromium browser tests are skipped, and say so; CI turns the skip into a failure."""
    if CHROMIUM or os.environ.get("PORTAL_REQUIRE_BROWSER") == "1":
        return
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(
                pytest.mark.skip(reason="Chromium is not installed; set PORTAL_REQUIRE_BROWSER=1 to insist.")
            )


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, object]:
    assert CHROMIUM, "PORTAL_REQUIRE_BROWSER=1, but there is no Chromium on this machine."
    return {"executable_path": CHROMIUM, "args": FLAGS}


@dataclass
class Portal:
    """A running portal; `url` is where the browser goes."""

    url: str
    environment: dict[str, str]
    folder: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, *command: str) -> None:
        log = (self.folder / f"{name}.log").open("ab")
        self.processes[name] = subprocess.Popen(
            command, cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True
        )

    def start_worker(self) -> None:
        self.start(
            "worker",
            sys.executable,
            "-m",
            "celery",
            "-A",
            "privacy_portal",
            "worker",
            "--concurrency",
            "1",
            "-l",
            "warning",
        )

    def kill(self, name: str) -> None:
        """kill -9, the whole group, as an out-of-memory killer would."""
        process = self.processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        for process in self.processes.values():
            os.killpg(process.pid, signal.SIGTERM)
        for name in list(self.processes):
            try:
                self.processes[name].wait(10)
            except subprocess.TimeoutExpired:
                self.kill(name)

    def manage(self, *arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=self.environment, check=True, capture_output=True, text=True
        ).stdout

    def mails(self) -> list[Path]:
        return sorted((self.folder / "mail").glob("*"))


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def wait_for(condition: Callable[[], object], *, seconds: float = 30, what: str = "it") -> object:
    """Poll until `condition` gives something true; errors of a server that is still starting are waited out."""
    ends = time.monotonic() + seconds
    while True:
        try:
            if result := condition():
                return result
        except OSError:
            pass
        assert time.monotonic() < ends, f"waited {seconds} s in vain for {what}"
        time.sleep(0.1)


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all test processes of this run."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@contextmanager
def _once(shared: Path, name: str) -> Iterator[bool]:
    """True for the one process of this run that comes first; the others wait until it is done."""
    done = shared / f"{name}.done"
    with (shared / f"{name}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield not done.exists()
        done.touch()


@pytest.fixture(scope="session")
def static_root(shared_folder: Path) -> Path:
    """Hashed and compressed once for all portals of this run."""
    folder = shared_folder / "static"
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "privacy_portal.settings", "STATIC_ROOT": str(folder)}
    command = [sys.executable, "manage.py", "collectstatic", "--noinput", "-v0"]
    with _once(shared_folder, "static") as is_first:
        if is_first:
            subprocess.run(command, cwd=ROOT, env=environment, check=True)
    return folder


def _environment(clone: object, folder: Path, static: Path, port: int) -> dict[str, str]:
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    broker = os.environ["REDIS_URL"]
    if "virtual_host=" in broker:
        broker = broker.partition("?")[0] + f"?virtual_host={worker + 2}"
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "privacy_portal.settings",
        "SECRET_KEY": "only-for-tests",
        "DEMO": "1",
        "SHOW_COMPONENTS": "1",
        "DATABASE_URL": clone.app_url,  # type: ignore[attr-defined]
        "DATABASE_OWNER_URL": clone.owner_url,  # type: ignore[attr-defined]
        "REDIS_URL": broker,
        "BASE_URL": f"http://127.0.0.1:{port}",
        "PORTAL_STATE_DIR": str(folder),
        "STATIC_ROOT": str(static),
    }


@pytest.fixture(scope="session")
def demo_template(template_database: str, static_root: Path, shared_folder: Path) -> str:
    """A database with the map and the sample sign-ins beside the rows, made once a run; each portal gets a copy."""
    name = f"{template_database}_demo"
    with _once(shared_folder, "demo") as is_first:
        if is_first:
            folder = shared_folder / "demo"
            folder.mkdir(exist_ok=True)
            environment = _environment(_clone(name), folder, static_root, 80)
            Portal("", environment, folder).manage("demo", "--scale", "tiny")
    return name


@pytest.fixture
def live_portal(
    demo_template: str, request: pytest.FixtureRequest, static_root: Path, tmp_path: Path, settings: object,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Portal]:  # fmt: skip
    """Web, worker and beat on the test's own committed database; the test's process sees the same rows and files."""
    monkeypatch.setenv("PORTAL_TEST_TEMPLATE", demo_template)
    clone, port = request.getfixturevalue("committed_db"), _free_port()
    portal = Portal(f"http://127.0.0.1:{port}", _environment(clone, tmp_path, static_root, port), tmp_path)
    settings.MAIL_DIR, settings.PACKAGE_DIR = tmp_path / "mail", tmp_path / "packages"  # type: ignore[attr-defined]
    web = ("--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--blocking-threads", "4")
    portal.start("web", sys.executable, "-m", "granian", *web, "privacy_portal.wsgi:application")
    portal.start_worker()
    schedule = str(tmp_path / "beat")
    portal.start(
        "beat", sys.executable, "-m", "celery", "-A", "privacy_portal", "beat", "-l", "warning", "-s", schedule
    )
    try:
        wait_for(
            lambda: urllib.request.urlopen(f"{portal.url}/healthz", timeout=2).status == 200, what="the web server"
        )
        yield portal
    finally:
        portal.stop()
