"""Keys of the embedded default: made once, kept in `.portal/keys.env`, readable by nobody else."""

import base64
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path

HEAD = "# Made by the embedded default. Lose this file and everything sealed with it is lost."


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _keys() -> dict[str, str]:
    first = f"{datetime.now(UTC):%Y%m}"
    return {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "FIELD_KEYS": f"{first}:{_key()}",
        "PACKAGE_KEYS": f"{first}:{_key()}",
        "INDEX_KEY": _key(),
        "TOMBSTONE_KEY": _key(),
        "RECEIPT_KEYS": f"{first}:{_key()}",
    }


def write_keys(state: Path) -> Path:
    """Write the file if it is not there, and add the kinds of keys that are new since it was written.

    What is sealed with these keys is lost without them: a line that stands is never changed.
    """
    path = state / "keys.env"
    standing = path.read_text().rstrip("\n").split("\n") if path.exists() else [HEAD]
    names = {line.partition("=")[0].strip() for line in standing}
    missing = [f"{name}={key}" for name, key in _keys().items() if name not in names]
    if not missing:
        return path
    unfinished = path.with_suffix(".part")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write("\n".join([*standing, *missing]) + "\n")
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
    return path


if __name__ == "__main__":  # docker-compose.yml: where no keys are given, they are made once in the volume
    if not os.environ.get("SECRET_KEY"):
        state = Path(os.environ["PORTAL_STATE_DIR"])
        state.mkdir(parents=True, exist_ok=True)
        write_keys(state)
