"""The clock's verbs: find work by state, claim it, call a service. Each may run twice, late, or beside itself."""

from celery import shared_task

from apps.core import clock
from apps.subject_requests import services
from apps.subject_requests.models import Package, PendingErasure, StoreTask, SubjectRequest

BATCH = 200


@shared_task
def execute_requests() -> int:
    """The approved: claim each store's share and do it; then search again where absence was not confirmed yet."""
    now = clock.now()
    services.reclaim_abandoned(now=now)
    done = 0
    # Finishing one store makes the next one's turn, so look again until nothing more is to be had.
    while tasks := list(services.claimable(now=clock.now()).values_list("pk", flat=True)[:BATCH]):
        if not (ran := sum(services.run_task(pk, now=clock.now()) for pk in tasks)):
            break
        done += ran
    unconfirmed = StoreTask.objects.to_confirm(at=now).values_list("pk", flat=True)[:BATCH]
    done += sum(services.confirm_executed(pk, now=clock.now()) for pk in list(unconfirmed))
    return done + sum(services.close_erasure(one, now=clock.now()) for one in services.confirmed_everywhere())


@shared_task
def alert_officers() -> int:
    """14, 7, 3 and 1 days before a due date, and when it has passed; each once."""
    now = clock.now()
    return sum(services.alert_part(part, now=now) for part in services.parts_to_alert(now=now))


@shared_task
def follow_up_silent_requesters() -> int:
    """Remind after 14 days, close after 30."""
    now = clock.now()
    return sum(services.follow_up_silence(waiting, now=now) for waiting in SubjectRequest.objects.waiting())


@shared_task
def purge_packages() -> int:
    """When the time is up, the file is gone from disk, and so is whatever a killed worker left there."""
    now = clock.now()
    purged = sum(services.purge_package(package, now=now) for package in Package.objects.expired(at=now))
    return purged + services.purge_orphans(now=now)


@shared_task
def forget_closed_requests() -> int:
    """The identifying half of requests that closed seven days ago, and tombstones that no backup needs any more."""
    now = clock.now()
    services.expire_tombstones(now=now)
    return sum(services.forget_identifiers(closed, now=now) for closed in services.to_forget(now=now))


@shared_task
def erase_pending_rows() -> int:
    """What a ground kept and no longer keeps."""
    now = clock.now()
    due = PendingErasure.objects.due(on=clock.local_date(now), at=now).values_list("pk", flat=True)[:BATCH]
    return sum(services.erase_pending(pk, now=clock.now()) for pk in list(due))
