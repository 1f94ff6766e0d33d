"""`make bench`: measures, prints `name value unit ratio-to-limit`, writes benchmarks/latest.json.

A benchmark is a module in this package with `measure(servers) -> Iterable[Figure]` (or `measure()` when it needs none).
Each figure is the median of its runs; its limit is the goal it is held against. `make bench FIGURES="start access"`
runs only those modules and keeps the other figures of latest.json.
"""

import importlib
import inspect
import json
import os
import pkgutil
import statistics
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import benchmarks
from privacy_portal.embedded import Servers, throw_away

ROOT = Path(__file__).resolve().parent.parent
LATEST = ROOT / "benchmarks/latest.json"


@dataclass(frozen=True)
class Figure:
    """One measured number. `at_least=True`: the value has to reach the limit instead of staying below it."""

    name: str
    runs: tuple[float, ...]
    unit: str
    limit: float
    at_least: bool = False

    @property
    def value(self) -> float:
        """The median: disks are noisy."""
        return round(statistics.median(self.runs), 4)

    @property
    def ratio(self) -> float:
        """Value to limit."""
        return round(self.value / self.limit, 3)

    @property
    def is_met(self) -> bool:
        """Does it hold its goal?"""
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def as_json(self) -> dict[str, Any]:
        """The form of latest.json."""
        return {
            "value": self.value,
            "unit": self.unit,
            "limit": self.limit,
            "runs": [round(run, 4) for run in self.runs],
        }


def modules(names: Iterable[str]) -> list[Any]:
    """All benchmarks, or the named ones."""
    known = sorted(module.name for module in pkgutil.iter_modules(benchmarks.__path__) if module.name != "figures")
    wanted = list(names) or known
    unknown = set(wanted) - set(known)
    if unknown:
        sys.exit(f"no benchmark {', '.join(sorted(unknown))}; there are: {', '.join(known)}")
    return [importlib.import_module(f"benchmarks.{name}") for name in wanted]


def main(names: list[str]) -> int:
    """Measure, print, write; 1 when a figure misses its limit."""
    figures: list[Figure] = []
    machine: dict[str, Any] = {}
    with throw_away(durable=True) as servers:
        point_at(servers)
        machine = describe_machine(servers)
        for module in modules(names):
            if not hasattr(module, "measure"):
                continue
            arguments = [servers] if inspect.signature(module.measure).parameters else []
            for figure in module.measure(*arguments):
                print(f"{figure.name} {figure.value} {figure.unit} {figure.ratio}", flush=True)
                figures.append(figure)
    write(figures, machine)
    missed = [figure.name for figure in figures if not figure.is_met]
    if missed:
        print(f"over their limit: {', '.join(missed)}", file=sys.stderr)
    return 1 if missed else 0


def point_at(servers: Servers) -> None:
    """Django, once it is imported by a benchmark, meets these servers: durable, empty, thrown away afterwards."""
    os.environ |= servers.environ
    os.environ["DJANGO_SETTINGS_MODULE"] = "privacy_portal.settings_test"
    os.environ["PORTAL_STATE_DIR"] = str(servers.home / "state")
    os.environ["DEMO"] = "1"


def describe_machine(servers: Servers) -> dict[str, Any]:
    """What the numbers were measured on."""
    from privacy_portal.embedded.servers import connect

    connection = connect(servers, "portal")
    cursor = connection.cursor()
    cursor.execute("SHOW server_version")
    version = cursor.fetchone()[0]
    connection.close()
    return {"cpus": os.cpu_count(), "postgresql": version.split()[0], "python": sys.version.split()[0]}


def write(figures: list[Figure], machine: dict[str, Any]) -> None:
    """Replace what was measured, keep the rest."""
    known = json.loads(LATEST.read_text())["figures"] if LATEST.exists() else {}
    known |= {figure.name: figure.as_json() for figure in figures}
    git = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    latest = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": git.stdout.strip(),
        "machine": machine,
        "figures": dict(sorted(known.items())),
    }
    LATEST.write_text(json.dumps(latest, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
