"""The state directory: never on a network file system, where the locks of the local store would not work."""

from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from workers.errors import StoreRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

NODE_LOCAL = (Path("/var/tmp"), Path("/tmp"))  # noqa: S108  owner and rights are checked


def login_name() -> str:
    """Return the user's login name, or the user's number if the system has no name for it."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def home_directory(environ: Mapping[str, str]) -> Path:
    """Return the user's home directory, also where HOME is not set, as in cron."""
    if environ.get("HOME", "").startswith("/"):
        return Path(environ["HOME"])
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        return Path("/")


def state_directory(environ: Mapping[str, str], own: Path) -> Path:
    """Return the default state directory, on whatever file system it is.

    Args:
        environ: the environment.
        own: the user's home directory.
    """
    state = environ.get("XDG_STATE_HOME", "")
    return (Path(state) if state.startswith("/") else own / ".local/state") / "nox"


def usable(home: Path, origin: str = "", *, is_made: bool = True) -> tuple[Path, str]:
    """Find the state directory that a local store can use.

    Args:
        home: the state directory by the settings.
        origin: the setting that names it; empty: it is the default.
        is_made: make the replacement of a default if it is not there.

    Returns:
        `home` and "", or, for a default on a network file system, a directory of this machine and this
        machine's name.

    Raises:
        StoreRefused: the settings name a directory on a network file system, or there is no other directory.
    """
    if origin:
        refuse_network(home, origin)
        return home, ""
    moved = node_local(home, is_made=is_made)
    if moved is None:
        return home, ""
    from workers.machine import host

    return moved, host()


def refuse_network(home: Path, origin: str) -> None:
    """Check a state directory that the settings name.

    Raises:
        StoreRefused: it is on a network file system.
    """
    from workers import machine

    kind = machine.network_file_system(home)
    if kind is not None:
        raise StoreRefused(
            f"{origin} names {home}, which lies on a network file system ({kind}) where locks do not hold",
            did="nothing was done",
            hint="name a directory on a disk of this machine, or unset it",
        )


def node_local(home: Path, candidates: tuple[Path, ...] = NODE_LOCAL, *, is_made: bool = True) -> Path | None:
    """Find a replacement on this machine for a default directory on a network file system.

    Returns:
        The replacement; None: `home` is on a disk of this machine.

    Raises:
        StoreRefused: the replacement belongs to another user, or others can read it.
    """
    from workers import machine

    kind = machine.network_file_system(home)
    if kind is None:
        return None
    base = next((place for place in candidates if machine.network_file_system(place) is None), None)
    if base is None:
        raise StoreRefused(
            f"{home} lies on a network file system ({kind}), and no place of this machine's own was found",
            did="nothing was done",
            hint="set NOX_HOME to a directory on a disk of this machine",
        )
    return _own(base / f"nox-{os.getuid()}", is_made=is_made)


def _own(path: Path, *, is_made: bool) -> Path:
    """Create a directory that only the user can enter, or check that it is one."""
    try:
        if is_made:
            path.mkdir(mode=0o700, exist_ok=True)
        found = path.lstat()
    except OSError as error:
        raise _not_ours(path, (error.strerror or str(error)).lower()) from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise _not_ours(path, "it belongs to somebody else")
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise _not_ours(path, "others may enter it")
    return path


def _not_ours(path: Path, why: str) -> StoreRefused:
    return StoreRefused(
        f"{path} cannot hold your jobs: {why}",
        did="nothing was done",
        hint="set NOX_HOME to a directory of your own on a disk of this machine",
    )
