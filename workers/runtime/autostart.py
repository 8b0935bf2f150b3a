"""The background worker of the local store, and the lock that shows that one lives.

The lock passes from the command that stored a job to the worker it starts, so it always has an owner; and an
idle worker releases the lock before it looks for jobs for the last time.  So a job stored at any moment is
either seen by a living worker or starts one.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from workers.bell.base import PIPE_NAME
from workers.bell.pipe import ring
from workers.files import NO_LOCKS, lock_file, open_file
from workers.machine import LOGIN_NODE, allocation

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

IDLE_TIMEOUT_S = 60
# A worker takes about a second until its first beat; on a slow file system far more.
STARTING_S = 60.0
# A larger log is renamed when a worker starts.
LOG_LIMIT_BYTES = 4 * 1024**2
# No command waits for these; they are kept because Python complains about a forgotten process.
_started: list[subprocess.Popen[bytes]] = []
LOCK_NAME = "worker.lock"
LOG_NAME = "worker.log"


class Wake(StrEnum):
    """The ways in which stored jobs get a worker."""

    STARTED = "started"  # a background worker was started
    RUNG = "rung"  # a worker lives, and was woken
    LEFT = "left"  # nothing: the jobs wait for a worker


class Woken(NamedTuple):
    """The outcome of `wake`; `why` explains why no worker was started."""

    wake: Wake
    why: str = ""
    log: Path | None = None  # the log of a started worker


class WorkerLock:
    """Holds the lock of the local worker, as long as its descriptor is open."""

    def __init__(self, path: Path, descriptor: int | None) -> None:
        self._path = path
        self._descriptor = descriptor
        self._guard = threading.Lock()

    @classmethod
    def take(cls, home: Path) -> WorkerLock | None:
        """Take the lock without waiting; None: another process has it.

        Raises:
            OSError: the lock file cannot be opened.
        """
        lock = cls(home / LOCK_NAME, None)
        return lock if lock.retake() else None

    @classmethod
    def adopt(cls, home: Path, descriptor: int) -> WorkerLock:
        """Take over a lock that is inherited locked; processes started from here do not inherit it."""
        os.set_inheritable(descriptor, False)
        return cls(home / LOCK_NAME, descriptor)

    @property
    def is_held(self) -> bool:
        """Whether this process holds the lock."""
        return self._descriptor is not None

    @property
    def descriptor(self) -> int:
        """The descriptor for a worker that is to inherit the lock.

        Raises:
            ValueError: the lock is not held.
        """
        if self._descriptor is None:
            raise ValueError("the lock is not held")
        return self._descriptor

    def retake(self) -> bool:
        """Take the lock again without waiting; False: another process has it."""
        with self._guard:
            if self._descriptor is None:
                self._descriptor = lock_file(self._path)
            return self._descriptor is not None

    def release(self) -> None:
        """Release the lock; harmless to repeat."""
        with self._guard:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None


def wake(
    home: Path,
    *,
    policy: str,
    login_node: bool,
    variables: Mapping[str, str] = MappingProxyType({}),
    idle_timeout_s: float = IDLE_TIMEOUT_S,
) -> Woken:
    """Make sure that a worker looks at the local store, after jobs were committed to it.

    Args:
        home: the directory of the local store.
        policy: `always`, `never`, or `auto`: never on a login node.
        login_node: whether this machine is one.
        variables: settings the worker could not find by itself, as NOX_ARTIFACTS; added to its environment.
        idle_timeout_s: a worker that is started ends after this time without a job.
    """
    try:
        lock = WorkerLock.take(home)
    except OSError as error:
        where = " (set NOX_HOME to a directory on a disk of this machine)" if error.errno in NO_LOCKS else ""
        return Woken(Wake.LEFT, f"cannot lock {home / LOCK_NAME}: {error.strerror}{where}")
    if lock is None:
        ring(home / PIPE_NAME)
        return Woken(Wake.RUNG)
    try:
        if policy == "never":
            return Woken(Wake.LEFT, "workers are not started by themselves here (autostart is never)")
        if policy == "auto" and login_node:
            return Woken(Wake.LEFT, LOGIN_NODE)
        return _start(home, lock.descriptor, variables, idle_timeout_s)
    finally:
        lock.release()


def is_starting(home: Path) -> bool:
    """Whether a worker that was started in the last `STARTING_S` lives; the store may know it by now."""
    for process in _started:
        process.poll()  # a child that has ended counts as living until then
    path = home / LOCK_NAME
    try:
        if not path.is_file() or abs(time.time() - path.stat().st_mtime) > STARTING_S:
            return False
        os.kill(int(path.read_text()), 0)
    except (OSError, ValueError):
        return False
    return True


def _note_start(lock: int, pid: int) -> None:
    """Write the started process into the lock file, for `is_starting`."""
    with contextlib.suppress(OSError):
        os.ftruncate(lock, 0)
        os.pwrite(lock, b"%d\n" % pid, 0)


def _start(home: Path, lock: int, variables: Mapping[str, str], idle_timeout_s: float) -> Woken:
    """Start a worker in a session of its own, which inherits the descriptor that holds the lock."""
    log_path = home / LOG_NAME
    command = [sys.executable, "-P", "-m", "nox_cli", "worker"]
    options = ["--idle-timeout", f"{idle_timeout_s:g}", "--lock-fd", str(lock)]
    if allocation(os.environ):
        options += ["--time-limit", "auto"]
    try:
        with open(_open_log(log_path), "ab") as log:
            process = subprocess.Popen(
                [*command, *options],
                pass_fds=(lock,),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd="/",
                env=_environment(home) | dict(variables),
            )
    except OSError as error:
        return Woken(Wake.LEFT, f"a worker could not be started: {error.strerror}")
    _started.append(process)
    _note_start(lock, process.pid)
    return Woken(Wake.STARTED, log=log_path)


def _environment(home: Path) -> dict[str, str]:
    """Return the environment of a worker, which names the local store explicitly, and has no allocation."""
    others = {"REDIS_URL", "NOX_ALLOCATION"}
    inherited = {name: value for name, value in os.environ.items() if name not in others}
    return inherited | {"NOX_HOME": str(home), "NOX_FORCE_LOCAL": "1"}


def _open_log(path: Path) -> int:
    """Open the log of background workers; a long one is renamed first.

    Raises:
        OSError: it cannot be opened.
    """
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size > LOG_LIMIT_BYTES:
            path.replace(path.with_suffix(".log.old"))
    return open_file(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
