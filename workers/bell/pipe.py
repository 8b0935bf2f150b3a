"""The local bell: one byte in a named pipe next to the database wakes one slot of one worker."""

from __future__ import annotations

import contextlib
import os
import select
import stat
import threading
import time
from typing import TYPE_CHECKING

from workers.errors import StoreRefused
from workers.files import open_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# A claim costs the local store next to nothing, and its ticks do not ring.
LOOK_EVERY_S = 2.0
_READ_BYTES = 4096
_NOT_STARTED = "no worker was started"


class LocalBell:
    """Runs slot threads that take turns: one waits at the pipe, the others work or wait for their turn."""

    def __init__(self, pipe: Path | None, *, look_every_s: float = LOOK_EVERY_S) -> None:
        """Prepare to listen; `start` starts the threads.

        Args:
            pipe: the named pipe; None: no bell rings, the slots only look at intervals.
            look_every_s: the interval, in seconds, at which a slot looks for jobs without a bell.
        """
        self._path = pipe
        self.look_every_s = look_every_s
        self._pipe: int | None = None
        self._turn = threading.Lock()
        self._stopping = threading.Event()
        self._stop_reader, self._stop_writer = os.pipe()
        self._threads: list[threading.Thread] = []

    def start(self, slots: int, drain: Callable[[], None], has_room: Callable[[float], bool]) -> None:
        """Open the pipe and start the slot threads.

        Raises:
            StoreRefused: something else has the name of the pipe.
        """
        if self._path is not None:
            self._pipe = _open(self._path)
        self._threads = [
            threading.Thread(target=self._serve, args=(drain, has_room), name=f"slot-{number}", daemon=True)
            for number in range(slots)
        ]
        for thread in self._threads:
            thread.start()

    def pass_on(self) -> None:
        """Ring: a submit to the local store wakes one slot only."""
        if self._path is not None:
            ring(self._path)

    def stop(self, timeout_s: float) -> None:
        """End the threads and close the pipe; the pipe itself belongs to the store and stays."""
        self._stopping.set()
        os.write(self._stop_writer, b"1")
        end = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        if any(thread.is_alive() for thread in self._threads):
            return  # they still use the descriptors
        for descriptor in (self._pipe, self._stop_reader, self._stop_writer):
            if descriptor is not None:
                os.close(descriptor)

    def _serve(self, drain: Callable[[], None], has_room: Callable[[float], bool]) -> None:
        while not self._stopping.is_set():
            drain()
            if has_room(0):
                with self._turn:
                    self._listen()
            else:
                has_room(self.look_every_s)

    def _listen(self) -> None:
        """Wait for a ring, the end, or the interval to pass; several rings at once count as one."""
        ears = select.poll()
        ears.register(self._stop_reader, select.POLLIN)
        if self._pipe is not None:
            ears.register(self._pipe, select.POLLIN)
        heard = {ear for ear, _ in ears.poll(self.look_every_s * 1_000)}
        if self._pipe in heard and self._stop_reader not in heard:
            with contextlib.suppress(BlockingIOError):
                os.read(self._pipe, _READ_BYTES)


def ring(pipe: Path) -> None:
    """Wake a slot, if any listens.  It never blocks; without a listener nothing happens."""
    with contextlib.suppress(OSError):
        writer = open_file(pipe, os.O_WRONLY | os.O_NONBLOCK)
        try:
            os.write(writer, b"1")
        finally:
            os.close(writer)


def _open(path: Path) -> int:
    """Open the pipe, making it if need be; it is opened for writing too, so that reads never end.

    Raises:
        StoreRefused: it cannot be made there, or something else is there.
    """
    try:
        with contextlib.suppress(FileExistsError):
            os.mkfifo(path, 0o600)
        pipe = open_file(path, os.O_RDWR | os.O_NONBLOCK)
    except OSError as error:
        what = f"cannot listen at {path}: {error.strerror}"
        raise StoreRefused(what, did=_NOT_STARTED, hint=f"check who owns {path.parent}") from None
    found = os.fstat(pipe)
    if not stat.S_ISFIFO(found.st_mode) or found.st_uid != os.getuid():
        os.close(pipe)
        raise StoreRefused(f"{path} is not a named pipe of yours", did=_NOT_STARTED, hint=f"move {path} away")
    return pipe
