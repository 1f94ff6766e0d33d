"""Which folder holds what: state, servers' data, sockets; and who may enter."""

import hashlib
import os
import pwd
import shutil
import stat
import sys
from pathlib import Path

from privacy_portal.embedded.binaries import can_enter
from privacy_portal.embedded.processes import EmbeddedError

PG_SOCKET, VALKEY_SOCKET = ".s.PGSQL.5432", "valkey.sock"
SOCKET_PATH_LIMIT = 107 if sys.platform == "linux" else 103  # bytes of sun_path without the closing NUL
SHORT_TMP = Path("/tmp")  # noqa: S108 - TMPDIR may be as deep as the state folder
OUTSIDE = Path("/var/tmp")  # noqa: S108 - outlives a restart of the machine


def digest_of(folder: Path) -> str:
    """A short name for a long path."""
    return hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]


def server_home(state: Path, user: pwd.struct_passwd | None) -> Path:
    """The folder of the servers' data: `state/servers`, where the servers' user can get at it.

    Below a folder closed to that user (a clone in /root) it lies in /var/tmp and `state/servers` is a link to it.
    """
    home = state / "servers"
    if home.is_dir() and can_enter(home, user):
        return home.resolve()
    if not home.is_symlink() and not home.exists():
        home.mkdir(mode=0o711)
        state.chmod(0o711)  # names in it may be guessed; each thing in it is closed by itself
        if can_enter(home, user):
            return home.resolve()
    outside = OUTSIDE / f"privacy-portal-{digest_of(state)}"
    private_folder(outside, None)
    outside.chmod(0o711)
    if not home.is_symlink():
        home.rmdir()
        home.symlink_to(outside)
    if not can_enter(outside, user):
        raise EmbeddedError(f"The user that servers run as cannot enter {outside}.")
    return outside


def remove_state(state: Path) -> None:
    """All of it, also what lies outside."""
    home = state / "servers"
    if home.is_symlink():
        shutil.rmtree(home.resolve(), ignore_errors=True)
    if state.exists():
        shutil.rmtree(state)


def socket_folder(folder: Path, user: pwd.struct_passwd | None) -> Path:
    """`folder/s` if a socket's path fits into the kernel's limit; else a folder under /tmp named after a digest of it.

    Private either way: only we and the servers' user may enter, and one that somebody else made is refused.
    """
    chosen = folder.resolve() / "s"
    if len(os.fsencode(chosen / PG_SOCKET)) + len(".lock") > SOCKET_PATH_LIMIT:
        chosen = SHORT_TMP / f"portal-{digest_of(folder)}"
    private_folder(chosen, user)
    return chosen


def private_folder(path: Path, user: pwd.struct_passwd | None) -> None:
    """Make the folder, or make sure that the one that is there is ours; only the servers' user may enter."""
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        found = path.lstat()
        ours = {os.geteuid(), user.pw_uid if user else os.geteuid()}
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in ours:
            raise EmbeddedError(f"{path} is in the way and belongs to somebody else: remove it.") from None
    if user:
        os.chown(path, user.pw_uid, user.pw_gid)
    path.chmod(0o700)


def remove_sockets(sockets: Path) -> None:
    """After the servers are gone: whatever socket they left, and the folder if it is ours alone."""
    for name in (PG_SOCKET, f"{PG_SOCKET}.lock", VALKEY_SOCKET):
        (sockets / name).unlink(missing_ok=True)
    try:
        sockets.rmdir()
    except OSError:
        pass
