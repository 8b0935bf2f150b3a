"""The lines of a worker on a terminal."""

from __future__ import annotations

import io
import re
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from nox_cli.render import job_lines
from nox_cli.render.job_lines import JobLines
from nox_cli.render.terminal.out import Out
from nox_cli.session import Streams
from tests.support.waiting import wait_until
from workers.job import Job, JobState, Progress, Reason
from workers.logs import Log, LogForm
from workers.runtime.observer import GIVEN_BACK, LOST

if TYPE_CHECKING:
    from collections.abc import Iterator

CLOCK = re.compile(r"\d\d:\d\d:\d\d  ")


def job(number: int = 2, name: str = "benzene", **changes: object) -> Job:
    """Make the job of an optimisation."""
    plain = {"id": "ab" * 16, "number": number, "kind": "opt", "name": name, "owner": "ada"}
    known = {field: changes.get(field, plain.get(field)) for field in Job._fields if field in changes | plain}
    missing = {field: None for field in Job._fields if field not in known | Job._field_defaults}
    return Job(**known | missing)  # type: ignore[arg-type]


class Terminal:
    """The lines, on a clock that tests set."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.stream = io.StringIO()
        streams = Streams(io.StringIO(), io.StringIO(), self.stream)
        self.lines = JobLines(Out(streams), Log(self.stream, LogForm.PLAIN))

    def end(self, count: int, how: str = JobState.DONE) -> None:
        """Have jobs end."""
        for number in range(count):
            self.lines.ended(job(number), how, 0.5)

    @property
    def text(self) -> list[str]:
        """What was written, without the time of day."""
        return [CLOCK.sub("", line) for line in self.stream.getvalue().splitlines()]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """A terminal whose windows end only as tests let time pass."""
    made: list[Terminal] = []
    monkeypatch.setattr(job_lines, "time", SimpleNamespace(monotonic=lambda: made[0].now_s if made else 0.0))
    made.append(Terminal())
    monkeypatch.setattr(job_lines.JobLines, "_tick", lambda _: None)
    yield made[0]
    made[0].lines.close()


@pytest.mark.parametrize(
    ("ended", "how", "line"),
    [
        (job(progress=Progress(energy_hartree=-15.87964064)), JobState.DONE, "opt  -15.87964064 Eh  2.4 s"),
        (job(reason=Reason.NOT_CONVERGED), JobState.FAILED, "opt  not converged  2.4 s"),
        (job(reason=Reason.USER), JobState.CANCELLED, "opt  by user  2.4 s"),
        (job(), GIVEN_BACK, "opt  2.4 s"),
    ],
)
def test_a_job_has_a_line(terminal: Terminal, ended: Job, how: str, line: str) -> None:
    """A line has the end, number and name, the calculation, the energy or the reason, and the duration."""
    terminal.lines.ended(ended, how, 2.4)

    word = "requeued" if how == GIVEN_BACK else how
    assert re.fullmatch(rf"{word}  2 benzene  {line.replace('by user', '.*')}", terminal.text[0])


def test_many_jobs_are_counted(terminal: Terminal) -> None:
    """Beyond ten in a second jobs are counted; a second with few has lines again after the next."""
    terminal.end(1_212)
    terminal.now_s = 1.0
    terminal.end(12, JobState.CANCELLED)
    terminal.now_s = 2.0
    terminal.end(3)
    terminal.now_s = 3.0
    terminal.end(2)

    ten, rest = terminal.text[:10], terminal.text[10:]
    assert 10 == sum(line.startswith("done  ") for line in ten)
    assert [
        "1,212 done in the last second",
        "12 cancelled in the last second",
        "3 done in the last second",
        "done  0 benzene  opt  0.5 s",
        "done  1 benzene  opt  0.5 s",
    ] == rest


def test_failures_keep_their_lines(terminal: Terminal) -> None:
    """Where jobs are counted, those that fail are still named, ten a second at most."""
    terminal.end(20)
    terminal.now_s = 1.0
    terminal.end(50)
    terminal.end(12, JobState.FAILED)
    terminal.now_s = 2.0
    terminal.end(1)

    assert 10 == sum(line.startswith("failed  ") for line in terminal.text)
    assert "50 done · 12 failed in the last second" == terminal.text[-1]


def test_a_lost_job_is_only_counted(terminal: Terminal) -> None:
    """The log warns of a lost lease and names the job."""
    terminal.end(1, LOST)
    terminal.lines.close()

    assert ["stopped after 0 s: 1 lost"] == terminal.text


def test_the_last_count_waits_for_no_job() -> None:
    """A second with many jobs is counted at its end, though no job follows."""
    terminal = Terminal()
    terminal.end(15)

    wait_until(lambda: "15 done in the last second" in terminal.text, 30, lambda: str(terminal.text))
    terminal.lines.close()


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        (80, "  2 benzene  opt  -15.87964064 Eh  2.4 s"),
        (50, "  2 benzene  -15.87964064 Eh  2.4 s"),
        (43, "  2 benzene  -15.87964064 Eh"),
        (40, "  2 benzene  -15.87964064 Eh"),
        (32, "  2 benze…  -15.87964064 Eh"),
    ],
)
def test_a_line_fits_the_terminal(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, columns: int, line: str
) -> None:
    """A narrow terminal does without calculation, duration and time; end, number and energy stay."""
    monkeypatch.setattr(job_lines, "columns_of", lambda _: columns)
    terminal.lines.ended(job(progress=Progress(energy_hartree=-15.87964064)), JobState.DONE, 2.4)

    written = terminal.stream.getvalue().rstrip("\n")
    assert written.endswith(f"done{line}")
    assert len(written) < columns


@pytest.mark.parametrize(
    ("by", "line"),
    [
        ("", "stopping, 2 running jobs have 30 s to finish"),
        ("SIGINT", "stopping, 2 running jobs have 30 s to finish; Ctrl-C again requeues them now"),
        ("SIGTERM", "SIGTERM: stopping, 2 running jobs have 30 s to finish; Ctrl-C again requeues them now"),
    ],
)
def test_a_stop_is_explained(terminal: Terminal, by: str, line: str) -> None:
    """A person reads what stops the worker, what happens to running jobs, and how to end at once."""
    terminal.lines.stopping(2, 30.0, by)
    terminal.lines.releasing(1)

    assert [line, "requeuing 1 running job"] == terminal.text
