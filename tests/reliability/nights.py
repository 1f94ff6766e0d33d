"""Nights that follow one another: the wall clock, the machine's running time beside it, and what beat does by them.

True time passes for both clocks. A jump moves the wall clock alone, as somebody who sets it wrongly does.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.core import clock
from apps.retention import tasks
from apps.retention.models import Rule, Sweep
from apps.retention.services import clocks
from apps.retention.states import SweepStatus


class Nights:
    """One machine, from an instant of true time on."""

    def __init__(self, start: datetime, time_machine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.true, self.wrong, self.start, self.boot = start, timedelta(0), start, "first"
        self.time_machine = time_machine
        Rule.objects.update(in_force_at=start - timedelta(days=1))
        monkeypatch.setattr(clocks, "_machine", lambda: (self.boot, (self.true - self.start).total_seconds() + 9_000))
        monkeypatch.setattr(tasks.sweep_collection, "delay", tasks.sweep_collection)
        self._set()

    def _set(self) -> None:
        self.time_machine.move_to(self.true + self.wrong, tick=False)

    @property
    def wall(self) -> datetime:
        return self.true + self.wrong

    def jump(self, by: timedelta) -> None:
        """Somebody sets the clock. Nothing else happens."""
        self.wrong += by
        self._set()

    def put_right(self) -> None:
        self.jump(-self.wrong)

    def wait_until(self, true: datetime) -> None:
        """Time passes, and nobody is at work."""
        self.true = true
        self._set()

    def beat(self) -> int:
        """One tick of beat, and as many more as workers need for what it began; rows that its plan let go."""
        assert clock.now() == self.wall
        planned = tasks.sweep_nightly()
        while tasks.sweep():
            pass
        return planned

    def tick_until(self, true: datetime, *, every: timedelta = timedelta(hours=1)) -> int:
        """Time passes with beat at work; rows planned to go."""
        planned = 0
        while self.true < true:
            self.wait_until(min(true, self.true + every))
            planned += self.beat()
        return planned

    def swept(self) -> list[Any]:
        """The days of sweeps that are done, in their order."""
        done = Sweep.objects.filter(status=SweepStatus.DONE).order_by("made_at")
        return list(done.values_list("day", flat=True))

    def waiting(self) -> list[str]:
        """What the open plan waits for."""
        plans = Sweep.objects.filter(status=SweepStatus.WAITING).order_by("made_at")
        return [reason for plan in plans for reason in plan.waits_for]


def at(text: str) -> datetime:
    """An instant in UTC, from "2026-10-25 01:30"."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
