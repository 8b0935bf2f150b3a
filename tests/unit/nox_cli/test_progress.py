"""The line that counts on a terminal."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import struct
import termios
from contextlib import suppress
from typing import TYPE_CHECKING

from nox_cli import progress
from nox_cli.progress import Progress

if TYPE_CHECKING:
    import pytest


class Screen(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        """It is one."""
        return True


def lines(screen: Screen) -> list[str]:
    """List what was on the last line of the screen, one after the other; each is blank before the next."""
    pieces = screen.getvalue().split("\r")[1:]
    blanks, texts = pieces[::2], pieces[1::2]
    assert [""] + [" " * len(f"{text}^C") if text else "" for text in texts[:-1]] == blanks
    return texts


def test_progress_is_written_and_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It counts on one line, which is empty again at the end."""
    monkeypatch.setattr(progress, "_FIRST_S", 0.0)
    monkeypatch.setattr(progress, "_EVERY_S", 0.0)
    screen = Screen()
    with Progress(screen, "cancelling", 2_000) as report:
        report(500)
        report(1_000)

    assert ["cancelling 500 of 2,000", "cancelling 1,000 of 2,000", ""] == lines(screen)


def test_progress_past_its_total_names_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one file with many structures more are read than there are files."""
    monkeypatch.setattr(progress, "_FIRST_S", 0.0)
    monkeypatch.setattr(progress, "_EVERY_S", 0.0)
    screen = Screen()
    with Progress(screen, "inputs read:", 1) as report:
        report(1)
        report(2_000)

    assert ["inputs read: 1 of 1", "inputs read: 2,000", ""] == lines(screen)


def test_progress_is_silent_where_it_is_short() -> None:
    """What ends within 0.4 s shows no line."""
    screen = Screen()
    with Progress(screen, "cancelling", 2) as report:
        report(1)

    assert not screen.getvalue()


def test_progress_is_silent_off_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe gets none of it."""
    monkeypatch.setattr(progress, "_FIRST_S", 0.0)
    monkeypatch.setattr(progress, "_EVERY_S", 0.0)
    pipe = io.StringIO()
    for stream in (pipe, None):
        with Progress(stream, "cancelling") as report:
            report(1)

    assert not pipe.getvalue()


def test_progress_can_be_cleared_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Output that comes in between begins on an empty line, and the count goes on after it."""
    monkeypatch.setattr(progress, "_FIRST_S", 0.0)
    monkeypatch.setattr(progress, "_EVERY_S", 0.0)
    monkeypatch.setattr(progress, "_SOON_S", 0.0)
    screen = Screen()
    with Progress(screen, "searched") as report:
        report(1)
        report.clear()
        report.clear()
        report(2)

    assert ["searched 1", "", "searched 2", ""] == lines(screen)


def test_progress_fits_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line is cut to the columns of the terminal but one, so that it can be removed again."""
    monkeypatch.setattr(progress, "_FIRST_S", 0.0)
    near, far = pty.openpty()
    fcntl.ioctl(near, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 20, 0, 0))
    with (
        os.fdopen(far, "w", encoding="ascii") as screen,
        Progress(screen, "handing over jobs", 2_000) as report,
    ):
        report(1)
        written = os.read(near, 100)
    os.close(near)

    assert b"\r\rhanding over jobs 1" == written


def test_progress_of_several_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part follows another in the same line."""
    monkeypatch.setattr(progress, "_FIRST_S", 0.0)
    monkeypatch.setattr(progress, "_EVERY_S", 0.0)
    screen = Screen()
    with Progress(screen) as report:
        report.begin("reading files", 10)
        report(3)
        report.begin("written:")
        report(1)

    assert ["reading files 3 of 10", "written: 1", ""] == lines(screen)


def test_progress_is_removed_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C and errors are reported on an empty line."""
    monkeypatch.setattr(progress, "_FIRST_S", 0.0)
    screen = Screen()
    with suppress(KeyboardInterrupt), Progress(screen, "searched") as report:
        report(1)
        raise KeyboardInterrupt

    assert ["searched 1", ""] == lines(screen)
