from celery import shared_task

from apps.core import clock
from apps.datamap import services


@shared_task
def forget_expired_plans() -> int:
    """Take the people out of plans that are over. Safe to run twice, late, or at the same time as itself."""
    return services.forget_expired_plans(now=clock.now())
