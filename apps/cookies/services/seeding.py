"""Loading what our sites keep in browsers: the portal's real cookies, and a sample set for the demo."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from apps.cookies.models import Cookie, Site
from apps.cookies.register_file import entry_of, loaded, names
from apps.cookies.services.entries import write_version
from apps.cookies.services.publishing import preview, publish_register
from apps.cookies.services.sites import lock_sites, others
from apps.cookies.states import LANGUAGES
from apps.ledger.services import record


@dataclass(frozen=True)
class Seeded:
    """How many entries were new, and how many were there."""

    added: int
    unchanged: int


@transaction.atomic
def seed_cookies(*, now: datetime, actor: str = "command", samples: bool | None = None) -> Seeded:
    """Load the register's sites and entries, and publish what is new. Adds what is missing, never touches what people
    changed, and publishes nothing while somebody's draft waits. `samples` (default: where DEMO is on): the demo's."""
    samples = settings.DEMO if samples is None else samples
    added = unchanged = 0
    for key, data in loaded().items():
        if data.get("is_sample", False) and not samples:
            continue
        site = _site(key, data, actor=actor, now=now)
        is_waiting = Cookie.objects.of_site(key).drafted().exists()
        new = [_add(site, entry, actor=actor, now=now) for entry in _missing(site, data)]
        added, unchanged = added + len(new), unchanged + len(data["entries"]) - len(new)
        seen = preview(site)
        if seen.is_any and not is_waiting:
            publish_register(key, asks_again=seen.changes.is_material, seen_digest=seen.digest, actor=actor, now=now)
    return Seeded(added, unchanged)


def _site(key: str, data: Mapping[str, Any], *, actor: str, now: datetime) -> Site:
    """The site with all its hosts; one that moved gets its new host beside the old ones."""
    lock_sites()
    hosts = data.get("hosts") or list(dict.fromkeys([*settings.CONSENT_HOSTS, names()["portal"]]))
    site, made = Site.objects.get_or_create(
        key=key,
        defaults={
            "name": data["name"],
            "hosts": hosts,
            "cookie_domain": data.get("cookie_domain", settings.CONSENT_COOKIE_DOMAIN),
            "languages": list(LANGUAGES),
            "validity_months": settings.CONSENT_VALIDITY_MONTHS,
            "is_sample": data.get("is_sample", False),
        },
    )
    if missing := [host for host in hosts if host not in site.hosts and not _is_decided(site, host, now=now)]:
        site.hosts = [*site.hosts, *missing]
        site.save(update_fields=["hosts"])
    if made or missing:
        record(actor=actor, verb="cookies.site_set", target=site.target, at=now, hosts=len(site.hosts))
    return site


def _is_decided(site: Site, host: str, *, now: datetime) -> bool:
    """Whether people took this host off the site, or another site has it."""
    return host in site.former_hosts or any(other.holds(host) for other in others(site.key, now=now))


def _missing(site: Site, data: Mapping[str, Any]) -> Iterator[Cookie]:
    places = names()
    is_inside = f".{places['portal']}".endswith(f".{places['domain']}")
    known = set(Cookie.objects.of_site(site.key).values_list("line", flat=True))
    for row in data["entries"]:
        if row.get("only_outside_domain") and is_inside:
            continue
        cookie = entry_of(site, row, places)
        if cookie.line not in known:
            yield cookie


def _add(site: Site, cookie: Cookie, *, actor: str, now: datetime) -> Cookie:
    return write_version(cookie, None, actor=actor, now=now)
