"""Setting up sites: which hosts share a register, and where browsers keep the choice."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dateutil.relativedelta import relativedelta
from django.db import connection, transaction
from django.utils.translation import gettext as _

from apps.cookies.choice import covers
from apps.cookies.models import LONGEST_VALIDITY, Cookie, RegisterVersion, Site
from apps.cookies.register_file import banner_entries, is_banner_entry
from apps.cookies.services.entries import end_entry, lock_site, write_version
from apps.cookies.snapshots import digest_of
from apps.core.errors import DomainError, InvalidInput
from apps.ledger.services import record


@transaction.atomic
def save_site(key: str, content: Mapping[str, Any], *, seen: str = "", actor: str, now: datetime) -> Site:
    """Change a site, or add one (`seen` ""). `content` has the keys of `Site.CONTENT`; `seen` is what `seen_of` said of
    the site that the writer started from.

    Hosts count at once, for what browsers send from there; but each process of the server remembers them for half a
    minute, and lets a host send for so long after it was taken off (`ingest.hosts`). What visitors are told, and how
    long a choice counts, changes when the register is published next. Raises `InvalidInput` for what can't be, and
    `DomainError("stale")` if somebody else changed the site meanwhile.
    """
    lock_sites()
    site = lock_site(key) if seen else _new(key)
    if seen and seen != seen_of(site):
        raise DomainError("stale", _("Somebody else changed this site while you wrote. Look at it and try again."))
    if seen and seen == digest_of(content):
        return site
    is_published = RegisterVersion.objects.of_site(key).exists()  # before, there is no banner, and no choice
    _refuse_domain(site, content, is_published=is_published)
    for other in others(key, now=now):
        _refuse_shared(content, other)
    left = site.former_hosts | {host: now.isoformat() for host in site.hosts if is_published}
    site.former_hosts = {host: at for host, at in left.items() if host not in content["hosts"]}
    for name in Site.CONTENT:
        setattr(site, name, content[name])
    site.full_clean()
    site.save()
    record(actor=actor, verb="cookies.site_set", target=site.target, at=now, hosts=len(site.hosts))
    _draft_what_the_banner_keeps(site, actor=actor, now=now)
    return site


def _draft_what_the_banner_keeps(site: Site, *, actor: str, now: datetime) -> None:
    """The register names the banner's own cookie and storage, each where it lies and for how long (COO-1). What people
    wrote of them or took off stays as it is, but for the time that the site says now."""
    versions = list(Cookie.objects.of_site(site.key).order_by("version"))
    newest = {each.line: each for each in versions}
    standing = {each.line: each for each in versions if each.replaced_at is None}
    current = {line: each for line, each in standing.items() if not each.is_ending}
    wanted = {each.line: each for each in banner_entries(site)}
    for line, cookie in wanted.items():
        if line not in newest:
            write_version(cookie, None, actor=actor, now=now)
        elif cookie.lifetime and line in current and current[line].lifetime != cookie.lifetime:
            again = _for_as_long_as(cookie, current[line])
            write_version(again, newest[line], actor=actor, now=now)
    for line, cookie in current.items():
        if line not in wanted and is_banner_entry(cookie):
            end_entry(line, actor=actor, now=now)


def _for_as_long_as(cookie: Cookie, current: Cookie) -> Cookie:
    """What the register says of it, with the time of this one."""
    content = {name: getattr(current, name) for name in Cookie.CONTENT}
    content |= {"lifetime": cookie.lifetime, "duration": cookie.duration}
    content["changes_meaning"] = current.is_draft and current.changes_meaning
    return Cookie(site=cookie.site, line=current.line, is_sample=current.is_sample, **content)


def seen_of(site: Site) -> str:
    """Stands for what the site says: whoever changes it tells which one was seen."""
    return digest_of({name: getattr(site, name) for name in Site.CONTENT})


def lock_sites() -> None:
    """Nobody else says what belongs to which site until the transaction ends: each is held against all others."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('cookie sites'))")


@dataclass(frozen=True)
class Other:
    """Another site. `former`: hosts that it had within the last year, where browsers may still keep its choices."""

    site: Site
    former: Collection[str]

    def holds(self, host: str) -> bool:
        """Whether a browser may keep this site's choice where it visits that host."""
        return host in self.site.hosts or host in self.former or covers(self.site.cookie_domain, host)


def others(key: str, *, now: datetime) -> Iterator[Other]:
    """All sites but this one."""
    since = now - relativedelta(months=LONGEST_VALIDITY)
    for other in Site.objects.exclude(key=key).order_by("key"):
        yield Other(other, [host for host, at in other.former_hosts.items() if datetime.fromisoformat(at) > since])


def _new(key: str) -> Site:
    if Site.objects.keyed(key).exists():
        raise InvalidInput("key", _("There is a site with this key already."), code="taken")
    return Site(key=key)


def _refuse_domain(site: Site, content: Mapping[str, Any], *, is_published: bool) -> None:
    domain = content["cookie_domain"]
    if domain == site.cookie_domain and not _covers_any(domain, site.hosts):
        return  # set up so by `seed`: what is there already is no reason to refuse the rest
    if domain != site.cookie_domain and is_published:
        why = _("Browsers keep choices there since the register was published, so it can’t be changed.")
    elif domain and domain != site.cookie_domain and "." not in domain:
        why = _("Browsers refuse a domain of one part, such as “com” or “localhost”.")
    elif domain and not _covers_any(domain, content["hosts"]):
        why = _("None of the host names is this domain or lies below it.")
    else:
        return
    raise InvalidInput("cookie_domain", why, code="domain")


def _covers_any(domain: str, hosts: Iterable[str]) -> bool:
    return any(covers(domain, host) for host in hosts)


def _refuse_shared(content: Mapping[str, Any], other: Other) -> None:
    """The cookie is named alike for every site: where two could reach one host, each would take the other's choice for
    its own, and with it a yes that nobody gave."""
    facts = {"site": other.site.name}
    for host in filter(other.holds, content["hosts"]):
        if host in other.site.hosts:
            why = _("“%(host)s” belongs to the site “%(site)s” already.")
        elif host in other.former:
            why = _("“%(host)s” belonged to “%(site)s” within the last year: browsers may keep its choices.")
        else:
            why = _("“%(host)s” lies below the cookie’s domain of “%(site)s”: one would take the other’s choice.")
        raise InvalidInput("hosts", why % {"host": host, **facts}, code="shared")
    for host in (*other.site.hosts, *sorted(other.former)):
        if covers(content["cookie_domain"], host):
            why = _("“%(host)s” of the site “%(site)s” lies below it: one would take the other’s choice.")
            raise InvalidInput("cookie_domain", why % {"host": host, **facts}, code="shared")
