"""Jobs that are sent ahead to an engine process: what becomes of those behind the one that runs."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.standin.keepers import LIMITS, ROOT, STAND_IN
from tests.support.processes import is_alive
from tests.support.waiting import wait_until
from workers.job import Reason
from workers.keeper import series
from workers.keeper.keeper import Keeper, Run, Stop, Task
from workers.result import EchoResult

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from workers.job import Progress

LIMIT_S = 20.0


class Queue:
    """A keeper of the stand-in, and the jobs that it was handed."""

    def __init__(self, scratch: Path) -> None:
        self.keeper = Keeper(grace_s=0.5, entry=STAND_IN)
        self.printed: list[bytearray] = []
        self.progress: list[Progress] = []
        self._scratch = scratch

    def add(self, deed: str, **arguments: Any) -> Run:
        """Hand a job over, behind the others."""
        output = bytearray()
        self.printed.append(output)
        spec = {"kind": "echo", "payload": {"do": deed} | arguments}
        task = Task(
            json.dumps(spec).encode(),
            LIMITS,
            self._scratch,
            on_progress=self.progress.append,
            on_output=output.extend,
        )
        return self.keeper.start(task)

    def wait_for(self, *runs: Run, pause_s: float = 0.0) -> list[Run]:
        """Run until these have ended; return all that ended, in order."""
        ended: list[Run] = []
        while not set(runs) <= set(ended):
            ended += self.keeper.wait(pause_s)
        return ended

    def beside(self, *runs: Run) -> threading.Thread:
        """Run until these have ended, in another thread."""
        thread = threading.Thread(target=self.wait_for, args=runs, daemon=True)
        thread.start()
        return thread


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    """A keeper of the stand-in, whose engine process has started."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    made = Queue(tmp_path)
    made.wait_for(made.add("tell"))
    yield made
    made.keeper.close()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No job is taken to be late."""
    monkeypatch.setattr(series, "OVERDUE_S", 600.0)


def payload(run: Run) -> Any:
    """Read what the stand-in returned."""
    assert isinstance(run.ended.result, EchoResult), run.ended
    return run.ended.result.payload


def ended_of(thread: threading.Thread) -> None:
    """Wait for the end of a thread."""
    thread.join(LIMIT_S)
    assert not thread.is_alive()


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("pause_s", [0.0, 0.05])
def test_jobs_sent_ahead_run_in_order_with_a_log_of_their_own(queue: Queue, pause_s: float) -> None:
    """
    Each answer and each line goes to the job that it is of, in one process.
    """
    runs = [queue.add("tell", print=[f"job {n}"] * n, steps=n % 3, warn=[str(n)]) for n in range(20)]
    ended = queue.wait_for(*runs, pause_s=pause_s)

    assert runs == ended
    assert 1 == len({payload(run)["pid"] for run in runs})
    for n, run in enumerate(runs):
        assert f"job {n}\n".encode() * n == run.ended.log == bytes(queue.printed[n + 1])
        assert (str(n),) == run.ended.warnings
    assert sum(n % 3 for n in range(20)) == len(queue.progress)
    assert all(run.ended.seconds > 0 for run in runs)


@pytest.mark.usefixtures("patient")
def test_the_job_that_ran_is_judged_and_those_behind_run_in_the_next_process(queue: Queue) -> None:
    """
    A crash fails one job, with its own last words; jobs before it have ended, those behind it lose nothing.
    """
    before = queue.add("tell", print=["before"])
    crashing = queue.add("die", signal=signal.SIGSEGV, print=["last words"])
    behind = [queue.add("tell", print=[f"behind {n}"]) for n in range(3)]
    queue.wait_for(before, crashing, *behind)

    assert crashing.ended.failure is not None
    assert (Reason.CRASHED, ("last words",)) == (
        crashing.ended.failure.reason,
        crashing.ended.failure.evidence,
    )
    pids = {payload(run)["pid"] for run in behind}
    assert 1 == len(pids)
    assert payload(before)["pid"] not in pids
    assert [b"behind 0\n", b"behind 1\n", b"behind 2\n"] == [run.ended.log for run in behind]


@pytest.mark.usefixtures("patient")
def test_several_crashes_in_a_row_cost_one_job_each(queue: Queue) -> None:
    """
    However often the process dies, each death is the end of one job.
    """
    runs = [queue.add("die", code=3) if n % 2 else queue.add("tell") for n in range(8)]
    queue.wait_for(*runs)

    assert [n % 2 == 1 for n in range(8)] == [run.ended.failure is not None for run in runs]


@pytest.mark.usefixtures("patient")
def test_a_killed_keeper_costs_the_job_that_ran(queue: Queue, tmp_path: Path) -> None:
    """
    The job that ran is reported as lost with its keeper, and those behind it run under the next one.
    """
    book, until = tmp_path / "book", tmp_path / "until"
    running = queue.add("sign", book=str(book), until=str(until))
    behind = queue.add("tell")
    thread = queue.beside(running, behind)
    wait_until(book.exists, LIMIT_S, "a job that runs")
    assert queue.keeper._link is not None
    os.kill(queue.keeper._link._process.pid, signal.SIGKILL)
    ended_of(thread)

    assert running.ended.is_keeper_lost
    assert payload(behind)["pid"] != int(book.read_text())


@pytest.mark.usefixtures("patient")
def test_a_death_is_judged_before_the_next_process_gets_a_job(queue: Queue, tmp_path: Path) -> None:
    """
    The next process serves already when the death of its forerunner is heard: each job still runs once.
    """
    book, until = tmp_path / "book", tmp_path / "until"
    until.touch()
    first, crashing = queue.add("tell"), queue.add("die", code=3)
    link = queue.keeper._link
    assert link is not None
    dead = link.child
    assert [first] == queue.keeper.wait()
    assert dead is not None
    wait_until(lambda: not is_alive(dead), LIMIT_S, "the end of a process")
    wait_until(lambda: link.hear() and link.child, LIMIT_S, "the next process")
    behind = queue.add("sign", book=str(book), until=str(until))
    queue.wait_for(behind, queue.add("tell"))

    assert crashing.ended.failure is not None
    assert "exit code 3" in crashing.ended.failure.message
    assert f"{payload(behind)}\n" == book.read_text()


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("why", list(Stop))
def test_a_job_that_waits_is_withdrawn_when_it_is_stopped(queue: Queue, tmp_path: Path, why: Stop) -> None:
    """
    It ends at once without having begun, and the others, before and behind it, are not disturbed.
    """
    book, until = tmp_path / "book", tmp_path / "until"
    running = queue.add("sign", book=str(tmp_path / "first"), until=str(until))
    waiting = queue.add("sign", book=str(book), until=str(until))
    behind = queue.add("tell")
    thread = queue.beside(waiting)
    wait_until((tmp_path / "first").exists, LIMIT_S, "a job that runs")
    waiting.stop(why)
    ended_of(thread)
    until.touch()
    queue.wait_for(running, behind)

    assert (True, why, None) == (waiting.ended.is_withdrawn, waiting.ended.stopped, waiting.ended.result)
    assert payload(running) == payload(behind)["pid"]
    assert not book.exists()


def test_the_jobs_behind_a_late_one_are_withdrawn(queue: Queue, tmp_path: Path) -> None:
    """
    They wait half a second for it, are to be released then, and never begin; it goes on.
    """
    book, until = tmp_path / "book", tmp_path / "until"
    late = queue.add("sign", book=str(tmp_path / "first"), until=str(until))
    behind = [queue.add("sign", book=str(book), until=str(until)) for _ in range(3)]
    begin = time.monotonic()
    ended = queue.keeper.wait()
    waited_s = time.monotonic() - begin
    until.touch()
    queue.wait_for(late)
    after = queue.add("tell")
    queue.wait_for(after)

    assert behind == list(ended)
    assert waited_s >= series.OVERDUE_S
    assert {(True, Stop.GIVE_BACK)} == {(run.ended.is_withdrawn, run.ended.stopped) for run in behind}
    assert payload(late) == payload(after)["pid"]
    assert not book.exists()


@pytest.mark.usefixtures("patient")
def test_the_end_of_the_job_that_runs_spares_those_behind_it(queue: Queue, tmp_path: Path) -> None:
    """
    To stop it is to end its process; those behind it run in the next one.
    """
    book = tmp_path / "book"
    running = queue.add("sign", book=str(book), until=str(tmp_path / "never"))
    behind = [queue.add("tell") for _ in range(3)]
    thread = queue.beside(running, *behind)
    wait_until(book.exists, LIMIT_S, "a job that runs")
    running.stop(Stop.CANCEL)
    ended_of(thread)

    assert (Stop.CANCEL, None) == (running.ended.stopped, running.ended.failure)
    assert int(book.read_text()) not in {payload(run)["pid"] for run in behind}


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("why", list(Stop))
def test_a_stop_that_comes_too_late_spares_the_job_that_runs_by_then(
    queue: Queue, tmp_path: Path, why: Stop
) -> None:
    """
    A job has ended, which was not heard yet, and is stopped: the one that runs now does not pay for it.
    """
    book, until = tmp_path / "book", tmp_path / "until"
    ended = [queue.add("tell") for _ in range(2)]
    running, behind = queue.add("sign", book=str(book), until=str(until)), queue.add("tell")
    thread = threading.Thread(target=queue.keeper.wait, args=(LIMIT_S,), daemon=True)
    thread.start()
    wait_until(book.exists, LIMIT_S, "a job that runs")
    ended[0].stop(why)
    ended_of(thread)
    until.touch()
    queue.wait_for(running, behind)

    assert [None, None] == [run.ended.failure for run in (running, behind)]
    assert all(payload(run) for run in (*ended, running, behind))


@pytest.mark.usefixtures("patient")
def test_a_signal_that_comes_too_late_spares_the_job_that_it_hits(queue: Queue, tmp_path: Path) -> None:
    """
    A job was to be stopped, and ended as others did before the signal came: that ended one which runs again.
    """
    books, untils = [[tmp_path / f"{what}{n}" for n in range(2)] for what in ("book", "until")]
    stopped, between, hit = (
        queue.add("sign", book=str(books[0]), until=str(untils[0])),
        queue.add("tell"),
        queue.add("sign", book=str(books[1]), until=str(untils[1]), mib=0.01),
    )
    last = queue.add("tell")
    thread = queue.beside(last)
    wait_until(books[0].exists, LIMIT_S, "a job that runs")
    assert queue.keeper._link is not None
    keeper = queue.keeper._link._process.pid
    os.kill(keeper, signal.SIGSTOP)
    stopped.stop(Stop.CANCEL)
    wait_until(lambda: stopped.signalled, LIMIT_S, "a signal")
    last.stop(Stop.GIVE_BACK)
    ended_of(thread)
    untils[0].touch()
    wait_until(books[1].exists, LIMIT_S, "the job after the next")
    os.kill(keeper, signal.SIGCONT)
    wait_until(lambda: not is_alive(int(books[1].read_text())), LIMIT_S, "the signal that comes")
    untils[1].touch()
    ended = queue.wait_for(hit)

    assert [stopped, between, hit] == ended
    assert all(payload(run) for run in ended)
    assert {f"{payload(hit)}"} == set(hit.ended.log.decode().split())


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("pause_s", [0.0, 0.5])
def test_a_job_that_leaves_processes_behind_does_not_share_its_process(queue: Queue, pause_s: float) -> None:
    """
    What it left is ended before another job runs to its end, and the log of the job says so.
    """
    leaving = queue.add("spawn", children=1)
    behind = queue.add("tell")
    queue.wait_for(leaving, behind, pause_s=pause_s)

    assert [] == [pid for pid in payload(leaving) if is_alive(pid)]
    assert [1, 0] == [len(run.ended.warnings) for run in (leaving, behind)]
    assert "left running were ended" in leaving.ended.warnings[0]


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize(
    "lie",
    [
        {"hex": "ffffffff"},
        {"text": '{"job": 3, "result": {"kind": "echo", "payload": 1}}'},  # of the job behind it
        {"text": '{"job": 2}'},
    ],
)
def test_an_engine_that_lies_fails_its_own_job(queue: Queue, lie: dict[str, str]) -> None:
    """
    What is no answer to the job that runs fails that job; those behind it run in the next process.
    """
    lying = queue.add("send", **lie, then="sleep")
    behind = queue.add("tell")
    queue.wait_for(lying, behind)

    assert lying.ended.failure is not None
    assert "the engine sent what is not a result" == lying.ended.failure.message
    assert payload(behind)["pid"] > 0


def test_a_job_for_a_process_that_has_died_is_dropped(queue: Queue) -> None:
    """
    What was sent to one child and arrives at the next is not run a second time.
    """
    link = queue.keeper._link
    assert link is not None
    stale = Task(b'{"kind": "echo", "payload": {"do": "die", "code": 1}}', LIMITS, None, print)
    link.jobs.send(stale.frame(99, child=1))
    run = queue.add("tell")
    queue.wait_for(run)

    assert payload(run)["pid"] == link.child


@pytest.mark.usefixtures("patient")
def test_an_error_of_the_callers_ends_all(queue: Queue) -> None:
    """
    What `on_progress` raises comes out of `wait`; the keeper has no job after that, and takes new ones.
    """

    def refuse(_: Progress) -> None:
        raise RuntimeError("no room")

    spec = b'{"kind": "echo", "payload": {"do": "tell", "steps": 1}}'
    queue.keeper.start(Task(spec, LIMITS, None, on_progress=refuse))
    queue.add("tell")
    with pytest.raises(RuntimeError, match="no room"):
        queue.keeper.wait()
    after = queue.add("tell")
    queue.wait_for(after)

    assert payload(after)["pid"] > 0
