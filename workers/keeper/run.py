"""One run of a job in an engine process: the loop that feeds, hears, limits and stops it."""

from __future__ import annotations

import contextlib
import os
import select
import time
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from workers.keeper import failures, frames
from workers.keeper.messages import Answer, Ended, Stop
from workers.keeper.output import EngineLog
from workers.result import final_progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from workers.job import Progress
    from workers.keeper.link import KeeperLink
    from workers.keeper.messages import Limits
    from workers.result import Failure

# Loading the compute libraries from a slow network file system takes long.
START_S = 120.0
# A process that lives on after KILL for this time hangs inside the kernel, and is left there.
DEAD_S = 10.0
_MAX_WARNINGS, _WARNING_CHARS = 50, 500
# A job's output stays in the pipe for this time: many small writes of a short job wake no thread then.
_UNHEARD_S = 0.05


_RANK = {why: rank for rank, why in enumerate(Stop)}


class Run:
    """Feeds, hears, limits and stops one job."""

    def __init__(
        self,
        limits: Limits,
        grace_s: float,
        on_output: Callable[[bytes], None] | None,
        on_progress: Callable[[Progress], None],
    ) -> None:
        self.is_link_good = True
        self.job = 0
        self.symbols: tuple[str, ...] = ()  # the elements of the structure, which may explain a crash
        self._limits = limits
        self._grace_s = grace_s
        self._on_output = on_output
        self._on_progress = on_progress
        self._log = EngineLog(limits.output_bytes)
        self._stop: Stop | None = None
        self._is_late = False
        self._is_foreign = False  # the child must not get another job
        self._signalled = ""
        self._due: float | None = None  # when the next limit is reached
        self._heard_from: float | None = None  # when to start reading output; None: it is read
        self._wake, self._alarm = os.pipe()
        os.set_blocking(self._alarm, False)

    def stop(self, why: Stop) -> None:
        """Order the end of the run; from any thread."""
        if self._stop is None or _RANK[why] > _RANK[self._stop]:
            self._stop = why
        with contextlib.suppress(BlockingIOError):
            os.write(self._alarm, b"!")

    def close(self) -> None:
        """Close the files."""
        os.close(self._wake)
        os.close(self._alarm)

    def follow(self, link: KeeperLink, job: bytes) -> Ended:
        """Hand the job to the child, follow it to its end and return that."""
        link.poll.register(self._wake, select.POLLIN)
        try:
            try:
                end = self._await_child(link) or self._attend(link, memoryview(job))
            except (frames.FrameError, ValidationError) as error:
                self._is_foreign = True
                end = Ended(failure=failures.of_answer(error))
            self._clean_up(link, end)
            return self.ended(end)
        finally:
            link.poll.unregister(self._wake)
            link.listen(to_output=True)

    def ended(self, end: Ended) -> Ended:
        """Complete the end of the run by its log, and by what stopped it."""
        end.log = self._log.content()
        end.stopped = self._stop
        if self._signalled:
            end.killed_by = 0
        return end

    # -- the parts of a run: each returns the end of the job once it is known, else None ----------------

    def _await_child(self, link: KeeperLink) -> Ended | None:
        """Wait until there is a child that has finished with earlier jobs."""
        self._due = time.monotonic() + START_S
        link.hear()
        if link.child is not None and link.dead is None and not link.is_quiet:
            link.signal("KILL")
            link.child = None
        while link.child is None:
            if self._stop is not None:
                return Ended()
            if end := self._wait(link):
                return end
        link.start_over()
        return None

    def _attend(self, link: KeeperLink, job: memoryview) -> Ended:
        """Send the job and hear the child until the job has ended."""
        start = time.monotonic()
        self._due = start + self._limits.time_s if self._limits.time_s else None
        self._heard_from = start + _UNHEARD_S
        link.listen(to_output=False)
        while True:
            if job:
                job = link.send(job)
            self._obey(link)
            if end := self._wait(link):
                return end
            for answer in link.answers():
                if end := self._take(answer):
                    return end
            if link.dead is not None:
                return self._death(link, link.dead)

    def _wait(self, link: KeeperLink) -> Ended | None:
        """Wait for the next event; take output and check the limits."""
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
            return Ended(failure=failure, is_keeper_lost=failure is not None)
        if self._due is not None and time.monotonic() >= self._due:
            return self._expire(link)
        return None

    def _obey(self, link: KeeperLink) -> None:
        """Carry out what `stop` asked for."""
        if self._stop is Stop.LOST:
            self._kill(link)
        elif self._stop is not None:
            self._terminate(link)

    def _expire(self, link: KeeperLink) -> Ended | None:
        """Act on a limit that is reached: of starting, of the job's time, of the grace, or of dying."""
        if self._signalled == "KILL" or link.child is None:
            self.is_link_good = False
            return Ended(failure=self._unless_stopped(failures.crashed("the engine process does not answer")))
        if self._signalled == "TERM":
            self._kill(link)
        else:
            self._is_late = True
            self._terminate(link)
        return None

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
        """Read what was printed."""
        for data in link.printed():
            shown = self._log.add(data)
            if shown and self._on_output is not None:
                self._on_output(shown)

    def _take(self, body: bytes) -> Ended | None:
        """Read a frame from the child.

        Raises:
            FrameError, ValidationError: it is not what a child sends.
        """
        answer = Answer.model_validate_json(body)
        if answer.progress is not None:
            self._on_progress(answer.progress)
            return None
        if answer.job is None:
            raise frames.FrameError("the frame holds neither progress nor the end of a job")
        if answer.job < self.job:  # an earlier job answered twice
            return None
        if answer.job > self.job:
            raise frames.FrameError(f"the frame answers job {answer.job}, not {self.job}")
        if answer.result is None and answer.failure is None:
            raise frames.FrameError("the frame holds neither a result nor a failure")
        return Ended(
            result=answer.result,
            failure=answer.failure,
            warnings=tuple(text[:_WARNING_CHARS] for text in answer.warnings[:_MAX_WARNINGS]),
            progress=None if answer.result is None else final_progress(answer.result),
            has_children=answer.has_children,
            is_out_of_room=answer.is_out_of_room,
            killed_by=answer.killed_by,
        )

    def _death(self, link: KeeperLink, dead: dict[str, Any]) -> Ended:
        """Explain the death of the child from what the keeper reports about it."""
        self._listen(link)
        status = int(dead["died"])
        if self._is_late:
            failure = failures.timed_out(self._limits.time_s, self._log.last_lines())
        else:
            failure = failures.of_death(
                status,
                self._log.last_lines(),
                memory_bytes=self._limits.memory_bytes,
                peak_memory_bytes=int(dead["peak_memory_bytes"]),
                symbols=self.symbols,
            )
        killed_by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        return Ended(failure=self._unless_stopped(failure), killed_by=killed_by)

    def _clean_up(self, link: KeeperLink, end: Ended) -> None:
        """Leave nothing of the job behind: read what it printed, end what it left running."""
        self._listen(link)
        if not self.is_link_good or link.dead is not None:
            return
        if link.child is None:
            return  # stopped before there was one: a child that still starts has nothing of this job
        if (end.has_children or link.has_orphans) and not self._signalled:
            end.warnings += ("processes that the engine left running were ended",)
            self._is_foreign = True
        if self._signalled or self._is_foreign or not link.is_quiet:
            self._end_child(link)

    def _end_child(self, link: KeeperLink) -> None:
        self._kill(link)
        while link.dead is None and self._wait(link) is None:
            pass
        self._listen(link)

    def _unless_stopped(self, failure: Failure) -> Failure | None:
        return failure if self._stop is None else None


def _keeper_ended(printed: tuple[str, ...]) -> Failure:
    return failures.crashed("the engine's keeper process ended", printed)
