"""The address at which somebody's calendar fetches what is due when."""

import uuid
from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q

from apps.accounts.models import User


class CalendarFeedQuerySet(models.QuerySet["CalendarFeed"]):
    def live(self) -> Self:
        return self.filter(revoked_at=None)

    def of(self, user: User) -> Self:
        return self.filter(user=user.pk)

    def unused_since(self, instant: datetime) -> Self:
        return self.filter(Q(last_used_at=None) | Q(last_used_at__lt=instant))


class CalendarFeed(models.Model):
    """One person's feed. Only the hash of its token is here; the row goes with the person."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)  # to the hour
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = CalendarFeedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user"], condition=Q(revoked_at=None), name="calendar_feed_one_live"),
            models.CheckConstraint(
                condition=Q(revoked_at=None) | Q(revoked_at__gte=F("created_at")),
                name="calendar_feed_ends_after_it_began",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)
