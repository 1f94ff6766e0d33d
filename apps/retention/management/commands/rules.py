"""`manage.py rules`: retention rules to a file and back, and what is wrong with them.

Ends with 0 when all is well, 1 when something was found or refused, 2 when it could not be tried (a file that cannot
be read or written, words that make no sense).
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.core import clock
from apps.core.errors import DomainError
from apps.retention import services
from apps.retention.rule_files import RuleFileErrors

REFUSED, NOT_TRIED = 1, 2


class Command(BaseCommand):
    help = "Retention rules: export, import, lint."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        export = verbs.add_parser("export", help="write the rules in force as YAML")
        export.add_argument("file", metavar="FILE", help="- for the screen")
        load = verbs.add_parser("import", help="read rules from YAML; what deletes more waits for a person")
        load.add_argument("file", metavar="FILE", help="- for what is typed or piped in")
        verbs.add_parser("lint", help="gaps, overlaps, rules without ground")

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        try:
            getattr(self, "do_" + verb)(**options)
        except RuleFileErrors as error:
            for problem in error.problems:
                self.stdout.write(str(problem))
            raise CommandError(f"{len(error.problems)} to correct; nothing was loaded.", returncode=REFUSED) from error
        except DomainError as error:
            raise CommandError(" ".join(str(error).split()), returncode=REFUSED) from error
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(str(error), returncode=NOT_TRIED) from error

    def do_export(self, *, file: str, **_: Any) -> None:
        text = services.export_rules()
        if file == "-":
            self.stdout.write(text, ending="")
            return
        Path(file).write_text(text, encoding="utf-8")
        self.stdout.write(f"Wrote {len(services.current_rules())} rules.")

    def do_import(self, *, file: str, **_: Any) -> None:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        if not services.current_rules():
            done = services.import_rule_file(text, now=clock.now(), actor="command")
            self.stdout.write(f"{done.added} new, {done.changed} changed, {done.unchanged} as they were.")
            return
        changes = services.propose_rule_file(text, now=clock.now(), actor="command")
        for change in changes:
            self.stdout.write(f"{change.key}: {change.get_status_display()}")
        if not changes:
            self.stdout.write("Nothing to change.")

    def do_lint(self, **_: Any) -> None:
        found = services.lint_rules()
        for finding in found:
            self.stdout.write(str(finding))
        errors = sum(finding.severity == "error" for finding in found)
        if errors:
            raise CommandError(f"{errors} errors, {len(found) - errors} warnings.", returncode=REFUSED)
        self.stdout.write(f"No errors, {len(found)} warnings.")
