"""docs/operations.md names every setting and every command that there is."""

import re

from tests.architecture.source import ROOT, files

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
SETTINGS = (ROOT / "privacy_portal" / "settings.py").read_text(encoding="utf-8")


def test_every_environment_variable_is_told():
    read = set(re.findall(r'env(?:\.\w+)?\(\s*"([A-Z_]+)"', SETTINGS))
    assert {"DATABASE_URL", "BASE_URL", "FIELD_KEYS", "PROVIDER_ADDRESS"} <= read
    assert sorted(name for name in read if f"`{name}`" not in PAGE) == []


def test_every_command_is_told():
    commands = {path.stem for path in files(ROOT, "apps/*/management/commands/*.py")} - {"__init__", "migrate"}
    assert {"seed", "datamap"} <= commands
    assert sorted(name for name in commands if f"`{name}" not in PAGE) == []


def test_every_target_of_make_is_told():
    targets = re.findall(r"^(\w+):[^#=\n]*## (?!.*\bpart\b)", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert {"run", "test", "check"} <= set(targets)
    assert sorted(name for name in targets if f"`make {name}`" not in PAGE) == []
