"""One job in an engine process: what it is, what it prints, why it is stopped, how it ends."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workers.keeper import frames
from workers.keeper.messages import Ended, Stop
from workers.keeper.output import EngineLog
from workers.spec import MAX_SPEC_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from workers.job import Progress
    from workers.keeper.messages import Limits

_RANK = {why: rank for rank, why in enumerate(Stop)}


@dataclass(frozen=True, slots=True)
class Task:
    """A job as a keeper runs it."""

    spec: bytes  # a `workers.spec.JobSpec` as JSON, which only the engine process reads
    limits: Limits
    scratch: Path | None  # an empty directory, the working directory of the engine; None: it needs none
    on_progress: Callable[[Progress], None]  # an error it raises ends the engine and is passed on
    on_output: Callable[[bytes], None] | None = None  # receives what the engine prints, up to the limit
    cores: int = 1  # the number of threads that the engine computes with
    loads: frozenset[str] = frozenset()  # the libraries that the keeper loads before it forks the engine

    def frame(self, number: int, child: int) -> bytes:
        """Write the frame that hands the job, under a number, to an engine process.

        Raises:
            FrameError: the specification is larger than any that was submitted.
        """
        if len(self.spec) > MAX_SPEC_BYTES:
            raise frames.FrameError(f"it is larger than {MAX_SPEC_BYTES // 1024**2} MiB")
        head = {
            "job": number,
            "child": child,
            "scratch": str(self.scratch or ""),
            "memory_bytes": self.limits.memory_bytes,
            "file_bytes": self.limits.file_bytes,
        }
        return frames.encode_with(head, self.spec)

    @property
    def symbols(self) -> tuple[str, ...]:
        """The elements of the structure, which may explain a crash."""
        with contextlib.suppress(frames.FrameError):
            structure = frames.decode(self.spec).get("structure")
            symbols = structure.get("symbols") if isinstance(structure, dict) else None
            return tuple(map(str, symbols)) if isinstance(symbols, list) else ()
        return ()


class Run:
    """A job that was handed to a keeper, until its end."""

    def __init__(self, task: Task, wake: Callable[[], None]) -> None:
        """Begin with a job that no engine process has yet.

        Args:
            task: the job.
            wake: wakes the thread that follows the run; from any thread.
        """
        self.task = task
        self.number = 0  # of its newest frame; 0: none was written
        self.stopped: Stop | None = None  # why its end was ordered
        self.signalled = ""  # the signal that its engine was sent
        self.is_late = False  # it has reached its time limit
        self.ended = Ended()  # without its log until `complete`
        self._log = EngineLog(task.limits.output_bytes)
        self._wake = wake

    def stop(self, why: Stop) -> None:
        """Order the end of the run; from any thread, harmless to repeat.

        The process group of a job that has begun gets TERM, and after the grace every descendant KILL; for
        LOST, KILL at once.  A job that has not begun is withdrawn.
        """
        if self.stopped is None or _RANK[why] > _RANK[self.stopped]:
            self.stopped = why
        self._wake()

    def hear(self, data: bytes) -> None:
        """Add what the engine printed to the log, and pass it on."""
        shown = self._log.add(data)
        if shown and self.task.on_output is not None:
            self.task.on_output(shown)

    def start_over(self) -> None:
        """Forget what was printed: its process was ended because of another job, and it runs again."""
        self._log = EngineLog(self.task.limits.output_bytes)

    def last_lines(self) -> tuple[str, ...]:
        """Return the last lines that the engine printed."""
        return self._log.last_lines()

    def complete(self) -> Ended:
        """Complete the end of the run by its log, and by what stopped it."""
        self.ended.log = self._log.content()
        self.ended.stopped = self.stopped
        if self.signalled:
            self.ended.killed_by = 0
        return self.ended
