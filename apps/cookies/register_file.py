"""What stands in `data/register.yml`: what our own sites keep, the sample's, and what every banner keeps."""

import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from django.conf import settings

from apps.cookies.choice import NAME, covers
from apps.cookies.models import Cookie, Site
from apps.cookies.states import Duration, Kind
from apps.processors.models import Processor

DATA = Path(__file__).parent / "data" / "register.yml"
SEED = uuid.UUID("0d7a5f3a-5a0b-5c7e-8f43-6b1f3e2c9d55")  # so that the same entry gets the same line everywhere
OURS = "main"
BANNERS = (NAME, "portal-consent-queue")


def names() -> dict[str, str]:
    """The places in the file: how this installation names its cookies, and where it stands."""
    return {
        "session": settings.SESSION_COOKIE_NAME,
        "csrf": settings.CSRF_COOKIE_NAME,
        "device": "__Host-device" if settings.SESSION_COOKIE_SECURE else "device",
        "portal": urlsplit(settings.BASE_URL).hostname or "localhost",
        "domain": settings.CONSENT_COOKIE_DOMAIN,
    }


def loaded() -> dict[str, Any]:
    with DATA.open(encoding="utf-8") as file:
        loaded: dict[str, Any] = yaml.safe_load(file)
    return loaded


def banner_entries(site: Site) -> Iterator[Cookie]:
    """What the banner itself keeps in the browsers of this site's visitors."""
    kept = {row["name"]: row for row in loaded()[OURS]["entries"] if row["name"] in BANNERS}
    domain = [f".{site.cookie_domain}"] if site.cookie_domain else []
    for host in (*domain, *(host for host in site.hosts if not covers(site.cookie_domain, host))):
        for name in BANNERS:
            yield entry_of(site, kept[name] | {"host": host}, names())


def is_banner_entry(cookie: Cookie) -> bool:
    """Whether it is one of those, of this place or of one that the site had before."""
    return cookie.name in BANNERS and cookie.line == _line(cookie.site_id, cookie.kind, cookie.name, cookie.host)


def _line(site: str, kind: str, name: str, host: str) -> uuid.UUID:
    return uuid.uuid5(SEED, f"{site} {kind} {name} {host}")


def entry_of(site: Site, row: Mapping[str, Any], places: Mapping[str, str]) -> Cookie:
    """The first version of the entry that a row describes; `places` fill what stands in braces."""
    name, host = row["name"].format(**places), row["host"].format(**places)
    lasts = row.get("duration") or (Duration.PERSISTENT if row.get("lifetime") else Duration.SESSION)
    kind = row.get("kind", Kind.COOKIE)
    return Cookie(
        site=site,
        line=_line(site.key, kind, name, host),
        kind=kind,
        name=name,
        host=host,
        is_third_party=row.get("party") == "third",
        duration=lasts,
        lifetime=row.get("lifetime", "").format(months=site.validity_months),
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
