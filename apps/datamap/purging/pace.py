"""How large the next batch may be: what a writer beside it feels decides.

A writer waits for the log of the transaction that is being flushed, so a batch is as large as keeps a small commit,
made again and again by a thread of its own, below twice what it takes when nothing is purged. Where nobody else is at
work in the store, there is nobody to hold up, and batches grow as far as they may.
"""

import statistics
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

FLOOR, START, CEILING = 1_000, 1_000, 200_000
BESIDE_OTHERS = 32_000  # larger ones win little and are felt as one long wait
GROUP = 60_000  # rows of one move beside others: a legal hold waits for no more than that
SLOWER, QUICK = 2.0, 1.5  # times the quiet latency: above the first a batch is halved, below the second doubled
GRACE_MS = 0.3  # differences below this are noise of the machine
PAUSE = 0.02
QUIET_PROBES, FEW_PROBES = 12, 3


@dataclass(frozen=True)
class Feeler:
    """Two questions to a store: a small durable write (it takes as long as any writer's), and whether others work."""

    commit: Callable[[], None]
    is_alone: Callable[[], bool]


class Pace:
    """The size of batches. Without a feeler (the portal's own tables) they stay small."""

    def __init__(self, feeler: Feeler | None, *, size: int = START) -> None:
        self.size = max(FLOOR, min(size, CEILING))
        self.latency: float | None = None
        self.quiet = 0.0
        self._feeler = feeler
        self._is_alone = False
        self._seen: deque[float] = deque(maxlen=50)
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> "Pace":
        if self._feeler:
            self._is_alone = self._feeler.is_alone()
            probes = FEW_PROBES if self._is_alone else QUIET_PROBES
            self.quiet = statistics.median(self._probe(self._feeler) for _ in range(probes))
            self._thread = threading.Thread(target=self._watch, args=[self._feeler], daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        if self._thread:
            self._thread.join()

    @property
    def group(self) -> int:
        """Rows of one move: a transaction, or beside others as many of them as a legal hold may wait for."""
        return self.size if self._is_alone or self._feeler is None else max(self.size, GROUP)

    def next(self) -> int:
        """The size of the batch to come, by what was felt during the last one."""
        seen = sorted(self._seen)
        self._seen.clear()
        if seen:
            self.latency = seen[int(len(seen) * 0.75)]  # of few probes, the slowest is chance
        if self._feeler is None:
            self.size = min(self.size * 2, 5_000)
        elif self._is_alone:
            self.size = min(self.size * 2, CEILING)
        elif not seen or self.latency is None or self.latency < self.quiet * QUICK + GRACE_MS:
            self.size = min(self.size * 2, BESIDE_OTHERS)
        elif self.latency > self.quiet * SLOWER + GRACE_MS:
            self.size = max(self.size // 2, FLOOR)
        return self.size

    def _watch(self, feeler: Feeler) -> None:
        while not self._stopped.wait(PAUSE):
            self._is_alone = feeler.is_alone()
            self._seen.append(self._probe(feeler))

    def _probe(self, feeler: Feeler) -> float:
        began = time.perf_counter()
        try:
            feeler.commit()
        except Exception:  # a probe that fails tells nothing; the batches will say what is wrong
            return self.quiet
        return (time.perf_counter() - began) * 1_000
