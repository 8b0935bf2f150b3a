"""`--bell` and `--notify` of `nox wait` and `nox watch`: how a person hears that jobs have ended."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.programs import write_program
from tests.support.stores import claim, failed, outcome, run_to_end, submit_named
from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from tests.support.nox import Nox
    from workers.store.base import Store

PLACEHOLDERS = "{batch} {state} {total} {completed} {failed} {cancelled} {left} {x} $HOME"
BELL = "\a"


def noting(nox: Nox, text: str = PLACEHOLDERS, *, code: int = 0) -> str:
    """Write a command that notes its argument in a file, one line a run, and ends with a code."""
    noted = nox.cwd / "noted"
    script = (
        f"import sys; open({str(noted)!r}, 'a').write(sys.argv[1] + '\\n'); print('said'); sys.exit({code})"
    )
    return shlex.join([sys.executable, "-c", script, text])


def notes(nox: Nox) -> list[str]:
    """Read what such commands have noted."""
    noted = nox.cwd / "noted"
    return noted.read_text().splitlines() if noted.exists() else []


@pytest.mark.parametrize("words", ["wait", "wait --json", "watch", "watch --json", "watch --compact"])
def test_notify_runs_a_command_once_at_the_end(any_nox: Nox, any_store: Store, words: str) -> None:
    """
    It gets counts, state and batch, no shell; its output is no output of nox, and the exit code stays.
    """
    good, bad, gone = submit_named(any_store, "a b c", batch="screen")
    run_to_end(any_store, good)
    run_to_end(any_store, bad, failed())
    any_store.cancel([gone], owner=None)
    ended = any_nox(*words.split(), "1-3", "--notify", noting(any_nox))

    assert (1, ["screen failed 3 1 1 1 0 {x} $HOME"]) == (ended.returncode, notes(any_nox))
    assert "said" not in ended.stdout
    assert "said\n" == ended.stderr


def test_notify_at_the_end_of_a_wait_that_leaves_jobs(nox: Nox, store: Store) -> None:
    """
    It runs when the time is up too, and once the first has finished; jobs of two batches name none.
    """
    done, *_ = [*submit_named(store, "a", batch="x"), *submit_named(store, "b", batch="y")]
    run_to_end(store, done)
    nox("wait", "1-2", "--timeout", "3", "--notify", noting(nox))
    nox("wait", "1-2", "--any", "--notify", noting(nox))

    assert [" pending 2 1 0 0 1 {x} $HOME"] * 2 == notes(nox)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nix 'a", "--notify cannot be read: no closing quotation"),
        ("no-such-program {batch}", "--notify: there is no program 'no-such-program'"),
        (" ", "--notify: there is no program ' '"),
    ],
)
@pytest.mark.parametrize("command", ["wait", "watch"])
def test_notify_that_cannot_run_is_refused_before_the_wait(
    nox: Nox, store: Store, command: str, text: str, says: str
) -> None:
    """
    What is no program is refused at once, not after the jobs have run for hours.
    """
    submit_named(store, "waits")
    ended = nox(command, "1", "--notify", text)

    assert 2 == ended.returncode
    assert ended.stderr.startswith(f"error: {says}\n")
    assert 2 == len(ended.stderr.splitlines())


def test_notify_runs_no_program_that_a_job_names(nox: Nox, store: Store) -> None:
    """
    Values are put into the arguments of the command, never into its first word.
    """
    (job_id,) = submit_named(store, "a", batch="theirs")
    run_to_end(store, job_id)
    for name in ("{batch}", "theirs"):
        write_program(nox.cwd / name, f"#!/bin/sh\necho ran '{name}' $1\n")

    ended = nox("wait", "1", "--notify", f"{nox.cwd}/{{batch}} {{batch}}")
    assert "ran {batch} theirs\n" == ended.stderr


def test_notify_that_fails_is_one_line(nox: Nox, store: Store) -> None:
    """
    The exit code of nox is that of the jobs.
    """
    (job_id,) = submit_named(store, "a")
    run_to_end(store, job_id)
    script = write_program(nox.cwd / "no-program", "\0")
    ended = [nox("wait", "1", "--notify", text) for text in (noting(nox, code=3), str(script))]

    assert [0, 0] == [one.returncode for one in ended]
    assert f"said\nwarning: --notify: {sys.executable} ended with code 3\n" == ended[0].stderr
    assert f"warning: --notify: {script} cannot be run: exec format error\n" == ended[1].stderr


@pytest.mark.parametrize(("key", "code"), [("q", 8), ("\x03", 130)])
def test_notify_is_not_for_a_reader_who_left(nox: Nox, store: Store, key: str, code: int) -> None:
    """
    Neither after `q` nor after Ctrl-C a command runs or the bell rings.
    """
    submit_named(store, "waits")
    with Terminal(nox, "watch", "1", "--bell", "--notify", noting(nox)) as terminal:
        terminal.wait_for("q leave")
        terminal.write(key)
        assert code == terminal.end()
        assert BELL not in terminal.text

    assert [] == notes(nox)


@pytest.mark.parametrize("words", ["wait 1", "wait 1 --json", "watch 1", "watch 1 --json"])
def test_the_bell_rings_once(nox: Nox, store: Store, words: str) -> None:
    """
    It rings on the terminal when the last job has ended, and is not part of what is written to a pipe.
    """
    submit_named(store, "a")
    with Terminal(nox, *words.split(), "--bell") as terminal:
        store.finish(claim(store).lease, outcome())
        assert 0 == terminal.end()
        assert terminal.text.count(BELL) == 1
        assert terminal.text.endswith(BELL)
    ended = nox(*words.split(), "--bell")

    assert BELL not in ended.stdout + ended.stderr
