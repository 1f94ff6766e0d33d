"""Writes docs/requirements.md: each promise and each threat, and the tests that are marked with it.

    python -m tests.architecture.requirements_page

It reads the marks, not a test run: the page is as true as `make test` is green.
"""

import ast
import csv
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.source import ROOT, enclosing, files, functions, tree

PAGE = ROOT / "docs" / "requirements.md"
HEAD = """# Promises and threats, and the tests that prove them

Generated from the marks of the tests by `python -m tests.architecture.requirements_page`; do not edit.
The promises are those of the privacy statement, the threats (T…) those the portal is built against.
"""


def promises() -> dict[str, str]:
    """Id -> the promise in a line."""
    with (Path(__file__).parent / "promises.csv").open(encoding="utf-8", newline="") as file:
        return {row["id"]: row["promise"] for row in csv.DictReader(file)}


def marked(root: Path) -> Iterator[tuple[str, str, str]]:
    """(id, file, test) for every `req` and `threat` mark on a test, a class of tests or a whole file."""
    for path in files(root, "tests/**/test_*.py"):
        name = str(path.relative_to(root))
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {"pytest.mark.req", "pytest.mark.threat"}:
                ids = [str(argument.value) for argument in node.args if isinstance(argument, ast.Constant)]
                yield from ((each, name, test) for each in ids for test in _tests_under(node))


def _tests_under(mark: ast.AST) -> list[str]:
    around = next(n for n in enclosing(mark) if isinstance(n, ast.FunctionDef | ast.ClassDef | ast.Module))
    if isinstance(around, ast.FunctionDef):
        return [around.name]
    return [f.name for f in functions(ast.Module(around.body, [])) if f.name.startswith("test_")]


def page(known: dict[str, str], found: list[tuple[str, str, str]]) -> str:
    """The whole page. Raises ValueError for a mark that names no promise."""
    if unknown := sorted({each for each, _, _ in found} - set(known)):
        raise ValueError(f"no such promise: {', '.join(unknown)}")
    proofs = {each: sorted({(name, test) for i, name, test in found if i == each}) for each in known}
    parts = [HEAD]
    for each, promise in known.items():
        if proofs[each]:
            lines = [f"- {_sentence(test)} (`{name}`)" for name, test in proofs[each]]
            parts.append("\n".join([f"## {each}: {promise}", "", *lines, ""]))
    missing = [f"- {each}: {promise}" for each, promise in known.items() if not proofs[each]]
    parts.append("\n".join(["## Not proved by a test yet", "", *missing, ""]))
    return "\n".join(parts)


def _sentence(test: str) -> str:
    return test.removeprefix("test_").replace("_", " ")


def main() -> int:
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(promises(), list(marked(ROOT))), encoding="utf-8")
    sys.stdout.write(f"{PAGE.relative_to(ROOT)} written\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
