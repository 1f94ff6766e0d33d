"""`manage.py scan_cookies URL…`: what pages keep and ask, against the register.

Ends with 0 when the register knows everything and nothing comes too early, 1 when something was found or the scan
could not be done, 2 for words that make no sense.
"""

import argparse
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.cookies import scanning
from apps.core import clock
from apps.core.errors import DomainError


class Command(BaseCommand):
    help = "Visit pages with Chromium and report cookies, storage and hosts that the register does not know."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("urls", metavar="URL", nargs="+", type=_address)
        parser.add_argument("--json", action="store_true", dest="as_json", help="findings as JSON")
        parser.add_argument("--wait", type=float, default=2, metavar="SECONDS", help="to stay on each page (2)")

    def handle(self, *args: Any, urls: list[str], as_json: bool, wait: float, **options: Any) -> None:
        try:
            findings = scanning.scan(urls, now=clock.now(), settle=wait)
        except DomainError as error:
            raise CommandError(error.message) from error
        visits = f"{len(urls)} pages in {len(scanning.STATES)} states"
        if as_json:
            told = {"pages": urls, "states": scanning.STATES, "findings": [finding.as_json() for finding in findings]}
            self.stdout.write(json.dumps(told, indent=2))
        else:
            for finding in findings:
                self.stdout.write(str(finding))
        if findings:
            raise CommandError(f"{visits}: {len(findings)} findings.")
        if not as_json:
            self.stdout.write(f"{visits}: everything is in the register, and nothing comes too early.")


def _address(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"{text!r} is no address: begin with http:// or https://")
    return text
