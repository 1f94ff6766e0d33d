"""docker-compose.yml's own commands, started as they stand there, only with a port and addresses of this machine."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from privacy_portal.embedded import commands, throw_away
from privacy_portal.embedded.processes import Child, start

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
OURS = {name: service for name, service in COMPOSE["services"].items() if service.get("image") == "privacy-portal"}
pytestmark = pytest.mark.xdist_group("compose")


def command_of(name: str, **changes: str) -> list[str]:
    """The service's command with programs from this environment."""
    return [changes.get(word, word) for word in OURS[name]["command"]]


def test_one_image_serves_web_worker_beat_and_migrations():
    assert set(OURS) == {"migrate", "web", "worker", "beat"}
    assert {service["build"] for service in OURS.values()} == {"."}


def test_secrets_are_not_written_in_the_file():
    for service in OURS.values():
        for name in ("SECRET_KEY", "FIELD_KEYS", "PACKAGE_KEYS", "INDEX_KEY", "TOMBSTONE_KEY", "RECEIPT_KEYS"):
            assert service["environment"][name] is None  # handed on from the environment, or made once in the volume


def test_only_migrations_sign_in_as_the_owner():
    assert [name for name, service in OURS.items() if "DATABASE_OWNER_URL" in service["environment"]] == ["migrate"]


def test_make_run_starts_the_same_worker_and_beat():
    def words(command: list[str]) -> list[str]:
        return [Path(command[0]).name, *command[1:]]

    assert words(commands.worker()) == OURS["worker"]["command"]
    assert words(commands.beat(schedule=Path("/tmp/beat-schedule"))) == OURS["beat"]["command"]
    web = words(commands.web(host="0.0.0.0", port=8000))
    several = [{"1": "2"}.get(word, word) for word in web]  # there, two processes
    assert several == OURS["web"]["command"]


def test_docker_compose_accepts_the_file():
    program = shutil.which("docker-compose")
    if program is None:
        pytest.skip("docker-compose is not installed")
    done = subprocess.run([program, "config", "--quiet"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What the containers have: addresses of servers, a state volume, this environment's programs; migrated."""
    folder = tmp_path_factory.mktemp("compose")
    kept = {name: os.environ[name] for name in ("LANG", "HOME", "PYTHONDONTWRITEBYTECODE") if name in os.environ}
    with throw_away() as servers:
        environment = kept | servers.environ
        environment["PATH"] = f"{Path(sys.executable).parent}:/usr/bin:/bin"
        environment["PORTAL_STATE_DIR"] = str(folder / "state")
        environment["STATIC_ROOT"] = str(folder / "static")
        migrate = command_of("migrate")
        subprocess.run(migrate, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
        assets = [sys.executable, "manage.py", "collectstatic", "--noinput", "-v0"]  # the Dockerfile's step
        subprocess.run(assets, cwd=ROOT, env=environment, check=True)
        yield environment


def run_service(name: str, environment: dict[str, str], folder: Path, **changes: str) -> Child:
    """The command as the container runs it: without the owner's address."""
    without_owner = {key: value for key, value in environment.items() if key != "DATABASE_OWNER_URL"}
    return start(
        name,
        command_of(name, **changes),
        pid_file=folder / f"{name}.pid",
        log=folder / f"{name}.log",
        cwd=ROOT,
        env=without_owner,
    )


def wait_for_words(log: Path, words: str, seconds: float = 45) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if log.exists() and re.search(words, log.read_text()):
            return True
        time.sleep(0.1)
    return False


def test_web_answers_that_it_lives_and_is_ready(installation, tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    web = run_service("web", installation, tmp_path, **{"8000": str(port)})
    try:
        assert wait_for_words(tmp_path / "web.log", "Started worker-2")
        for path, words in (("/healthz", "ok"), ("/readyz", '"database": "ok", "broker": "ok"')):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
                assert words in answer.read().decode()
    finally:
        web.stop()


def test_worker_answers_a_ping_and_does_what_beat_asks_for(installation, tmp_path):
    schedule = str(tmp_path / "schedule")
    children = [
        run_service("worker", installation, tmp_path),
        run_service("beat", installation, tmp_path, **{"/tmp/beat-schedule": schedule}),
    ]
    try:
        assert wait_for_words(tmp_path / "worker.log", r"celery@\S+ ready")
        ping = [sys.executable, "-m", "celery", "-A", "privacy_portal", "inspect", "ping", "--timeout", "10"]
        said = subprocess.run(ping, cwd=ROOT, env=installation, capture_output=True, text=True)
        assert "pong" in said.stdout
        assert wait_for_words(tmp_path / "beat.log", "Sending due task")
        assert wait_for_words(tmp_path / "worker.log", r"Task apps\.\S+ succeeded")
    finally:
        for child in reversed(children):
            child.stop()
