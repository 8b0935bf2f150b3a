"""The connection to a running keeper process: its sockets, its output and its end."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workers.engine.limits import OMP_STACK_BYTES
from workers.keeper import frames
from workers.keeper.output import MARK, Marks
from workers.signals import HEEDED

if TYPE_CHECKING:
    from collections.abc import Iterator

# The variables that an engine process inherits from the worker: never a store, never a secret.
ENVIRONMENT = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TMPDIR",
    "TZ",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "PYTHONPATH",
    "XTBPATH",
    "OPENBLAS_CORETYPE",
    "OPENBLAS_L2_SIZE",
)
_PIPE_BYTES = 1024**2
_READ_BYTES = 256 * 1024
_END_S = 5.0


class KeeperLink:
    """Connects a worker to its keeper process by three channels: jobs, control and printed output.

    `dead` is the keeper's last report about a child that died, until the next job starts.
    """

    def __init__(self, entry: str, cores: int, loads: frozenset[str]) -> None:
        self.cores = cores
        self._mark = secrets.token_hex(16)
        self.loads = loads
        self.child: int | None = None
        self.dead: dict[str, Any] | None = None
        self.jobs, jobs_there = socket.socketpair()
        self.control, control_there = socket.socketpair()
        self.output, output_there = os.pipe()
        with contextlib.suppress(AttributeError, OSError):
            fcntl.fcntl(self.output, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        ends = (control_there.fileno(), jobs_there.fileno())
        arguments = (str(ends[0]), str(ends[1]), entry, *sorted(loads))
        # The process starts with these blocked, and unblocks them once it ignores them.
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, HEEDED)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "workers.keeper.process", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output_there,
                stderr=output_there,
                pass_fds=ends,
                env=_environment(cores) | {MARK: self._mark},
                cwd="/",
                start_new_session=True,
            )
        except BaseException:
            self._close_own()
            raise
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
            os.close(output_there)
            jobs_there.close()
            control_there.close()
        self._decoder = frames.Decoder()
        self._orders = frames.Decoder()
        self.marks = Marks(self._mark)
        self._hears_jobs, self._has_rest = True, False
        self.jobs.setblocking(False)
        self.control.setblocking(False)
        os.set_blocking(self.output, False)
        self.poll = select.poll()
        for file in (self.jobs.fileno(), self.control.fileno(), self.output):
            self.poll.register(file, select.POLLIN)

    def send(self, data: memoryview) -> memoryview:
        """Send as much of the jobs as fits; return the rest, to be sent when the socket has room."""
        try:
            data = data[self.jobs.send(data) :]
        except BlockingIOError:
            pass
        except ConnectionError:  # the keeper has ended, which its control socket reports
            data = data[:0]
        self._has_rest = bool(data)
        self._attend()
        return data

    def signal(self, name: str) -> None:
        """Order the keeper to send TERM to the child's group, or KILL to every descendant.

        The order names the child: if that has died meanwhile, it must not hit the next one, and its job.
        """
        with contextlib.suppress(OSError):  # the keeper has ended, and all its processes
            self.control.send(frames.encode({"signal": name, "child": self.child}))

    def answers(self) -> Iterator[bytes]:
        """Read what the child has sent: the bodies of its frames.

        Raises:
            FrameError: it is not what a child sends.
        """
        for data in _arrived(self.jobs):
            yield from self._decoder.bodies(data)

    def hold_answers(self, *, is_on: bool) -> None:
        """Let `poll` ignore what the child sends, or not any more."""
        self._hears_jobs = not is_on
        self._attend()

    def _attend(self) -> None:
        events = (select.POLLIN if self._hears_jobs else 0) | (select.POLLOUT if self._has_rest else 0)
        self.poll.modify(self.jobs.fileno(), events)

    def listen(self, *, to_output: bool) -> None:
        """Let `poll` report output too, or not."""
        if to_output:
            self.poll.register(self.output, select.POLLIN)
        else:
            with contextlib.suppress(KeyError):
                self.poll.unregister(self.output)

    def hear(self) -> bool:
        """Read the keeper's reports about its children; False: the keeper itself has ended."""
        for data in _arrived(self.control):
            if not data:
                return False
            for word in self._orders.feed(data):
                if "ready" in word:
                    self.child = int(word["ready"])
                else:
                    self.child, self.dead = None, word
        return True

    def printed(self, limit_bytes: int = 4 * _PIPE_BYTES) -> Iterator[bytes]:
        """Read what was printed so far, up to `limit_bytes`."""
        while limit_bytes > 0:
            try:
                data = os.read(self.output, _READ_BYTES)
            except BlockingIOError:
                return
            if not data:
                return
            limit_bytes -= len(data)
            yield data

    def start_over(self) -> None:
        """Discard what the child of an earlier job has left in the sockets."""
        self.dead = None
        self._decoder, self.marks = frames.Decoder(), Marks(self._mark)
        for _ in (*_arrived(self.jobs), *self.printed()):
            pass

    @property
    def has_ended(self) -> bool:
        """Whether the keeper itself is gone, as after a kill while no job ran."""
        return self._process.poll() is not None

    @property
    def is_quiet(self) -> bool:
        """Whether a child waits for a job and no data of an earlier one is in the sockets."""
        return self.child is not None and self._decoder.is_empty and not any(_arrived(self.jobs))

    @property
    def has_orphans(self) -> bool:
        """Whether the keeper has adopted a process besides its child."""
        own = f"/proc/{self._process.pid}/task/{self._process.pid}/children"
        try:
            children = os.open(own, os.O_RDONLY | os.O_CLOEXEC)  # a file object takes five system calls more
        except OSError:
            return False
        try:
            return len(os.read(children, _READ_BYTES).split()) > 1
        finally:
            os.close(children)

    def close(self) -> None:
        """End the keeper and everything below it; harmless to repeat."""
        self._close_own()
        try:
            code = self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        if code:  # it was killed, and could not end the processes it had adopted
            _end_marked(self._mark)

    def _close_own(self) -> None:
        self.jobs.close()
        self.control.close()
        if self.output >= 0:
            os.close(self.output)
            self.output = -1


def _arrived(sock: socket.socket) -> Iterator[bytes]:
    """Read what has arrived; an empty piece: the other side closed."""
    while True:
        try:
            data = sock.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        yield data
        if not data:
            return


def _end_marked(mark: str) -> None:
    """Kill every process that was started under a mark."""
    wanted = f"{MARK}={mark}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if wanted in (process / "environ").read_bytes().split(b"\0"):
                os.kill(int(process.name), signal.SIGKILL)


def _environment(cores: int) -> dict[str, str]:
    """Write the environment of an engine process."""
    kept = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    return kept | {
        "OMP_NUM_THREADS": str(cores),
        "OPENBLAS_NUM_THREADS": str(cores),
        "OMP_STACKSIZE": f"{OMP_STACK_BYTES // 1024}K",
        "OMP_MAX_ACTIVE_LEVELS": "1",
        # Fortran's own buffer would delay an engine's last output, and print it into the log of the next job.
        "GFORTRAN_UNBUFFERED_PRECONNECTED": "y",
    }
