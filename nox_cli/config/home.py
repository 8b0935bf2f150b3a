"""Where nox keeps its state: never on a network file system, where the local store's locks would not hold."""

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
    """Name the user as the system does; by number where it has no name."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def home_directory(environ: Mapping[str, str]) -> Path:
    """Find the user's home, also where HOME is not set, as in cron."""
    if environ.get("HOME", "").startswith("/"):
        return Path(environ["HOME"])
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        return Path("/")


def host() -> str:
    """Name this machine."""
    from workers import machine

    return machine.host()


def state_directory(environ: Mapping[str, str]) -> Path:
    """Say where state lies by default, whatever the file system."""
    state = environ.get("XDG_STATE_HOME", "")
    base = Path(state) if state.startswith("/") else home_directory(environ) / ".local/state"
    return base / "nox"


def refuse_network(home: Path, origin: str) -> None:
    """Let a state directory pass that was asked for by name.

    Raises:
        StoreRefused: it lies on a network file system.
    """
    from workers import machine

    kind = machine.network_file_system(home)
    if kind is not None:
        raise StoreRefused(
            f"{origin} names {home}, which lies on a network file system ({kind}) where locks do not hold",
            did="nothing was done",
            hint="name a directory on a disk of this machine, or unset it",
        )


def node_local(home: Path, candidates: tuple[Path, ...] = NODE_LOCAL) -> Path | None:
    """Find the directory that stands in for a default `home` on a network file system; None: `home` is fine.

    Raises:
        StoreRefused: what should stand in belongs to somebody else, or others can read it.
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
    return _own(base / f"nox-{os.getuid()}")


def _own(path: Path) -> Path:
    """Make a directory for the user alone, or find it so."""
    try:
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
