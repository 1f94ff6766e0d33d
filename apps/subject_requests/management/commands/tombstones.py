"""`tombstones export FILE`, `tombstones apply FILE`: kept apart from backups, brought back after a restore."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.core import clock
from apps.core.errors import DomainError
from apps.subject_requests import services


class Command(BaseCommand):
    help = "Write the tombstones of erased people to a file, or bring them back from one after a restore."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("verb", choices=["export", "apply"])
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            count = getattr(self, options["verb"])(options["file"])
        except (OSError, DomainError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{count} tombstones")

    def export(self, file: Path) -> int:
        """Whole or not at all: written beside it and renamed, readable by nobody else."""
        lines = list(services.export_lines(now=clock.now()))
        part = file.with_name(file.name + ".part")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as opened:
            opened.writelines(f"{line}\n" for line in lines)
            opened.flush()
            os.fsync(opened.fileno())
        os.replace(part, file)
        return len(lines) - 1

    def apply(self, file: Path) -> int:
        with file.open(encoding="utf-8") as opened:
            return services.apply_lines(opened, now=clock.now())
