"""The worker's side of the keeper, which starts, limits, feeds and kills the engine process of a slot.

`workers.keeper.process` is the other side, `workers.keeper.frames` the protocol between them.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

from workers.engine.registry import needs
from workers.keeper import failures, frames
from workers.keeper.link import KeeperLink
from workers.keeper.messages import Ended, Limits, Stop
from workers.keeper.run import Run
from workers.spec import MAX_SPEC_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from workers.job import Progress

__all__ = ["Ended", "Keeper", "Limits", "Stop"]

ENTRY = "workers.engine.registry"


class Keeper:
    """Runs one job at a time in an engine process of its own: the worker's side of the keeper.

    Args:
        grace_s: the time between TERM and KILL of a stopped job.
        on_output: called, in the thread of `run`, with what the engine prints, up to the limit.
        entry: the module that knows engines; tests have their own.
    """

    def __init__(
        self,
        *,
        grace_s: float = 5.0,
        on_output: Callable[[bytes], None] | None = None,
        entry: str = ENTRY,
    ) -> None:
        self.grace_s = grace_s
        self._on_output = on_output
        self._entry = entry
        self._link: KeeperLink | None = None
        self._guard = threading.Lock()
        self._run: Run | None = None
        self._jobs = 0

    def run(
        self,
        spec_json: str,
        *,
        cores: int,
        limits: Limits,
        scratch: Path | None,
        on_progress: Callable[[Progress], None],
    ) -> Ended:
        """Run a job to its end, whatever the engine does, and return how it ended.

        Args:
            spec_json: a `workers.spec.JobSpec`.
            cores: the number of threads that the engine computes with.
            limits: the memory and time that it may use.
            scratch: an empty directory, the working directory of the engine; None: it needs none.
            on_progress: called in this thread; an error it raises ends the engine and is passed on.
        """
        run = Run(limits, self.grace_s, self._on_output, on_progress)
        with self._guard:
            self._run = run
        try:
            try:
                spec = _read(spec_json)
                link = self._link_for(cores, needs(spec))
            except frames.FrameError as error:
                return run.ended(Ended(failure=failures.of_job(error)))
            except OSError as error:
                return run.ended(Ended(failure=failures.cannot_start(error)))
            run.symbols = _symbols(spec)
            self._jobs += 1
            run.job = self._jobs
            job = {
                "job": run.job,
                "scratch": str(scratch or ""),
                "memory_bytes": limits.memory_bytes,
                "file_bytes": limits.file_bytes,
            }
            return run.follow(link, frames.encode_around(job, "spec", spec_json))
        except BaseException:
            run.is_link_good = False
            raise
        finally:
            with self._guard:
                self._run = None
            run.close()
            if not run.is_link_good:
                self._drop()

    def warm(self, loads: frozenset[str]) -> None:
        """Start the engine process before the first job, for one thread and with these libraries.

        It returns before they are loaded.  Do not call it while a job runs.
        """
        if self._link is None:
            with contextlib.suppress(OSError):  # the first job will report it
                self._link_for(1, loads)

    def stop(self, why: Stop) -> None:
        """Stop the job that runs now, if one does; from any thread, harmless to repeat.

        Its process group gets TERM, and after the grace every descendant KILL; for LOST, KILL at once.
        """
        with self._guard:
            if self._run is not None:
                self._run.stop(why)

    def close(self) -> None:
        """End the engine process and all that it started; harmless to repeat, but not while a job runs."""
        self._drop()

    def _link_for(self, cores: int, loads: frozenset[str]) -> KeeperLink:
        """Return a keeper process with this number of threads and these libraries; start it if need be.

        Raises:
            OSError: it cannot be started.
        """
        link = self._link
        if link is not None and not link.has_ended and link.cores == cores and loads <= link.loads:
            return link
        kept = link.loads if link is not None else frozenset()
        self._drop()
        self._link = KeeperLink(self._entry, cores, loads | kept)
        return self._link

    def _drop(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.close()


def _read(spec_json: str) -> dict[str, Any]:
    """Parse a specification, as far as sending it needs.

    Raises:
        FrameError: it is not a JSON object with finite numbers, or larger than any that was submitted.
    """
    if len(spec_json) > MAX_SPEC_BYTES:
        raise frames.FrameError(f"it is larger than {MAX_SPEC_BYTES // 1024**2} MiB")
    try:
        return frames.decode(spec_json.encode())
    except UnicodeError as error:
        raise frames.FrameError(str(error)) from None


def _symbols(spec: dict[str, Any]) -> tuple[str, ...]:
    structure = spec.get("structure")
    symbols = structure.get("symbols") if isinstance(structure, dict) else None
    return tuple(map(str, symbols)) if isinstance(symbols, list) else ()
