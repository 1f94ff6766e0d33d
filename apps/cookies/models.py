"""Sites, what they keep in a visitor's browser, and the register of it as it was published."""

import uuid
from typing import Any, Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from apps.accounts.policies import is_staff_member
from apps.cookies.lifetimes import PATTERN
from apps.cookies.states import Category, Duration, Kind
from apps.processors.models import Processor

LONGEST_VALIDITY = 12
"""Months: after a year at the latest everybody is asked again."""
DIGEST = r"^[0-9a-f]{64}$"


class SiteQuerySet(models.QuerySet["Site"]):
    def visible_to(self, user: Any) -> Self:
        return self if is_staff_member(user) else self.none()

    def keyed(self, key: str) -> Self:
        return self.filter(key=key)

    def hosting(self, host: str) -> Self:
        """The site that this host name (without a port) belongs to."""
        return self.filter(hosts__contains=[host])


class Site(models.Model):
    """Host names that share one register and one choice (COO-4)."""

    CONTENT = ("name", "hosts", "cookie_domain", "languages", "validity_months")

    key = models.SlugField(_("key"), max_length=40, primary_key=True)
    name = models.CharField(_("name"), max_length=80)
    hosts = models.JSONField(_("host names"), default=list)  # without ports
    former_hosts = models.JSONField(_("former host names"), default=dict, blank=True)  # host -> when it was taken off
    cookie_domain = models.CharField(_("domain of the cookie"), max_length=100, blank=True)  # "": the host alone
    languages = models.JSONField(_("languages"), default=list)
    validity_months = models.PositiveSmallIntegerField(_("asked again after (months)"), default=6)
    is_sample = models.BooleanField(_("sample"), default=False)

    objects = SiteQuerySet.as_manager()

    class Meta:
        verbose_name = _("site")
        verbose_name_plural = _("sites")
        constraints = [
            models.CheckConstraint(
                condition=Q(validity_months__gte=1, validity_months__lte=LONGEST_VALIDITY),
                name="site_validity_in_range",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def scope(self) -> str:
        """How events of consent name the site."""
        return f"site:{self.key}"

    @property
    def notice(self) -> str:
        """How texts of consent name the words of its banner."""
        return f"cookies:{self.key}"

    @property
    def target(self) -> str:
        return f"cookies.register:{self.key}"


class CookieQuerySet(models.QuerySet["Cookie"]):
    def visible_to(self, user: Any) -> Self:
        """Staff read every version; everybody else reads the published register."""
        return self if is_staff_member(user) else self.none()

    def published(self) -> Self:
        return self.exclude(published_at=None).filter(replaced_at=None)

    def drafted(self) -> Self:
        """What is written and not published: new versions, and entries that are to go."""
        return self.filter(published_at=None, replaced_at=None)

    def current(self) -> Self:
        """What is published and what is drafted, without what was replaced."""
        return self.filter(replaced_at=None)

    def of_site(self, key: str) -> Self:
        return self.filter(site=key)

    def of_line(self, line: uuid.UUID) -> Self:
        """All versions of one entry, the oldest first."""
        return self.filter(line=line).order_by("version")

    def searched(self, *, words: str = "", site: str = "", category: str = "") -> Self:
        """Those with these words in name or host, of this site, in this category; "" asks for nothing."""
        found = self.filter(site=site) if site else self
        found = found.filter(category=category) if category else found
        words = words.strip()
        return found.filter(Q(name__icontains=words) | Q(host__icontains=words)) if words else found

    def for_list(self) -> Self:
        return self.select_related("site", "processor").annotate(by_name=Lower("name"))


class Cookie(models.Model):
    """One version of one entry: something kept in a browser, or a host that pages ask. `line` is the entry that the
    versions belong to; the house's pattern (`processors.Engagement`).

    `name` may hold `*` for any characters (`_ga_*`). `host` is the host whose browser storage it lies in; a leading dot
    means all hosts below. `request_hosts`: hosts that pages ask because of it, so that a scan knows them. `purpose` and
    `refusing` (what refusing it means) map languages to words. `changes_meaning`: the purpose means something else than
    before, not merely in other words. `is_ending`: a draft which takes the entry off the register once published.
    """

    CONTENT = (
        *("kind", "name", "host", "is_third_party", "duration", "lifetime", "category"),
        *("purpose", "refusing", "processor", "request_hosts", "changes_meaning"),
    )

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    site = models.ForeignKey(Site, models.PROTECT, related_name="cookies", verbose_name=_("site"))
    line = models.UUIDField(_("entry"), default=uuid.uuid4)
    version = models.PositiveIntegerField(_("version"), default=1)
    kind = models.CharField(_("kind"), max_length=16, choices=Kind, default=Kind.COOKIE)
    name = models.CharField(_("name"), max_length=120)
    host = models.CharField(_("host"), max_length=120)
    is_third_party = models.BooleanField(_("third party"), default=False)
    duration = models.CharField(_("duration"), max_length=12, choices=Duration)
    lifetime = models.CharField(_("lifetime"), max_length=20, blank=True)  # ISO 8601; "": session, or until deleted
    category = models.CharField(_("category"), max_length=12, choices=Category)
    purpose = models.JSONField(_("purpose"), default=dict)
    refusing = models.JSONField(_("what refusing means"), default=dict)
    processor = models.ForeignKey(
        Processor, models.PROTECT, null=True, blank=True, related_name="cookies", verbose_name=_("company")
    )
    request_hosts = models.JSONField(_("hosts asked"), default=list, blank=True)
    changes_meaning = models.BooleanField(_("the purpose means something else"), default=False)
    is_sample = models.BooleanField(_("sample"), default=False)
    is_ending = models.BooleanField(_("to be taken off"), default=False)
    drafted_at = models.DateTimeField(_("written at"))
    published_at = models.DateTimeField(_("published at"), null=True, blank=True)
    replaced_at = models.DateTimeField(_("replaced at"), null=True, blank=True)

    objects = CookieQuerySet.as_manager()

    class Meta:
        verbose_name = _("entry of the cookie register")
        verbose_name_plural = _("entries of the cookie register")
        constraints = [
            models.UniqueConstraint(fields=["line", "version"], name="cookie_version_once"),
            models.UniqueConstraint(
                fields=["line"], condition=Q(published_at__isnull=False, replaced_at=None), name="cookie_one_published"
            ),
            models.UniqueConstraint(
                fields=["line"], condition=Q(published_at=None, replaced_at=None), name="cookie_one_draft"
            ),
            models.CheckConstraint(condition=Q(category__in=Category.values), name="cookie_category_known"),
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="cookie_kind_known"),
            models.CheckConstraint(condition=Q(duration__in=Duration.values), name="cookie_duration_known"),
            models.CheckConstraint(
                condition=Q(lifetime="") | Q(lifetime__regex=PATTERN), name="cookie_lifetime_is_a_duration"
            ),
            models.CheckConstraint(
                condition=Q(duration=Duration.PERSISTENT) | Q(lifetime=""), name="cookie_session_has_no_lifetime"
            ),
            models.CheckConstraint(
                condition=~Q(kind=Kind.COOKIE, duration=Duration.PERSISTENT, lifetime=""),
                name="cookie_persistent_has_a_lifetime",
            ),
            models.CheckConstraint(
                condition=Q(is_third_party=False) | Q(processor__isnull=False), name="cookie_third_party_is_named"
            ),
        ]
        indexes = [models.Index(fields=["site", "replaced_at"], name="cookie_current")]

    def __str__(self) -> str:
        return f"{self.line} v{self.version}"

    @property
    def target(self) -> str:
        """How the ledger names the entry, over all its versions."""
        return f"cookies.entry:{self.line}"

    @property
    def is_draft(self) -> bool:
        return self.published_at is None

    @property
    def is_persistent(self) -> bool:
        return self.duration == Duration.PERSISTENT


class RegisterVersionQuerySet(models.QuerySet["RegisterVersion"]):
    def current(self) -> Self:
        """Of each site what the banner and the cookie page say now."""
        newest = RegisterVersion.objects.filter(site=models.OuterRef("site")).order_by("-number")
        return self.filter(number=models.Subquery(newest.values("number")[:1]))

    def of_site(self, key: str) -> Self:
        """All versions, the newest first."""
        return self.filter(site=key).order_by("-number")

    def without_content(self) -> Self:
        """All but the snapshot, which is long; `validity_months` is read out of it all the same."""
        return self.defer("content").annotate(months=F("content__validity_months"))


class RegisterVersion(models.Model):
    """A register as it was published: the database refuses to change or delete one (migration 0001).

    `content` is the snapshot (`cookies.snapshots` says its form), `digest` the SHA-256 of its canonical bytes, `texts`
    the digests of the banner's words by language (`consent.Text`). `material_number` counts the versions that ask
    again; it is what the browser's cookie holds.
    """

    id = models.BigAutoField(primary_key=True)
    site = models.ForeignKey(Site, models.PROTECT, related_name="versions", verbose_name=_("site"))
    number = models.PositiveIntegerField(_("version"))
    content = models.JSONField(_("content"))
    digest = models.CharField(_("digest"), max_length=64)
    texts = models.JSONField(_("digests of the words"), default=dict)
    is_material = models.BooleanField(_("asks again"))
    material_number = models.PositiveIntegerField(_("material version"))
    reasons = models.JSONField(_("reasons"), default=list)  # of states.Reason
    published_at = models.DateTimeField(_("published at"))

    objects = RegisterVersionQuerySet.as_manager()

    class Meta:
        verbose_name = _("published register")
        verbose_name_plural = _("published registers")
        constraints = [
            models.UniqueConstraint(fields=["site", "number"], name="register_version_once"),
            models.CheckConstraint(condition=Q(digest__regex=DIGEST), name="register_digest_is_one"),
            models.CheckConstraint(
                condition=Q(material_number__gte=1, material_number__lte=F("number")), name="register_material_counts"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.site_id} v{self.number}"

    @property
    def validity_months(self) -> int:
        """How long a choice counts: what visitors were told, until they are told something else."""
        months: int = vars(self).get("months") or self.content["validity_months"]
        return months

    @property
    def languages(self) -> list[str]:
        """Those of its words in the order of the site, which should be fetched; last what the site no longer has."""
        order = [*self.site.languages, *sorted(self.texts)]
        return sorted(self.texts, key=order.index)
