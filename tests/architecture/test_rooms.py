"""What docs/architecture.md promises of the code, kept by machine; and each check proved by breaking it."""

import pytest

from tests.architecture import code_checks, text_checks
from tests.architecture.source import ROOT

CHECKS = [
    code_checks.status_writers,
    code_checks.unscoped_queries,
    code_checks.clock_readers,
    code_checks.enqueueing_services,
    code_checks.irreversible_migrations,
    code_checks.migrations_that_import_apps,
    code_checks.committing_tests,
    code_checks.vague_modules,
    code_checks.oversized_functions,
    text_checks.physical_sides,
    text_checks.inline_code,
    text_checks.machine_paths,
    text_checks.oversized_files,
]
ADJECTIVES = "class ThingQuerySet:\n    def open(self): ...\n    def filter(self): ...\n"
LONG = "    x = 1\n"
HOME = "/".join(["", "home", "somebody"])  # in pieces, or this file would be found

# (check, file, what it says) that must be found
BROKEN = [
    ("status_writers", "apps/a/services.py", "def approve(r):\n    r.status = 'closed'\n"),
    ("status_writers", "apps/a/services.py", "def approve(r):\n    r.status, r.by = 'closed', 1\n"),
    ("status_writers", "apps/a/tasks.py", "def sweep(rows):\n    rows.update(status='closed')\n"),
    ("status_writers", "apps/a/views.py", "def approve(r):\n    setattr(r, 'status', 'closed')\n"),
    ("unscoped_queries", "apps/a/views.py", "rows = Thing.objects.all()\n"),
    ("unscoped_queries", "apps/a/views.py", "rows = Thing.objects.filter(pk=1)\n"),
    ("unscoped_queries", "apps/a/api.py", "class View:\n    queryset = Thing.objects\n"),
    (
        "unscoped_queries",
        "apps/a/views/pages.py",
        "def page(request, pk):\n    return get_object_or_404(Thing, pk=pk)\n",
    ),
    ("clock_readers", "apps/a/services.py", "from django.utils import timezone\nnow = timezone.now()\n"),
    ("clock_readers", "apps/a/models.py", "at = DateTimeField(default=timezone.now)\n"),
    ("clock_readers", "apps/a/tasks.py", "import datetime\nnow = datetime.datetime.now()\n"),
    ("clock_readers", "apps/a/services.py", "from apps.core import clock\nnow = clock.now()\n"),
    ("enqueueing_services", "apps/a/services/open.py", "def open(r):\n    work.delay(r.pk)\n"),
    ("irreversible_migrations", "apps/a/migrations/0001_initial.py", "operations = [migrations.RunSQL('SELECT 1')]\n"),
    ("irreversible_migrations", "apps/a/migrations/0001_initial.py", "operations = [RunPython(forwards)]\n"),
    ("migrations_that_import_apps", "apps/a/migrations/0001_initial.py", "from apps.a.models import Thing\n"),
    ("committing_tests", "tests/a/test_a.py", "@pytest.mark.django_db(transaction=True)\ndef test(): ...\n"),
    ("committing_tests", "tests/a/test_a.py", "def test(transactional_db): ...\n"),
    ("committing_tests", "tests/a/test_a.py", "@pytest.mark.usefixtures('live_server')\ndef test(): ...\n"),
    ("vague_modules", "apps/a/utils.py", ""),
    ("oversized_functions", "apps/a/views.py", "def page(request):\n" + LONG * 15),
    ("oversized_functions", "apps/a/services.py", "def open_thing():\n" + LONG * 30),
    ("physical_sides", "static/a.css", ".a { margin-left: 1rem; }"),
    ("physical_sides", "static/a.css", ".a { text-align: right }"),
    ("physical_sides", "static/a.css", ".a {\n  left: 0;\n}"),
    ("physical_sides", "static/a.css", ".a { border-top-left-radius: 0; }"),
    ("physical_sides", "static/a.css", ".a { float: left; }"),
    ("inline_code", "templates/a.html", '<p style="color: red">'),
    ("inline_code", "templates/a.html", "<script>alert(1)</script>"),
    ("inline_code", "templates/a.html", '<a href="#" onclick="go()">'),
    ("inline_code", "templates/a.html", '<script src="https://cdn.example/x.js"></script>'),
    ("machine_paths", "docs/a.md", f"Look in {HOME}/portal."),
    ("machine_paths", "requirements.lock", "--index-" + "url https://index.example/"),
    ("oversized_files", "apps/a/models.py", "x = 1\n" * 401),
    ("oversized_files", "templates/a.html", "<p>\n" * 151),
    ("oversized_files", "tests/a/test_a.py", "x = 1\n" * 501),
]
# what looks alike and is right
WHOLE = [
    ("status_writers", "apps/a/services.py", "def _move(r, to):\n    r.status = to\n"),
    ("status_writers", "apps/a/services.py", "def read(r):\n    return r.status == 'closed' or r.filter(status=1)\n"),
    ("unscoped_queries", "apps/a/views.py", "rows = Thing.objects.visible_to(user).filter(pk=1)\n"),
    ("unscoped_queries", "apps/a/views.py", "rows = Thing.objects.open()\n"),
    ("unscoped_queries", "apps/a/services.py", "rows = Thing.objects.filter(pk=1)\n"),
    ("clock_readers", "apps/a/views.py", "from apps.core import clock\nnow = clock.now()\n"),
    ("irreversible_migrations", "apps/a/migrations/0001_initial.py", "o = [migrations.RunSQL('A', 'B')]\n"),
    ("committing_tests", "tests/a/test_a.py", "@pytest.mark.django_db\ndef test(db, committed_db): ...\n"),
    ("oversized_functions", "apps/a/views.py", 'def page(request):\n    """Two\n    lines."""\n' + LONG * 14),
    ("physical_sides", "static/a.css", "/* left */ .a { margin-inline-start: 0; text-align: start; content: 'x'; }"),
    ("inline_code", "templates/a.html", '<script src="/static/portal.js" defer></script><a class="online">'),
    ("inline_code", "templates/a/emails/b.html", '<p style="color: red">'),
    ("machine_paths", "docs/a.md", "See https://portal.example/work/x and apps/home/ and ./tmp/x."),
    ("oversized_files", "apps/a/migrations/0001_initial.py", "x = 1\n" * 401),
]
BY_NAME = {check.__name__: check for check in CHECKS}


@pytest.mark.parametrize("check", CHECKS, ids=BY_NAME)
def test_the_house_is_in_order(check):
    assert [str(found) for found in check(ROOT)] == []


@pytest.mark.parametrize(("name", "path", "text"), BROKEN)
def test_a_broken_house_is_found_out(tmp_path, name, path, text):
    build(tmp_path, path, text)
    assert {found.path for found in BY_NAME[name](tmp_path)} == {path}


@pytest.mark.parametrize(("name", "path", "text"), WHOLE)
def test_what_only_looks_alike_is_let_be(tmp_path, name, path, text):
    build(tmp_path, path, text)
    assert list(BY_NAME[name](tmp_path)) == []


def test_every_check_is_proved_by_breaking_it():
    assert {name for name, _, _ in BROKEN} == set(BY_NAME)


def build(root, path, text):
    (root / "apps" / "a").mkdir(parents=True)
    (root / "apps" / "a" / "models.py").write_text(ADJECTIVES)
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)
