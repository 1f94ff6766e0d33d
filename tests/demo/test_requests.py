"""The sample requests that `make run` begins with: every state of the desk, told by the services themselves."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from io import StringIO
from itertools import pairwise

import pytest
from django.core.management import call_command

from apps.accounts.models import User
from apps.core import clock
from apps.datamap.loading import load_files
from apps.demo import requests
from apps.demo.connections import connect_platform
from apps.demo.people import SHARED_PHONE
from apps.demo.services import DATASET_FILE
from apps.demo.sign_ins import create_sign_ins
from apps.demo.stories import FIRST, SECOND, STORIES
from apps.ledger.models import Entry
from apps.notifications.models import OutgoingMessage
from apps.subject_requests.models import Package, Part, SubjectIdentifier, SubjectRequest
from apps.subject_requests.states import Outcome, Status, TaskStatus

MONDAY, SUNDAY = datetime(2026, 11, 23, 8, 30, tzinfo=UTC), datetime(2026, 11, 29, 22, 45, tzinfo=UTC)


def play(now):
    load_files([str(DATASET_FILE)], stores={}, actor="command", now=now)
    create_sign_ins(now=now - requests.HISTORY)
    with connect_platform() as platform, platform.cursor() as cursor:
        return requests.file_sample_requests(cursor, seed=1, now=now)


def due_in(days, now):
    day = clock.local_date(now) + timedelta(days=days)
    return SubjectRequest.objects.due_between(day, day).count()


@pytest.mark.parametrize("now", [MONDAY, SUNDAY], ids=["on a Monday morning", "on a Sunday night"])
def test_the_desk_shows_every_status_and_every_way_a_request_can_end(committed_db, now):
    assert play(now) == len(STORIES) >= 50
    assert {each.status for each in SubjectRequest.objects.all()} == set(Status.values)
    # relayed requests come through the public door; an erasure that nothing keeps is rare in this world
    ended = set(Part.objects.exclude(outcome="").values_list("outcome", flat=True))
    assert set(Outcome.values) - {Outcome.RELAYED, Outcome.PARTLY_FULFILLED} <= ended
    assert due_in(0, now) >= 2
    assert due_in(3, now) >= 1
    assert SubjectRequest.objects.overdue(at=now).count() >= 3
    assert Part.objects.filter(outcome="").exclude(extended_at=None).count() >= 2
    assert set(SubjectRequest.objects.open().values_list("assigned_to__email", flat=True)) == {FIRST, SECOND, None}
    assert Package.objects.available(at=now).count() >= 3
    waiting = SubjectRequest.objects.filter(status=Status.EXECUTING)
    assert waiting.count() == 2
    assert {task.status for each in waiting for task in each.store_tasks.all()} == {TaskStatus.PENDING}


def test_they_go_as_they_would_have_gone_and_are_filed_once(committed_db):
    play(MONDAY)
    assert play(MONDAY) == 0
    assert SubjectRequest.objects.count() == len(STORIES)
    told = list(Entry.objects.filter(verb__startswith="subject_request.").order_by("pk").values_list("at", flat=True))
    assert all(later >= earlier - timedelta(seconds=10) for earlier, later in pairwise(told))
    assert max(told) <= MONDAY
    references = list(SubjectRequest.objects.order_by("received_at").values_list("reference", flat=True))
    assert references == sorted(references)
    # letters of the past went out then; nobody is identifiable in what ended more than a week ago
    late = OutgoingMessage.objects.filter(delivered_at=None, created_at__lt=MONDAY - timedelta(days=1))
    assert not late.exists()
    forgotten = SubjectRequest.objects.closed().filter(closed_at__lt=MONDAY - timedelta(days=8))
    assert forgotten.exists()
    assert not forgotten.filter(forgotten_at=None).exists()
    # the tour erases her: nobody did so before
    assert SHARED_PHONE not in [row.identity.value for row in SubjectIdentifier.objects.all()]
    asking = Counter(SubjectRequest.objects.values_list("filed_by__email", flat=True))
    assert len(asking) == 4
    assert not set(asking) & set(User.objects.staff().values_list("email", flat=True))


def test_a_platform_of_its_own_and_the_tests_world_get_none(db, settings):
    settings.DEMO = True
    for more in ({"scale": "tiny"}, {"scale": "small", "platform_only": True}):
        call_command("demo", stdout=StringIO(), **more)
        assert not SubjectRequest.objects.exists()
