"""Retention rules as YAML: what people keep in version control, send to counsel, and load again.

    version: 1                      # of this form
    rules:
      - key: communications_content
        version: 3                  # of the rule this was written from; a rule that moved on since is not overwritten
        kind: [limit]               # limit | duty | interest, alone or together
        period: P6M                 # ISO 8601, by calendar
        …                           # the other names of `Rule.FACTS`; what is left out is empty

Every scalar is taken as it is written: `region: NO` is Norway, and no tag makes an object. What is wrong is told with
its line, rule and field, all of it at once, and nothing is half read.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import yaml
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from apps.core.errors import InvalidInput
from apps.retention.models import Rule
from apps.retention.states import Kind

FORM = 1
MAX_CHARACTERS = 512 * 1024
LISTS = ("collections", "categories")
TEXTS = (
    *("key", "data_family", "description", "region", "period", "max_period", "starts_at", "action", "legal_basis"),
    *("capacity", "source", "why", "citation", "extends"),
)
NEEDED = ("key", "data_family", "description", "period", "starts_at", "action", "kind", "legal_basis", "capacity",
          "source")  # fmt: skip
KNOWN = frozenset({*TEXTS, *LISTS, "version", "kind", "reviewed_on"})
PLAIN = frozenset({f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "timestamp")})
UNUSUAL_BREAKS = frozenset("\r\x85\u2028\u2029")
# Order of a rule in a file: what it is, how long, why.
ORDER = (
    *("key", "version", "data_family", "description", "region", "extends", "collections", "categories", "kind"),
    *("period", "max_period", "starts_at", "action", "legal_basis", "capacity", "source", "why", "citation"),
    "reviewed_on",
)


@dataclass(frozen=True, order=True)
class Problem:
    """One thing to correct in a file of rules."""

    line: int
    rule: str
    field: str
    message: str

    def __str__(self) -> str:
        line = _("Line %(line)s") % {"line": self.line} if self.line else ""
        return ": ".join(part for part in (line, self.rule, self.field, self.message) if part)


class RuleFileErrors(InvalidInput):
    """A file of rules that can't be used; nothing of it was loaded."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(set(problems))
        super().__init__("file", "\n".join(map(str, self.problems)), code="invalid_rule")


def write_rules(rules: Iterable[Rule]) -> str:
    """The rules as YAML, by key; the same rules give the same text."""
    written = [_written(rule) for rule in sorted(rules, key=lambda rule: rule.key)]
    document = {"version": FORM, "rules": written}
    return yaml.dump(document, Dumper=_Writer, sort_keys=False, allow_unicode=True, width=110)


class _Writer(yaml.SafeDumper):
    """Puts texts with unusual breaks into double quotes: elsewhere YAML reads each of them as a plain line end."""


def _quoted(writer: yaml.SafeDumper, text: str) -> yaml.Node:
    style = '"' if set(text) & UNUSUAL_BREAKS else None
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Writer.add_representer(str, _quoted)


def _written(rule: Rule) -> dict[str, Any]:
    said = {
        name: str(getattr(rule, name)) if name in TEXTS else getattr(rule, name) for name in ORDER if name != "kind"
    }
    said["kind"] = [kind.value for kind in Kind if kind in rule.kinds]
    return {name: said[name] for name in ORDER if said[name] not in ("", [], None)}


def read_rules(text: str, *, now: datetime, current: Mapping[str, Rule]) -> list[Rule]:
    """The rules of a file, unsaved, `in_force_at` now. Raises `RuleFileErrors` with everything that is wrong.

    `current`: the rules in force by key; what was written from another version of one would undo what came between.
    """
    if len(text) > MAX_CHARACTERS:
        raise RuleFileErrors([Problem(0, "", "", _("The file is too large."))])
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise RuleFileErrors([Problem(line, "", "", _("This is not YAML: %(why)s") % {"why": error.problem})]) from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise RuleFileErrors([Problem(0, "", "", _("This is not YAML."))]) from None
    reader = _Reader(now, current)
    rules = reader.file(root)
    if reader.problems:
        raise RuleFileErrors(reader.problems)
    return rules


@dataclass
class _Reader:
    """Reads nodes, not values: each still knows its line, and nothing is guessed about its type."""

    now: datetime
    current: Mapping[str, Rule]
    problems: list[Problem] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)

    def wrong(self, node: yaml.Node, message: str, *, rule: str = "", name: str = "") -> None:
        self.problems.append(Problem(node.start_mark.line + 1, rule, name, message))

    def file(self, root: yaml.Node | None) -> list[Rule]:
        if not isinstance(root, yaml.MappingNode):
            self.problems.append(Problem(1, "", "", _("A file of rules holds “version” and “rules”.")))
            return []
        parts = dict(self.items(root, known={"version", "rules"}))
        form, rules = parts.get("version"), parts.get("rules")
        if form is None or form.value != str(FORM):
            self.wrong(form or root, _("The form of this file is not known; write “version: 1”."), name="version")
        if not isinstance(rules, yaml.SequenceNode) or not rules.value:
            self.wrong(rules or root, _("Expected a list of rules."), name="rules")
            return []
        return [rule for node in rules.value if (rule := self.rule(node))]

    def items(self, node: yaml.MappingNode, *, known: Iterable[str], rule: str = "") -> Iterator[tuple[str, yaml.Node]]:
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name not in known:
                self.wrong(key, _("This field is not known."), rule=rule, name=name[:60])
            elif name in seen:
                self.wrong(key, _("This field stands here twice."), rule=rule, name=name)
            else:
                seen.add(name)
                yield name, value

    def rule(self, node: yaml.Node) -> Rule | None:
        if not isinstance(node, yaml.MappingNode):
            self.wrong(node, _("A rule is a mapping of fields to values."))
            return None
        key = next((str(value.value) for name, value in node.value if name.value == "key"), "")[:60]
        before = len(self.problems)
        nodes = dict(self.items(node, known=KNOWN, rule=key))
        for name in NEEDED:
            if name not in nodes:
                self.wrong(node, _("This field is missing."), rule=key, name=name)
        values = {name: self.value(name, each, key) for name, each in nodes.items()}
        if len(self.problems) > before:
            return None
        rule = self._made(values)
        self._check(rule, node, nodes)
        return rule if len(self.problems) == before else None

    def value(self, name: str, node: yaml.Node, rule: str) -> Any:
        try:
            if name in LISTS:
                return [_text(each) for each in _items(node)]
            if name == "kind":
                return _kinds(node)
            text = _text(node)
            if name == "version":
                return _number(text)
            return _day(text) if name == "reviewed_on" else text
        except ValueError as error:
            self.wrong(node, str(error), rule=rule, name=name)
            return None

    def _made(self, values: Mapping[str, Any]) -> Rule:
        kinds = values["kind"]
        said = {name: values[name] for name in (*TEXTS, *LISTS, "reviewed_on", "version") if name in values}
        return Rule(
            **{"max_period": said["period"]} | said,
            is_limit=Kind.LIMIT in kinds,
            is_duty=Kind.DUTY in kinds,
            is_interest=Kind.INTEREST in kinds,
            in_force_at=self.now,
        )

    def _check(self, rule: Rule, node: yaml.Node, nodes: Mapping[str, yaml.Node]) -> None:
        if rule.key in self.seen:
            message = _("The rule stands in line %(line)s already.") % {"line": self.seen[rule.key]}
            self.wrong(node, message, rule=rule.key, name="key")
        self.seen[rule.key] = node.start_mark.line + 1
        for check in (rule.clean_fields, rule.clean):
            try:
                check()
            except ValidationError as error:
                for name, messages in error.message_dict.items():
                    self.wrong(nodes.get(name, node), " ".join(messages), rule=rule.key, name=name)
        standing = self.current.get(rule.key)
        if standing and "version" in nodes and standing.version != rule.version and standing.content != rule.content:
            message = _("Written from version %(old)s; version %(new)s is in force.")
            told = {"old": rule.version, "new": standing.version}
            self.wrong(nodes["version"], message % told, rule=rule.key, name="version")


def _text(node: yaml.Node) -> str:
    """A scalar as it is written, whatever YAML would take it for; `null` and nothing are the empty text."""
    if not isinstance(node, yaml.ScalarNode) or node.tag not in PLAIN:
        raise ValueError(_("Expected a plain text."))
    if node.tag.endswith(":null"):
        return ""
    text = str(node.value)
    if "\0" in text or any(0xD800 <= ord(sign) <= 0xDFFF for sign in text):
        raise ValueError(_("This holds a character that can’t be stored."))
    return text


def _items(node: yaml.Node) -> list[yaml.Node]:
    if not isinstance(node, yaml.SequenceNode):
        raise ValueError(_("Expected a list."))
    return list(node.value)


def _kinds(node: yaml.Node) -> frozenset[str]:
    words = [_text(each) for each in node.value] if isinstance(node, yaml.SequenceNode) else _text(node).split("+")
    unknown = sorted(set(words) - set(Kind.values))
    if unknown or not words:
        told = {"kinds": ", ".join(Kind.values)}
        raise ValueError(_("Expected one or more of %(kinds)s.") % told)
    return frozenset(words)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text)):
        raise ValueError(_("Expected a number from 1."))
    return int(text)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise ValueError(_("Expected a day, for example 2026-01-31.")) from None
