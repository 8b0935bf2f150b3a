"""`workers.keeper.failures`: what the end of an engine process means."""

from __future__ import annotations

import errno
import resource
import signal

import pytest

from workers import errors
from workers.job import Reason
from workers.keeper import failures
from workers.keeper.frames import FrameError
from workers.spec import NotFinite

GIB = 1024**3


def death(status: int, *printed: str, peak: int = 0, symbols: tuple[str, ...] = ()) -> tuple[str, str]:
    """Reason and message of a death."""
    failure = failures.of_death(
        status, printed, memory_bytes=2 * GIB, peak_memory_bytes=peak, symbols=symbols
    )
    return failure.reason, failure.message


@pytest.mark.parametrize(
    ("status", "printed", "peak", "expected"),
    [
        (signal.SIGSEGV, "", 0, ("crashed", "engine crashed: SIGSEGV")),
        (signal.SIGABRT, "free(): invalid pointer", 0, ("crashed", "engine crashed: SIGABRT")),
        (signal.SIGSEGV, "", 19 * GIB // 10, ("memory", "out of memory (limit 2.0 GiB, peak 1.9 GiB)")),
        (signal.SIGABRT, "std::bad_alloc", 0, ("memory", "out of memory (limit 2.0 GiB)")),
        (1 << 8, "Error allocating 8 bytes", GIB, ("memory", "out of memory (limit 2.0 GiB, peak 1.0 GiB)")),
        (signal.SIGKILL, "", 0, ("crashed", "engine was killed: SIGKILL from outside nox")),
        (0, "", 3 * GIB, ("crashed", "engine ended without a result")),
        (1 << 8, "", 0, ("crashed", "engine ended without a result (exit code 1)")),
        (63, "", 0, ("crashed", "engine crashed: signal 63")),
    ],
)
def test_deaths(status: int, printed: str, peak: int, expected: tuple[str, str]) -> None:
    """
    Signal, exit code, last words and peak memory decide together.
    """
    assert expected == death(status, printed, peak=peak)


def test_hints_fit_the_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    An element without parameters, and a stack that is too small, are told as likely causes; else nothing is.
    """

    def hint(*printed: str, symbols: tuple[str, ...] = ()) -> str:
        return failures.of_death(
            signal.SIGSEGV, printed, memory_bytes=0, peak_memory_bytes=0, symbols=symbols
        ).hint

    element = "the method has no parameters for an element of this structure"
    assert "" == hint(symbols=("H",))
    assert f"{element} U" == hint(symbols=("U", "H", "U"))
    assert element == hint(" no basis found for atom  1  Z= 95")

    monkeypatch.setattr(resource, "getrlimit", lambda _: (8 * 1024**2, 8 * 1024**2))
    assert hint(symbols=("H",)).startswith("the stack is limited to 8 MiB here")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (errors.InputRefused("x"), Reason.INPUT),
        (errors.EngineInput("x"), Reason.INPUT),
        (errors.NotConverged("x"), Reason.NOT_CONVERGED),
        (errors.ScfNotConverged("x"), Reason.SCF),
        (errors.EngineCrashed("x"), Reason.CRASHED),
        (errors.OutOfMemory("x"), Reason.MEMORY),
        (errors.TimedOut("x"), Reason.TIMEOUT),
        (errors.EngineMissing("x"), Reason.INTERNAL),
        (MemoryError(), Reason.MEMORY),
        (OSError(errno.ENOMEM, "x"), Reason.MEMORY),
        (OSError(errno.EFBIG, "x"), Reason.CRASHED),
        (OSError(errno.ENOSPC, "x"), Reason.CRASHED),
        (BlockingIOError(errno.EAGAIN, "x"), Reason.CRASHED),
        (NotFinite("x"), Reason.CRASHED),
        (FrameError("x"), Reason.CRASHED),
        (ZeroDivisionError("x"), Reason.INTERNAL),
    ],
)
def test_errors_have_their_reasons(error: Exception, reason: Reason) -> None:
    """
    What an engine raises becomes a reason the store knows.
    """
    assert reason == failures.of_error(error, memory_bytes=GIB, file_bytes=GIB).reason


def test_words_and_evidence_of_an_error_are_kept() -> None:
    """
    Message, hint and evidence of an engine's error reach the record.
    """
    error = errors.ScfNotConverged("not converged", evidence=("cycle 1", "cycle 2"), hint="try --etemp")
    failure = failures.of_error(error, memory_bytes=0, file_bytes=0)

    assert ("not converged", "try --etemp", ("cycle 1", "cycle 2")) == (
        failure.message,
        failure.hint,
        failure.evidence,
    )


def test_endless_messages_are_cut() -> None:
    """
    A record stays small, whatever an engine says.
    """
    failure = failures.of_error(RuntimeError("x" * 10_000), memory_bytes=0, file_bytes=0)

    assert 2_000 == len(failure.message)
