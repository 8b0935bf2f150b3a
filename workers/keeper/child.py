"""The engine child: forked by the keeper process, it runs one job after the other.

`entry` is the module that knows engines: `workers.engine.registry`, except in tests.
"""

from __future__ import annotations

import contextlib
import os
import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from pydantic import ValidationError

from workers import errors
from workers.documents import SPEC
from workers.engine.limits import MEMORY_BYTES, OMP_STACK_BYTES
from workers.files import NO_ROOM, is_full
from workers.keeper import failures, frames
from workers.result import ChemistryResult, EchoResult, Failure

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Sequence

    from workers.documents import EchoSpec
    from workers.job import Progress
    from workers.spec import ChemistrySpec

_BLAS_BUFFER_BYTES = 128 * 1024**2
_PAGE_BYTES = resource.getpagesize()


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
    while (job := frames.read(jobs)) is not None:
        jobs.sendall(_answer(job, jobs, entry))
    os._exit(0)


def _answer(job: dict[str, Any], jobs: socket.socket, entry: Entry) -> bytes:
    """Run a job and write the frame that ends it."""
    warnings: list[str] = []
    limits = {"memory_bytes": job["memory_bytes"], "file_bytes": job["file_bytes"]}

    def report(progress: Progress) -> None:
        known = {name: value for name, value in progress._asdict().items() if value is not None}
        jobs.sendall(frames.encode({"progress": known}))

    try:
        spec = SPEC.validate_python(job["spec"])
    except ValidationError as error:
        return _end(job, failures.of_job(error), None)
    try:
        entry.prepare(spec)
        with _confined(job["scratch"], **limits):
            result = entry.run(spec, Path(job["scratch"]), report, warnings.append)
        return _end(job, None, result.model_dump(mode="python"), warnings)
    except Exception as error:  # noqa: BLE001 - whatever an engine raises is how the job ended
        if job["scratch"] and _is_out_of_room(error, Path(job["scratch"])):
            return _end(job, failures.no_room(str(error)), None, warnings, is_out_of_room=True)
        failure, partial = _failed(error, limits)
        return _end(job, failure, partial, warnings, killed_by=_killed_by(error))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def _end(
    job: dict[str, Any],
    failure: Failure | None,
    result: dict[str, Any] | None,
    warnings: Sequence[str] = (),
    *,
    is_out_of_room: bool = False,
    killed_by: int = 0,
) -> bytes:
    """Write the frame that ends a job.

    Raises:
        FrameError: a number of the result is not finite, or the result is too large.
    """
    return frames.encode(
        {
            "job": job["job"],
            "result": result,
            "failure": None if failure is None else failure.model_dump(),
            "warnings": warnings,
            "has_children": _has_children(),
            "is_out_of_room": is_out_of_room,
            "killed_by": killed_by,
        }
    )


def _failed(error: Exception, limits: dict[str, int]) -> tuple[Failure, dict[str, Any] | None]:
    """Return why a job failed whose engine raised `error`, and the result it had reached nevertheless."""
    partial = error.partial if isinstance(error, errors.NotConverged) else None
    reached = partial.model_dump() if isinstance(partial, ChemistryResult) else None
    return failures.of_error(error, **limits), reached


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
    with contextlib.suppress(OSError):
        return int(Path("/proc/self/statm").read_bytes().split()[5]) * _PAGE_BYTES
    return 0


def _threads_bytes() -> int:
    """Return the memory that further threads map without using it: two stacks and a BLAS buffer each."""
    threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
    return 0 if threads == 1 else threads * (2 * OMP_STACK_BYTES + _BLAS_BUFFER_BYTES)


def _reset_peak_memory() -> None:
    """Reset the peak memory of this process."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_bytes(b"5")
