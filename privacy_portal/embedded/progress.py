"""What the person in front of the terminal sees while it works."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


def say(words: str = "") -> None:
    """One line, at once."""
    print(words, flush=True)


@contextmanager
def step(name: str) -> Iterator[None]:
    """`  name …` while it works, its seconds when it is done."""
    began = time.monotonic()
    on_terminal = sys.stdout.isatty()
    if on_terminal:
        print(f"  {name} …", end="", flush=True)
    try:
        yield
    except BaseException:
        say(" failed" if on_terminal else f"  {name:<42} failed")
        raise
    start_of_line = "\r" if on_terminal else ""
    say(f"{start_of_line}  {name:<42} {time.monotonic() - began:5.1f} s")
