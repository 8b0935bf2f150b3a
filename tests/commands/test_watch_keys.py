"""Keys in the live view of `nox watch`, and the terminal as it is left, whatever ends the view."""

from __future__ import annotations

import re
import signal
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.support.ended import water
from tests.support.nox import Nox
from tests.support.stores import ADA, claim, failed, outcome, submit
from tests.support.terminal import Terminal
from tests.support.waiting import wait_until
from workers.job import JobState, Progress
from workers.store.opening import open_store
from workers.store.settings import StoreSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import StartRedis
    from tests.support.redis_server import RedisServer
    from workers.store.base import Store

LIMIT_S = 60.0
FOOTER = "q leave  f failed only  ? keys"
# Keys that have no meaning: arrows, functions, the mouse in three forms, an answer of the terminal, Alt-q,
# pasted text in which every key is, and letters.
SEQUENCES = (
    "\x1b[A\x1bOB\x1b[1;5C\x1b[15~\x1b[[A", "\x1b[M q?\x1b[<35;12;7M\x1b[32;12;7M",
    "\x1b]11;rgb:ff/ff/ff\x1b\\", "\x1bq", "\x1b[200~q f ? \x1b[A q\nq\x1b[201~", "jkG:x\r\n\t\x7f",
)  # fmt: skip
# Run by Python at its start: nox stops by Ctrl-Z once there is a file.
SLOW_STOP = """
import pathlib, signal, time
stop, go = signal.raise_signal, pathlib.Path(__file__).with_name("go")
def stop_later(number):
    while number == signal.SIGTSTP and not go.exists():
        time.sleep(0.02)
    stop(number)
signal.raise_signal = stop_later
"""
ENDS: dict[str, tuple[Callable[[Terminal], None], int]] = {
    "q": (lambda terminal: terminal.write("q"), 8),
    "Ctrl-C": (lambda terminal: terminal.write("\x03"), 130),
    "SIGTERM": (lambda terminal: terminal.signal(signal.SIGTERM), 143),
    "SIGHUP": (lambda terminal: terminal.signal(signal.SIGHUP), -signal.SIGHUP),
    "Ctrl-backslash": (lambda terminal: terminal.write("\x1c"), -signal.SIGQUIT),
}


def wait_for_line(terminal: Terminal, text: str) -> None:
    """Wait until a line on the terminal begins with a text."""
    wait_until(
        lambda: any(line.startswith(text) for line in terminal.lines),
        LIMIT_S,
        lambda: f"{text!r} in:\n" + "\n".join(terminal.lines),
    )


def wait_for_echo(terminal: Terminal, *, is_on: bool) -> None:
    """Wait until the terminal echoes keys, or no longer."""
    wait_until(lambda: terminal.echoes == is_on, LIMIT_S, lambda: f"echo {is_on}: {terminal.text}")


@pytest.mark.parametrize("how", ENDS)
def test_terminal_modes_are_restored(nox: Nox, store: Store, how: str) -> None:
    """
    Keys are not echoed while the view is drawn; however it ends, they are afterwards, with the cursor shown,
    the drawing left, and no line about keys.
    """
    end, code = ENDS[how]
    submit(store, water("cat"))
    with Terminal(nox, "watch", "1") as terminal:
        wait_for_line(terminal, FOOTER)
        assert not terminal.echoes
        end(terminal)
        ended = terminal.end()

        assert terminal.echoes
        assert ended == code
        assert terminal.text.count("\x1b[?25h") == terminal.text.count("\x1b[?25l") == 1
        assert terminal.text.count("\x1b[?2004h") == terminal.text.count("\x1b[?2004l") == 1
        assert terminal.lines[0].startswith("1 cat  3 atoms")
        assert FOOTER not in terminal.lines
    assert {JobState.QUEUED: 1} == dict(store.counts())


@pytest.fixture
def server_nox(fresh_redis: StartRedis, home: Path) -> Iterator[tuple[RedisServer, Nox]]:
    """A nox of ada's with a job that runs, and a Redis of its own."""
    server = fresh_redis()
    nox = Nox(home, server.url)
    nox.environ["NOX_USER"] = ADA
    with closing(open_store(StoreSettings(server.url, "nox:", nox.home))) as store:
        submit(store, water("cat"))
        claim(store)
    yield server, nox
    server.thaw()
    nox.close()


def test_terminal_modes_are_restored_after_an_error(server_nox: tuple[RedisServer, Nox]) -> None:
    """
    A view that the store refuses from some time on leaves the terminal as it was.
    """
    server, nox = server_nox
    with Terminal(nox, "watch", "1") as terminal:
        wait_for_line(terminal, FOOTER)
        with server.client() as client:
            client.config_set("requirepass", "secret")
            client.client_kill_filter(_type="normal")
        assert 4 == terminal.end()

        assert terminal.echoes
        assert any(line.startswith("error: ") for line in terminal.lines)


def test_q_leaves_with_the_outcome_so_far(nox: Nox, store: Store) -> None:
    """
    The exit code is 1 where a job has failed; nothing on the terminal calls it an error or an interrupt.
    """
    submit(store, water("cat"), water("int1"))
    store.finish(claim(store).lease, failed())
    with Terminal(nox, "watch", "1-2") as terminal:
        wait_for_line(terminal, FOOTER)
        terminal.write("q")
        assert 1 == terminal.end()

        assert not any("error" in line or "interrupted" in line for line in terminal.lines)


def test_keys_are_listed_in_place(nox: Nox, store: Store) -> None:
    """
    `?` writes what keys do in place of the last line, and again hides it; `f` says what it will do next.
    """
    submit(store, water("cat"))
    with Terminal(nox, "watch", "1") as terminal:
        wait_for_line(terminal, FOOTER)
        before = terminal.lines
        terminal.write("?")
        wait_for_line(terminal, "q       leave; the jobs continue")
        listed = terminal.lines
        terminal.write("?")
        wait_for_line(terminal, FOOTER)
        after = terminal.lines
        terminal.write("f")
        wait_for_line(terminal, "q leave  f all jobs  ? keys")
        terminal.write("ff")
        wait_for_line(terminal, "q leave  f all jobs  ? keys")

    assert [*before[:-1], listed[-6]] == listed[:-5]
    assert before[:1] == after[:1]
    assert len(before) == len(after)


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_keys_without_a_meaning_do_nothing(nox: Nox, store: Store, sequence: str) -> None:
    """
    Sequences of special keys and of the mouse, and text that is pasted, are swallowed; the next key counts.
    """
    submit(store, water("cat"))
    with Terminal(nox, "watch", "1") as terminal:
        wait_for_line(terminal, FOOTER)
        drawn = len(terminal.lines)
        terminal.write(f"{sequence}f")
        wait_for_line(terminal, "q leave  f all jobs  ? keys")
        assert len(terminal.lines) == drawn


def test_keys_are_heard_while_the_store_does_not_answer(server_nox: tuple[RedisServer, Nox]) -> None:
    """
    A key takes effect at once, whatever is read from the store meanwhile; so does `q`.
    """
    server, nox = server_nox
    with Terminal(nox, "watch", "1") as terminal:
        wait_for_line(terminal, FOOTER)
        server.freeze()
        terminal.write("?")
        wait_for_line(terminal, "q       leave; the jobs continue")
        terminal.write("q")
        assert 8 == terminal.end()


def test_stopped_the_terminal_is_as_it_was(nox: Nox, store: Store) -> None:
    """
    After Ctrl-Z the terminal echoes keys for the shell; after `fg` it does not, and keys count again.
    """
    submit(store, water("cat"))
    with Terminal(nox, "watch", "1", script='"$@"; read go; fg') as terminal:
        wait_for_line(terminal, FOOTER)
        terminal.write("\x1a")
        wait_for_echo(terminal, is_on=True)
        terminal.write("q\n")
        wait_for_echo(terminal, is_on=False)
        terminal.write("?")
        wait_for_line(terminal, "q       leave; the jobs continue")
        terminal.write("q")
        assert 8 == terminal.end()
        assert terminal.echoes


def test_keys_after_ctrl_z_are_for_the_shell(nox: Nox, store: Store, tmp_path: Path) -> None:
    """
    Also those that are typed before nox has stopped: it reads none once the terminal is as it was.
    """
    submit(store, water("cat"))
    (tmp_path / "sitecustomize.py").write_text(SLOW_STOP)
    env = {"PYTHONPATH": str(tmp_path)}
    with Terminal(nox, "watch", "1", script='"$@"; read go; echo "got $go"; fg', env=env) as terminal:
        wait_for_line(terminal, FOOTER)
        terminal.write("\x1a")
        wait_for_echo(terminal, is_on=True)
        terminal.write("q\n")
        (tmp_path / "go").touch()
        wait_for_line(terminal, "got q")
        wait_for_echo(terminal, is_on=False)
        terminal.write("q")
        assert 8 == terminal.end()


def test_in_the_background_it_draws_and_leaves_keys_to_the_shell(nox: Nox, store: Store) -> None:
    """
    Neither keys nor a terminal that stops writers in the background stop it; in the foreground keys count.
    """
    submit(store, water("cat"))
    with Terminal(nox, "watch", "1", script='stty tostop; "$@" & read go; echo "got $go"; fg') as terminal:
        wait_for_line(terminal, "queued; ")
        assert terminal.echoes
        assert FOOTER not in terminal.lines
        claim(store)
        wait_for_line(terminal, "running on node07")
        terminal.write("q\n")
        wait_for_line(terminal, "got q")
        wait_for_line(terminal, FOOTER)
        assert not terminal.echoes
        terminal.write("q")
        assert 8 == terminal.end()


def test_terminal_modes_are_restored_when_the_shell_is_killed(nox: Nox, store: Store) -> None:
    """
    A view whose shell was killed ends, and leaves the terminal as it was.
    """
    submit(store, water("cat"))
    with Terminal(nox, "watch", "1", script='"$@"; true') as terminal:
        wait_for_line(terminal, FOOTER)
        terminal.process.kill()
        wait_for_echo(terminal, is_on=True)


def test_without_a_keyboard_it_is_drawn(nox: Nox, store: Store) -> None:
    """
    Where stdin is no terminal the view is drawn without keys, and the terminal keeps its modes.
    """
    submit(store, water("cat"))
    with Terminal(nox, "watch", "1", stdin=subprocess.DEVNULL) as terminal:
        wait_for_line(terminal, "queued; ")
        assert terminal.echoes
        assert FOOTER not in terminal.lines
        terminal.resize(60, 24)
        store.finish(claim(store).lease, outcome())
        assert 0 == terminal.end()


def test_only_lines_that_changed_are_written(nox: Nox, store: Store) -> None:
    """
    Every drawing is one synchronised update; what stays is not written again.
    """
    submit(store, water("cat"))
    lease = claim(store).lease
    with Terminal(nox, "watch", "1") as terminal:
        for step in range(1, 6):
            store.progress(lease, Progress(None, "opt", step, -5.0 - step, -1e-3, 1e-2))
            wait_for_line(terminal, f"   {step}  -{5 + step}.00000000")
        store.finish(lease, outcome())
        assert 0 == terminal.end()

        written, drawn = terminal.text, len(terminal.drawings)

    outside = re.sub(r"\x1b\[\?2026h.*?\x1b\[\?2026l", "", written, flags=re.DOTALL)
    assert written.count("1 cat  3 atoms") == 1
    assert written.count("\x1b[?2026h") == written.count("\x1b[?2026l") == drawn
    assert set(re.sub(r"\x1b\[\??\d*[A-Za-z]", "", outside)) <= {"\r", "\n"}
