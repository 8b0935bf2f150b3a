"""A series of jobs in one engine process: the loop that feeds, hears, limits and stops it.

The process runs the jobs in the order of their frames, of which several may be in its socket at once.  The
first job without an answer is the one that runs.  If the process dies, that one is judged; those behind it
have not begun, and go to the next process.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from workers.keeper import failures, frames
from workers.keeper.messages import Ended, Stop, read_answer
from workers.keeper.run import Run
from workers.result import final_progress
from workers.spec import NotFinite

if TYPE_CHECKING:
    from workers.keeper.link import KeeperLink
    from workers.keeper.run import Task
    from workers.result import Failure

# Loading the compute libraries from a slow network file system takes long.
START_S = 120.0
# A process that lives on after KILL for this time hangs inside the kernel, and is left there.
DEAD_S = 10.0
# The jobs behind one that takes longer than this are withdrawn, so that they can run elsewhere.
OVERDUE_S = 0.5
_MAX_WARNINGS, _WARNING_CHARS = 50, 500
# A job's output stays in the pipe for this time: many small writes of a short job wake no thread then.
_UNHEARD_S = 0.05


class Series:
    """Jobs that were handed to a keeper, in order, and their way through its engine process."""

    def __init__(self, grace_s: float) -> None:
        """Begin without a job.

        Args:
            grace_s: the time between TERM and KILL of a stopped job.
        """
        self.is_link_good = True
        self.runs: deque[Run] = deque()  # those that have not ended
        self.sent = 0  # how many of them the engine process has
        self._grace_s = grace_s
        self._rest = memoryview(b"")  # what the socket to it had no room for
        self._numbers = 0
        self._current: Run  # the run that the engine process is busy with, or was before it is ended
        self._printing: Run | None = None  # the run whose output comes
        self._is_foreign = False  # the engine process must not get another job
        self._since = 0.0  # when the first run became the first; monotonic, as all times here
        self._due: float | None = None  # when its next limit is reached
        self._heard_from: float | None = None  # when to start reading its output; None: it is read
        self._waking = threading.Lock()
        self._wake = self._alarm = -1  # a pipe that wakes `follow`; -1: it is closed

    def add(self, task: Task) -> Run:
        """Add a job, which `follow` sends."""
        if self._wake < 0:
            self._wake, self._alarm = os.pipe()
            os.set_blocking(self._wake, False)
            os.set_blocking(self._alarm, False)
        run = Run(task, self._wake_up)
        self.runs.append(run)
        return run

    def close(self) -> None:
        """Close the files; harmless to repeat."""
        with self._waking:
            if self._wake >= 0:
                os.close(self._wake)
                os.close(self._alarm)
                self._wake = self._alarm = -1

    def restart(self) -> None:
        """Note that the engine process has none of the jobs: it is another one from now on."""
        if self._rest:
            self.is_link_good = False  # half a frame may be in the socket
        self.sent = 0
        self._rest = memoryview(b"")

    def refuse(self, failure: Failure) -> list[Run]:
        """End the first job before it has begun; return it."""
        run = self._end_first(Ended(failure=failure))
        run.complete()
        return [run]

    def follow(self, link: KeeperLink, pause_s: float) -> list[Run]:
        """Run jobs until at least one has ended, or was withdrawn; return these, in order.

        Args:
            link: the link to the keeper.
            pause_s: the time for which answers of the engine process may wait, so that they come in groups;
                the end of that process and orders to stop are heard at once.
        """
        link.poll.register(self._wake, select.POLLIN)
        try:
            link.hear()
            ended = [] if self.sent else self._await_child(link)
            ended = ended or self._feed(link) or self._attend(link, pause_s)
            self._clean_up(link, ended)
            if self.sent and not ended[-1].ended.is_withdrawn:
                self._begin_first()
            for run in ended:
                run.complete()
            return ended
        finally:
            link.poll.unregister(self._wake)
            link.listen(to_output=True)

    def _wake_up(self) -> None:
        with self._waking, contextlib.suppress(BlockingIOError):
            if self._alarm >= 0:
                os.write(self._alarm, b"!")

    # -- to the engine process ----------------------------------------------------------------------------

    def _await_child(self, link: KeeperLink) -> list[Run]:
        """Wait until there is a child that has finished with earlier jobs; if there is none, end the job."""
        self._current = self._printing = self.runs[0]
        self._due = time.monotonic() + START_S
        self._heard_from = None
        self._is_foreign = False
        if link.child is not None and link.dead is None and not link.is_quiet:
            link.signal("KILL")
            link.child = None
        while link.child is None:
            if self._current.stopped is not None:
                return [self._end_first(Ended())]
            if end := self._wait(link):
                return [self._end_first(end)]
        link.start_over()
        self._begin_first()
        return []

    def _begin_first(self) -> None:
        """Set the limits of the job that has become the first."""
        self._current = self.runs[0]
        limit_s = self._current.task.limits.time_s
        self._since = time.monotonic()
        self._due = self._since + limit_s if limit_s else None
        self._heard_from = self._since + _UNHEARD_S

    def _feed(self, link: KeeperLink) -> list[Run]:
        """Send the jobs that the engine process can take; if the first cannot be written, end it."""
        parts: list[bytes] = []
        if link.child is None or link.dead is not None:
            return []  # it has died: that is judged first, even if the next one is there
        for run in list(self.runs)[self.sent :]:
            if run.task.cores != link.cores or not run.task.loads <= link.loads:
                break
            if run.number:
                run.start_over()
            self._numbers += 1
            run.number = self._numbers
            try:
                parts.append(run.task.frame(run.number, link.child))
            except frames.FrameError as error:
                if run is self.runs[0]:
                    return [self._end_first(Ended(failure=failures.of_job(error)))]
                break
            self.sent += 1
        if parts:
            self._send(link, b"".join(parts))
        return []

    def _send(self, link: KeeperLink, data: bytes) -> None:
        self._rest = link.send(memoryview(bytes(self._rest) + data))

    def _withdraw(self, link: KeeperLink, runs: list[Run]) -> list[Run]:
        """Take jobs back that have not begun: the engine process drops them when it comes to them."""
        known = [run.number for run in list(self.runs)[: self.sent] if run in runs]
        for run in runs:
            self.runs.remove(run)
            run.ended = Ended(is_withdrawn=True)
        self.sent -= len(known)
        if known:
            self._send(link, frames.encode({"withdraw": known}))
        return runs

    # -- from the engine process --------------------------------------------------------------------------

    def _attend(self, link: KeeperLink, pause_s: float) -> list[Run]:
        """Hear the engine process until at least one job has ended, or is withdrawn."""
        if self._heard_from is not None:
            link.listen(to_output=False)
        if pause_s > 0:
            self._pause(link, pause_s)
        while True:
            if self._rest:
                self._rest = link.send(self._rest)
            if ended := self._hear_answers(link):
                return ended
            self._obey(link)
            behind = list(self.runs)[1:]
            if stopped := self._withdraw(link, [run for run in behind if run.stopped is not None]):
                return stopped
            if behind and time.monotonic() >= self._since + OVERDUE_S:
                for run in behind:
                    run.stopped = Stop.GIVE_BACK
                return self._withdraw(link, behind)
            end = self._wait(link) if link.dead is None else self._death(link, link.dead)
            if end is not None:
                self.restart()
                return [self._end_first(end)]

    def _pause(self, link: KeeperLink, pause_s: float) -> None:
        """Let answers come in, unless the process ends or something is to be stopped."""
        link.hold_answers(is_on=True)
        end = time.monotonic() + pause_s
        while (left_s := end - time.monotonic()) > 0:
            ready = {file for file, _ in link.poll.poll(left_s * 1_000)}
            if self._rest:
                self._rest = link.send(self._rest)
            if ready & {self._wake, link.control.fileno(), link.output}:
                break
        link.hold_answers(is_on=False)

    def _hear_answers(self, link: KeeperLink) -> list[Run]:
        """Read what the engine process has sent; return the jobs that have ended."""
        ended: list[Run] = []
        try:
            for body in link.answers():
                if end := self._take(body):
                    self.sent -= 1
                    ended.append(self._end_first(end))
        except (frames.FrameError, NotFinite) as error:
            self._is_foreign = True
            if not ended:
                return [self._end_first(Ended(failure=failures.of_answer(error)))]
        return ended

    def _take(self, body: bytes) -> Ended | None:
        """Read a frame from the child; return the end of the first job, if it is that.

        Raises:
            FrameError, NotFinite: it is not what a child sends.
        """
        answer, result = read_answer(body)
        expected = self.runs[0].number if self.sent else None
        if answer.progress is not None:
            if expected is not None and answer.job in {None, expected}:
                self.runs[0].task.on_progress(answer.progress)
            return None
        if answer.job is None:
            raise frames.FrameError("the frame holds neither progress nor the end of a job")
        if expected is None or answer.job < expected:  # it was withdrawn, or an earlier job answered twice
            return None
        if answer.job > expected:
            raise frames.FrameError(f"the frame answers job {answer.job}, not {expected}")
        if result is None and answer.failure is None:
            raise frames.FrameError("the frame holds neither a result nor a failure")
        return Ended(
            result=result,
            result_json=answer.result,
            failure=answer.failure,
            warnings=tuple(text[:_WARNING_CHARS] for text in answer.warnings[:_MAX_WARNINGS]),
            progress=None if result is None else final_progress(result),
            has_children=answer.has_children,
            is_out_of_room=answer.is_out_of_room,
            killed_by=answer.killed_by,
            seconds=answer.seconds,
        )

    def _listen(self, link: KeeperLink, also: list[Run] | None = None) -> None:
        """Read what was printed, and give it to the jobs that printed it; `also`: those that have ended."""
        runs = {run.number: run for run in (*(also or ()), *self.runs)}
        for data in link.printed():
            for number, part in link.marks.split(data):
                if number:
                    self._printing = runs.get(number)
                if part and self._printing is not None:
                    self._printing.hear(part)

    def _wait(self, link: KeeperLink) -> Ended | None:
        """Wait for the next event; take output and check the limits of the current job."""
        overdue = self._since + OVERDUE_S if self.sent and len(self.runs) > 1 else None
        moments = [moment for moment in (self._due, self._heard_from, overdue) if moment is not None]
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
            failure = self._unless_stopped(_keeper_ended(self._current.last_lines()))
            return Ended(failure=failure, is_keeper_lost=failure is not None)
        if self._due is not None and time.monotonic() >= self._due:
            return self._expire(link)
        return None

    # -- the current job ----------------------------------------------------------------------------------

    def _obey(self, link: KeeperLink) -> None:
        """Carry out what stops the current job."""
        if self._current.stopped is Stop.LOST:
            self._kill(link)
        elif self._current.stopped is not None:
            self._terminate(link)

    def _expire(self, link: KeeperLink) -> Ended | None:
        """Act on a limit that is reached: of starting, of the job's time, of the grace, or of dying."""
        if self._current.signalled == "KILL" or link.child is None:
            self.is_link_good = False
            return Ended(failure=self._unless_stopped(failures.crashed("the engine process does not answer")))
        if self._current.signalled == "TERM":
            self._kill(link)
        else:
            self._current.is_late = True
            self._terminate(link)
        return None

    def _terminate(self, link: KeeperLink) -> None:
        if not self._current.signalled and link.child is not None:
            link.signal("TERM")
            self._current.signalled = "TERM"
            self._due = time.monotonic() + self._grace_s

    def _kill(self, link: KeeperLink) -> None:
        if self._current.signalled != "KILL":
            link.signal("KILL")
            self._current.signalled = "KILL"
            self._due = time.monotonic() + DEAD_S

    def _death(self, link: KeeperLink, dead: dict[str, Any]) -> Ended:
        """Explain the death of the child from what the keeper reports about it."""
        self._listen(link)
        task, status = self._current.task, int(dead["died"])
        if self._current.is_late:
            failure = failures.timed_out(task.limits.time_s, self._current.last_lines())
        else:
            failure = failures.of_death(
                status,
                self._current.last_lines(),
                memory_bytes=task.limits.memory_bytes,
                peak_memory_bytes=int(dead["peak_memory_bytes"]),
                symbols=task.symbols,
            )
        killed_by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        return Ended(failure=self._unless_stopped(failure), killed_by=killed_by)

    # -- the end of jobs ----------------------------------------------------------------------------------

    def _end_first(self, end: Ended) -> Run:
        run = self.runs.popleft()
        run.ended = end
        return run

    def _clean_up(self, link: KeeperLink, ended: list[Run]) -> None:
        """Leave nothing of jobs behind: read what they printed, end what they left running."""
        self._listen(link, ended)
        last = ended[-1]
        if last.ended.is_withdrawn or not self.is_link_good:
            return
        is_alive = link.dead is None and link.child is not None
        is_struck = any(run.signalled for run in ended)
        has_children = any(run.ended.has_children for run in ended)
        if is_alive and not is_struck and (has_children or link.has_orphans):
            leaving = next((run for run in ended if run.ended.has_children), last)
            leaving.ended.warnings += ("processes that the engine left running were ended",)
            self._is_foreign = True
        is_unfit = is_alive and (self._is_foreign or not (self.sent or link.is_quiet))
        if is_struck or is_unfit:  # a signal may hit the job that has begun meanwhile
            self.restart()
            self._current = last
            if is_alive:
                self._end_child(link)

    def _end_child(self, link: KeeperLink) -> None:
        self._kill(link)
        while link.dead is None and self._wait(link) is None:
            pass
        self._listen(link)

    def _unless_stopped(self, failure: Failure) -> Failure | None:
        return failure if self._current.stopped is None else None


def _keeper_ended(printed: tuple[str, ...]) -> Failure:
    return failures.crashed("the engine's keeper process ended", printed)
