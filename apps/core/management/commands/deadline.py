"""`manage.py deadline`: due dates with their reasons, for one receipt or for a file of them. Needs no database."""

import csv
import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.core import deadlines
from apps.core.deadlines import Calendar, Deadline, Pause
from apps.core.errors import InvalidInput

COLUMNS = ("id", "jurisdiction", "received_at")
PRINTED = ("id", "deadline", "extended_deadline", "deadline_ends_before_utc")
USAGE = 2


class Command(BaseCommand):
    help = "Say when an answer is due by law, with and without the extension, and why."
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--jurisdiction", help=", ".join(deadlines.JURISDICTIONS))
        parser.add_argument(
            "--received", metavar="INSTANT", help="ISO 8601 with a time zone: 2026-03-05T10:00:00+01:00"
        )
        parser.add_argument("--pause", action="append", default=[], metavar="KIND:FROM:TO", help="may be given again")
        parser.add_argument("--region", default="", help="a German state (BY) or alsace-moselle, for its own holidays")
        parser.add_argument("--good-friday", action="store_true", help="NL: count Good Friday as a holiday")
        parser.add_argument("--json", action="store_true", help="print JSON")
        parser.add_argument("--csv", type=Path, metavar="FILE", help="receipts, one a row; prints CSV")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["csv"]:
            if options["jurisdiction"] or options["received"] or options["pause"] or options["json"]:
                raise CommandError(
                    "--csv stands alone: its rows name jurisdiction, receipt and pause.", returncode=USAGE
                )
            return self._file(options["csv"])
        if not (options["jurisdiction"] and options["received"]):
            raise CommandError("Give --jurisdiction and --received, or --csv.", returncode=USAGE)
        try:
            pauses = [_pause(text) for text in options["pause"]]
            calendar = Calendar(options["jurisdiction"], options["region"], options["good_friday"])
            first, extended = _both(options["jurisdiction"], options["received"], pauses, calendar)
        except InvalidInput as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            told = _as_json(options["jurisdiction"], options["received"], first, extended)
            self.stdout.write(json.dumps(told, ensure_ascii=False, indent=2))
        else:
            self.stdout.write("\n".join(_as_text(first, extended)))

    def _file(self, path: Path) -> None:
        """Every row that can be computed is printed; each other one is named on stderr, and the exit code is 1."""
        rows = _rows(path)
        writer = csv.writer(self.stdout, lineterminator="\n")
        writer.writerow(PRINTED)
        done = failed = 0
        for number, row in rows:
            try:
                writer.writerow(_answer(row))
                done += 1
            except InvalidInput as error:
                self.stderr.write(f"{path.name}, line {number}, {row['id'] or 'no id'}: {error}")
                failed += 1
            if sys.stderr.isatty() and (done + failed) % 10_000 == 0:
                self.stderr.write(f"{done + failed} rows …")
        if sys.stderr.isatty():
            self.stderr.write(f"{done} rows computed, {failed} refused")
        if failed:
            raise CommandError(f"{failed} of {done + failed} rows refused.")


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """The rows of the file with their line numbers, missing cells as "". A file that can't be read is an error."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            if missing := [name for name in COLUMNS if name not in (reader.fieldnames or ())]:
                raise CommandError(f"{path.name} lacks the column {missing[0]}.")
            return [
                (reader.line_num, {name: value or "" for name, value in row.items() if isinstance(name, str)})
                for row in reader
            ]
    except OSError as error:
        raise CommandError(f"{path} can't be read: {error.strerror}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise CommandError(f"{path.name} is no CSV in UTF-8: {error}.") from error


def _answer(row: dict[str, str]) -> tuple[str, str, str, str]:
    pause = [row.get(name, "").strip() for name in ("pause_kind", "pause_from", "pause_to")]
    pauses = [_pause(":".join(pause))] if any(pause) else []
    first, extended = _both(row["jurisdiction"].strip(), row["received_at"].strip(), pauses)
    return row["id"], first.on.isoformat(), extended.on.isoformat(), _utc(first)


def _both(
    jurisdiction: str, received: str, pauses: Iterable[Pause], calendar: Calendar | None = None
) -> tuple[Deadline, Deadline]:
    try:
        received_at = datetime.fromisoformat(received)
    except ValueError as error:
        raise InvalidInput("received_at", f"{received!r} is no time like 2026-03-05T10:00:00+01:00.") from error
    given = list(pauses)
    first = deadlines.due(received_at, jurisdiction, pauses=given, calendar=calendar)
    return first, deadlines.due(received_at, jurisdiction, pauses=given, extended=True, calendar=calendar)


def _pause(text: str) -> Pause:
    try:
        kind, asked_on, received_on = text.split(":")
        return Pause(kind.strip(), date.fromisoformat(asked_on.strip()), date.fromisoformat(received_on.strip()))
    except ValueError as error:
        raise InvalidInput("pauses", f"{text!r} is no pause like identity_eu:2026-09-15:2026-09-25.") from error


def _utc(deadline: Deadline) -> str:
    return f"{deadline.ends_at:%Y-%m-%dT%H:%M:%SZ}"


def _as_json(jurisdiction: str, received: str, first: Deadline, extended: Deadline) -> dict[str, Any]:
    return {
        "jurisdiction": jurisdiction,
        "received_at": received,
        "received_on": first.received_on.isoformat(),
        "runs_from": first.runs_from.isoformat(),
        "deadline": first.on.isoformat(),
        "deadline_unrolled": first.unrolled_on.isoformat(),
        "deadline_ends_before_utc": _utc(first),
        "extended_deadline": extended.on.isoformat(),
        "extended_deadline_unrolled": extended.unrolled_on.isoformat(),
        "extended_deadline_ends_before_utc": _utc(extended),
        "steps": [asdict(step) for step in first.steps],
        "explanation": deadlines.explain(first.steps),
        "extended_steps": [asdict(step) for step in extended.steps],
        "extended_explanation": deadlines.explain(extended.steps),
    }


def _as_text(first: Deadline, extended: Deadline) -> Iterator[str]:
    for name, deadline in (("Deadline", first), ("Extended", extended)):
        yield f"{name}: {deadline.on.isoformat()} (ends before {_utc(deadline)})"
        yield from (f"  {sentence}" for sentence in deadlines.explain(deadline.steps))
