"""What templates, styles and files of any kind may not hold, each as a function from a tree to findings."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.source import Finding, files, finding

# A property or value that names a side of the screen; logical ones (inline-start, inline-end) turn with the language.
PHYSICAL = re.compile(
    r"(?:^|[\s;{])(?:[\w-]+-)?(?:left|right)(?:-[\w-]+)?\s*:"
    r"|:\s*[^;{}]*(?<![\w-])(?:left|right)(?![\w-])"
)
INLINE = {
    "an inline style": re.compile(r"<[^>]*\sstyle\s*=", re.I),
    "a style element": re.compile(r"<style\b", re.I),
    # (one of type text/plain is none: it waits for a visitor's yes, as on the demo site)
    "an inline script": re.compile(
        r"<script(?![^>]*\ssrc\s*=)(?![^>]*type=\"(?:application/(?:ld\+)?json|text/plain)\")", re.I
    ),
    "an event attribute": re.compile(r"<[^>]*\son[a-z]+\s*=\s*[\"']", re.I),
    "a javascript: address": re.compile(r"[\"']javascript:", re.I),
    "an asset of a stranger": re.compile(
        r"<(?:script|link|img|iframe)\b[^>]*(?:src|href)\s*=\s*[\"'](?:https?:)?//", re.I
    ),
}
# (/tmp/beat is inside the container, where beat keeps its own small file.)
MACHINE_PATHS = re.compile(
    r"(?<![\w.~/-])/(?:(?:work|home|Users|root)/[\w.]|tmp/(?!beat)[\w.])|--(?:extra-)?index-url|[\w.-]+/simple/?(?=\s|$)"
)
TEXT = (
    "*.py",
    "*.md",
    "*.toml",
    "*.txt",
    "*.lock",
    "*.html",
    "*.css",
    "*.js",
    "*.yml",
    "*.yaml",
    "*.csv",
    "*.po",
    "Makefile",
)
SIZES = {
    "module": (("apps/**/*.py", "privacy_portal/**/*.py"), 400),
    "template": (("templates/**/*.html", "apps/**/templates/**/*.html"), 150),
    "test file": (("tests/**/*.py",), 500),
}


def physical_sides(root: Path) -> Iterator[Finding]:
    """Styles never say left or right: what a page looks like in Arabic follows by itself."""
    for path in files(root, "static/**/*.css"):
        text = re.sub(
            r"/\*.*?\*/", lambda comment: re.sub(r"[^\n]", " ", comment.group()), path.read_text("utf-8"), flags=re.S
        )
        for number, line in enumerate(text.splitlines(), start=1):
            if PHYSICAL.search(line):
                yield finding(root, path, number, f"a physical side: {line.strip()}")


def inline_code(root: Path) -> Iterator[Finding]:
    """The content policy has no `unsafe-inline`, and no page asks strangers for assets. Mails are not pages."""
    for path in files(root, "templates/**/*.html", "apps/**/templates/**/*.html"):
        if "emails" in path.parts:
            continue
        text = path.read_text("utf-8")
        for what, pattern in INLINE.items():
            for match in pattern.finditer(text):
                yield finding(root, path, text.count("\n", 0, match.start()) + 1, what)


def machine_paths(root: Path) -> Iterator[Finding]:
    """Nothing of one machine or one package index is in the repository."""
    for path in files(root, *TEXT, *(f"{top}/**/{name}" for top in TOPS for name in TEXT)):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
            if found := MACHINE_PATHS.search(line):
                yield finding(root, path, number, f"an address of one machine: {found.group()}")


TOPS = ("apps", "privacy_portal", "templates", "static", "tests", "docs", "benchmarks", "locale")


def oversized_files(root: Path) -> Iterator[Finding]:
    """A file that outgrows its size becomes a package of the same name."""
    for what, (patterns, limit) in SIZES.items():
        for path in files(root, *patterns):
            count = len(path.read_text("utf-8").splitlines())
            if count > limit and "migrations" not in path.parts:
                yield finding(root, path, count, f"a {what} of {count} lines (limit {limit})")
