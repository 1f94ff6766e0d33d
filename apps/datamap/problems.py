"""What is wrong with a dataset, where, and which name was probably meant."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from apps.core.errors import DomainError

Place = tuple[str | int, ...]
"""The way to a value in a document: `("dataset", 0, "collections", 2, "name")`."""


@dataclass(frozen=True, order=True)
class Problem:
    """One thing to correct. `where` is the place in words ("customer.email"), `suggestion` the nearest right name."""

    file: str
    line: int
    where: str
    message: str
    suggestion: str = ""

    def __str__(self) -> str:
        hint = f"; did you mean “{self.suggestion}”?" if self.suggestion else ""
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.where}: {self.message}{hint}" if self.where else f"{place}: {self.message}{hint}"


class DatasetErrors(DomainError):
    """Dataset files that can't be used; nothing of them was loaded."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = sorted(set(problems))
        more = f" (and {len(self.problems) - 1} more)" if len(self.problems) > 1 else ""
        super().__init__("dataset_invalid", f"{self.problems[0]}{more}")


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that looks most like `name`, or nothing."""
    candidates = sorted(set(known))
    lower = {candidate.lower(): candidate for candidate in candidates}
    if name.lower() in lower:
        return lower[name.lower()]
    longer = [candidate for candidate in candidates if len(name) > 2 and candidate.startswith(name)]
    found = get_close_matches(name, longer or candidates, n=1, cutoff=0.5)
    if found:
        return found[0]
    last = get_close_matches(name.rpartition(".")[2], [one.rpartition(".")[2] for one in candidates], n=1, cutoff=0.7)
    return next((one for one in candidates if last and one.rpartition(".")[2] == last[0]), "")
