"""One job's run in an engine process: the loop that feeds, hears, limits and stops."""

from __future__ import annotations

import contextlib
import os
import select
import time
from typing import TYPE_CHECKING, NoReturn

from pydantic import ValidationError

from workers.keeper import failures, frames
from workers.keeper.messages import Answer, Ended, Over, Stop
from workers.keeper.output import EngineLog
from workers.result import final_progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from workers.job import Progress
    from workers.keeper.link import KeeperLink
    from workers.keeper.messages import Limits
    from workers.result import Failure

# Loading the compute libraries from a slow network file system takes its time.
START_S = 120.0
# A KILL that has no effect by then: the process hangs inside the kernel and is left to it.
DEAD_S = 10.0
_MAX_WARNINGS, _WARNING_CHARS = 50, 500
# For so long a job's output stays in the pipe: a short job's many small writes wake nobody then.
_UNHEARD_S = 0.05


_RANK = {why: rank for rank, why in enumerate(Stop)}


class Run:
    """One job's run: the loop that feeds, hears, limits and stops."""

    def __init__(
        self,
        limits: Limits,
        grace_s: float,
        on_output: Callable[[bytes], None] | None,
        on_progress: Callable[[Progress], None],
    ) -> None:
        self.is_link_good = True
        self.job = 0
        self.symbols: tuple[str, ...] = ()  # of the structure: they may explain a crash
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
        self._heard_from: float | None = None  # when to begin to listen to output; None: since long
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

    def follow(self, link: KeeperLink, job: bytes) -> Ended:
        """Hand the job to the child and follow it to its end."""
        link.poll.register(self._wake, select.POLLIN)
        try:
            over = self._end_of(link, memoryview(job))
            self._settle(link, over)
            return self.ended(over)
        finally:
            link.poll.unregister(self._wake)
            link.listen(to_output=True)

    def ended(self, over: Over) -> Ended:
        """Put together how the run ended."""
        return Ended(
            result_json=over.result_json,
            failure=over.failure,
            warnings=over.warnings,
            log=self._log.content(),
            stopped=self._stop,
            progress=over.progress,
            is_keeper_lost=over.is_keeper_lost,
            is_out_of_room=over.is_out_of_room,
            killed_by=0 if self._signalled else over.killed_by,
        )

    # -- the parts of a run ------------------------------------------------------------------------

    def _end_of(self, link: KeeperLink, job: memoryview) -> Over:
        """Run the job until it is known how it ended."""
        try:
            self._await_child(link)
            self._attend(link, job)
        except Over as over:
            return over
        except (frames.FrameError, ValidationError) as error:
            self._is_foreign = True
            return Over(failures.of_answer(error))

    def _await_child(self, link: KeeperLink) -> None:
        """Wait until a child is there that has nothing of an earlier job on its mind."""
        self._due = time.monotonic() + START_S
        link.hear()
        if link.child is not None and link.dead is None and not link.is_quiet:
            link.signal("KILL")
            link.child = None
        while link.child is None:
            if self._stop is not None:
                raise Over
            self._wait(link)
        link.start_over()

    def _attend(self, link: KeeperLink, job: memoryview) -> NoReturn:
        """Hand the job over and hear the child until `Over`."""
        start = time.monotonic()
        self._due = start + self._limits.time_s if self._limits.time_s else None
        self._heard_from = start + _UNHEARD_S
        link.listen(to_output=False)
        while True:
            if job:
                job = link.send(job)
            self._obey(link)
            self._wait(link)
            for answer in link.answers():
                self._take(answer)
            if link.dead is not None:
                self._bury(link)

    def _wait(self, link: KeeperLink) -> None:
        """Wait for the next thing to happen, and see to output and limits."""
        moments = [moment for moment in (self._due, self._heard_from) if moment is not None]
        left = max(0.0, min(moments) - time.monotonic()) * 1000 if moments else None
        ready = {file for file, _ in link.poll.poll(left)}
        if self._heard_from is not None and time.monotonic() >= self._heard_from:
            self._heard_from = None
            link.listen(to_output=True)
        if self._wake in ready:
            os.read(self._wake, 4096)
        if link.output in ready:
            self._listen(link)
        if link.control.fileno() in ready and not link.hear():
            self.is_link_good = False
            self._listen(link)
            failure = self._unless_stopped(_keeper_ended(self._log.last_lines()))
            raise Over(failure, is_keeper_lost=failure is not None)
        if self._due is not None and time.monotonic() >= self._due:
            self._expire(link)

    def _obey(self, link: KeeperLink) -> None:
        """Carry out what `stop` asked for."""
        if self._stop is Stop.LOST:
            self._kill(link)
        elif self._stop is not None:
            self._terminate(link)

    def _expire(self, link: KeeperLink) -> None:
        """A limit is reached: of starting, of the job's time, of the grace, or of dying."""
        if self._signalled == "KILL" or link.child is None:
            self.is_link_good = False
            raise Over(self._unless_stopped(failures.crashed("the engine process does not answer")))
        if self._signalled == "TERM":
            self._kill(link)
        else:
            self._is_late = True
            self._terminate(link)

    def _terminate(self, link: KeeperLink) -> None:
        if not self._signalled and link.child is not None:
            link.signal("TERM")
            self._signalled = "TERM"
            self._due = time.monotonic() + self._grace_s

    def _kill(self, link: KeeperLink) -> None:
        if self._signalled != "KILL":
            link.signal("KILL")
            self._signalled = "KILL"
            self._due = time.monotonic() + DEAD_S

    def _listen(self, link: KeeperLink) -> None:
        """Take what was printed."""
        for data in link.printed():
            shown = self._log.add(data)
            if shown and self._on_output is not None:
                self._on_output(shown)

    def _take(self, body: bytes) -> None:
        """Take a frame of the child's."""
        ended = Answer.model_validate_json(body)
        if ended.progress is not None:
            self._on_progress(ended.progress)
            return
        if ended.job is None:
            raise frames.FrameError("the frame holds neither progress nor the end of a job")
        if ended.job < self.job:  # an earlier job answered twice
            return
        if ended.job > self.job:
            raise frames.FrameError(f"the frame answers job {ended.job}, not {self.job}")
        if ended.result is None and ended.failure is None:
            raise frames.FrameError("the frame holds neither a result nor a failure")
        over = Over(
            ended.failure,
            None if ended.result is None else ended.result.model_dump_json(),
            tuple(text[:_WARNING_CHARS] for text in ended.warnings[:_MAX_WARNINGS]),
            progress=None if ended.result is None else final_progress(ended.result),
            has_children=ended.has_children,
            is_out_of_room=ended.is_out_of_room,
        )
        over.killed_by = ended.killed_by
        raise over

    def _bury(self, link: KeeperLink) -> None:
        """Say how a job ended whose child died."""
        self._listen(link)
        assert link.dead is not None
        status = int(link.dead["died"])
        over = Over(
            self._unless_stopped(
                failures.timed_out(self._limits.time_s, self._log.last_lines())
                if self._is_late
                else failures.of_death(
                    status,
                    self._log.last_lines(),
                    memory_bytes=self._limits.memory_bytes,
                    peak_memory_bytes=int(link.dead["peak_memory_bytes"]),
                    symbols=self.symbols,
                )
            )
        )
        over.killed_by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        raise over

    def _settle(self, link: KeeperLink, over: Over) -> None:
        """Leave nothing of the job behind: what it printed is read, what it left running is ended."""
        self._listen(link)
        if not self.is_link_good or link.dead is not None:
            return
        if link.child is None:
            return  # stopped before there was one: what still starts has nothing of this job
        if (over.has_children or link.has_orphans) and not self._signalled:
            over.warnings += ("processes that the engine left running were ended",)
            self._is_foreign = True
        if self._signalled or self._is_foreign or not link.is_quiet:
            self._end_child(link)

    def _end_child(self, link: KeeperLink) -> None:
        self._kill(link)
        with contextlib.suppress(Over):
            while link.dead is None:
                self._wait(link)
        self._listen(link)

    def _unless_stopped(self, failure: Failure) -> Failure | None:
        return failure if self._stop is None else None


def _keeper_ended(printed: tuple[str, ...]) -> Failure:
    return failures.crashed("the engine's keeper process ended", printed)
