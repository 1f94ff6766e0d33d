"""Child processes that never outlive us, and the leftovers of runs that were killed.

Two nets hold: the kernel signals every child when its parent dies (Linux), and a pid file lets the next start find
and stop whatever is left all the same.
"""

import ctypes
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class EmbeddedError(Exception):
    """Something the person in front of the terminal must know; the message says what to do."""


def birth(pid: int) -> str | None:
    """When the process began, as the system tells it; None when it is gone or a zombie. Tells a pid from its reuse."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        if sys.platform == "linux":
            return None
        told = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
        return told.stdout.strip() or None
    return None if fields[0] in "ZX" else fields[19]


def mark(pid: int) -> str:
    """What a pid file holds: the pid and its birth."""
    return f"{pid} {birth(pid)}\n"


def marked(path: Path) -> int | None:
    """The pid in a pid file, if exactly that process still lives."""
    try:
        pid, born = path.read_text().split(maxsplit=1)
    except (OSError, ValueError):
        return None
    return int(pid) if birth(int(pid)) == born.strip() else None


@dataclass
class Child:
    """A running process with its pid file."""

    name: str
    process: subprocess.Popen[bytes]
    pid_file: Path
    stop_signal: signal.Signals
    asked: bool = False

    def ask(self) -> None:
        """Signal it, so that several stop at the same time."""
        if not self.asked and self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
        self.asked = True  # once: a second signal makes a worker drop what it does

    def stop(self, *, patience: float = 10) -> None:
        """Ask, wait, then take its whole process group away."""
        self.ask()
        stop_process(self.process.pid, None, patience=patience, reap=self.process.poll)
        self.process.wait()
        self.pid_file.unlink(missing_ok=True)


def start(
    name: str,
    command: Sequence[str | Path],
    *,
    pid_file: Path,
    log: Path,
    user: pwd.struct_passwd | None = None,
    cwd: Path | str = "/",
    env: Mapping[str, str] | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
) -> Child:
    """Start a child in a session of its own (Ctrl-C reaches only us), as `user` if given."""
    drop: dict[str, Any] = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=None if env is None else dict(env),
            start_new_session=True,
            preexec_fn=_tie_to_parent(stop_signal),  # noqa: PLW1509 - a lone prctl call
            **drop,
        )
    pid_file.write_text(mark(process.pid))
    return Child(name, process, pid_file, stop_signal)


def die_with_parent(stop_signal: signal.Signals) -> None:
    """The kernel sends us this signal when our parent dies (Linux)."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, int(stop_signal))


def _tie_to_parent(stop_signal: signal.Signals) -> Callable[[], None] | None:
    if _libc is None:
        return None
    parent = os.getpid()

    def ask_kernel() -> None:
        die_with_parent(stop_signal)
        if os.getppid() != parent:  # it died in between
            os._exit(1)

    return ask_kernel


def stop_leftover(pid_file: Path, stop_signal: signal.Signals, *, patience: float = 10) -> bool:
    """Stop the process of an earlier run that the pid file names; True if there was one."""
    pid = marked(pid_file)
    if pid is not None:
        stop_process(pid, stop_signal, patience=patience)
    pid_file.unlink(missing_ok=True)
    return pid is not None


def stop_process(
    pid: int, stop_signal: signal.Signals | None, *, patience: float, reap: Callable[[], object] | None = None
) -> None:
    """Signal a process (unless it was asked before) and wait; after `patience` seconds kill its group."""
    born = birth(pid)
    if stop_signal is not None:
        _signal(os.kill, pid, stop_signal)
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if reap:
            reap()
        if birth(pid) != born or born is None:
            break
        time.sleep(0.02)
    _signal(os.killpg, pid, signal.SIGKILL)  # the rest of its session, if anything is left of it
    while born is not None and birth(pid) == born:
        time.sleep(0.02)
        if reap:
            reap()


def kill_strays(variable: str, value: str) -> None:
    """Kill processes that carry `variable=value` in their environment: what a killed master left (Linux)."""
    wanted = f"{variable}={value}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if int(folder.name) != os.getpid() and wanted in (folder / "environ").read_bytes().split(b"\0"):
                os.kill(int(folder.name), signal.SIGKILL)
        except OSError:
            continue


def _signal(send: Callable[[int, int], None], pid: int, what: signal.Signals) -> None:
    try:
        send(pid, what)
    except ProcessLookupError:
        pass


def wait_until(ready: Callable[[], bool], child: Child, *, log: Path, seconds: float = 30) -> None:
    """Wait for a child to serve; says with its last words why it does not."""
    end = time.monotonic() + seconds
    while not ready():
        if child.process.poll() is not None:
            raise EmbeddedError(f"{child.name} stopped while starting:\n{last_words(log)}")
        if time.monotonic() > end:
            raise EmbeddedError(f"{child.name} is not ready after {seconds:.0f} s:\n{last_words(log)}")
        time.sleep(0.02)


def last_words(log: Path, lines: int = 15) -> str:
    """The end of a log file, indented."""
    try:
        tail = log.read_text(errors="replace").splitlines()[-lines:]
    except OSError:
        tail = []
    return "\n".join(f"    {line}" for line in tail) or "    (it said nothing)"
