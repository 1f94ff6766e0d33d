"""Writing entries: every change is a draft until the register of its site is published."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.cookies.models import Cookie, Site
from apps.core.errors import DomainError, InvalidInput
from apps.ledger.services import record


@transaction.atomic
def save_entry(
    *,
    site: str,
    content: Mapping[str, Any],
    line: uuid.UUID | None = None,
    seen_version: int = 0,
    actor: str,
    now: datetime,
) -> Cookie:
    """Write a new version of an entry as a draft, or the first one of a new entry (`line` None).

    `content` has the keys of `Cookie.CONTENT`; `seen_version` is the version that the writer started from. Raises
    `InvalidInput` for what the register refuses, `DomainError("stale")` if somebody else wrote meanwhile.
    """
    line = line or uuid.uuid4()
    holder = lock_site(site)
    latest = Cookie.objects.of_line(line).last()
    if (latest.version if latest else 0) != seen_version or (latest and latest.site_id != site):
        raise DomainError("stale", _("Somebody else changed this entry while you wrote. Look at it and try again."))
    _refuse_impossible(content)
    _refuse_double(site, content, line)
    return write_version(
        Cookie(site=holder, line=line, is_sample=holder.is_sample, **content), latest, actor=actor, now=now
    )


def write_version(cookie: Cookie, latest: Cookie | None, *, actor: str, now: datetime) -> Cookie:
    """Save the next version in place of a draft that may be there."""
    Cookie.objects.of_line(cookie.line).drafted().update(replaced_at=now)
    cookie.version, cookie.drafted_at = (latest.version if latest else 0) + 1, now
    cookie.full_clean()
    cookie.save()
    facts = {"version": cookie.version, "category": cookie.category, "site": cookie.site_id}
    record(actor=actor, verb="cookies.drafted", target=cookie.target, at=now, **facts)
    return cookie


@transaction.atomic
def end_entry(line: uuid.UUID, *, actor: str, now: datetime) -> None:
    """Note that the entry goes off the register when it is published next. One that never was published goes now."""
    latest = _locked(line)
    current = Cookie.objects.of_line(line).current()
    published = current.published().first()
    if latest is None or not current.exists() or current.filter(is_ending=True).exists():
        raise DomainError("ended", _("This entry is off the register already."))
    Cookie.objects.of_line(line).drafted().update(replaced_at=now)
    if published is not None:
        content = {name: getattr(published, name) for name in Cookie.CONTENT} | {"changes_meaning": False}
        ending = Cookie(site=published.site, line=line, is_sample=published.is_sample, is_ending=True, **content)
        ending.version, ending.drafted_at = latest.version + 1, now
        ending.save()
    record(actor=actor, verb="cookies.ending", target=latest.target, at=now, version=latest.version)


@transaction.atomic
def drop_draft(line: uuid.UUID, *, actor: str, now: datetime) -> None:
    """Give up what was written and not published."""
    latest = _locked(line)
    if latest is None or not latest.is_draft or latest.replaced_at:
        raise DomainError("no_draft", _("There is no draft any more."))
    Cookie.objects.of_line(line).drafted().update(replaced_at=now)
    record(actor=actor, verb="cookies.draft_dropped", target=latest.target, at=now, version=latest.version)


def lock_site(key: str) -> Site:
    """Nobody else writes this register, or publishes it, until the transaction ends."""
    site = Site.objects.keyed(key).select_for_update().first()
    if site is None:
        raise DomainError("no_site", _("There is no such site."))
    return site


def _locked(line: uuid.UUID) -> Cookie | None:
    latest = Cookie.objects.of_line(line).last()
    if latest is None:
        return None
    lock_site(latest.site_id)
    return Cookie.objects.of_line(line).last()  # a second statement: it sees what was committed while we waited


def _refuse_impossible(content: Mapping[str, Any]) -> None:
    if content["is_third_party"] and content["processor"] is None:
        raise InvalidInput("processor", _("Name the company: a third party can't stay unknown."), code="company")
    if content["duration"] == "session" and content["lifetime"]:
        raise InvalidInput("lifetime", _("What ends with the session has no lifetime."), code="lifetime")
    if content["kind"] == "cookie" and content["duration"] == "persistent" and not content["lifetime"]:
        raise InvalidInput("lifetime", _("Say how long the cookie stays: it has an end."), code="lifetime")


def _refuse_double(site: str, content: Mapping[str, Any], line: uuid.UUID) -> None:
    same = {name: content[name] for name in ("name", "host", "kind")}
    if Cookie.objects.of_site(site).current().filter(**same).exclude(line=line).exists():
        raise InvalidInput("name", _("The register has an entry for this name on this host already."), code="double")
