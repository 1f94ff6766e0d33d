"""A plan and a run as documents: what `--json`, the download and the command print."""

from collections.abc import Iterable
from typing import Any

from apps.retention.models import Sweep
from apps.retention.states import SweepStatus

Document = dict[str, Any]


def plan_document(plan: Sweep) -> Document:
    """Everything a plan says. The same data on the same day give the same bytes."""
    return {
        "hash": plan.hash,
        "day": plan.day.isoformat(),
        "rules": plan.rules,
        "rules_version": plan.rules_version,
        "map_version": plan.map_version,
        "rows": plan.planned,
        "waits_for": plan.waits_for,
        "unreachable": plan.down,
        "lines": plan.lines,
        "difference": differences(plan),
    }


def report(sweep: Sweep) -> Document:
    """What became of a plan: per collection what went, what stayed and why, batch by batch in sum."""
    return {
        "hash": sweep.hash,
        "day": sweep.day.isoformat(),
        "status": sweep.status,
        "planned": sweep.planned,
        "done": sum(task.done for task in sweep.tasks.all()),
        "started_at": sweep.started_at.isoformat() if sweep.started_at else None,
        "finished_at": sweep.finished_at.isoformat() if sweep.finished_at else None,
        "unreachable": sweep.down,
        "collections": [
            {
                "store": task.store,
                "collection": task.collection,
                "action": task.action,
                "columns": task.columns,
                "planned": task.planned,
                "done": task.done,
                "batches": task.batches,
                "status": task.status,
                "error": task.error_code or None,
                "kept": task.kept,
            }
            for task in sweep.tasks.all()
        ],
    }


def differences(plan: Sweep) -> list[Document]:
    """What this plan takes more or less than the last one that ran, by collection and deciding rule; only changes."""
    last = Sweep.objects.filter(status__in=[SweepStatus.DONE, SweepStatus.INCOMPLETE], made_at__lt=plan.made_at)
    before = last.exclude(pk=plan.pk).order_by("-started_at").first()
    if before is None:
        return []
    then, now = _counts(before.lines), _counts(plan.lines)
    changed = ((key, now.get(key, 0) - then.get(key, 0)) for key in sorted({*then, *now}))
    return [
        {"collection": collection, "rule": rule, "difference": more} for (collection, rule), more in changed if more
    ]


def _counts(lines: Iterable[Document]) -> dict[tuple[str, str], int]:
    counted: dict[tuple[str, str], int] = {}
    for line in lines:
        key = (line["collection"], line["rule"])
        counted[key] = counted.get(key, 0) + line["count"]
    return counted
