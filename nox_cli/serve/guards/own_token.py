"""The server's own token, in a file of the state directory that only its user can read."""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from workers.errors import UsageError
from workers.files import open_file
from workers.store.tokens import new_secret

TOKEN_FILE = "serve.token"  # noqa: S105  a name
_SECRET = re.compile(r"nox_[A-Za-z0-9_-]{43}", re.ASCII)
_MOST_BYTES = 256


def own_token(home: Path) -> str:
    """Read the server's own token; the first call makes it.

    To replace it, remove the file and start the server again.

    Raises:
        UsageError: the file belongs to another user, others can read it, or it holds no token.
        OSError: it cannot be read or written.
    """
    try:
        return read_own_token(home)
    except FileNotFoundError:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        _make(home / TOKEN_FILE)
    return read_own_token(home)


def _make(path: Path) -> None:
    """Make a file with a new token, whole; one that another server just made stays."""
    part = path.with_name(f"{path.name}.{uuid4().hex}")
    with os.fdopen(open_file(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "w", encoding="ascii") as file:
        file.write(f"{new_secret()}\n")
    try:
        with suppress(FileExistsError):
            path.hardlink_to(part)
    finally:
        part.unlink()


def read_own_token(home: Path) -> str:
    """Read the server's own token, which is there; raises as `own_token`."""
    path = home / TOKEN_FILE
    with os.fdopen(open_file(path, os.O_RDONLY | os.O_NONBLOCK), encoding="ascii", errors="replace") as file:
        found = os.fstat(file.fileno())
        text = file.read(_MOST_BYTES).strip() if stat.S_ISREG(found.st_mode) else ""
    if found.st_uid != os.getuid():
        raise _refusal(path, "belongs to another user")
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise _refusal(path, "can be read by others")
    if not _SECRET.fullmatch(text):
        raise _refusal(path, "holds no token")
    return text


def _refusal(path: Path, why: str) -> UsageError:
    return UsageError(
        f"{path} {why}", did="it is not used", hint=f"remove it, and nox serve makes a new one: rm {path}"
    )
