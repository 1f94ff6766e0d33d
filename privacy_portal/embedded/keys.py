"""Keys of the embedded default: made once, kept in `.portal/keys.env`, readable by nobody else."""

import base64
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def write_keys(state: Path) -> Path:
    """Write the file if it is not there. What is sealed with these keys is lost without them: never rewritten."""
    path = state / "keys.env"
    if path.exists():
        return path
    first = f"{datetime.now(UTC):%Y%m}"
    lines = [
        "# Made by the embedded default. Lose this file and everything sealed with it is lost.",
        f"SECRET_KEY={secrets.token_urlsafe(50)}",
        f"FIELD_KEYS={first}:{_key()}",
        f"PACKAGE_KEYS={first}:{_key()}",
        f"INDEX_KEY={_key()}",
        f"TOMBSTONE_KEY={_key()}",
    ]
    unfinished = path.with_suffix(".part")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
    return path


if __name__ == "__main__":  # docker-compose.yml: where no keys are given, they are made once in the volume
    if not os.environ.get("SECRET_KEY"):
        state = Path(os.environ["PORTAL_STATE_DIR"])
        state.mkdir(parents=True, exist_ok=True)
        write_keys(state)
