"""Counting what stays before rows are made anonymous: each closed month of a collection, once and for ever."""

from datetime import UTC, date, datetime

from dateutil.relativedelta import relativedelta
from django.db import transaction

from apps.datamap import services as datamap
from apps.datamap.models import Effect
from apps.ledger.services import record
from apps.retention.models import Statistic
from apps.retention.statistics import closed_months, figures


def keep_statistics(collection_key: str, before: date, now: datetime) -> int:
    """Write the figures of every closed month with rows before `before` that was not counted yet; how many there are.

    Called before rows are made anonymous, of which the oldest lie in whole months as long as the period is longer than
    a month. What arrives in a counted month afterwards is never counted, and what is erased from it changes nothing:
    two outputs that could be compared do not exist. Raises `StoreUnavailable`: then nothing may be made anonymous.
    """
    oldest = datamap.first_counted(collection_key)
    if oldest is None:
        return 0
    months = list(closed_months(oldest, before=before, today=now.astimezone(UTC).date()))
    known = set(Effect.objects.filter(effect_key__in=[_key(collection_key, one) for one in months])
                .values_list("effect_key", flat=True))  # fmt: skip
    return sum(_keep_month(collection_key, one, now=now) for one in months if _key(collection_key, one) not in known)


@transaction.atomic
def _keep_month(collection_key: str, month: date, *, now: datetime) -> int:
    # The row is the claim: whoever comes second waits for the first to commit, finds it and writes nothing.
    claim, is_first = Effect.objects.get_or_create(
        effect_key=_key(collection_key, month), defaults={"counts": {}, "at": now}
    )
    if not is_first:
        return 0
    tally = datamap.tally(
        collection_key, since=month, until=month + relativedelta(months=1), smallest=Statistic.SMALLEST_GROUP
    )
    kept = [
        Statistic(
            collection=collection_key, month=month, group=one.group, people=one.people, rows=one.rows, made_at=now
        )
        for one in figures(tally)
    ]
    Statistic.objects.bulk_create(kept)
    Effect.objects.filter(pk=claim.pk).update(counts={"groups": len(kept)})
    record(actor="system", verb="retention.statistics_kept", target="retention.statistic", at=now,
           collection=collection_key, month=month.isoformat(), groups=len(kept))  # fmt: skip
    return len(kept)


def _key(collection_key: str, month: date) -> str:
    return f"statistics:{collection_key}:{month:%Y-%m}"
