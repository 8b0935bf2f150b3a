"""The engine child: forked by the keeper process, it runs one job after the other.

`entry` is the module that knows engines: `workers.engine.registry`, except in tests.
"""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import sys
from collections import deque
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import msgspec

from workers import errors
from workers.engine.limits import MEMORY_BYTES, OMP_STACK_BYTES
from workers.files import NO_ROOM, is_full
from workers.keeper import failures, frames
from workers.keeper.messages import read_spec
from workers.keeper.output import MARK, mark
from workers.result import ChemistryResult, Failure, written
from workers.spec import NotFinite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from workers.job import Progress
    from workers.result import EchoResult
    from workers.spec import ChemistrySpec, EchoSpec

_BLAS_BUFFER_BYTES = 128 * 1024**2
_PAGE_BYTES = resource.getpagesize()
_READ_BYTES = 256 * 1024
_STDOUT = 1


class Entry(Protocol):
    """The module that knows engines."""

    def preload(self, libraries: Sequence[str]) -> None:
        """Import what jobs will need, in the keeper process, before it forks; nothing may start a thread."""

    def prepare(self, spec: EchoSpec | ChemistrySpec) -> None:
        """Load what a job needs, before its limits are set."""

    def run(
        self,
        spec: EchoSpec | ChemistrySpec,
        scratch: Path,
        report: Callable[[Progress], None],
        warn: Callable[[str], None],
    ) -> EchoResult | ChemistryResult:
        """Compute."""


def serve(jobs: socket.socket, entry: Any) -> NoReturn:
    """Run jobs until the other side closes."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # last words reach the log
    inbox = Inbox(jobs)
    while (found := inbox.take()) is not None:
        job, spec = found
        _mark_output(job["job"])
        jobs.sendall(_answer(job, spec, jobs, entry))
    os._exit(0)


class Inbox:
    """The jobs that the worker has sent and that have not begun."""

    def __init__(self, jobs: socket.socket) -> None:
        self._jobs = jobs
        self._decoder = frames.Decoder()
        self._waiting: deque[tuple[dict[str, Any], bytes]] = deque()

    def take(self) -> tuple[dict[str, Any], bytes] | None:
        """Take the next job, and its specification as JSON; None: the other side closed in good order.

        Everything that has arrived by now is read first: the worker may withdraw jobs that have not begun.

        Raises:
            FrameError: what arrived is cut off, over-long, or not JSON.
            OSError: the socket failed.
        """
        while True:
            try:
                data = self._jobs.recv(_READ_BYTES, socket.MSG_DONTWAIT if self._waiting else 0)
            except BlockingIOError:
                return self._waiting.popleft()
            if not data:
                if not self._decoder.is_empty:
                    raise frames.FrameError("the frame was cut off")
                return None
            for body in self._decoder.bodies(data):
                self._note(*frames.parts(body))
            if self._waiting and len(data) < _READ_BYTES:
                return self._waiting.popleft()

    def _note(self, message: dict[str, Any], spec: bytes) -> None:
        if withdrawn := message.get("withdraw"):
            self._waiting = deque(found for found in self._waiting if found[0]["job"] not in withdrawn)
        elif message["child"] == os.getpid():
            self._waiting.append((message, spec))


def _mark_output(number: int) -> None:
    """Mark where the output of a job begins."""
    with contextlib.suppress(OSError):  # an engine closed its output
        os.write(_STDOUT, mark(os.environ[MARK], number))


def _answer(job: dict[str, Any], spec_json: bytes, jobs: socket.socket, entry: Entry) -> bytes:
    """Run a job and write the frame that ends it."""
    start = monotonic()
    warnings: list[str] = []
    limits = {"memory_bytes": job["memory_bytes"], "file_bytes": job["file_bytes"]}

    def report(progress: Progress) -> None:
        jobs.sendall(frames.encode({"job": job["job"], "progress": progress}))

    def end(failure: Failure | None, result: bytes, **more: Any) -> bytes:
        seconds = round(monotonic() - start, 6)
        return _end({"job": job["job"], "warnings": warnings, "seconds": seconds, **more}, failure, result)

    try:
        spec = read_spec(spec_json)
    except (frames.FrameError, ValueError) as error:
        return end(failures.of_job(error), b"null")
    try:
        entry.prepare(spec)
        with _confined(job["scratch"], **limits):
            result = entry.run(spec, Path(job["scratch"]), report, warnings.append)
        return end(None, written(result))
    except Exception as error:  # noqa: BLE001 - whatever an engine raises is how the job ended
        if job["scratch"] and _is_out_of_room(error, Path(job["scratch"])):
            return end(failures.no_room(str(error)), b"null", is_out_of_room=True)
        failure, partial = _failed(error, limits)
        return end(failure, partial, killed_by=_killed_by(error))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def _end(known: dict[str, Any], failure: Failure | None, result: bytes) -> bytes:
    """Write the frame that ends a job; `result` is JSON.

    Raises:
        FrameError: the result is too large.
    """
    shown = None if failure is None else msgspec.to_builtins(failure)
    end = known | {"failure": shown, "has_children": _has_children()}
    return frames.encode_around(end, "result", result)


def _failed(error: Exception, limits: dict[str, int]) -> tuple[Failure, bytes]:
    """Return why a job failed whose engine raised `error`, and the result that it reached, as JSON."""
    partial = error.partial if isinstance(error, errors.NotConverged) else None
    if isinstance(partial, ChemistryResult):
        try:
            return failures.of_error(error, **limits), written(partial)
        except NotFinite as worse:
            error = worse
    return failures.of_error(error, **limits), b"null"


def _killed_by(error: Exception) -> int:
    """Return the signal that killed the program which an engine drives; 0: none did."""
    status = error.status if isinstance(error, errors.EngineCrashed) else None
    return os.WTERMSIG(status) if status is not None and os.WIFSIGNALED(status) else 0


def _is_out_of_room(error: Exception, folder: Path) -> bool:
    """Whether an engine failed for want of room in its folder.

    A program does not report that, but leaves half of its files.
    """
    if isinstance(error, errors.EngineCrashed):
        return is_full(folder)
    return isinstance(error, OSError) and error.errno in NO_ROOM


@contextlib.contextmanager
def _confined(folder: str, memory_bytes: int, file_bytes: int) -> Iterator[None]:
    """Run a job in its folder and under its limits."""
    if folder:
        os.chdir(folder)
        _reset_peak_memory()
    _limit(resource.RLIMIT_FSIZE, file_bytes)
    _limit(resource.RLIMIT_DATA, memory_bytes and _data_bytes() + memory_bytes + _threads_bytes())
    token = MEMORY_BYTES.set(memory_bytes)
    try:
        yield
    finally:
        MEMORY_BYTES.reset(token)
        _limit(resource.RLIMIT_DATA, 0)
        if folder:
            os.chdir("/")


def _has_children() -> bool:
    """Whether the engine has left a process running."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _limit(what: int, size_bytes: int) -> None:
    """Set a soft limit; 0: none."""
    hard = resource.getrlimit(what)[1]
    wanted = size_bytes or resource.RLIM_INFINITY
    if hard != resource.RLIM_INFINITY:
        wanted = hard if wanted == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(what, (wanted, hard))


def _data_bytes() -> int:
    """Return the mapped memory that RLIMIT_DATA counts, in bytes."""
    with contextlib.suppress(OSError), _opened("/proc/self/statm", os.O_RDONLY) as statm:
        return int(os.read(statm, 256).split()[5]) * _PAGE_BYTES
    return 0


def _threads_bytes() -> int:
    """Return the memory that further threads map without using it: two stacks and a BLAS buffer each."""
    threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
    return 0 if threads == 1 else threads * (2 * OMP_STACK_BYTES + _BLAS_BUFFER_BYTES)


def _reset_peak_memory() -> None:
    """Reset the peak memory of this process."""
    with contextlib.suppress(OSError), _opened("/proc/self/clear_refs", os.O_WRONLY) as references:
        os.write(references, b"5")


@contextlib.contextmanager
def _opened(path: str, flags: int) -> Iterator[int]:
    """Open a file for each job, without a file object, which would take 5 µs."""
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
