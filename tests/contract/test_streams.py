"""Data on stdout, the rest on stderr, whatever these are: a pipe, a full disk, nothing, another locale."""

from __future__ import annotations

import array
import fcntl
import re
import signal
import subprocess
import sys
import termios
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.nox import COMMAND
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from tests.support.nox import Nox


def shell(nox: Nox, line: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a line of sh in which `$NOX` is nox."""
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        env=nox.environ | {"NOX": " ".join(COMMAND)} | environ,
        cwd=nox.cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    "words", ["--help", "help exit-codes", "version --json", "completion bash", "config show"]
)
def test_a_reader_that_leaves_is_no_error(nox: Nox, words: str) -> None:
    """
    `nox ... | head -0` is quiet and ends with 0.
    """
    ended = shell(nox, f"$NOX {words} | head -c 0; echo ${{PIPESTATUS[0]}}")

    assert ("0\n", "") == (ended.stdout, ended.stderr)


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_closed_streams_are_no_hindrance(nox: Nox, closed: str) -> None:
    """
    With stdin, stdout or stderr closed nox does its work and ends with its code.
    """
    assert 0 == shell(nox, f"$NOX status {closed}").returncode
    assert 2 == shell(nox, f"$NOX status --no-such {closed}").returncode


def test_a_file_never_takes_the_place_of_a_closed_stream(nox: Nox) -> None:
    """
    After a start with all streams closed, what nox opens next is none of descriptors 0, 1 and 2.
    """
    opened = (
        "import os, nox_cli.main as m; m._hold_standard_descriptors(); os._exit(os.open('/', os.O_RDONLY))"
    )
    ended = shell(nox, f'{sys.executable} -c "{opened}" <&- >&- 2>&-')

    assert ended.returncode > 2


def test_a_full_disk_is_said_and_costs_the_exit_code(nox: Nox) -> None:
    """
    Output that finds no room is an error with words, not a traceback.
    """
    ended = shell(nox, "$NOX version > /dev/full")

    assert 2 == ended.returncode
    assert ended.stderr.startswith("error: the output cannot be written: no space left on device")
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    "locale", [{"LC_ALL": "C"}, {"LC_ALL": "POSIX"}, {"PYTHONIOENCODING": "ascii"}, {"LANG": ""}]
)
def test_streams_no_locale_breaks_the_output(nox: Nox, locale: dict[str, str]) -> None:
    """
    A character the locale lacks is shown as an escape; no codec error anywhere.
    """
    ended = shell(nox, "$NOX submit 'Å\udce4.xyz'; $NOX status --nö; $NOX help states", **locale)

    assert "Traceback" not in ended.stderr
    assert "codec" not in ended.stderr
    assert "queued" in ended.stdout


def test_control_characters_of_a_command_line_are_shown(nox: Nox) -> None:
    """
    What a person's own words do to an error message is nothing: escapes are shown.
    """
    ended = nox("status", "--\x1b[31mred\x07")

    assert r"\x1b[31mred\x07" in ended.stderr
    assert "\x1b" not in ended.stderr


@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_a_signal_ends_the_view_and_says_what_goes_on(
    nox: Nox, number: signal.Signals, code: int, word: str
) -> None:
    """
    Ctrl-C and SIGTERM end a view with 130 and 143; stderr says that jobs go on, and how to go on looking.
    """
    job = nox("submit", "--kind", "echo", "--payload", "1", "--no-start", check=True).stdout.strip()
    view = nox.popen("watch", job)
    assert view.stdout
    assert "queued" in view.stdout.readline()

    view.send_signal(number)
    _, said = view.communicate(timeout=20)

    assert code == view.returncode
    assert said.startswith(f"{word}; jobs go on\nhint: go on with nox watch")


def handles_signals(pid: int) -> bool:
    """Whether a process has taken SIGTERM in hand."""
    caught = re.search(r"^SigCgt:\s*(\w+)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return caught is not None and bool(int(caught[1], 16) >> (signal.SIGTERM - 1) & 1)


@pytest.mark.parametrize("words", ["list --limit 3000", "watch @all --json", "watch @all"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_reader_that_does_not_read_holds_no_command_up(
    nox: Nox, number: signal.Signals, words: str
) -> None:
    """
    Told to end while its output finds no room in a pipe, nox ends, with the signal's code.
    """
    nox("submit", "--no-start", "-", input='{"kind":"echo","payload":1,"name":"n"}\n' * 3_000, check=True)
    blocked = nox.popen(*words.split())
    assert blocked.stdout is not None
    pipe = blocked.stdout.fileno()
    # 64 KiB of pages, not all of them filled to the brim.
    wait_until(lambda: held(pipe) > 40_000, 30, "the pipe to be full")

    blocked.send_signal(number)

    assert 128 + number == blocked.wait(20)


def held(pipe: int) -> int:
    """How many bytes lie in a pipe."""
    count = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, count)
    return count[0]
