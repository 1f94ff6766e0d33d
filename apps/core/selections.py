"""Rows chosen over several pages of a list: kept in the session, so that paging, sorting and filters lose none."""

from collections.abc import Iterable
from typing import Any

AT_MOST = 500


class Chosen:
    """The keys chosen in one list by one person. The order in which they were chosen stays."""

    def __init__(self, session: Any, name: str) -> None:
        self._session, self._name = session, f"chosen_{name}"

    @property
    def keys(self) -> list[str]:
        return list(self._session.get(self._name, ()))

    def update(self, *, shown: Iterable[str], chosen: Iterable[str]) -> None:
        """Of the rows shown, the ticked ones are chosen and the others are not; rows elsewhere stay as they were."""
        seen, ticked = set(shown), list(chosen)
        kept = [key for key in self.keys if key not in seen]
        self._store([*kept, *(key for key in dict.fromkeys(ticked) if key in seen)])

    def clear(self) -> None:
        self._store([])

    def _store(self, keys: list[str]) -> None:
        self._session[self._name] = keys[:AT_MOST]
