"""What changed between two texts, word by word."""

import difflib
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext


@dataclass(frozen=True)
class Run:
    """Words in a row with the same fate: kind is "same", "added" or "removed"."""

    kind: str
    text: str


@dataclass(frozen=True)
class Difference:
    """Two texts side by side, as `components/diff.html` shows them."""

    runs: tuple[Run, ...]
    added: int
    removed: int

    @property
    def in_words(self) -> str:
        """ "3 words added, 1 word removed": nobody has to see colours to know what changed."""
        if not self.added and not self.removed:
            return _("Nothing changed.")
        said = [
            ngettext("%(n)d word added", "%(n)d words added", self.added) % {"n": self.added} if self.added else "",
            ngettext("%(n)d word removed", "%(n)d words removed", self.removed) % {"n": self.removed}
            if self.removed
            else "",
        ]
        return _(", ").join(part for part in said if part)


@dataclass(frozen=True)
class Rewording:
    """A text that a version changed, by the name that people know it by; `components/changes.html` shows several."""

    label: Any
    difference: Difference


def compare(before: str, after: str) -> Difference:
    """The words of `after`, with those that came marked as added and those that went as removed.

    A changed word is one removed and one added. White space does not count.
    """
    old, new = before.split(), after.split()
    runs: list[Run] = []
    for kind, old_from, old_to, new_from, new_to in difflib.SequenceMatcher(None, old, new, False).get_opcodes():
        if kind == "equal":
            runs.append(Run("same", " ".join(new[new_from:new_to])))
            continue
        if old_to > old_from:
            runs.append(Run("removed", " ".join(old[old_from:old_to])))
        if new_to > new_from:
            runs.append(Run("added", " ".join(new[new_from:new_to])))
    count = {kind: sum(len(run.text.split()) for run in runs if run.kind == kind) for kind in ("added", "removed")}
    return Difference(tuple(runs), count["added"], count["removed"])
