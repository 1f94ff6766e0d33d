"""Changes of rules: previewed, approved by a second person where they delete more, published as a new version (T52).

A change touches no sweep. A plan pins the versions of all rules, so that one made before is refused before it starts,
and one that runs goes on with the rules it began with; the next plan is made with the new version.
"""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from apps.core.errors import DomainError, InvalidInput
from apps.datamap import services as datamap
from apps.ledger.services import record
from apps.retention import rule_files, simulation
from apps.retention.comparing import deleting_reasons
from apps.retention.lint import Finding, lint
from apps.retention.models import Rule, RuleChange
from apps.retention.states import ChangeStatus

KEY = re.compile(r"^[a-z][a-z0-9_-]{0,59}$")
RESERVED = ("new", "file")  # addresses of the register
# What lint says of a rule itself, and the field that it is about; a change may not bring any of it.
FIELD_OF = {
    "no_ground": "legal_basis",
    "duty_uncited": "citation",
    "interest_unbalanced": "why",
    "unknown_category": "categories",
    "unknown_collection": "collections",
    "unknown_region": "region",
    "country_in_the_eea": "region",
    "country_without_country": "region",
    "country_uncited": "citation",
    "country_unreviewed": "reviewed_on",
    "country_too_long": "period",
    "country_beyond_base": "period",
    "country_without_base": "extends",
    "country_differs": "extends",
}


class RuleErrors(InvalidInput):
    """A rule that cannot be: every field with what is wrong there, so that a form can say it beside each."""

    def __init__(self, errors: Sequence[tuple[str, str]], *, code: str = "invalid_rule") -> None:
        self.errors = list(errors)
        super().__init__(*self.errors[0], code=code)


@dataclass(frozen=True)
class Previewed:
    """What a change would do. `reasons`: why it needs a second person, as codes; `findings`: what lint says after."""

    before: Rule | None
    after: Rule | None
    reasons: list[str]
    told: dict[str, Any]
    findings: list[Finding]

    @property
    def deletes_more(self) -> bool:
        return bool(self.reasons)


def preview_change(*, key: str, content: Mapping[str, Any], base_version: int, now: datetime) -> Previewed:
    """What the rule's next version would do; writes nothing. `content` as `Rule.content`, empty: the rule ends.

    Raises `RuleErrors` for a rule that cannot be, `DomainError` "stale" when it moved on from `base_version`.
    """
    rules = list(Rule.objects.current().order_by("key"))
    return _previewed(rules, key, content, base_version, now=now)


@transaction.atomic
def propose_change(*, key: str, content: Mapping[str, Any], base_version: int, actor: str, now: datetime) -> RuleChange:
    """Propose the rule's next version. What deletes no more than before is in force at once; else it waits.

    `content`, and what is raised: as `preview_change`; `DomainError` "open" while another change of the rule waits.
    """
    rules = list(Rule.objects.current().select_for_update().order_by("key"))
    return _propose(_previewed(rules, key, content, base_version, now=now), key, actor=actor, now=now)


@transaction.atomic
def propose_rule_file(text: str, *, actor: str, now: datetime) -> list[RuleChange]:
    """A change for each rule of the file that says something else than the one in force; all of them or none.

    Rules that the file leaves out stay. Raises `RuleFileErrors`, and what `propose_change` does.
    """
    rules = list(Rule.objects.current().select_for_update().order_by("key"))
    return [
        _propose(_previewed(rules, rule.key, rule.content, base, now=now), rule.key, actor=actor, now=now)
        for rule, base in _changed(text, rules, now=now)
    ]


def preview_rule_file(text: str, *, now: datetime) -> list[Previewed]:
    """What `propose_rule_file` would propose; writes nothing."""
    rules = list(Rule.objects.current().order_by("key"))
    return [_previewed(rules, rule.key, rule.content, base, now=now) for rule, base in _changed(text, rules, now=now)]


@transaction.atomic
def approve_change(change: RuleChange, *, actor: str, now: datetime) -> RuleChange:
    """Put a proposed change into force. Raises `DomainError`: "four_eyes" (it is one's own), "stale", "decided"."""
    if change.proposed_by == actor:
        raise DomainError("four_eyes", _("Somebody else has to approve your own change."))
    return _publish(change, actor=actor, now=now)


@transaction.atomic
def decline_change(change: RuleChange, *, actor: str, now: datetime) -> RuleChange:
    """Another person says no: the rule stays as it is."""
    if change.proposed_by == actor:
        raise DomainError("four_eyes", _("This is your own change: withdraw it instead of declining it."))
    return _move(change, ChangeStatus.DECLINED, actor=actor, now=now, verb="retention.rule_declined")


@transaction.atomic
def withdraw_change(change: RuleChange, *, actor: str, now: datetime) -> RuleChange:
    """Whoever proposed it takes it back."""
    if change.proposed_by != actor:
        raise DomainError("not_yours", _("Only who proposed a change can withdraw it."))
    return _move(change, ChangeStatus.WITHDRAWN, actor=actor, now=now, verb="retention.rule_withdrawn")


@transaction.atomic
def refresh_preview(change: RuleChange, *, now: datetime) -> RuleChange:
    """Calculate again what a proposed change would do. Raises `DomainError` "decided", "stale"."""
    change = RuleChange.objects.select_for_update(of=("self",)).get(pk=change.pk)
    if change.status != ChangeStatus.PROPOSED:
        raise DomainError("decided", _("This change is decided already."))
    rules = list(Rule.objects.current().order_by("key"))
    change.preview = _previewed(rules, change.key, change.content, change.base_version, now=now).told
    change.save(update_fields=["preview"])
    return change


def versions_of(key: str) -> list[Rule]:
    """Every version of a rule, the newest first."""
    return list(Rule.objects.filter(key=key).order_by("-version"))


def rule_from(key: str, version: int, content: Mapping[str, Any], *, now: datetime) -> Rule:
    """An unsaved rule that says this."""
    said = {name: value for name, value in content.items() if name not in ("key", "version")}
    day = said.get("reviewed_on")
    said["reviewed_on"] = date.fromisoformat(day) if isinstance(day, str) else day
    return Rule(key=key, version=version, in_force_at=now, **said)


def _changed(text: str, rules: Sequence[Rule], *, now: datetime) -> list[tuple[Rule, int]]:
    current = {rule.key: rule for rule in rules}
    read = rule_files.read_rules(text, now=now, current=current)
    return [
        (rule, current[rule.key].version if rule.key in current else 0)
        for rule in read
        if rule.key not in current or current[rule.key].content != rule.content
    ]


def _previewed(
    rules: Sequence[Rule], key: str, content: Mapping[str, Any], base_version: int, *, now: datetime
) -> Previewed:
    before = next((rule for rule in rules if rule.key == key), None)
    _refuse_stale(before, base_version)
    after = _checked(key, base_version + 1, content, now=now) if content else None
    if before is None and after is None:
        raise DomainError("unknown", _("There is no such rule."))
    others = [rule for rule in rules if rule.key != key]
    would_be = sorted([*others, *([after] if after else [])], key=lambda rule: rule.key)
    findings = _findings(rules, would_be, key)
    told = simulation.preview(rules, would_be, key, now=now)
    seen = {"more_rows": simulation.rows_more(told) > 0, "unseen": bool(told["down"])}
    reasons = [*deleting_reasons(before, after), *(code for code, holds in seen.items() if holds)]
    return Previewed(before, after, reasons, told | {"reasons": reasons}, findings)


def _checked(key: str, version: int, content: Mapping[str, Any], *, now: datetime) -> Rule:
    """The rule, if it can be one. Raises `RuleErrors`."""
    rule = rule_from(key, version, content, now=now)
    errors: dict[str, list[str]] = {}
    for check in (rule.clean_fields, rule.clean):
        try:
            check()
        except ValidationError as error:
            errors |= error.message_dict
    if not KEY.match(key) or key in RESERVED:
        errors["key"] = [_("Use small letters, digits and “_”, beginning with a letter.")]
    if not rule.kinds:
        errors["is_limit"] = [_("Choose at least one: a limit, a duty or an interest.")]
    if errors:
        raise RuleErrors([(name, " ".join(messages)) for name, messages in errors.items()])
    return rule


def _findings(rules: Sequence[Rule], would_be: Sequence[Rule], key: str) -> list[Finding]:
    """What lint says that it did not say before. Raises `RuleErrors` where it is the rule's own fault."""
    collections, taxonomy = datamap.mapped_collections(), datamap.known_categories()
    before, after = (lint(each, collections, taxonomy=taxonomy, stated=()) for each in (rules, would_be))
    findings = [finding for finding in after if finding not in before]
    own = [one for one in findings if one.subject == key and one.severity == "error" and one.code in FIELD_OF]
    if own:
        raise RuleErrors([(FIELD_OF[finding.code], finding.message) for finding in own], code=own[0].code)
    return findings


def _propose(seen: Previewed, key: str, *, actor: str, now: datetime) -> RuleChange:
    change = RuleChange(
        id=uuid.uuid4(),
        key=key,
        base_version=seen.before.version if seen.before else 0,
        content=seen.after.content if seen.after else {},
        deletes_more=seen.deletes_more,
        preview=seen.told,
        proposed_by=actor,
        proposed_at=now,
    )
    try:
        with transaction.atomic():
            change.save(force_insert=True)
    except IntegrityError as error:  # one open change a rule
        raise DomainError("open", _("Another change of the rule “%(key)s” waits.") % {"key": key}) from error
    facts = {"key": key, "base_version": change.base_version, "reasons": seen.reasons}
    record(actor=actor, verb="retention.rule_proposed", target=change, at=now, **facts)
    return change if seen.deletes_more else _publish(change, actor=actor, now=now)


def _publish(change: RuleChange, *, actor: str, now: datetime) -> RuleChange:
    """The change becomes the current version; nothing that stood is edited."""
    change = _move(change, ChangeStatus.PUBLISHED, actor=actor, now=now, verb="retention.rule_published")
    current = Rule.objects.current().filter(key=change.key).select_for_update().first()
    _refuse_stale(current, change.base_version)
    if current:
        Rule.objects.filter(pk=current.pk).update(replaced_at=now)
    digest = None
    if change.content:
        highest = Rule.objects.filter(key=change.key).aggregate(highest=Max("version"))["highest"] or 0
        rule = _checked(change.key, highest + 1, change.content, now=now)
        rule.save(force_insert=True)
        digest = rule.digest
    record(actor=actor, verb="retention.rule_changed" if digest else "retention.rule_ended", at=now,
           target=f"retention.rule:{change.key}", key=change.key, change=change.pk, digest=digest,
           version=rule.version if digest else change.base_version)  # fmt: skip
    return change


def _refuse_stale(current: Rule | None, base_version: int) -> None:
    if (current.version if current else 0) != base_version:
        raise DomainError("stale", _("The rule was changed meanwhile. Look at it and try again."))


def _move(change: RuleChange, to: ChangeStatus, *, actor: str, now: datetime, verb: str) -> RuleChange:
    """The only place that writes `status`."""
    change = RuleChange.objects.select_for_update(of=("self",)).get(pk=change.pk)
    if to not in RuleChange.TRANSITIONS[ChangeStatus(change.status)]:
        raise DomainError("decided", _("This change is decided already."))
    change.status, change.decided_by, change.decided_at = to, actor, now
    change.save(update_fields=["status", "decided_by", "decided_at"])
    record(actor=actor, verb=verb, target=change, at=now, key=change.key, base_version=change.base_version)
    return change
