"""The outbox: what is to be told to whom, delivered once, from rows (a lost broker loses no mail)."""

import uuid
from datetime import datetime
from typing import Any, Self

from django.db import models


class Channel(models.TextChoices):
    EMAIL = "email", "e-mail"
    SMS = "sms", "SMS"


class OutgoingMessageQuerySet(models.QuerySet["OutgoingMessage"]):
    def due(self, *, at: datetime) -> Self:
        """Not delivered, not given up, and nobody's lease runs."""
        return self.filter(delivered_at=None, gave_up_at=None, next_attempt_at__lte=at)

    def about(self, target: str) -> Self:
        return self.filter(about=target)

    def in_state(self, state: str) -> Self:
        """ "sent", "gave_up" or "waiting"; "" is all of them."""
        if not state:
            return self
        return self.filter(delivered_at__isnull=state != "sent", gave_up_at__isnull=state != "gave_up")

    def visible_to(self, user: Any) -> Self:
        """Addresses and contents are sealed, so whoever may read the outbox may read all of it (dashboard decides)."""
        return self if user.is_authenticated and user.is_active else self.none()


class OutgoingMessage(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    key = models.CharField(max_length=200, unique=True)  # one effect, however often it is asked for
    channel = models.CharField(max_length=5, choices=Channel.choices)
    address = models.BinaryField()  # sealed
    context = models.BinaryField()  # sealed JSON
    template = models.CharField(max_length=100)
    language = models.CharField(max_length=10)
    about = models.CharField(max_length=160, blank=True)
    created_at = models.DateTimeField()
    next_attempt_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    delivered_at = models.DateTimeField(null=True)
    gave_up_at = models.DateTimeField(null=True)
    error_code = models.CharField(max_length=80, blank=True)

    objects = OutgoingMessageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(channel__in=Channel.values), name="message_channel_known"),
            models.CheckConstraint(
                condition=models.Q(delivered_at=None) | models.Q(gave_up_at=None), name="message_delivered_or_given_up"
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                name="message_due",
                condition=models.Q(delivered_at=None, gave_up_at=None),
            ),
            models.Index(fields=["about"], name="message_about"),
        ]

    def __str__(self) -> str:
        return f"{self.template} ({self.channel})"
