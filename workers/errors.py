"""All errors that nox reports, in one tree.

Each class has a frozen `code`, which JSON output names, and a `retry` class: whether a retry without a person
may help.  Each instance describes what happened, what nox did about it and what to do.  It is printed as

    error: WHAT HAPPENED; WHAT NOX DID
    hint: WHAT TO DO
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar


class Retry(StrEnum):
    """The places in which a retry that no person asked for may help."""

    NEVER = "never"  # the same input fails again
    LATER = "later"  # in the same place, after a while
    ELSEWHERE = "elsewhere"  # on another machine, or in another attempt


class NoxError(Exception):
    """Raised when nox cannot do what it was asked; every error of nox derives from it."""

    code: ClassVar[str] = "error"
    retry: ClassVar[Retry] = Retry.NEVER

    def __init__(self, what: str, *, did: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.did = did
        self.hint = hint

    @property
    def message(self) -> str:
        """The error on one line: what happened, and what nox did about it."""
        return f"{self.what}; {self.did}" if self.did else self.what

    @property
    def __notes__(self) -> list[str]:  # type: ignore[override]
        """The lines that Python writes below the error in a traceback: the action taken, and the hint."""
        return list(filter(None, (self.did, self.hint and f"hint: {self.hint}")))


class UsageError(NoxError):
    """Raised when the command line, or a selector on it, makes no sense."""

    code = "usage"


class SettingsInvalid(UsageError):
    """Raised when an environment variable or a configuration file holds a value nox cannot use."""

    code = "settings_invalid"


class FileInTheWay(UsageError):
    """Raised when a file would be written over one that is already there."""

    code = "file_in_the_way"


class OutputLost(UsageError):
    """Raised when output cannot be written where it was sent, as on a full disk."""

    code = "output_lost"


class PackageMissing(UsageError, ImportError):
    """Raised when a Python package is not installed that nox itself does not need."""

    code = "package_missing"


class WaitTimedOut(NoxError, TimeoutError):
    """Raised when jobs have not ended within the time given to the Python API; they continue."""

    code = "wait_timed_out"


class NothingMatched(NoxError):
    """Raised when a selector matches no job, or no input was given."""

    code = "nothing_matched"


class JobNotFound(NothingMatched):
    """Raised when the store has no job of that id."""

    code = "job_not_found"


class ArtifactNotFound(NothingMatched):
    """Raised when a job left no artifact of that name, or its file is on an unreachable machine."""

    code = "artifact_not_found"


class InputRefused(NoxError):
    """Raised when inputs are refused, before any is stored.  `details` names each of several.

    `index` is the place of a refused input among all, from 0; `each` has the refusals of several.
    """

    code = "input_refused"
    index = 0
    each: tuple[InputRefused, ...] = ()

    def __init__(self, what: str, *, did: str = "", hint: str = "", details: tuple[str, ...] = ()) -> None:
        super().__init__(what, did=did, hint=hint)
        self.details = details


class StoreError(NoxError):
    """Raised when the store cannot be used; subclasses give the reason.

    `is_open`: the change may be made nevertheless, although it is not visible yet.  It failed so late that
    only the next process to open the store will know, or it is still on its way there.
    `is_of_writing`: the store can be read nevertheless.
    """

    code = "store_error"
    retry = Retry.LATER
    is_open = False
    is_of_writing = False


class StoreUnreachable(StoreError):
    """Raised when the store does not answer within its time limit."""

    code = "store_unreachable"


class StoreRefused(StoreError):
    """Raised when the store answers and refuses: password, rights, version, read-only, cluster, policy."""

    code = "store_refused"
    retry = Retry.NEVER


class StoreOlder(StoreRefused):
    """Raised when an older nox made the store, and it is to be looked at and left as it is."""

    code = "store_older"


class NoxOutdated(StoreRefused):
    """Raised when a newer nox has reserved the store for newer versions: it can be read and not changed."""

    code = "nox_outdated"


class StoreFull(StoreError):
    """Raised when the store has no room: Redis at maxmemory, or the disk full."""

    code = "store_full"


class StoreBusy(StoreError):
    """Raised when another process holds the local store for longer than nox waits."""

    code = "store_busy"


class StoreDamaged(StoreError):
    """Raised when the store's content cannot be read."""

    code = "store_damaged"
    retry = Retry.NEVER


class SubmitCut(StoreError):
    """Raised when a large submit was interrupted; `stored` lists the ids of the jobs that are stored."""

    code = "submit_cut"

    def __init__(self, what: str, *, stored: tuple[str, ...], did: str = "", hint: str = "") -> None:
        super().__init__(what, did=did, hint=hint)
        self.stored = stored


class NotDurable(StoreError):
    """Raised when the store may not survive a power cut; `stored` lists the ids of the jobs it has."""

    code = "not_durable"

    def __init__(self, what: str, *, stored: tuple[str, ...] = (), did: str = "", hint: str = "") -> None:
        super().__init__(what, did=did, hint=hint)
        self.stored = stored


class LeaseLost(NoxError):
    """Raised when an attempt writes after its lease passed to another: nothing was changed."""

    code = "lease_lost"


class EngineError(NoxError):
    """Raised when a job's computation ends without a result.  `evidence` is lines that show why."""

    code = "engine_error"

    def __init__(self, what: str, *, evidence: tuple[str, ...] = (), did: str = "", hint: str = "") -> None:
        super().__init__(what, did=did, hint=hint)
        self.evidence = evidence


class EngineMissing(EngineError):
    """Raised when the engine a job asks for is not installed here."""

    code = "engine_missing"
    retry = Retry.ELSEWHERE


class EngineInput(EngineError):
    """Raised when the engine refuses the structure or an option."""

    code = "input"


class NotConverged(EngineError):
    """Raised when an optimisation reaches its cycle limit.  `partial` is what it reached, as a result."""

    code = "not_converged"

    def __init__(
        self, what: str, *, partial: object = None, evidence: tuple[str, ...] = (), hint: str = ""
    ) -> None:
        super().__init__(what, evidence=evidence, hint=hint)
        self.partial = partial


class ScfNotConverged(EngineError):
    """Raised when the self-consistent iterations reach their limit, or end in no state of a molecule's."""

    code = "scf"


class EngineCrashed(EngineError):
    """Raised when the engine process died, or ended without a usable result.

    Of a program that an engine drives, `status` is the wait status and `peak_memory_bytes` the most it held.
    """

    code = "crashed"
    retry = Retry.ELSEWHERE

    def __init__(
        self,
        what: str,
        *,
        evidence: tuple[str, ...] = (),
        did: str = "",
        hint: str = "",
        status: int | None = None,
        peak_memory_bytes: int = 0,
    ) -> None:
        super().__init__(what, evidence=evidence, did=did, hint=hint)
        self.status = status
        self.peak_memory_bytes = peak_memory_bytes


class OutOfMemory(EngineError):
    """Raised when the engine ran into its memory limit."""

    code = "memory"


class TimedOut(EngineError):
    """Raised when the engine ran into its time limit."""

    code = "timeout"
