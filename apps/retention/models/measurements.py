"""What is measured: storage and over-kept rows a day, the clock, and the statistics that outlive the rows."""

from django.db import models
from django.db.models import Q


class Measurement(models.Model):
    """One collection (of one store or shard) on one day."""

    day = models.DateField()
    collection = models.CharField(max_length=200)
    rows = models.PositiveBigIntegerField()
    bytes = models.PositiveBigIntegerField()
    over_kept = models.PositiveBigIntegerField()  # past their limit by more than a day, kept by nothing: the goal is 0
    oldest = models.DateField(null=True, blank=True)
    expiring = models.JSONField(default=dict)  # rows that go in the coming months: {"2026-12": n}

    class Meta:
        constraints = [models.UniqueConstraint(fields=["day", "collection"], name="measurement_once_a_day")]

    def __str__(self) -> str:
        return f"{self.collection} {self.day}"


class Statistic(models.Model):
    """A count that stays when the rows are made anonymous. Groups of fewer than ten people are never written, and a
    month is written once: two outputs that could be subtracted from each other do not exist."""

    SMALLEST_GROUP = 10

    collection = models.CharField(max_length=200)
    month = models.DateField()  # its first day
    group = models.JSONField()  # {"country": "NL", "device": "mobile"}; empty: all that was suppressed, taken together
    people = models.PositiveBigIntegerField()
    rows = models.PositiveBigIntegerField()
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["collection", "month", "group"], name="statistic_written_once"),
            models.CheckConstraint(condition=Q(people__gte=10), name="statistic_no_small_group"),
        ]

    def __str__(self) -> str:
        return f"{self.collection} {self.month:%Y-%m}"


class ClockReading(models.Model):
    """The wall clock beside the time since the machine started: the two move together unless somebody moved one."""

    boot = models.CharField(max_length=64)  # which start of which machine
    uptime = models.FloatField()  # seconds since then
    at = models.DateTimeField()
    is_trusted = models.BooleanField()

    class Meta:
        indexes = [models.Index(fields=["-id"], condition=Q(is_trusted=True), name="clock_trusted")]

    def __str__(self) -> str:
        return f"{self.boot} {self.at.isoformat()}"
