"""The clock's verbs: find work by state, claim it, call a service. Each may run twice, late, or beside itself."""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from uuid import UUID

from celery import shared_task
from django.conf import settings

from apps.core import clock
from apps.core.errors import DomainError
from apps.retention import services
from apps.retention.models import Departure, Sweep, SweepTask
from apps.retention.states import SweepStatus

logger = logging.getLogger(__name__)


@shared_task
def move_departures() -> int:
    """Customers that leave, each to the next step whose day has come; a store that is down delays those it concerns."""
    now = clock.now()
    moved = _each(services.ended_services(now=now), services.start_read_only, now)
    moved += _each(services.waiting_for_package(), services.return_data, now)
    moved += _each(services.due_to_erase(now=now), services.begin_erasing, now)
    moved += _each(services.being_erased(), services.finish_departure, now)
    services.purge_return_files(now=now)
    return moved


@shared_task
def sweep_nightly() -> int:
    """Once a day, from the hour on that is set: read the clock, plan the day's sweep, and let it run unless it waits.

    What a person has approved runs with the next tick; what could not be reached is planned again by the hour.
    """
    now = clock.now()
    services.read_clock(now=now)
    plan = services.approved_plan(now=now)
    if plan is None:
        if now.hour < settings.SWEEP_HOUR or services.is_planned(now=now):
            return 0
        plan = services.make_plan(day=now.date(), now=now, actor="system")
    if plan.status != SweepStatus.PLANNED:
        return 0
    try:
        services.start_sweep(plan.hash, actor="system", now=now)
    except DomainError as error:  # paused, or another one runs: the next tick asks again
        logger.warning("the sweep of %s waits: %s", plan.day, error.code)
        return 0
    return plan.planned


@shared_task
def sweep() -> int:
    """Hand out what running sweeps have left to do, to as many workers as there are, and finish those that are done."""
    now = clock.now()
    pks = list(SweepTask.objects.claimable(at=now).values_list("pk", flat=True))
    for pk in pks:
        sweep_collection.delay(str(pk))
    for running in Sweep.objects.filter(status__in=[SweepStatus.RUNNING, SweepStatus.INCOMPLETE]):
        services.finish_sweep(running, now=now)
    return len(pks)


@shared_task(time_limit=3_600)  # longer than the largest partition takes; given out twice, the second finds it claimed
def sweep_collection(pk: str) -> bool:
    """Go on with one collection for some minutes; the next tick hands it out again."""
    return services.work_on(UUID(pk), tick=clock.now, seconds=240)


@shared_task
def alert_hold_owners() -> int:
    """14, 7 and 1 days before a hold's review, and when it is overdue; each once."""
    now = clock.now()
    return sum(services.alert_hold_owner(hold, now=now) for hold in services.holds_to_alert(now=now))


@shared_task
def measure_retention() -> int:
    """Once a day, whenever the day's first tick comes: storage, over-kept rows, and what will end."""
    now = clock.now()
    return 0 if services.is_measured(now=now) else services.measure(now=now)


def _each(departures: Iterable[Departure], step: Callable[..., Departure | None], now: datetime) -> int:
    moved = 0
    for departure in departures:
        try:
            moved += step(departure, now=now) is not None
        except DomainError as error:
            logger.warning("departure %s waits: %s", departure.pk, error.code)
    return moved
