"""`manage.py sweep`: plan what retention would do on a day, and do exactly that. For cron and for people."""

import argparse
import json
from datetime import UTC, date, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import translation

from apps.core import clock
from apps.core.errors import DomainError
from apps.retention import services
from apps.retention.models import Sweep, SweepTask
from apps.retention.states import SweepStatus


class Command(BaseCommand):
    help = "Retention sweeps: --plan says what would go and prints a hash, --run HASH does exactly that."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        verb = parser.add_mutually_exclusive_group(required=True)
        verb.add_argument("--plan", action="store_true", help="count what would go and what would stay, and pin it")
        verb.add_argument("--run", metavar="HASH", help="execute exactly this plan, or go on with it")
        verb.add_argument("--nightly", action="store_true", help="plan today's sweep and run it: for cron")
        verb.add_argument("--cancel", metavar="HASH", help="stop this sweep: no batch of it begins any more")
        verb.add_argument("--pause", action="store_true", help="let no batch begin, on whatever machine")
        verb.add_argument("--resume", action="store_true", help="let sweeps go on where they stood still")
        parser.add_argument("--at", type=_day, metavar="DATE", help="plan for this day (default: today, in UTC)")
        parser.add_argument("--rule", action="append", default=[], metavar="KEY", help="only what this rule decides")
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, **options: Any) -> None:
        if (options["at"] or options["rule"]) and not options["plan"]:
            raise CommandError("--at and --rule go with --plan.", returncode=2)
        try:
            with translation.override("en"):
                self._do(options)
        except DomainError as error:
            raise CommandError(" ".join(str(error).split())) from error

    def _do(self, options: dict[str, Any]) -> None:
        now = clock.now()
        if options["pause"] or options["resume"]:
            changed = (services.pause_sweeps if options["pause"] else services.resume_sweeps)(by="command", now=now)
            word = "paused" if options["pause"] else "going on"
            self.stdout.write(f"Sweeps are {word}." if changed else f"Sweeps were {word} already.")
        elif options["cancel"]:
            self._cancel(options["cancel"], now)
        elif options["plan"]:
            plan = services.make_plan(day=options["at"] or _today(now), now=now, actor="command", keys=options["rule"])
            self._tell_plan(plan, options["as_json"])
        else:
            self._run(options["run"] or self._nightly(now), options["as_json"])

    def _cancel(self, hash_: str, now: datetime) -> None:
        sweep = Sweep.objects.filter(hash=hash_).first()
        if sweep is None:
            raise CommandError("There is no plan with this hash.")
        stopped = services.cancel_sweep(sweep, by="command", now=now)
        done = sum(stopped.tasks.values_list("done", flat=True))
        self.stdout.write(f"The sweep is stopped after {done:,} of {stopped.planned:,} rows.")

    def _nightly(self, now: datetime) -> str:
        services.read_clock(now=now)
        for broken_off in Sweep.objects.filter(status__in=[SweepStatus.RUNNING, SweepStatus.INCOMPLETE]):
            services.run_sweep(broken_off, tick=clock.now)
        plan = services.approved_plan(now=now) or services.make_plan(day=_today(now), now=now, actor="command")
        if plan.status == SweepStatus.WAITING:
            raise CommandError(f"The plan {plan.hash} waits for a person: {', '.join(plan.waits_for)}.")
        return plan.hash

    def _run(self, hash_: str, as_json: bool) -> None:
        sweep = services.start_sweep(hash_, actor="command", now=clock.now())
        sweep = services.run_sweep(sweep, tick=clock.now)
        tasks = list(sweep.tasks.all())
        if as_json:
            self.stdout.write(json.dumps(services.report(sweep), indent=2, sort_keys=True))
        else:
            for task in tasks:
                self.stdout.write(f"{task.collection:40}{task.action:10}{task.done:>14,}  {task.get_status_display()}")
                self._tell_kept(task.kept)
            total = sum(task.done for task in tasks)
            self.stdout.write(f"{'all':50}{total:>14,}  {sweep.get_status_display()}")
        if sweep.status != SweepStatus.DONE:
            raise CommandError(_why_not_done(sweep, tasks))

    def _tell_plan(self, plan: Sweep, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(services.plan_document(plan), indent=2, sort_keys=True))
            return
        for line in plan.lines:
            what = f"{line['collection']} {','.join(line['columns'])}".strip()
            counts = f"{line['count']:>11,} of {line['total']:,}"
            self.stdout.write(f"{what:44} {line['rule']:24} {line['action']:9} {counts}")
            self._tell_kept(line["kept"])
            for key in line["samples"][:1]:
                self.stdout.write(f"    for example {' / '.join(key)}")
        for store in plan.down:
            self.stdout.write(f"The store {store} can't be reached: nothing of it is planned.")
        for line in services.differences(plan):
            self.stdout.write(f"    since the last run: {line['collection']} {line['rule']} {line['difference']:+,}")
        if plan.waits_for:
            self.stdout.write(f"Waits for a person: {', '.join(plan.waits_for)}")
        self.stdout.write(
            f"{plan.planned:,} rows would go on {plan.day}. Run it with: manage.py sweep --run {plan.hash}"
        )

    def _tell_kept(self, kept: list[dict[str, Any]]) -> None:
        for one in kept:
            until = one["until_latest"] or one["until"]
            end = f"until {until}" if until else "with no date yet"
            self.stdout.write(f"    {one['count']:,} kept: {one['ground']} {one['kind']} {end}")


def _why_not_done(sweep: Sweep, tasks: list[SweepTask]) -> str:
    if sweep.status == SweepStatus.REFUSED:
        return f"Not carried out to the end: {sweep.reason}."
    failed = sorted({f"{task.collection} ({task.error_code})" for task in tasks if task.error_code})
    if failed:
        return f"Incomplete, to be tried again: {', '.join(failed)}."
    if sweep.down:
        return f"Incomplete: {', '.join(sweep.down)} could not be reached when the plan was made."
    return "Not finished: sweeps are paused, or another worker is at it."


def _today(now: datetime) -> date:
    return now.astimezone(UTC).date()


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no date such as 2026-11-27") from None
