"""Why a row past its limit stays, in one line: "kept: tax records until 2035-12-31".

A hold's reason, and that there is one, is for named officers: everybody else reads nothing of rows that one keeps, nor
of those that an open request does.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.retention.models import Rule
from apps.retention.words import DUTIES, INTERESTS

VEILED = ("hold", "open_request")
CANNOT_GO = "cannot_go"
# How a certificate tells of whatever no rule of ours keeps: were only what is veiled told so, these words would tell.
NOT_YET = (*VEILED, "referenced", "shared", "read_only")
WORDS: Mapping[str, Any] = {
    "hold": gettext_lazy("legal hold"),
    "open_request": gettext_lazy("open request"),
    CANNOT_GO: gettext_lazy("cannot go yet"),
    "referenced": gettext_lazy("a record that stays refers to it"),
    "shared": gettext_lazy("a record about another person refers to it"),
    "read_only": gettext_lazy("the system can only be read"),
}


@dataclass(frozen=True)
class Kept:
    """Rows of one line that are past their limit and stay. ISO dates: the first and the last day on which some do."""

    ground: str
    kind: str
    count: int
    until: str = ""
    until_latest: str = ""

    @property
    def hold(self) -> str:
        """The reference of the hold that keeps them; empty where something else does."""
        return self.ground if self.kind == "hold" else ""

    @property
    def veiled(self) -> "Kept":
        """The same without saying which hold: where its reference stands beside as a link."""
        return replace(self, ground="") if self.hold else self


def kept_of(found: Iterable[Mapping[str, Any]], *, sees_holds: bool) -> list[Kept]:
    """What a plan's line or a task says of the rows that stay, for whoever may or may not know of holds."""
    seen: dict[tuple[str, str, str, str], int] = {}
    for one in found:
        if not sees_holds and one.get("kind") in VEILED:
            continue  # on most data nothing else keeps a row: the line alone would tell
        key = (one.get("ground") or "", one.get("kind") or "", one.get("until") or "", one.get("until_latest") or "")
        seen[key] = seen.get(key, 0) + one["count"]
    return [Kept(ground, kind, count, *days) for (ground, kind, *days), count in seen.items()]


def in_a_line(kept: Kept, rules: Mapping[str, Rule], *, iso: bool = False) -> str:
    """The reason in the active language; `iso`: the day as in ISO 8601, for files and terminals."""
    told = {"what": _what(kept, rules), "day": _day(kept.until_latest or kept.until, iso)}
    return _("kept: %(what)s until %(day)s") % told if told["day"] else _("kept: %(what)s") % told


def _what(kept: Kept, rules: Mapping[str, Rule]) -> str:
    if kept.kind in WORDS:
        return f"{WORDS[kept.kind]} {kept.hold}".strip()
    named = {"duty": DUTIES, "interest": INTERESTS}.get(kept.kind, {})
    rule = rules.get(kept.ground)
    return str(named.get(kept.ground) or (rule.description if rule else kept.ground or kept.kind))


def _day(day: str, iso: bool) -> str:
    return day if iso or not day else formats.date_format(date.fromisoformat(day), "DATE_FORMAT")
