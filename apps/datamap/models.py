"""The datasets that were loaded, the stores they live in, the plans made from them and the effects of those plans."""

import uuid
from datetime import datetime
from typing import Any, Self

from django.db import models


class DatasetVersionQuerySet(models.QuerySet["DatasetVersion"]):
    def current(self) -> Self:
        return self.filter(is_current=True)


class DatasetVersion(models.Model):
    """One loaded dataset file. A version is never changed: loading again makes the next one."""

    fides_key = models.CharField(max_length=200)
    number = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)  # SHA-256 of the canonical document
    store = models.CharField(max_length=100)
    document = models.JSONField()
    is_current = models.BooleanField(default=True)
    loaded_at = models.DateTimeField()

    objects = DatasetVersionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["fides_key", "number"], name="one_number_a_dataset_version"),
            models.UniqueConstraint(
                fields=["fides_key"], condition=models.Q(is_current=True), name="one_current_version_a_dataset"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.fides_key} v{self.number}"


class Store(models.Model):
    """A database besides the portal's own. Its address may hold a password, so it is sealed, bound to the name."""

    name = models.CharField(max_length=100, primary_key=True)
    url = models.BinaryField()  # several addresses, with spaces between them, are the shards of one store
    shards = models.PositiveSmallIntegerField(default=1)  # how many they are
    changed_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class ErasurePlanQuerySet(models.QuerySet["ErasurePlan"]):
    def expired(self, *, at: datetime) -> Self:
        return self.filter(expires_at__lte=at)


class ErasurePlan(models.Model):
    """What an erasure would do, pinned: execution takes the hash of this row and nothing else.

    `identities` and `seeds` are sealed, bound to the row's id: whom it is about, and the values that the search passed
    from collection to collection. Everything else holds codes, counts, dates and digests.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    hash = models.CharField(max_length=64, unique=True)
    identities = models.BinaryField()
    seeds = models.BinaryField()
    about = models.CharField(max_length=64)  # keyed digest of the identities
    account = models.CharField(max_length=100, null=True)
    own = models.BooleanField(default=False)
    datasets = models.JSONField(default=list)
    categories = models.JSONField(default=list)
    capacities = models.JSONField(default=list)
    strategy = models.CharField(max_length=10, blank=True)
    map_version = models.CharField(max_length=64)
    rules_version = models.CharField(max_length=64)
    schema_digests = models.JSONField(default=dict)  # {store: digest of its tables}
    stores = models.JSONField()
    lines = models.JSONField()
    not_entered = models.JSONField(default=list)
    made_by = models.CharField(max_length=80)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    objects = ErasurePlanQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(strategy__in=["", "null", "delete"]), name="plan_strategy_known"),
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("made_at")), name="plan_expires_after_it_is_made"
            ),
        ]
        indexes = [models.Index(fields=["expires_at"], name="plan_expiry")]

    def __str__(self) -> str:
        return self.hash

    @property
    def ranks(self) -> dict[str, int]:
        """`{store: rank}`: one rank after the other, the portal's own last; the shards of a store side by side."""
        bases = list(dict.fromkeys(store.partition("#")[0] for store in self.stores))
        return {store: bases.index(store.partition("#")[0]) for store in self.stores}

    def lines_of(self, store: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["store"] == store]


class PlannedKeys(models.Model):
    """The rows behind one line of a plan, as keyed digests of 8 bytes, sorted and joined."""

    plan = models.ForeignKey(ErasurePlan, on_delete=models.CASCADE, related_name="planned_keys")
    line = models.PositiveIntegerField()  # its place in `plan.lines`
    digests = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["plan", "line"], name="one_key_set_a_line")]

    def __str__(self) -> str:
        return f"{self.plan_id}:{self.line}"


class Effect(models.Model):
    """What `portal_effects` is in other stores: the receipt of an effect on the portal's own tables."""

    effect_key = models.CharField(max_length=200, primary_key=True)
    counts = models.JSONField()
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.effect_key
