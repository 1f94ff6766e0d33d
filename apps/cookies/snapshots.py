"""A register as it is published, and what changed between two of them.

The content of a `RegisterVersion`:

    {"site": "main", "name": "Our own sites", "hosts": ["…"], "validity_months": 6, "is_sample": false,
     "entries": [{"line": "<uuid>", "kind": "cookie", "name": "_ga_*", "host": ".example.com",
                  "category": "performance", "party": "first" | "third",
                  "duration": "session" | "persistent", "lifetime": "P13M" | "",
                  "purpose": {"en": …, "nl": …, "ar": …}, "refusing": {"en": …, …}, "company": "…" | "",
                  "company_id": "<uuid>" | "", "request_hosts": ["…"], "is_sample": false}, …]}

Entries stand in the order of the categories, then by name and host.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from apps.cookies.lifetimes import length
from apps.cookies.models import Cookie, Site
from apps.cookies.states import OPTIONAL, Category, Duration, Reason

ORDER = {category.value: place for place, category in enumerate(Category)}
Content = Mapping[str, Any]


def content_of(site: Site, cookies: Iterable[Cookie]) -> dict[str, Any]:
    """What the register says once these versions are published; `processor` should be fetched."""
    return {
        "site": site.key,
        "name": site.name,
        "hosts": list(site.hosts),
        "validity_months": site.validity_months,
        "is_sample": site.is_sample,
        "entries": sorted(map(_entry, cookies), key=_place),
    }


def digest_of(content: Content) -> str:
    """SHA-256 of the canonical bytes: JSON, keys sorted, no spaces, UTF-8."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def to_publish(cookies: Iterable[Cookie]) -> list[Cookie]:
    """Of the current versions of a site those that will stand: of each entry the draft, if there is one, and none where
    the draft takes it off."""
    newest: dict[Any, Cookie] = {}
    for cookie in sorted(cookies, key=lambda each: each.version):
        newest[cookie.line] = cookie
    return [cookie for cookie in newest.values() if not cookie.is_ending]


def _entry(cookie: Cookie) -> dict[str, Any]:
    return {
        "line": str(cookie.line),
        "kind": cookie.kind,
        "name": cookie.name,
        "host": cookie.host,
        "category": cookie.category,
        "party": "third" if cookie.is_third_party else "first",
        "duration": cookie.duration,
        "lifetime": cookie.lifetime,
        "purpose": dict(cookie.purpose),
        "refusing": dict(cookie.refusing),
        "company": cookie.processor.name if cookie.processor else "",
        "company_id": str(cookie.processor_id or ""),
        "request_hosts": sorted(cookie.request_hosts),
        "is_sample": cookie.is_sample,
    }


def _place(entry: Content) -> tuple[Any, ...]:
    return ORDER[entry["category"]], entry["name"].lower(), entry["host"], entry["kind"], entry["line"]


@dataclass(frozen=True)
class Change:
    """One entry that was added (no `before`), removed (no `after`) or changed, and why that is material, if it is."""

    before: Content | None
    after: Content | None
    reasons: tuple[Reason, ...] = ()

    @property
    def entry(self) -> Content:
        return self.after or self.before or {}

    @property
    def fields(self) -> list[str]:
        """What differs, where both are there."""
        if self.before is None or self.after is None:
            return []
        return [name for name in self.after if self.before.get(name) != self.after[name]]


@dataclass(frozen=True)
class Changes:
    """All that changed from one register to another. `reasons` is empty where the change is editorial (B11)."""

    entries: tuple[Change, ...]
    reasons: tuple[Reason, ...]
    site_fields: tuple[str, ...] = field(default=())

    @property
    def is_material(self) -> bool:
        return bool(self.reasons)

    @property
    def is_any(self) -> bool:
        return bool(self.entries or self.site_fields)


def compare(old: Content | None, new: Content, *, meanings: Collection[str] = ()) -> Changes:
    """What changed. `meanings`: lines of the entries whose writer said that the purpose means something else."""
    before = {entry["line"]: entry for entry in (old or {}).get("entries", ())}
    after = {entry["line"]: entry for entry in new["entries"]}
    known = _Known(before.values(), frozenset(meanings))
    changes = [
        Change(before.get(line), entry, tuple(known.reasons(before.get(line), entry)))
        for line, entry in after.items()
        if before.get(line) != entry
    ]
    changes += [Change(entry, None) for line, entry in before.items() if line not in after]
    fields = tuple(name for name in new if name != "entries" and (old or {}).get(name) != new[name])
    found = {reason for change in changes for reason in change.reasons}
    if old is None:
        found = {Reason.FIRST}
    elif set(new["hosts"]) - set(old["hosts"]):
        found.add(Reason.HOST)
    return Changes(tuple(changes), tuple(reason for reason in Reason if reason in found), fields)


class _Known:
    """What a visitor who chose before could know, and what in an entry goes beyond it."""

    def __init__(self, entries: Iterable[Content], meanings: frozenset[str]) -> None:
        entries = list(entries)
        self.categories = {entry["category"] for entry in entries}
        self.companies = {entry["company_id"] for entry in entries} | {""}
        self.meanings = meanings

    def reasons(self, before: Content | None, after: Content) -> Iterator[Reason]:
        is_optional = after["category"] in OPTIONAL
        if is_optional and after["category"] not in self.categories:
            yield Reason.CATEGORY
        if before is None:
            if after["company_id"] not in self.companies:
                yield Reason.COMPANY
            if is_optional:
                yield Reason.ENTRY
            return
        yield from self._changed(before, after, is_optional)

    def _changed(self, before: Content, after: Content, is_optional: bool) -> Iterator[Reason]:
        if before["category"] != after["category"]:
            yield Reason.MOVED
        if after["company_id"] not in ("", before["company_id"]):
            yield Reason.COMPANY
        if after["line"] in self.meanings and before["purpose"] != after["purpose"]:
            yield Reason.MEANING
        if is_optional and any(before[name] != after[name] for name in ("kind", "name", "host", "party")):
            yield Reason.ENTRY
        if _stays(after) > _stays(before):
            yield Reason.LONGER
        if is_optional and set(after["request_hosts"]) - set(before["request_hosts"]):
            yield Reason.HOST


def _stays(entry: Content) -> timedelta:
    """How long it is kept: nothing for a session, without end for storage that nobody deletes."""
    if entry["duration"] == Duration.SESSION:
        return timedelta(0)
    return length(entry["lifetime"]) if entry["lifetime"] else timedelta.max
