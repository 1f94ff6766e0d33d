"""Two implementations that share nothing agree, and every explanation adds up."""

import json
import random
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.core.deadlines import JURISDICTIONS, Pause, Step, due, explain, local_date
from tests.core.second_reckoning import reckon

EPOCH = date(1970, 1, 1)
EPOCH_ORDINAL = EPOCH.toordinal()
FIRST, LAST = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (2018, 2050))
SEED = 20180525
pytestmark = pytest.mark.req("DSR-4")


def day(number):
    return EPOCH + timedelta(days=number)


def compare(seconds, jurisdiction, pauses, extended):
    """`pauses`: (kind, days from receipt to asking, days from asking to receiving)."""
    at = datetime.fromtimestamp(seconds, UTC)
    received = (local_date(at, jurisdiction) - EPOCH).days if pauses else 0
    numbered = [(kind, received + asked, received + asked + lasted) for kind, asked, lasted in pauses]
    told = [Pause(kind, day(asked), day(came)) for kind, asked, came in numbered]
    deadline = due(at, jurisdiction, pauses=told, extended=extended)
    expected = reckon(seconds, jurisdiction, numbered, extended)
    days = [one.toordinal() - EPOCH_ORDINAL for one in (deadline.received_on, deadline.unrolled_on, deadline.on)]
    got = (*days, deadline.ends_at.timestamp())
    assert got == expected, (SEED, at.isoformat(), jurisdiction, told, extended)
    return deadline


def kinds(jurisdiction):
    suffix = "uk" if jurisdiction == "UK" else "eu"
    return [f"identity_{suffix}", f"clarification_{suffix}"]


def test_both_agree_on_100_000_random_receipts():
    chance = random.Random(SEED)
    for _ in range(100_000):
        jurisdiction = chance.choice(JURISDICTIONS)
        pauses = [
            (chance.choice(kinds(jurisdiction)), chance.choice((0, 1, 2, 3, 4, 5, 9, 30, 45)), chance.randrange(0, 40))
            for _ in range(chance.choice((0, 0, 0, 1, 1, 2)))
        ]
        compare(chance.randrange(FIRST, LAST), jurisdiction, pauses, chance.random() < 0.3)


RECEIPTS = st.sampled_from(JURISDICTIONS).flatmap(
    lambda jurisdiction: st.tuples(
        st.integers(FIRST, LAST - 1),
        st.just(jurisdiction),
        st.lists(st.tuples(st.sampled_from(kinds(jurisdiction)), st.integers(0, 120), st.integers(0, 60)), max_size=3),
        st.booleans(),
    )
)


@settings(max_examples=500, deadline=None)
@given(RECEIPTS)
def test_both_agree_and_the_explanation_adds_up(case):
    deadline = compare(*case)
    steps = deadline.steps
    assert (steps[0].code, steps[-1].code) == ("received", "ends")
    at = date.fromisoformat(steps[0].facts["on"])
    assert at == deadline.received_on
    for step in steps[1:]:
        facts, on = step.facts, date.fromisoformat(step.facts.get("on", str(at)))
        match step.code:
            case "restarted":
                assert on >= at
                assert on == deadline.runs_from or any(later.code == "restarted" for later in steps)
            case "period":
                assert date.fromisoformat(facts["from"]) == deadline.runs_from
                months = (on.year - deadline.runs_from.year) * 12 + on.month - deadline.runs_from.month
                assert months == facts["months"] == (3 if case[3] else 1)
            case "short_month" | "ends":
                assert on == at
            case "paused":
                assert on == at + timedelta(days=facts["days"])
            case "not_a_working_day":
                assert on == at
                assert facts["weekday"] == on.isoweekday()
                assert facts["weekday"] > 5 or facts["holiday"]
                on += timedelta(days=1)  # the next step speaks of the next day
        assert step.article
        at = on
    assert at == deadline.on
    stored = [Step(**kept) for kept in json.loads(json.dumps([asdict(step) for step in steps]))]
    assert explain(stored) == explain(steps)
    assert len(explain(steps)) == len(steps)
