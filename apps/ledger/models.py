"""Evidence: who did what to which object and when, in bytes that never change.

No foreign key leads in or out: nothing cascades into evidence, and erasing a person never fights it, because an entry
holds ids, codes, dates, counts and digests only.
"""

from typing import Any, Self

from django.db import models


class EntryQuerySet(models.QuerySet["Entry"]):
    def visible_to(self, user: Any) -> Self:
        """Entries hold no personal data, so whoever may read evidence may read all of it (dashboard decides who)."""
        return self if user.is_authenticated and user.is_active else self.none()

    def about(self, target: str) -> Self:
        return self.filter(target=target)


class Entry(models.Model):
    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    actor = models.CharField(max_length=80)
    verb = models.CharField(max_length=80)
    target = models.CharField(max_length=160)
    facts = models.JSONField(default=dict)
    body = models.BinaryField()  # the canonical bytes: what is hashed, and later sealed (jsonb reorders keys)
    leaf = models.BinaryField()  # SHA-256 of 0x00 and body: an RFC 6962 leaf

    objects = EntryQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["target", "id"], name="entry_target"),
            models.Index(fields=["verb", "id"], name="entry_verb"),
        ]
        verbose_name_plural = "entries"

    def __str__(self) -> str:
        return f"{self.verb} {self.target}"
