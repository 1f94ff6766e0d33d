"""A sweep's report as files: what was planned, what stayed and why, what was done."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from apps.core.spreadsheets import as_csv
from apps.retention import reasons
from apps.retention.models import Rule, Sweep, SweepTask
from apps.retention.presentation import pace
from apps.retention.presentation.sweeps import seconds

PLANNED, KEPT, DONE, KEPT_AT_END = "planned", "kept", "done", "kept at the end"


def as_spreadsheet(sweep: Sweep, tasks: Sequence[SweepTask], rules: Mapping[str, Rule], *, sees_holds: bool) -> str:
    """One number a row: rows planned, done and kept by collection, with the reason and its last day."""
    header = [_("Item"), _("System"), _("Collection"), _("Action"), _("Columns"), _("Rule"), _("Version"), _("Rows")]
    header += [_("Reason"), _("Until"), _("Oldest"), _("Batches"), _("Seconds"), _("Status")]
    return as_csv(header, [*_planned(sweep, rules, sees_holds), *_done(tasks, rules, sees_holds)])


def _planned(sweep: Sweep, rules: Mapping[str, Rule], sees_holds: bool) -> Iterator[tuple[object, ...]]:
    for line in sweep.lines:
        place = (line["store"], line["collection"], line["action"], " ".join(line.get("columns") or ()))
        by = (line["rule"], line.get("version"))
        yield (PLANNED, *place, *by, line["count"], "", "", line.get("oldest"), "", "", "")
        for kept in reasons.kept_of(line["kept"], sees_holds=sees_holds):
            said = reasons.in_a_line(kept, rules, iso=True)
            yield (KEPT, *place, *by, kept.count, said, kept.until_latest or kept.until, "", "", "", "")


def _done(tasks: Sequence[SweepTask], rules: Mapping[str, Rule], sees_holds: bool) -> Iterator[tuple[object, ...]]:
    for task in tasks:
        place = (task.store, task.collection, task.action, " ".join(task.columns))
        spent = seconds(task.started_at, task.finished_at)
        yield (DONE, *place, "", "", task.done, task.error_code, "", "", task.batches, spent, task.status)
        for kept in reasons.kept_of(task.kept, sees_holds=sees_holds):
            said = reasons.in_a_line(kept, rules, iso=True)
            yield (KEPT_AT_END, *place, "", "", kept.count, said, kept.until_latest or kept.until, "", "", "", "")


def as_json(
    sweep: Sweep, tasks: Sequence[SweepTask], points: Sequence[pace.Point], totals: pace.Totals, *, sees_holds: bool
) -> str:
    """The same for programs, with the pace over time."""
    facts = ("hash", "status", "rules", "rules_version", "map_version", "waits_for", "made_by", "approved_by", "reason")
    times = ("day", "made_at", "approved_at", "started_at", "finished_at")
    told = {name: getattr(sweep, name) for name in facts} | {name: _iso(getattr(sweep, name)) for name in times}
    told["unreachable"] = sweep.down
    told["lines"] = [dict(line) | {"kept": _kept(line["kept"], sees_holds)} for line in sweep.lines]
    told["collections"] = [_task(task, sees_holds) for task in tasks]
    told["totals"] = vars(totals) | {"planned": sweep.planned, "done": sum(task.done for task in tasks)}
    told["pace"] = [vars(point) | {"at": point.at.isoformat()} for point in points]
    return json.dumps(told, ensure_ascii=False, indent=2)


def _task(task: SweepTask, sees_holds: bool) -> dict[str, Any]:
    facts = ("store", "collection", "action", "columns", "planned", "done", "batches", "status", "attempts")
    times = ("started_at", "finished_at")
    told = {name: getattr(task, name) for name in facts} | {name: _iso(getattr(task, name)) for name in times}
    return told | {"error": task.error_code, "kept": _kept(task.kept, sees_holds)}


def _kept(found: Sequence[Mapping[str, Any]], sees_holds: bool) -> list[dict[str, Any]]:
    return [
        {"ground": each.ground, "kind": each.kind, "count": each.count}
        | {"until": each.until or None, "until_latest": each.until_latest or None}
        for each in reasons.kept_of(found, sees_holds=sees_holds)
    ]


def _iso(value: Any) -> str | None:
    return value.isoformat() if value else None
