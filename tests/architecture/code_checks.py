"""What Python code of the portal may not do, each as a function from a tree of files to findings."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.source import Finding, files, finding, function_around, functions, lines_of, room, tree

MAY_WRITE_STATUS = {"_move", "_claim", "_release"}
READS_THE_CLOCK = {
    "timezone.now",
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "time.time",
    "Now",
}
COMMITS_IN_TESTS = {"transactional_db", "live_server", "django_db_reset_sequences", "django_db_serialized_rollback"}
VAGUE_NAMES = {"utils.py", "helpers.py", "manager.py", "managers.py", "misc.py", "common.py"}


def status_writers(root: Path) -> Iterator[Finding]:
    """`status` has one writer: `_move`, which locks the row, asks the table and writes the ledger line.

    (`_claim` is the conditional update by which one worker takes a row, `_release` takes rows from their workers.)
    """
    for path in files(root, "apps/**/*.py"):
        if "migrations" in path.parts:
            continue
        for node in ast.walk(tree(path)):
            if _writes_status(node) and function_around(node) not in MAY_WRITE_STATUS:
                yield finding(root, path, node, "`status` is written outside `_move`")


def _writes_status(node: ast.AST) -> bool:
    match node:
        case ast.Attribute(attr="status", ctx=ast.Store()):
            return True
        case ast.Call(func=ast.Name(id="setattr"), args=[_, ast.Constant(value="status"), *_]):
            return True
        case ast.Call(func=ast.Attribute(attr="update")):
            return any(keyword.arg == "status" for keyword in node.keywords)
    return False


def unscoped_queries(root: Path) -> Iterator[Finding]:
    """In views and api `.objects` is followed by `visible_to(` or another adjective that a QuerySet of ours names."""
    adjectives = {"visible_to", *_adjectives(root)}
    for path in [*room(root, "views"), *room(root, "api")]:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Attribute) and node.attr in {"objects", "_default_manager"}:
                after = getattr(node, "parent", None)
                if not (isinstance(after, ast.Attribute) and after.attr in adjectives):
                    yield finding(root, path, node, "`.objects` without `visible_to(` or an adjective")
            if _asks_a_whole_model(node):
                yield finding(root, path, node, "a page asks a whole model: scope it with `visible_to(`")


def _adjectives(root: Path) -> set[str]:
    """Methods of our own QuerySets, less those that only repeat a name of Django's."""
    from django.db.models import QuerySet

    named = {
        method.name
        for path in files(root, "apps/**/*.py")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef) and node.name.endswith("QuerySet")
        for method in functions(ast.Module(node.body, []))
    }
    return {name for name in named if not name.startswith("_") and not hasattr(QuerySet, name)}


def _asks_a_whole_model(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Name(id="get_object_or_404" | "get_list_or_404"), args=[ast.Name(id=name), *_]):
            return name[:1].isupper()
    return False


def clock_readers(root: Path) -> Iterator[Finding]:
    """Time is read by `core.clock` alone, and asked for at the edge: views, tasks, commands, middleware."""
    for path in files(root, "apps/**/*.py"):
        if path.parts[-2:] == ("core", "clock.py") or "migrations" in path.parts:
            continue
        inner = _room_of(root, path) in {"models", "services", "policies", "states"}
        for node in ast.walk(tree(path)):
            name = ast.unparse(node) if isinstance(node, ast.Attribute | ast.Name) else ""
            if any(name == read or name.endswith(f".{read}") for read in READS_THE_CLOCK):
                yield finding(root, path, node, f"`{name}` reads the clock: take `now` as an argument")
            if inner and name in {"clock.now", "core.clock.now"}:
                yield finding(root, path, node, "models and services take `now` as an argument")


def _room_of(root: Path, path: Path) -> str:
    parts = path.relative_to(root).parts
    return parts[2].removesuffix(".py") if len(parts) > 2 else ""


def enqueueing_services(root: Path) -> Iterator[Finding]:
    """The database is the queue: no service enqueues, so no work is lost between a commit and the broker."""
    for path in [*room(root, "services"), *room(root, "models"), *room(root, "policies")]:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Attribute) and node.attr in {
                "delay",
                "apply_async",
                "delay_on_commit",
                "send_task",
            }:
                yield finding(root, path, node, f"a service enqueues with `{node.attr}`")


def irreversible_migrations(root: Path) -> Iterator[Finding]:
    """Every RunSQL and RunPython says how to go back."""
    for path in files(root, "apps/*/migrations/*.py"):
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.Call):
                continue
            name = ast.unparse(node.func).rpartition(".")[2]
            back = {"RunSQL": "reverse_sql", "RunPython": "reverse_code"}.get(name)
            if back and len(node.args) < 2 and back not in {keyword.arg for keyword in node.keywords}:
                yield finding(root, path, node, f"{name} without {back}")


def migrations_that_import_apps(root: Path) -> Iterator[Finding]:
    """A migration stands alone: app code moves on, the migration must not."""
    for path in files(root, "apps/*/migrations/*.py"):
        for node in ast.walk(tree(path)):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                if name.split(".")[0] == "apps":
                    yield finding(root, path, node, f"a migration imports {name}")


def committing_tests(root: Path) -> Iterator[Finding]:
    """The append-only trigger makes Django's flush fail: tests that commit use a clone (`committed_db`) instead."""
    for path in files(root, "tests/**/*.py"):
        for node in ast.walk(tree(path)):
            used = {node.arg} if isinstance(node, ast.arg) else set()
            if isinstance(node, ast.Call):
                used = {a.value for a in node.args if isinstance(a, ast.Constant) and _is_mark(node, "usefixtures")}
                if _is_mark(node, "django_db") and any(_is_true(k, "transaction") for k in node.keywords):
                    yield finding(root, path, node, "django_db(transaction=True)")
            if isinstance(node, ast.Name | ast.Attribute) and ast.unparse(node).endswith("TransactionTestCase"):
                yield finding(root, path, node, "TransactionTestCase")
            for name in sorted(used & COMMITS_IN_TESTS):
                yield finding(root, path, node, f"the fixture {name}")


def _is_mark(call: ast.Call, name: str) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr == name


def _is_true(keyword: ast.keyword, name: str) -> bool:
    return keyword.arg == name and isinstance(keyword.value, ast.Constant) and keyword.value.value is True


def vague_modules(root: Path) -> Iterator[Finding]:
    """A file is named for what it holds."""
    for path in files(root, "apps/**/*.py", "privacy_portal/**/*.py", "tests/**/*.py"):
        if path.name in VAGUE_NAMES:
            yield finding(root, path, 1, "a name that says nothing")


def oversized_functions(root: Path, *, view: int = 15, service: int = 30) -> Iterator[Finding]:
    """Views that fit in a glance, services that fit on a screen."""
    for path in room(root, "views"):
        for function in functions(tree(path)):
            is_view = any(argument.arg == "request" for argument in function.args.args[:1])
            if is_view and lines_of(function) > view:
                yield finding(root, path, function, f"view {function.name} has {lines_of(function)} lines")
    for path in room(root, "services"):
        for function in functions(tree(path)):
            if lines_of(function) > service:
                yield finding(root, path, function, f"service {function.name} has {lines_of(function)} lines")
