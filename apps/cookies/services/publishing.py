"""Publishing a register: an immutable snapshot, with the words of the banner, that asks everybody again or nobody."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.consent.services import publish_texts
from apps.cookies.models import Cookie, RegisterVersion, Site
from apps.cookies.notices import EDITION, bodies, texts_of
from apps.cookies.services.entries import lock_site
from apps.cookies.snapshots import Changes, Content, compare, content_of, digest_of, to_publish
from apps.core.errors import DomainError, InvalidInput
from apps.ledger.services import record


@dataclass(frozen=True)
class Preview:
    """What publishing would make of a register. `digest` stands for all of it, the words and where the cookie lies
    included: who publishes says which one was seen."""

    site: Site
    latest: RegisterVersion | None
    content: Content
    digest: str
    changes: Changes
    changes_words: bool  # of the banner

    @property
    def is_any(self) -> bool:
        return self.changes.is_any or self.changes_words


def preview(site: Site) -> Preview:
    """The register as it would be published now, beside the published one."""
    current = list(Cookie.objects.of_site(site.key).current().select_related("processor"))
    latest = RegisterVersion.objects.of_site(site.key).first()
    content = content_of(site, to_publish(current))
    meanings = {str(cookie.line) for cookie in current if cookie.is_draft and cookie.changes_meaning}
    return Preview(
        site=site,
        latest=latest,
        content=content,
        digest=digest_of({"content": content, "words": bodies(site), "domain": site.cookie_domain}),
        changes=compare(latest.content if latest else None, content, meanings=meanings),
        changes_words=latest is not None and texts_of(latest) != bodies(site),
    )


@transaction.atomic
def publish_register(site: str, *, asks_again: bool, seen_digest: str, actor: str, now: datetime) -> RegisterVersion:
    """Publish what is drafted. Raises `DomainError`: "stale" if the register is not what the publisher saw,
    "unchanged", and "material" if a change that needs a new choice would go out as editorial (B11)."""
    seen = preview(lock_site(site))
    if seen.digest != seen_digest:
        raise DomainError("stale", _("The register changed while you looked at it. Look at it again."))
    if not seen.is_any:
        raise DomainError("unchanged", _("There is nothing to publish: nothing changed."))
    if seen.changes.is_material and not asks_again:
        raise DomainError(
            "material", _("This change needs a new choice of everybody: it can't be published as editorial.")
        )
    version = _snapshot(seen, asks_again=asks_again, actor=actor, now=now)
    _settle(site, now=now)
    facts = {"number": version.number, "is_material": version.is_material, "digest": version.digest}
    facts |= {"reasons": version.reasons, "texts": version.texts}
    verb = "cookies.published_asking" if asks_again else "cookies.published"
    record(actor=actor, verb=verb, target=seen.site.target, at=now, **facts)
    return version


def _snapshot(seen: Preview, *, asks_again: bool, actor: str, now: datetime) -> RegisterVersion:
    site, latest = seen.site, seen.latest
    number = latest.number + 1 if latest else 1
    texts = _publish_words(site, number, asks_again=asks_again, actor=actor, now=now)
    return RegisterVersion.objects.create(
        site=site,
        number=number,
        content=seen.content,
        digest=digest_of(seen.content),
        texts=texts,
        is_material=asks_again,
        material_number=(latest.material_number if latest else 0) + asks_again,
        reasons=[reason.value for reason in seen.changes.reasons],
        published_at=now,
    )


def _publish_words(site: Site, number: int, *, asks_again: bool, actor: str, now: datetime) -> dict[str, str]:
    """Language -> digest. Words that come back after others stood in their place get the edition that they come with:
    a text that was replaced stays replaced."""
    how: dict[str, Any] = {"notice": site.notice, "is_material": asks_again, "actor": actor, "now": now}
    try:
        return publish_texts(bodies=bodies(site), **how)
    except InvalidInput:
        again = {language: {**body, EDITION: number} for language, body in bodies(site).items()}
        return publish_texts(bodies=again, **how)


def _settle(site: str, *, now: datetime) -> None:
    """What was drafted is published, and stands in place of what was published before."""
    drafts = Cookie.objects.of_site(site).drafted()
    lines = list(drafts.values_list("line", flat=True))
    Cookie.objects.of_site(site).published().filter(line__in=lines).update(replaced_at=now)
    drafts.filter(is_ending=True).update(published_at=now, replaced_at=now)
    drafts.update(published_at=now)
