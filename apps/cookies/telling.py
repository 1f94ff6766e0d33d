"""How the register reads for those who write it: rows, histories, and what publishing would change."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from apps.cookies.lifetimes import in_words
from apps.cookies.models import Cookie
from apps.cookies.snapshots import Change, Changes, content_of
from apps.cookies.states import LANGUAGES, Category, Duration, Kind, Reason
from apps.core.differences import Rewording, compare
from apps.core.timeline import Event
from apps.ledger.models import Entry
from apps.ledger.services import sentence

LABELS = {
    "kind": gettext_lazy("What it is"),
    "name": gettext_lazy("Name"),
    "host": gettext_lazy("Host"),
    "category": gettext_lazy("Category"),
    "party": gettext_lazy("Whose"),
    "duration": gettext_lazy("How long"),
    "lifetime": gettext_lazy("Lifetime"),
    "company": gettext_lazy("Company"),
    "request_hosts": gettext_lazy("Hosts that pages ask"),
    "purpose": gettext_lazy("Purpose"),
    "refusing": gettext_lazy("What refusing means"),
}
TEXTS = ("purpose", "refusing")


@dataclass(frozen=True)
class Row:
    """One version of an entry as a list or a page shows it."""

    cookie: Cookie
    category: str
    kind: str
    party: str
    duration: str
    standing: str
    tone: str
    url: str = ""


def describe(cookie: Cookie, *, url: str = "") -> Row:
    """A row of the list; site and company should be fetched."""
    standing, tone = _standing(cookie)
    return Row(
        cookie=cookie,
        category=str(cookie.get_category_display()),
        kind=str(cookie.get_kind_display()),
        party=_shown("party", "third" if cookie.is_third_party else "first"),
        duration=_lasts(cookie),
        standing=standing,
        tone=tone,
        url=url,
    )


def _lasts(cookie: Cookie) -> str:
    lasts = str(cookie.get_duration_display())
    return f"{lasts}, {_shown('lifetime', cookie.lifetime)}" if cookie.lifetime else lasts


def _standing(cookie: Cookie) -> tuple[str, str]:
    if cookie.is_draft and cookie.is_ending:
        return _("To be taken off"), "orange"
    return (_("Draft"), "grey") if cookie.is_draft else (_("Published"), "green")


@dataclass(frozen=True)
class Told:
    """One entry that would be added, removed or changed: facts as lines, texts word by word, and why it is material."""

    name: str
    host: str
    what: str
    tone: str
    lines: tuple[str, ...]
    rewordings: tuple[Rewording, ...]
    reasons: tuple[str, ...]


def tell(changes: Changes) -> list[Told]:
    """What publishing would change, entry by entry."""
    return [_told(change) for change in changes.entries]


def reasons(codes: Iterable[str]) -> list[str]:
    return [str(Reason(code).label) for code in codes]


def _told(change: Change) -> Told:
    if change.before is None:
        what, tone = _("Added"), "green"
    else:
        what, tone = (_("Taken off"), "red") if change.after is None else (_("Changed"), "blue")
    name, host = change.entry["name"], change.entry["host"]
    return Told(
        name, host, what, tone, tuple(_lines(change)), tuple(_rewordings(change)), tuple(reasons(change.reasons))
    )


def _lines(change: Change) -> Iterator[str]:
    before, after = change.before or {}, change.after or {}
    names = change.fields if before and after else LABELS if after else ()
    for name in names:
        if name not in LABELS or name in TEXTS:
            continue
        old, new = _shown(name, before.get(name, "")), _shown(name, after[name])
        if before:
            yield _("%(label)s: %(old)s → %(new)s") % {"label": LABELS[name], "old": old or "–", "new": new or "–"}
        elif new:
            yield f"{LABELS[name]}: {new}"


def _rewordings(change: Change) -> Iterator[Rewording]:
    before, after = change.before or {}, change.after or {}
    for name in TEXTS if after else ():
        for language in LANGUAGES:
            old, new = before.get(name, {}).get(language, ""), after[name].get(language, "")
            if old != new:
                yield Rewording(f"{LABELS[name]} ({language})", compare(old, new))


def _shown(name: str, value: Any) -> str:
    match name:
        case "lifetime":
            return in_words(value, get_language() or "en") if value else ""
        case "category":
            return str(Category(value).label) if value else ""
        case "kind":
            return str(Kind(value).label) if value else ""
        case "duration":
            return str(Duration(value).label) if value else ""
        case "party":
            return {"first": _("first-party"), "third": _("third-party")}.get(value, "")
        case "request_hosts":
            return ", ".join(value)
    return str(value)


def history(entries: Iterable[Entry], names: Mapping[str, str], versions: Iterable[Cookie] = ()) -> list[Event]:
    """What the ledger says, newest first; of an entry also what each of its versions changed."""
    stored = {version.version: version for version in versions}
    return [
        Event(entry.at, sentence(entry), names.get(entry.actor, entry.actor), _note(entry, stored))
        for entry in sorted(entries, key=lambda each: each.id, reverse=True)
    ]


def _note(entry: Entry, stored: Mapping[int, Cookie]) -> str:
    if entry.verb.startswith("cookies.published"):
        return "; ".join(reasons(entry.facts.get("reasons", ())))
    version = stored.get(entry.facts.get("version", 0))
    before = stored.get(version.version - 1) if version else None
    if version is None or before is None or entry.verb != "cookies.drafted":
        return ""
    told = _told(Change(_entry(before), _entry(version)))
    return "; ".join([*told.lines, *(each.label for each in told.rewordings)])


def _entry(cookie: Cookie) -> Mapping[str, Any]:
    entry: Mapping[str, Any] = content_of(cookie.site, [cookie])["entries"][0]
    return entry
