"""An erasure that is killed at a chosen point: `python -m tests.datamap.killed POINT HASH`, a process of its own."""

import os
import signal
import sys
from typing import Any


def die(*arguments: Any, **named: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(point: str, plan: str) -> None:
    import django

    django.setup()
    from django.core.management import call_command

    from apps.datamap import effects, guards, services
    from tests.datamap.people import tax

    real = effects.write_receipt
    match point:
        case "before the store commits":
            effects.write_receipt = lambda *all: (real(*all), die())
        case "after the store committed":
            services.note_execution = die
        case "after the portal committed":
            services.search_again = die
    with guards.only(tax=tax):
        call_command("datamap", "erase", "--plan", plan, "--json")


if __name__ == "__main__":
    main(*sys.argv[1:])
