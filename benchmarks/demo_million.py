"""A sample platform with a million messages, from an empty schema to the last index (`demo --scale medium`)."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure
from privacy_portal.embedded import Servers
from privacy_portal.embedded.servers import connect

ROOT = Path(__file__).resolve().parent.parent
RUNS = 3
COMMAND = ["manage.py", "demo", "--scale", "medium", "--platform-only", "--replace"]


def measure(servers: Servers) -> Iterator[Figure]:
    """The whole command as a person waits for it, the interpreter's start included."""
    yield Figure("demo_million_s", tuple(fill(servers) for _ in range(RUNS)), "s", 60)


def fill(servers: Servers) -> float:
    """Seconds for one run; a run that does not leave exactly a million messages counts for nothing."""
    began = time.monotonic()
    subprocess.run([sys.executable, *COMMAND], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    seconds = time.monotonic() - began
    connection = connect(servers, "portal")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM platform.messages")
        assert cursor.fetchone() == (1_000_000,)
    connection.close()
    return seconds
