"""One keeper a slot: starts, limits, feeds and kills an engine process and all that it starts.

The worker's side.  `workers.keeper_process` is the other, `workers.frames` what passes between them.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import threading
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NoReturn

from pydantic import TypeAdapter, ValidationError

from workers import frames, verdict
from workers.engine.registry import needs
from workers.engine_log import EngineLog
from workers.job import Progress, Reason
from workers.keeper_link import Link
from workers.result import RESULT, Failure

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ENTRY = "workers.engine.registry"
# Loading the compute libraries from a slow network file system takes its time.
START_S = 120.0
# A KILL that has no effect by then: the process hangs inside the kernel and is left to it.
DEAD_S = 10.0
_MAX_WARNINGS, _WARNING_CHARS = 50, 500

_PROGRESS = TypeAdapter(Progress)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a job may use."""

    memory_bytes: int  # beyond what the libraries need themselves; 0: no limit
    time_s: int  # 0: no limit
    output_bytes: int = 16 * 1024**2
    file_bytes: int = 1024**3  # the largest file it may write


class Stop(StrEnum):
    """Why a running job is to be stopped; of several, the last in this order counts."""

    GIVE_BACK = "give_back"
    CANCEL = "cancel"
    LOST = "lost"


_RANK = {why: rank for rank, why in enumerate(Stop)}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a job's run ended.

    A job that came to its end has a result or a failure; an optimisation that did not converge has both.
    A stopped one has neither, unless its result came first.
    """

    result_json: str | None  # a `workers.result.Result`
    failure: Failure | None
    warnings: tuple[str, ...]
    log: bytes  # what it printed, bounded, with a note where it was cut
    stopped: Stop | None


class _Over(Exception):
    """Raised inside a run when it is known how it ended."""

    def __init__(
        self,
        failure: Failure | None = None,
        result_json: str | None = None,
        warnings: tuple[str, ...] = (),
        *,
        has_children: bool = False,
    ) -> None:
        super().__init__()
        self.has_children = has_children
        self.failure = failure
        self.result_json = result_json
        self.warnings = warnings


class Keeper:
    """Runs one job at a time in an engine process of its own.

    Args:
        grace_s: how long a stopped job has between TERM and KILL.
        on_output: called, in the thread of `run`, with what the engine prints, up to the limit.
        entry: the module that knows engines; another than the default is for tests.
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
        self._link: Link | None = None
        self._guard = threading.Lock()
        self._run: _Run | None = None

    def run(
        self,
        spec_json: str,
        *,
        cores: int,
        limits: Limits,
        scratch: Path | None,
        on_progress: Callable[[Progress], None],
    ) -> Ended:
        """Run a job to its end; whatever the engine does, this returns and says how it ended.

        Args:
            spec_json: a `workers.spec.JobSpec`.
            cores: how many threads the engine computes with.
            limits: what it may use.
            scratch: an empty directory, the engine's working directory; None: it needs none.
            on_progress: called in this thread; what it raises ends the engine and is passed on.
        """
        run = _Run(limits, self.grace_s, self._on_output, on_progress)
        with self._guard:
            self._run = run
        try:
            loads, job = _job(spec_json, limits, scratch)
            return run.follow(self._link_for(cores, loads), job)
        except _Over as over:
            return run.ended(over)
        except BaseException:
            run.is_link_good = False
            raise
        finally:
            with self._guard:
                self._run = None
            run.close()
            if not run.is_link_good:
                self._drop()

    def stop(self, why: Stop) -> None:
        """Stop the job that runs now, if one does: TERM to its group, KILL of every descendant after the
        grace; LOST: KILL at once.  From any thread; harmless to repeat.
        """
        with self._guard:
            if self._run is not None:
                self._run.stop(why)

    def close(self) -> None:
        """End the engine process and all that it started; harmless to repeat.  Not while a job runs."""
        self._drop()

    def _link_for(self, cores: int, loads: frozenset[str]) -> Link:
        """Find or start a keeper process with so many threads and these libraries loaded.

        Raises:
            _Over: it cannot be started.
        """
        link = self._link
        if link is not None and link.cores == cores and loads <= link.loads:
            return link
        kept = link.loads if link is not None else frozenset()
        self._drop()
        try:
            self._link = Link(self._entry, cores, loads | kept)
        except OSError as error:
            raise _Over(verdict.cannot_start(error)) from None
        return self._link

    def _drop(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.close()


class _Run:
    """One job's run: the loop that feeds, hears, limits and stops."""

    def __init__(
        self,
        limits: Limits,
        grace_s: float,
        on_output: Callable[[bytes], None] | None,
        on_progress: Callable[[Progress], None],
    ) -> None:
        self.is_link_good = True
        self._limits = limits
        self._grace_s = grace_s
        self._on_output = on_output
        self._on_progress = on_progress
        self._log = EngineLog(limits.output_bytes)
        self._stop: Stop | None = None
        self._is_late = False
        self._is_foreign = False  # the child is not to be trusted with another job
        self._signalled = ""
        self._due: float | None = None  # when the next limit is reached
        self._wake, self._alarm = os.pipe()
        os.set_blocking(self._alarm, False)

    def stop(self, why: Stop) -> None:
        """Ask for the end; from any thread."""
        if self._stop is None or _RANK[why] > _RANK[self._stop]:
            self._stop = why
        with contextlib.suppress(BlockingIOError):
            os.write(self._alarm, b"!")

    def close(self) -> None:
        """Let go of the files."""
        os.close(self._wake)
        os.close(self._alarm)

    def follow(self, link: Link, job: bytes) -> Ended:
        """Hand the job to the child and follow it to its end."""
        link.poll.register(self._wake, select.POLLIN)
        try:
            over = self._end_of(link, memoryview(job))
            self._settle(link, over)
            return self.ended(over)
        finally:
            link.poll.unregister(self._wake)

    def ended(self, over: _Over) -> Ended:
        """Put together how the run ended."""
        return Ended(over.result_json, over.failure, over.warnings, self._log.content(), self._stop)

    # -- the parts of a run ------------------------------------------------------------------------

    def _end_of(self, link: Link, job: memoryview) -> _Over:
        """Run the job until it is known how it ended."""
        try:
            self._await_child(link)
            self._attend(link, job)
        except _Over as over:
            return over
        except (frames.FrameError, ValidationError) as error:
            self._is_foreign = True
            return _Over(_foreign(error))

    def _await_child(self, link: Link) -> None:
        """Wait until a child is there that has nothing of an earlier job on its mind."""
        self._due = time.monotonic() + START_S
        link.hear()
        if link.child is not None and link.dead is None and not link.is_quiet:
            link.signal("KILL")
            link.child = None
        while link.child is None:
            if self._stop is not None:
                raise _Over
            self._wait(link)
        link.start_over()

    def _attend(self, link: Link, job: memoryview) -> NoReturn:
        """Hand the job over and hear the child until `_Over`."""
        self._due = time.monotonic() + self._limits.time_s if self._limits.time_s else None
        while True:
            if job:
                job = link.send(job)
            self._obey(link)
            self._wait(link)
            for answer in link.answers():
                self._take(answer)
            if link.dead is not None:
                self._bury(link)

    def _wait(self, link: Link) -> None:
        """Wait for the next thing to happen, and see to output and limits."""
        left = None if self._due is None else max(0.0, self._due - time.monotonic()) * 1000
        ready = {file for file, _ in link.poll.poll(left)}
        if self._wake in ready:
            os.read(self._wake, 4096)
        if link.output in ready:
            self._listen(link)
        if link.control.fileno() in ready and not link.hear():
            self.is_link_good = False
            self._listen(link)
            raise _Over(self._unless_stopped(_keeper_ended(self._log.last_lines())))
        if self._due is not None and time.monotonic() >= self._due:
            self._expire(link)

    def _obey(self, link: Link) -> None:
        """Carry out what `stop` asked for."""
        if self._stop is Stop.LOST:
            self._kill(link)
        elif self._stop is not None:
            self._terminate(link)

    def _expire(self, link: Link) -> None:
        """A limit is reached: of starting, of the job's time, of the grace, or of dying."""
        if self._signalled == "KILL" or link.child is None:
            self.is_link_good = False
            raise _Over(self._unless_stopped(verdict.crashed("the engine process does not answer")))
        if self._signalled == "TERM":
            self._kill(link)
        else:
            self._is_late = True
            self._terminate(link)

    def _terminate(self, link: Link) -> None:
        if not self._signalled and link.child is not None:
            link.signal("TERM")
            self._signalled = "TERM"
            self._due = time.monotonic() + self._grace_s

    def _kill(self, link: Link) -> None:
        if self._signalled != "KILL":
            link.signal("KILL")
            self._signalled = "KILL"
            self._due = time.monotonic() + DEAD_S

    def _listen(self, link: Link) -> None:
        """Take what was printed."""
        for data in link.printed():
            shown = self._log.add(data)
            if shown and self._on_output is not None:
                self._on_output(shown)

    def _take(self, answer: dict[str, Any]) -> None:
        """Take a frame of the child's."""
        if "progress" in answer:
            self._on_progress(_PROGRESS.validate_python(answer["progress"]))
            return
        result, failure = answer.get("result"), answer.get("failure")
        if result is None and failure is None:
            raise frames.FrameError("the frame holds neither a result nor a failure")
        raise _Over(
            None if failure is None else Failure.model_validate(failure),
            None if result is None else RESULT.dump_json(RESULT.validate_python(result)).decode(),
            tuple(str(text)[:_WARNING_CHARS] for text in answer.get("warnings", ())[:_MAX_WARNINGS]),
            has_children=bool(answer.get("has_children")),
        )

    def _bury(self, link: Link) -> None:
        """Say how a job ended whose child died."""
        self._listen(link)
        assert link.dead is not None
        raise _Over(
            self._unless_stopped(
                verdict.timed_out(self._limits.time_s, self._log.last_lines())
                if self._is_late
                else verdict.of_death(
                    int(link.dead["died"]),
                    self._log.last_lines(),
                    memory_bytes=self._limits.memory_bytes,
                    peak_memory_bytes=int(link.dead["peak_memory_bytes"]),
                )
            )
        )

    def _settle(self, link: Link, over: _Over) -> None:
        """Leave nothing of the job behind: what it printed is read, what it left running is ended."""
        self._listen(link)
        if not self.is_link_good or link.dead is not None:
            return
        if (over.has_children or link.has_orphans) and not self._signalled:
            over.warnings += ("processes that the engine left running were ended",)
            self._is_foreign = True
        if self._signalled or self._is_foreign or not link.is_quiet:
            self._end_child(link)

    def _end_child(self, link: Link) -> None:
        self._kill(link)
        with contextlib.suppress(_Over):
            while link.dead is None:
                self._wait(link)
        self._listen(link)

    def _unless_stopped(self, failure: Failure) -> Failure | None:
        return failure if self._stop is None else None


def _job(spec_json: str, limits: Limits, scratch: Path | None) -> tuple[frozenset[str], bytes]:
    """Write the frame that hands a job over, and name the libraries it needs.

    Raises:
        _Over: the specification is not JSON, or too large.
    """
    try:
        spec = json.loads(spec_json)
        job = {
            "spec": spec,
            "scratch": str(scratch or ""),
            "memory_bytes": limits.memory_bytes,
            "file_bytes": limits.file_bytes,
        }
        return needs(spec), frames.encode(job)
    except (ValueError, RecursionError, frames.FrameError) as error:
        raise _Over(
            Failure(reason=Reason.DAMAGED, message=f"the job cannot be read: {error}"[:2_000])
        ) from None


def _keeper_ended(printed: tuple[str, ...]) -> Failure:
    return verdict.crashed("the engine's keeper process ended", printed)


def _foreign(error: Exception) -> Failure:
    """Say that what the engine sent is no result."""
    if isinstance(error, frames.NotFinite):
        return verdict.crashed("the result is not finite", (str(error),))
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        if first["type"] == "finite_number":
            where = ".".join(map(str, first["loc"]))
            return verdict.crashed("the result is not finite", (f"{where}: {first['input']}",))
        return verdict.crashed("the engine sent what is not a result", (f"{first['loc']}: {first['msg']}",))
    return verdict.crashed("the engine sent what is not a result", (str(error),))
