"""Who may import whom: the contracts of pyproject.toml, and the public rooms that cross-app imports must use."""

import os
import subprocess
import sys
import tomllib

import grimp
import pytest

from tests.architecture.source import ROOT

PUBLIC = {"models", "services", "states", "policies", "signals"}
DOORS = {"datamap.guards"}  # the one upward door (ADR 0010)
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONTRACTS = PYPROJECT["tool"]["importlinter"]["contracts"]


def private_imports(package):
    """Imports that cross apps and hit neither core nor a public room, as "importer -> imported"."""
    graph = grimp.build_graph(package, cache_dir=None)
    for importer in sorted(graph.modules):
        for imported in sorted(graph.find_modules_directly_imported_by(importer)):
            here, there = importer.split(".")[1:2], imported.split(".")[1:]
            if not here or not there or there[0] in {*here, "core"}:
                continue
            if there[1:2] and (there[1] in PUBLIC or ".".join(there[:2]) in DOORS):
                continue
            yield f"{importer} -> {imported}"


def test_imports_across_apps_use_public_rooms():
    assert list(private_imports("apps")) == []


@pytest.mark.parametrize(
    ("line", "is_private"),
    [
        ("from {package}.low.forms import Form", True),
        ("from {package}.low.protection import keeps", True),
        ("from {package}.low import tasks", True),
        ("from {package}.low.models import Thing", False),
        ("from {package}.low.services.opening import open_thing", False),
        ("from {package}.core.clock import now", False),
        ("from {package}.datamap import guards", False),
        ("from {package}.high.forms import Form", False),
    ],
)
def test_a_private_import_is_found_out(tmp_path, monkeypatch, line, is_private):
    package = f"portal_{tmp_path.name}"
    names = ("core/clock", "low/models", "low/forms", "low/protection", "low/tasks", "low/services/opening",
             "datamap/guards", "high/forms", "high/views")  # fmt: skip
    for name in names:
        write(tmp_path / package / f"{name}.py", "")
    write(tmp_path / package / "high" / "views.py", line.format(package=package))
    monkeypatch.syspath_prepend(tmp_path)
    assert bool(list(private_imports(package))) is is_private


def test_the_contract_inside_an_app_counts_every_app():
    apps = {f"apps.{path.parent.name}" for path in ROOT.glob("apps/*/apps.py")} - {"apps.core"}
    [inside] = [contract for contract in CONTRACTS if contract["name"].startswith("Inside an app")]
    assert set(inside["containers"]) == apps


# (a sentence of the contract that must break, the module, what it imports)
BROKEN = [
    ("Apps form a ladder: import downwards only BROKEN", "apps/ledger/models.py", "import apps.accounts.models"),
    ("Apps form a ladder: import downwards only BROKEN", "apps/strange/models.py", ""),
    ("web over services over models BROKEN", "apps/accounts/models.py", "import apps.accounts.services"),
    ("web over services over models BROKEN", "apps/accounts/policies.py", "import apps.accounts.views"),
    ("The domain does not know the web BROKEN", "apps/accounts/services.py", "import django_htmx"),
    ("The domain does not know the web BROKEN", "apps/accounts/services.py", "import apps.datamap.forms"),
    ("No app imports the project BROKEN", "apps/core/clock.py", "import privacy_portal.settings"),
]


@pytest.mark.parametrize(
    ("verdict", "path", "line"), [("Contracts: 4 kept, 0 broken", "apps/core/clock.py", ""), *BROKEN]
)
def test_each_contract_breaks_when_it_should(tmp_path, verdict, path, line):
    contained = [name.removeprefix("apps.") for contract in CONTRACTS if "Inside" in contract["name"]
                 for name in contract["containers"]]  # fmt: skip
    for app in contained:
        for room in ("models", "policies", "services", "forms", "views"):
            write(tmp_path / "apps" / app / f"{room}.py", "")
    write(tmp_path / "apps" / "core" / "clock.py", "")
    write(tmp_path / "privacy_portal" / "settings.py", "")
    write(tmp_path / path, line)
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text(encoding="utf-8"), encoding="utf-8")
    linter = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
    ran = subprocess.run([sys.executable, "-c", linter, "--no-cache"], cwd=tmp_path, capture_output=True, text=True,
                         env=os.environ | {"PYTHONPATH": str(tmp_path), "NO_COLOR": "1"})  # fmt: skip
    assert verdict in " ".join(ran.stdout.split()), ran.stdout + ran.stderr


TOP = {"apps", "privacy_portal"}


def write(path, text):
    """A module, and the packages it stands in, up to the one whose folder is the temporary one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for folder in path.parents:
        if folder.name in TOP or folder.name.startswith("portal_test"):
            break
        (folder / "__init__.py").touch()
    (folder / "__init__.py").touch()
    path.write_text(text, encoding="utf-8")
