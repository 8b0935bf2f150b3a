"""Readers that leave, closed streams, terminals that can do little: the work is done all the same."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.support.examples import EXAMPLES
from tests.support.nox import COMMAND
from tests.support.terminal import Terminal
from tests.support.tmux import Tmux
from tests.support.waiting import wait_until
from workers.job import JobState

if TYPE_CHECKING:
    from tests.support.nox import Nox
    from workers.store.base import Store

MANY = 10_000
LONG = (
    "list --limit 3000", "list --limit 3000 -o csv", "list -q --limit 3000", "status @all",
    "status @all --json", "watch @all --json",
)  # fmt: skip
WORK = (
    "submit w.xyz --sp --no-start -q", "worker --slots 1 --idle-timeout 0.2", "run --kind echo --payload 1",
    "submit --kind echo --no-start", "list", "status 1", "results 1", "cancel 3", "wait 1",
)  # fmt: skip


def shell(nox: Nox, line: str, **environ: str | None) -> subprocess.CompletedProcess[str]:
    """Run a line of sh in which `$NOX` is nox; a variable that is None is taken out."""
    env = {**nox.environ, "NOX": " ".join(COMMAND), **environ}
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        env={name: value for name, value in env.items() if value is not None},
        cwd=nox.cwd, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def fill(nox: Nox, count: int) -> None:
    """Submit jobs with names long enough to fill more than a pipe holds."""
    requests = nox.cwd / "many.ndjson"
    requests.write_text(f'{{"kind": "echo", "name": "{"n" * 80}"}}\n' * count)
    nox("submit", str(requests), "--no-start", "-q", check=True)


def test_a_reader_that_has_seen_enough(nox: Nox) -> None:
    """
    Whatever lists more than its reader wants is quiet and ends with 0, in each form of output.
    """
    fill(nox, 3_000)
    said = {words: shell(nox, f"$NOX {words} | head -n 1; echo ${{PIPESTATUS[0]}}") for words in LONG}

    assert dict.fromkeys(LONG, "0") == {words: ended.stdout.split()[-1] for words, ended in said.items()}
    assert dict.fromkeys(LONG, "") == {words: ended.stderr for words, ended in said.items()}


def test_closed_streams_keep_nobody_from_work(nox: Nox) -> None:
    """
    With all streams closed jobs are submitted, run by a worker and in the foreground, listed and cancelled.
    """
    (nox.cwd / "w.xyz").write_bytes((EXAMPLES / "water.xyz").read_bytes())
    codes = {line: shell(nox, f"$NOX {line} <&- >&- 2>&-").returncode for line in WORK}

    assert dict.fromkeys(WORK, 0) == codes
    with nox.store() as store:
        assert {JobState.DONE: 2, JobState.CANCELLED: 1} == dict(store.counts())


@pytest.mark.parametrize(
    "environ",
    [
        {"TERM": None},
        {"TERM": "dumb"},
        {"TERM": "no-such-terminal"},
        {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LANG": "xx_YY.latin1"},
        {"PYTHONIOENCODING": "ascii:strict"},
        {"COLUMNS": "nonsense", "HOME": None},
    ],
)
def test_terminals_no_environment_breaks_output(nox: Nox, environ: dict[str, str | None]) -> None:
    """
    Names beyond ASCII are listed, watched and told of in any locale and on any terminal, in a pipe or not.
    """
    nox("submit", "--kind", "echo", "--name", "Å-分子", "--no-start", check=True)
    said = [shell(nox, f"$NOX {words}", **environ) for words in ("list", "status 1", "list --nö")]
    with Terminal(nox, "watch", "1", env=environ) as terminal:
        wait_until(lambda: "queued" in terminal.plain, 20, lambda: terminal.text)
        terminal.signal(signal.SIGINT)
        assert 130 == terminal.end()
        said_there = terminal.plain

    everything = said_there + "".join(ended.stdout + ended.stderr for ended in said)
    assert [0, 0, 2] == [ended.returncode for ended in said], everything
    assert "Traceback" not in everything
    assert "codec" not in everything


def has_ended(store: Store, count: int) -> bool:
    """Whether so many jobs are done."""
    return store.counts().get(JobState.DONE, 0) >= count


def test_terminals_ten_thousand_jobs_are_drawn_calmly(nox: Nox) -> None:
    """
    While a worker runs ten thousand jobs and the terminal changes its size, there are at most four drawings
    a second and one for each size, none larger than the terminal.
    """
    fill(nox, MANY)
    began = time.monotonic()
    with Terminal(nox, "watch", "@last", columns=100, lines=20) as terminal:
        terminal.wait_for("0/10")
        worker = nox.worker("--slots", "2")
        for columns in (widths := (60, 120, 40, 80)):
            with nox.store() as store:
                more = 200 + store.counts().get(JobState.DONE, 0)
                wait_until(partial(has_ended, store, more), 60, lambda: worker.log)
            terminal.resize(columns, 20)
        wait_until(lambda: max(map(len, terminal.drawing)) <= 80, 20, "a drawing of the last size")
        took = time.monotonic() - began
        drawings = len(terminal.drawings)
        height = len(terminal.drawing)
        terminal.signal(signal.SIGINT)
        assert 130 == terminal.end()

    assert 2 <= drawings <= 4 * took + 2 + len(widths)
    assert height <= 20


def test_terminals_ten_thousand_jobs_are_left_and_come_back_to(nox: Nox) -> None:
    """
    Ctrl-Z leaves the terminal to the shell while jobs go on; `fg` draws again, with what has ended since.
    """
    fill(nox, MANY)

    def ended(lines: list[str]) -> list[int]:
        found = (re.search(r"\s([\d,]+)/10,000", line) for line in lines)
        return [int(one[1].replace(",", "")) for one in found if one]

    with Tmux(nox, columns=100) as terminal:
        terminal.nox("watch", "@last")
        terminal.wait_until(lambda lines: len(ended(lines)) == 1)
        worker = nox.worker("--slots", "2")
        terminal.wait_until(lambda lines: ended(lines)[-1] > 100)
        terminal.press("C-z")
        stopped = terminal.wait_until(lambda lines: any("Stopped" in line for line in lines))
        with nox.store() as store:
            wait_until(partial(has_ended, store, ended(stopped)[-1] + 300), 60, lambda: worker.log)
        assert ended(stopped) == ended(terminal.lines)
        terminal.type("fg")
        terminal.wait_until(lambda lines: ended(lines)[-1] > ended(stopped)[-1] + 100)
        terminal.press("C-c")
        terminal.wait_until(lambda lines: lines[-1] == "$" and terminal.has_cursor)
