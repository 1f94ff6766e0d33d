"""Loading what our sites keep in browsers: the portal's real cookies, and a sample set for the demo."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from django.conf import settings
from django.db import transaction

from apps.cookies.models import Cookie, Site
from apps.cookies.services.entries import write_version
from apps.cookies.services.publishing import preview, publish_register
from apps.cookies.states import LANGUAGES, Duration, Kind
from apps.ledger.services import record
from apps.processors.models import Processor

DATA = Path(__file__).parent.parent / "data" / "register.yml"
SEED = uuid.UUID("0d7a5f3a-5a0b-5c7e-8f43-6b1f3e2c9d55")  # so that the same entry gets the same line everywhere


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
    for key, data in _loaded().items():
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


def names() -> dict[str, str]:
    """The places in the file: how this installation names its cookies, and where it stands."""
    return {
        "session": settings.SESSION_COOKIE_NAME,
        "csrf": settings.CSRF_COOKIE_NAME,
        "device": "__Host-device" if settings.SESSION_COOKIE_SECURE else "device",
        "portal": urlsplit(settings.BASE_URL).hostname or "localhost",
        "domain": settings.CONSENT_COOKIE_DOMAIN,
    }


def _loaded() -> dict[str, Any]:
    with DATA.open(encoding="utf-8") as file:
        loaded: dict[str, Any] = yaml.safe_load(file)
    return loaded


def _site(key: str, data: Mapping[str, Any], *, actor: str, now: datetime) -> Site:
    """The site with all its hosts; one that moved gets its new host beside the old ones."""
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
    if missing := [host for host in hosts if host not in site.hosts]:
        site.hosts = [*site.hosts, *missing]
        site.save(update_fields=["hosts"])
    if made or missing:
        record(actor=actor, verb="cookies.site_set", target=site.target, at=now, hosts=len(site.hosts))
    return site


def _missing(site: Site, data: Mapping[str, Any]) -> Iterator[Cookie]:
    places = names()
    is_inside = f".{places['portal']}".endswith(f".{places['domain']}")
    known = set(Cookie.objects.of_site(site.key).values_list("line", flat=True))
    for row in data["entries"]:
        if row.get("only_outside_domain") and is_inside:
            continue
        cookie = _cookie(site, row, places)
        if cookie.line not in known:
            yield cookie


def _cookie(site: Site, row: Mapping[str, Any], places: Mapping[str, str]) -> Cookie:
    name, host = row["name"].format(**places), row["host"].format(**places)
    lasts = row.get("duration") or (Duration.PERSISTENT if row.get("lifetime") else Duration.SESSION)
    kind = row.get("kind", Kind.COOKIE)
    return Cookie(
        site=site,
        line=uuid.uuid5(SEED, f"{site.key} {kind} {name} {host}"),
        kind=kind,
        name=name,
        host=host,
        is_third_party=row.get("party") == "third",
        duration=lasts,
        lifetime=row.get("lifetime", ""),
        category=row["category"],
        purpose=row["purpose"],
        refusing=row["refusing"],
        processor=_company(row["company"]) if "company" in row else None,
        request_hosts=row.get("request_hosts", []),
        is_sample=site.is_sample,
    )


def _company(name: str) -> Processor:
    company, _made = Processor.objects.get_or_create(name__iexact=name, defaults={"name": name})
    return company


def _add(site: Site, cookie: Cookie, *, actor: str, now: datetime) -> Cookie:
    return write_version(cookie, None, actor=actor, now=now)
