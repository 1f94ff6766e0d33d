from celery import shared_task

from apps.core import clock
from apps.demo import services
from apps.demo.connections import connect_platform


@shared_task
def make_months_ahead() -> int:
    """Partitions for the months to come. Safe to run twice, late, or at the same time as itself."""
    with connect_platform() as connection, connection.cursor() as cursor:
        return services.make_months_ahead(cursor, today=clock.now().date())
