"""Bring database and files up to date, in one process: translations, migrations, reference and sample data, assets.

Run by the supervisor before the web starts; with nothing changed since the last time it is not run at all.
"""

import hashlib
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from privacy_portal.embedded.progress import step
from privacy_portal.translations import compile_translations

ROOT = Path(__file__).resolve().parents[2]
DONE = "prepared"


def fingerprint(root: Path = ROOT) -> str:
    """Changes with any file that migrations, reference data, sample data, assets or translations are made of."""
    digest = hashlib.sha256()
    for path in _sources(root):
        seen = path.stat()
        digest.update(f"{path.relative_to(root)} {seen.st_size} {seen.st_mtime_ns}\n".encode())
    digest.update(os.environ.get("DEMO", "").encode())
    return digest.hexdigest()


def _sources(root: Path) -> Iterator[Path]:
    yield from (path for path in (root / "requirements.lock", root / "privacy_portal/settings.py") if path.exists())
    for top in ("apps", "static", "locale", "privacy_portal/embedded"):
        for folder, folders, files in os.walk(root / top):
            folders[:] = sorted(name for name in folders if name != "__pycache__")
            yield from (Path(folder, name) for name in sorted(files) if not name.endswith((".mo", ".pyc", ".part")))


def prepare(marker: Path) -> None:
    """Every step may be repeated. `marker` is written last."""
    before = fingerprint()
    marker.unlink(missing_ok=True)
    with step("translations"):
        compile_translations()
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command, get_commands

    commands = get_commands()
    with step("migrations"):
        call_command("migrate", interactive=False, verbosity=0)
    if "seed" in commands:
        with step("reference data"):
            call_command("seed", stdout=io.StringIO())
    if settings.DEMO and "demo" in commands:
        with step("sample data"):  # the command leaves data alone that is there
            call_command("demo", scale="small", no_color=True, stdout=io.StringIO())
        _write_sign_ins(settings.STATE_DIR / "sign-ins.txt")
    with step("assets"):
        call_command("collectstatic", interactive=False, verbosity=0)
    marker.write_text(before)


def _write_sign_ins(path: Path) -> None:
    """What `make run` prints: kept, so that the next start need not ask for it."""
    from django.core.management import call_command

    words = io.StringIO()
    call_command("demo", "--print-sign-ins", stdout=words)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(words.getvalue())


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "privacy_portal.settings")
    prepare(Path(sys.argv[1]))
