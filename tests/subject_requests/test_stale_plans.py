"""What an erasure does when the world is not as planned: stale plans, rows that will not go, stores that are down."""

import pytest

from apps.ledger.models import Entry
from apps.notifications.models import OutgoingMessage
from apps.retention.models import Rule
from apps.subject_requests import services, tasks
from apps.subject_requests.models import StoreTask
from apps.subject_requests.states import Status, TaskStatus
from tests.subject_requests.test_erasure import approved, done
from tests.subject_requests.today import NOW


def change_the_rules():
    rule = Rule.objects.current().get(key="communications_content")
    Rule.objects.filter(pk=rule.pk).update(why="another reason", description="another description", period="P5M")


def test_a_plan_that_is_stale_before_any_effect_goes_back_to_the_officers(platform):
    one = approved(platform)
    messages = platform.count("messages", platform.phone, "1001")
    change_the_rules()
    tasks.execute_requests()
    one.refresh_from_db()
    assert (one.status, one.plan_hash, one.prepared_by, one.approved_by) == (Status.IN_PROGRESS, "", None, None)
    assert platform.count("messages", platform.phone, "1001") == messages
    assert platform.rows("SELECT 1 FROM portal_effects") == []
    assert {task.status for task in one.store_tasks.all()} == {TaskStatus.STOPPED}
    assert Entry.objects.get(verb="subject_request.sent_back").facts["reason"] == "plan_rules_changed"
    assert OutgoingMessage.objects.filter(template="subject_requests/plan_stale").count() == 1
    first, second = platform.officers
    one = services.prepare_request(one, by=second, now=NOW)
    done(services.approve_request(one, by=first, now=NOW))
    assert platform.count("messages", platform.phone, "1001") == 0


def test_once_a_store_is_erased_what_is_left_is_planned_anew_on_the_same_approval(platform):
    one = approved(platform)
    [task] = services.claimable(now=NOW)
    assert services.run_task(task.pk, now=NOW)
    change_the_rules()
    tasks.execute_requests()
    assert StoreTask.objects.filter(status=TaskStatus.PENDING).count() == 2
    done(one)
    assert one.approved_by == platform.officers[1]
    assert Entry.objects.get(verb="subject_request.replanned").facts["reason"] == "plan_rules_changed"
    erased = sum(task.totals["erased"] for task in one.store_tasks.all())
    assert one.certificate.document["stores"]
    assert erased == sum(part.counts["erased"] for part in one.parts.all())
    assert platform.count("messages", platform.phone, "1001") == 0


@pytest.mark.threat("T45")
def test_a_request_is_not_done_while_rows_remain_that_nothing_explains(platform, monkeypatch):
    from apps.datamap.services import Remaining
    from apps.subject_requests.services import execution

    one = approved(platform)
    found = execution.datamap.search_again
    left = [Remaining("platform:messages", 3, None, None, None)]
    again = lambda plan, **named: left + found(plan, **named)  # noqa: E731
    monkeypatch.setattr(execution.datamap, "search_again", again)
    tasks.execute_requests()
    one.refresh_from_db()
    assert one.status == Status.EXECUTING
    task = one.store_tasks.get(store="platform")
    assert (task.status, task.confirmed_at) == (TaskStatus.UNCONFIRMED, None)
    assert Entry.objects.filter(verb="subject_request.store_unconfirmed").first().facts["remaining"] == 3
    monkeypatch.undo()
    StoreTask.objects.update(next_attempt_at=NOW)
    done(one)


def test_a_store_that_is_down_is_tried_again_with_longer_pauses(platform, monkeypatch):
    from apps.datamap.services import StoreUnavailable
    from apps.subject_requests.services import execution

    one = approved(platform)
    real = execution.datamap.execute

    def down(*arguments, **named):
        raise StoreUnavailable("store_down", "The store does not answer.")

    monkeypatch.setattr(execution.datamap, "execute", down)
    pauses = []
    task = one.store_tasks.get(store="platform")
    now = NOW
    for _ in range(3):
        assert services.run_task(task.pk, now=now) is False
        task.refresh_from_db()
        pauses.append((task.next_attempt_at - now).total_seconds())
        now = task.next_attempt_at
    assert pauses == [10, 20, 40]
    assert (task.status, task.error_code, task.attempts) == (TaskStatus.PENDING, "store_down", 3)
    assert Entry.objects.filter(verb="subject_request.store_failed").count() == 3
    monkeypatch.setattr(execution.datamap, "execute", real)
    assert services.run_task(task.pk, now=now)
