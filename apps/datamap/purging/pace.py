"""How large the next batch may be: what a writer beside it feels decides.

A writer waits for the log of the transaction that is being flushed, so a batch is as large as keeps a small commit,
made again and again by a thread of its own, below twice what it takes when nothing is purged.
"""

import statistics
import threading
import time
from collections import deque
from collections.abc import Callable

FLOOR, START, CEILING = 500, 1_000, 50_000
SLOWER, QUICK = 2.0, 1.5  # times the quiet latency: above the first a batch is halved, below the second doubled
GRACE_MS = 2.0  # differences below this are noise of the machine
PAUSE = 0.02
QUIET_PROBES = 12


class Pace:
    """The size of batches, from the latency of `commit`: a small durable write that takes as long as any writer's."""

    def __init__(self, commit: Callable[[], None] | None, *, size: int = START) -> None:
        self.size = max(FLOOR, min(size, CEILING))
        self.latency: float | None = None
        self._commit = commit
        self._seen: deque[float] = deque(maxlen=50)
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self.quiet = 0.0

    def __enter__(self) -> "Pace":
        if self._commit:
            self.quiet = statistics.median(self._probe() for _ in range(QUIET_PROBES))
            self._thread = threading.Thread(target=self._watch, daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        if self._thread:
            self._thread.join()

    def next(self) -> int:
        """The size of the batch to come, by what was felt during the last one."""
        seen = list(self._seen)
        self._seen.clear()
        if not self._commit:
            self.size = min(self.size * 2, 5_000)
        elif seen:
            self.latency = sorted(seen)[int(len(seen) * 0.95)]
            is_noise = self.latency < self.quiet + GRACE_MS
            if self.latency > self.quiet * SLOWER and not is_noise:
                self.size = max(self.size // 2, FLOOR)
            elif self.latency < self.quiet * QUICK or is_noise:
                self.size = min(self.size * 2, CEILING)
        else:
            self.size = min(self.size * 2, CEILING)  # the batch was over before the first probe
        return self.size

    def _watch(self) -> None:
        while not self._stopped.wait(PAUSE):
            self._seen.append(self._probe())

    def _probe(self) -> float:
        began = time.perf_counter()
        try:
            self._commit() if self._commit else None
        except Exception:  # a probe that fails tells nothing; the batches will say what is wrong
            return self.quiet
        return (time.perf_counter() - began) * 1_000
