"""One-time codes for the page of `nox serve`: files of the state directory, one a code.

A file has the SHA-256 of its code as its name, and the end of its validity as its content.  To redeem a code
is to remove its file, which one process can do once, whichever servers share the directory.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from nox_cli.times import now_ms
from workers.files import made_below, open_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CODES = "serve.codes"  # the folder in the state directory
VALID_S = 600
_RANDOM_BYTES = 16
_CODE = re.compile(r"[0-9a-f]{32}", re.ASCII)  # terminals leave no end of it out of a link
_DIGITS_OF_TIME = 13


def new_code(home: Path) -> str:
    """Make a code that is valid once, within ten minutes, at any server of a state directory.

    Raises:
        OSError: its file cannot be written, or others can write to the folder.
    """
    code = secrets.token_hex(_RANDOM_BYTES)
    with private_folder(home, CODES) as folder:
        _remove_expired(folder)
        descriptor = open_file(_name(code), os.O_WRONLY | os.O_CREAT | os.O_EXCL, folder=folder)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{now_ms() + 1_000 * VALID_S}")
    return code


def redeem(home: Path, code: str) -> bool:
    """Use a code up; false: it was never made, is used, or has expired.

    Raises:
        OSError: the folder cannot be read, or others can write to it.
    """
    if not _CODE.fullmatch(code):
        return False
    with private_folder(home, CODES) as folder:
        name = _name(code)
        is_valid = _is_valid(folder, name)
        try:
            os.unlink(name, dir_fd=folder)
        except FileNotFoundError:  # another request was faster
            return False
    return is_valid


def _name(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


@contextmanager
def private_folder(home: Path, name: str) -> Iterator[int]:
    """Open a folder of the state directory, which is made if it is missing.

    Raises:
        OSError: it cannot be made or opened, or others can write to it.
    """
    with made_below(home, name) as (_, folder):
        found = os.fstat(folder)
        if found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o022:
            raise PermissionError(f"others can write to {home / name}")
        yield folder


def _is_valid(folder: int, name: str) -> bool:
    """Whether the file of a code is there and has not expired."""
    try:
        descriptor = open_file(name, os.O_RDONLY | os.O_NONBLOCK, folder=folder)
        with os.fdopen(descriptor, encoding="ascii") as file:
            return now_ms() < int(file.read(_DIGITS_OF_TIME))
    except (OSError, ValueError):
        return False


def _remove_expired(folder: int) -> None:
    for name in os.listdir(folder):
        with suppress(OSError):
            if not (_is_begun(folder, name) or _is_valid(folder, name)):  # in this order
                os.unlink(name, dir_fd=folder)


def _is_begun(folder: int, name: str) -> bool:
    """Whether another process has made a file just now, and writes it next."""
    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    return found.st_size == 0 and now_ms() < 1_000 * (found.st_mtime + VALID_S)
