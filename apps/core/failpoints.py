"""Places where an experiment may stop a sweep dead: named in the environment, nothing anywhere else.

`SWEEP_FAILPOINT="store committed:3"` kills this process the third time it comes there.
"""

import os
import signal

SIGNAL = signal.SIGKILL
_seen: dict[str, int] = {}


def reach(place: str) -> None:
    """Die here, where the environment says so: as a machine that loses its power, without a word."""
    wanted = os.environ.get("SWEEP_FAILPOINT")
    if not wanted:
        return
    name, _, count = wanted.partition(":")
    if name != place:
        return
    _seen[place] = _seen.get(place, 0) + 1
    if _seen[place] == int(count or 1):
        os.kill(os.getpid(), SIGNAL)
