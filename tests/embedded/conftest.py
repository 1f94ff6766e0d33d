"""Servers here are started and killed for real; nothing of it may meet those that the other tests use."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short folder that any user may pass through."""
    path = Path(tempfile.mkdtemp(prefix="pe-", dir="/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


def processes_of(folder: Path) -> list[str]:
    """Command lines of living processes that name the folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            state = (process / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if str(folder) in line and state != "Z" and int(process.name) != os.getpid():
            found.append(line)
    return found


def sockets_below(folder: Path) -> list[Path]:
    """Sockets that lie in the folder."""
    return [path for path in folder.rglob("*") if path.is_socket()]
