"""From a bare checkout to "Ready": `make run` in a fresh clone, installation included, and again afterwards."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure

ROOT = Path(__file__).resolve().parent.parent
SERVERS = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "PORTAL_STATE_DIR", "DEMO")


def measure() -> Iterator[Figure]:
    """One first run (it downloads), three next ones; and what the web process and the environment weigh."""
    folder = Path(tempfile.mkdtemp(prefix="portal-first-run-"))
    folder.chmod(0o755)
    try:
        clone = folder / "portal"
        subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
        first = seconds_to_ready(clone)[0]
        nexts = [seconds_to_ready(clone) for _ in range(3)]
        yield Figure("first_run_s", (first,), "s", 90)
        yield Figure("next_run_s", tuple(seconds for seconds, _, _ in nexts), "s", 5)
        yield Figure("web_ready_s", tuple(web for _, web, _ in nexts), "s", 3)
        yield Figure("web_rss_mb", tuple(size for _, _, size in nexts), "MB", 150)
        yield Figure("env_mb", (megabytes(clone / ".venv"),), "MB", 350)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def seconds_to_ready(clone: Path) -> tuple[float, float, float]:
    """`make run` until it says so and answers; seconds of all, of the web process alone, its memory in MB."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if name not in SERVERS and "MAKE" not in name}
    began = time.monotonic()
    run = subprocess.Popen(
        ["make", "run"],
        cwd=clone,
        env=environment | {"PORTAL_PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    said, web = [], 0.0
    assert run.stdout is not None
    for line in run.stdout:
        said.append(line)
        if line.split()[:1] == ["web"]:
            web = float(line.split()[-2])
        if line.startswith("Ready"):
            break
    else:
        raise RuntimeError("make run did not get ready:\n" + "".join(said))
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10) as answer:
        assert answer.status == 200
    seconds = time.monotonic() - began
    size = memory(int((clone / ".portal/web.pid").read_text().split()[0]))
    os.killpg(run.pid, signal.SIGINT)
    run.communicate(timeout=60)
    return seconds, web, size


def memory(parent: int) -> float:
    """Resident MB of the process that serves pages: the largest of the web's group."""
    sizes = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        except OSError:
            continue
        if parent in (int(fields["Pid"]), int(fields["PPid"])) and "VmRSS" in fields:
            sizes.append(int(fields["VmRSS"].split()[0]) / 1024)
    return max(sizes)


def megabytes(folder: Path) -> float:
    """Size on disk."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_symlink()) / 1e6
