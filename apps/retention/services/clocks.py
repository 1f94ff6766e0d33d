"""Is the clock to be trusted? A clock that jumped ahead would purge early; one that stood still would forget.

The wall clock is held against the time since the machine started, which nobody can set. Where they moved apart, or
nobody has looked for days, a person has to look before anything goes.
"""

import time
from datetime import datetime, timedelta
from pathlib import Path

from apps.retention.models import ClockReading

SLACK = timedelta(minutes=5)  # what a clock that is being corrected may move
LONGEST_GAP = timedelta(days=3)
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def doubts(*, now: datetime) -> list[str]:
    """`clock_jump`: wall clock and running time moved apart. `clock_gap`: the last reading lies too far back."""
    boot, uptime = _machine()
    here = ClockReading.objects.filter(is_trusted=True, boot=boot).order_by("-id").first()
    last = ClockReading.objects.filter(is_trusted=True).order_by("-id").first()
    found = []
    if (here and abs((now - here.at) - timedelta(seconds=uptime - here.uptime)) > SLACK) or (
        last and now < last.at - SLACK
    ):
        found.append("clock_jump")
    if last and now - last.at > LONGEST_GAP:
        found.append("clock_gap")
    return found


def read_clock(*, now: datetime) -> bool:
    """Note how the clock stands; False where it is in doubt, and then the reading vouches for nothing."""
    is_trusted = not doubts(now=now)
    _note(now=now, is_trusted=is_trusted)
    return is_trusted


def trust(*, now: datetime) -> None:
    """A person vouches for the clock as it stands."""
    _note(now=now, is_trusted=True)


def _note(*, now: datetime, is_trusted: bool) -> None:
    boot, uptime = _machine()
    reading = ClockReading.objects.create(boot=boot, uptime=uptime, at=now, is_trusted=is_trusted)
    # The last ones of each kind are all that is ever asked for.
    ClockReading.objects.filter(boot=boot, is_trusted=is_trusted, id__lt=reading.pk).delete()


def _machine() -> tuple[str, float]:
    """Which start of which machine this is, and the seconds since then."""
    boot = BOOT_ID.read_text().strip() if BOOT_ID.exists() else "unknown"
    return boot, time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
