"""The line that counts on a terminal."""

from __future__ import annotations

import io
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


def test_progress_is_written_and_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It counts on one line, which is empty again at the end."""
    monkeypatch.setattr(progress, "_EVERY_S", 0.0)
    screen = Screen()
    with Progress(screen, "cancelling", 2_000) as report:
        report(500)
        report(1_000)

    blank = " " * len("cancelling 1,000 of 2,000")
    assert f"\rcancelling 500 of 2,000\rcancelling 1,000 of 2,000\r{blank}\r" == screen.getvalue()


def test_progress_is_silent_where_it_is_short() -> None:
    """What ends within a quarter of a second shows no line."""
    screen = Screen()
    with Progress(screen, "cancelling", 2) as report:
        report(1)

    assert not screen.getvalue()


def test_progress_is_silent_off_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe gets none of it."""
    monkeypatch.setattr(progress, "_EVERY_S", 0.0)
    pipe = io.StringIO()
    for stream in (pipe, None):
        with Progress(stream, "cancelling") as report:
            report(1)

    assert not pipe.getvalue()


def test_progress_can_be_cleared_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Output that comes in between begins on an empty line, and the count goes on after it."""
    monkeypatch.setattr(progress, "_EVERY_S", 0.0)
    screen = Screen()
    with Progress(screen, "searched") as report:
        report(1)
        report.clear()
        report.clear()
        report(2)

    blank = " " * len("searched 1")
    assert f"\rsearched 1\r{blank}\r\rsearched 2\r{blank}\r" == screen.getvalue()
