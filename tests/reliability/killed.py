"""A worker that is killed at a chosen point: `python -m tests.reliability.killed POINT`, a process of its own."""

import os
import signal
import sys


def die(*arguments: object, **named: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def after(real):
    def called(*arguments, **named):
        real(*arguments, **named)
        die()

    return called


def at_the_end(execution):
    real = execution.close_erasure

    def close(subject_request, **named):
        if execution.confirmed_everywhere():
            die()
        return real(subject_request, **named)

    return close


def main(point: str) -> None:
    import django

    django.setup()
    from apps.subject_requests import tasks
    from apps.subject_requests.services import access, execution

    match point:
        case "claimed":  # first commit: the claim
            execution.execute_effect = access.datamap.find = die
        case "effect":  # second commit: the store's own
            execution.execute_effect = after(execution.execute_effect)
        case "settled":  # third commit: the outcome here
            execution.confirm_task = die
        case "confirmed":  # every store is confirmed, the request not closed yet
            execution.close_erasure = die
        case "closing":  # every store is confirmed, and that was the last thing the worker did
            execution.close_erasure = at_the_end(execution)
        case "packed":  # the file is on disk, its row is not
            access.settle_package = die
    tasks.execute_requests()


if __name__ == "__main__":
    main(sys.argv[1])
