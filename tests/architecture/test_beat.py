"""The clock's table and the tasks: each names the other."""

import ast

from privacy_portal.celery import app
from tests.architecture.source import ROOT, room, tree


def sweeps(root):
    """Tasks without arguments: they find their own work, so only the clock can call them."""
    for path in room(root, "tasks"):
        module = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
        for node in tree(path).body:
            if isinstance(node, ast.FunctionDef) and any("shared_task" in ast.unparse(d) for d in node.decorator_list):
                own = [argument.arg for argument in node.args.args if argument.arg != "self"]
                if not own and not node.args.kwonlyargs:
                    yield f"{module}.{node.name}"


def test_every_task_of_the_beat_schedule_exists():
    app.loader.import_default_modules()
    assert [entry["task"] for entry in app.conf.beat_schedule.values() if entry["task"] not in app.tasks] == []


def test_every_sweep_stands_in_the_beat_schedule():
    scheduled = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert [name for name in sweeps(ROOT) if name not in scheduled] == []


def test_no_task_waits_in_the_broker_for_a_date():
    """Dates live in PostgreSQL: a beat entry is a short tick, never an ETA."""
    assert [name for name, entry in app.conf.beat_schedule.items() if not 0 < float(entry["schedule"]) <= 86_400] == []


def test_a_sweep_that_nobody_calls_is_found_out(tmp_path):
    (tmp_path / "apps" / "a").mkdir(parents=True)
    (tmp_path / "apps" / "a" / "tasks.py").write_text(
        "@shared_task\ndef flag_overdue(): ...\n"
        "@shared_task(bind=True, acks_late=True)\ndef work_on(self, pk): ...\n"
        "@shared_task(bind=True)\ndef reconcile(self): ...\n"
        "def plain(): ...\n"
    )
    assert list(sweeps(tmp_path)) == ["apps.a.tasks.flag_overdue", "apps.a.tasks.reconcile"]
