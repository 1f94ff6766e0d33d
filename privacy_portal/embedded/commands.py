"""The three processes of the portal. `docker-compose.yml` starts the same ones, and a test starts those."""

import sys
from pathlib import Path


def _program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def web(*, host: str, port: int) -> list[str]:
    """One process with a few threads: the portal is small, and a start takes two seconds."""
    listen = ["--interface", "wsgi", "--no-ws", "--host", host, "--port", str(port)]
    size = ["--workers", "1", "--blocking-threads", "4"]
    return [_program("granian"), *listen, *size, "privacy_portal.wsgi:application"]


def worker() -> list[str]:
    """Tasks find their work in the database; workers need not know of each other."""
    options = ["--concurrency", "2", "--loglevel", "INFO", "--without-gossip", "--without-mingle"]
    return [_program("celery"), "-A", "privacy_portal", "worker", *options]


def beat(*, schedule: Path) -> list[str]:
    """The clock. `schedule` remembers the last ticks."""
    return [_program("celery"), "-A", "privacy_portal", "beat", "--loglevel", "INFO", "-s", str(schedule), "--pidfile="]
