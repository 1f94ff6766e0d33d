"""The clock's verbs: find work by state, claim it, call a service. Each may run twice, late, or beside itself."""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime

from celery import shared_task

from apps.core import clock
from apps.core.errors import DomainError
from apps.retention import services
from apps.retention.models import Departure

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
