"""Purposes, and the texts about them as people were shown them."""

from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.policies import is_staff_member
from apps.consent.states import Basis

DIGEST = r"^[0-9a-f]{64}$"


class PurposeQuerySet(models.QuerySet["Purpose"]):
    def visible_to(self, user: Any) -> Self:
        """Staff read the register of purposes; a person meets them on pages of their own."""
        return self if is_staff_member(user) else self.none()

    def open(self) -> Self:
        """Those that can still be said yes to."""
        return self.filter(ended_at=None)


class Purpose(models.Model):
    """What a person is asked about, one yes or no each (GDPR 6(1)(a), recital 32)."""

    key = models.SlugField(_("key"), max_length=40, primary_key=True)
    basis = models.CharField(_("legal basis"), max_length=20, choices=Basis)
    validity = models.CharField(_("asked again after"), max_length=20, blank=True)  # ISO 8601; "": until withdrawn
    data_categories = models.JSONField(_("data categories"), default=list)  # keys of the data map's taxonomy
    recipients = models.JSONField(_("recipients"), default=list)  # names of companies in the register of processors
    is_marketing = models.BooleanField(_("direct marketing"), default=False)
    created_at = models.DateTimeField(_("created at"))
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)

    objects = PurposeQuerySet.as_manager()

    class Meta:
        verbose_name = _("purpose")
        verbose_name_plural = _("purposes")
        constraints = [models.CheckConstraint(condition=Q(basis__in=Basis.values), name="purpose_basis_known")]

    def __str__(self) -> str:
        return self.key

    @property
    def target(self) -> str:
        return f"consent.purpose:{self.key}"


class TextQuerySet(models.QuerySet["Text"]):
    def current(self) -> Self:
        """The newest version of each notice in each language."""
        newest = Text.objects.filter(notice=models.OuterRef("notice"), language=models.OuterRef("language"))
        return self.filter(version=models.Subquery(newest.order_by("-version").values("version")[:1]))


class Text(models.Model):
    """What somebody was shown, word for word. Its id is the SHA-256 of its canonical bytes: the same words are the same
    row, and a row can't come to mean other words.

    `notice` is the key of a purpose, or `cookies:<site>`. `body` maps the places of the notice ("title", "effect", …)
    to their words.
    """

    digest = models.CharField(_("digest"), max_length=64, primary_key=True)
    notice = models.CharField(_("notice"), max_length=60)
    version = models.PositiveIntegerField(_("version"))
    language = models.CharField(_("language"), max_length=5)
    body = models.JSONField(_("words"))
    is_material = models.BooleanField(_("asks again"), default=True)
    published_at = models.DateTimeField(_("published at"))

    objects = TextQuerySet.as_manager()

    class Meta:
        verbose_name = _("text as shown")
        verbose_name_plural = _("texts as shown")
        constraints = [
            models.UniqueConstraint(fields=["notice", "version", "language"], name="text_version_once"),
            models.CheckConstraint(condition=Q(digest__regex=DIGEST), name="text_digest_is_one"),
        ]

    def __str__(self) -> str:
        return f"{self.notice} v{self.version} ({self.language})"


class Served(models.Model):
    """How often a notice was shown on one day. Several slots, so that many counts at once wait for nobody."""

    pk = models.CompositePrimaryKey("day", "text", "slot")
    day = models.DateField(_("day"))
    text = models.CharField(_("text as shown"), max_length=64)
    slot = models.PositiveSmallIntegerField()
    scope = models.CharField(_("scope"), max_length=60)
    count = models.PositiveBigIntegerField(_("times"))

    class Meta:
        verbose_name = _("notices shown")
        verbose_name_plural = _("notices shown")

    def __str__(self) -> str:
        return f"{self.day}: {self.count}"
