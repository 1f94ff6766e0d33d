"""`manage.py datamap`: check and load dataset files, find a person, plan an erasure and carry it out."""

import argparse
import json
from contextlib import nullcontext
from itertools import groupby
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from apps.core import clock
from apps.core.errors import DomainError
from apps.core.identities import IdentityType, parse_identity
from apps.datamap import loading, services
from apps.datamap.checks import Report
from apps.datamap.contract import Scope, StoreUnavailable
from apps.datamap.mapping import PORTAL
from apps.datamap.models import ErasurePlan
from apps.datamap.problems import DatasetErrors


class Command(BaseCommand):
    help = "The data map: check, load, find, plan-erasure, erase."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        check = verbs.add_parser("check", help="validate dataset files, or without any the map that holds now")
        check.add_argument("files", nargs="*", metavar="FILE")
        check.add_argument("--strict", action="store_true", help="what is only advised counts as a failure too")
        load = verbs.add_parser("load", help="load dataset files, all or none")
        load.add_argument("files", nargs="+", metavar="FILE")
        load.add_argument("--store", action="append", default=[], type=_named, metavar="NAME=URL",
                          help="the address of a store; given again for the same name: its next shard")  # fmt: skip
        find = verbs.add_parser("find", help="the rows of a person")
        plan = verbs.add_parser("plan-erasure", help="what would go, stay, and why")
        for about in (find, plan):
            about.add_argument("--identity", action="append", required=True, type=_identity, metavar="TYPE=VALUE")
            about.add_argument("--account", metavar="ID")
            about.add_argument("--own", action="store_true", help="the identities are the requester's own")
            about.add_argument("--dataset", nargs="+", action="extend", default=[], metavar="KEY")
            about.add_argument("--category", nargs="+", action="extend", default=[], metavar="KEY")
        plan.add_argument("--strategy", choices=["null", "delete"])
        erase = verbs.add_parser("erase", help="do exactly what a plan says")
        erase.add_argument("--plan", required=True, metavar="HASH")
        for verb in (find, plan, erase):
            verb.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        try:
            getattr(self, "do_" + verb.replace("-", "_"))(**options)
        except DatasetErrors as error:
            for problem in error.problems:
                self.stdout.write(str(problem))
            raise CommandError(str(error)) from error
        except DomainError as error:
            raise CommandError(" ".join(str(error).split())) from error

    def do_check(self, *, files: list[str], strict: bool, **_: Any) -> None:
        report = loading.check_files(files) if files else loading.check_everything()
        self._tell(report)
        if report.problems:
            raise DatasetErrors(report.problems)
        if strict and report.advice:
            raise CommandError(str(report.advice[0]))
        self.stdout.write(f"Checked {len(files)} files: right." if files else "Checked the whole data map: right.")

    def do_load(self, *, files: list[str], store: list[tuple[str, str]], **_: Any) -> None:
        stores: dict[str, str] = {}
        for name, url in store:  # a name given again is another shard
            stores[name] = f"{stores[name]} {url}" if name in stores else url
        versions, report = loading.load_files(files, stores=stores, actor="command", now=clock.now())
        self._tell(report)
        for version in versions:
            self.stdout.write(f"{version.fides_key} version {version.number} ({version.digest[:12]})")

    def do_find(self, *, as_json: bool, **options: Any) -> None:
        findings = services.find(_scope(options), now=clock.now())
        for one in findings.not_entered:
            self.stderr.write(f"not entered: {one.collection} ({one.reason})")
        if as_json:
            self.stdout.write(json.dumps(findings.rows, ensure_ascii=False, indent=2))
            return
        for key, rows in findings.rows.items():
            self.stdout.write(f"{len(rows):>8}  {key}")
        self.stdout.write(f"{sum(map(len, findings.rows.values())):>8}  rows in {len(findings.rows)} collections")

    def do_plan_erasure(self, *, as_json: bool, strategy: str | None, **options: Any) -> None:
        plan = services.plan_erasure(_scope(options), actor="command", now=clock.now(), strategy=strategy)
        if as_json:
            self.stdout.write(json.dumps(_as_json(plan), ensure_ascii=False, indent=2))
            return
        for line in plan.lines:
            why = f"  {line['ground']} until {line['until_latest'] or 'not known yet'}" if line["ground"] else ""
            self.stdout.write(f"{line['count']:>8}  {line['action']:<10} {line['collection']}{why}")
        self.stdout.write(plan.hash)

    def do_erase(self, *, plan: str, as_json: bool, **_: Any) -> None:
        row = ErasurePlan.objects.filter(hash=plan).first()
        if row is None:
            raise DomainError("plan_unknown", "No plan has this hash.")
        stores, failed = self._erase_everywhere(row)
        if as_json:
            self.stdout.write(json.dumps({"plan": row.hash, "stores": stores}, ensure_ascii=False, indent=2))
        else:
            self._tell_erased(stores)
        if failed:
            raise CommandError(f"Not finished, run it again with the same plan. {' '.join(failed)}")

    def _erase_everywhere(self, plan: ErasurePlan) -> tuple[dict[str, Any], list[str]]:
        """What was done in each store, and what kept one from it. A shard that is down does not stop its siblings; the
        next rank waits for it."""
        stores: dict[str, Any] = {}
        failed: list[str] = []
        for _, found in groupby(plan.stores, key=plan.ranks.__getitem__):
            if failed:
                break
            for store in found:
                try:
                    stores[store] = self._erase_in(plan, store)
                except StoreUnavailable as error:
                    failed.append(error.message)
        return stores, failed

    def _tell_erased(self, stores: dict[str, Any]) -> None:
        for store, done in stores.items():
            for collection, counts in done["counts"].items():
                told = ", ".join(f"{number} {word}" for word, number in counts.items() if number)
                self.stdout.write(f"{collection}: {told or 'nothing found'}")
            self.stdout.write(f"{store}: {'confirmed absent' if done['confirmed_absent'] else 'rows remain'}")

    def _erase_in(self, plan: ErasurePlan, store: str) -> dict[str, Any]:
        """The effect in its store, then its ledger line; the portal's own tables need both in one transaction."""
        key = f"plan:{plan.hash}:{store}"
        with transaction.atomic() if store == PORTAL else nullcontext():
            receipt = services.execute(plan, store=store, effect_key=key, actor="command", now=clock.now())
            services.note_execution(plan, receipt, actor="command", now=clock.now())
        remaining = services.search_again(plan, store=store, now=clock.now())
        return {
            "counts": receipt.counts,
            "at": receipt.at.isoformat(),
            "replayed": receipt.replayed,
            "confirmed_absent": all(one.ground for one in remaining),
            "remaining": [vars(one) | {"until": one.until and one.until.isoformat()} for one in remaining],
        }

    def _tell(self, report: Report) -> None:
        for one in report.advice:
            self.stdout.write(f"advice: {one}")


def _as_json(plan: ErasurePlan) -> dict[str, Any]:
    return {
        "plan": plan.hash,
        "expires_at": plan.expires_at.isoformat(),
        "map_version": plan.map_version,
        "rules_version": plan.rules_version,
        "stores": plan.stores,
        "lines": plan.lines,
        "not_entered": plan.not_entered,
    }


def _scope(options: dict[str, Any]) -> Scope:
    identities = tuple(parse_identity(kind, value) for kind, value in options["identity"])
    return Scope(
        identities=identities,
        account=options["account"],
        own=options["own"],
        datasets=tuple(options["dataset"]),
        categories=tuple(options["category"]),
    )


def _identity(text: str) -> tuple[str, str]:
    kind, value = _named(text)
    if kind not in list(IdentityType):
        raise argparse.ArgumentTypeError(f"“{kind}” is not one of {', '.join(IdentityType)}")
    return kind, value


def _named(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals or not value:
        raise argparse.ArgumentTypeError(f"“{text}” is not NAME=VALUE")
    return name, value
