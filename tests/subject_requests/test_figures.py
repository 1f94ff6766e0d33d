"""The overview's figures: what each counts, over which days, by which clock."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core import reporting
from apps.subject_requests import figures, services
from apps.subject_requests.models import Part
from apps.subject_requests.states import Capacity, Channel, Outcome, Right, Status
from tests.subject_requests.factories import NOW, AccountFactory, PersonFactory, at_status, filed, in_progress, member

pytestmark = pytest.mark.django_db
TODAY = NOW.date()
MONTH = reporting.last_days(TODAY)


def answered_part(*, days, at=NOW, late=False, extended="", refused="", capacity=Capacity.CONTROLLER, outcome=None):
    """A part that was answered at `at`, after so many days."""
    subject_request = filed(Right.ACCESS, at=at - timedelta(days=days), account=AccountFactory())
    part = subject_request.parts.get(capacity=capacity)
    part.outcome = outcome or (Outcome.REFUSED if refused else Outcome.FULFILLED)
    part.closed_at, part.refusal_ground, part.extension_reason = at, refused, extended
    part.extended_at = at - timedelta(days=1) if extended else None
    part.ends_at = at - timedelta(days=1) if late else at + timedelta(days=1)
    part.save()
    return part


def test_a_period_is_cut_into_days_weeks_and_months_that_it_touches():
    assert (MONTH.start, MONTH.end, len(MONTH.cuts)) == (date(2026, 10, 25), date(2026, 11, 23), 30)
    weeks = reporting.last_three_months(TODAY)
    assert (weeks.start, weeks.cuts[0], weeks.cuts[-1]) == (date(2026, 8, 24), date(2026, 8, 24), date(2026, 11, 23))
    months = reporting.last_year(TODAY)
    assert (months.start, months.cuts[0], len(months.cuts)) == (date(2025, 11, 24), date(2025, 11, 1), 13)


def test_a_day_begins_and_ends_in_amsterdam():
    one = reporting.Period(date(2026, 11, 23), date(2026, 11, 23), "day")
    assert one.instants == (datetime(2026, 11, 22, 23, tzinfo=UTC), datetime(2026, 11, 23, 23, tzinfo=UTC))
    filed(at=datetime(2026, 11, 22, 22, 59, tzinfo=UTC))
    filed(at=datetime(2026, 11, 22, 23, 1, tzinfo=UTC))
    filed(at=datetime(2026, 11, 23, 23, 0, tzinfo=UTC))
    assert figures.intake(one).by_cut == {date(2026, 11, 23): 1}


@pytest.mark.req("DSR-2")
def test_intake_counts_requests_by_right_and_channel_each_once():
    filed(Right.ACCESS)
    filed(Right.ACCESS, channel=Channel.POST)
    filed(Right.ERASURE, at=NOW - timedelta(days=31))
    silent = at_status(Status.WAITING_FOR_REQUESTER)
    services.follow_up_silence(silent, now=NOW + timedelta(days=30))
    silent.refresh_from_db()
    services.send_message(silent, text="The second.", by=silent.filed_by, now=NOW + timedelta(days=31))
    counted = figures.intake(MONTH)
    assert counted.by_right == {("access", "dashboard"): 2, ("access", "post"): 1}
    assert counted.by_channel == {"dashboard": 2, "post": 1}
    assert counted.by_cut == {TODAY: 3}


def test_a_request_counts_as_answered_when_it_was_closed_with_an_answer():
    officer = PersonFactory(officer=True)
    refused = in_progress(Right.ERASURE, officer=officer)
    for part in refused.parts.all():
        ground = "legal_claims" if part.capacity == Capacity.CONTROLLER else "infringes_law"
        services.refuse_part(part, ground=ground, words="A court forbids it.", by=officer, now=NOW)
    at_status(Status.CLOSED)  # withdrawn: nobody was answered
    assert figures.answered(MONTH) == {TODAY: 1}
    assert figures.answered(reporting.Period(TODAY, TODAY, "month")) == {date(2026, 11, 1): 1}


@pytest.mark.req("DSR-4")
def test_the_time_to_answer_is_told_by_median_and_ninetieth_percentile_per_capacity():
    for days in (1, 2, 3, 4, 10):
        answered_part(days=days)
    answered_part(days=6, capacity=Capacity.PROCESSOR, outcome=Outcome.INSTRUCTION_EXECUTED)
    answered_part(days=9, at=NOW - timedelta(days=40))  # before the period
    answered_part(days=20, outcome=Outcome.WITHDRAWN)  # no answer
    controller, processor = figures.answers(MONTH)
    assert (controller.capacity, controller.count, controller.median, controller.ninetieth) == ("controller", 5, 3, 7.6)
    assert (processor.capacity, processor.count, processor.median, processor.ninetieth) == ("processor", 1, 6, 6)


@pytest.mark.req("DSR-4")
def test_on_time_is_what_closed_before_its_last_day_ended_extended_or_not():
    answered_part(days=5)
    answered_part(days=5, late=True)
    answered_part(days=60, extended="complexity")
    on_the_dot = answered_part(days=5)
    Part.objects.filter(pk=on_the_dot.pk).update(ends_at=NOW)  # the first instant after the last day is late
    [controller] = figures.answers(MONTH)
    assert (controller.on_time, controller.count) == (2, 4)
    assert controller.extended == {"complexity": 1}


@pytest.mark.req("DSR-4")
def test_extensions_and_refusals_are_told_with_their_grounds():
    answered_part(days=1)
    answered_part(days=1, refused="excessive")
    answered_part(days=1, refused="excessive", extended="influx")
    answered_part(days=1, refused="infringes_law", capacity=Capacity.PROCESSOR, outcome=Outcome.INSTRUCTION_DECLINED)
    controller, processor = figures.answers(MONTH)
    assert (controller.refused, controller.extended) == ({"excessive": 2}, {"influx": 1})
    assert (processor.refused, processor.extended) == ({"infringes_law": 1}, {})


@pytest.mark.req("DSR-4")
def test_what_is_due_when_is_every_open_part_and_late_is_by_the_legal_clock():
    account = AccountFactory()
    filed(account=account, by=member(account))  # the processor's part in ten days, the controller's in a month
    filed(at=NOW - timedelta(days=10))  # the processor's part is due today
    at_status(Status.CLOSED)
    due = figures.due(now=NOW)
    assert due.by_day == {date(2026, 11, 23): 1, date(2026, 12, 3): 1, date(2026, 12, 14): 1, date(2026, 12, 23): 1}
    assert (due.open, due.late) == (4, 0)
    assert figures.due(now=NOW + timedelta(days=1)).late == 1


def test_the_oldest_open_requests_come_first_and_no_more_than_ten():
    account = AccountFactory()
    by = member(account)
    made = [filed(account=account, by=by, at=NOW - timedelta(days=days)) for days in range(12)]
    at_status(Status.CLOSED)
    officer = PersonFactory(officer=True)
    assert figures.oldest(officer) == made[:1:-1]
    assert figures.oldest(PersonFactory()) == []


def test_each_figure_is_one_query_however_much_there_is():
    for days in (1, 2, 3):
        answered_part(days=days)

    def cost(figure, *given, **more):
        with CaptureQueriesContext(connection) as queries:
            figure(*given, **more)
        return len(queries)

    assert cost(figures.intake, MONTH) == cost(figures.answered, MONTH) == cost(figures.due, now=NOW) == 1
    assert cost(figures.answers, MONTH) == 2  # and one for the grounds
