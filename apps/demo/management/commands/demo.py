"""`manage.py demo`: the sample platform, its place on the data map, the sample sign-ins, what these asked and chose."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from apps.core import clock
from apps.demo import consents, requests, services, sign_ins
from apps.demo.connections import connect_platform, ensure_schema
from apps.demo.world import SCALES


class Command(BaseCommand):
    help = "Fill the sample platform, create the sample sign-ins, file sample requests and consents. Only where DEMO=1."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--scale", choices=list(SCALES), default="small", help="thousands, a million, ten million")
        parser.add_argument("--seed", type=int, default=1, help="the same seed, scale and date give the same bytes")
        parser.add_argument("--at", type=date.fromisoformat, help="the day the data ends before (default: today)")
        parser.add_argument("--replace", action="store_true", help="drop the data that is there")
        parser.add_argument("--platform-only", action="store_true", help="leave all but the platform alone")
        parser.add_argument("--print-sign-ins", action="store_true", help="print the sample sign-ins, do nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("Sample data needs DEMO=1, which a production portal refuses.")
        if options["print_sign_ins"]:
            self.stdout.write(sign_ins.describe())
            return
        self._fill(options)
        if options["platform_only"]:
            return
        call_command("datamap", "load", str(services.DATASET_FILE), stdout=self.stdout)
        now = clock.now()
        made = sign_ins.create_sign_ins(now=now - requests.HISTORY)
        self.stdout.write(f"Sample sign-ins made: {made}")
        if options["scale"] != "tiny":  # the tests' own world: they file what they need
            with connect_platform() as connection, connection.cursor() as cursor:
                filed = requests.file_sample_requests(cursor, seed=options["seed"], now=now)
            self.stdout.write(f"Sample requests filed: {filed}")
            made = consents.make_sample_consents(seed=options["seed"], now=now)
            self.stdout.write(f"Sample consents made: {made}")

    def _fill(self, options: dict[str, Any]) -> None:
        started = time.monotonic()
        ensure_schema()
        wanted = {"scale": options["scale"], "seed": options["seed"], "at": options["at"] or clock.now().date()}
        try:
            with connect_platform() as connection, connection.cursor() as cursor:
                counts = services.fill(cursor, **wanted, replace=options["replace"], progress=self._show)
        except services.AlreadyFilled as error:
            self.stdout.write(str(error))
            return
        self._end_progress()
        for table, count in sorted(counts.items()):
            self.stdout.write(f"{table:22}{count:>12,}")
        self.stdout.write(f"{'all':22}{sum(counts.values()):>12,}  in {time.monotonic() - started:.1f} s")

    def _show(self, table: str, count: int) -> None:
        if self.stderr.isatty():
            self.stderr.write(f"\r{table:22}{count or '':>12}", style_func=str, ending="")

    def _end_progress(self) -> None:
        if self.stderr.isatty():
            self.stderr.write("\r" + " " * 40 + "\r", style_func=str, ending="")
