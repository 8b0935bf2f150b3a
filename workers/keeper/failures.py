"""Failures of jobs, from errors of engines and from the deaths of their processes."""

from __future__ import annotations

import errno
import os
import re
import resource
import signal
from typing import TYPE_CHECKING

from workers import errors, machine
from workers.engine.molecule.elements import MAX_NUMBER, NUMBERS
from workers.job import Reason
from workers.keeper import frames
from workers.keeper.output import evidence
from workers.result import Failure
from workers.signals import HEEDED
from workers.sizes import MIB, size_words
from workers.spec import NotFinite

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MEMORY_HINT = "ask for more with --memory"
# An allocation that fails leaves the peak below the limit; from this share on, the limit is the likely cause.
_NEAR_LIMIT = 0.8

_MEMORY = re.compile(
    r"out of memory|cannot allocate memory|memory allocation (still )?failed|error allocating|bad_alloc"
    r"|insufficient virtual memory|MemoryError|could not allocate|allocation would exceed memory limit",
    re.IGNORECASE,
)
_UNKNOWN_ELEMENT = re.compile(r"no basis found for atom|no support for elements", re.IGNORECASE)

_REASONS: Mapping[type[errors.NoxError], Reason] = {
    errors.InputRefused: Reason.INPUT,
    errors.EngineInput: Reason.INPUT,
    errors.NotConverged: Reason.NOT_CONVERGED,
    errors.ScfNotConverged: Reason.SCF,
    errors.EngineCrashed: Reason.CRASHED,
    errors.OutOfMemory: Reason.MEMORY,
    errors.TimedOut: Reason.TIMEOUT,
}


def of_error(error: Exception, *, memory_bytes: int, file_bytes: int) -> Failure:
    """Explain an error that an engine raised."""
    if isinstance(error, errors.EngineCrashed) and error.status is not None:
        return of_death(
            error.status,
            error.evidence,
            memory_bytes=memory_bytes,
            peak_memory_bytes=error.peak_memory_bytes,
        )
    if isinstance(error, errors.NoxError):
        shown = error.evidence if isinstance(error, errors.EngineError) else ()
        reason = next((why for kind, why in _REASONS.items() if isinstance(error, kind)), Reason.INTERNAL)
        return _failure(reason, error.message, error.hint, shown)
    if isinstance(error, frames.FrameError | NotFinite):
        return of_answer(error)
    if isinstance(error, MemoryError):
        return out_of_memory(memory_bytes, peak_memory(), (str(error),))
    if isinstance(error, OSError):
        return _of_os_error(error, memory_bytes, file_bytes)
    return _failure(Reason.INTERNAL, f"an error inside nox: {type(error).__name__}: {error}")


def of_answer(error: frames.FrameError | NotFinite) -> Failure:
    """Explain an answer of an engine that is no result."""
    if isinstance(error, NotFinite):
        return crashed("the result is not finite", (str(error),))
    return crashed("the engine sent what is not a result", (str(error),))


def of_job(error: Exception) -> Failure:
    """Explain a specification that cannot be read."""
    return _failure(Reason.DAMAGED, f"the job cannot be read: {error}")


def of_death(
    status: int,
    printed: Sequence[str],
    *,
    memory_bytes: int,
    peak_memory_bytes: int,
    symbols: Sequence[str] = (),
) -> Failure:
    """Explain the death of an engine process.

    Args:
        status: its wait status.
        printed: the last lines it printed.
        memory_bytes: its limit; 0: none.
        peak_memory_bytes: the most it held.
        symbols: the elements of the structure.
    """
    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    if number not in HEEDED and _is_memory(status, printed, memory_bytes, peak_memory_bytes):
        return out_of_memory(memory_bytes, peak_memory_bytes, printed)
    if number == signal.SIGKILL:
        return _failure(
            Reason.CRASHED,
            "engine was killed: SIGKILL from outside nox",
            "the kernel does this when the machine runs out of memory: run fewer slots, or ask for more with "
            "--memory",
            printed,
        )
    if number:
        name = _signal_name(number)
        return _failure(
            Reason.CRASHED, f"engine crashed: {name}", _crash_hint(number, printed, symbols), printed
        )
    code = os.waitstatus_to_exitcode(status)
    how = f" (exit code {code})" if code else ""
    return _failure(
        Reason.CRASHED, f"engine ended without a result{how}", _crash_hint(0, printed, symbols), printed
    )


def out_of_memory(memory_bytes: int, peak_bytes: int, printed: Sequence[str] = ()) -> Failure:
    """Report that the engine reached its memory limit."""
    peak = f", peak {size_words(peak_bytes)}" if peak_bytes else ""
    limit = size_words(memory_bytes) if memory_bytes > 0 else "none"
    message = f"out of memory (limit {limit}{peak})"
    return _failure(Reason.MEMORY, message, MEMORY_HINT, printed)


def timed_out(time_s: int, printed: Sequence[str]) -> Failure:
    """Report that the engine reached its time limit."""
    return _failure(
        Reason.TIMEOUT, f"the time limit of {time_s} s was reached", "ask for more with --time", printed
    )


def crashed(message: str, printed: Sequence[str] = (), hint: str = "") -> Failure:
    """Report that there is no usable result."""
    return _failure(Reason.CRASHED, message, hint, printed)


def peak_memory() -> int:
    """Return the most memory that this process held since its peak was reset, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def no_room(printed: str) -> Failure:
    """Report that the disk of the engine's folder was full."""
    return _failure(
        Reason.CRASHED,
        "the disk is full: no room for the engine's files",
        "free some space there, or set TMPDIR for nox worker; then run it again: nox retry",
        (printed,),
    )


def cannot_start(error: OSError) -> Failure:
    """Report that a process could not be started."""
    limit = resource.getrlimit(resource.RLIMIT_NPROC)[0]
    shown = "none" if limit == resource.RLIM_INFINITY else str(limit)
    return _failure(
        Reason.CRASHED,
        f"cannot start a process (limit {shown}): {error.strerror}",
        "end other processes of this user, or raise ulimit -u",
    )


def _of_os_error(error: OSError, memory_bytes: int, file_bytes: int) -> Failure:
    if isinstance(error, BlockingIOError):
        return cannot_start(error)
    if error.errno == errno.ENOMEM:
        return out_of_memory(memory_bytes, peak_memory(), (str(error),))
    if error.errno == errno.EFBIG:
        return crashed(f"a file of the engine's reached the limit of {size_words(file_bytes)}", (str(error),))
    return crashed(f"the engine failed: {error.strerror or error}", (str(error),))


def _is_memory(status: int, printed: Sequence[str], memory_bytes: int, peak_memory_bytes: int) -> bool:
    if status == 0:
        return False
    says_so = any(_MEMORY.search(line) for line in printed)
    return says_so or (memory_bytes > 0 and peak_memory_bytes >= _NEAR_LIMIT * memory_bytes)


def _crash_hint(number: int, printed: Sequence[str], symbols: Sequence[str]) -> str:
    unknown = sorted({symbol for symbol in symbols if NUMBERS.get(symbol, 0) > MAX_NUMBER})
    if unknown or any(_UNKNOWN_ELEMENT.search(line) for line in printed):
        return f"the method has no parameters for an element of this structure {' '.join(unknown)}".rstrip()
    if number == signal.SIGXCPU:
        return "raise the limit of CPU time (ulimit -t) where the worker starts"
    stack = machine.stack_limit_bytes()
    if number == signal.SIGSEGV and stack is not None and stack < machine.STACK_ENOUGH_BYTES:
        return (
            f"the stack is limited to {stack // MIB} MiB here, too little for large molecules: "
            "raise the hard limit (ulimit -Hs) where the worker starts"
        )
    return ""


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _failure(reason: Reason, message: str, hint: str = "", printed: Sequence[str] = ()) -> Failure:
    return Failure(
        reason=reason, message=message[:2_000], hint=hint[:2_000], evidence=evidence("\n".join(printed))
    )
