"""The file of a pool on a login node: what is executed for its allocations, and their limits.

It belongs to the user and only that user can read it; the store has its hash.  An autoscaler executes nothing
that comes from the store.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta

from nox_cli.alloc.sbatch_words import check_words
from workers.errors import InputRefused, SettingsInvalid
from workers.files import made_below, open_file
from workers.store.pools import POOL_NAME, Budget, PoolDefinition

if TYPE_CHECKING:
    from pathlib import Path

MAX_CORES, MAX_MEMORY_BYTES, MAX_MOST = 4_096, 2**50, 1_000
LEAST_TIME_S, MAX_TIME_S = 180, 366 * 86_400
_FOLDER, _ENDING = "pools", ".json"
_MOST_BYTES = 256 * 1024

Days = Literal[1, 7, 30]


class PoolFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Describes the allocations of a pool: their size, their number, and the commands for them."""

    format: Literal[1] = 1
    pool: Annotated[str, Meta(pattern=rf"^{POOL_NAME.pattern}$")]
    owner: str
    store: str  # the identity of the store that it was set for
    where: str  # the address of that store, without a password
    cores: Annotated[int, Meta(ge=1, le=MAX_CORES)]
    memory_bytes: Annotated[int, Meta(ge=1, le=MAX_MEMORY_BYTES)]
    time_s: Annotated[int, Meta(ge=LEAST_TIME_S, le=MAX_TIME_S)]
    max: Annotated[int, Meta(ge=1, le=MAX_MOST)]
    pending: Annotated[int, Meta(ge=1, le=MAX_MOST)]
    budget_core_seconds: Annotated[int, Meta(ge=1)] | None
    budget_days: Days | None
    idle_s: Annotated[int, Meta(ge=1, le=MAX_TIME_S)]
    engines: tuple[str, ...]  # keys; none: not known
    words: tuple[str, ...]  # of sbatch
    before: str  # a line of the shell that runs before the worker
    nox: tuple[str, ...]  # the command that is nox, with absolute paths
    srun: str  # absolute path; empty: the batch script starts the worker itself
    environment: dict[str, str]  # settings of the worker
    folder: str  # of the logs

    @property
    def definition(self) -> PoolDefinition:
        """The part of it that the store keeps too."""
        budget = None
        if self.budget_core_seconds is not None:
            budget = Budget(self.budget_core_seconds, self.budget_days or 1)
        return PoolDefinition(
            cores=self.cores,
            memory_bytes=self.memory_bytes,
            time_s=self.time_s,
            most=self.max,
            pending=self.pending,
            budget=budget,
            idle_s=self.idle_s,
            engines=frozenset(self.engines),
        )

    def log(self, token: str) -> str:
        """Return the path of the log of an allocation."""
        return f"{self.folder}/{token}.log"


class StoredFile(NamedTuple):
    """The file of a pool as it is on the disk."""

    file: PoolFile
    digest: str  # SHA-256 of its bytes, hexadecimal


def path_of(home: Path, name: str) -> Path:
    """Return the path of the file of a pool; `home`: the state directory."""
    return home / _FOLDER / f"{name}{_ENDING}"


def folder_of(home: Path, name: str) -> Path:
    """Return the folder of the logs of a pool."""
    return home / _FOLDER / name


def names(home: Path) -> list[str]:
    """List the pools that have a file, by name."""
    with suppress(OSError):
        found = [path.stem for path in (home / _FOLDER).iterdir() if path.suffix == _ENDING]
        return sorted(filter(POOL_NAME.fullmatch, found))
    return []


def read(home: Path, name: str) -> StoredFile | None:
    """Read the file of a pool; None: there is none.

    Raises:
        SettingsInvalid: it or its folder belongs to another user, others can read or write it, it is damaged,
            or was given words for sbatch that `nox alloc set` refuses.
    """
    path = path_of(home, name)
    try:
        _check(path.parent, path.parent.lstat())
        descriptor = open_file(path, os.O_RDONLY | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as opened:
            _check(path, os.fstat(opened.fileno()))
            content = opened.read(_MOST_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(path, (error.strerror or str(error)).lower()) from None
    try:
        file = msgspec.json.decode(content, type=PoolFile)
        check_words(file.words)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, InputRefused) as error:
        raise _unusable(path, f"it is damaged ({error})", f"nox alloc set {name} writes it anew") from None
    if file.pool != name:
        raise _unusable(path, f"it describes pool {file.pool}", f"nox alloc set {name} writes it anew")
    return StoredFile(file, sha256(content).hexdigest())


def write(home: Path, file: PoolFile) -> str:
    """Replace the file of a pool, whole, and make the folder of its logs; return the hash of the file.

    Raises:
        SettingsInvalid: the file cannot be written, or its folder belongs to another user.
    """
    path = path_of(home, file.pool)
    content = msgspec.json.format(msgspec.json.encode(file), indent=2) + b"\n"
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with made_below(home, _FOLDER):
            _check(path.parent, path.parent.lstat())
        with os.fdopen(open_file(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        part.replace(path)
        with made_below(home, _FOLDER, file.pool):  # now that no look takes it for that of a removed pool
            pass
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise _unusable(path, (error.strerror or str(error)).lower()) from None
    return sha256(content).hexdigest()


def remove(home: Path, name: str) -> bool:
    """Remove the file of a pool; false: there was none.  Its logs stay until they are old.

    Raises:
        SettingsInvalid: it cannot be removed.
    """
    path = path_of(home, name)
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _unusable(path, (error.strerror or str(error)).lower()) from None
    return True


def clean_logs(home: Path, before_s: float) -> None:
    """Remove logs last written before a time, in seconds since 1970, and empty folders of removed pools."""
    root = home / _FOLDER
    with suppress(OSError, SettingsInvalid):
        _check(root, root.lstat())
        for folder in root.iterdir():
            if folder.is_symlink():
                continue
            for path in folder.glob("*.log"):
                if path.lstat().st_mtime < before_s:
                    path.unlink()
            if folder.is_dir() and not path_of(home, folder.name).exists():
                with suppress(OSError):
                    folder.rmdir()


def _check(path: Path, found: os.stat_result) -> None:
    """Check that a file or folder belongs to the user, and that no other user can use it.

    Raises:
        SettingsInvalid: it does not.
    """
    if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
        raise _unusable(path, "it is no regular file")
    if found.st_uid != os.geteuid():
        raise _unusable(path, "it belongs to another user")
    if found.st_mode & 0o077:
        raise _unusable(path, "others can use it", f"chmod go= {path}")


def _unusable(path: Path, why: str, hint: str = "") -> SettingsInvalid:
    return SettingsInvalid(f"{path} cannot be used: {why}", did="nothing was done", hint=hint)
