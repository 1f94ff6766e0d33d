"""Retention rules: loading them, and saying in words what they keep."""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max

from apps.core.errors import InvalidInput
from apps.datamap import services as datamap
from apps.ledger.services import record
from apps.retention import protection, rule_files, words
from apps.retention.lint import Finding, lint, stated_categories
from apps.retention.models import Rule
from apps.retention.states import Kind

SCHEDULE = Path(__file__).parent.parent / "data" / "retention_schedule.csv"


@dataclass(frozen=True)
class Imported:
    """How many rules were new, changed (a new version), and left as they were."""

    added: int
    changed: int
    unchanged: int


def seed_rules(*, now: datetime, actor: str = "command") -> Imported:
    """Load the rules of the schedule that are not there yet. Never touches a rule that people may have changed."""
    return import_rules(SCHEDULE.read_text(encoding="utf-8"), now=now, actor=actor, only_new=True)


@transaction.atomic
def import_rules(schedule: str, *, now: datetime, actor: str, only_new: bool = False) -> Imported:
    """Read a schedule in CSV; a rule that says something else than its current version becomes a new version.

    All or nothing. Raises `InvalidInput` naming the line for a rule that cannot be.
    """
    current = _locked()
    return _load(list(_read(schedule, now=now)), current, now=now, actor=actor, only_new=only_new)


@transaction.atomic
def import_rule_file(text: str, *, now: datetime, actor: str) -> Imported:
    """Read rules in YAML (`rule_files.py`), as `import_rules` does, at once and without a second person.

    For set-up: where rules are in force already, `propose_rule_file` is the way. A rule that was written from another
    version than the current one is refused. Raises `RuleFileErrors`.
    """
    current = _locked()
    return _load(rule_files.read_rules(text, now=now, current=current), current, now=now, actor=actor)


def export_rules() -> str:
    """The rules in force as YAML; importing it changes nothing."""
    return rule_files.write_rules(Rule.objects.current())


def lint_rules(rules: Iterable[Rule] | None = None) -> list[Finding]:
    """What is wrong with these rules (the ones in force) beside the map that holds now, errors first."""
    return lint(
        Rule.objects.current() if rules is None else rules,
        datamap.mapped_collections(),
        taxonomy=datamap.known_categories(),
        stated=stated_categories(),
    )


def _locked() -> dict[str, Rule]:
    return {rule.key: rule for rule in Rule.objects.current().select_for_update()}


def _load(
    read: list[Rule], current: Mapping[str, Rule], *, now: datetime, actor: str, only_new: bool = False
) -> Imported:
    ended = dict(Rule.objects.order_by().values_list("key").annotate(Max("version")))
    added = [rule for rule in read if rule.key not in current]
    changed = [] if only_new else [r for r in read if r.key in current and r.content != current[r.key].content]
    for rule in added + changed:
        rule.version = ended[rule.key] + 1 if rule.key in ended else rule.version
    Rule.objects.filter(pk__in=[current[rule.key].pk for rule in changed]).update(replaced_at=now)
    Rule.objects.bulk_create(added + changed)
    if added or changed:
        record(actor=actor, verb="retention.rules_imported", target="retention.rule", at=now,
               added=len(added), changed=len(changed), version=protection.rules_version())  # fmt: skip
    return Imported(len(added), len(changed), len(read) - len(added) - len(changed))


def rules_version() -> str:
    """The digest of all current rules, which plans pin."""
    return protection.rules_version()


def current_rules() -> dict[str, Rule]:
    """The rules in force by key: fetch once to describe many grounds."""
    return {rule.key: rule for rule in Rule.objects.current()}


def describe_ground(
    ground: str | None,
    kind: str | None,
    until: date | str | None = None,
    language: str | None = None,
    *,
    until_latest: date | str | None = None,
    rules: Mapping[str, Rule] | None = None,
) -> str:
    """Why something stays and until when, in honest words for the person who asked.

    Takes a plan's line as it is (`ground`, `kind`, ISO dates `until` and `until_latest`). `language` defaults to the
    active one; `rules` (from `current_rules()`) saves a query a line.
    """
    by_key = current_rules() if rules is None else rules
    return words.in_words(kind, by_key.get(ground or ""), (_day(until), _day(until_latest)), language)


def describe_period(rule: Rule) -> str:
    """How long a rule lasts and from when, in the active language: what Article 15(1)(d) has to be told."""
    return words.limit_in_words(rule)


def _day(value: date | str | None) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) else value


def _read(schedule: str, *, now: datetime) -> Iterable[Rule]:
    seen: set[str] = set()
    for line, row in enumerate(csv.DictReader(io.StringIO(schedule)), start=2):
        try:
            rule = _rule(row, now=now)
            rule.clean_fields()
            rule.clean()
            if rule.key in seen:
                raise ValidationError({"key": "This key stands twice in the file."})
        except (KeyError, ValidationError) as error:
            raise InvalidInput(f"line {line}", f"Line {line}: {_in_a_line(error)}", code="invalid_rule") from error
        seen.add(rule.key)
        yield rule


def _rule(row: Mapping[str, str], *, now: datetime) -> Rule:
    kinds = set(row["kind"].split("+"))
    if unknown := kinds - set(Kind.values):
        raise ValidationError({"kind": f"unknown kind {', '.join(sorted(unknown))}"})
    same = ("key", "data_family", "region", "period", "max_period", "starts_at", "action", "legal_basis", "capacity")
    return Rule(
        **{name: row[name] for name in same},
        description=row["data"],
        source=row["source"],
        why=row["why"],
        # Until the schedule splits them, one column holds both; what stands before the colon is not part of the law.
        citation=row["why"].rpartition(": ")[2] if Kind.DUTY in kinds else "",
        is_limit=Kind.LIMIT in kinds,
        is_duty=Kind.DUTY in kinds,
        is_interest=Kind.INTEREST in kinds,
        in_force_at=now,
    )


def _in_a_line(error: KeyError | ValidationError) -> str:
    if isinstance(error, KeyError):
        return f"the column {error} is missing."
    return "; ".join(f"{field}: {' '.join(messages)}" for field, messages in error.message_dict.items())
