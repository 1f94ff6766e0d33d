"""`python -m privacy_portal.embedded run|clean`."""

import sys

from privacy_portal.embedded.run import clean, run

COMMANDS = {"run": run, "clean": clean}

if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in COMMANDS:
        print(f"usage: python -m privacy_portal.embedded {'|'.join(COMMANDS)}", file=sys.stderr)
        sys.exit(2)
    sys.exit(COMMANDS[sys.argv[1]]())
