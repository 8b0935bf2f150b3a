"""Exit codes and their meanings, which never change.  `nox help exit-codes` prints this table."""

from __future__ import annotations

from enum import IntEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from workers import errors

if TYPE_CHECKING:
    from collections.abc import Mapping


class ExitCode(IntEnum):
    """The exit codes of nox."""

    DONE = 0
    JOB_FAILED = 1
    USAGE = 2
    NOTHING_MATCHED = 3
    STORE = 4
    INPUT_REFUSED = 5
    JOB_CANCELLED = 6
    PENDING = 8
    BUG = 70
    WAIT_TIMED_OUT = 124
    INTERRUPTED = 130
    TERMINATED = 143


MEANINGS: Mapping[ExitCode, str] = MappingProxyType(
    {
        ExitCode.DONE: "done; for run, wait, watch, submit --wait and status --exit-status: "
        "every selected job completed",
        ExitCode.JOB_FAILED: "a selected job failed; for doctor: a problem was found",
        ExitCode.USAGE: "the command line makes no sense",
        ExitCode.NOTHING_MATCHED: "nothing matched; for retry: nothing to retry; "
        "with --attempt: no such outcome",
        ExitCode.STORE: "the store is unreachable or refused",
        ExitCode.INPUT_REFUSED: "an input was refused; nothing was submitted",
        ExitCode.JOB_CANCELLED: "no selected job failed, at least one was cancelled",
        ExitCode.PENDING: "a selected job is still pending "
        "(status --exit-status, wait --timeout 0, run --time-limit, submit --wait without a worker, "
        "q in watch)",
        ExitCode.BUG: "a bug in nox",
        ExitCode.WAIT_TIMED_OUT: "the wait timed out; jobs go on",
        ExitCode.INTERRUPTED: "interrupted (Ctrl-C); jobs go on",
        ExitCode.TERMINATED: "terminated (SIGTERM, SIGUSR1, SIGUSR2 or SIGXCPU); jobs go on",
    }
)

# The first class that fits decides.
_BY_ERROR: tuple[tuple[type[errors.NoxError], ExitCode], ...] = (
    (errors.UsageError, ExitCode.USAGE),
    (errors.NothingMatched, ExitCode.NOTHING_MATCHED),
    (errors.InputRefused, ExitCode.INPUT_REFUSED),
    (errors.StoreError, ExitCode.STORE),
    (errors.EngineError, ExitCode.JOB_FAILED),
    (errors.WaitTimedOut, ExitCode.WAIT_TIMED_OUT),
)


def exit_code(error: errors.NoxError) -> ExitCode:
    """Return the exit code of an error."""
    return next((code for kind, code in _BY_ERROR if isinstance(error, kind)), ExitCode.BUG)
