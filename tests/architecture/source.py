"""The repository as checks see it: files by kind, syntax trees with parents, findings that name file and line."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, order=True)
class Finding:
    path: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}"


def files(root: Path, *patterns: str) -> Iterator[Path]:
    """Files below `root` in a stable order, without caches and environments."""
    found = {path for pattern in patterns for path in root.glob(pattern) if path.is_file()}
    hidden = (path for path in found if not any(part.startswith((".", "__pycache__")) for part in _below(path, root)))
    yield from sorted(hidden)


def room(root: Path, name: str) -> list[Path]:
    """One room of every app, as a module or as a package of the same name: `room(root, "views")`."""
    return list(files(root, f"apps/*/{name}.py", f"apps/*/{name}/**/*.py"))


@cache
def _parsed(path: Path, changed_at: int) -> ast.Module:
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    for parent in ast.walk(tree):
        for child in ast.iter_child_nodes(parent):
            child.parent = parent  # type: ignore[attr-defined]
    return tree


def tree(path: Path) -> ast.Module:
    """The syntax tree of a file; every node knows its `parent`."""
    return _parsed(path, path.stat().st_mtime_ns)


def finding(root: Path, path: Path, node: ast.AST | int, what: str) -> Finding:
    line = node if isinstance(node, int) else getattr(node, "lineno", 1)
    return Finding(str(path.relative_to(root)), line, what)


def enclosing(node: ast.AST) -> Iterator[ast.AST]:
    """What a node stands in, innermost first."""
    while (parent := getattr(node, "parent", None)) is not None:
        yield parent
        node = parent


def function_around(node: ast.AST) -> str:
    """The name of the function a node stands in, "" at module level."""
    return next((n.name for n in enclosing(node) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)), "")


def functions(module: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    yield from (n for n in ast.walk(module) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """From `def` to the last line; decorators and the docstring are not counted."""
    first = function.body[0]
    docstring = (first.end_lineno or 0) - first.lineno + 1 if ast.get_docstring(function) is not None else 0
    return (function.end_lineno or 0) - function.lineno + 1 - docstring


def _below(path: Path, root: Path) -> tuple[str, ...]:
    return path.relative_to(root).parts
