"""`nox worker` on a terminal: lines for a person instead of a log."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.big import write_ice
from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from tests.support.nox import Nox

ECHO = ("--kind", "echo", "--payload", "1", "--no-start")
WATER = Path(__file__).parents[2] / "examples" / "water.xyz"
CLOCK = r"\d\d:\d\d:\d\d  "


def test_a_worker_writes_a_line_a_job(any_nox: Nox) -> None:
    """
    It begins with slots, store and how to stop; each job has a line with its energy; the end counts them.
    """
    any_nox.submit(str(WATER), "--opt", "--name", "water", "--no-start")
    any_nox.submit(str(WATER), "--opt", "--cycles", "1", "--name", "short", "--no-start")
    with Terminal(any_nox, "worker", "--slots", "1", "--burst") as terminal:
        assert 0 == terminal.end()
    lines = terminal.plain.splitlines()

    kind = "redis" if any_nox.redis_url else "local"
    assert lines[0].startswith(f"1 slot, {kind} store ")
    assert "Ctrl-C stops the worker; running jobs get 30 s to finish" in lines
    done, failed, stopped = lines[-3:]
    assert re.fullmatch(rf"{CLOCK}done  1 water  opt  -5\.0705\d{{4}} Eh  \S+ m?s", done)
    assert re.fullmatch(rf"{CLOCK}failed  2 short  opt  not converged  \S+ m?s", failed)
    assert re.fullmatch(rf"{CLOCK}stopped after \S+ m?s: 1 done · 1 failed", stopped)


def test_a_worker_with_a_log_format_writes_a_log(nox: Nox) -> None:
    """
    --log-format asks for the log on a terminal, too.
    """
    nox.submit(*ECHO)
    with Terminal(nox, "worker", "--burst", "--log-format", "text", columns=200) as terminal:
        assert 0 == terminal.end()

    assert re.search(
        r"Z info    done worker=\S+ job=[0-9a-f]{32} number=1 attempt=1 seconds=", terminal.plain
    )
    assert "stopped after" not in terminal.plain


def test_a_worker_warns_in_words(nox: Nox) -> None:
    """
    Warnings of the log are sentences on a terminal.
    """
    with Terminal(nox, "worker", "--burst", "--memory", "100M", columns=200) as terminal:
        assert 0 == terminal.end()

    warning = "warning: jobs ask for 2.0 GiB of memory unless submitted with --memory, and do not fit here"
    assert re.search(rf"^{CLOCK}{re.escape(warning)}$", terminal.plain, re.MULTILINE)


def test_ctrl_c_drains_a_worker_and_again_requeues(nox: Nox) -> None:
    """
    The first Ctrl-C lets running jobs finish and says for how long; the second one requeues them.
    """
    (job_id,) = nox.submit(write_ice(nox.cwd / "ice.xyz"), "--opt", "--no-start")
    with Terminal(nox, "worker", "--slots", "1") as terminal:
        nox.wait(job_id, "running")
        terminal.write("\x03")
        terminal.wait_for("stopping, 1 running job has 30 s to finish; Ctrl-C again requeues it now")
        terminal.write("\x03")
        terminal.wait_for("requeuing 1 running job")
        assert 130 == terminal.end()

    requeued, stopped = terminal.plain.splitlines()[-2:]
    assert re.fullmatch(rf"{CLOCK}requeued  1 ice  opt  .*", requeued)
    assert re.fullmatch(rf"{CLOCK}stopped after .*: 1 requeued", stopped)
